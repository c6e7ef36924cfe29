"""The one table that `make bench` prints."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True)
class Line:
    """One measured figure, how it compares, and whether that is good enough."""

    benchmark: str
    what: str
    figure: str  # with its unit
    ratio: str = ""  # what it is compared with
    target: str = ""  # '' = nothing was asked
    met: bool = True

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def draw(lines: Sequence[Line]) -> str:
    """Return the lines as a table; a missed target is marked."""
    heads = ("benchmark", "what", "figure", "ratio", "target", "")
    rows = [heads]
    for n, line in enumerate(lines):
        first = line.benchmark if n == 0 or lines[n - 1].benchmark != line.benchmark else ""
        verdict = ("ok" if line.met else "MISSED") if line.target else ""
        rows.append((first, line.what, line.figure, line.ratio, line.target, verdict))
    widths = [max(_width(row[column]) for row in rows) for column in range(len(heads))]
    drawn = [
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    drawn.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(drawn)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
