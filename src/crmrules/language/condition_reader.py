"""``when:`` and ``where:`` → the tree in :mod:`crmrules.language.conditions`."""

from __future__ import annotations

from collections.abc import Iterator

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
    Within,
)
from crmrules.language.document import Node
from crmrules.language.reading import Reader, Use


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
            case field:
                parts.extend(_tests(_Place(reader, frame, field, node.where(field)), inner))
    return conjunction(parts)


def conjunction(parts: list[Condition]) -> Condition:
    """Return the parts as one condition; a single one stays itself."""
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


class _Place:
    """The field whose tests are being read."""

    def __init__(self, reader: Reader, frame: str, field: str, at: object) -> None:
        self.reader, self.frame, self.field, self.at = reader, frame, field, at

    def note(self, leaf: Leaf, node: Node) -> Leaf:
        """Remember to check the comparison *leaf*, whose value stands in *node*."""
        reader = self.reader
        reader.uses.append(Use(self.frame, self.field, self.at, leaf, node.at, inside=reader.inside))  # type: ignore[arg-type]
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
    return place.note(Compare(place.field, Op.eq, value if value is not None else ""), node)


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
        case operator:
            return place.note(Compare(field, Op(operator), _operand(reader, frame, node)), node)


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
    return "" if value is None else value
