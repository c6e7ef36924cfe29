"""One sheet of an XLSX workbook as a table. Formulas are refused: their values may be stale or never computed."""

from __future__ import annotations

import datetime
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from crmrules.contracts.connector import Page
from crmrules.errors import DataError, Location, Problem
from crmrules_files.csv_table import check_header

_PAGE = 20_000
_SHOWN = 100

Key = tuple[str, ...]


@dataclass(frozen=True)
class SheetTable:
    """A sheet whose first row names the columns."""

    name: str
    path: Path

    @property
    def shown(self) -> str:
        """The sheet as error messages name it."""
        return f"{self.path.name}[{self.name}]"

    @cached_property
    def header(self) -> tuple[str, ...]:
        """Names of the columns. Raises DataError for repeated or empty ones, or an empty sheet."""
        first = next(self._rows(), None)
        if first is None:
            raise DataError(
                Problem("empty-file", "the sheet is empty", Location(self.shown, 1), "a first row with column names")
            )
        names = [as_text(cell.value) or "" for cell in first]
        while names and not names[-1]:  # formatting beyond the table leaves empty columns
            names.pop()
        check_header(tuple(names), self.shown)
        return tuple(names)

    def pages(self, fields: tuple[str, ...]) -> Iterator[Page]:
        """Yield the rows as texts. Raises DataError with the address of every formula and error value."""
        import pyarrow as pa

        positions = [self.header.index(name) for name in fields]
        problems: list[Problem] = []
        rows: list[list[str | None]] = []
        first = 2
        for number, cells in enumerate(self._rows(), 1):
            problems += self._unusable(cells)[: _SHOWN - len(problems)]
            if number == 1 or problems:
                continue
            row = [as_text(cells[p].value) if p < len(cells) else None for p in positions]
            blank = not any(row)
            if rows and (blank or len(rows) == _PAGE):
                yield self._page(pa, rows, fields, first)
                rows = []
            if not blank:
                first = number - len(rows)
                rows.append(row)
        if problems:
            raise DataError(problems)
        if rows:
            yield self._page(pa, rows, fields, first)

    def _page(self, pa: Any, rows: list[list[str | None]], fields: tuple[str, ...], first: int) -> Page:
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
        return Page(rows=pa.table(columns, names=list(fields)), source=self.shown, first_row=first)

    def _unusable(self, cells: tuple[Any, ...]) -> list[Problem]:
        found = []
        for cell in cells:
            if cell.data_type == "f":
                found.append(
                    Problem(
                        "formula", f"cell {cell.coordinate} holds a formula", Location(self.shown, cell.row),
                        "a value", "copy the column and paste it as values",
                    )
                )  # fmt: skip
            elif cell.data_type == "e":
                found.append(
                    Problem("error-value", f"cell {cell.coordinate} holds {cell.value}", Location(self.shown, cell.row))
                )
        return found

    def find(self, key: tuple[str, ...], wanted: set[Key]) -> Mapping[Key, Mapping[str, str]]:
        """Return column -> text of the rows whose *key* columns are among *wanted*."""
        found = {}
        for number, cells in enumerate(self._rows(), 1):
            texts = [as_text(cell.value) or "" for cell in cells] + [""] * len(self.header)
            row = dict(zip(self.header, texts, strict=False))
            this = tuple(row[name] for name in key)
            if number > 1 and this in wanted:
                found[this] = row
        return found

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        workbook = open_workbook(self.path, read_only=True)
        try:
            yield from workbook[self.name].iter_rows()
        finally:
            workbook.close()


def open_workbook(path: Path, *, read_only: bool) -> Any:
    """Open a workbook. Raises DataError where the file is none."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        return openpyxl.load_workbook(path, read_only=read_only)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise DataError(
            Problem(
                "not-a-workbook", f"the file can't be opened as XLSX: {error}", Location(path.name), "an .xlsx file"
            )
        ) from None


def as_text(value: Any) -> str | None:
    """Return a cell's value as the text that the mapping reads; a whole number without its '.0'."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, datetime.date) else str(value)
