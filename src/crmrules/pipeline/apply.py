"""Apply a plan: exactly its changes, each only where nobody was faster."""

from __future__ import annotations

from collections.abc import Iterator

from crmrules.errors import Location, PlanError, Problem
from crmrules.model.changes import Change, Plan, Verdict
from crmrules.pipeline.brakes import Brakes, check_brakes
from crmrules.pipeline.execute import Execution, Progress, Report, Surroundings
from crmrules.pipeline.merge import merge
from crmrules.pipeline.resume import resume
from crmrules.stores.journal import NOTHING, Intent, Journal, Origin, Status, Written

_ASKED = 1_000  # changes for which the journal is asked at once


def apply_plan(
    plan: Plan,
    around: Surroundings,
    *,
    profile: str,
    brakes: Brakes,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Write the changes of *plan* (the first *limit* of them) to the CRM.

    First settles what a crashed run left open. Each row is read again before it is written and
    refused as stale if a person was there since the plan was made; applying a plan twice changes
    nothing the second time. Single failures are kept in the report and do not stop the others; if
    the CRM stops answering the run ends and ``Report.error`` says why.

    Raises PlanError (made for another profile) and StoppedByBrake before anything is written, and
    ConnectorError if the open writes of a crashed run can't be read.
    """
    if plan.profile != profile:
        raise PlanError(
            Problem(
                "plan-of-another-profile",
                f"the plan was made for the profile '{plan.profile}'",
                Location(f"plan {plan.id}"),
                expected=f"a plan for '{profile}'",
            )
        )
    check_brakes(plan, brakes)
    resume(around)
    journal = around.journal
    origin = Origin(
        plan=plan.id, ruleset=plan.ruleset, ruleset_digest=plan.ruleset_digest, as_of=plan.as_of, snapshot=plan.snapshot
    )
    run = journal.begin_run("apply", profile, around.now(), origin)
    journal.label(run, plan.dissents, around.now())
    changes = plan.changes if limit is None else plan.changes[:limit]
    execution = Execution(around, run, may_write=_still_ours_to_write)
    return finish(around, execution, run, _intents(changes, plan, journal), len(changes), len(plan.changes), progress)


def finish(
    around: Surroundings,
    execution: Execution,
    run: int,
    intents: Iterator[Intent],
    tried: int,
    total: int,
    progress: Progress | None,
) -> Report:
    """Carry out a run's writes and close it in the journal, whatever happens."""
    status: Status = "interrupted"
    try:
        execution.carry_out(intents, tried, progress)
        if total > tried:
            execution.counts["left"] += total - tried
        early = execution.error or execution.stopped
        status = "stopped" if early else "partial" if execution.counts["left"] else "done"
        if execution.counts["unknown"]:
            status = "interrupted"
    finally:
        around.journal.end_run(run, around.now(), status, +execution.counts)
    return Report(
        run=run, counts=+execution.counts, not_written=tuple(execution.not_written), error=execution.error,
        stopped=execution.stopped,
    )  # fmt: skip


def _intents(changes: tuple[Change, ...], plan: Plan, journal: Journal) -> Iterator[Intent]:
    for start in range(0, len(changes), _ASKED):
        some = changes[start : start + _ASKED]
        ours = journal.written_many(change.target for change in some)
        for change in some:
            after = Written(
                value=change.new, wanted=change.new, account_id=change.account_id, rule=change.rule,
                ruleset_digest=plan.ruleset_digest, as_of=plan.as_of,
            )  # fmt: skip
            yield Intent(change=change, before=ours.get(change.target), after=after)


def _still_ours_to_write(intent: Intent) -> bool:
    """Merge again with what is ours now: since the plan was made other runs may have written, and
    what stands there may be the place that a person has emptied."""
    ours = intent.before or NOTHING
    change = intent.change
    return merge(written=ours.value, wanted=ours.wanted, current=change.old, desired=change.new) is Verdict.write
