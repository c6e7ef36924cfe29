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
from crmrules_fxiaoke.describe import ID, LINKS, MODIFIED, links
from crmrules_fxiaoke.reader import Record, Records, Window, filter_, is_live
from crmrules_fxiaoke.values import Unfit, ms

SALES_RECORD = "ActiveRecordObj"
CONTENT = "active_record_content"
_OURS = f"【{AUTHOR}|"  # how a sales record of ours begins
_OVERLAP = timedelta(minutes=5)
_LINKED = ("AccountObj", "ContactObj", "NewOpportunityObj")
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

    def all(self) -> Iterator[list[Note]]:
        """Yield every note, page by page."""
        if self.settings.notes == "record":
            self._look_up()
            yield [note for id in sorted(self._known) for note in self._known[id]]
        elif self.object in self.records.metadata.listed:
            for rows, _, _ in self.records.walk(self.object, self._fields):
                yield [note for row in rows if is_live(row) for note in self._notes(row)]

    def get(self, id: str) -> Note | None:
        """Return the note that is the record *id*, None where it is gone. Raises Refused."""
        record = self.records.by_id(self.object, [id], self._fields).get(id)
        return next(iter(self._notes(record)), None) if record else None

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
        references = [column(o) for o in _LINKED if column(o)]
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
                            yield from self._notes(row)

    def _look_up(self) -> None:
        """Learn of the sales records of ours that were written or set aside since we last looked."""
        if self.object not in self.records.metadata.listed:
            return
        window = Window(since=ms(self._known_at - _OVERLAP)) if self._known_at else None
        filters = [filter_(CONTENT, "STARTWITH", _OURS)] if self._searchable else []
        started = None
        try:
            for rows, _, _ in self.records.walk(self.object, self._fields, window=window, filters=filters):
                started = started or self.api.date
                for row in rows:
                    self._known[str(row[ID])] = list(self._notes(row)) if is_live(row) else []
        except Refused as refused:
            if not self._searchable or refused.code not in (10006, 32000):
                raise
            self._searchable = False
            self._look_up()
            return
        self._known_at = started

    def _notes(self, row: Record) -> Iterator[Note]:
        id, modified = str(row[ID]), row.get(MODIFIED)
        if self.settings.notes == "record":
            for section in sections.parse(str(row.get(CONTENT) or ""))[:1]:
                if section.author == AUTHOR:
                    for object in _LINKED:
                        for record in links(row, object):
                            yield Note(
                                id=id, place=(object, record, section.title), body=section.body, author=AUTHOR,
                                modified=modified,
                            )  # fmt: skip
            return
        column = self.settings.note_column
        for object in _LINKED:
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
            return {LINKS: link, **self.settings.note_record}
        reference = self.settings.note_column(object)
        if not reference:
            raise Unfit(f"note_fields names no field of {self.object} that refers to {object}")
        return {reference: record}
