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

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from types import ModuleType

from crmrules.contracts.engine import Derived, Fact, Session
from crmrules.inference.durable_encoding import KEPT, Firings, Names, Reader, Texts
from crmrules.inference.durable_rules_json import (
    PHASE,
    WARM_UP,
    EngineProgram,
    EngineRuleset,
    engine_program,
)
from crmrules.inference.prepared import MAX_FIRINGS, Prepared, Row, prepare, too_many_firings
from crmrules.model.program import Program


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

    def __init__(self, engine: ModuleType, ruleset: EngineRuleset, firings: Firings) -> None:
        self.ruleset = ruleset
        self.firings = firings
        self.is_open = False
        self._engine = engine
        self._handle = engine.create_ruleset("crmrules", ruleset.definition)
        # The first session's memory is not initialised before an action ran; deleting it would free garbage.
        for _ in self.assert_batch([f'{{"t":{WARM_UP}}}']):
            pass
        self.close()

    def __del__(self) -> None:
        with suppress(Exception):  # at interpreter exit the extension may be gone
            self._engine.delete_ruleset(self._handle)

    def assert_batch(self, facts: list[str]) -> Iterator[str]:
        """Assert facts (JSON objects) and yield what the engine says about each firing."""
        self.is_open = True
        _, state = self._engine.assert_facts(self._handle, f"[{','.join(facts)}]")
        started = self._engine.start_action_for_state(self._handle, state)
        message = started[1] if started else None
        while message:
            yield message
            message = self._engine.complete_and_start_action(self._handle, state)

    def close(self) -> None:
        """Delete the session; every firing was taken."""
        if self.is_open:
            self._engine.delete_state(self._handle, None)
            self.is_open = False


class DurableSession:
    """A program compiled for durable_rules; not for use by several threads at once."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._names = Names()
        self._engine_program: EngineProgram = engine_program(prepared, self._names.number)
        self._phases = sorted({phase for part in self._engine_program.rulesets for phase in part.phases})
        self._reads = frozenset[int]().union(*(part.reads for part in self._engine_program.rulesets))
        self._start()

    def _start(self) -> None:
        engine = load_engine()
        self._texts = Texts(self._prepared, self._names, self._engine_program.same_fact)
        self._live = [_Live(engine, part, self._firings(part)) for part in self._engine_program.rulesets]

    def _firings(self, part: EngineRuleset) -> Firings:
        return Firings({rule: Reader(self._prepared, self._names, head) for rule, head in part.heads.items()})

    def run(self, accounts: Iterable[tuple[int, list[Fact]]]) -> Iterator[tuple[int, list[Derived]]]:
        """See :class:`crmrules.contracts.engine.Session`."""
        for account, facts in accounts:
            try:
                made = self._run(account, facts)
            except BaseException:
                self._start()  # half-done sessions can't be deleted safely
                raise
            for live in self._live:
                live.close()
                if len(live.firings) > KEPT:
                    live.firings.clear()
            if len(self._texts) > KEPT:
                self._texts.clear()
            yield account, self._prepared.derived(made)

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
                    batch = [fact for type, fact in news if type in live.ruleset.reads]
                    told = [due] if live.is_open else reached if batch else ()
                    batch += [f'{{"t":{PHASE},"n":{n},"id":"ph{n}"}}' for n in told if n in live.ruleset.phases]
                    for message in live.assert_batch(batch) if batch else ():
                        firings += 1
                        if firings > MAX_FIRINGS:
                            raise too_many_firings(account)
                        fact, rank = live.firings[message]
                        if fact in given:
                            continue
                        if fact not in made:
                            made[fact] = rank
                            fresh.append(fact)
                        elif rank < made[fact] and fact not in live.firings.reasons(message):
                            made[fact] = rank
                due = None
        return made


def compile_program(program: Program) -> Session:
    """Compile *program*.

    Raises:
        RulesetError: the program makes no sense, or a rule is larger than durable_rules can bear.
    """
    return DurableSession(prepare(program))
