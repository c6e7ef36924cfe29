"""CSV as bytes: records and cells that can be changed one at a time and leave the rest as it was.

Works on undecoded bytes: in UTF-8 and in GB18030 no byte of a longer character equals a quote, a
comma, a semicolon, a tab or a line end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from crmrules_files.encoding import Encoding

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet takes a cell that starts so for a formula


@dataclass(frozen=True)
class Dialect:
    """How one CSV file is spelled."""

    encoding: Encoding
    delimiter: str = ","
    newline: bytes = b"\n"

    def split(self, record: bytes) -> tuple[list[bytes], bytes]:
        """Return the raw cells of *record* and its line end (b'' for a last line without one)."""
        body = record.rstrip(b"\r\n")
        end = record[len(body) :]
        mark = self.delimiter.encode()
        if b'"' not in body:
            return body.split(mark), end
        cells, at, cell = [], 0, re.compile(rb'"(?:[^"]|"")*"[^%b]*|[^%b]*' % (re.escape(mark), re.escape(mark)))
        while True:
            found = cell.match(body, at)
            assert found is not None  # the pattern also matches nothing
            cells.append(found.group())
            at = found.end() + 1
            if at > len(body):
                return cells, end

    def join(self, cells: Iterable[bytes], end: bytes) -> bytes:
        """Return the record of raw *cells*."""
        return self.delimiter.encode().join(cells) + end

    def read(self, cell: bytes) -> str:
        """Return the text of a raw cell."""
        text = cell.decode(self.encoding.name)
        return text[1:-1].replace('""', '"') if len(text) > 1 and text[0] == text[-1] == '"' else text

    def spell(self, text: str, *, always_quoted: bool = False) -> bytes:
        """Return *text* as a raw cell, quoted where it must be (or *always_quoted*)."""
        if always_quoted or any(c in text for c in (self.delimiter, '"', "\n", "\r")):
            text = '"' + text.replace('"', '""') + '"'
        return text.encode(self.encoding.name)


def records(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the records of a CSV file, line ends included; a quoted cell may hold line ends."""
    pending: list[bytes] = []
    inside = False
    for line in stream:
        pending.append(line)
        if line.count(b'"') % 2:
            inside = not inside
        if not inside:
            yield pending[0] if len(pending) == 1 else b"".join(pending)
            pending = []
    if pending:
        yield b"".join(pending)


def harmless(text: str) -> str:
    """Return *text* so that no spreadsheet runs it: with an apostrophe where it starts like a formula."""
    return "'" + text if text.startswith(_DANGEROUS) else text


def as_meant(text: str) -> str:
    """Undo :func:`harmless`."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(_DANGEROUS) else text
