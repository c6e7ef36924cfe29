"""One JSON Lines file as a table: a record per line, read in pages, single values changed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from crmrules.contracts.connector import Page
from crmrules.errors import DataError, Location, Problem
from crmrules_files.encoding import Encoding, detect

_PAGE = 50_000
_SHOWN = 100

Key = tuple[str, ...]


@dataclass(frozen=True)
class JsonlTable:
    """A file of JSON objects, one per line; its columns are all names that occur in it."""

    name: str
    path: Path
    declared_encoding: str = "auto"
    ascii_means: str = "utf-8"  # the encoding of a file in which no byte tells

    @property
    def shown(self) -> str:
        """The file as error messages name it."""
        return self.path.name

    @cached_property
    def encoding(self) -> Encoding:
        """How the file is encoded. Raises DataError where it is no text that we read."""
        return detect(self.path, self.shown, self.declared_encoding, self.ascii_means)

    @cached_property
    def header(self) -> tuple[str, ...]:
        """Every name that occurs, in order of appearance. Raises DataError with every wrong line."""
        names: dict[str, None] = {}
        for _, record in self._records():
            names.update(dict.fromkeys(record))
        if not names:
            raise DataError(
                Problem("empty-file", "the file is empty", Location(self.shown, 1), "a JSON object per line")
            )
        return tuple(names)

    def pages(self, fields: tuple[str, ...]) -> Iterator[Page]:
        """Yield the records as texts; a list as JSON. Raises DataError with every wrong line."""
        import pyarrow as pa

        rows: list[tuple[int, Mapping[str, Any]]] = []
        for number, record in self._records():
            # Page numbers its rows one by one, so a blank line ends a page.
            if rows and (len(rows) == _PAGE or number != rows[-1][0] + 1):
                yield self._page(pa, rows, fields)
                rows = []
            rows.append((number, record))
        if rows:
            yield self._page(pa, rows, fields)

    def _page(self, pa: Any, rows: list[tuple[int, Mapping[str, Any]]], fields: tuple[str, ...]) -> Page:
        columns = {f: pa.array([as_text(record.get(f)) for _, record in rows], pa.string()) for f in fields}
        return Page(rows=pa.table(columns), source=self.shown, first_row=rows[0][0])

    def find(self, key: tuple[str, ...], wanted: set[Key]) -> Mapping[Key, Mapping[str, str]]:
        """Return column -> text of the records whose *key* columns are among *wanted*."""
        found = {}
        for _, record in self._records():
            this = tuple(as_text(record.get(name)) or "" for name in key)
            if this in wanted:
                found[this] = {name: as_text(record.get(name)) or "" for name in self.header}
        return found

    def _records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        problems: list[Problem] = []
        codec = self.encoding.codec
        with self.path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                text = line.decode(codec if number == 1 else self.encoding.name)
                if not text.strip():
                    continue
                try:
                    record = parse(text)
                except ValueError as error:
                    if len(problems) < _SHOWN:
                        problems.append(
                            Problem("broken-line", str(error), Location(self.shown, number), "a JSON object")
                        )
                    continue
                if not problems:
                    yield number, record
        if problems:
            raise DataError(problems)


def parse(line: str) -> dict[str, Any]:
    """Return the record of one line. Raises ValueError with a plain reason."""
    try:
        record = json.loads(line, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ValueError(f"the line is no JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise ValueError("the line is nested too deeply") from None
    if not isinstance(record, dict):
        raise ValueError(f"the line holds {line.strip()[:20]}, which is no object")  # noqa: TRY004  (a fact about the text)
    for name, value in record.items():
        if isinstance(value, dict):
            raise ValueError(  # noqa: TRY004  (a fact about the text)
                f"'{name}' holds an object; values are texts, numbers, true, false, null or lists of texts"
            )
    return record


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"'{next(n for n in names if names.count(n) > 1)}' stands twice")
    return record


def as_text(value: Any) -> str | None:
    """Return a JSON value as the text that the mapping reads."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
