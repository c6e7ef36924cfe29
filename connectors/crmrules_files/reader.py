"""Reading: pages of a table, only what was modified where that can be trusted, keys, current values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from crmrules.contracts.connector import NativeField, NativeObject, NativeWrite, Page, ReadRequest
from crmrules.errors import DataError, Location, Problem, did_you_mean
from crmrules.model.changes import AUTHOR, tag_value
from crmrules_files.csv_records import as_meant
from crmrules_files.layout import OWN, Table

if TYPE_CHECKING:
    import pyarrow as pa

# A file does not say in which time zone its times are; the earth spans 26 hours.
_ANY_ZONE = timedelta(hours=14)
_MOST_RUNS = 50  # beyond these, unmodified rows between modified ones are read along


def describe(tables: Mapping[str, Table]) -> list[NativeObject]:
    """Return every object with its columns; tags and notes also where nobody has made any yet."""
    headers = {name: table.header for name, table in tables.items()}
    for name, columns in OWN.items():
        headers.setdefault(name, columns)
    return [
        NativeObject(name=name, fields=tuple(NativeField(name=column) for column in headers[name]))
        for name in sorted(headers)
    ]


def read(tables: Mapping[str, Table], request: ReadRequest) -> Iterator[Page]:
    """Yield the records of one object as texts. Raises DataError where the file, or a column, is wrong."""
    table = tables.get(request.object)
    if table is None and request.object in OWN:
        return  # nobody has made any yet
    table = wanted_table(tables, request.object, (*request.fields, *request.key))
    for page in table.pages(request.fields):
        if request.object in OWN:
            page = replace(page, rows=_as_meant(page.rows))
        yield from _modified(page, request) if request.since and request.modified_field else (page,)


def ids(tables: Mapping[str, Table], object: str, key: tuple[str, ...]) -> Iterator[pa.Table]:
    """Yield the keys of every record."""
    for page in read(tables, ReadRequest(object=object, fields=key, key=key)):
        yield page.rows


def wanted_table(tables: Mapping[str, Table], object: str, columns: Sequence[str] = ()) -> Table:
    """Return the table of *object*. Raises DataError where it, or one of *columns*, is not there."""
    table = tables.get(object)
    if table is None:
        raise DataError(
            Problem("missing-object", f"there is no '{object}'", Location(object), f"one of {', '.join(sorted(tables))}",
                    did_you_mean(object, tables))
        )  # fmt: skip
    missing = [name for name in dict.fromkeys(columns) if name not in table.header]
    if missing:
        raise DataError(
            [
                Problem("missing-column", f"there is no column '{name}'", Location(table.shown, 1),
                        f"one of {', '.join(table.header)}", did_you_mean(name, table.header))
                for name in missing
            ]
        )  # fmt: skip
    return table


Rows = Mapping[tuple[str, tuple[str, ...]], Mapping[str, str]]  # object and key -> column -> text


def current(tables: Mapping[str, Table], wanted: Sequence[NativeWrite], rows: Rows | None = None) -> list[str | None]:
    """Return what stands at these places now, in the same order; None where nothing does.

    *rows* are those of :func:`rows_of` where the caller has them already.
    """
    if rows is None:
        rows = rows_of(tables, [w for w in wanted if w.kind == "field"])
    tags = _tags_of(tables, wanted)
    notes = _notes_of(tables, wanted)
    found: list[str | None] = []
    for w in wanted:
        record = hanging_on(w)
        if w.kind == "field":
            found.append(present(rows.get((w.object, tuple(w.record_id.values())), {}).get(w.name)))
        elif w.kind == "tag":
            found.append(tag_value(w.name, tags.get(record, ())))
        else:
            found.append(notes.get((*record, w.name)))
    return found


def hanging_on(write: NativeWrite) -> tuple[str, str]:
    """Return how tags.csv and notes.csv name the record of *write*."""
    return write.object, "|".join(write.record_id.values())


def present(text: str | None) -> str | None:
    """Return *text*, None where it is blank."""
    return text if text and text.strip() else None


def rows_of(tables: Mapping[str, Table], wanted: Sequence[NativeWrite]) -> Rows:
    """Return the rows that *wanted* are about, by object and key."""
    found = {}
    for object, key in dict.fromkeys((w.object, tuple(w.record_id)) for w in wanted):
        table = wanted_table(tables, object, key)
        keys = {tuple(w.record_id.values()) for w in wanted if w.object == object}
        found.update({(object, this): row for this, row in table.find(key, keys).items()})
    return found


def own_rows(tables: Mapping[str, Table], name: str) -> Iterator[Mapping[str, str]]:
    """Yield the rows of tags or notes."""
    if name in tables:
        table = wanted_table(tables, name, OWN[name])
        for page in read(tables, ReadRequest(object=name, fields=table.header, key=())):
            yield from page.rows.to_pylist()


def _tags_of(tables: Mapping[str, Table], wanted: Sequence[NativeWrite]) -> dict[tuple[str, str], list[str]]:
    records = {hanging_on(w) for w in wanted if w.kind == "tag"}
    found: dict[tuple[str, str], list[str]] = {}
    for row in own_rows(tables, "tags") if records else ():
        if (row["object"], row["record_id"]) in records:
            found.setdefault((row["object"], row["record_id"]), []).append(row["name"])
    return found


def _notes_of(tables: Mapping[str, Table], wanted: Sequence[NativeWrite]) -> dict[tuple[str, str, str], str]:
    places = {(*hanging_on(w), w.name) for w in wanted if w.kind == "note"}
    found: dict[tuple[str, str, str], tuple[bool, str]] = {}
    for row in own_rows(tables, "notes") if places else ():
        place = (row["object"], row["record_id"], row["title"])
        ours = row["author"] == AUTHOR
        if place in places and (place not in found or (ours and not found[place][0])):
            found[place] = ours, row["body"]
    return {place: body for place, (_, body) in found.items()}


def _as_meant(rows: pa.Table) -> pa.Table:
    import pyarrow as pa

    for position, name in enumerate(rows.column_names):
        if name in ("name", "body", "title"):
            texts = [as_meant(text) for text in rows.column(position).to_pylist()]
            rows = rows.set_column(position, name, pa.array(texts, pa.string()))
    return rows


def _modified(page: Page, request: ReadRequest) -> Iterator[Page]:
    # A time that can't be read is handed on, so that the snapshot can complain about it.
    assert request.since is not None
    since = request.since if request.since.tzinfo else request.since.replace(tzinfo=UTC)
    earliest = (since.astimezone(UTC) - _ANY_ZONE).replace(tzinfo=None)
    texts = page.rows.column(request.modified_field).to_pylist()
    keep = [not (time := _time(text)) or time >= _whole(earliest, text) for text in texts]
    kept = [number for number, wanted in enumerate(keep) if wanted]
    runs: list[list[int]] = []  # [first, last], because a page numbers its rows one by one
    for number in kept:
        if runs and (number == runs[-1][1] + 1 or len(runs) == _MOST_RUNS):
            runs[-1][1] = number
        else:
            runs.append([number, number])
    for first, last in runs:
        yield replace(page, rows=page.rows.slice(first, last - first + 1), first_row=page.first_row + first)


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat((text or "").strip().replace("/", "-")).replace(tzinfo=None)
    except ValueError:
        return None


def _whole(earliest: datetime, text: str) -> datetime:
    # A bare date means some time of that day.
    return earliest.replace(hour=0, minute=0, second=0, microsecond=0) if len(text.strip()) <= 10 else earliest
