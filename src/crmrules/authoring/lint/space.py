"""The columns that some conditions read, as variables, and what each test of them says about their regions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from crmrules.authoring.lint.regions import (
    MOST_ITEMS,
    MOST_PATTERNS,
    Region,
    Variable,
    answers,
    boolean,
    comparison,
    found_in,
    listing,
    ordered,
    point,
    textual,
)
from crmrules.evaluation.rewriting import rewrite
from crmrules.evaluation.values import alike, canonical, choices, days_before
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
from crmrules.model.objects import FieldType

_ORDER = {
    Op.lt: ("lt",),
    Op.lte: ("lt", "eq"),
    Op.eq: ("eq",),
    Op.ne: ("lt", "gt"),
    Op.gte: ("gt", "eq"),
    Op.gt: ("gt",),
}


_LARGE = 10**300  # beyond it lies what no double holds
_EXACT = 2**53  # below it every whole number is a double


@dataclass(frozen=True)
class Column:
    """What the ruleset says about a column: every record keeps to it."""

    type: FieldType | None
    domain: frozenset[str] | None = None  # all texts, or items, that it can hold
    low: Fraction | None = None
    high: Fraction | None = None
    nullable: bool = True


@dataclass
class Space:
    """Variables for the columns of *columns* that *conditions* read, as of *as_of*."""

    columns: Mapping[str, Column]
    variables: list[Variable] = field(default_factory=list)
    compared: set[str] = field(default_factory=set)  # columns that are compared with other columns
    _numbers: dict[str, int] = field(default_factory=dict)
    _fields: dict[str, int] = field(default_factory=dict)
    _masks: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # by repr: a Choice has no hash

    def add(self, conditions: Iterable[Condition]) -> None:
        """Make variables for all leaves of *conditions*, which :func:`expanded` has been through. Call once."""
        found = list({repr(leaf): leaf for condition in conditions for leaf in leaves(condition)}.values())
        by_field: dict[str, list[Leaf]] = {}
        for leaf in found:
            by_field.setdefault(leaf.field, []).append(leaf)
            if isinstance(leaf, Compare) and isinstance(leaf.value, FieldRef):
                by_field.setdefault(leaf.value.field, [])
                self.compared |= {leaf.field, leaf.value.field}
        for path, tests in by_field.items():
            self._fields[path] = self._number(self._column(path, tests))
        for leaf in found:
            self._masks[repr(leaf)] = self._answers(leaf)

    def masks(self, leaf: Leaf) -> tuple[int, int, int]:
        """Return the variable of *leaf* and the regions in which it is true and false."""
        return self._masks[repr(leaf)]

    def of(self, path: str) -> int:
        """Return the number of the variable of the column *path*."""
        return self._fields[path]

    @property
    def paths(self) -> Mapping[str, int]:
        """Column -> the number of its variable."""
        return self._fields

    @property
    def start(self) -> list[int]:
        return [variable.all for variable in self.variables]

    def _number(self, variable: Variable) -> int:
        if variable.name not in self._numbers:
            self._numbers[variable.name] = len(self.variables)
            self.variables.append(variable)
        return self._numbers[variable.name]

    def _column(self, path: str, tests: list[Leaf]) -> Variable:
        column = self.columns[path]
        constants = [value for leaf in tests for value in _constants(leaf)]
        if column.type is None:
            return answers(path)
        if column.type.is_numeric or column.type.is_temporal:
            points = [place for value in constants if (place := _place(value, column.type)) is not None]
            return ordered(path, column.type, points, column.low, column.high, column.nullable)
        if column.type is FieldType.boolean:
            return boolean(path, column.nullable)
        if column.type is FieldType.list:
            items = _items(tests)
            return listing(path, items if len(items) <= MOST_ITEMS else (), column.nullable)
        patterns = _patterns(tests)
        together = patterns if len(patterns) <= MOST_PATTERNS else ()
        return textual(path, (str(v) for v in constants), together, column.domain, column.nullable)

    def _answers(self, leaf: Leaf) -> tuple[int, int, int]:
        number = self._fields[leaf.field]
        variable, column = self.variables[number], self.columns[leaf.field]
        if isinstance(leaf, Missing):
            if column.type is None:
                return number, variable.mask(lambda r: r.missing), variable.present
            return number, variable.all & ~variable.present, variable.present
        yes = self._yes(leaf, variable, column)
        if yes is not None:
            return number, yes, variable.present & ~yes
        if isinstance(leaf, Compare) and isinstance(leaf.value, FieldRef):
            ref = leaf.value
            number = self._number(comparison(f"{leaf.field} : {ref.times} * {ref.field}"))
            variable = self.variables[number]
            yes = variable.mask(lambda r: r.probe in _ORDER[leaf.op])
            return number, yes, variable.present & ~yes
        number = self._number(answers(repr(leaf)))
        return number, 1, 2

    def _yes(self, leaf: Leaf, variable: Variable, column: Column) -> int | None:
        """Return the regions of the leaf's own column where it is true; None where they don't say."""
        type = column.type
        match leaf:
            case Has(_, item) if type is FieldType.list and any(item in (r.probe or ()) for r in variable.regions):
                return variable.mask(lambda r: not r.missing and item in r.probe)
            case Matches(_, pattern) if type is FieldType.text:
                if any(isinstance(r.probe, dict) and pattern not in r.probe for r in variable.regions):
                    return None
                return variable.mask(lambda r: not r.missing and found_in(r, pattern))
            case Compare(_, Op.eq | Op.ne, value) if type in (FieldType.text, FieldType.boolean) and _plain(value):
                equal = variable.mask(lambda r: not r.missing and r.probe == value)
                return equal if leaf.op is Op.eq else variable.present & ~equal
            case Among(_, values) if type in (FieldType.text, FieldType.boolean):
                return variable.mask(lambda r: not r.missing and r.probe in values)
            case Compare(_, op, value) if _is_ordered(type) and (place := _place(value, type)) is not None:
                return variable.mask(lambda r: not r.missing and _compared(r, place) in _ORDER[op])
            case Among(_, values) if _is_ordered(type):
                places = [_place(value, type) for value in alike(values) if value is not None]
                if None in places:
                    return None
                return variable.mask(lambda r: not r.missing and r.probe in places)
        return None


def expanded(condition: Condition, as_of: date) -> Condition:
    """Return *condition* with windows as comparisons with days, and parameters that depend on a column as cases."""
    return rewrite(condition, lambda leaf: _expanded_leaf(leaf, as_of))


def _expanded_leaf(leaf: Leaf, as_of: date) -> Condition:
    match leaf:
        case Between(path, low, high, low_open, high_open):
            parts = (
                Compare(path, Op.gt if low_open else Op.gte, low),
                Compare(path, Op.lt if high_open else Op.lte, high),
            )
            return AllOf(tuple(expanded(part, as_of) for part in parts))
        case Within(path, days):
            since = _expanded_leaf(Compare(path, Op.gte, _day(days, as_of)), as_of)
            return AllOf((since, Compare(path, Op.lte, as_of)))
        case OlderThan(path, days):
            return _expanded_leaf(Compare(path, Op.lt, _day(days, as_of)), as_of)
        case Compare(path, op, Choice() as choice):
            cases, default = choices(choice)
            if default is None or any(value is None for _, value in cases):
                return leaf
            named = Among(choice.field, tuple(case for case, _ in cases))
            elsewhere = AllOf((AnyOf((Missing(choice.field), Not(named))), Compare(path, op, default)))
            there = (
                AllOf((Not(Missing(choice.field)), Among(choice.field, (case,)), Compare(path, op, value)))
                for case, value in cases
                if value is not None
            )
            return AnyOf((*there, elsewhere))
    return leaf


def _day(days: int | Choice, as_of: date) -> Operand:
    if isinstance(days, Choice):
        moved = {case: days_before(as_of, value) for case, value in days.cases.items()}
        return Choice(days.field, moved, days_before(as_of, days.default))
    return days_before(as_of, days)


def _constants(leaf: Leaf) -> tuple[object, ...]:
    match leaf:
        case Compare(_, _, value) if _plain(value):
            return (value,)
        case Among(_, values):
            return values
    return ()


def _plain(value: object) -> bool:
    return not isinstance(value, (Choice, FieldRef)) and canonical(value) is not None


def _place(value: object, type: FieldType | None) -> Fraction | None:
    """Return where a constant lies on a column of *type*; None where comparing with it rounds, or looks into a day."""
    if isinstance(value, (datetime, Choice, FieldRef)):
        return None
    place = point(canonical(value))
    if place is None or not isinstance(value, (int, float, Decimal)):
        return place
    if type is FieldType.number:
        return point(float(place)) if abs(place) < _LARGE else None
    rounds = isinstance(canonical(value), float) and (type is FieldType.money or abs(place) >= _EXACT)
    return None if rounds else place


def _compared(region: Region, place: Fraction) -> str:
    return "lt" if region.probe < place else "gt" if region.probe > place else "eq"


def _is_ordered(type: FieldType | None) -> bool:
    return type is not None and (type.is_numeric or type.is_temporal)


def _items(tests: list[Leaf]) -> tuple[str, ...]:
    return tuple(sorted({leaf.item for leaf in tests if isinstance(leaf, Has)}))


def _patterns(tests: list[Leaf]) -> tuple[str, ...]:
    return tuple(sorted({leaf.pattern for leaf in tests if isinstance(leaf, Matches)}))
