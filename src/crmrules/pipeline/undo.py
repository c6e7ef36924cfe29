"""Undo a run: put back what stood there before it, and spare what was touched since."""

from __future__ import annotations

from collections.abc import Sequence

from crmrules.errors import Location, PlanError, Problem
from crmrules.model.changes import Change, Result
from crmrules.pipeline.apply import finish
from crmrules.pipeline.execute import Execution, Progress, Report, Surroundings
from crmrules.pipeline.resume import resume
from crmrules.stores.journal import NOTHING, Intent, Journal, Step


def undo_run(
    run: int, around: Surroundings, *, profile: str, limit: int | None = None, progress: Progress | None = None
) -> Report:
    """Restore the old values of everything that *run* (an apply or an undo) wrote, last write first.

    Where a person has edited since, the person's value stays (``stale``); where a later run of
    ours wrote, that run must be undone first (``later``). The undo is itself a run, so it can be
    undone. An undone value may be planned again: to keep it away, change the rules.

    Raises StoreError (no such run), PlanError (it wrote nothing) and ConnectorError.
    """
    resume(around)
    journal = around.journal
    undone = journal.run(run)
    steps = [s for s in journal.steps(run) if s.receipt and s.receipt.result is Result.written]
    if not steps:
        raise PlanError(
            Problem("nothing-to-undo", f"run {run} ({undone.kind}) wrote nothing", Location(str(journal.path)))
        )
    steps.reverse()
    mine = [s for s in steps if journal.last_touch(s.intent.change.target) == run]
    tried = mine if limit is None else mine[:limit]
    new = journal.begin_run("undo", profile, around.now(), undone.origin, undoes=run)
    execution = Execution(around, new)
    execution.counts["later"] = len(steps) - len(mine)
    intents = _intents(tried, run, journal)
    return finish(around, execution, new, iter(intents), len(tried), len(mine), progress)


def _intents(steps: Sequence[Step], run: int, journal: Journal) -> list[Intent]:
    return [
        Intent(
            change=_reverse(number, step, run),
            before=journal.written(step.intent.change.target),
            after=step.intent.before or NOTHING,
        )
        for number, step in enumerate(steps, start=1)
    ]


def _reverse(number: int, step: Step, run: int) -> Change:
    done, receipt = step.intent.change, step.receipt
    assert receipt is not None
    return Change(
        id=number, target=done.target, account_id=done.account_id, old=receipt.echo, new=done.old, rule=done.rule,
        reason_zh=f"撤销运行 {run}", reason_en=f"undo of run {run}", cause=done.cause,
    )  # fmt: skip
