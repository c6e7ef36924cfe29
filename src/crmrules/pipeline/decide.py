"""Decide: from a snapshot and a ruleset to outcomes, in the fixed order of domain.md part 7.

    lexicons -> features and classes -> guards -> evidence -> roles -> inference -> roles again
    -> features and classes that read roles -> questions -> flags -> notes -> desired state

A pure function of snapshot, ruleset and as_of (and, for hysteresis, of the last decision): no
clock, no network, no order of input.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from crmrules.contracts.engine import EnginePlugin
from crmrules.contracts.renderer import RendererPlugin
from crmrules.errors import Location, Problem, StoreError
from crmrules.evaluation.evaluator import Evaluator
from crmrules.evaluation.evidence import collect
from crmrules.evaluation.findings import find_flags, find_guards
from crmrules.evaluation.lexicons import apply_lexicons
from crmrules.evaluation.mentions import find_mentions
from crmrules.evaluation.questions import find_questions
from crmrules.evaluation.roles import decide_roles, pair_up
from crmrules.evaluation.sql import condition_sql, literal, quote
from crmrules.evaluation.unheard import count_unheard
from crmrules.inference.facts import fact_query, infer
from crmrules.language.frames import frames
from crmrules.language.ruleset import Ruleset
from crmrules.model.decision import TABLES, create
from crmrules.model.objects import OBJECTS
from crmrules.model.program import Program
from crmrules.pipeline.desired import want
from crmrules.pipeline.notes import write_notes

Progress = Callable[[str], None]
STAGES = ("lexicons", "features", "evidence", "inference", "roles", "findings", "notes", "desired")
_SHOWN_PHRASES = 8  # in a report of how much was decided
_WITH_ROLES = frozenset({"part", "role_score", "contact_role"})  # these tables are made by the roles stage


@dataclass(frozen=True, kw_only=True)
class Found:
    """What another decision on the same records and day found already, and this one would find again.

    It stands in *catalog*; nothing of it may depend on what differs between the two rulesets.
    """

    catalog: str
    titles: bool  # what the lexicons read
    mentions: bool
    nodes: frozenset[str]  # features and classes (feature.<name>, class.<name>)
    items: frozenset[str]  # evidence


NOTHING = Found(catalog="", titles=False, mentions=False, nodes=frozenset(), items=frozenset())


@dataclass(frozen=True, kw_only=True)
class DecideReport:
    """How much was decided."""

    records: dict[str, int]  # canonical object -> records
    classes: dict[str, dict[str, int]]  # dimension -> value -> subjects
    roles: dict[str, int]  # role -> contacts
    flags: dict[str, int]  # flag -> accounts
    evidence: int
    conflicts: int
    unmatched: int  # distinct titles that no pattern knows
    texts: int  # texts of activities
    unheard: dict[str, int]  # type of activity -> texts in which no phrase stands
    unheard_phrases: dict[str, int]  # what recurs in them -> texts of the sample; the first few


def decide(
    con: duckdb.DuckDBPyConnection,
    ruleset: Ruleset,
    *,
    as_of: date,
    engine: EnginePlugin,
    renderer: RendererPlugin,
    language: str,
    snapshot: str = "",
    previous: str | None = None,
    progress: Progress = lambda stage: None,
) -> None:
    """Fill *con*'s default catalog with the decision's tables; catalog `snapshot` must be attached.

    *previous* names an attached catalog with the last decision (hysteresis); *snapshot* is the
    snapshot's content id. Raises RulesetError where the ruleset can't be run.
    """
    evaluator = find_outcomes(con, ruleset, as_of=as_of, engine=engine, previous=previous, progress=progress)
    if ruleset.phrases is not None and ruleset.phrases.cues:
        count_unheard(con)
    progress("notes")
    write_notes(con, ruleset, evaluator.relation, renderer, language, as_of)
    progress("desired")
    want(con, ruleset, evaluator.relation, as_of)
    con.execute(
        "INSERT INTO meta VALUES (?, ?, ?, ?, ?)",
        [as_of, f"{ruleset.name}@{ruleset.version}", ruleset.digest, engine.name, snapshot],
    )


def find_outcomes(
    con: duckdb.DuckDBPyConnection,
    ruleset: Ruleset,
    *,
    as_of: date,
    engine: EnginePlugin,
    previous: str | None = None,
    progress: Progress = lambda stage: None,
    found: Found = NOTHING,
) -> Evaluator:
    """Find classes, roles and flags, but neither notes nor what is to be written; parameters as of :func:`decide`.

    What was *found* before is taken over.
    """
    for table in TABLES:
        if table not in _WITH_ROLES:
            con.execute(create(table))
    evaluator = Evaluator(con, ruleset, as_of, previous)
    progress("lexicons")
    if found.titles:
        _take_over(con, found, [f"lexicon_{name}" for name in ruleset.lexicons])
    else:
        apply_lexicons(con, ruleset)
    if ruleset.phrases is not None and found.mentions:
        _take_over(con, found, ["mention"])
    elif ruleset.phrases is not None:
        find_mentions(con, ruleset)
    evaluator.adopt(found.catalog, found.nodes)
    progress("features")
    given = {*OBJECTS, *({"mention"} if ruleset.phrases is not None else ())}
    evaluator.run(given)
    find_guards(con, ruleset, evaluator.relation, as_of)
    if ruleset.roles is not None:
        _roles(con, ruleset, evaluator, as_of, engine, previous, progress, found)
    progress("findings")
    derived = set(frames(ruleset)) - {"flag"}
    evaluator.run(derived - {"question"})
    find_questions(con, ruleset, evaluator.relation, as_of)
    evaluator.run(derived)
    find_flags(con, ruleset, evaluator.relation, as_of)
    evaluator.run(set(frames(ruleset)))
    return evaluator


def _roles(
    con: duckdb.DuckDBPyConnection,
    ruleset: Ruleset,
    evaluator: Evaluator,
    as_of: date,
    engine: EnginePlugin,
    previous: str | None,
    progress: Progress,
    found: Found,
) -> None:
    progress("evidence")
    pair_up(con, ruleset)
    evaluator.run({*OBJECTS, "mention"})  # what reads only the pairs themselves
    for table in ("evidence", "stance_evidence") if found.items else ():
        items = ", ".join(map(literal, sorted(found.items)))
        con.execute(f"INSERT INTO {table} SELECT * FROM {found.catalog}.{table} WHERE item IN ({items})")
    collect(con, ruleset, evaluator.relation, as_of, derived=False, known=found.items)
    decide_roles(con, ruleset, previous)
    progress("inference")
    if ruleset.inference is not None:
        _infer(con, ruleset, ruleset.inference, evaluator, as_of, engine)
        progress("roles")
        if collect(con, ruleset, evaluator.relation, as_of, derived=True):
            decide_roles(con, ruleset, previous)


def _take_over(con: duckdb.DuckDBPyConnection, found: Found, tables: list[str]) -> None:
    for table in map(quote, tables):
        con.execute(f"CREATE OR REPLACE TABLE {table} AS FROM {found.catalog}.{table}")


def _infer(
    con: duckdb.DuckDBPyConnection,
    ruleset: Ruleset,
    program: Program,
    evaluator: Evaluator,
    as_of: date,
    engine: EnginePlugin,
) -> None:
    known = frames(ruleset)
    queries = {
        source.fact: fact_query(
            program, source, known[source.of].links["account"], evaluator.relation, lambda c: condition_sql(c, as_of)
        )
        for source in ruleset.facts
    }
    infer(con, program, queries, engine.compile(program))


def decide_file(
    snapshot_path: Path,
    out_path: Path,
    ruleset: Ruleset,
    *,
    as_of: date,
    engine: EnginePlugin,
    renderer: RendererPlugin,
    language: str,
    attach: Callable[[duckdb.DuckDBPyConnection, Path], str],
    progress: Progress = lambda stage: None,
    memory: str = "1200MB",
) -> DecideReport:
    """Decide over the snapshot file into *out_path*, which changes only when all of it is there.

    ``attach(con, path)`` attaches the snapshot read-only and returns its content id.
    """
    unfinished = out_path.with_name(out_path.name + ".new")
    unfinished.unlink(missing_ok=True)
    con = duckdb.connect(str(unfinished), config={"memory_limit": memory, "preserve_insertion_order": "false"})
    try:
        previous = None
        if out_path.exists():
            previous = _attach_previous(con, out_path)
        content = attach(con, snapshot_path)
        decide(
            con, ruleset, as_of=as_of, engine=engine, renderer=renderer, language=language, snapshot=content,
            previous=previous, progress=progress,
        )  # fmt: skip
        report = summary(con, ruleset)
        con.execute("CHECKPOINT")
    except BaseException:
        con.close()
        unfinished.unlink(missing_ok=True)
        raise
    con.close()
    unfinished.replace(out_path)
    return report


def _attach_previous(con: duckdb.DuckDBPyConnection, path: Path) -> str:
    try:
        con.execute(f"ATTACH {literal(str(path))} AS previous (READ_ONLY)")
    except duckdb.Error as error:
        raise StoreError(
            Problem(
                "decision-unreadable",
                f"the last decision can't be read: {str(error).splitlines()[0]}",
                Location(str(path)),
                hint="another run may be at work; if not, delete the file and decide again: only values that "
                "hysteresis kept are then decided anew",
            )
        ) from error
    return "previous"


def summary(con: duckdb.DuckDBPyConnection, ruleset: Ruleset) -> DecideReport:
    """Count what a decision holds."""
    records = {name: _one(con, f"SELECT count(*) FROM snapshot.{quote(name)}") for name in OBJECTS}
    classes = {
        d.name: _counts(
            con, f"SELECT {quote(d.name)}::VARCHAR, count(*) FROM {d.of}_outcome GROUP BY 1 ORDER BY 2 DESC, 1"
        )
        for d in ruleset.classes.values()
        if d.of != "part"
    }
    roles = (
        _counts(con, "SELECT role, count(*) FROM contact_role GROUP BY 1 ORDER BY 2 DESC, 1") if ruleset.roles else {}
    )
    return DecideReport(
        records={name: count for name, count in records.items() if count},
        classes=classes,
        roles=roles,
        flags=_counts(con, "SELECT flag, count(DISTINCT account_id) FROM flag GROUP BY 1 ORDER BY 2 DESC, 1"),
        evidence=_one(con, "SELECT count(*) FROM evidence"),
        conflicts=_one(con, "SELECT count(*) FROM conflict"),
        unmatched=_one(con, "SELECT count(*) FROM unmatched"),
        texts=_one(con, "SELECT coalesce(sum(texts), 0) FROM unheard"),
        unheard=_counts(
            con, "SELECT type, sum(unmatched) FROM unheard GROUP BY 1 HAVING sum(unmatched) > 0 ORDER BY 2 DESC, 1"
        ),
        unheard_phrases=_counts(
            con, f"SELECT phrase, texts FROM unheard_phrase ORDER BY texts DESC, phrase LIMIT {_SHOWN_PHRASES}"
        ),
    )


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = con.execute(sql).fetchone()
    return int(row[0]) if row else 0


def _counts(con: duckdb.DuckDBPyConnection, sql: str) -> dict[str, int]:
    return {str(value): int(count) for value, count in con.execute(sql).fetchall()}
