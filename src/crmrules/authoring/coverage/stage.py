"""A batch of cases decided without any fault: what its mutants are compared with, and which accounts each can touch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import duckdb
import pyarrow as pa

from crmrules.authoring.coverage.mutants import Mutant
from crmrules.contracts.engine import EnginePlugin
from crmrules.contracts.renderer import RendererPlugin
from crmrules.evaluation.evidence import Relation
from crmrules.evaluation.mentions import find_mentions
from crmrules.evaluation.sql import condition_sql, literal, quote
from crmrules.language.conditions import fields_of
from crmrules.language.frames import Frame, frames, source_frame
from crmrules.language.ruleset import Ruleset
from crmrules.model.objects import OBJECTS
from crmrules.model.text import LANGUAGES
from crmrules.pipeline.decide import find_outcomes
from crmrules.pipeline.desired import want
from crmrules.pipeline.notes import write_notes
from crmrules.testing.cases import notes_written
from crmrules.testing.together import Batch

OWNER = "record_owner"  # the account that a record belongs to


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A batch, its decision as the ruleset is written, and what its texts say: cues are found before any rule is looked at."""

    batch: Batch
    engine: EnginePlugin
    renderer: RendererPlugin
    con: duckdb.DuckDBPyConnection  # the decision
    relation: Relation
    records: Mapping[str, pa.Table]  # object -> its records, with their owners
    heard: pa.Table  # mentions
    negated: pa.Table  # mentions that a negation cancels

    @cached_property
    def notes(self) -> Mapping[tuple[str, str], str]:
        return notes_written(self.con)

    @cached_property
    def frames(self) -> Mapping[str, Frame]:
        return frames(self.batch.ruleset)

    @cached_property
    def together(self) -> Mapping[str, frozenset[str]]:
        """Account -> the accounts whose records refer to each other, itself among them."""
        rows = self.con.execute(
            "SELECT id, parent_id FROM snapshot.account UNION SELECT c.account_id, b.account_id FROM snapshot.contact c"
            " JOIN snapshot.contact b ON b.id = c.reports_to_id WHERE c.account_id <> b.account_id"
            " UNION SELECT a.account_id, c.account_id FROM snapshot.activity_contact p JOIN snapshot.activity a"
            " ON a.id = p.activity_id JOIN snapshot.contact c ON c.id = p.contact_id WHERE a.account_id <> c.account_id"
        ).fetchall()
        groups = {account: {account} for pair in rows for account in pair if account is not None}
        for one, other in rows:
            if one is not None and other is not None and groups[one] is not groups[other]:
                groups[one] |= groups[other]
                for account in groups[other]:
                    groups[account] = groups[one]
        return {account: frozenset(group) for account, group in groups.items()}


def stage(batch: Batch, engine: EnginePlugin, renderer: RendererPlugin) -> Stage:
    """Decide *batch*, notes in every language and all."""
    con, ruleset = batch.snapshot(), batch.ruleset
    if ruleset.phrases is not None:
        find_mentions(con, replace(ruleset, phrases=replace(ruleset.phrases, negations=())))
        con.execute("CREATE TABLE mention_loud AS FROM mention")
        con.execute("DROP TABLE mention")
    evaluator = find_outcomes(con, ruleset, as_of=batch.as_of, engine=engine)
    tell(con, ruleset, evaluator.relation, batch, renderer)
    heard, negated = pa.table({}), pa.table({})
    if ruleset.phrases is not None:
        heard = con.sql("FROM mention").to_arrow_table()
        negated = con.sql("FROM mention_loud EXCEPT FROM mention").to_arrow_table()
    return Stage(
        batch=batch, engine=engine, renderer=renderer, con=con, relation=evaluator.relation, heard=heard, negated=negated,
        records={name: con.sql(_owned(name)).to_arrow_table() for name in OBJECTS},
    )  # fmt: skip


def tell(
    con: duckdb.DuckDBPyConnection, ruleset: Ruleset, relation: Relation, batch: Batch, renderer: RendererPlugin
) -> None:
    """Write the notes of a decision in every language, and what is wanted."""
    for language in LANGUAGES:
        write_notes(con, ruleset, relation, renderer, language, batch.as_of)
    want(con, ruleset, relation, batch.as_of)


def reached(there: Stage, mutants: Sequence[Mutant]) -> list[frozenset[str]]:
    """Return for each of *mutants* the accounts that it can touch: those where what it changes comes out otherwise.

    Everything before the changed entry is as decided, so it is enough to look at the entry itself. Accounts that refer
    to each other are touched together, for a copy needs the records of both.
    """
    columns: dict[str, set[str]] = {}
    for mutant in mutants:
        if mutant.frame:
            name = source_frame(there.batch.ruleset, mutant.frame)
            read = {*fields_of(mutant.before), *fields_of(mutant.after), there.frames[name].links["account"]}
            columns.setdefault(name, set()).update(read)
    for name, paths in columns.items():
        there.con.execute(f"CREATE OR REPLACE TEMP TABLE {_table(name)} AS {there.relation(name, sorted(paths))}")
    touched = [{a for (a,) in there.con.execute(_touched(there, mutant)).fetchall()} for mutant in mutants]
    for name in columns:
        there.con.execute(f"DROP TABLE {_table(name)}")
    return [frozenset(a for account in accounts for a in there.together.get(account, ())) for accounts in touched]


def _table(frame: str) -> str:
    return quote(f"reached {frame}")


def _touched(there: Stage, mutant: Mutant) -> str:
    """Return SQL for the accounts that *mutant* itself touches."""
    ruleset, as_of = there.batch.ruleset, there.batch.as_of
    if mutant.kind == "cue":
        loud = f" UNION SELECT account_id FROM mention_loud WHERE cue = {literal(mutant.id)}"
        heard = f"SELECT account_id FROM mention WHERE cue = {literal(mutant.id)}"
        return heard + loud if mutant.change == "polarity" else heard
    if mutant.kind == "inference":
        facts = ruleset.inference.facts if ruleset.inference is not None else ()
        return " UNION ".join(
            f"SELECT account_id FROM {quote('fact_' + fact)} WHERE rule = {literal(mutant.id)}" for fact in facts
        )
    name = source_frame(ruleset, mutant.frame)
    before, after = (f"(({condition_sql(when, as_of)}) IS TRUE)" for when in (mutant.before, mutant.after))
    match mutant.change:
        case "zero" | "turn":
            holds = before
        case "exchange":
            holds = f"{before} AND {after}"
        case _:
            holds = f"{before} <> {after}"
    return f"SELECT DISTINCT {quote(there.frames[name].links['account'])} FROM {_table(name)} WHERE {holds}"


def accounts_of(case: Mapping[str, Any]) -> set[str]:
    """Return the accounts of *case*, as its batch calls them."""
    prefix, slash, _ = case["account"]["id"].rpartition("/")
    others = case.get("records", {}).get("account", ())
    return {
        case["account"]["id"], *(more["id"] for more in case.get("more_accounts", ())),
        *(f"{prefix}{slash}{row['id']}" for row in others),
    }  # fmt: skip


def _owned(object: str) -> str:
    """Return SQL for the records of *object*, each with the account that it belongs to (NULL: to none)."""
    fields = [(f.name, f.refers_to) for f in OBJECTS[object].fields if f.refers_to]
    if object == "account":
        owner = "once.id"
    elif ("account_id", "account") in fields:
        owner = "once.account_id"
    else:
        ways = [
            f"(SELECT o.account_id FROM snapshot.{quote(referred)} o WHERE o.id = once.{quote(name)})"
            for name, referred in fields
            if any(f.name == "account_id" for f in OBJECTS[referred].fields)
        ]
        owner = f"coalesce({', '.join(ways)}, NULL)" if ways else "NULL::VARCHAR"
    return f"SELECT once.*, {owner} AS {quote(OWNER)} FROM snapshot.{quote(object)} once"
