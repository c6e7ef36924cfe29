"""An engine that tries every rule on every combination of facts until nothing new comes."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any

from crmrules.contracts.engine import Derived, Fact, Value
from crmrules.model.program import Atom, InferenceRule, Program, Var

_OPERATORS = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
}  # fmt: skip


class NaiveSession:
    """A program, strata in order."""

    def __init__(self, program: Program) -> None:
        rules = {rule.id: rule for rule in program.rules}
        self.strata = [[rules[id] for id in stratum] for stratum in program.strata or (tuple(rules),)]

    def run(self, accounts: Iterable[tuple[int, list[Fact]]]) -> Iterator[tuple[int, list[Derived]]]:
        for account, facts in accounts:
            yield account, self._derive(facts)

    def _derive(self, facts: list[Fact]) -> list[Derived]:
        known = {_key(fact): fact for fact in facts}
        made: dict[Any, Derived] = {}
        for stratum in self.strata:
            while True:
                fresh = {
                    _key(derived.fact): derived
                    for rule in reversed(stratum)
                    for derived in _fire(rule, list(known.values()))
                    if _key(derived.fact) not in known
                }
                if not fresh:
                    break
                made |= fresh
                known |= {key: derived.fact for key, derived in fresh.items()}
        return [made[key] for key in sorted(made, key=str)]


def _fire(rule: InferenceRule, facts: list[Fact]) -> Iterator[Derived]:
    pools = [[values for type, values in facts if type == atom.fact] for atom in rule.all_]
    for chosen in product(*pools):
        bound: dict[str, Value] = {}
        if not all(_fits(atom, values, bound) for atom, values in zip(rule.all_, chosen, strict=True)):
            continue
        if any(_fits(atom, values, dict(bound)) for atom in rule.none for type, values in facts if type == atom.fact):
            continue
        then = {name: bound[v.name] if isinstance(v, Var) else v for name, v in rule.values.items()}
        yield Derived(fact=(rule.then, then), rule=rule.id)


def _fits(atom: Atom, values: Mapping[str, Value], bound: dict[str, Value]) -> bool:
    for name, variable in atom.bind.items():
        if name not in values or bound.setdefault(variable.name, values[name]) != values[name]:
            return False
    for test in atom.tests:
        other = bound.get(test.value.name) if isinstance(test.value, Var) else test.value
        if test.property not in values or other is None or not _OPERATORS[test.op](values[test.property], other):
            return False
    return True


def _key(fact: Fact) -> tuple[str, tuple[tuple[str, Value], ...]]:
    return fact[0], tuple(sorted(fact[1].items()))
