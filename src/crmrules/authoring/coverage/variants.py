"""Every small change of a condition that a careless author might make."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from crmrules.language.conditions import (
    AllOf,
    AnyOf,
    Between,
    Choice,
    Compare,
    Condition,
    FieldRef,
    Has,
    Leaf,
    Not,
    OlderThan,
    Op,
    Within,
)

SHIFT = 0.1  # of a threshold; whole numbers move by one at least
_FLIPPED = {Op.gt: Op.gte, Op.gte: Op.gt, Op.lt: Op.lte, Op.lte: Op.lt}


@dataclass(frozen=True)
class Variant:
    """A changed condition. ``change`` and ``place`` (the way down to the part) name it among all of one condition."""

    change: str  # flip | up | down | flip-low | flip-high | negate | swap
    place: tuple[int, ...]
    told: str  # what was changed, as a person reads it
    condition: Condition


def variants(condition: Condition) -> Iterator[Variant]:
    """Yield the variants of *condition*, in writing order."""
    yield from _variants(condition, (), lambda changed: changed)


def _variants(part: Condition, place: tuple[int, ...], whole: Callable[[Condition], Condition]) -> Iterator[Variant]:
    match part:
        case AllOf(parts) | AnyOf(parts) if not _one_test(part):
            kind, other = (AllOf, AnyOf) if isinstance(part, AllOf) else (AnyOf, AllOf)
            if len(parts) > 1:
                words = ("and", "or") if kind is AllOf else ("or", "and")
                yield Variant("swap", place, f"{words[0]} -> {words[1]}", whole(other(parts)))
            for number, inner in enumerate(parts):
                yield from _variants(
                    inner,
                    (*place, number),
                    lambda changed, n=number: whole(kind((*parts[:n], changed, *parts[n + 1 :]))),  # type: ignore[misc]
                )
        case Not(inner):
            yield from _variants(inner, (*place, 0), lambda changed: whole(Not(changed)))
        case _:
            for change, told, changed in _leaf(part):
                yield Variant(change, place, told, whole(changed))


def _one_test(part: Condition) -> bool:
    """Whether *part* is ``has_any``, which an author writes as one test; an empty condition has nothing to change."""
    if not isinstance(part, AnyOf):
        return False
    fields = {inner.field for inner in part.parts if isinstance(inner, Has)}
    return len(fields) == 1 and all(isinstance(inner, Has) for inner in part.parts)


def _leaf(leaf: Leaf | AllOf | AnyOf | Not) -> Iterator[tuple[str, str, Condition]]:
    field = leaf.parts[0].field if isinstance(leaf, (AllOf, AnyOf)) else getattr(leaf, "field", "")  # type: ignore[union-attr]
    yield "negate", f"not {field}", Not(leaf)
    match leaf:
        case Compare(_, op, value) if op in _FLIPPED:
            yield "flip", f"{field}: {op} -> {_FLIPPED[op]}", replace(leaf, op=_FLIPPED[op])
            for change in ("up", "down"):
                if (moved := shifted(value, change)) is not None:
                    yield change, f"{field}: {_shown(value)} -> {_shown(moved)}", replace(leaf, value=moved)
        case Between(_, low, high, low_open, high_open):
            yield "flip-low", f"{field}: lower end", replace(leaf, low_open=not low_open)
            yield "flip-high", f"{field}: upper end", replace(leaf, high_open=not high_open)
            for change in ("up", "down"):
                ends = shifted(low, change), shifted(high, change)
                if ends[0] is not None and ends[1] is not None:
                    told = f"{field}: {_shown(low)}..{_shown(high)} -> {_shown(ends[0])}..{_shown(ends[1])}"
                    yield change, told, replace(leaf, low=ends[0], high=ends[1])
        case Within(_, days) | OlderThan(_, days):
            for change in ("up", "down"):
                if (moved := shifted(days, change)) is not None:
                    yield change, f"{field}: {_shown(days)} -> {_shown(moved)} days", replace(leaf, days=moved)


def shifted(value: Any, change: str) -> Any:
    """Return *value* a tenth *up* or *down*; None where it is no number."""
    sign = 1 if change == "up" else -1
    match value:
        case bool():
            return None
        case int():
            return value + sign * max(1, math.ceil(abs(value) * SHIFT))
        case float():
            return value * (1 + sign * SHIFT) if value else sign * SHIFT
        case Decimal():
            return value * (1 + sign * Decimal(str(SHIFT))) if value else sign * Decimal(str(SHIFT))
        case FieldRef(_, times):
            return replace(value, times=float(times) * (1 + sign * SHIFT))
        case Choice(_, cases, default):
            moved = {case: shifted(there, change) for case, there in cases.items()}
            end = shifted(default, change)
            return None if end is None or None in moved.values() else replace(value, cases=moved, default=end)
    return None


def _shown(value: Any) -> str:
    match value:
        case FieldRef(field, times):
            return f"{field} * {float(times):g}"
        case Choice(field, _, default):
            return f"{_shown(default)} (by {field})"
        case float():
            return f"{value:g}"
    return str(value)
