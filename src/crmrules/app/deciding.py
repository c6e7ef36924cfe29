"""Decide and plan: from the snapshot to outcomes, and from outcomes to changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from crmrules.app.setup import (
    RENDERER,
    Setup,
    alone,
    chosen_engine,
    deciding_ruleset,
    decision,
    open_profile,
    opened_journal,
)
from crmrules.errors import Problem, StoreError

if TYPE_CHECKING:
    import duckdb

    from crmrules.language.ruleset import Ruleset
    from crmrules.model.changes import Plan
    from crmrules.pipeline.decide import DecideReport
    from crmrules.stores.journal import Journal

Progress = Callable[[str], None]  # the stage that begins


@dataclass(frozen=True, kw_only=True)
class Decided:
    """What was decided, by what, as of when."""

    ruleset: Ruleset
    engine: str
    as_of: date
    report: DecideReport


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan and the file it was saved in."""

    plan: Plan
    file: Path


def decide(profile: Path, *, as_of: date, engine: str = "", progress: Progress = lambda stage: None) -> Decided:
    """Decide about every subject of the snapshot, as of *as_of*.

    Raises RulesetError, StoreError (no snapshot, or another run is at work) and PluginError.
    """
    setup = open_profile(profile)
    with alone(setup, "crmrules decide"):
        return decide_in(setup, as_of=as_of, engine=engine, progress=progress)


def decide_in(setup: Setup, *, as_of: date, engine: str = "", progress: Progress = lambda stage: None) -> Decided:
    """Decide without taking the lock, for those who hold it."""
    from crmrules.pipeline.decide import decide_file

    ruleset = deciding_ruleset(setup)
    chosen = chosen_engine(setup, engine)
    report = decide_file(
        setup.snapshot, setup.decision, ruleset, as_of=as_of, engine=chosen, renderer=setup.host.renderer(RENDERER),
        language=setup.profile.language, attach=_attach, progress=progress,
    )  # fmt: skip
    return Decided(ruleset=ruleset, engine=chosen.name, as_of=as_of, report=report)


def plan(profile: Path) -> Planned:
    """Compare the decision with what stands in the CRM and save every difference as a plan.

    Moves nothing but the plan's file. Raises StoreError where nothing was decided yet.
    """
    return plan_in(open_profile(profile))


def plan_in(setup: Setup) -> Planned:
    """Plan for an opened profile; the journal is only read."""
    from crmrules.pipeline.plan import make_plan
    from crmrules.pipeline.planfile import save_plan
    from crmrules.pipeline.reasons import with_reasons

    with decision(setup) as con, opened_journal(setup, read_only=True) as book:
        row = con.execute("SELECT ruleset, ruleset_digest, engine, as_of, snapshot FROM meta").fetchone()
        if row is None:
            raise StoreError(Problem("no-decision", "nothing was decided yet", hint="run `crmrules decide`"))
        ruleset, digest, engine, as_of, snapshot = row
        _check_same_records(con, snapshot)
        _check_pulled_since_writing(book)
        made = make_plan(
            con, book, profile=setup.profile.name, ruleset=ruleset, ruleset_digest=digest, engine=engine,
            as_of=as_of.isoformat(), snapshot=snapshot,
        )  # fmt: skip
        made = with_reasons(con, deciding_ruleset(setup), as_of, made, setup.host.renderer(RENDERER))
    file = setup.plans / f"{made.id}.json"
    save_plan(made, file)
    return Planned(plan=made, file=file)


def find_plan(profile: Path, name: str) -> Path:
    """Return the file of a plan, given its path, or its id (or the beginning of one). Raises PlanError."""
    from crmrules.errors import Location, PlanError

    if Path(name).is_file():
        return Path(name)
    plans = open_profile(profile).plans
    found = sorted(plans.glob(f"{name}*.json")) if name.isalnum() else []
    if len(found) == 1:
        return found[0]
    what = "more than one plan begins with" if found else "there is no plan"
    raise PlanError(Problem("unknown-plan", f"{what} {name!r}", Location(str(plans)), hint="make one: crmrules plan"))


def last_plan(setup: Setup) -> Plan:
    """Return the newest plan if it was made from the last decision (it may have been applied since), else a new one."""
    from crmrules.pipeline.planfile import load_plan

    files = sorted(setup.plans.glob("*.json"), key=lambda file: (file.stat().st_mtime_ns, file.name))
    if files:
        newest = load_plan(files[-1])
        with decision(setup) as con:
            row = con.execute("SELECT ruleset_digest, as_of, snapshot FROM meta").fetchone()
        if row and (newest.ruleset_digest, newest.as_of, newest.snapshot) == (row[0], row[1].isoformat(), row[2]):
            return newest
    return plan_in(setup).plan


def _attach(con: duckdb.DuckDBPyConnection, path: Path) -> str:
    from crmrules.stores.snapshot import attach

    attach(con, path)
    return _content(con)


def _content(con: duckdb.DuckDBPyConnection) -> str:
    row = con.execute("SELECT value FROM snapshot.meta WHERE key = 'content'").fetchone()
    return str(row[0]) if row else ""


def _check_pulled_since_writing(journal: Journal) -> None:
    """A snapshot from before our last write would make our own values look like people's."""
    last = next((run for run in journal.runs() if run.kind == "pull" or journal.results(run.id).get("written")), None)
    if last is not None and last.kind != "pull":
        raise StoreError(
            Problem(
                "snapshot-outdated", f"run {last.id} wrote to the CRM after the last pull",
                hint="run `crmrules pull` and `crmrules decide`, or `crmrules sync`",
            )
        )  # fmt: skip


def _check_same_records(con: duckdb.DuckDBPyConnection, decided: str) -> None:
    if decided != _content(con):
        raise StoreError(
            Problem(
                "decision-outdated", "records were pulled since the last decision", hint="run `crmrules decide` again"
            )
        )
