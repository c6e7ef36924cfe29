"""What one text says under a lexicon: level, functions, modifiers.

The text is split into parts at the lexicon's separators (never inside a match, so ``R&D`` stays
whole), each part is read alone, and the parts are joined: the most senior level, all functions.

In a part

1. the longest exception decides alone what it gives (ties: writing order); what it does not
   give is left to the blocks;
2. a match inside a longer match of the same output does not count (``president`` in
   ``vice president``, ``工程师`` in ``总工程师``), and of those left the most senior level wins,
   while functions are all kept, in the order in which the lexicon lists them;
3. a modifier moves the level down only where it stands outside the match that gave the level
   (``副`` + ``总经理``, but not in a pattern ``副总`` of its own). It moves along the levels that
   the blocks give and stops at the last; a level that only exceptions give is not moved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from crmrules.evaluation.matcher import Hit, Matcher
from crmrules.evaluation.normalise import normalise
from crmrules.language.ruleset import Lexicon, Pattern


class Reading(NamedTuple):
    """What was read; ``rule`` is the id of the pattern that decided the level (or else the first function)."""

    level: str | None = None
    functions: tuple[str, ...] = ()
    modifiers: tuple[str, ...] = ()
    rule: str | None = None
    matched: bool = False


NOTHING = Reading()


class LexiconReader:
    """Reads normalised texts; built once per lexicon."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._exceptions = [p for block in lexicon.blocks if block.exception for p in block.patterns]
        usual = [p for block in lexicon.blocks if not block.exception for p in block.patterns]
        words = [(m.id, text, False) for m in lexicon.modifiers for text in m.patterns]
        words += [(m.id, text, True) for m in lexicon.modifiers for text in m.except_]
        self._patterns: list[Pattern] = self._exceptions + usual
        self._modifiers = [(id, spared) for id, _, spared in words]
        self._shifts = {modifier.id: modifier.shift for modifier in lexicon.modifiers}
        self._matcher = Matcher([(p.pattern, p.literal) for p in self._patterns] + [(t, False) for _, t, _ in words])
        self._kinds = ["exception"] * len(self._exceptions)
        self._kinds += ["level" if "level" in p.gives else "function" for p in usual] + ["modifier"] * len(words)
        self._known: dict[str, Reading] = {}
        self._rank = {level: rank for rank, level in enumerate(lexicon.levels)}
        given = {p.gives["level"] for p in usual if "level" in p.gives}
        self._ladder = [level for level in lexicon.levels if level in given]
        separators = sorted({_separator(s) for s in lexicon.split} - {""}, key=lambda s: (-len(s), s))
        self._separator = re.compile("|".join(map(re.escape, separators))) if separators else None

    def read(self, text: str) -> Reading:
        """Return what the normalised *text* says; :data:`NOTHING` where no pattern is found."""
        hits = self._matcher.hits(text)
        if not hits:
            return NOTHING
        spans = self._parts(text, hits)
        if len(spans) == 1:
            return self._read_part(hits)
        return self._joined([self._part(text[start:end].strip()) for start, end in spans])

    def _part(self, text: str) -> Reading:
        """A part is read as if it stood alone, so that ``^`` and ``$`` are its ends; many titles share parts."""
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._read_part(self._matcher.hits(text))
        return known

    def _joined(self, found: Sequence[Reading]) -> Reading:
        parts = sorted(found, key=lambda part: self._seniority(part.level))
        best = next((part for part in parts if part.rule), NOTHING)
        return Reading(
            level=best.level,
            functions=_once(f for part in parts for f in part.functions),
            modifiers=_once(m for part in parts for m in part.modifiers),
            rule=best.rule,
            matched=any(part.matched for part in parts),
        )

    def _seniority(self, level: str | None) -> int:
        return self._rank.get(level, len(self._rank)) if level is not None else len(self._rank) + 1

    def _parts(self, text: str, hits: Sequence[Hit]) -> list[tuple[int, int]]:
        if self._separator is None or not self._separator.search(text):
            return [(0, len(text))]
        parts, start = [], 0
        for cut in self._separator.finditer(text):
            # NOTE: patterns may hold blanks at their ends, so only a separator that is truly inside is kept whole
            if any(h.start < cut.start() and cut.end() < h.end for h in hits if h.number < len(self._patterns)):
                continue
            parts.append((start, cut.start()))
            start = cut.end()
        return [*parts, (start, len(text))]

    def _read_part(self, hits: Sequence[Hit]) -> Reading:
        levels, functions, words, exceptions = [], [], [], []
        for hit in hits:
            kind = self._kinds[hit.number]
            if kind == "level":
                levels.append(hit)
            elif kind == "function":
                functions.append(hit)
            elif kind == "modifier":
                words.append(hit)
            else:
                exceptions.append(hit)
        exception = min(exceptions, key=_length_then_order) if exceptions else None
        gives = self._patterns[exception.number].gives if exception else {}
        level_hit = exception if "level" in gives else self._best_level(levels)
        found = [] if "function" in gives else sorted(_outermost(functions), key=lambda h: h.number)
        deciding = level_hit or exception or (found[0] if found else None)
        modifiers, shift = self._modifiers_of(words, level_hit) if words else ((), 0)
        return Reading(
            level=self._shifted(self._patterns[level_hit.number].gives["level"], shift) if level_hit else None,
            functions=(gives["function"],) if "function" in gives else _once(self._value(h, "function") for h in found),
            modifiers=modifiers,
            rule=self._patterns[deciding.number].id if deciding else None,
            matched=deciding is not None,
        )

    def _value(self, hit: Hit, output: str) -> str:
        return self._patterns[hit.number].gives[output]

    def _best_level(self, levels: Sequence[Hit]) -> Hit | None:
        if len(levels) < 2:
            return levels[0] if levels else None
        return min(_outermost(levels), key=lambda h: (self._seniority(self._value(h, "level")), *_length_then_order(h)))

    def _modifiers_of(self, hits: Sequence[Hit], level_hit: Hit | None) -> tuple[tuple[str, ...], int]:
        words = [(h, *self._modifiers[h.number - len(self._patterns)]) for h in hits]
        spared = [(h, id) for h, id, is_spared in words if is_spared]
        counted = [
            (h, id)
            for h, id, is_spared in words
            if not is_spared and not any(id == other and h.covered_by(s.start, s.end) for s, other in spared)
        ]
        moving = {id for h, id in counted if level_hit is None or not h.covered_by(level_hit.start, level_hit.end)}
        present = {id for _, id in counted}
        return tuple(id for id in self._shifts if id in present), sum(self._shifts[id] for id in moving)

    def _shifted(self, level: str, shift: int) -> str:
        if level not in self._ladder or not shift:
            return level
        return self._ladder[max(0, min(self._ladder.index(level) + shift, len(self._ladder) - 1))]


def _separator(text: str) -> str:
    """Normalise a separator, but keep the blanks around a word: ``" and "``."""
    blank_before, blank_after = text[:1].isspace(), text[-1:].isspace()
    return " " * blank_before + normalise(text) + " " * blank_after if text.strip() else ""


def _length_then_order(hit: Hit) -> tuple[int, int, int]:
    return hit.start - hit.end, hit.number, hit.start


def _outermost(hits: Sequence[Hit]) -> Sequence[Hit]:
    return hits if len(hits) < 2 else [h for h in hits if not any(h.inside(other) for other in hits)]


def _once(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))
