"""Conditions as formulas over regions: what must be so for a condition to be true, false, not true, not false."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from crmrules.authoring.lint.space import Space
from crmrules.language.conditions import AllOf, AnyOf, Condition, Not


@dataclass(frozen=True)
class Lit:
    """The variable lies in one of the regions of the mask."""

    variable: int
    mask: int


@dataclass(frozen=True)
class And:
    parts: tuple[Formula, ...]


@dataclass(frozen=True)
class Or:
    parts: tuple[Formula, ...]


Formula = Lit | And | Or
Mode = Literal["true", "false", "not true", "not false"]

_OPPOSITE: dict[Mode, Mode] = {"true": "false", "false": "true", "not true": "not false", "not false": "not true"}


def formula(space: Space, condition: Condition, mode: Mode = "true") -> Formula:
    """Return what must hold for *condition* (one that *space* has seen) to be *mode*, in three-valued logic."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            inner = tuple(formula(space, part, mode) for part in parts)
            conjoined = isinstance(condition, AllOf) is (mode in ("true", "not false"))
            return And(inner) if conjoined else Or(inner)
        case Not(part):
            return formula(space, part, _OPPOSITE[mode])
        case leaf:
            variable, yes, no = space.masks(leaf)
            everything = space.variables[variable].all
            masks = {"true": yes, "false": no, "not true": everything & ~yes, "not false": everything & ~no}
            return Lit(variable, masks[mode])


def none_of(space: Space, conditions: Iterable[Condition]) -> tuple[Formula, ...]:
    """Return what must hold for none of *conditions* to be true."""
    return tuple(formula(space, condition, "not true") for condition in conditions)
