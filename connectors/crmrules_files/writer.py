"""Writing: fields into their cells, tags and notes into files of their own, each file replaced at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crmrules.contracts.connector import NativeReceipt, NativeWrite
from crmrules.errors import CrmrulesError
from crmrules.model.changes import Result, tag_text
from crmrules_files import reader
from crmrules_files.cells import change_cells
from crmrules_files.config import NOTES, TAGS, Settings
from crmrules_files.layout import Table, tables
from crmrules_files.replacing import alone
from crmrules_files.rows import RowEdit, change_rows
from crmrules_files.state import State


def write(settings: Settings, root: Path, writes: Sequence[NativeWrite]) -> list[NativeReceipt]:
    """Execute *writes* and answer each, in order.

    Raises RetryLater when another run writes, DataError when the files are wrong; then nothing was written.
    """
    with alone(root):
        batch = _Batch(settings, root, tables(settings), State.load(root), writes)
        return batch.run()


@dataclass
class _Batch:
    settings: Settings
    root: Path
    tables: Mapping[str, Table]
    state: State
    writes: Sequence[NativeWrite]
    receipts: dict[int, NativeReceipt] = field(default_factory=dict)  # by position in the batch

    def run(self) -> list[NativeReceipt]:
        due = self._due()
        for object in sorted({self.writes[i].object for i in due if self.writes[i].kind == "field"}):
            self._fields(object, [i for i in due if self.writes[i].kind == "field" and self.writes[i].object == object])
        self._rows(TAGS, [i for i in due if self.writes[i].kind == "tag"], _tag_edits)
        self._rows(NOTES, [i for i in due if self.writes[i].kind == "note"], _note_edits)
        return [self.receipts[i] for i in range(len(self.writes))]

    def _due(self) -> list[int]:
        """Answer what is refused or stale, and return the positions of the rest."""
        wanted = []
        for i, write in enumerate(self.writes):
            if why := self._refusal(write):
                self.receipts[i] = NativeReceipt(result=Result.refused, message=why)
            else:
                wanted.append(i)
        rows = reader.rows_of(self.tables, [self.writes[i] for i in wanted])
        stands = reader.current(self.tables, [self.writes[i] for i in wanted], rows)
        due = []
        for i, now in zip(wanted, stands, strict=True):
            write = self.writes[i]
            if (write.object, tuple(write.record_id.values())) not in rows:
                self.receipts[i] = NativeReceipt(result=Result.refused, message="there is no such record")
            elif now != (write.expected if write.kind == "tag" else reader.present(write.expected)):
                self.receipts[i] = NativeReceipt(result=Result.stale, echo=now)
            else:
                due.append(i)
        return due

    def _refusal(self, write: NativeWrite) -> str:
        table = self.tables.get(write.object)
        if table is None:
            return f"there is no '{write.object}'"
        missing = [name for name in write.record_id if name not in table.header]
        if missing:
            return f"{table.shown} has no column '{missing[0]}'"
        if write.kind != "field":
            return ""
        if write.name not in table.header:
            return f"{table.shown} has no column '{write.name}': add it to the file's header"
        if write.name in write.record_id:
            return "a key can't be changed"
        if write.object in self.settings.incremental:
            return f"'{write.object}' is read incrementally, so nobody would notice a field that we write"
        return ""

    def _fields(self, object: str, due: list[int]) -> None:
        changes: dict[tuple[str, ...], dict[str, str | None]] = {}
        for i in due:
            write = self.writes[i]
            changes.setdefault(tuple(write.record_id.values()), {})[write.name] = write.value
        key = tuple(self.writes[due[0]].record_id)
        self._answer(due, lambda: change_cells(self.tables[object], key, changes, self.state))

    def _rows(self, name: str, due: list[int], edits: Callable[[Sequence[NativeWrite]], list[RowEdit]]) -> None:
        if due:
            todo = edits([self.writes[i] for i in due])
            self._answer(due, lambda: change_rows(self.settings, self.root, self.tables, name, todo, self.state))

    def _answer(self, due: Sequence[int], act: Callable[[], None]) -> None:
        try:
            act()
        except (CrmrulesError, OSError, UnicodeError) as error:
            receipt = NativeReceipt(result=Result.failed, message=str(error))
            self.receipts.update(dict.fromkeys(due, receipt))
            return
        for i in due:
            write = self.writes[i]
            echo = write.value if write.kind == "tag" else reader.present(write.value)
            self.receipts[i] = NativeReceipt(result=Result.written, echo=echo)


def _tag_edits(writes: Sequence[NativeWrite]) -> list[RowEdit]:
    edits = []
    for write in writes:
        record = reader.hanging_on(write)
        if write.expected is not None:
            edits.append(RowEdit((*record, tag_text(write.name, write.expected)), None))
        if write.value is not None:
            tag = tag_text(write.name, write.value)
            edits.append(RowEdit((*record, tag), {"object": record[0], "record_id": record[1], "name": tag}))
    return edits


def _note_edits(writes: Sequence[NativeWrite]) -> list[RowEdit]:
    edits = []
    for write in writes:
        object, record_id = reader.hanging_on(write)
        row = {"object": object, "record_id": record_id, "title": write.name, "body": write.value or ""}
        edits.append(RowEdit((object, record_id, write.name), row if reader.present(write.value) else None))
    return edits
