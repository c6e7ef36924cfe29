"""Thousands of patterns against a text at once: where each of them stands.

Literals go through one Aho-Corasick automaton, so ten thousand cost no more than ten; RE2
patterns through one ``re2.Set``, which tells in linear time which of them occur at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import ahocorasick
import re2

from crmrules.evaluation.normalise import is_letter, normalise

_META = frozenset("\\.^$*+?{}[]|()")
_SET_MEMORY = 256 << 20  # bytes; a set that outgrows its memory would silently find nothing


class Hit(NamedTuple):
    """Pattern ``number`` stands at ``text[start:end]``."""

    start: int
    end: int
    number: int

    def inside(self, other: Hit) -> bool:
        """Return whether this is a proper part of *other*."""
        return other.start <= self.start and self.end <= other.end and self.end - self.start < other.end - other.start

    def covered_by(self, start: int, end: int) -> bool:
        """Return whether this lies in that span."""
        return start <= self.start and self.end <= end


def options() -> Any:
    """Options of every RE2 pattern of a lexicon or cue: case is ignored, complaints are ours to make."""
    chosen = re2.Options()
    chosen.case_sensitive = False
    chosen.log_errors = False
    return chosen


class Matcher:
    """Finds literals (whole words where letters are Latin) and RE2 patterns in normalised texts."""

    def __init__(self, patterns: Sequence[tuple[str, bool]]) -> None:
        """Take (pattern, is literal) pairs; a hit's ``number`` is the place in this sequence."""
        found: dict[str, list[tuple[int, bool]]] = {}
        self._numbers: list[int] = []
        self._regexes: list[Any] = []
        for index, (pattern, literal) in enumerate(patterns):
            if literal or not _META & set(pattern):
                text = normalise(pattern) if literal else pattern.casefold()
                if text:
                    found.setdefault(text, []).append((index, literal))
            else:
                self._numbers.append(index)
                self._regexes.append(re2.compile(pattern, options()))
        self._automaton = _automaton(found)
        self._set = _set([patterns[number][0] for number in self._numbers])

    def hits(self, text: str) -> list[Hit]:
        """Return where the patterns stand in *text*, by place, then by pattern; regexes do not overlap themselves."""
        hits: list[Hit] = []
        if self._automaton is not None:
            for last, (length, latin, owners) in self._automaton.iter(text):
                start, end = last + 1 - length, last + 1
                whole = not latin or _is_whole_word(text, start, end)
                for number, literal in owners:
                    if whole or not literal:
                        hits.append(Hit(start, end, number))
        if self._set is not None:
            for position in self._set.Match(text) or ():  # None: nothing found
                for match in self._regexes[position].finditer(text):
                    if match.end() > match.start():
                        hits.append(Hit(match.start(), match.end(), self._numbers[position]))
        hits.sort()
        return hits

    def present(self, text: str) -> set[int]:
        """Return the numbers of the patterns that stand anywhere in *text*."""
        found = (
            {self._numbers[position] for position in (self._set.Match(text) or ())} if self._set is not None else set()
        )
        if self._automaton is not None:
            found.update(number for _, (_, _, owners) in self._automaton.iter(text) for number, _ in owners)
        return found


def _automaton(found: dict[str, list[tuple[int, bool]]]) -> Any:
    if not found:
        return None
    automaton = ahocorasick.Automaton()
    for text, owners in found.items():
        automaton.add_word(text, (len(text), is_letter(text[0]) or is_letter(text[-1]), owners))
    automaton.make_automaton()
    return automaton


def _set(patterns: Sequence[str]) -> Any:
    if not patterns:
        return None
    chosen = options()
    chosen.max_mem = _SET_MEMORY
    collected = re2.Set.SearchSet(chosen)
    for pattern in patterns:
        collected.Add(pattern)
    collected.Compile()
    return collected


def _is_whole_word(text: str, start: int, end: int) -> bool:
    """A Latin letter at the edge of a match must not be continued by another one."""
    if start and is_letter(text[start]) and is_letter(text[start - 1]):
        return False
    return not (end < len(text) and is_letter(text[end - 1]) and is_letter(text[end]))
