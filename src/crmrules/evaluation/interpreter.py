"""The same conditions and expressions in plain Python: the oracle of the SQL, and the explainer.

A row is a mapping from dotted path to value; a path that is not there is missing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import re2

from crmrules.evaluation.sql import digits_of
from crmrules.evaluation.values import DECIMALS, alike, canonical, choices, days_before, is_day, round_half_away
from crmrules.language.conditions import (
    AllOf,
    Among,
    AnyOf,
    Between,
    Choice,
    Compare,
    Condition,
    FieldRef,
    Has,
    Leaf,
    Matches,
    Missing,
    Not,
    OlderThan,
    Op,
    Operand,
    Within,
    leaves,
)
from crmrules.language.expressions import Binary, Call, Chosen, Expression, Name, Negate, Number, Today
from crmrules.model.objects import FieldType

Row = Mapping[str, object]

_TESTS: Mapping[Op, Callable[[Any, Any], bool]] = {
    Op.eq: eq, Op.ne: ne, Op.lt: lt, Op.lte: le, Op.gt: gt, Op.gte: ge,
}  # fmt: skip


@dataclass(frozen=True)
class LeafTrace:
    """One test of a condition, as it went for one row."""

    leaf: Leaf
    value: object  # what the row has; None is missing
    wanted: tuple[object, ...]  # what it was compared with, parameters and fields resolved
    result: bool | None  # None is unknown


def evaluate(condition: Condition, row: Row, as_of: date) -> bool | None:
    """Return whether *condition* holds for *row*; None is unknown."""
    match condition:
        case AllOf(parts):
            return _all(evaluate(part, row, as_of) for part in parts)
        case AnyOf(parts):
            return _not(_all(_not(evaluate(part, row, as_of)) for part in parts))
        case Not(part):
            return _not(evaluate(part, row, as_of))
        case _:
            return _leaf(condition, row, as_of)


def trace(condition: Condition, row: Row, as_of: date) -> tuple[LeafTrace, ...]:
    """Return every leaf of *condition* in writing order with the value that it saw and its result."""
    return tuple(
        LeafTrace(leaf, row.get(leaf.field), _wanted(leaf, row, as_of), _leaf(leaf, row, as_of))
        for leaf in leaves(condition)
    )


def compute(expression: Expression, row: Row, as_of: date) -> float | None:
    """Return the number that *expression* gives for *row*, rounded to nine decimals; None is missing."""
    value = _number(expression, row, as_of)
    return None if value is None else round_half_away(value, DECIMALS)


def compute_as(expression: Expression, row: Row, as_of: date, type: FieldType) -> object:
    """Return the value of *expression* for *row* as a column of *type* would hold it."""
    if not type.is_numeric:
        return _selected(expression, row, as_of, day=type is FieldType.date)
    value = _number(expression, row, as_of)
    if value is None:
        return None
    if type is FieldType.number:
        return round_half_away(value, DECIMALS)
    rounded = round_half_away(value * 1e4) if type is FieldType.money else round_half_away(value)
    if type is FieldType.money:
        return Decimal(int(rounded)).scaleb(-4) if abs(rounded) < 1e18 else None
    return int(rounded) if abs(rounded) < 2.0**63 else None


# ---------------------------------------------------------------- conditions


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


def _all(values: Any) -> bool | None:
    found = set(values)
    return False if False in found else None if None in found else True


def _leaf(leaf: Leaf, row: Row, as_of: date) -> bool | None:
    value = row.get(leaf.field)
    if isinstance(leaf, Has):
        return None if value is None else leaf.item in value  # type: ignore[operator]
    if isinstance(leaf, Missing):
        return value is None or (not isinstance(value, list) and canonical(value) is None)
    value = None if value is None else canonical(value)
    match leaf:
        case Compare(_, op, operand):
            return _compare(op, value, operand, row)
        case Among():
            return _among(value, _wanted(leaf, row, as_of))
        case Between(_, low, high):
            above = _compare(Op.gt if leaf.low_open else Op.gte, value, low, row)
            return _all((above, _compare(Op.lt if leaf.high_open else Op.lte, value, high, row)))
        case Matches(_, pattern):
            return None if value is None else regex(pattern).search(value) is not None
        case Within():
            since, until = _wanted(leaf, row, as_of)
            return _all((_test(Op.gte, value, since), _test(Op.lte, value, until)))
        case OlderThan():
            return _test(Op.lt, value, *_wanted(leaf, row, as_of))


def _wanted(leaf: Leaf, row: Row, as_of: date) -> tuple[object, ...]:
    match leaf:
        case Compare(_, _, value):
            return (_operand(value, row),)
        case Among(_, values):
            return tuple(v for v in alike(values) if v is not None)
        case Between(_, low, high):
            return (_operand(low, row), _operand(high, row))
        case Matches(_, pattern):
            return (pattern,)
        case Has(_, item):
            return (item,)
        case Within(_, days):
            return (_since(days, row, as_of), as_of)
        case OlderThan(_, days):
            return (_since(days, row, as_of),)
        case Missing():
            return ()


def _since(days: int | Choice, row: Row, as_of: date) -> date:
    return days_before(as_of, _choose(days, row) if isinstance(days, Choice) else days)


def _operand(operand: Operand, row: Row) -> object:
    match operand:
        case Choice():
            return _choose(operand, row)
        case FieldRef(field, times):
            value = row.get(field)
            value = None if value is None else canonical(value)
            if times == 1 or value is None:
                return value
            product = float(value) * float(times)  # type: ignore[arg-type]
            return round_half_away(product, DECIMALS) if math.isfinite(product) else None
        case _:
            return canonical(operand)


def _choose(choice: Choice, row: Row) -> object:
    cases, default = choices(choice)
    return dict(cases).get(row.get(choice.field), default)  # type: ignore[call-overload]


def _compare(op: Op, value: object, operand: Operand, row: Row) -> bool | None:
    wanted = _operand(operand, row)
    if isinstance(operand, FieldRef) and is_day(wanted) and isinstance(value, datetime):
        wanted = datetime.combine(wanted, time())  # type: ignore[arg-type]  # two fields compare as they are
    return _test(op, value, wanted)


def _test(op: Op, value: object, wanted: object) -> bool | None:
    if value is None or wanted is None:
        return None
    return _TESTS[op](*_comparable(value, wanted))


def _among(value: object, wanted: tuple[object, ...]) -> bool | None:
    return None if value is None else any(_test(Op.eq, value, w) for w in wanted)


def _comparable(value: Any, wanted: Any) -> tuple[Any, Any]:
    if isinstance(value, float) or isinstance(wanted, float):
        return float(value), float(wanted)  # as SQL does: one double makes both doubles
    if isinstance(value, datetime) and is_day(wanted):
        return value.date(), wanted
    if isinstance(wanted, datetime) and is_day(value):
        return datetime.combine(value, time()), wanted
    return value, wanted


@lru_cache(maxsize=4096)
def regex(pattern: str) -> Any:
    """Return the compiled RE2 pattern; the dialect is DuckDB's."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(pattern, options)


# ---------------------------------------------------------------- expressions


def _number(expression: Expression, row: Row, as_of: date) -> float | None:
    match expression:
        case Number(value):
            return float(value)
        case Name(field):
            found = row.get(field)
            found = None if found is None else canonical(found)
            return None if found is None else float(found)  # type: ignore[arg-type]
        case Chosen(choice):
            chosen = _choose(choice, row)
            return None if chosen is None else float(chosen)  # type: ignore[arg-type]
        case Negate(operand):
            number = _number(operand, row, as_of)
            return None if number is None else -number
        case Binary(operator, left, right):
            return _binary(operator, _number(left, row, as_of), _number(right, row, as_of))
        case Call(function, arguments):
            return _call(function, arguments, row, as_of)
        case Today():
            raise TypeError("today is a date")


def _binary(operator: str, left: float | None, right: float | None) -> float | None:
    if left is None or right is None or (operator == "/" and right == 0):
        return None
    result = {
        "+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right, "/": lambda: left / right,
    }[operator]()  # fmt: skip
    return result if math.isfinite(result) else None


def _call(function: str, arguments: tuple[Expression, ...], row: Row, as_of: date) -> float | None:
    if function == "days_between":
        later, earlier = (_selected(a, row, as_of, day=True) for a in arguments)
        return None if later is None or earlier is None else float((later - earlier).days)  # type: ignore[operator]
    if function == "round" and len(arguments) == 2:
        value = _number(arguments[0], row, as_of)
        return None if value is None else round_half_away(value, digits_of(arguments[1]))
    values = [_number(a, row, as_of) for a in arguments]
    present = [v for v in values if v is not None]
    if function in _SELECT:
        return _SELECT[function](present) if present else None
    if len(present) < len(values):
        return None
    try:
        result = _APPLY[function](*present)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def _selected(expression: Expression, row: Row, as_of: date, *, day: bool) -> object:
    match expression:
        case Today():
            return as_of
        case Name(field):
            value = row.get(field)
            return value.date() if day and isinstance(value, datetime) else value
        case Call(function, arguments) if function in _SELECT:
            present = [v for a in arguments if (v := _selected(a, row, as_of, day=day)) is not None]
            return _SELECT[function](present) if present else None
    raise TypeError(f"no field: {expression!r}")


_SELECT: Mapping[str, Callable[[Any], Any]] = {"coalesce": lambda present: present[0], "least": min, "greatest": max}
_APPLY: Mapping[str, Callable[..., float]] = {
    "abs": abs, "round": round_half_away, "floor": lambda x: float(math.floor(x)), "ceil": lambda x: float(math.ceil(x)),
    "sqrt": math.sqrt, "ln": math.log, "exp": math.exp, "power": math.pow,
}  # fmt: skip
