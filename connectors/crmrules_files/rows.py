"""Rows of tags.csv and notes.csv: added, updated, removed, everything else kept as it stands.

A row is put behind the last one that does not sort after it, so a row that is removed and made
again comes back to its place, and undoing restores the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crmrules.model.changes import AUTHOR
from crmrules_files.config import NOTES, Settings
from crmrules_files.csv_records import Dialect, as_meant, harmless, records
from crmrules_files.csv_table import CsvTable
from crmrules_files.encoding import Encoding
from crmrules_files.layout import OWN, Table
from crmrules_files.replacing import replacing, sync
from crmrules_files.state import State

_WRITTEN = frozenset({"name", "title", "body"})  # texts of ours, which no spreadsheet shall run

Place = tuple[str, str, str]  # object, record, and the tag or the note's title


@dataclass(frozen=True)
class RowEdit:
    """A row that shall stand at ``place``, or (None) shall not."""

    place: Place
    row: Mapping[str, str] | None


@dataclass
class _Line:
    place: Place
    cells: list[bytes]
    end: bytes
    ours: bool


def change_rows(
    settings: Settings, root: Path, tables: Mapping[str, Table], name: str, edits: Sequence[RowEdit], state: State
) -> None:
    """Carry out *edits* on the file of tags or notes; it is made when missing and removed when nothing is left of us."""
    file = root / f"{name}.csv"
    table = tables.get(name)
    if isinstance(table, CsvTable):
        dialect, header = table.dialect, table.header
    else:
        dialect, header = _dialect_like(settings, tables), OWN[name]
    editor = _Editor(name, dialect, header, *_load(file, dialect, header, name))
    for edit in edits:
        editor.note(edit)
    lines = editor.merged()
    if not lines and (table is None or file.name in state.created):
        file.unlink(missing_ok=True)
        sync(root)
        state.created.discard(file.name)
        state.save()
        return
    if table is None:
        state.created.add(file.name)
        state.save()
    with replacing(file) as out:
        for cells, end in editor.spelled(lines):
            out.write(dialect.join(cells, end))


def _dialect_like(settings: Settings, tables: Mapping[str, Table]) -> Dialect:
    """Return the spelling of the CRM's other files, which whoever opens them is used to."""
    for _, table in sorted(tables.items()):
        if isinstance(table, CsvTable):
            return table.dialect
    encoding = Encoding("utf-8" if settings.encoding == "auto" else settings.encoding)
    return Dialect(encoding, "," if settings.delimiter == "auto" else settings.delimiter)


def _load(file: Path, dialect: Dialect, header: tuple[str, ...], name: str) -> tuple[bytes, list[_Line]]:
    if not file.exists():
        mark = b"\xef\xbb\xbf" if dialect.encoding.bom else b""
        return mark + dialect.join([dialect.spell(column) for column in header], dialect.newline), []
    positions = [header.index(column) for column in OWN[name]]
    place_at = [header.index(c) for c in ("object", "record_id", "title" if name == NOTES else "name")]
    lines = []
    with file.open("rb") as stream:
        found = records(stream)
        first = next(found)
        for record in found:
            cells, end = dialect.split(record)
            place, ours = ("", "", ""), False
            if len(cells) == len(header) and positions:
                object, record_id, last = (dialect.read(cells[p]) for p in place_at)
                place = object, record_id, as_meant(last)
                ours = name == NOTES and dialect.read(cells[header.index("author")]) == AUTHOR
            lines.append(_Line(place, cells, end, ours))
    return first, lines


class _Editor:
    def __init__(self, name: str, dialect: Dialect, header: tuple[str, ...], first: bytes, lines: list[_Line]) -> None:
        self.name, self.dialect, self.header = name, dialect, header
        self.first, self.lines = first, lines
        self.added: dict[Place, Mapping[str, str]] = {}
        self.index: dict[Place, int] = {}
        for number, line in enumerate(lines):
            known = self.index.get(line.place)
            if known is None or (line.ours and not lines[known].ours):
                self.index[line.place] = number
        self.removed: set[int] = set()

    def note(self, edit: RowEdit) -> None:
        """Take an edit in; the last one at a place counts."""
        number = self.index.get(edit.place)
        if edit.row is None:
            self.added.pop(edit.place, None)
            if number is not None:
                self.removed.add(number)
        elif number is None:
            self.added[edit.place] = edit.row
        elif self.name == NOTES:
            self.removed.discard(number)
            column = self.header.index("body")
            self.lines[number].cells[column] = self.dialect.spell(harmless(edit.row["body"]))
        else:
            self.removed.discard(number)

    def merged(self) -> list[_Line]:
        """Return the lines as they shall stand."""
        kept = [line for number, line in enumerate(self.lines) if number not in self.removed]
        at = len(kept)
        tail: list[_Line] = []
        for place in sorted(self.added, reverse=True):
            while at and kept[at - 1].place > place:
                at -= 1
                tail.append(kept[at])
            tail.append(self._line(place, self.added[place]))
        return kept[:at] + tail[::-1]

    def _line(self, place: Place, row: Mapping[str, str]) -> _Line:
        said = dict(row)
        if self.name == NOTES:
            said |= {"author": AUTHOR, "id": "crmrules-" + hashlib.sha256("\0".join(place).encode()).hexdigest()[:12]}
        texts = (harmless(said.get(c, "")) if c in _WRITTEN else said.get(c, "") for c in self.header)
        return _Line(place, [self.dialect.spell(text) for text in texts], self.dialect.newline, ours=True)

    def spelled(self, lines: list[_Line]) -> list[tuple[list[bytes], bytes]]:
        """Return raw cells and line ends; a file whose last line had no end keeps having none."""
        last = self.lines[-1].end if self.lines else self.first[len(self.first.rstrip(b"\r\n")) :]
        head = self.first.rstrip(b"\r\n")
        found = [([head], self.first[len(head) :]), *((line.cells, line.end) for line in lines)]
        ends = [end or self.dialect.newline for _, end in found]
        if not last:
            ends[-1] = b""
        return [(cells, end) for (cells, _), end in zip(found, ends, strict=True)]
