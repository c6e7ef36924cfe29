"""Undo: put back what stood there before us, and spare what was touched since.

Of one run, or of all of them; whole, or only for some accounts or some rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import groupby

from crmrules.errors import Location, PlanError, Problem
from crmrules.model.changes import Change, Result, Target
from crmrules.pipeline.apply import finish
from crmrules.pipeline.execute import Execution, Progress, Report, Surroundings
from crmrules.pipeline.resume import resume
from crmrules.stores.journal import NOTHING, Intent, Journal, Origin, Step, Written


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
    undone, and runs can be undone one after the other, newest first. An undone value may be planned
    again: to keep it away, change the rules.

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
    last = journal.last_touches(s.intent.change.target for s in steps)
    mine = {target for target, by in last.items() if by == run}
    mine |= _back_at(run, last.keys() - mine, journal)
    due = [s for s in steps if s.intent.change.target in mine]
    tried = due if limit is None else due[:limit]
    new = journal.begin_run("undo", profile, around.now(), undone.origin, undoes=run)
    execution = Execution(around, new)
    execution.counts["later"] = len(steps) - len(due)
    intents = _reversed([(s, s) for s in tried], f"撤销运行 {run}", f"undo of run {run}", journal)
    return finish(around, execution, new, iter(intents), len(tried), len(due), progress)


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
    intents = _reversed(tried, "撤回我们写入的内容", "taking back what we wrote", journal)
    return finish(around, Execution(around, new), new, iter(intents), len(tried), len(chains), progress)


def _back_at(run: int, places: Set[Target], journal: Journal) -> set[Target]:
    """Return those of *places* where later runs wrote and all of that was undone: what *run* left stands there again."""
    if not places:
        return set()
    stands = dict.fromkeys(places, run)  # whose value it is
    before: dict[tuple[int, Target], int] = {}  # whose it was before that run
    for later in reversed(journal.runs(["apply", "undo"])):
        if later.id <= run:
            continue
        for step in journal.steps(later.id):
            target = step.intent.change.target
            if target in stands and step.receipt and step.receipt.result is Result.written:
                before[later.id, target] = stands[target]
                stands[target] = before.get((later.undoes, target), later.id) if later.undoes else later.id
    return {target for target, by in stands.items() if by == run}


def _chains(history: Iterable[Step]) -> Iterator[tuple[Step, Step]]:
    """Yield, for each place of ours, the write with which it became ours and the last one."""
    for _, steps in groupby(history, key=lambda step: step.intent.change.target):
        back = list(steps)[::-1]
        first = next((s for s in back if s.intent.before is None or s.intent.before.value is None), back[-1])
        yield first, back[0]


def _reversed(chains: Sequence[tuple[Step, Step]], zh: str, en: str, journal: Journal) -> list[Intent]:
    """Return the writes that turn what the last step of each chain left into what stood there before the first."""
    ours = journal.written_many(last.intent.change.target for _, last in chains)
    return [
        _back(number, first, last, ours.get(last.intent.change.target), zh, en)
        for number, (first, last) in enumerate(chains, 1)
    ]


def _back(number: int, first: Step, last: Step, ours: Written | None, zh: str, en: str) -> Intent:
    done, receipt = last.intent.change, last.receipt
    assert receipt is not None
    change = Change(
        id=number, target=done.target, account_id=done.account_id, old=receipt.echo, new=first.intent.change.old,
        rule=done.rule, reason_zh=zh, reason_en=en, cause=done.cause,
    )  # fmt: skip
    return Intent(change=change, before=ours, after=first.intent.before or NOTHING)


def _nothing(what: str, journal: Journal) -> PlanError:
    return PlanError(Problem("nothing-to-undo", what, Location(journal.place)))


def _of_these(only: Only) -> str:
    said: Sequence[str] = [*sorted(only.accounts), *sorted(only.rules)]
    return f" about {', '.join(said)}" if said else ""
