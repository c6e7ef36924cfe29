"""Decision tables in CSV and XLSX files: lines of texts, each with its place."""

from __future__ import annotations

import csv
import io
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from crmrules.errors import Location, Problem, RulesetError

MAX_BYTES = 20_000_000
MAX_ROWS = 50_000
MAX_COLUMNS = 500

Line = list[tuple[str, Location]]

_AS_TEXT = re.compile(r"'+[=+\-@\t\r].*", re.DOTALL)
_FORMULA = re.compile(r"'*[=+\-@\t\r].*", re.DOTALL)
_HARMLESS = re.compile(r"-|[-+]?[0-9]+(\.[0-9]+)?")


def as_text(cell: str) -> str:
    """Return *cell* as CSV holds it: an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{cell}" if _FORMULA.fullmatch(cell) and not _HARMLESS.fullmatch(cell) else cell


def _from_text(cell: str) -> str:
    return cell[1:] if _AS_TEXT.fullmatch(cell) else cell


def read_lines(path: Path, file: str) -> list[Line]:
    """Return the lines of a CSV (UTF-8) or XLSX file (its first sheet), empty ones left out.

    Raises RulesetError where the file can't be read, is too large, or holds a formula.
    """
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise RulesetError(
            Problem("table", f"'{path.name}' is not a table file", Location(file), "a .csv or .xlsx file")
        )
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise RulesetError(Problem("too-large", f"{size} bytes", Location(file), f"at most {MAX_BYTES} bytes"))
        lines = _csv(path, file) if path.suffix.lower() == ".csv" else _xlsx(path, file)
    except OSError as error:
        raise RulesetError(Problem("unreadable", f"can't be read: {error.strerror or error}", Location(file))) from None
    if len(lines) > MAX_ROWS:
        raise RulesetError(Problem("too-large", f"{len(lines)} rows", Location(file), f"at most {MAX_ROWS} rows"))
    return lines


def _csv(path: Path, file: str) -> list[Line]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RulesetError(
            Problem("encoding", "not UTF-8", Location(file), "UTF-8", "save the file as UTF-8")
        ) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[Line] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                lines.append([(_from_text(cell), Location(file, reader.line_num)) for cell in cells])
    except csv.Error as error:
        raise RulesetError(Problem("table", f"not CSV: {error}", Location(file, reader.line_num))) from None
    return lines


def _xlsx(path: Path, file: str) -> list[Line]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError):
        raise RulesetError(
            Problem("table", "not an XLSX workbook", Location(file), "a workbook saved as .xlsx")
        ) from None
    try:
        sheet = book.worksheets[0]
        lines, problems = [], []
        for number, cells in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS, max_row=MAX_ROWS + 1), 1):
            line: Line = []
            for cell in cells:
                at = Location(f"{file}!{getattr(cell, 'coordinate', f'row {number}')}")
                if cell.data_type == "f":
                    problems.append(Problem("formula", f"cell {cell.coordinate} holds a formula", at, "a value",
                                            "copy the column and paste it as values"))  # fmt: skip
                line.append((_text(cell.value), at))
            if any(text.strip() for text, _ in line):
                lines.append(_trimmed(line))
    finally:
        book.close()
    if problems:
        raise RulesetError(problems)
    return lines


def _trimmed(line: Line) -> Line:
    while line and not line[-1][0].strip():
        line.pop()
    return line


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        value = value.date()
    return value.isoformat() if isinstance(value, date) else str(value)
