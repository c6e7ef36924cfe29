"""Short forms for tests that speak to the connector directly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from crmrules.contracts.connector import Connector, NativeReceipt, NativeWrite, Page, ReadRequest
from crmrules.model.changes import Kind

TAGS = ReadRequest(object="Tags", fields=("object", "record_id", "name"), key=("object", "record_id", "name"))


def request(object: str, *fields: str, since: datetime | None = None, tags: bool = False, **more: Any) -> ReadRequest:
    """Ask for *fields* of an object, its id and modified time, and its tags."""
    return ReadRequest(
        object=object, fields=("_id", "last_modified_time", *fields), key=("_id",), since=since,
        modified_field="last_modified_time", children=(TAGS,) if tags else (), **more,
    )  # fmt: skip


def pages(crm: Connector, object: str, *fields: str, **more: Any) -> list[Page]:
    """Return the pages of the object itself."""
    return [p for p in crm.read(request(object, *fields, **more)) if p.object in ("", object)]


def rows(crm: Connector, object: str, *fields: str, **more: Any) -> dict[str, dict[str, Any]]:
    """Return records by id."""
    return {r["_id"]: r for p in pages(crm, object, *fields, **more) for r in p.rows.to_pylist()}


def gone(crm: Connector, object: str, since: datetime) -> set[str]:
    """Return the ids that an incremental read tells as gone."""
    found = [p.gone for p in pages(crm, object, since=since) if p.gone is not None]
    return {id for table in found for id in table.column("_id").to_pylist()}


def tags(crm: Connector, object: str = "AccountObj", since: datetime | None = None) -> dict[str, set[str]]:
    """Return the tags of every record whose tags were read, records without any too."""
    found: dict[str, set[str]] = {}
    for page in crm.read(request(object, since=since, tags=True)):
        if page.object == "Tags":
            assert page.covers is not None
            for id in page.covers.column("record_id").to_pylist():
                found.setdefault(id, set())
            for row in page.rows.to_pylist():
                found[row["record_id"]].add(row["name"])
    return found


def write(kind: Kind, id: str, name: str, value: str | None, object: str = "AccountObj") -> NativeWrite:
    """Return a write that does not know yet what stands there."""
    return NativeWrite(object=object, record_id={"_id": id}, kind=kind, name=name, value=value, expected=None)


def written(crm: Connector, *writes: NativeWrite) -> Sequence[NativeReceipt]:
    """Write as the core does: see what stands there, expect that, write."""
    standing = crm.current(writes)
    return crm.write([replace(w, expected=s) for w, s in zip(writes, standing, strict=True)])


def one_of_each(id: str) -> tuple[NativeWrite, ...]:
    """Return a field, a tag and a note."""
    return (
        write("field", id, "summary__c", "ours 😀"),
        write("tag", id, "seg.value", "high"),
        write("note", id, "客户策略", "第一行\nsecond"),
    )
