"""Notes that are records of their own: of a custom object, or sales records (销售记录) with a heading of ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from crmrules.model.changes import AUTHOR
from crmrules_fxiaoke import paths, sections
from crmrules_fxiaoke.api import Api, Refused
from crmrules_fxiaoke.config import Settings
from crmrules_fxiaoke.describe import ID, LINKED, LINKS, MODIFIED, links
from crmrules_fxiaoke.reader import Record, Records, Window, filter_, is_live
from crmrules_fxiaoke.values import Unfit, ms

SALES_RECORD = "ActiveRecordObj"
CONTENT = "active_record_content"
_OURS = f"【{AUTHOR}|"  # how a sales record of ours begins
_OVERLAP = timedelta(minutes=5)
Place = tuple[str, str, str]  # object, record, title


@dataclass(frozen=True, kw_only=True)
class Note:
    """A note that is a record: ``id`` is its own, ``place`` where it hangs, ``modified`` milliseconds."""

    id: str
    place: Place
    body: str
    author: str
    modified: Any = None


@dataclass
class NoteRecords:
    """Notes as records, found by where they hang."""

    api: Api
    records: Records
    settings: Settings
    _known: dict[str, list[Note]] = field(default_factory=dict)  # sales records of ours, by id
    _known_at: datetime | None = None  # the CRM's time when they were last looked up
    _searchable: bool = True  # the CRM finds sales records by how they begin

    @property
    def object(self) -> str:
        """The object whose records are notes."""
        return SALES_RECORD if self.settings.notes == "record" else self.settings.note_object

    def find(self, places: Sequence[Place]) -> dict[Place, Note]:
        """Return the notes at *places*: ours before anybody's, the oldest of several."""
        wanted = {(o, r, sections.as_title(t)) for o, r, t in places}
        found: dict[Place, Note] = {}
        for note in self._around(wanted):
            held = found.get(note.place)
            if note.place in wanted and (held is None or (note.author == AUTHOR and held.author != AUTHOR)):
                found[note.place] = note
        return found

    def walk(self, window: Window | None) -> Iterator[Sequence[Record]]:
        """Yield the records that are notes, page by page; with *window* those modified in it, set aside ones too."""
        if self.object in self.records.metadata.listed:
            filters = self._ours_only()
            try:
                for rows, _, _ in self.records.walk(self.object, self._fields, window=window, filters=filters):
                    yield rows
            except Refused as refused:
                if not filters or refused.code not in (10006, 32000):
                    raise
                self._searchable = False  # it was the first page that was refused
                yield from self.walk(window)

    def create(self, place: Place, body: str) -> None:
        """Write a new note. Raises Refused, RetryLater, Unfit where there is no place for it."""
        values = {"dataObjectApiName": self.object, **self._content(place, body), **self._hanging(place)}
        data = {"object_data": values, "details": {}}
        self.api.write(paths.data(self.object, "create"), {"data": data, "hasSpecifyTime": False})

    def change(self, note: Note, body: str) -> None:
        """Write another body. Raises as :meth:`create`."""
        values = {"dataObjectApiName": self.object, ID: note.id, **self._content(note.place, body, note.author)}
        self.api.write(paths.data(self.object, "update"), {"data": {"object_data": values}})

    def remove(self, note: Note) -> None:
        """Set a note aside (作废); an administrator can take it back."""
        data = {"object_data_id": note.id, "dataObjectApiName": self.object}
        self.api.write(paths.data(self.object, "invalid"), {"data": data})

    def is_ours(self, record: Record) -> bool:
        """Whether a sales record is a note of ours, and no talk with a customer."""
        return any(s.author == AUTHOR for s in sections.parse(str(record.get(CONTENT) or "")))

    # How a note lies in a record

    @property
    def _fields(self) -> tuple[str, ...]:
        if self.settings.notes == "record":
            return (CONTENT, LINKS, MODIFIED)
        column = self.settings.note_column
        references = [column(o) for o in LINKED if column(o)]
        return (column("title"), column("body"), column("author"), *references, MODIFIED)

    def _around(self, places: set[Place]) -> Iterator[Note]:
        """Yield notes that may be at *places*: those of the records, where the CRM can be asked for them."""
        if not places or self.object not in self.records.metadata.listed:
            return
        if self.settings.notes == "record":  # whether they can be searched by what they are linked to is not known
            self._look_up()
            for notes in self._known.values():
                yield from notes
            return
        for object in sorted({o for o, _, _ in places}):
            reference = self.settings.note_column(object)
            ids = sorted({r for o, r, _ in places if o == object})
            if reference:
                for rows, _, _ in self.records.walk(
                    self.object, self._fields, filters=[filter_(reference, "IN", *ids)]
                ):
                    for row in rows:
                        if is_live(row):
                            yield from self.of(row)

    def _look_up(self) -> None:
        """Learn of the sales records of ours that were written or set aside since we last looked."""
        window = Window(since=ms(self._known_at - _OVERLAP)) if self._known_at else None
        started = None
        for rows in self.walk(window):
            started = started or self.api.date
            for row in rows:
                self._known[str(row[ID])] = list(self.of(row)) if is_live(row) else []
        self._known_at = started

    def _ours_only(self) -> list[dict[str, Any]]:
        if self.settings.notes != "record" or not self._searchable:
            return []
        return [filter_(CONTENT, "STARTWITH", _OURS)]

    def of(self, row: Record) -> Iterator[Note]:
        """Yield the notes that a record is: one per record that it hangs on."""
        id, modified = str(row[ID]), row.get(MODIFIED)
        if self.settings.notes == "record":
            for section in sections.parse(str(row.get(CONTENT) or ""))[:1]:
                if section.author == AUTHOR:
                    for object in LINKED:
                        for record in links(row, object):
                            yield Note(
                                id=id, place=(object, record, section.title), body=section.body, author=AUTHOR,
                                modified=modified,
                            )  # fmt: skip
            return
        column = self.settings.note_column
        for object in LINKED:
            hangs = row.get(column(object))
            if hangs:
                yield Note(
                    id=id, place=(object, str(hangs), str(row.get(column("title")) or "")),
                    body=str(row.get(column("body")) or ""), author=str(row.get(column("author")) or ""), modified=modified,
                )  # fmt: skip

    def _content(self, place: Place, body: str, author: str = AUTHOR) -> Mapping[str, Any]:
        if self.settings.notes == "record":
            return {CONTENT: sections.written(place[2], body)}
        column = self.settings.note_column
        title = sections.as_title(place[2])
        values = {column("title"): title, column("body"): body, column("author"): author or None}
        for name, value in values.items():
            info = self.records.metadata.fields(self.object).get(name)
            if value and info and info.length and len(value) > info.length:
                raise Unfit(f"'{name}' holds {info.length} characters, the note needs {len(value)}")
        return values

    def _hanging(self, place: Place) -> Mapping[str, Any]:
        object, record, _ = place
        if self.settings.notes == "record":
            link = [{"describe_api_name": object, "id": record}]
            return {**self.settings.note_record, LINKS: link}
        reference = self.settings.note_column(object)
        if not reference:
            raise Unfit(f"note_fields names no field of {self.object} that refers to {object}")
        return {**self.settings.note_record, reference: record}
