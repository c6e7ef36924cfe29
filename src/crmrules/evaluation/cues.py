"""Cues in a clause: which phrases stand there, unless they are negated or excepted.

Before a clause is searched, every person in it becomes one character, so that a name never
looks like a phrase and ``{who}`` finds whom it is meant to find. RE2 throughout: linear in
the text, whatever the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import re2

from crmrules.evaluation.clauses import Clause
from crmrules.evaluation.matcher import Matcher, options
from crmrules.evaluation.normalise import simplify
from crmrules.evaluation.persons import Named
from crmrules.language.ruleset import Cue, Phrases

WHO, OTHER = "\ue000", "\ue001"  # the person in question; any other person (tidied texts hold neither)
_PLACE = "{who}"
_REMEMBERED = 20_000  # clauses
_BEFORE = 24  # characters before a cue in which a negation may stand


class Fired(NamedTuple):
    """A cue in a clause; ``who`` is the person that its ``{who}`` found."""

    cue: Cue
    start: int
    words: str  # what matched, persons masked
    who: str | None


class _Pattern(NamedTuple):
    cue: Cue
    regex: Any
    has_who: bool
    negative: bool  # holds a negation itself: 不见供应商


class CueReader:
    """All cues of a ruleset, compiled once."""

    def __init__(self, phrases: Phrases) -> None:
        texts = [(cue, simplify(text)) for cue in phrases.cues for text in cue.patterns]
        negation = "|".join(f"(?:{simplify(text)})" for text in phrases.negations)
        self._negation = re2.compile(negation, options()) if negation else None
        self._negated_before = re2.compile(f"(?:{negation})[ ]?$", options()) if negation else None
        self._patterns = [
            _Pattern(cue, re2.compile(text.replace(_PLACE, WHO), options()), _PLACE in text, self._negates(text))
            for cue, text in texts
        ]
        self._unless = {
            cue.id: re2.compile(
                "|".join(f"(?:{simplify(text).replace(_PLACE, f'[{WHO}{OTHER}]')})" for text in cue.unless), options()
            )
            for cue in phrases.cues
            if cue.unless
        }
        self._fired = lru_cache(maxsize=_REMEMBERED)(self._search)  # the same is said again and again
        self._set = Matcher([(f"(?:{text.replace(_PLACE, WHO)})", False) for _, text in texts])

    def fired(self, clause: Clause, folded: str, named: Sequence[Named]) -> list[Fired]:
        """Return the cues of a clause (``folded``: its text in lower case), each once for each ``who``."""
        return list(self._fired(folded, tuple(named), clause.asks))

    def _search(self, folded: str, named: Sequence[Named], asks: bool) -> tuple[Fired, ...]:
        question = "?" if asks else ""
        numbers = sorted(set(self._set.present(_masked(folded, named, named) + question)))
        found: dict[tuple[str, str | None], Fired] = {}
        for number in numbers:
            pattern = self._patterns[number]
            for who, text in _readings(folded, named, pattern.has_who):
                match = pattern.regex.search(text + question)
                if match is None or self._cancelled(pattern, text + question, match):
                    continue
                found.setdefault(
                    (pattern.cue.id, who), Fired(pattern.cue, _unmasked(match.start(), named), match.group(), who)
                )
        return tuple(found.values())

    def _negates(self, text: str) -> bool:
        return self._negation is not None and self._negation.search(text) is not None

    def _cancelled(self, pattern: _Pattern, text: str, match: Any) -> bool:
        unless = self._unless.get(pattern.cue.id)
        if unless is not None and unless.search(text):
            return True
        if self._negation is None or self._negated_before is None:
            return False
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        return bool(self._negated_before.search(before)) or (
            not pattern.negative and bool(self._negation.search(match.group()))
        )


def _masked(folded: str, named: Sequence[Named], targets: Sequence[Named]) -> str:
    parts, last = [], 0
    for person in named:
        parts += [folded[last : person.start], WHO if person in targets else OTHER]
        last = person.end
    return "".join([*parts, folded[last:]])


def _unmasked(position: int, named: Sequence[Named]) -> int:
    """Return where a position of the masked clause lies in the clause itself."""
    for person in named:
        if person.start >= position:
            break
        position += person.end - person.start - 1
    return position


def _readings(folded: str, named: Sequence[Named], has_who: bool) -> Iterator[tuple[str | None, str]]:
    if not has_who:
        yield None, _masked(folded, named, ())
        return
    for person in named:
        if person.contact_id is not None:
            yield person.contact_id, _masked(folded, named, (person,))
