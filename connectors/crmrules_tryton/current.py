"""What stands in the CRM at the places that are about to be written, and the versions of their records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmrules.contracts.connector import NativeWrite
from crmrules.model.changes import tag_value
from crmrules_tryton.api import Api
from crmrules_tryton.describe import Models
from crmrules_tryton.notes import Note, notes_on, standing
from crmrules_tryton.objects import MEMBER, PARTY, source_of
from crmrules_tryton.tags import Categories
from crmrules_tryton.values import text_of


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What was read of some records."""

    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # "party.party,12" -> fields
    notes: Mapping[tuple[str, str], Note] = field(default_factory=dict)  # record and title
    others: Mapping[tuple[str, str], tuple[Note, ...]] = field(
        default_factory=dict
    )  # of ours, behind the one that stands
    names: Mapping[int, str] = field(default_factory=dict)  # of categories

    def stamp(self, record: str) -> str:
        """Return the version of a record."""
        return str(self.rows[record]["_timestamp"])


def record_of(write: NativeWrite) -> str:
    """Return a write's record as Tryton refers to it: ``party.party,12``."""
    (id,) = write.record_id.values()
    return f"{source_of(write.object).model},{id}"


@dataclass(frozen=True, kw_only=True)
class Looker:
    """Looks at places."""

    api: Api
    models: Models
    categories: Categories

    def look(self, writes: Sequence[NativeWrite]) -> Standing:
        """Read everything that *writes* are about, a call per model and one for the notes."""
        rows: dict[str, Mapping[str, Any]] = {}
        by_model: dict[str, list[NativeWrite]] = {}
        for write in writes:
            by_model.setdefault(source_of(write.object).model, []).append(write)
        for model, ours in by_model.items():
            rows.update(self._rows(model, ours))
        records = {record_of(w) for w in writes if w.kind == "note"} & rows.keys()
        found = list(notes_on(self.api, sorted(records)))
        stands = standing(found)
        behind: dict[tuple[str, str], tuple[Note, ...]] = {}
        for note in found:
            place = note.record, note.title
            if note.ours and stands[place] is not note:
                behind[place] = (*behind.get(place, ()), note)
        tagged = [id for row in rows.values() for id in row.get("categories") or ()]
        names = self.categories.names(tagged) if tagged else {}
        return Standing(rows=rows, notes=stands, others=behind, names=names)

    def value(self, standing: Standing, write: NativeWrite) -> str | None:
        """Return what stands at the place of *write*; None for nothing, also where its record is gone."""
        record = record_of(write)
        if write.kind == "note":
            note = standing.notes.get((record, write.name))
            return note.body if note else None
        row = standing.rows.get(record)
        if row is None:
            return None
        if write.kind == "tag":
            return tag_value(write.name, [standing.names[id] for id in row.get("categories") or ()])
        return text_of(row.get(write.name), self.models.type_of(source_of(write.object).model, write.name))

    def _rows(self, model: str, writes: Sequence[NativeWrite]) -> Mapping[str, Mapping[str, Any]]:
        known = self.models.fields(model)
        ids = sorted({int(id) for w in writes for id in w.record_id.values() if id.isdigit()})
        if known is None or not ids:
            return {}
        fields = {"id", "_timestamp", *(w.name for w in writes if w.kind == "field" and w.name in known)}
        if model == PARTY and any(w.kind == "tag" for w in writes):
            fields.add("categories")
        domain: list[Any] = [["id", "in", ids], *([list(MEMBER)] if "active" in known else [])]
        found = self.api.call(f"{model}.search_read", domain, 0, None, [["id", "ASC"]], sorted(fields))
        return {f"{model},{row['id']}": row for row in found}
