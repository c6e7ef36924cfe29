"""A batch of cases decided once for many mutants: a copy of the records for each, and one as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import duckdb
import pyarrow as pa

from crmrules.authoring.coverage.mutants import Mutant
from crmrules.authoring.coverage.schemata import MARK, with_mutants
from crmrules.contracts.engine import EnginePlugin
from crmrules.contracts.renderer import RendererPlugin
from crmrules.evaluation.mentions import find_mentions
from crmrules.evaluation.sql import literal, quote
from crmrules.language.ruleset import Ruleset
from crmrules.model.objects import OBJECTS
from crmrules.model.text import LANGUAGES
from crmrules.pipeline.decide import find_outcomes
from crmrules.pipeline.desired import want
from crmrules.pipeline.notes import write_notes
from crmrules.testing.cases import notes_written
from crmrules.testing.grading import Expectation, grade
from crmrules.testing.together import Batch, placed_case

AS_WRITTEN = "0"  # the mark of the copy without a fault
_MENTION_IDS = ("activity_id", "account_id", "deal_id", "contact_id", "speaker_id")
# What cases can ask for: table -> the columns of its rows that tell them apart, besides classes.
_ASKED = {
    "contact_role": ("contact_id", "role", "band", "roles", "stance", "source", "writable"),
    "part": ("contact_id", "deal_id", "role"),
    "flag": ("object", "record_id", "flag"),
    "note": ("object", "record_id", "language", "body"),
    "desired": ("object", "record_id", "kind", "name", "value"),
}
_IDS = ("id", "contact_id", "deal_id", "record_id")


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A batch, and what its texts say: read once, for cues are found before any rule is looked at."""

    batch: Batch
    engine: EnginePlugin
    renderer: RendererPlugin
    heard: pa.Table  # mentions
    negated: pa.Table  # mentions that a negation cancels


def stage(batch: Batch, engine: EnginePlugin, renderer: RendererPlugin) -> Stage:
    """Read the texts of *batch*."""
    con, ruleset = batch.snapshot(), batch.ruleset
    find_mentions(con, ruleset)
    con.execute("CREATE TABLE mention_plain AS FROM mention")
    if ruleset.phrases is not None:
        find_mentions(con, replace(ruleset, phrases=replace(ruleset.phrases, negations=())))
    heard = con.sql("FROM mention_plain").to_arrow_table()
    negated = con.sql("FROM mention EXCEPT FROM mention_plain").to_arrow_table()
    con.close()
    return Stage(batch=batch, engine=engine, renderer=renderer, heard=heard, negated=negated)


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What a batch says of a mutant: the first expectation that fails because of it, and the cases where it shows at all."""

    noticed: Expectation | None = None
    shows_in: tuple[str, ...] = ()


def replayed(stage: Stage, numbered: Mapping[str, Mutant]) -> dict[str, Replayed]:
    """Return what becomes of each mutant in *numbered* (mark -> mutant).

    An expectation that fails without any fault notices nothing. Inference rules can't be told apart by account, and
    ranks can't among copies: see :func:`by_itself`.
    """
    ruleset = _faulty(stage.batch.ruleset, numbered)
    con = replace(stage.batch, ruleset=ruleset).snapshot()
    try:
        _copied(con, (AS_WRITTEN, *numbered))
        _decided(con, stage, ruleset, numbered)
        grader = _Grader(con, stage, notes_written(con))
        changed = _changed(con, ruleset, stage.batch.ranked or frozenset(), numbered)
        return {mark: grader.graded(mark, changed[mark]) for mark in numbered}
    finally:
        con.close()


def by_itself(stage: Stage, mutant: Mutant) -> Replayed:
    """Return what becomes of one *mutant* where everything is decided with it: for inference rules, and where customers
    are ranked among each other."""
    prints, failing = {}, {}
    for name, ruleset in (("written", with_mutants(stage.batch.ruleset, {})), ("faulty", _with(stage, mutant))):
        con = replace(stage.batch, ruleset=ruleset).snapshot()
        try:
            _copied(con, (AS_WRITTEN,))
            _decided(con, stage, ruleset, {AS_WRITTEN: mutant} if name == "faulty" else {})
            prints[name] = _prints(con, ruleset, frozenset(), (AS_WRITTEN,))[AS_WRITTEN]
            grader = _Grader(con, stage, notes_written(con))
            failing[name] = [e for case in stage.batch.cases for e in grader.all(case, AS_WRITTEN) if not e.passed]
        finally:
            con.close()
    known = {_named(e) for e in failing["written"]}
    changed = {a for a, print in prints["faulty"].items() if prints["written"].get(a) != print}
    changed |= prints["written"].keys() - prints["faulty"].keys()
    return Replayed(
        noticed=next((e for e in failing["faulty"] if _named(e) not in known), None),
        shows_in=tuple(case["id"] for case in stage.batch.cases if not changed.isdisjoint(_accounts(case))),
    )


def _with(stage: Stage, mutant: Mutant) -> Ruleset:
    ruleset = _faulty(stage.batch.ruleset, {AS_WRITTEN: mutant})
    program = ruleset.inference
    if mutant.kind != "inference" or program is None:
        return ruleset
    kept = tuple(rule for rule in program.rules if rule.id != mutant.id)
    strata = tuple(tuple(id for id in ids if id != mutant.id) for ids in program.strata)
    return replace(ruleset, inference=replace(program, rules=kept, strata=strata))


def _faulty(ruleset: Ruleset, numbered: Mapping[str, Mutant]) -> Ruleset:
    return with_mutants(ruleset, {mark: m for mark, m in numbered.items() if m.kind not in ("cue", "inference")})


def _copied(con: duckdb.DuckDBPyConnection, marks: tuple[str, ...]) -> None:
    """Put one copy of all records for each mark in the place of the records, the mark before each id."""
    con.register("marks", pa.table({"mark": list(marks)}))
    for object in OBJECTS.values():
        ids = [f.name for f in object.fields if f.refers_to or f.name == "id"]
        if not ids:
            continue
        columns = [f"mark || '/' || {quote(name)} AS {quote(name)}" for name in ids]
        columns += [f"mark AS {quote(MARK)}"] if object.name == "account" else []
        table = f"snapshot.{quote(object.name)}"
        con.execute(f"CREATE OR REPLACE TEMP TABLE once AS FROM {table}")
        con.execute(f"DELETE FROM {table}")
        con.execute(f"INSERT INTO {table} SELECT once.* REPLACE ({', '.join(columns)}) FROM once, marks")
    con.execute("DROP TABLE once")


def _decided(con: duckdb.DuckDBPyConnection, stage: Stage, ruleset: Ruleset, numbered: Mapping[str, Mutant]) -> None:
    """Decide, but hear what was heard before; then write notes in every language, and what is wanted."""
    as_of = stage.batch.as_of
    deaf = ruleset if ruleset.phrases is None else replace(ruleset, phrases=replace(ruleset.phrases, cues=()))

    def hear(name: str) -> None:
        if name == "features" and ruleset.phrases is not None:
            _hear(con, stage, {mark: m for mark, m in numbered.items() if m.kind == "cue"})

    evaluator = find_outcomes(con, deaf, as_of=as_of, engine=stage.engine, progress=hear)
    for language in LANGUAGES:
        write_notes(con, ruleset, evaluator.relation, stage.renderer, language, as_of)
    want(con, ruleset, evaluator.relation, as_of)


def _hear(con: duckdb.DuckDBPyConnection, stage: Stage, cues: Mapping[str, Mutant]) -> None:
    con.register("mention_plain", stage.heard)
    con.register("mention_negated", stage.negated)
    columns = ", ".join(f"mark || '/' || {name} AS {name}" for name in _MENTION_IDS)
    con.execute(f"INSERT INTO mention SELECT m.* REPLACE ({columns}) FROM mention_plain m, marks")
    for mark, mutant in cues.items():
        con.execute(
            f"DELETE FROM mention WHERE cue = {literal(mutant.id)} AND starts_with(account_id, {literal(mark + '/')})"
        )
        if mutant.change == "polarity":
            con.execute(
                f"INSERT INTO mention SELECT m.* REPLACE ({columns}) FROM mention_negated m, marks"
                f" WHERE mark = {literal(mark)} AND cue = {literal(mutant.id)}"
            )


def _changed(
    con: duckdb.DuckDBPyConnection, ruleset: Ruleset, ranked: frozenset[str], numbered: Mapping[str, Mutant]
) -> dict[str, frozenset[str]]:
    """Return mark -> accounts (without the mark) of which something that cases can ask for is not as without a fault."""
    told = _prints(con, ruleset, ranked, (AS_WRITTEN, *numbered))
    written = told[AS_WRITTEN]
    return {
        mark: frozenset(a for a in {*written, *told[mark]} if written.get(a) != told[mark].get(a)) for mark in numbered
    }


def _prints(
    con: duckdb.DuckDBPyConnection, ruleset: Ruleset, ranked: frozenset[str], marks: tuple[str, ...]
) -> dict[str, dict[str, list[tuple[int, int]]]]:
    """Return mark -> account -> a fingerprint of each table that cases can ask for."""
    told: dict[str, dict[str, list[tuple[int, int]]]] = {mark: {} for mark in marks}
    for table, sql in enumerate(_fingerprints(ruleset, ranked)):
        for mark, account, print in con.execute(sql).fetchall():
            told[mark].setdefault(account, []).append((table, print))
    return told


def _fingerprints(ruleset: Ruleset, ranked: frozenset[str]) -> Iterator[str]:
    asked = dict(_ASKED)
    if ruleset.roles is None:
        asked.pop("contact_role")
        asked.pop("part")
    for of in ("account", "contact", "deal"):
        asked[f"{of}_outcome"] = (
            "id",
            *(d.name for d in ruleset.classes.values() if d.of == of and d.name not in ranked),
        )
    mark = "split_part(account_id, '/', 1)"
    for table, columns in asked.items():
        values = [f"replace({quote(c)}, {mark} || '/', '')" if c in _IDS else quote(c) for c in columns]
        yield (
            f"SELECT {mark} AS mark, substr(account_id, strpos(account_id, '/') + 1) AS account,"
            f" bit_xor(hash({', '.join(values)})) FROM {quote(table)} GROUP BY ALL"
        )


@dataclass
class _Grader:
    """Grades copies against the one without a fault, whose failures are found once for each case."""

    con: duckdb.DuckDBPyConnection
    stage: Stage
    notes: Mapping[tuple[str, str], str]
    failing: dict[str, frozenset[tuple[str, ...]]] = field(default_factory=dict)

    def graded(self, mark: str, accounts: frozenset[str]) -> Replayed:
        """Return what becomes of *mark*, whose *accounts* are not as written; only cases about them are asked."""
        shows_in = []
        for case in self.stage.batch.cases:
            if accounts.isdisjoint(_accounts(case)):
                continue
            shows_in.append(case["id"])
            if case["id"] not in self.failing:
                self.failing[case["id"]] = frozenset(_named(e) for e in self.all(case, AS_WRITTEN) if not e.passed)
            for one in self.all(self._about(case, accounts), mark):
                if not one.passed and _named(one) not in self.failing[case["id"]]:
                    return Replayed(noticed=one, shows_in=tuple(shows_in))
        return Replayed(shows_in=tuple(shows_in))

    def _about(self, case: Mapping[str, Any], accounts: frozenset[str]) -> Mapping[str, Any]:
        """Return *case* without what it expects of other accounts than *accounts*: nothing has changed there."""
        expected = case["expected"]
        kept = {
            kind: {id: wanted for id, wanted in expected.get(f"{kind}s", {}).items() if self.owners.get(id) in accounts}
            for kind in ("contact", "deal")
        }
        own = expected["account"] if case["account"]["id"] in accounts else {}
        return {
            **case,
            "more_accounts": [more for more in case.get("more_accounts", ()) if more["id"] in accounts],
            "expected": {"account": own, "contacts": kept["contact"], "deals": kept["deal"]},
        }

    @cached_property
    def owners(self) -> Mapping[str, str]:
        """Contact or deal -> its account."""
        rows = self.stage.batch.rows
        return {row["id"]: row["account_id"] for object in ("contact", "deal") for row in rows[object]}

    def all(self, case: Mapping[str, Any], mark: str) -> Iterator[Expectation]:
        """Yield every expectation of *case* about the copy *mark*, in the author's words."""
        batch = self.stage.batch
        for one in grade(self.con, batch.ruleset, placed_case(case, f"{mark}/"), self.notes):
            plain = replace(
                one, subject=one.subject.replace(f"{mark}/", ""), what=one.what.replace(f"{mark}/", ""), evidence=()
            )
            yield batch.told(plain)


def _named(one: Expectation) -> tuple[str, ...]:
    return one.kind, one.subject, one.what, one.wanted


def _accounts(case: Mapping[str, Any]) -> set[str]:
    """Return the accounts of *case*, as its batch calls them."""
    prefix, slash, _ = case["account"]["id"].rpartition("/")
    others = case.get("records", {}).get("account", ())
    return {
        case["account"]["id"], *(more["id"] for more in case.get("more_accounts", ())),
        *(f"{prefix}{slash}{row['id']}" for row in others),
    }  # fmt: skip
