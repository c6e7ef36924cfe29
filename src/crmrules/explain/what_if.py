"""What would change a class or a flag: one number, one date, or time alone.

Every boundary that a rule tests is tried on the row, just on and just beyond it, and the whole
class is decided again; so an answer takes the rules above and below into account.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from crmrules.evaluation.interpreter import Row, evaluate, trace
from crmrules.language.conditions import Between, Compare, Condition, Leaf, OlderThan, Within, leaves
from crmrules.language.ruleset import UNKNOWN, Aggregate, Dimension, Rule, Ruleset
from crmrules.model.objects import FieldType

MONEY_STEP = Decimal("0.01")
Change = Literal["reached", "down_to", "above", "below", "known", "date"]
Outcome = tuple[object, str]  # value (a tuple of values where the class collects), winning rule or ''


@dataclass(frozen=True)
class Probe:
    """A single change of the row that is worth trying."""

    field: str
    value: object  # the value that is tried
    change: Change
    limit: object  # the boundary to name in words
    distance: float


@dataclass(frozen=True)
class Difference:
    """A change that leads to another outcome; ``probe`` is None where only time passes."""

    probe: Probe | None
    days: int | None
    outcome: Outcome


def decide(dimension: Dimension, row: Row, as_of: date) -> Outcome:
    """Decide a class on one row as the evaluator does, hysteresis aside."""
    firing = [rule for rule in ranked(dimension) if evaluate(rule.when, row, as_of)]
    values = {rule.then for rule in firing}
    if not firing:
        own = str(row.get(dimension.copy)) if dimension.copy else None
        value = own if own in dimension.values else dimension.otherwise
        return ((value,) if dimension.hit == "collect" else value), ""
    if dimension.hit == "collect":
        ordered = (value for value in (*dimension.values, UNKNOWN) if value in values)
        return tuple(ordered), ", ".join(rule.id for rule in firing)
    if (dimension.hit == "unique" and len(firing) > 1) or (dimension.hit == "any" and len(values) > 1):
        return UNKNOWN, ""
    return firing[0].then, firing[0].id


def ranked(dimension: Dimension) -> tuple[Rule, ...]:
    """Return the rules in the order in which they win."""
    if dimension.hit == "highest":
        return tuple(sorted(dimension.rules, key=lambda rule: -rule.score))
    return dimension.rules


def differences(
    conditions: tuple[Condition, ...],
    outcome: Callable[[Row, date], Outcome],
    row: Row,
    as_of: date,
    types: Callable[[str], FieldType | None],
    ruleset: Ruleset,
) -> tuple[Difference, ...]:
    """Return the smallest changes of *row* that give another outcome: time first, then by field.

    One difference per field, direction and new outcome. *conditions* name the boundaries to try.
    """
    now = outcome(row, as_of)
    ageing = _ageing(row, ruleset)
    found: dict[object, Difference] = {}
    for days in sorted({d for c in conditions for leaf in leaves(c) for d in _crossings(leaf, row, as_of, ageing)}):
        later: dict[str, object] = dict(row)
        for field in ageing:
            later[field] = int(row[field]) + days  # type: ignore[call-overload]
        then = outcome(later, as_of + timedelta(days=days))
        if then[0] != now[0]:
            found["time"] = Difference(None, days, then)
            break
    for condition in conditions:
        for leaf in leaves(condition):
            for probe in _probes(leaf, row, as_of, types(leaf.field)):
                if probe.field in ageing and probe.change in ("reached", "above"):
                    continue  # time alone brings it there
                then = outcome({**row, probe.field: probe.value}, as_of)
                key = (probe.field, probe.change in ("reached", "above"), then[0])
                if then[0] != now[0] and (key not in found or _nearer(probe, found[key])):
                    found[key] = Difference(probe, None, then)
    return tuple(found.values())


def _nearer(probe: Probe, other: Difference) -> bool:
    return other.probe is not None and probe.distance < other.probe.distance


def _ageing(row: Row, ruleset: Ruleset) -> frozenset[str]:
    """Return the fields of *row* that grow by one every day: ages of the newest record."""
    return frozenset(
        name
        for name, value in row.items()
        if isinstance(feature := ruleset.features.get(name), Aggregate)
        and feature.agg == "days_since"
        and isinstance(value, int)
    )


def _crossings(leaf: Leaf, row: Row, as_of: date, ageing: frozenset[str]) -> Iterator[int]:
    """Yield the numbers of days (1 ..) after which *leaf* may say something else."""
    value, wanted = row.get(leaf.field), trace(leaf, row, as_of)[0].wanted
    day = _day(value)
    match leaf:
        case Within() | OlderThan() if day is not None and (since := _day(wanted[0])) is not None:
            yield from (n for n in ((day - as_of).days, (day - since).days + 1) if n > 0)
        case Compare() | Between() if leaf.field in ageing:
            for limit in wanted:
                yield from _until(limit, value)


def _until(limit: object, value: object) -> Iterator[int]:
    if isinstance(limit, (int, float, Decimal)) and isinstance(value, int):
        yield from (n for n in (math.ceil(limit) - value, math.floor(limit) + 1 - value) if n > 0)


def _probes(leaf: Leaf, row: Row, as_of: date, type: FieldType | None) -> Iterator[Probe]:
    if type is None or not isinstance(leaf, Compare | Between | Within | OlderThan):
        return
    value, wanted = row.get(leaf.field), trace(leaf, row, as_of)[0].wanted
    for limit in wanted[:1] if isinstance(leaf, Within) else wanted:
        if type.is_numeric and isinstance(limit, (int, float, Decimal)) and not isinstance(limit, bool):
            yield from _numbers(leaf.field, value, limit, type)
        elif type.is_temporal and (day := _day(limit)) is not None:
            yield from _dates(leaf.field, value, day, type, as_of)


def _numbers(field: str, value: object, limit: int | float | Decimal, type: FieldType) -> Iterator[Probe]:
    below, at, above = _steps(limit, type)
    if not isinstance(value, (int, float, Decimal)) or value != value:
        yield Probe(field, at, "known", at, 0)
        return
    whole = type is FieldType.integer  # the next whole number is named, not "above"
    distance = abs(float(limit) - float(value))
    if value < at:
        yield Probe(field, at, "reached", at, distance)
    if value > at:
        yield Probe(field, at, "down_to", at, distance)
    if value <= at:
        yield Probe(field, above, "reached" if whole else "above", above if whole else limit, distance + 1e-9)
    if value >= at and not (whole and at <= 0 <= value):  # a count never falls below nothing
        yield Probe(field, below, "down_to" if whole else "below", below if whole else limit, distance + 1e-9)


def _steps(limit: int | float | Decimal, type: FieldType) -> tuple[object, int | float | Decimal, object]:
    """Return the nearest value below *limit*, *limit* as the column holds it, and the nearest above."""
    if type is FieldType.integer:
        return math.ceil(limit) - 1, math.ceil(limit), math.floor(limit) + 1
    if type is FieldType.money:
        exact = Decimal(str(limit))
        return exact - MONEY_STEP, exact, exact + MONEY_STEP
    number = float(limit)
    return math.nextafter(number, -math.inf), number, math.nextafter(number, math.inf)


def _dates(field: str, value: object, limit: date, type: FieldType, as_of: date) -> Iterator[Probe]:
    now = _day(value)
    for day in (limit - timedelta(days=1), limit, limit + timedelta(days=1)):
        if day == now or day > as_of:
            continue
        tried = datetime(day.year, day.month, day.day) if type is FieldType.timestamp else day
        distance = float(abs((day - now).days)) if now is not None else 0.0
        yield Probe(field, tried, "known" if now is None else "date", day, distance)


def _day(value: object) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else None


def flag_outcome(when: Condition) -> Callable[[Row, date], Outcome]:
    """Return the outcome function of a flag: ("raised", "") or ("", "")."""
    return lambda row, as_of: ("raised" if evaluate(when, row, as_of) else "", "")


def class_outcome(dimension: Dimension) -> Callable[[Row, date], Outcome]:
    """Return the outcome function of a class."""
    return lambda row, as_of: decide(dimension, row, as_of)


def tried_conditions(dimension: Dimension, winner: str) -> tuple[Condition, ...]:
    """Return the conditions whose boundaries can change the class: the winner's and those that rank before it."""
    rules = ranked(dimension)
    if dimension.hit in ("first", "highest") and winner:
        upto = next((n for n, rule in enumerate(rules) if rule.id == winner), len(rules) - 1)
        rules = rules[: upto + 1]
    return tuple(rule.when for rule in rules)
