"""One CSV file as a table: read in pages, rows found by key, single cells changed."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from crmrules.contracts.connector import Page
from crmrules.errors import DataError, Location, Problem
from crmrules_files.csv_records import Dialect, records
from crmrules_files.encoding import detect

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.csv

_BLOCK = 16 << 20  # bytes of a page
_SHOWN = 100

Key = tuple[str, ...]


@dataclass(frozen=True)
class CsvTable:
    """A CSV file whose first record names the columns."""

    name: str
    path: Path
    declared_delimiter: str = ","
    declared_encoding: str = "auto"
    ascii_means: str = "utf-8"  # the encoding of a file in which no byte tells

    @property
    def shown(self) -> str:
        """The file as error messages name it."""
        return self.path.name

    @cached_property
    def dialect(self) -> Dialect:
        """How the file is spelled. Raises DataError where it is no text that we read, or empty."""
        encoding = detect(self.path, self.shown, self.declared_encoding, self.ascii_means)
        with self.path.open("rb") as stream:
            first = next(records(stream), b"")
        if not first.removeprefix(b"\xef\xbb\xbf").strip():
            raise DataError(
                Problem("empty-file", "the file is empty", Location(self.shown, 1), "a first line with column names")
            )
        delimiter = self.declared_delimiter
        if delimiter == "auto":
            delimiter = max(",;\t", key=lambda mark: (first.count(mark.encode()), mark == ","))
        return Dialect(encoding, delimiter, b"\r\n" if first.endswith(b"\r\n") else b"\n")

    @cached_property
    def header(self) -> tuple[str, ...]:
        """Names of the columns. Raises DataError for repeated or empty ones."""
        dialect = self.dialect
        with self.path.open("r", encoding=dialect.encoding.codec, newline="") as stream:
            names = tuple(next(csv.reader(stream, delimiter=dialect.delimiter), ()))
        check_header(names, self.shown)
        return names

    def pages(self, fields: tuple[str, ...]) -> Iterator[Page]:
        """Yield the rows as texts, memory staying flat. Raises DataError with every ragged row."""
        import pyarrow as pa

        ragged: list[Problem] = []
        number = 2  # of the row that comes next; 1 is the header
        try:
            for batch in self._batches(fields, ragged):
                yield from self._numbered(pa.Table.from_batches([batch]), number)
                number += batch.num_rows
        except pa.ArrowInvalid as error:
            raise DataError(
                Problem("broken-csv", f"the file can't be read as CSV: {error}", Location(self.shown))
            ) from error
        if ragged:
            raise DataError(ragged)

    def _batches(self, fields: tuple[str, ...], ragged: list[Problem]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        import pyarrow.csv

        def odd_row(row: pyarrow.csv.InvalidRow) -> str:
            if len(ragged) < _SHOWN:
                ragged.append(
                    Problem(
                        "ragged-row", f"the row has {row.actual_columns} cells, the header {row.expected_columns}",
                        Location(self.shown, row.number), hint="a text that holds the delimiter needs quotes",
                    )
                )  # fmt: skip
            return "skip"

        if not self._has_rows():  # pyarrow refuses a file that is only a header without a line end
            return
        dialect = self.dialect
        reader = pyarrow.csv.open_csv(
            self.path,
            # Threads would be faster, but then a wrong row does not know its number.
            read_options=pyarrow.csv.ReadOptions(
                block_size=_BLOCK, encoding=dialect.encoding.name, use_threads=False, column_names=list(self.header),
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=dialect.delimiter, newlines_in_values=True, invalid_row_handler=odd_row,
                ignore_empty_lines=False,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={name: pa.string() for name in self.header}, include_columns=list(fields),
                strings_can_be_null=False,
            ),
        )  # fmt: skip
        first = True
        for batch in reader:
            yield batch.slice(1) if first else batch  # the header is read as a row, so that numbers stay true
            first = False

    def _numbered(self, rows: pa.Table, number: int) -> Iterator[Page]:
        # Blank lines are no records, but they count as lines, so a page ends before each.
        import pyarrow.compute as pc

        blank = pc.equal(rows.column(0), "")
        for column in rows.columns[1:]:
            blank = pc.and_(blank, pc.equal(column, ""))
        at = 0
        for position in [*pc.indices_nonzero(blank).to_pylist(), rows.num_rows]:
            if position > at:
                yield Page(rows=rows.slice(at, position - at), source=self.shown, first_row=number + at)
            at = position + 1

    def _has_rows(self) -> bool:
        with self.path.open("rb") as stream:
            lines = records(stream)
            next(lines, None)
            return next(lines, None) is not None

    def find(self, key: tuple[str, ...], wanted: set[Key]) -> Mapping[Key, Mapping[str, str]]:
        """Return column -> text of the rows whose *key* columns are among *wanted*."""
        return {
            k: {name: self.dialect.read(cell) for name, cell in zip(self.header, cells, strict=True)}
            for k, cells in self._matching(key, wanted)
        }

    def _matching(self, key: tuple[str, ...], wanted: set[Key]) -> Iterator[tuple[Key, list[bytes]]]:
        with self.path.open("rb") as stream:
            lines = records(stream)
            next(lines)
            for record in lines:
                found = self.key_of(record, key)
                if found is not None and found[0] in wanted:
                    yield found[0], found[1]

    def key_of(self, record: bytes, key: tuple[str, ...]) -> tuple[Key, list[bytes], bytes] | None:
        """Return key, raw cells and line end of a record; None where it has not as many cells as the header."""
        cells, end = self.dialect.split(record)
        if len(cells) != len(self.header):
            return None
        positions = [self.header.index(name) for name in key]
        return tuple(self.dialect.read(cells[p]) for p in positions), cells, end


def check_header(names: tuple[str, ...], shown: str) -> None:
    """Raise DataError where *names* can't name columns: repeated, or blank."""
    problems = [
        Problem("duplicate-column", f"the column '{name}' stands {names.count(name)} times in the header",
                Location(shown, 1), hint="give each column a name of its own")
        for name in dict.fromkeys(names)
        if name.strip() and names.count(name) > 1
    ]  # fmt: skip
    problems += [
        Problem("unnamed-column", f"column {position} has no name", Location(shown, 1))
        for position, name in enumerate(names, 1)
        if not name.strip()
    ]
    if problems:
        raise DataError(problems)
