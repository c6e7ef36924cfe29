"""A CRM in memory: the smallest connector that can be read and written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from crmrules.contracts.connector import (
    Capabilities,
    Connector,
    Home,
    NativeField,
    NativeObject,
    NativeReceipt,
    NativeWrite,
    Page,
    ReadRequest,
)
from crmrules.model.changes import Result

SETTINGS: Mapping[str, Any] = {
    "type": "object",
    "required": ["records"],
    "additionalProperties": False,
    "properties": {
        "records": {"type": "object", "title": "Rows per object", "additionalProperties": {"type": "array"}}
    },
}
Rows = dict[str, list[dict[str, Any]]]


class Memory(Connector):
    """Rows per object; only fields can be written."""

    capabilities = Capabilities(tags="none", notes="none", deletes="difference")

    def __init__(self, records: Rows) -> None:
        self.records = records

    def describe(self) -> Sequence[NativeObject]:
        return [
            NativeObject(name=name, fields=tuple(NativeField(name=field) for field in rows[0] if rows))
            for name, rows in sorted(self.records.items())
        ]

    def read(self, request: ReadRequest) -> Iterator[Page]:
        rows = self.records.get(request.object, [])
        wanted = [{field: row.get(field) for field in request.fields} for row in rows]
        yield Page(rows=pa.Table.from_pylist(wanted), source=request.object, first_row=1, total=len(rows))

    def ids(self, object: str, key: tuple[str, ...]) -> Iterator[pa.Table]:
        yield pa.Table.from_pylist([{name: row[name] for name in key} for row in self.records.get(object, [])])

    def current(self, wanted: Sequence[NativeWrite]) -> Sequence[str | None]:
        return [self._row(write).get(write.name) for write in wanted]

    def write(self, writes: Sequence[NativeWrite]) -> Sequence[NativeReceipt]:
        return [self._write(write) for write in writes]

    def _write(self, write: NativeWrite) -> NativeReceipt:
        if write.kind != "field":
            return NativeReceipt(result=Result.refused, message=f"no {write.kind}s here")
        row = self._row(write)
        if row.get(write.name) != write.expected:
            return NativeReceipt(result=Result.stale, echo=row.get(write.name))
        row[write.name] = write.value
        return NativeReceipt(result=Result.written, echo=write.value)

    def _row(self, write: NativeWrite) -> dict[str, Any]:
        rows = self.records.get(write.object, [])
        return next((row for row in rows if all(row[k] == v for k, v in write.record_id.items())), {})


def open_memory(settings: Mapping[str, Any], home: Home) -> Memory:
    return Memory(settings["records"])
