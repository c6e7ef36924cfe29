"""Cut a text into sentences and clauses, so that a cue, a negation and a name belong together.

Positions are kept: ``Clause.start`` counts in the tidied text. Quotation marks and commas end a
clause, full stops, question marks, semicolons and line breaks a sentence; a colon ends what stands
before it, which may name the speaker. A dot ends a sentence only before a blank or the end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LONGEST = 4000  # characters of a text that are read; longer ones are attachments or mail histories
_LINE = re.compile(r"[\r\n]+")
_CUTS = re.compile(
    r"(?P<line>¶)"
    r"|(?P<sentence>[。!?;…]+|(?<!\bmr)(?<!\bms)(?<!\bdr)(?<!\bmrs)(?<!\bprof)\.(?=\s|$)|\.{2,})"
    r"|(?P<colon>(?<!\d):(?!//)|:(?!\d|//))"
    r"|(?P<clause>,(?!\d)|[\"「」『』《》【】]|(?<![a-z])'|'(?![a-z])| - |・)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Clause:
    """``text`` stands at ``start`` of the tidied text, in this sentence of this line."""

    start: int
    text: str
    sentence: int
    line: int
    introduces: bool = False  # ends with a colon: may name who says what follows
    asks: bool = False  # ends with a question mark


def readable(text: str) -> str:
    """Return the part of a raw text that is read, line breaks made ``¶``."""
    return _LINE.sub("¶", text[:_LONGEST])


def clauses(text: str) -> list[Clause]:
    """Return the clauses of a tidied text in order, without empty ones."""
    found: list[Clause] = []
    start = sentence = line = 0
    for cut in _CUTS.finditer(text):
        found += _clause(text, start, cut.start(), (sentence, line), cut)
        sentence += cut.lastgroup in ("sentence", "line")
        line += cut.lastgroup == "line"
        start = cut.end()
    return found + _clause(text, start, len(text), (sentence, line), None)


def _clause(text: str, start: int, end: int, place: tuple[int, int], cut: re.Match[str] | None) -> list[Clause]:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    piece = piece.strip()
    if not piece:
        return []
    introduces = cut is not None and cut.lastgroup == "colon"
    return [Clause(start, piece, *place, introduces, cut is not None and "?" in cut.group())]
