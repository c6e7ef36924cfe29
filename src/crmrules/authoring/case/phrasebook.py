"""Reduce a free text to what cannot tell who or what it is about: the phrases that a ruleset finds in it.

Kept are the characters of a match that stand in its pattern itself (what a wildcard found may be
anything), names that were replaced before, and punctuation. Every other letter becomes ``x``, every
digit ``0``, every Chinese character ``某``, so that distances stay what they were.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from crmrules.authoring.case.uses import Use
from crmrules.evaluation.clauses import clauses, readable
from crmrules.evaluation.matcher import Matcher
from crmrules.evaluation.normalise import simplify, tidy

MASK = "\ue000"  # stands for every character of a name while patterns are looked for; tidied texts hold none
_WHO = f"{MASK}+"
_PERSONS = ("我", "本人", "我们", "我方", "我司", "他", "她", "i", "me", "my", "mine", "myself", "we", "us", "he", "she",
            "him", "her", "they")  # fmt: skip
_SYNTAX = re.compile(r"\\[pP](?:\{[^}]*\}|.)|\\x(?:\{[^}]*\}|..)|\\.|\{[^}]*\}|\(\?[a-zA-Z:]*\)?|\[\^[^\]]*\]")
_CLASS = re.compile(r"\[([^\]]*)\]")
_RUN = re.compile(r"([^\W_]+)([?*]?)")
_HAN = "\u2e80"  # from here on there are no blanks between words


class Span(NamedTuple):
    """``text[start:end]`` becomes ``instead``."""

    start: int
    end: int
    instead: str


class Phrasebook:
    """What a ruleset says about the texts of one field; built once."""

    def __init__(self, use: Use) -> None:
        regexes = [simplify(text).replace("{who}", _WHO) for text in sorted(use.words | use.patterns)]
        literals = sorted({*use.literals, *_PERSONS} - {""})
        self._matcher = Matcher([*((text, False) for text in regexes), *((text, True) for text in literals)])
        self._said = [_Said(text) for text in regexes]

    def reduced(self, text: str, names: Sequence[Span]) -> str:
        """Return the tidied *text* with *names* replaced and all letters filled in that no phrase is made of."""
        return "".join(self._pieces(text, names, 0, len(text)))

    def reduced_talk(self, text: str, names: Sequence[Span]) -> str:
        """Do the same with several clauses, leaving out those in which nothing is kept."""
        found = clauses(text)
        ends = [clause.start for clause in found[1:]] + [len(text)]
        kept = []
        for clause, end in zip(found, ends, strict=True):
            pieces = self._pieces(text, [n for n in names if clause.start <= n.start < end], clause.start, end)
            named = any(clause.start <= n.start < end for n in names)
            if named or any(
                c.isalnum() and piece == text[at] for at, piece in enumerate(pieces, clause.start) for c in piece
            ):
                kept.append("".join(pieces))
        return "".join(kept).strip()

    def _pieces(self, text: str, names: Sequence[Span], start: int, end: int) -> list[str]:
        """Return what each character of ``text[start:end]`` becomes; a name stands in place of its first one."""
        masked = list(text)
        for name in names:
            masked[name.start : name.end] = MASK * (name.end - name.start)
        safe = self._safe("".join(masked))
        pieces = [c if not c.isalnum() or safe[at] else _filled(c) for at, c in enumerate(text[:end])][start:]
        for name in names:
            pieces[name.start - start : name.end - start] = [name.instead, *[""] * (name.end - name.start - 1)]
        return pieces

    def _safe(self, masked: str) -> list[bool]:
        folded = masked.casefold()
        if len(folded) != len(masked):
            folded = masked.lower() if len(masked.lower()) == len(masked) else masked
        safe = [False] * len(folded)
        for hit in self._matcher.hits(folded):
            said = self._said[hit.number] if hit.number < len(self._said) else None
            for at in range(hit.start, hit.end) if said is None else said.places(folded, hit.start, hit.end):
                safe[at] = True
        return safe


class _Said:
    """The words of a regular expression, without its syntax."""

    def __init__(self, pattern: str) -> None:
        plain = _SYNTAX.sub(" ", pattern.casefold())
        classes = "".join(_CLASS.findall(plain))
        plain = _CLASS.sub(" ", plain)
        self._characters = frozenset(plain + classes)
        runs = {c for c in classes if c.isalnum()}
        for run, optional in _RUN.findall(plain):
            runs |= {run, run[:-1], run[-1]} if optional else {run}
        ordered = sorted(runs - {""}, key=lambda run: (-len(run), run))
        self._word = re.compile(f"(?:{'|'.join(map(re.escape, ordered))})+" if ordered else "(?!)")

    def places(self, text: str, start: int, end: int) -> Iterator[int]:
        """Yield the places in a match of the pattern that the pattern itself says."""
        for word in re.finditer(r"[^\W_]+", text[start:end]):
            parts = re.finditer(f"[^{_HAN}-\U0010ffff]+|[{_HAN}-\U0010ffff]", word.group())
            for part in parts:
                han = part.group() >= _HAN
                if part.group() in self._characters if han else self._word.fullmatch(part.group()):
                    at = start + word.start()
                    yield from range(at + part.start(), at + part.end())


def _filled(character: str) -> str:
    if character.isdigit():
        return "0"
    return "某" if character >= _HAN else "x"


def blank(text: str) -> str:
    """Return *text* with all letters and digits filled in."""
    return "".join(_filled(c) if c.isalnum() else c for c in text)


def readable_text(text: str) -> str:
    """Return *text* as evaluation reads it: tidied, line breaks as ``¶``."""
    return tidy(readable(text))
