"""Reading notes: out of the long text of each record, or as the records that they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crmrules.contracts.connector import Page, ReadRequest
from crmrules_fxiaoke import sections
from crmrules_fxiaoke.along import table
from crmrules_fxiaoke.config import Settings
from crmrules_fxiaoke.describe import ID, LINKED, MODIFIED, NOTE_COLUMNS, NOTES
from crmrules_fxiaoke.notes import Note, NoteRecords
from crmrules_fxiaoke.reader import Record, Records, Window, filter_, is_live
from crmrules_fxiaoke.values import instant, ms

if TYPE_CHECKING:
    import pyarrow as pa

_MOST = 20  # notes in one text whose going is noticed between two full reads


def read(records: Records, settings: Settings, notes: NoteRecords, request: ReadRequest) -> Iterator[Page]:
    """Yield every note, or those of records that were modified since, with the ids of notes that went."""
    window = Window(since=ms(request.since)) if request.since else None
    if settings.notes == "field":
        for object, rows in _texts(records, settings, window):
            found = [note for row in rows if is_live(row) for note in _in_text(object, row, settings.note_field)]
            gone = [f"{object}|{row[ID]}|{n}" for row in rows for n in range(_count(row, settings), _MOST)]
            yield _page(request, found, gone if window else [])
    elif settings.notes != "none":
        for rows in notes.walk(window):
            found = [_as_row(note) for row in rows if is_live(row) for note in notes.of(row)]
            gone = [_id(note) for row in rows if not is_live(row) for note in notes.of(row)]
            yield _page(request, found, gone)


def ids(records: Records, settings: Settings, notes: NoteRecords) -> Iterator[pa.Table]:
    """Yield the ids of every note there is."""
    everything = ReadRequest(object=NOTES, fields=("id",), key=("id",))
    for page in read(records, settings, notes, everything):
        yield page.rows


def _texts(records: Records, settings: Settings, window: Window | None) -> Iterator[tuple[str, Sequence[Record]]]:
    field = settings.note_field
    for object in LINKED:
        if field in records.metadata.fields(object):
            # One that was emptied since has to be seen too.
            filters = [] if window else [filter_(field, "ISN")]
            for rows, _, _ in records.walk(object, [field, MODIFIED], window=window, filters=filters):
                yield object, rows


def _in_text(object: str, record: Record, field: str) -> Iterator[Mapping[str, Any]]:
    for n, section in enumerate(sections.parse(str(record.get(field) or ""))):
        yield {
            "id": f"{object}|{record[ID]}|{n}", "object": object, "record_id": str(record[ID]), "title": section.title,
            "body": section.body, "author": section.author, MODIFIED: instant(record.get(MODIFIED)),
        }  # fmt: skip


def _count(record: Record, settings: Settings) -> int:
    return len(sections.parse(str(record.get(settings.note_field) or ""))) if is_live(record) else 0


def _as_row(note: Note) -> Mapping[str, Any]:
    object, record, title = note.place
    return {
        "id": _id(note), "object": object, "record_id": record, "title": title, "body": note.body, "author": note.author,
        MODIFIED: instant(note.modified),
    }  # fmt: skip


def _id(note: Note) -> str:
    return f"{note.id}|{note.place[1]}"


def _page(request: ReadRequest, rows: Sequence[Mapping[str, Any]], gone: Sequence[str]) -> Page:
    return Page(
        rows=table([c for c in NOTE_COLUMNS if c in request.fields], rows), source=NOTES,
        gone=table(["id"], [{"id": id} for id in gone]) if gone else None,
    )  # fmt: skip
