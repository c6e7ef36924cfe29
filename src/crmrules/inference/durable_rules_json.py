"""Write a program as rulesets of durable_rules, in the only form that it evaluates rightly.

Every line here answers a way in which durable_rules 2.0.28 went wrong in our tests:

* Facts hold whole numbers only; names and ids are numbered by the driver, booleans are 0 and 1,
  a missing property is absent. Properties are called ``p0``, ``p1`` ... so that no name collides
  with its own (names are compared by a 32-bit hash) and none is called ``id`` or ``sid``.
* Each atom is gated by the type of its fact (``t``), asks for the presence of every property that
  it reads, and puts joins by equality before other joins.
* Where there is a join, the last one compares the constant ``o`` of both facts: a comparison that
  fails in the last place reads past the end of its expression. Equality joins are found by hash,
  so they too can fail there.
* A comparison of two properties of one fact is made by the driver (``x0``, ``x1`` ...), because
  the engine reads uninitialised memory where one of them is missing.
* A rule with ``none`` begins with the phase of its stratum, a fact that is asserted when all lower
  strata are done; ``none`` is otherwise answered by what happens to have arrived.
* One fact may stand for two atoms of a rule (``dist: 0``), as in logic.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from crmrules.errors import Problem, RulesetError
from crmrules.inference.prepared import Prepared
from crmrules.model.program import Atom, InferenceRule, Var

MAX_RULES = 48  # of one engine ruleset; the first of them is ours (WARM_UP)
MAX_ATOMS = 16  # of one rule, phase included: what durable_rules joins
MAX_ATOMS_OF_TYPE = 60  # in one engine ruleset: it stacks at most 64 conditions that hold for a fact
MAX_CONDITIONS = 500  # of one engine ruleset: 512 under a node are its limit
MAX_PROPERTIES = 250  # of one fact, comparisons included

PHASE, WARM_UP = 0, 1  # values of `t` that are ours; facts of the program follow
FIRST_TYPE = 2
WARM_UP_RULE = "w"

_FLIPPED = {"eq": "eq", "ne": "ne", "lt": "gt", "lte": "gte", "gt": "lt", "gte": "lte"}
_ENGINE = {"ne": "$neq", "lt": "$lt", "lte": "$lte", "gt": "$gt", "gte": "$gte"}
_Json = dict[str, object]


@dataclass(frozen=True)
class SameFact:
    """``left op right`` between two properties (columns) of one fact; the driver sets ``x<n>`` where it holds."""

    left: int
    op: str
    right: int


@dataclass(frozen=True)
class Head:
    """What a rule makes: for each column None, a number, or (alias, property) of a matched fact."""

    rule: InferenceRule
    values: tuple[int | tuple[str, str] | None, ...]
    aliases: tuple[str, ...]  # of the facts it is made from, in the order of `all`


@dataclass(frozen=True, kw_only=True)
class EngineRuleset:
    """One ruleset of durable_rules and how to read its answers."""

    definition: str  # JSON
    heads: Mapping[str, Head]  # engine's rule name -> what it makes
    reads: frozenset[int]  # types of fact that its rules look at
    phases: frozenset[int]  # strata whose phase it wants to be told


@dataclass(frozen=True, kw_only=True)
class EngineProgram:
    """A program ready for the driver."""

    rulesets: tuple[EngineRuleset, ...]
    same_fact: Mapping[int, tuple[SameFact, ...]]  # type -> comparisons, in the order of x0, x1 ...


def engine_program(prepared: Prepared, number: Callable[[int | bool | str], int]) -> EngineProgram:
    """Translate a program; *number* gives the whole number of a constant.

    Raises:
        RulesetError: a rule joins more facts, or a fact has more properties, than durable_rules can bear.
    """
    same_fact: dict[str, list[SameFact]] = {type: [] for type in prepared.columns}
    written: list[tuple[int, _Written]] = []
    for stratum, rules in enumerate(prepared.strata):
        for rule in rules:
            written.append((stratum, _Writer(prepared, same_fact, number).write(rule, stratum)))
    types = {type: FIRST_TYPE + n for n, type in enumerate(prepared.columns)}
    problems = [*_too_many_atoms(prepared), *_too_many_properties(prepared, same_fact)]
    if problems:
        raise RulesetError(problems)
    return EngineProgram(
        rulesets=tuple(_ruleset(part, types) for part in _parts(written)),
        same_fact={types[type]: tuple(found) for type, found in same_fact.items() if found},
    )


@dataclass(frozen=True)
class _Written:
    head: Head
    conditions: list[_Json]  # of the engine's rule
    size: int  # conditions in them


@dataclass(frozen=True)
class _Join:
    """``column op (column there of the atom at)``."""

    column: int
    op: str
    at: int
    there: int


class _Writer:
    """Writes one rule; remembers where each variable got its value."""

    def __init__(
        self, prepared: Prepared, same_fact: dict[str, list[SameFact]], number: Callable[[int | bool | str], int]
    ) -> None:
        self._prepared = prepared
        self._same_fact = same_fact
        self._number = number
        self._bound: dict[str, tuple[int, int]] = {}  # variable -> (atom, column)

    def write(self, rule: InferenceRule, stratum: int) -> _Written:
        for position, atom in enumerate(rule.all_):
            for name, var in atom.bind.items():
                self._bound.setdefault(var.name, (position, self._column(atom, name)))
        conditions: list[_Json] = []
        if rule.none:
            conditions.append({"ph": {"$and": [{"t": PHASE}, {"n": stratum}]}})
        turned = list(self._turned_tests(rule))
        size = 0
        for position, atom in enumerate(rule.all_):
            terms = self._terms(atom, position, [join for at, join in turned if at == position])
            size += len(terms)
            conditions.append({f"a{position}": {"$and": terms}})
        for position, atom in enumerate(rule.none):
            terms = self._terms(atom, len(rule.all_), [])
            size += len(terms)
            conditions.append({f"n{position}$not": {"$and": terms}})
        return _Written(self._head(rule), conditions, size)

    def _column(self, atom: Atom, name: str) -> int:
        return self._prepared.columns[atom.fact].index(name)

    def _turned_tests(self, rule: InferenceRule) -> Iterator[tuple[int, _Join]]:
        """Yield, turned round, the tests against a variable that gets its value in a later atom: (that atom, test)."""
        for position, atom in enumerate(rule.all_):
            for test in atom.tests:
                if isinstance(test.value, Var):
                    bound_at, column = self._bound[test.value.name]
                    if bound_at > position:
                        here = self._column(atom, test.property)
                        yield bound_at, _Join(column, _FLIPPED[test.op], position, here)

    def _terms(self, atom: Atom, position: int, turned: list[_Join]) -> list[_Json]:
        """Return the conditions of *atom*, the one at *position* (negated ones stand after all others)."""
        own: list[_Json] = [{"t": FIRST_TYPE + list(self._prepared.columns).index(atom.fact)}]
        constants = {
            test.property for test in atom.tests if not isinstance(test.value, Var)
        }  # ask for presence themselves
        read = {self._column(atom, name) for name in {*atom.bind, *(t.property for t in atom.tests)} - constants}
        own += [{"$ex": {f"p{column}": 1}} for column in sorted(read)]
        equal: list[_Json] = []
        other: list[_Json] = []
        local: dict[str, int] = {}

        def compare(join: _Join) -> None:
            if join.at == position:
                own.append({self._same(atom.fact, SameFact(join.column, join.op, join.there)): 1})
            elif join.op == "eq":
                equal.append({f"p{join.column}": {f"a{join.at}": f"p{join.there}"}})
            else:
                other.append({_ENGINE[join.op]: {f"p{join.column}": {f"a{join.at}": f"p{join.there}"}}})

        for name, var in atom.bind.items():
            column = self._column(atom, name)
            at, there = self._bound.get(var.name, (position, local.setdefault(var.name, column)))
            if (at, there) != (position, column) and at <= position:
                compare(_Join(column, "eq", at, there))
        for test in atom.tests:
            column = self._column(atom, test.property)
            if not isinstance(test.value, Var):
                value = self._number(test.value)
                own.append({f"p{column}": value} if test.op == "eq" else {_ENGINE[test.op]: {f"p{column}": value}})
                continue
            at, there = self._bound.get(test.value.name) or (position, local[test.value.name])
            if at <= position:
                compare(_Join(column, test.op, at, there))
        for join in turned:
            compare(join)
        if equal or other:
            other.append({"o": {"a0": "o"}})
        return own + equal + other

    def _same(self, fact: str, wanted: SameFact) -> str:
        known = self._same_fact[fact]
        if wanted not in known:
            known.append(wanted)
        return f"x{known.index(wanted)}"

    def _head(self, rule: InferenceRule) -> Head:
        values: list[int | tuple[str, str] | None] = []
        for name in self._prepared.columns[rule.then]:
            value = rule.values.get(name)
            if isinstance(value, Var):
                at, column = self._bound[value.name]
                values.append((f"a{at}", f"p{column}"))
            else:
                values.append(None if value is None else self._number(value))
        return Head(rule, tuple(values), tuple(f"a{position}" for position in range(len(rule.all_))))


def _parts(written: list[tuple[int, _Written]]) -> list[list[tuple[int, _Written]]]:
    """Cut the rules, in the order of strata, into as few engine rulesets as the limits allow."""
    parts: list[list[tuple[int, _Written]]] = []
    conditions, of_type = 0, Counter[str]()
    for stratum, rule in written:
        atoms = Counter(atom.fact for atom in (*rule.head.rule.all_, *rule.head.rule.none))
        full = (
            not parts
            or len(parts[-1]) + 2 > MAX_RULES
            or conditions + rule.size > MAX_CONDITIONS
            or any(of_type[type] + n > MAX_ATOMS_OF_TYPE for type, n in atoms.items())
        )
        if full:
            parts.append([])
            conditions, of_type = 0, Counter()
        parts[-1].append((stratum, rule))
        conditions += rule.size
        of_type += atoms
    return parts


def _ruleset(part: list[tuple[int, _Written]], types: Mapping[str, int]) -> EngineRuleset:
    rules: dict[str, _Json] = {WARM_UP_RULE: {"all": [{"m": {"t": WARM_UP}}]}}
    for number, (_, rule) in enumerate(part):
        rules[f"r{number}"] = {"all": rule.conditions, "dist": 0}
    atoms = [atom for _, rule in part for atom in (*rule.head.rule.all_, *rule.head.rule.none)]
    return EngineRuleset(
        definition=json.dumps(rules, separators=(",", ":")),
        heads={f"r{number}": rule.head for number, (_, rule) in enumerate(part)},
        reads=frozenset(types[atom.fact] for atom in atoms),
        phases=frozenset(stratum for stratum, rule in part if rule.head.rule.none),
    )


def _too_many_atoms(prepared: Prepared) -> Iterator[Problem]:
    for rules in prepared.strata:
        for rule in rules:
            atoms = len(rule.all_) + len(rule.none) + bool(rule.none)
            if atoms > MAX_ATOMS:
                yield Problem(
                    "too-many-atoms", f"rule '{rule.id}' joins {atoms} facts, durable_rules joins {MAX_ATOMS}",
                    rule.at, hint="derive a part of the join first by a rule of its own, or take the engine 'python'",
                )  # fmt: skip


def _too_many_properties(prepared: Prepared, same_fact: Mapping[str, list[SameFact]]) -> Iterator[Problem]:
    for type, columns in prepared.columns.items():
        if len(columns) + len(same_fact[type]) > MAX_PROPERTIES:
            yield Problem(
                "too-many-properties",
                f"fact '{type}' has {len(columns)} properties (and {len(same_fact[type])} comparisons of two of them), "
                f"durable_rules takes {MAX_PROPERTIES}",
                hint="split the fact in two that share an id, or take the engine 'python'",
            )
