"""``when:`` and ``where:`` → the tree in :mod:`crmrules.language.conditions`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crmrules.errors import Location
from crmrules.language.conditions import (
    ALWAYS,
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
    Scalar,
    Within,
)
from crmrules.language.document import Node
from crmrules.language.reading import UNUSABLE, Reader, Use
from crmrules.language.typing_rules import operands

NEVER = AnyOf(())
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
}  # fmt: skip


def read_condition(reader: Reader, frame: str, node: Node | None) -> Condition:
    """Read a condition over rows of *frame*; None is always true. Fields are checked later."""
    if node is None:
        return ALWAYS
    parts: list[Condition] = []
    for key, inner in node.items():
        match key:
            case "any":
                parts.append(AnyOf(tuple(read_condition(reader, frame, part) for part in inner)))
            case "all":
                parts.append(AllOf(tuple(read_condition(reader, frame, part) for part in inner)))
            case "not":
                parts.append(Not(read_condition(reader, frame, inner)))
            case parameter if parameter.startswith("$"):
                parts.append(_on_parameter(reader, frame, parameter[1:], inner, node.where(key)))
            case field:
                parts.extend(_tests(_Place(reader, frame, field, node.where(field)), inner))
    return conjunction(parts)


def conjunction(parts: list[Condition]) -> Condition:
    """Return the parts as one condition; a single one stays itself, what is always true goes."""
    needed = [part for part in parts if part != ALWAYS]
    return needed[0] if len(needed) == 1 else AllOf(tuple(needed))


def _on_parameter(reader: Reader, frame: str, name: str, node: Node, at: Location) -> Condition:
    """Decide a test of a parameter now. Where its value depends on the account, what is left is a test of that."""
    value = reader.parameter(name, frame, at)
    if value is None or isinstance(value, tuple):
        if value is not None:
            reader.complain("wrong-parameter", f"${name} is a list", at, "a parameter that is one value")
        return ALWAYS
    if not isinstance(value, Choice):
        return ALWAYS if _holds(reader, node, value) else NEVER
    yes = tuple(case for case, then in value.cases.items() if _holds(reader, node, then))
    no = tuple(case for case in value.cases if case not in yes)
    if not _holds(reader, node, value.default):
        return Among(value.field, yes) if yes else NEVER
    return AnyOf((Missing(value.field), Not(Among(value.field, no)))) if no else ALWAYS


def _holds(reader: Reader, node: Node, value: Scalar) -> bool:
    if not isinstance(node.value, dict):
        return value in (reader.many(node, "account") if isinstance(node.value, list) else (node.value,))
    return all(_compares(reader, test, inner, value) for test, inner in node.items())


def _compares(reader: Reader, test: str, node: Node, value: Scalar) -> bool:
    if test in ("in", "not_in"):
        return (value in reader.many(node, "account")) is (test == "in")
    if test in ("eq", "ne"):
        return (value == node.value) is (test == "eq")
    if test in _ORDERS and all(isinstance(side, (int, float)) for side in (value, node.value)):
        return _ORDERS[test](value, node.value)
    reader.complain("wrong-test", f"a parameter can't be tested with '{test}'", node.at,
                    "a value, a list of values, eq, ne, in, not_in; of numbers lt, lte, gt, gte")  # fmt: skip
    return True


@dataclass(frozen=True)
class _Place:
    """The field whose tests are being read."""

    reader: Reader
    frame: str
    field: str
    at: Location

    def note(self, leaf: Leaf, node: Node) -> Leaf:
        """Remember to check the comparison *leaf*, whose value stands in *node* (only its field after a problem there)."""
        reader = self.reader
        checked = leaf if UNUSABLE not in operands(leaf) else None
        reader.uses.append(Use(self.frame, self.field, self.at, checked, node.at, inside=reader.inside))
        return leaf


def _tests(place: _Place, node: Node) -> Iterator[Condition]:
    if isinstance(node.value, list):
        yield _among(place, node)
    elif isinstance(node.value, dict):
        for test, inner in node.items():
            yield _test(place, test, inner)
    else:
        yield _equals(place, node)


def _equals(place: _Place, node: Node) -> Condition:
    value = place.reader.resolve(node, place.frame)
    if isinstance(value, tuple):  # a parameter that is a list
        return place.note(Among(place.field, value), node)
    return place.note(Compare(place.field, Op.eq, value if value is not None else UNUSABLE), node)


def _among(place: _Place, node: Node) -> Condition:
    return place.note(Among(place.field, place.reader.many(node, place.frame)), node)


def _test(place: _Place, test: str, node: Node) -> Condition:
    reader, frame, field = place.reader, place.frame, place.field
    match test:
        case "in":
            return _among(place, node)
        case "not_in":
            return Not(_among(place, node))
        case "between":
            low, high = (_operand(reader, frame, inner) for inner in node)
            return place.note(Between(field, low, high), node)
        case "matches":
            return place.note(Matches(field, reader.pattern(node)), node)
        case "not_matches":
            return Not(place.note(Matches(field, reader.pattern(node)), node))
        case "has":
            return _has(place, node)
        case "has_any":
            items = reader.many(node, frame)
            return AnyOf(tuple(place.note(Has(field, str(item)), node) for item in items))
        case "is_missing" | "is_present":
            missing = place.note(Missing(field), node)
            return missing if node.value is (test == "is_missing") else Not(missing)
        case "within":
            return place.note(Within(field, _days(reader, frame, node)), node)
        case "older_than":
            return place.note(OlderThan(field, _days(reader, frame, node)), node)
        case comparison:
            return place.note(Compare(field, Op(comparison), _operand(reader, frame, node)), node)


def _has(place: _Place, node: Node) -> Condition:
    value = place.reader.resolve(node, place.frame)
    if isinstance(value, tuple):
        return AnyOf(tuple(place.note(Has(place.field, str(item)), node) for item in value))
    if isinstance(value, Choice):
        place.reader.complain("wrong-parameter", "'has' can't take a parameter with cases", node.at, "one item")
    return place.note(Has(place.field, str(value)), node)


def _days(reader: Reader, frame: str, node: Node) -> int | Choice:
    value = reader.duration(node, frame)
    return 0 if value is None else value


def _operand(reader: Reader, frame: str, node: Node) -> Operand:
    if isinstance(node.value, dict):
        times = node.get("times")
        return FieldRef(reader.use(frame, node.get("field")), 1 if times is None else reader.number(times, "'times'"))
    value = reader.scalar(node, frame)
    return UNUSABLE if value is None else value
