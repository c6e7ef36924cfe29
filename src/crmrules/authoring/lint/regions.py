"""The values that a column can have, cut into regions in which every test of it has one answer.

A region has one answer for each test, and the regions of a variable together hold every value that the
column can have (some may hold none: that only makes the reasoning more careful). So what holds
for no choice of regions holds for no record.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any

from crmrules.evaluation.interpreter import regex
from crmrules.model.objects import FieldType

MOST_PATTERNS = 4  # of one text column that are looked at together
MOST_ITEMS = 6  # of one list column that are looked at together
_MONEY = Decimal("0.0001")
_MOST = 10**14  # what every number column holds
_LAST_DAY = date.max.toordinal()


@dataclass(frozen=True)
class Region:
    """Values that no test tells apart. ``probe`` stands for them in tests, ``example`` is one of them
    (None: missing, or none is known)."""

    probe: Any
    example: Any = None
    missing: bool = False


MISSING = Region(None, None, missing=True)


@dataclass(frozen=True)
class Variable:
    """A column, or a comparison of which nothing is known but its answers; a mask has one bit per region."""

    name: str
    regions: tuple[Region, ...]

    @property
    def all(self) -> int:
        return (1 << len(self.regions)) - 1

    def mask(self, holds: Callable[[Region], bool]) -> int:
        """Return the regions where *holds*."""
        return sum(1 << i for i, region in enumerate(self.regions) if holds(region))

    @property
    def present(self) -> int:
        return self.mask(lambda region: not region.missing)


def ordered(
    name: str, type: FieldType, points: Iterable[Fraction], low: Fraction | None, high: Fraction | None, nullable: bool
) -> Variable:  # fmt: skip
    """Return the variable of a number or day; *points* are the constants it is compared with, *low* and *high* its limits."""
    whole = type is FieldType.integer or type.is_temporal
    if type.is_temporal:
        low, high = Fraction(1), Fraction(_LAST_DAY)
    ends = sorted({*points, *(end for end in (low, high) if end is not None)})
    ends = [p for p in ends if (low is None or p >= low) and (high is None or p <= high)]
    found: list[Region] = []
    before: Fraction | None = None
    for end in ends:
        if low is None or end > low:
            found += _between(type, whole, before, end)
        if not whole or end.denominator == 1:
            example = _value(type, end)
            found.append(Region(end, example if point(example) == end else None))
        before = end
    if high is None:
        found += _between(type, whole, before, None)
    return Variable(name, (*found, *((MISSING,) if nullable else ())))


def _between(type: FieldType, whole: bool, low: Fraction | None, high: Fraction | None) -> list[Region]:
    """Return the region of the values strictly between *low* and *high*; nothing where there is none."""
    if low is not None and high is not None and low >= high:
        return []
    if low is None and high is None:
        probe = Fraction(0)
    elif high is None:
        assert low is not None
        probe = Fraction(math.floor(low) + 1)
    elif low is None:
        probe = Fraction(math.ceil(high) - 1)
    else:
        probe = Fraction(math.floor(low) + 1)
        if probe >= high:
            if whole:
                return []
            probe = (low + high) / 2
    example = _value(type, probe)
    return [Region(probe, example if _inside(example, low, high) else None)]


def _inside(example: Any, low: Fraction | None, high: Fraction | None) -> bool:
    place = point(example)
    return place is not None and (low is None or low < place) and (high is None or place < high)


def _value(type: FieldType, place: Fraction) -> Any:
    if type.is_temporal:
        day = date.fromordinal(min(max(int(place), 1), _LAST_DAY))
        return datetime.combine(day, time()) if type is FieldType.timestamp else day
    if abs(place) >= _MOST:
        return None
    if type is FieldType.money:
        return (Decimal(place.numerator) / Decimal(place.denominator)).quantize(_MONEY)
    return int(place) if type is FieldType.integer else float(place)


def point(value: object) -> Fraction | None:
    """Return where *value* lies among the numbers (a day by its ordinal), None where it is no such thing."""
    if isinstance(value, date):
        return Fraction(value.toordinal())
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    return Fraction(value) if math.isfinite(value) else None


def boolean(name: str, nullable: bool) -> Variable:
    return Variable(name, (Region(True, True), Region(False, False), *((MISSING,) if nullable else ())))


def textual(
    name: str, words: Iterable[str], patterns: Sequence[str], domain: frozenset[str] | None, nullable: bool
) -> Variable:  # fmt: skip
    """Return the variable of a text that is compared with *words* and searched for *patterns*; a probe
    is the text, or for all other texts the answers of the patterns."""
    known = sorted(domain if domain is not None else set(words))
    found = [Region(word, word) for word in known]
    if domain is None:
        for answers in product((True, False), repeat=len(patterns)):
            wanted = dict(zip(patterns, answers, strict=True))
            found.append(Region(wanted, _text(wanted, frozenset(known))))
    return Variable(name, (*found, *((MISSING,) if nullable else ())))


def found_in(region: Region, pattern: str) -> bool:
    """Return whether *pattern* is found in the texts of *region*."""
    if isinstance(region.probe, dict):
        return bool(region.probe[pattern])
    return regex(pattern).search(region.probe) is not None


def _text(wanted: dict[str, bool], taken: frozenset[str]) -> str | None:
    tries = ["other", "其他", *(sample for pattern, answer in wanted.items() if answer for sample in samples(pattern))]
    return next(
        (t for t in tries if t not in taken and all((regex(p).search(t) is not None) is a for p, a in wanted.items())),
        None,
    )


@lru_cache(maxsize=1024)
def samples(pattern: str) -> tuple[str, ...]:
    """Return texts in which *pattern* is found, if some are easily seen: its alternatives taken as they are written."""
    plain = re.sub(r"\(\?[a-zA-Z]+\)|\\b|[\^$]", "", pattern)
    plain = re.sub(r"\([^()]*\)\?|.\?", "", plain)
    tries = [piece for piece in re.split(r"[|()]", plain) if piece]
    return tuple(t for t in tries if regex(pattern).search(t) is not None)[:8]


def listing(name: str, items: Sequence[str], nullable: bool) -> Variable:
    """Return the variable of a list of which only *items* are asked for."""
    held = [
        [i for i, there in zip(items, chosen, strict=True) if there]
        for chosen in product((True, False), repeat=len(items))
    ]
    return Variable(name, (*(Region(h, h) for h in held), *((MISSING,) if nullable else ())))


def answers(name: str) -> Variable:
    """Return the variable of a test of which nothing is known but that it is true, false or unknown."""
    return Variable(name, (Region(True), Region(False), MISSING))


def comparison(name: str) -> Variable:
    """Return the variable of two fields that are compared: less, equal, greater, unknown."""
    return Variable(name, (Region("lt"), Region("eq"), Region("gt"), MISSING))
