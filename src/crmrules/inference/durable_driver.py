"""The durable_rules engine: the only module that touches durable_rules.

It uses the extension ``durable_rules_engine`` and not the package's ``Host``: the host starts two
timer threads that run actions behind our back, swallows what an action raises, and knows no
actions of a batch in which one fact was not new. What we do instead, for one account at a time:

1. assert what is new (first the account's facts, then the phase of each stratum) as a batch,
2. take the firings one by one until there are none, collecting the facts that they make,
3. go on with 1 until nothing is new, then delete the session.

So no fact is asserted and no session deleted inside an action, and an error of ours is just raised.
"""

from __future__ import annotations

import json
import operator
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import ModuleType
from typing import Any

from crmrules.contracts.engine import Derived, EnginePlugin, Fact, Session, Value
from crmrules.errors import DataError, Problem
from crmrules.inference.durable_rules_json import (
    FIRST_TYPE,
    PHASE,
    WARM_UP,
    EngineProgram,
    EngineRuleset,
    Head,
    SameFact,
    engine_program,
)
from crmrules.inference.prepared import MAX_FIRINGS, Prepared, Row, prepare, too_many_firings
from crmrules.model.program import Program

MAX_FACTS = 100_000  # of one account: ids "0" to "99999" have distinct 32-bit hashes, and a fact takes 8 KB
_SESSION = "a"
_Numbers = tuple[int, tuple[int | None, ...]]  # a row in numbers: type, values
_OPERATORS: dict[str, Callable[[int, int], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
}  # fmt: skip


def load_engine() -> ModuleType:
    """Import the extension.

    On Python 3.13 it names a function that is gone (PyEval_CallObject), only in callbacks that we never
    set: it loads when symbols are bound on first use.
    """
    loaded = sys.modules.get("durable_rules_engine")
    if loaded is not None:
        return loaded
    if not hasattr(sys, "setdlopenflags"):  # Windows binds in its own way
        import durable_rules_engine

        return durable_rules_engine  # type: ignore[no-any-return]
    flags = sys.getdlopenflags()
    sys.setdlopenflags(os.RTLD_LAZY)
    try:
        import durable_rules_engine
    finally:
        sys.setdlopenflags(flags)
    return durable_rules_engine  # type: ignore[no-any-return]


def available() -> str:
    """Return why durable_rules can't run here, or ''."""
    try:
        load_engine()
    except ImportError as error:
        return f"durable_rules is not installed, or its extension does not load: {error}"
    return ""


class _Live:
    """A ruleset inside the extension, with at most one session."""

    def __init__(self, engine: ModuleType, ruleset: EngineRuleset) -> None:
        self.ruleset = ruleset
        self._engine = engine
        self._handle = engine.create_ruleset("crmrules", ruleset.definition)
        self._facts = 0
        # The first session's memory is not initialised before an action ran; deleting it would free garbage.
        for _ in self.assert_batch([f'{{"t":{WARM_UP}']):
            pass
        self.close()

    def __del__(self) -> None:
        with suppress(Exception):  # at interpreter exit the extension may be gone
            self._engine.delete_ruleset(self._handle)

    @property
    def is_open(self) -> bool:
        return self._facts > 0

    def assert_batch(self, facts: list[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Assert facts (JSON objects, their end left open) and yield each firing: rule name, facts by alias."""
        first = self._facts
        self._facts += len(facts)
        if self._facts > MAX_FACTS:
            raise _too_many_facts()
        batch = ",".join(f'{fact},"sid":"{_SESSION}","id":"{first + n}"}}' for n, fact in enumerate(facts))
        _, state = self._engine.assert_facts(self._handle, f"[{batch}]")
        started = self._engine.start_action_for_state(self._handle, state)
        message = started[1] if started else None
        while message:
            ((rule, matched),) = json.loads(message).items()
            yield rule, matched
            message = self._engine.complete_and_start_action(self._handle, state)

    def close(self) -> None:
        """Delete the session; every firing was taken."""
        if self.is_open:
            self._engine.delete_state(self._handle, _SESSION)
            self._facts = 0


class DurableSession:
    """A program compiled for durable_rules; not for use by several threads at once."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._types = tuple(prepared.columns)
        self._type_numbers = {type: FIRST_TYPE + n for n, type in enumerate(self._types)}
        self._kinds = tuple(tuple(p.kind for p in properties) for properties in prepared.program.facts.values())
        self._names: list[str] = []
        self._name_numbers: dict[str, int] = {}
        self._engine_program: EngineProgram = engine_program(prepared, self._number)
        self._live = self._start()
        self._phases = sorted({phase for live in self._live for phase in live.ruleset.phases})

    def run(self, accounts: Iterable[tuple[int, list[Fact]]]) -> Iterator[tuple[int, list[Derived]]]:
        """See :class:`crmrules.contracts.engine.Session`."""
        for account, facts in accounts:
            try:
                made = self._run(account, facts)
            except BaseException:
                self._live = self._start()  # half-done sessions can't be deleted safely
                raise
            for live in self._live:
                live.close()
            yield account, self._prepared.derived({self._row(numbers): rank for numbers, rank in made.items()})

    def _start(self) -> list[_Live]:
        engine = load_engine()
        return [_Live(engine, ruleset) for ruleset in self._engine_program.rulesets]

    def _run(self, account: int, facts: list[Fact]) -> dict[_Numbers, tuple[int, int]]:
        fresh = list(dict.fromkeys(map(self._numbers, map(self._prepared.row, facts))))
        given = frozenset(fresh)
        made: dict[_Numbers, tuple[int, int]] = {}
        reached: list[int] = []  # phases
        firings = 0
        for phase in (None, *self._phases):
            if phase is not None:
                reached.append(phase)
            due = phase
            while fresh or due is not None:
                news = [(type, self._json(type, values)) for type, values in fresh]
                fresh = []
                for live in self._live:
                    batch = [text for type, text in news if type in live.ruleset.reads]
                    told = [due] if live.is_open else reached if batch else []
                    batch += [f'{{"t":{PHASE},"n":{n}' for n in told if n in live.ruleset.phases]
                    for rule, matched in live.assert_batch(batch) if batch else ():
                        firings += 1
                        if firings > MAX_FIRINGS:
                            raise too_many_firings(account)
                        head = live.ruleset.heads[rule]
                        fact = (
                            head.type,
                            tuple([matched[v[0]][v[1]] if isinstance(v, tuple) else v for v in head.values]),
                        )
                        rank = self._prepared.rank[head.rule.id]
                        if fact in given:
                            continue
                        if fact not in made:
                            made[fact] = rank
                            fresh.append(fact)
                        elif rank < made[fact] and fact not in self._reasons(head, matched):
                            made[fact] = rank
                due = None
        return made

    def _reasons(self, head: Head, matched: dict[str, dict[str, int]]) -> list[_Numbers]:
        """Return the facts of a firing, as numbers."""
        return [
            (type, tuple(matched[alias].get(f"p{column}") for column in range(len(self._kinds[type - FIRST_TYPE]))))
            for alias, type in head.atoms
        ]

    def _number(self, value: Value) -> int:
        if not isinstance(value, str):
            return operator.index(value)  # refuses floats
        known = self._name_numbers.get(value)
        if known is None:
            known = self._name_numbers[value] = len(self._names)
            self._names.append(value)
        return known

    def _numbers(self, row: Row) -> _Numbers:
        number = self._number
        return self._type_numbers[row[0]], tuple([None if value is None else number(value) for value in row[1]])

    def _row(self, numbers: _Numbers) -> Row:
        type = numbers[0] - FIRST_TYPE
        return self._types[type], tuple(map(self._value, numbers[1], self._kinds[type]))

    def _value(self, number: int | None, kind: str) -> Value | None:
        if number is None:
            return None
        return self._names[number] if kind == "name" else bool(number) if kind == "boolean" else number

    def _json(self, type: int, values: tuple[int | None, ...]) -> str:
        """Return the fact as the engine reads it, without the closing brace."""
        text = f'{{"t":{type},"o":1' + "".join(
            [f',"p{column}":{value}' for column, value in enumerate(values) if value is not None]
        )
        for number, same in enumerate(self._engine_program.same_fact.get(type, ())):
            if _holds(same, values):
                text += f',"x{number}":1'
        return text


def _holds(same: SameFact, values: tuple[int | None, ...]) -> bool:
    left, right = values[same.left], values[same.right]
    return left is not None and right is not None and _OPERATORS[same.op](left, right)


def _too_many_facts() -> DataError:
    return DataError(
        Problem(
            "too-many-facts",
            f"an account has more than {MAX_FACTS:,} facts, more than durable_rules can bear",
            hint="let fewer rows become facts ('when'), or take the engine 'python'",
        )
    )


def compile_program(program: Program) -> Session:
    """Compile *program*.

    Raises:
        RulesetError: the program makes no sense, or a rule is larger than durable_rules can bear.
    """
    return DurableSession(prepare(program))


PLUGIN = EnginePlugin(name="durable", compile=compile_program, available=available)
