"""The condition tree: what `when:` and `where:` mean once the YAML is gone.

A condition is evaluated in SQL's three-valued logic: a comparison with a missing value is
unknown, `not unknown` is unknown, and a rule fires on true only. The same tree is compiled
to DuckDB SQL (:mod:`crmrules.evaluation.sql`) and interpreted in plain Python
(:mod:`crmrules.evaluation.interpreter`), which is the oracle and the explainer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

Scalar = bool | int | float | Decimal | str | date


class Op(StrEnum):
    """Comparison operators as the YAML spells them."""

    eq = "eq"
    ne = "ne"
    lt = "lt"
    lte = "lte"
    gt = "gt"
    gte = "gte"


@dataclass(frozen=True)
class Choice:
    """A parameter's value that depends on a column of the row, e.g. on ``demand_type``."""

    field: str  # dotted path, as in a condition
    cases: Mapping[str, Scalar]
    default: Scalar


@dataclass(frozen=True)
class FieldRef:
    """Another field of the same row, times a constant: ratios are compared as products."""

    field: str
    times: float | int | Decimal = 1


Operand = Scalar | Choice | FieldRef  # parameters are already resolved to a Scalar or a Choice


@dataclass(frozen=True)
class Compare:
    """``field: {gte: 4}``"""

    field: str
    op: Op
    value: Operand


@dataclass(frozen=True)
class Among:
    """``field: [a, b]``; ``not_in`` is ``Not(Among(...))``."""

    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True)
class Between:
    """``field: {between: [10, 20]}`` (closed) or a table cell like ``[10..20)``."""

    field: str
    low: Operand
    high: Operand
    low_open: bool = False
    high_open: bool = False


@dataclass(frozen=True)
class Matches:
    """``field: {matches: RE2}``: true when the pattern is found anywhere in the text."""

    field: str
    pattern: str


@dataclass(frozen=True)
class Has:
    """``field: {has: x}``: a list field contains this item (``has_any`` becomes ``AnyOf``)."""

    field: str
    item: str


@dataclass(frozen=True)
class Missing:
    """``field: {is_missing: true}``; ``is_present`` is ``Not(Missing(...))``. Never unknown."""

    field: str


@dataclass(frozen=True)
class Within:
    """``field: {within: 90d}``: as_of - days <= field <= as_of."""

    field: str
    days: int | Choice


@dataclass(frozen=True)
class OlderThan:
    """``field: {older_than: 180d}``: field < as_of - days."""

    field: str
    days: int | Choice


@dataclass(frozen=True)
class AllOf:
    """Conjunction; empty is true."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class AnyOf:
    """Disjunction; empty is false."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Not:
    """Negation; unknown stays unknown."""

    part: Condition


Leaf = Compare | Among | Between | Matches | Has | Missing | Within | OlderThan
Condition = Leaf | AllOf | AnyOf | Not
ALWAYS = AllOf(())


def leaves(condition: Condition) -> Iterator[Leaf]:
    """Yield every leaf in writing order."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case _:
            yield condition


def fields_of(condition: Condition) -> frozenset[str]:
    """Return every field path that *condition* reads, those of operands included."""
    found: set[str] = set()
    for leaf in leaves(condition):
        found.add(leaf.field)
        operands: tuple[object, ...] = ()
        match leaf:
            case Compare():
                operands = (leaf.value,)
            case Between():
                operands = (leaf.low, leaf.high)
            case Within() | OlderThan():
                operands = (leaf.days,)
        found.update(o.field for o in operands if isinstance(o, (Choice, FieldRef)))
    return frozenset(found)
