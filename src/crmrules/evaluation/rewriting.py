"""Changes of a condition tree that keep its meaning: other names for its fields, other leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from crmrules.language.conditions import (
    AllOf,
    AnyOf,
    Between,
    Choice,
    Compare,
    Condition,
    FieldRef,
    Leaf,
    Not,
    OlderThan,
    Within,
)


def rewrite(condition: Condition, leaf: Callable[[Leaf], Condition]) -> Condition:
    """Return *condition* with every leaf replaced by what *leaf* makes of it."""
    match condition:
        case AllOf(parts):
            return AllOf(tuple(rewrite(part, leaf) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(rewrite(part, leaf) for part in parts))
        case Not(part):
            return Not(rewrite(part, leaf))
        case _:
            return leaf(condition)


def renamed(condition: Condition, names: Mapping[str, str]) -> Condition:
    """Return *condition* reading ``names[path]`` wherever it read ``path``."""
    return rewrite(condition, lambda leaf: _renamed_leaf(leaf, names)) if names else condition


def _renamed_leaf(leaf: Leaf, names: Mapping[str, str]) -> Leaf:
    def operand(value: Any) -> Any:
        return replace(value, field=names.get(value.field, value.field)) if isinstance(value, _READS) else value

    leaf = replace(leaf, field=names.get(leaf.field, leaf.field))
    match leaf:
        case Compare():
            return replace(leaf, value=operand(leaf.value))
        case Between():
            return replace(leaf, low=operand(leaf.low), high=operand(leaf.high))
        case Within() | OlderThan():
            return replace(leaf, days=operand(leaf.days))
        case _:
            return leaf


_READS = (Choice, FieldRef)
