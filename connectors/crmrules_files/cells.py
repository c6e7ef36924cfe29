"""Fields: single cells of a file are changed, every other byte stays."""

from __future__ import annotations

import datetime
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from crmrules.errors import ConnectorError, Location, Problem
from crmrules_files import jsonl_table, reader, sheet_table
from crmrules_files.csv_records import Dialect, records
from crmrules_files.csv_table import CsvTable
from crmrules_files.jsonl_table import JsonlTable
from crmrules_files.layout import Table
from crmrules_files.replacing import replacing
from crmrules_files.sheet_table import SheetTable, open_workbook
from crmrules_files.state import State

Key = tuple[str, ...]
Changes = Mapping[Key, Mapping[str, str | None]]  # record -> column -> text, None for blank

# Parts of a workbook that openpyxl would drop without a word.
_LOST = ("xl/charts/", "xl/drawings/", "xl/pivotTables/", "xl/externalLinks/", "xl/vbaProject.bin", "xl/media/")


def change_cells(table: Table, key: tuple[str, ...], changes: Changes, state: State) -> None:
    """Put *changes* into the file of *table*. Raises ConnectorError where the file can't take them."""
    match table:
        case CsvTable():
            _replace(table, _csv(table, key, changes, state), table.dialect.encoding.name, state)
        case JsonlTable():
            _replace(table, _jsonl(table, key, changes, state), table.encoding.name, state)
        case SheetTable():
            _sheet(table, key, changes, state)


def _replace(table: CsvTable | JsonlTable, lines: Iterator[bytes], encoding: str, state: State) -> None:
    plain = True
    with replacing(table.path, before=state.save) as out:
        for line in lines:
            out.write(line)
            plain = plain and line.isascii()
        state.note_encoding(table.path.name, encoding, plain=plain)
    state.save()


def _csv(table: CsvTable, key: tuple[str, ...], changes: Changes, state: State) -> Iterator[bytes]:
    with table.path.open("rb") as stream:
        lines = records(stream)
        yield next(lines)
        for record in lines:
            found = table.key_of(record, key)
            if found is None or found[0] not in changes:
                yield record
                continue
            this, cells, end = found
            for column, text in changes[this].items():
                position = table.header.index(column)
                others = [c for i, c in enumerate(cells) if i != position and c]
                quoted = bool(others) and all(c.startswith(b'"') for c in others)
                cells[position] = _spelled(table, this, column, cells[position], text or "", quoted, state)
            yield table.dialect.join(cells, end)


def _spelled(
    table: CsvTable, key: Key, column: str, old: bytes, text: str, quoted: bool, state: State
) -> bytes:  # fmt: skip
    dialect: Dialect = table.dialect
    before = state.recall(table.path.name, key, column)
    if before is not None:
        raw = before.encode(dialect.encoding.name)
        if (reader.present(dialect.read(raw)) or "") == text:
            state.forget(table.path.name, key, column)
            return raw
    elif dialect.spell(reader.present(dialect.read(old)) or "", always_quoted=quoted) != old:
        state.remember(table.path.name, key, column, old.decode(dialect.encoding.name))
    return dialect.spell(text, always_quoted=quoted)


def _jsonl(table: JsonlTable, key: tuple[str, ...], changes: Changes, state: State) -> Iterator[bytes]:
    codec = table.encoding.name
    with table.path.open("rb") as stream:
        for line in stream:
            mark = b"\xef\xbb\xbf" if line.startswith(b"\xef\xbb\xbf") else b""
            text = line.removeprefix(mark).decode(codec)
            body = text.rstrip("\r\n")
            record = jsonl_table.parse(body) if body.strip() else {}
            this = tuple(jsonl_table.as_text(record.get(name)) or "" for name in key)
            if not record or this not in changes:
                yield line
                continue
            changed = {**record, **{c: _json_value(record.get(c), t) for c, t in changes[this].items()}}
            before = state.recall(table.path.name, this, "")
            if before is not None and _texts(jsonl_table.parse(before)) == _texts(changed):
                state.forget(table.path.name, this, "")
                body = before
            else:
                if before is None:
                    state.remember(table.path.name, this, "", body)
                body = _dumped(changed, like=body)
            yield mark + (body + text[len(text.rstrip("\r\n")) :]).encode(codec)


def _texts(record: Mapping[str, Any]) -> dict[str, str]:
    return {name: text for name, value in record.items() if (text := jsonl_table.as_text(value))}


def _json_value(old: Any, text: str | None) -> Any:
    """Return *text* as the kind of value that stood there."""
    if text is None or old is None or isinstance(old, str):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    same = isinstance(value, bool) == isinstance(old, bool) and isinstance(value, list) == isinstance(old, list)
    return value if same and not isinstance(value, dict) else text


def _dumped(record: Mapping[str, Any], *, like: str) -> str:
    compact = '": ' not in like
    separators = (",", ":") if compact else (", ", ": ")
    return json.dumps(record, ensure_ascii=like.isascii() and "\\u" in like, separators=separators)


def _sheet(table: SheetTable, key: tuple[str, ...], changes: Changes, state: State) -> None:
    with zipfile.ZipFile(table.path) as archive:
        lost = [name for name in archive.namelist() if name.startswith(_LOST)]
    if lost:
        raise ConnectorError(
            Problem(
                "workbook-too-rich", f"writing would lose parts of the workbook ({lost[0]})", Location(table.path.name),
                hint="keep the records in a workbook of their own, without charts, pictures and macros",
            )
        )  # fmt: skip
    workbook = open_workbook(table.path, read_only=False)
    sheet = workbook[table.name]
    for row in sheet.iter_rows(min_row=2):
        cells = dict(zip(table.header, row, strict=False))
        this = tuple(sheet_table.as_text(cells[name].value) or "" for name in key)
        for column, text in changes.get(this, {}).items():
            _set(table, this, column, cells[column], text, state)
    with replacing(table.path, before=state.save) as out:
        workbook.save(out)
    workbook.close()
    state.save()


def _set(table: SheetTable, key: Key, column: str, cell: Any, text: str | None, state: State) -> None:
    file = f"{table.path.name}[{table.name}]"
    before = state.recall(file, key, column)
    if before is not None and sheet_table.as_text(_unpacked(before)) == text:
        cell.value = _unpacked(before)
        state.forget(file, key, column)
        return
    if before is None and cell.value is not None and not isinstance(cell.value, str):
        state.remember(file, key, column, _packed(cell.value))
    cell.value = text
    if text is not None:
        cell.data_type = "s"  # also where it starts with '=': a text of ours is never a formula


def _packed(value: Any) -> str:
    if isinstance(value, datetime.datetime):
        return json.dumps({"time": value.isoformat()})
    return json.dumps(value)


def _unpacked(raw: str) -> Any:
    value = json.loads(raw)
    return datetime.datetime.fromisoformat(value["time"]) if isinstance(value, dict) else value
