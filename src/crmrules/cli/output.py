"""How results are shown: tables for people, one JSON document for machines, progress on a terminal.

Everything that comes from a CRM is cleaned of what could act on a terminal. Without a terminal
the output is plain, complete and the same every time.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crmrules.model.text import Text, clean

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


@dataclass(frozen=True, kw_only=True)
class Output:
    """One command's way of speaking."""

    format: str  # text | json
    lang: str
    quiet: bool

    @property
    def for_people(self) -> bool:
        return self.format == "text" and not self.quiet

    def say(self, line: str = "") -> None:
        """Print one line for people."""
        if self.for_people:
            click.echo(clean(line))

    def note(self, line: str) -> None:
        """Print one line that is not the result itself."""
        if self.for_people:
            click.echo(clean(line), err=True)

    def table(self, title: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print a table for people: drawn on a terminal, aligned columns elsewhere; heads may all be ''."""
        if not self.for_people or not rows:
            return
        cells = [[clean("" if cell is None else str(cell)) for cell in row] for row in rows]
        numeric = [all(not cell or _is_number(cell) for cell in column) for column in zip(*cells, strict=True)]
        if sys.stdout.isatty():
            _draw(title, heads, cells, numeric)
            return
        click.echo(clean(title))
        for line in aligned([list(heads), *cells] if any(heads) else cells, numeric):
            click.echo(f"  {line}")

    def json(self, document: object) -> None:
        """Print the result for machines."""
        if self.format == "json":
            click.echo(json.dumps(plain(document), ensure_ascii=False, indent=1))

    @contextmanager
    def progress(self) -> Iterator[Bars]:
        """Show progress bars while the block runs; only on a terminal."""
        if not self.for_people or not sys.stderr.isatty():
            yield Bars(None)
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            yield Bars(bars)


class Bars:
    """Progress bars by name; without a terminal they do nothing."""

    def __init__(self, bars: Progress | None) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._stage = ""

    def advance(self, name: str, done: int, total: int | None) -> None:
        """Show that *done* of *total* are done of what is called *name*."""
        if self._bars is None:
            return
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(clean(name), total=total)
        self._bars.update(self._tasks[name], completed=done, total=total)

    def begin(self, stage: str) -> None:
        """Show that *stage* begins and the one before it is done."""
        if self._stage:
            self.advance(self._stage, 1, 1)
        self._stage = stage
        self.advance(stage, 0, 1)


def plain(value: Any) -> Any:
    """Return *value* as JSON holds it: dataclasses as objects, texts as objects by language."""
    match value:
        case Text():
            return dict(value.by_language)
        case Enum():
            return value.value
        case Decimal() | Path():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case Exception():
            return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(item) for name, item in vars(value).items() if not name.startswith("_")}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return [plain(item) for item in items]
    return value


def aligned(rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> Iterator[str]:
    """Yield one line per row, columns as wide as their widest cell; Chinese characters count double."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            (" " * (width - _width(cell)) + cell) if right else (cell + " " * (width - _width(cell)))
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        yield "  ".join(cells).rstrip()


def _draw(title: str, heads: Sequence[str], cells: Sequence[Sequence[str]], numeric: Sequence[bool]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text as Plain  # its text is never read as markup

    table = Table(
        title=Plain(clean(title)), title_justify="left", show_edge=False, pad_edge=False, show_header=any(heads)
    )
    for head, right in zip(heads, numeric, strict=True):
        table.add_column(Plain(head), justify="right" if right else "left", overflow="fold")
    for row in cells:
        table.add_row(*(Plain(cell) for cell in row))
    Console().print(table)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def _is_number(text: str) -> bool:
    return text.lstrip("-+").replace(",", "").replace(".", "", 1).rstrip("%").isdecimal()
