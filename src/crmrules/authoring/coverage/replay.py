"""Mutants decided together: each has its own copy of the records that it can touch, in one decision for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa

from crmrules.authoring.coverage.grader import Subject, graded, told
from crmrules.authoring.coverage.mutants import Mutant
from crmrules.authoring.coverage.schemata import MARK, with_mutants
from crmrules.authoring.coverage.stage import OWNER, Stage, accounts_of, reached, tell
from crmrules.evaluation.sql import literal, quote
from crmrules.language.ruleset import Ruleset
from crmrules.model.objects import OBJECTS
from crmrules.pipeline.decide import find_outcomes
from crmrules.stores.snapshot import empty_snapshot
from crmrules.testing.cases import notes_written
from crmrules.testing.grading import Expectation
from crmrules.testing.records import custom_fields

_MENTION_IDS = ("activity_id", "account_id", "deal_id", "contact_id", "speaker_id")


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What a batch says of a mutant: the first expectation that fails because of it, and the cases where it shows at all."""

    noticed: Expectation | None = None
    shows_in: tuple[str, ...] = ()


def replayed(there: Stage, mutants: Mapping[str, Mutant]) -> dict[str, Replayed]:
    """Return what becomes of each of *mutants* (mark -> mutant).

    An expectation that fails without any fault notices nothing. Inference rules can't be told apart by account, and
    ranks can't among copies: see :func:`by_itself`.
    """
    touched = dict(zip(mutants, reached(there, list(mutants.values())), strict=True))
    shown = {mark: mutant for mark, mutant in mutants.items() if touched[mark]}
    ruleset = with_mutants(there.batch.ruleset, {mark: m for mark, m in shown.items() if m.kind != "cue"})
    found = _decided(there, ruleset, shown, touched, there.batch.ranked or frozenset()) if shown else {}
    return {mark: found.get(mark, Replayed()) for mark in mutants}


def by_itself(there: Stage, mutant: Mutant) -> Replayed:
    """Return what becomes of one *mutant* where everything is decided with it: for inference rules, and where customers
    are ranked among each other."""
    ruleset = there.batch.ruleset
    (touched,) = reached(there, [mutant])
    if not touched:
        return Replayed()
    if mutant.kind == "inference":
        without, ranked = with_mutants(_without(ruleset, mutant.id), {}), there.batch.ranked or frozenset()
        return _decided(there, without, {"@1": mutant}, {"@1": touched}, ranked)["@1"]
    everyone = frozenset(there.together)
    return _decided(there, with_mutants(ruleset, {"@1": mutant}), {"@1": mutant}, {"@1": everyone}, frozenset())["@1"]


def _without(ruleset: Ruleset, rule: str) -> Ruleset:
    program = ruleset.inference
    if program is None:
        return ruleset
    kept = tuple(one for one in program.rules if one.id != rule)
    strata = tuple(tuple(id for id in ids if id != rule) for ids in program.strata)
    return replace(ruleset, inference=replace(program, rules=kept, strata=strata))


def _decided(
    there: Stage, ruleset: Ruleset, mutants: Mapping[str, Mutant], touched: Mapping[str, frozenset[str]], ranked: frozenset[str]
) -> dict[str, Replayed]:  # fmt: skip
    """Decide a copy of the *touched* accounts for each mark, and compare it with the decision without a fault."""
    con = duckdb.connect()
    try:
        empty_snapshot(con, custom_fields(ruleset))
        _copied(con, there, {mark: touched[mark] for mark in mutants})
        as_of, phrases = there.batch.as_of, ruleset.phrases
        deaf = ruleset if phrases is None else replace(ruleset, phrases=replace(phrases, cues=()))

        def hear(name: str) -> None:
            if name == "features" and phrases is not None:
                _hear(con, there, {mark: m for mark, m in mutants.items() if m.kind == "cue"})

        evaluator = find_outcomes(con, deaf, as_of=as_of, engine=there.engine, progress=hear)
        tell(con, ruleset, evaluator.relation, there.batch, there.renderer)
        written = told(there.con, there.batch.ruleset, ranked, copies=False)[""]
        faulty = told(con, there.batch.ruleset, ranked, copies=True)
        notes = notes_written(con)
        answers = {}
        for mark in mutants:
            now = faulty.get(mark, {})
            changed = {
                subject
                for subject in {*now, *written}
                if subject.account in touched[mark] and now.get(subject) != written.get(subject)
            }
            answers[mark] = _answer(con, there, notes, mark, changed)
        return answers
    finally:
        con.close()


def _answer(
    con: duckdb.DuckDBPyConnection, there: Stage, notes: Mapping[tuple[str, str], str], mark: str, changed: set[Subject]
) -> Replayed:
    accounts = {subject.account for subject in changed}
    shows_in = []
    for case in there.batch.cases:
        if accounts.isdisjoint(accounts_of(case)):
            continue
        shows_in.append(case["id"])
        if noticed := graded(con, there, notes, case, mark, changed):
            return Replayed(noticed=noticed, shows_in=tuple(shows_in))
    return Replayed(shows_in=tuple(shows_in))


def _copied(con: duckdb.DuckDBPyConnection, there: Stage, touched: Mapping[str, frozenset[str]]) -> None:
    """Put one copy of the records of its accounts for each mark into the snapshot, the mark before each id."""
    pairs = [(mark, account) for mark, accounts in touched.items() for account in sorted(accounts)]
    con.register(
        "copies", pa.table({"mark": [mark for mark, _ in pairs], "account": [account for _, account in pairs]})
    )
    for object in OBJECTS.values():
        con.register("once", there.records[object.name])
        ids = [f.name for f in object.fields if f.refers_to or f.name == "id"]
        columns = [f"mark || '/' || {quote(name)} AS {quote(name)}" for name in ids]
        replaced = f" REPLACE ({', '.join(columns)})" if columns else ""
        more = f", mark AS {quote(MARK)}" if object.name == "account" else ""
        con.execute(
            f"INSERT INTO snapshot.{quote(object.name)} BY NAME SELECT o.* EXCLUDE ({quote(OWNER)}){replaced}{more}"
            f" FROM once o JOIN copies ON o.{quote(OWNER)} = copies.account"
        )
        con.execute(
            f"INSERT INTO snapshot.{quote(object.name)} BY NAME SELECT o.* EXCLUDE ({quote(OWNER)}){replaced}"
            f" FROM once o, (SELECT DISTINCT mark FROM copies) WHERE o.{quote(OWNER)} IS NULL"
        )
        con.unregister("once")


def _hear(con: duckdb.DuckDBPyConnection, there: Stage, cues: Mapping[str, Mutant]) -> None:
    """Let each copy hear what was heard in its records, but for the cues that its mutant changes."""
    con.register("mention_plain", there.heard)
    con.register("mention_negated", there.negated)
    columns = ", ".join(f"mark || '/' || {name} AS {name}" for name in _MENTION_IDS)
    con.execute(
        f"INSERT INTO mention SELECT m.* REPLACE ({columns}) FROM mention_plain m JOIN copies ON account_id = account"
    )
    for mark, mutant in cues.items():
        con.execute(
            f"DELETE FROM mention WHERE cue = {literal(mutant.id)} AND starts_with(account_id, {literal(mark + '/')})"
        )
        if mutant.change == "polarity":
            con.execute(
                f"INSERT INTO mention SELECT m.* REPLACE ({columns}) FROM mention_negated m JOIN copies ON account_id = account"
                f" WHERE mark = {literal(mark)} AND cue = {literal(mutant.id)}"
            )
