"""Undo: put back what stood there before us, and spare what was touched since.

Of one run, or of all of them; whole, or only for some accounts or some rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from crmrules.errors import Location, PlanError, Problem
from crmrules.model.changes import Change, Result
from crmrules.pipeline.apply import finish
from crmrules.pipeline.execute import Execution, Progress, Report, Surroundings
from crmrules.pipeline.resume import resume
from crmrules.stores.journal import NOTHING, Intent, Journal, Origin, Step


@dataclass(frozen=True, kw_only=True)
class Only:
    """Which writes are meant: those about one of the accounts, by one of the rules; empty means all."""

    accounts: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()

    def means(self, change: Change) -> bool:
        """Tell whether *change* is meant; a note has several rules, and one of them is enough."""
        by_account = not self.accounts or change.account_id in self.accounts
        return by_account and (not self.rules or not self.rules.isdisjoint(change.rule.split(",")))


ALL = Only()


def undo_run(
    run: int,
    around: Surroundings,
    *,
    profile: str,
    only: Only = ALL,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Restore the old values of everything that *run* (an apply or an undo) wrote, last write first.

    Where a person has edited since, the person's value stays (``stale``); where a later run of
    ours wrote, that run must be undone first (``later``). The undo is itself a run, so it can be
    undone. An undone value may be planned again: to keep it away, change the rules.

    Raises StoreError (no such run), PlanError (it wrote nothing that is meant) and ConnectorError.
    """
    resume(around)
    journal = around.journal
    undone = journal.run(run)
    steps = [s for s in journal.steps(run) if s.receipt and s.receipt.result is Result.written]
    steps = [s for s in steps if only.means(s.intent.change)]
    if not steps:
        raise _nothing(f"run {run} ({undone.kind}) wrote nothing" + _of_these(only), journal)
    steps.reverse()
    mine = [s for s in steps if journal.last_touch(s.intent.change.target) == run]
    tried = mine if limit is None else mine[:limit]
    new = journal.begin_run("undo", profile, around.now(), undone.origin, undoes=run)
    execution = Execution(around, new)
    execution.counts["later"] = len(steps) - len(mine)
    intents = [_reversed(n, s, s, f"撤销运行 {run}", f"undo of run {run}", journal) for n, s in enumerate(tried, 1)]
    return finish(around, execution, new, iter(intents), len(tried), len(mine), progress)


def undo_ours(
    around: Surroundings, *, profile: str, only: Only = ALL, limit: int | None = None, progress: Progress | None = None
) -> Report:
    """Take back all that is ours in the CRM, of whichever run: every place becomes what it was before us.

    This is how to leave: afterwards nothing of ours stands anywhere that nobody else has touched.
    Spares people's edits (``stale``); can itself be undone. Raises PlanError where nothing that is
    meant is ours, and ConnectorError.
    """
    resume(around)
    journal = around.journal
    chains = [(first, last) for first, last in _chains(journal.history()) if only.means(last.intent.change)]
    if not chains:
        raise _nothing("nothing of ours stands in the CRM" + _of_these(only), journal)
    tried = chains if limit is None else chains[:limit]
    new = journal.begin_run("undo", profile, around.now(), journal.last_origin() or Origin())
    intents = [
        _reversed(n, first, last, "撤回我们写入的内容", "taking back what we wrote", journal)
        for n, (first, last) in enumerate(tried, 1)
    ]
    return finish(around, Execution(around, new), new, iter(intents), len(tried), len(chains), progress)


def _chains(history: Iterable[Step]) -> Iterator[tuple[Step, Step]]:
    """Yield, for each place of ours, the write with which it became ours and the last one."""
    for _, steps in groupby(history, key=lambda step: step.intent.change.target):
        back = list(steps)[::-1]
        first = next((s for s in back if s.intent.before is None or s.intent.before.value is None), back[-1])
        yield first, back[0]


def _reversed(number: int, first: Step, last: Step, zh: str, en: str, journal: Journal) -> Intent:
    """Return the write that turns what *last* left back into what stood there before *first*."""
    done, receipt = last.intent.change, last.receipt
    assert receipt is not None
    change = Change(
        id=number, target=done.target, account_id=done.account_id, old=receipt.echo, new=first.intent.change.old,
        rule=done.rule, reason_zh=zh, reason_en=en, cause=done.cause,
    )  # fmt: skip
    return Intent(change=change, before=journal.written(done.target), after=first.intent.before or NOTHING)


def _nothing(what: str, journal: Journal) -> PlanError:
    return PlanError(Problem("nothing-to-undo", what, Location(str(journal.path))))


def _of_these(only: Only) -> str:
    said: Sequence[str] = [*sorted(only.accounts), *sorted(only.rules)]
    return f" about {', '.join(said)}" if said else ""
