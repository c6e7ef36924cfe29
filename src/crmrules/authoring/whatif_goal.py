"""The smallest realistic change of one record that gives a class a wanted value.

Every boundary that a rule of the class tests is tried, and of every class that it reads: first one
field, then two and three together; then the class, and those that it reads, are decided again in
plain Python, the oracle of the SQL. Formulas follow the fields that they are made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any

from crmrules.authoring.whatif_fields import actionable, realistic
from crmrules.evaluation.interpreter import Row, compute_as, evaluate
from crmrules.evaluation.relations import RECORD
from crmrules.explain.reading import Reader
from crmrules.explain.what_if import decide, differences
from crmrules.language.conditions import Among, Compare, Condition, Has, Leaf, Op, fields_of, leaves
from crmrules.language.expressions import names_of
from crmrules.language.ruleset import Dimension, Formula

MOST_TOGETHER = 3
_TRIPLES_OF = 25  # moves; more than so many are tried two at a time


@dataclass(frozen=True)
class Step:
    """One field that would have to change. ``change`` says how ``to`` is meant (see ``probe.*`` in explain.words)."""

    field: str  # dotted path on the record
    now: object
    to: object  # a value that does
    change: str
    limit: object  # the boundary to name


@dataclass(frozen=True)
class Way:
    """Steps that together give the wanted value; ``days``: nothing but time has to pass."""

    steps: tuple[Step, ...]
    days: int | None
    rule: str  # that would win then; '' = none


@dataclass(frozen=True, kw_only=True)
class Goal:
    """A class, the value that is wanted, and how to get there."""

    object: str
    id: str
    name: str  # of the class
    wanted: str
    now: Any  # a tuple where the class collects
    rule: str
    reached: bool
    ways: tuple[Way, ...]


@dataclass(frozen=True, kw_only=True)
class _Class:
    """A class on one row, with everything of the same record that it is made of."""

    chain: tuple[Dimension, ...]  # each after those that it reads; the class itself is the last
    formulas: tuple[Formula, ...]  # each after those that it reads
    row: Row
    as_of: date

    def decided(self, changed: Mapping[str, object], as_of: date | None = None) -> tuple[object, str]:
        """Return value and winning rule with some fields changed."""
        row: dict[str, object] = {**self.row, **changed}
        for formula in self.formulas:
            if formula.name not in changed and names_of(formula.expr) & changed.keys():
                row[formula.name] = compute_as(formula.expr, row, self.as_of, formula.type)
                changed = {**changed, formula.name: row[formula.name]}
        value: object = None
        rule = ""
        for dimension in self.chain:
            own = dimension.name + RECORD
            seen = {**row, dimension.name: row[own]} if own in row else row
            value, rule = decide(dimension, seen, as_of or self.as_of)
            row[dimension.name] = list(value) if isinstance(value, tuple) else value
        return value, rule

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return tuple(rule.when for dimension in self.chain for rule in dimension.rules)


def ways(reader: Reader, dimension: Dimension, id: str, wanted: str, fields: Sequence[str] = (), most: int = 5) -> Goal:
    """Return what *dimension* says about a record, and up to *most* ways to *wanted*, the smallest first.

    *fields* are the only ones that may change; without them all that a seller can change. A class that
    collects reaches *wanted* where it is among its values. None is found where it would take more than
    :data:`MOST_TOGETHER` fields, or a field of which no rule names a value.
    """
    known = _read(reader, dimension, id)
    now, rule = known.decided({})
    goal = Goal(
        object=dimension.of, id=id, name=dimension.name, wanted=wanted, now=now, rule=rule,
        reached=_reached(now, wanted), ways=(),
    )  # fmt: skip
    if goal.reached:
        return goal
    moves = list(_moves(reader, dimension, known, fields))
    found: list[tuple[float, Way]] = []
    for together in range(1, MOST_TOGETHER + 1):
        if found or (together == MOST_TOGETHER and len(moves) > _TRIPLES_OF):
            break
        for steps in combinations(moves, together):
            if len({step.field for step in steps}) < together:
                continue
            value, winner = known.decided({step.field: step.to for step in steps})
            if _reached(value, wanted):
                found.append((sum(map(_size, steps)), Way(steps, None, winner)))
    found.sort(key=lambda one: (one[0], [(s.field, str(s.to)) for s in one[1].steps]))
    nearest: dict[object, Way] = {}
    for _, way in found:  # of one field in one direction, the boundary that is nearest
        nearest.setdefault(tuple((step.field, step.change in ("reached", "above")) for step in way.steps), way)
    waiting = [] if fields else list(_waiting(reader, dimension, known, wanted))
    return replace(goal, ways=(*list(nearest.values())[: most - len(waiting)], *waiting))


def _read(reader: Reader, dimension: Dimension, id: str) -> _Class:
    """Read the record's row with all that the class, and what it is made of, looks at."""
    chain = tuple(_chain(reader, dimension, set()))
    conditions = [rule.when for d in chain for rule in d.rules]
    paths = {*reader.paths(dimension.of, conditions, ()), *(d.copy for d in chain if d.copy)}
    formulas: list[Formula] = []
    for name in sorted(paths):
        formulas += (f for f in _formulas(reader, dimension.of, name) if f not in formulas)
    paths |= {name for formula in formulas for name in names_of(formula.expr)}
    names = {d.name for d in chain}
    own = {f"{d.name}{RECORD}" for d in chain if d.copy == d.name or any(d.name in fields_of(r.when) for r in d.rules)}
    record = reader.rows(dimension.of, sorted((paths - names) | own), [(id,)])[id,]
    return _Class(chain=chain, formulas=tuple(formulas), row=record, as_of=reader.as_of)


def _chain(reader: Reader, dimension: Dimension, seen: set[str]) -> Iterator[Dimension]:
    seen.add(dimension.name)
    for name in sorted({path for rule in dimension.rules for path in fields_of(rule.when)}):
        inner = reader.ruleset.classes.get(name)
        if inner is not None and inner.of == dimension.of and name not in seen:
            yield from _chain(reader, inner, seen)
    yield dimension


def _formulas(reader: Reader, of: str, name: str) -> Iterator[Formula]:
    feature = reader.ruleset.features.get(name)
    if isinstance(feature, Formula) and feature.of == of:
        for inner in sorted(names_of(feature.expr)):
            yield from _formulas(reader, of, inner)
        yield feature


def _moves(reader: Reader, dimension: Dimension, known: _Class, fields: Sequence[str]) -> Iterator[Step]:
    """Yield every single change of a field, to just where some test turns over, that is allowed and realistic."""
    frames, ruleset, of = reader.labels.frames, reader.ruleset, dimension.of
    derived = {d.name for d in known.chain}
    for step in (*_boundaries(reader, dimension, known), *_named_values(known)):
        if step.field in derived or step.to == step.now:
            continue
        if fields and step.field not in fields:
            continue
        if not fields and not actionable(ruleset, frames, of, step.field):
            continue
        if realistic(ruleset, frames, of, step.field, step.now, step.to):
            yield step


def _boundaries(reader: Reader, dimension: Dimension, known: _Class) -> Iterator[Step]:
    """Yield the numbers and days just on either side of what the rules compare with."""
    tests = [leaf for condition in known.conditions for leaf in leaves(condition)]

    def turned(row: Row, as_of: date) -> tuple[object, str]:
        return tuple(evaluate(leaf, row, as_of) for leaf in tests), ""

    found = differences(
        known.conditions, turned, known.row, known.as_of, lambda path: reader.type(dimension.of, path), reader.ruleset
    )
    for change in found:
        if change.probe is not None:
            probe = change.probe
            yield Step(probe.field, known.row.get(probe.field), probe.value, probe.change, probe.limit)


def _named_values(known: _Class) -> Iterator[Step]:
    """Yield the texts and truths that the rules compare with."""
    seen = set()
    for condition in known.conditions:
        for leaf in leaves(condition):
            now = known.row.get(leaf.field)
            for value in _values(leaf):
                to = [*(now if isinstance(now, list) else []), value] if isinstance(leaf, Has) else value
                if (leaf.field, str(to)) not in seen and value != now:
                    seen.add((leaf.field, str(to)))
                    yield Step(leaf.field, now, to, "known", value)


def _values(leaf: Leaf) -> Iterable[object]:
    match leaf:
        case Compare(_, Op.eq | Op.ne, bool()):
            return (True, False)
        case Compare(_, Op.eq, str() as value):
            return (value,)
        case Among(_, values):
            return [value for value in values if isinstance(value, str)]
        case Has(_, item):
            return (item,)
    return ()


def _waiting(reader: Reader, dimension: Dimension, known: _Class, wanted: str) -> Iterator[Way]:
    """Yield the way of letting time pass, where that alone leads to *wanted*."""

    def outcome(row: Row, as_of: date) -> tuple[object, str]:
        value, rule = known.decided({n: v for n, v in row.items() if known.row.get(n) != v}, as_of)
        return _reached(value, wanted), rule

    found = differences(
        known.conditions, outcome, known.row, known.as_of, lambda path: reader.type(dimension.of, path), reader.ruleset
    )
    for change in found:
        if change.probe is None and change.outcome[0]:
            yield Way((), change.days, change.outcome[1])


def _reached(value: object, wanted: str) -> bool:
    return wanted in value if isinstance(value, tuple) else value == wanted


def _size(step: Step) -> float:
    """How far a step goes, as a share of what is there; a field that gets another word counts one."""
    if isinstance(step.now, (int, float, Decimal)) and isinstance(step.to, (int, float, Decimal)):
        return abs(float(step.to) - float(step.now)) / max(abs(float(step.now)), 1.0)
    if isinstance(step.now, date) and isinstance(step.to, date):
        return abs(step.to.toordinal() - step.now.toordinal()) / 365
    return 1.0
