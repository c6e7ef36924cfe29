"""Boundary customers: for each threshold of a rule a record at it, one just under and one just over it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from crmrules.authoring.lint.columns import Known
from crmrules.authoring.lint.places import Place, places
from crmrules.authoring.lint.rules import Group, group, in_order, switched_off
from crmrules.authoring.lint.witness import Row
from crmrules.errors import Location
from crmrules.evaluation.interpreter import evaluate
from crmrules.language.conditions import Choice, Compare, FieldRef, Op, leaves
from crmrules.language.ruleset import Dimension
from crmrules.model.objects import FieldType

KINDS = ("rule", "evidence", "flag", "guard", "sentence")
_ORDERING = (Op.lt, Op.lte, Op.gt, Op.gte)
_STEPS: dict[FieldType, int | float | Decimal] = {
    FieldType.integer: 1, FieldType.number: 0.01, FieldType.money: Decimal("0.01"),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Side:
    """A record beside the boundary, and what becomes of it: the class's value, or whether the entry holds."""

    place: str  # under | at | over
    record: Row  # dotted path -> value, as the rule reads it
    outcome: str


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """A threshold of an entry. ``sides`` is empty where no record was found that only this threshold decides."""

    kind: str
    id: str
    frame: str
    field: str
    threshold: object
    sides: tuple[Side, ...]
    at: Location


def boundaries(known: Known, as_of: date) -> Iterator[Boundary]:
    """Yield a boundary for every number or day that a rule of *known*'s ruleset compares a field with.

    Windows are read as of *as_of*. Records hold what the rule reads, features and classes too; each is what the
    interpreter itself evaluated. Parameters that depend on a field give a boundary for each of their values.
    """
    for place in places(known.ruleset):
        if place.kind in KINDS and not switched_off(place.when):
            yield from _of_place(known, place, as_of)


def _of_place(known: Known, place: Place, as_of: date) -> Iterator[Boundary]:
    dimension = known.ruleset.classes[place.inside] if place.inside else None
    rules = in_order(dimension) if dimension is not None else []
    number = next((n for n, rule in enumerate(rules) if rule.id == place.id), 0)
    whens = [rule.when for rule in rules] or [place.when]
    found = group(known, place.frame, whens, as_of, place.inside)
    seen = set()
    for leaf in leaves(found.reasoned[number]):
        if not isinstance(leaf, Compare) or leaf.op not in _ORDERING or isinstance(leaf.value, (Choice, FieldRef)):
            continue
        type = found.space.columns[leaf.field].type
        values = _values(leaf.value, type)
        if values is None or (leaf.field, leaf.value) in seen:
            continue
        seen.add((leaf.field, leaf.value))
        row = _deciding(found, dimension, number, leaf.field, values)
        sides = () if row is None else tuple(_sides(found, dimension, number, row, leaf.field, values))
        yield Boundary(
            kind=place.kind, id=place.id, frame=place.frame, field=leaf.field, threshold=leaf.value, sides=sides, at=place.at
        )  # fmt: skip


def _values(threshold: object, type: FieldType | None) -> tuple[object, object, object] | None:
    """Return the values just under, at and just over *threshold* on a column of *type*."""
    if isinstance(threshold, (date, datetime)):
        return threshold - timedelta(days=1), threshold, threshold + timedelta(days=1)
    if isinstance(threshold, bool) or not isinstance(threshold, (int, float, Decimal)) or type not in _STEPS:
        return None
    if type is FieldType.money:
        exact = Decimal(str(threshold))
        return exact - Decimal("0.01"), exact, exact + Decimal("0.01")
    step = _STEPS[type]
    if isinstance(threshold, int) and isinstance(step, int):
        return threshold - step, threshold, threshold + step
    return round(float(threshold) - float(step), 6), threshold, round(float(threshold) + float(step), 6)


def _deciding(
    found: Group, dimension: Dimension | None, number: int, field: str, values: Sequence[object]
) -> Row | None:
    """Return a record of which *field* alone decides what comes out; if possible one that reaches the entry at all."""

    def decides(row: Row) -> bool:
        sides = [{**row, field: value} for value in values]
        truths = {found.true(number, side) for side in sides}
        return len(truths) == 2 and len({_outcome(found, dimension, number, side) for side in sides}) > 1

    first = dimension is not None and dimension.hit in ("first", "highest")
    earlier = found.none_of(range(number)) if first else ()
    row = found.row([*earlier, found.holds(number)], decides)
    return row if row is not None or not earlier else found.row([found.holds(number)], decides)


def _sides(
    found: Group, dimension: Dimension | None, number: int, row: Row, field: str, values: Sequence[object]
) -> Iterator[Side]:
    for place, value in zip(("under", "at", "over"), values, strict=True):
        record = {**dict.fromkeys(found.space.paths), **row, field: value}
        yield Side(
            place=place,
            record={path: v for path, v in sorted(record.items()) if v is not None},
            outcome=_outcome(found, dimension, number, record),
        )


def _outcome(found: Group, dimension: Dimension | None, number: int, record: Row) -> str:
    if dimension is None:
        return "holds" if evaluate(found.conditions[number], record, found.as_of) is True else "does not hold"
    rules = in_order(dimension)
    true = [rule for n, rule in enumerate(rules) if found.true(n, record)]
    if dimension.hit in ("first", "highest"):
        true = true[:1]
    if not true:
        return f"{dimension.name} = {f'as in {dimension.copy}' if dimension.copy else dimension.otherwise}"
    return (
        f"{dimension.name} = {', '.join(dict.fromkeys(rule.then for rule in true))} ({', '.join(r.id for r in true)})"
    )
