"""The plain-Python engine: semi-naive Datalog with stratified negation.

It is the oracle of the tests, and what runs where durable_rules can't be built. Every rule is
tried with each of its facts taken from what the last round brought, the others from all that is
known, until a round brings nothing.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from crmrules.contracts.engine import Derived, Fact, Session, Value
from crmrules.inference.prepared import MAX_FIRINGS, Prepared, Row, prepare, too_many_firings
from crmrules.model.program import Atom, InferenceRule, Program, Var

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
}  # fmt: skip
_Binding = dict[str, Value]


@dataclass(frozen=True)
class _Pattern:
    """An atom with columns instead of names."""

    fact: str
    bind: tuple[tuple[int, str], ...]  # column, variable
    constants: tuple[tuple[int, str, Value], ...]  # column, operator, constant
    compared: tuple[tuple[int, str, str], ...]  # column, operator, variable

    def match(self, row: Row, binding: _Binding) -> _Binding | None:
        """Return *binding* with what *row* adds, or None. Comparisons with variables wait for :meth:`holds`."""
        values = row[1]
        for column, op, constant in self.constants:
            value = values[column]
            if value is None or not _OPERATORS[op](value, constant):
                return None
        grown = dict(binding)
        for column, variable in self.bind:
            value = values[column]
            if value is None or grown.setdefault(variable, value) != value:
                return None
        return grown

    def holds(self, row: Row, binding: _Binding) -> bool:
        values = row[1]
        return all(
            (value := values[column]) is not None and _OPERATORS[op](value, binding[variable])
            for column, op, variable in self.compared
        )


@dataclass
class _Known:
    """Facts of an account, found by type or by the value of one column."""

    rows: set[Row] = field(default_factory=set)
    by_type: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    by_value: dict[tuple[str, int, Value], list[Row]] = field(default_factory=lambda: defaultdict(list))

    def add(self, row: Row) -> None:
        self.rows.add(row)
        self.by_type[row[0]].append(row)
        for column, value in enumerate(row[1]):
            if value is not None:
                self.by_value[row[0], column, value].append(row)

    def candidates(self, pattern: _Pattern, binding: _Binding) -> list[Row]:
        for column, op, constant in pattern.constants:
            if op == "eq":
                return self.by_value.get((pattern.fact, column, constant), [])
        for column, variable in pattern.bind:
            if variable in binding:
                return self.by_value.get((pattern.fact, column, binding[variable]), [])
        return self.by_type.get(pattern.fact, [])


@dataclass(frozen=True)
class _Rule:
    rank: tuple[int, int]
    all_: tuple[_Pattern, ...]
    none: tuple[_Pattern, ...]
    then: str
    values: tuple[Var | Value | None, ...]

    def firings(self, known: _Known, fresh: _Known) -> Iterator[tuple[Row, tuple[Row, ...]]]:
        """Yield (fact made, facts it was made from) for every match with a fresh fact in it."""
        for newest in range(len(self.all_)):
            order = [newest, *(i for i in range(len(self.all_)) if i != newest)]
            for rows, binding in self._matches(order, known, fresh, {}):
                by_atom = dict(zip(order, rows, strict=True))
                if all(p.holds(by_atom[i], binding) for i, p in enumerate(self.all_)) and not any(
                    self._exists(pattern, known, binding) for pattern in self.none
                ):
                    values = tuple(binding[v.name] if isinstance(v, Var) else v for v in self.values)
                    yield (self.then, values), rows

    def _matches(
        self, order: list[int], known: _Known, source: _Known, binding: _Binding
    ) -> Iterator[tuple[tuple[Row, ...], _Binding]]:
        if not order:
            yield (), binding
            return
        pattern = self.all_[order[0]]
        for row in source.candidates(pattern, binding):
            grown = pattern.match(row, binding)
            if grown is not None:
                for rows, whole in self._matches(order[1:], known, known, grown):
                    yield (row, *rows), whole

    @staticmethod
    def _exists(pattern: _Pattern, known: _Known, binding: _Binding) -> bool:
        for row in known.candidates(pattern, binding):
            grown = pattern.match(row, binding)
            if grown is not None and pattern.holds(row, grown):
                return True
        return False


@dataclass(frozen=True)
class PythonSession:
    """A program compiled for this engine."""

    prepared: Prepared
    strata: tuple[tuple[_Rule, ...], ...]

    def run(self, accounts: Iterable[tuple[int, list[Fact]]]) -> Iterator[tuple[int, list[Derived]]]:
        for account, facts in accounts:
            yield account, self._run(account, facts)

    def _run(self, account: int, facts: list[Fact]) -> list[Derived]:
        known, made, firings = _Known(), dict[Row, tuple[int, int]](), 0
        for row in dict.fromkeys(map(self.prepared.row, facts)):
            known.add(row)
        for rules in self.strata:
            settled, fresh = frozenset(known.rows), known
            while fresh.rows:
                found = _Known()
                for rule in rules:
                    for row, sources in rule.firings(known, fresh):
                        firings += 1
                        if firings > MAX_FIRINGS:
                            raise too_many_firings(account)
                        if row in settled or row in sources:
                            continue  # a fact is no reason for itself
                        made[row] = min(made.get(row, rule.rank), rule.rank)
                        if row not in known.rows and row not in found.rows:
                            found.add(row)
                for row in found.rows:
                    known.add(row)
                fresh = found
        return self.prepared.derived(made)


def compile_program(program: Program) -> Session:
    """Compile *program*; raises RulesetError where it makes no sense."""
    prepared = prepare(program)
    return PythonSession(
        prepared=prepared,
        strata=tuple(tuple(_rule(prepared, rule) for rule in rules) for rules in prepared.strata),
    )


def _rule(prepared: Prepared, rule: InferenceRule) -> _Rule:
    return _Rule(
        rank=prepared.rank[rule.id],
        all_=tuple(_pattern(prepared, atom) for atom in rule.all_),
        none=tuple(_pattern(prepared, atom) for atom in rule.none),
        then=rule.then,
        values=tuple(rule.values.get(name) for name in prepared.columns[rule.then]),
    )


def _pattern(prepared: Prepared, atom: Atom) -> _Pattern:
    column = prepared.columns[atom.fact].index
    return _Pattern(
        fact=atom.fact,
        bind=tuple((column(name), var.name) for name, var in atom.bind.items()),
        constants=tuple((column(t.property), t.op, t.value) for t in atom.tests if not isinstance(t.value, Var)),
        compared=tuple((column(t.property), t.op, t.value.name) for t in atom.tests if isinstance(t.value, Var)),
    )
