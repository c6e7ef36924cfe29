"""Conditions as their author said them: parameters by name, not by the value that they have today.

A table that held ``>= 1000000`` where the rule says ``$value_high_min`` would have lost the policy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from crmrules.errors import Location
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
    Matches,
    Missing,
    Not,
    OlderThan,
    Op,
    Scalar,
    Within,
)
from crmrules.language.document import Node
from crmrules.language.reading import Reader

_MARK = "\ue001"  # stands before a parameter's name; a private character, so that no text looks like one
_DAYS_END = "\ue002"
_PARAMETER = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


class _Days(int):
    """A parameter that is a number of days; formatted, it says its name."""

    name: str

    def __format__(self, spec: str) -> str:
        return f"{_MARK}{self.name}{_DAYS_END}"


class SayingReader(Reader):
    """Reads conditions without looking parameters up."""

    def parameter(self, name: str, frame: str, at: Location) -> str:
        """Return the name, marked."""
        return _MARK + name

    def many(self, node: Node, frame: str) -> tuple[Scalar, ...]:
        """Return a list of values, or the one name of a parameter that is a list."""
        name = _name(node)
        return (_MARK + name,) if name else super().many(node, frame)

    def duration(self, node: Node | None, frame: str) -> int | Choice | None:
        """Return a number of days, or a name in its shape."""
        name = _name(node)
        if not name:
            return super().duration(node, frame)
        days = _Days(0)
        days.name = name
        return days


def _name(node: Node | None) -> str:
    match = _PARAMETER.fullmatch(node.value) if node is not None and isinstance(node.value, str) else None
    return match[1] if match else ""


def with_names(cell: str) -> str:
    """Return the text of a cell with marked names spelled ``$name``."""
    return cell.replace(f"{_DAYS_END}d", "").replace(_MARK, "$")


def tested_parameter(when: Node | None) -> str:
    """Return the parameter that a condition itself tests (``$value_basis: margin``), or ''."""
    if when is None:
        return ""
    for key, inner in when.items():
        if key.startswith("$"):
            return key
        if found := tested_parameter(inner):
            return found
    return next((found for inner in when if (found := tested_parameter(inner))), "")


def when_data(condition: Condition) -> dict[str, Any]:
    """Return *condition* as the plain data of a ``when:``. Raises ValueError where only a cell can say it."""
    said: dict[str, Any] = {}
    more: list[dict[str, Any]] = []
    for part in condition.parts if isinstance(condition, AllOf) else (condition,):
        data = _part(part)
        ((key, test),) = data.items()
        old = said.get(key)
        if key not in said:
            said[key] = test
        elif isinstance(old, dict) and isinstance(test, dict) and key != "not" and not old.keys() & test.keys():
            said[key] = {**old, **test}
        else:
            more.append(data)
    return {"all": [said, *more]} if more else said


def _part(part: Condition) -> dict[str, Any]:
    match part:
        case AllOf(parts):
            return {"all": [when_data(inner) for inner in parts]}
        case AnyOf(parts):
            return {"any": [when_data(inner) for inner in parts]}
        case Not(Missing(field)):
            return {field: {"is_present": True}}
        case Not(Among(field, values)):
            return {field: {"not_in": _list(values)}}
        case Not(Matches(field, pattern)):
            return {field: {"not_matches": pattern}}
        case Not(inner):
            return {"not": when_data(inner)}
        case Compare(field, op, value):
            said = _operand(value)
            return {field: said if op is Op.eq and not isinstance(said, Mapping) else {op.value: said}}
        case Among(field, values):
            said = _list(values)
            return {field: said if isinstance(said, list) else {"in": said}}
        case Between(field, low, high, False, False):
            return {field: {"between": [_operand(low), _operand(high)]}}
        case Between(field, low, high, low_open, high_open):
            ends = {"gt" if low_open else "gte": _operand(low), "lt" if high_open else "lte": _operand(high)}
            return {field: ends}
        case Matches(field, pattern):
            return {field: {"matches": pattern}}
        case Has(field, item):
            return {field: {"has": with_names(item)}}
        case Missing(field):
            return {field: {"is_missing": True}}
        case Within(field, days):
            return {field: {"within": _duration(days)}}
        case OlderThan(field, days):
            return {field: {"older_than": _duration(days)}}


def _list(values: tuple[Scalar, ...]) -> list[Any] | str:
    said = [_operand(value) for value in values]
    named = isinstance(values[0], str) and values[0].startswith(_MARK) if values else False
    return said[0] if named and len(said) == 1 else said


def _operand(value: object) -> Any:
    match value:
        case Choice():
            raise ValueError("'case(...)' stands in cells only; a rule names a parameter that has cases")
        case FieldRef(field, times):
            return {"field": field, "times": times} if times != 1 else {"field": field}
        case str() if _PARAMETER.fullmatch(value):
            raise ValueError(f"a rule can't say the text '{value}': it would be a parameter")
        case str():
            return with_names(value)
    return value


def _duration(days: int | Choice) -> str:
    if isinstance(days, _Days):
        return f"${days.name}"
    assert isinstance(days, int)  # the reader resolves no parameter, so nothing depends on the account
    return f"{days}d"
