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
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import ModuleType
from typing import Any

from crmrules.contracts.engine import Derived, Fact, Session
from crmrules.errors import DataError, Problem
from crmrules.inference.durable_encoding import Names, Reader, Texts
from crmrules.inference.durable_rules_json import (
    PHASE,
    WARM_UP,
    EngineProgram,
    EngineRuleset,
    engine_program,
)
from crmrules.inference.prepared import MAX_FIRINGS, Prepared, Row, prepare, too_many_firings
from crmrules.model.program import Program

MAX_FACTS = 100_000  # of one account: ids "0" to "99999" have distinct 32-bit hashes, and a fact takes 8 KB
_parse = json.JSONDecoder().raw_decode  # `json.loads` looks for blanks around


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

    def __init__(self, engine: ModuleType, ruleset: EngineRuleset, readers: Mapping[str, Reader]) -> None:
        self.ruleset = ruleset
        self.readers = readers
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
        batch = ",".join([f'{fact},"id":"{n}"}}' for n, fact in enumerate(facts, first)])
        _, state = self._engine.assert_facts(self._handle, f"[{batch}]")
        started = self._engine.start_action_for_state(self._handle, state)
        message = started[1] if started else None
        while message:
            ((rule, matched),) = _parse(message)[0].items()
            yield rule, matched
            message = self._engine.complete_and_start_action(self._handle, state)

    def close(self) -> None:
        """Delete the session; every firing was taken."""
        if self.is_open:
            self._engine.delete_state(self._handle, None)
            self._facts = 0


class DurableSession:
    """A program compiled for durable_rules; not for use by several threads at once."""

    def __init__(self, prepared: Prepared) -> None:
        names = Names()
        self._prepared = prepared
        self._engine_program: EngineProgram = engine_program(prepared, names.number)
        self._names = names
        self._texts = Texts(prepared, names, self._engine_program.same_fact)
        self._live = self._start()
        self._reads = frozenset[int]().union(*(live.ruleset.reads for live in self._live))
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
            yield account, self._prepared.derived(made)

    def _start(self) -> list[_Live]:
        engine = load_engine()
        return [
            _Live(engine, part, {name: Reader(self._prepared, self._names, head) for name, head in part.heads.items()})
            for part in self._engine_program.rulesets
        ]

    def _run(self, account: int, facts: list[Fact]) -> dict[Row, tuple[int, int]]:
        text = self._texts.__getitem__
        given = dict.fromkeys(map(self._prepared.row, facts))
        fresh = list(given)
        made: dict[Row, tuple[int, int]] = {}
        reached: list[int] = []  # phases
        firings = 0
        # Nothing has to be derived before the first phase if it is that of the lowest stratum.
        for phase in self._phases if self._phases[:1] == [0] else [None, *self._phases]:
            due = phase
            if due is not None:
                reached.append(due)
            while fresh or due is not None:
                news = [known for known in map(text, fresh) if known[0] in self._reads]
                fresh = []
                for live in self._live:
                    reads = live.ruleset.reads
                    batch = [fact for type, fact in news if type in reads]
                    told = [due] if live.is_open else reached if batch else ()
                    batch += [f'{{"t":{PHASE},"n":{n}' for n in told if n in live.ruleset.phases]
                    for rule, matched in live.assert_batch(batch) if batch else ():
                        firings += 1
                        if firings > MAX_FIRINGS:
                            raise too_many_firings(account)
                        reader = live.readers[rule]
                        fact, rank = reader.made(matched), reader.rank
                        if fact in given:
                            continue
                        if fact not in made:
                            made[fact] = rank
                            fresh.append(fact)
                        elif rank < made[fact] and fact not in reader.reasons(matched):
                            made[fact] = rank
                due = None
        return made


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
