"""Which objects we speak of, and what each is in Tryton."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crmrules.model.objects import FieldType

ACCOUNT, CONTACT = "party.party/account", "party.party/contact"
DEAL, DEAL_CONTACT = "sale.opportunity", "sale.opportunity/contact"
ACTIVITY, PARTICIPANT = "ir.note/activity", "ir.note/participant"
NOTES, TAGS = "Notes", "Tags"
SALE, LINE, USER = "sale.sale", "sale.line", "res.user"
PARTY, NOTE, CATEGORY = "party.party", "ir.note", "party.category"

MODIFIED = "last_modified_at"  # 8.x has a field of that name, 7.0 the two that it is made of
MEMBER = ("active", "in", [True, False])  # also what is not active

_T = FieldType
_ORDERED = ["confirmed", "processing", "done", "cancelled"]  # a draft or a quotation is no order


@dataclass(frozen=True, kw_only=True)
class Source:
    """An object of ours: records of ``model`` that fit ``domain``, with further columns that we compute."""

    model: str
    computed: Mapping[str, FieldType] = field(default_factory=dict)
    domain: tuple[Any, ...] = ()
    within: tuple[str, ...] = ()
    own_columns: bool = False  # it shows only the computed columns, not the fields of the model
    label: str = ""


_MODIFIED = {MODIFIED: _T.timestamp}

SOURCES: Mapping[str, Source] = {
    ACCOUNT: Source(
        model=PARTY, label="Parties that are organisations",
        computed={**_MODIFIED, "country": _T.text, "province": _T.text, "city": _T.text},
    ),
    CONTACT: Source(
        model=PARTY, label="Parties that are persons",
        computed={
            **_MODIFIED, "organisation": _T.text, "relation": _T.text, "superior": _T.text, "status": _T.text,
            "left_on": _T.date,
        },
    ),
    DEAL: Source(model=DEAL, computed={**_MODIFIED, "account": _T.text, "owner": _T.text}),
    DEAL_CONTACT: Source(
        model=DEAL, within=(DEAL,), own_columns=True, computed={"opportunity": _T.text, "party": _T.text},
        label="Persons in opportunities",
    ),
    ACTIVITY: Source(
        model=NOTE, own_columns=True, label="Notes that people wrote",
        computed={
            **_MODIFIED, "id": _T.text, "account": _T.text, "opportunity": _T.text, "message": _T.text,
            "create_date": _T.timestamp, "user": _T.text,
        },
    ),
    PARTICIPANT: Source(
        model=NOTE, within=(ACTIVITY,), own_columns=True, computed={"note": _T.text, "party": _T.text},
        label="Persons on whom a note was written",
    ),
    SALE: Source(
        model=SALE, computed={**_MODIFIED, "account": _T.text, "person": _T.text, "opportunity": _T.text},
        domain=(("state", "in", _ORDERED),),
    ),
    LINE: Source(
        model=LINE, computed=_MODIFIED, domain=(("type", "=", "line"), ("sale.state", "in", _ORDERED)),
    ),
    NOTES: Source(
        model=NOTE, own_columns=True, label="Notes",
        computed={
            **_MODIFIED, "id": _T.text, "object": _T.text, "record_id": _T.text, "title": _T.text, "body": _T.text,
            "author": _T.text,
        },
    ),
    TAGS: Source(
        model=CATEGORY, within=(ACCOUNT, CONTACT), own_columns=True, label="Categories of parties",
        computed={"object": _T.text, "record_id": _T.text, "name": _T.text},
    ),
    USER: Source(model=USER, computed=_MODIFIED),
}  # fmt: skip


def source_of(object: str) -> Source:
    """Return what a native object is; a model of the client's own is read as it is."""
    return SOURCES.get(object) or Source(model=object, computed=_MODIFIED)
