"""The arithmetic tree of derived features (``expr: "net_12m / orders_12m"``).

Missing in, missing out; division by zero, overflow and NaN are missing. ``coalesce``, ``least``
and ``greatest`` are the only functions that look past a missing argument (the latter two
ignore it, as SQL's do in DuckDB).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from crmrules.language.conditions import Choice

# name -> allowed number of arguments (low, high)
FUNCTIONS: dict[str, tuple[int, int]] = {
    "abs": (1, 1),
    "round": (1, 2),
    "floor": (1, 1),
    "ceil": (1, 1),
    "sqrt": (1, 1),
    "ln": (1, 1),
    "exp": (1, 1),
    "power": (2, 2),
    "coalesce": (2, 9),
    "least": (2, 9),
    "greatest": (2, 9),
    "days_between": (2, 2),  # days_between(later, earlier), both dates
}


@dataclass(frozen=True)
class Number:
    value: int | float | Decimal


@dataclass(frozen=True)
class Name:
    """A field of the row."""

    field: str


@dataclass(frozen=True)
class Chosen:
    """A parameter that depends on a column."""

    choice: Choice


@dataclass(frozen=True)
class Today:
    """``as_of``, the only clock there is."""


@dataclass(frozen=True)
class Call:
    function: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Binary:
    """``operator`` is one of ``+ - * /``."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True)
class Negate:
    operand: Expression


Expression = Number | Name | Chosen | Today | Call | Binary | Negate


def names_of(expression: Expression) -> frozenset[str]:
    """Return every field path that *expression* reads."""
    match expression:
        case Name(field):
            return frozenset({field})
        case Chosen(choice):
            return frozenset({choice.field})
        case Call(_, arguments):
            return frozenset().union(*map(names_of, arguments))
        case Binary(_, left, right):
            return names_of(left) | names_of(right)
        case Negate(operand):
            return names_of(operand)
        case _:
            return frozenset()
