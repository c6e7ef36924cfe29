"""How the contract suite speaks to a connector: as the core would, in the connector's native names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from crmrules.contracts.connector import Connector, NativeReceipt, NativeWrite, Page, ReadRequest
from crmrules.model.changes import Kind, tag_text, tag_value
from crmrules.model.objects import FieldType
from crmrules.testing.suite.world import Names, World

Rows = Mapping[str, Mapping[str, Any]]  # record id -> field -> value as the connector handed it out

# A value per type and how a CRM may hand it back; texts that are hard for careless code.
VALUES: Mapping[FieldType, tuple[str, ...]] = {
    FieldType.text: ("a", "江州医院\u3000ICU", "emoji 🏥👩‍⚕️", "quote \" ' ` \\ and <b>tag</b>", "=cmd|' /C calc'!A0", "{{ 7*7 }}"),
    FieldType.integer: ("0", "7", "-12", "1000000"),
    FieldType.number: ("0.5", "-3.25"),
    FieldType.money: ("1234.5", "0.01"),
    FieldType.boolean: ("true", "false"),
    FieldType.date: ("2026-02-28", "2024-02-29"),
}  # fmt: skip


@dataclass(frozen=True)
class Driver:
    """One connection and the names to use."""

    crm: Connector
    names: Names

    @classmethod
    def of(cls, world: World) -> Driver:
        return cls(world.connect(), world.names)

    # ------------------------------------------------------------ reading

    def request(self, *fields: str, since: datetime | None = None, tags: bool = False, **more: Any) -> ReadRequest:
        """Return the request for records of the suite's object."""
        names = self.names
        wanted = (names.key, *(f for f in dict.fromkeys((names.modified, *fields)) if f and f != names.key))
        children = (ReadRequest(object=names.tags, fields=TAG_FIELDS, key=TAG_FIELDS),) if tags else ()
        return ReadRequest(
            object=names.object, fields=wanted, key=(names.key,), since=since, modified_field=names.modified,
            children=children, **more,
        )  # fmt: skip

    def read(self, *fields: str, **more: Any) -> Rows:
        """Read records; the same one twice is kept as it came last, and counted by :meth:`pages`."""
        return rows_of(self.pages(*fields, **more), self.names)

    def pages(self, *fields: str, **more: Any) -> list[Page]:
        """Return the pages of the suite's object itself."""
        return [p for p in self.crm.read(self.request(*fields, **more)) if p.object in ("", self.names.object)]

    def tags(self) -> Mapping[str, set[str]]:
        """Return the tags per record, as they are read: along with their records, or by themselves."""
        names = self.names
        described = {o.name: o for o in self.crm.describe()}
        if described[names.tags].within:
            pages = [p for p in self.crm.read(self.request(tags=True)) if p.object == names.tags]
        else:
            pages = list(self.crm.read(ReadRequest(object=names.tags, fields=TAG_FIELDS, key=TAG_FIELDS)))
        found: dict[str, set[str]] = {}
        for page in pages:
            for row in page.rows.to_pylist():
                if row["object"] == names.object:
                    found.setdefault(row["record_id"], set()).add(row["name"])
        return found

    def ids(self) -> list[str]:
        """Return every key that exists."""
        key = self.names.key
        return [str(v) for table in self.crm.ids(self.names.object, (key,)) for v in table.column(key).to_pylist()]

    def modified(self, id: str) -> datetime:
        """Return the modified time of one record, UTC."""
        found = self.read()[id][self.names.modified]
        assert isinstance(found, datetime), f"{self.names.modified} should be handed out as a time, not {found!r}"
        assert found.tzinfo is not None, f"{self.names.modified} should carry its time zone"
        return found

    # ------------------------------------------------------------ writing

    def field(self, id: str, name: str, value: str | None, expected: str | None = None) -> NativeWrite:
        return self._write("field", id, name, value, expected)

    def tag(self, id: str, prefix: str, value: str | None, expected: str | None = None) -> NativeWrite:
        return self._write("tag", id, prefix, value, expected)

    def note(self, id: str, title: str, value: str | None, expected: str | None = None) -> NativeWrite:
        return self._write("note", id, title, value, expected)

    def _write(self, kind: Kind, id: str, name: str, value: str | None, expected: str | None) -> NativeWrite:
        return NativeWrite(
            object=self.names.object,
            record_id={self.names.key: id},
            kind=kind,
            name=name,
            value=value,
            expected=expected,
        )

    def write(self, *writes: NativeWrite) -> Sequence[NativeReceipt]:
        """Write as the core does: see what stands there, expect that, write, in batches."""
        receipts: list[NativeReceipt] = []
        for batch in _batches(writes, self.crm.capabilities.batch):
            standing = self.crm.current(batch)
            assert len(standing) == len(batch), "current() answers every place"
            answer = self.crm.write([replace(w, expected=s) for w, s in zip(batch, standing, strict=True)])
            assert len(answer) == len(batch), "write() answers every write"
            receipts += answer
        return receipts

    def current(self, write: NativeWrite) -> str | None:
        """Return what stands at the place of *write*."""
        return self.crm.current([write])[0]


TAG_FIELDS = ("object", "record_id", "name")


def rows_of(pages: Sequence[Page], names: Names) -> Rows:
    """Return the records of *pages* by id."""
    return {str(row[names.key]): row for page in pages for row in page.rows.to_pylist()}


def undone(writes: Sequence[NativeWrite], receipts: Sequence[NativeReceipt]) -> list[NativeWrite]:
    """Return the writes that take *writes* back; each expects what its receipt echoed."""
    return [replace(w, value=w.expected, expected=r.echo) for w, r in zip(writes, receipts, strict=True)][::-1]


def same(type: FieldType, wanted: str, found: str | None) -> bool:
    """Tell whether a CRM's spelling of a value means the wanted one."""
    if found is None:
        return False
    if type.is_numeric:
        return float(found) == float(wanted)
    if type is FieldType.boolean:
        return found.lower() in (("true", "1") if wanted == "true" else ("false", "0"))
    return found == wanted


def tag_there(tags: set[str], prefix: str, value: str) -> bool:
    """Tell whether the tag that we write as *prefix* and *value* is among *tags*, and no other of that prefix."""
    return tag_text(prefix, value) in tags and tag_value(prefix, tags) == value


def _batches(writes: Sequence[NativeWrite], size: int) -> Iterator[Sequence[NativeWrite]]:
    for start in range(0, len(writes), max(1, size)):
        yield writes[start : start + size]
