"""Make a plan: every change that would bring the CRM to the desired state, with its cause."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from crmrules.model.changes import Cause, Change, Dissent, Plan, Target, Verdict
from crmrules.pipeline.differences import Difference, compared, differences, missing
from crmrules.pipeline.merge import merge
from crmrules.pipeline.planfile import seal
from crmrules.stores.journal import NOTHING, Intent, Journal, Origin, Written

if TYPE_CHECKING:
    import duckdb

_ASKED = 20_000  # differences for which the journal is asked at once


def make_plan(
    con: duckdb.DuckDBPyConnection,
    journal: Journal,
    *,
    profile: str,
    ruleset: str,
    ruleset_digest: str,
    engine: str,
    as_of: str,
    snapshot: str,
) -> Plan:
    """Compare what we want with what stands there; moves no state anywhere.

    *con* has the catalog ``snapshot`` attached and the table ``desired`` in the catalog
    ``decision`` or its own. Changes are ordered by target and numbered from 1. The
    same inputs give the same plan, to the byte. Raises DataError where the desired state is wrong.
    """
    origin = Origin(ruleset=ruleset, ruleset_digest=ruleset_digest, as_of=as_of, snapshot=snapshot)
    before = journal.last_origin()
    open_writes = {intent.change.target: intent for intent in journal.unfinished()}
    changes: list[Change] = []
    dissents: list[Dissent] = []
    with compared(con, journal):
        numbers = {"missing": missing(con), **journal.held()}
        for found, ours in _with_ours(differences(con), journal, open_writes):
            verdict = merge(written=ours.value, wanted=ours.wanted, current=found.current, desired=found.desired)
            if verdict is Verdict.write:
                changes.append(_change(len(changes) + 1, found, ours, _cause(found, ours, origin, before)))
            elif verdict is Verdict.keep_human and found.said:
                dissents.append(_dissent(found))
    plan = Plan(
        profile=profile, ruleset=ruleset, ruleset_digest=ruleset_digest, engine=engine, as_of=as_of,
        snapshot=snapshot, changes=tuple(changes), dissents=tuple(dissents), counts=numbers,
    )  # fmt: skip
    return seal(plan)


def _with_ours(
    found: Iterator[Difference], journal: Journal, open_writes: Mapping[Target, Intent]
) -> Iterator[tuple[Difference, Written]]:
    while some := list(islice(found, _ASKED)):
        written = journal.written_many(difference.target for difference in some)
        for difference in some:
            open_write = open_writes.get(difference.target)
            if open_write is not None and difference.current == open_write.change.new:
                yield difference, open_write.after  # a crashed run's write that did arrive; nobody has settled it yet
            else:
                yield difference, written.get(difference.target, NOTHING)


def _change(id: int, found: Difference, ours: Written, cause: Cause) -> Change:
    if not found.said:
        zh, en = "原先的结论不再成立", "The outcome that led here no longer holds"
        return Change(
            id=id, target=found.target, account_id=ours.account_id, old=found.current, new=None, rule=ours.rule,
            reason_zh=zh, reason_en=en, cause=cause,
        )  # fmt: skip
    return Change(
        id=id, target=found.target, account_id=found.account_id, old=found.current, new=found.desired,
        rule=found.rule, reason_zh=found.reason_zh, reason_en=found.reason_en, cause=cause,
    )  # fmt: skip


def _dissent(found: Difference) -> Dissent:
    return Dissent(
        target=found.target, account_id=found.account_id, human=found.current, ours=found.desired, rule=found.rule
    )


def _cause(found: Difference, ours: Written, now: Origin, before: Origin | None) -> Cause:
    """Tell why a change is due, against what the last complete run came from.

    Not against what the target was last written from: a target that stayed the same since then
    would blame a ruleset that had been in force for many runs.
    """
    if found.desired is None:
        return Cause.withdrawn
    if before is None or ours.wanted is None:
        return Cause.first
    if now.ruleset_digest != before.ruleset_digest:
        return Cause.rule
    return Cause.time if now.snapshot == before.snapshot and now.as_of != before.as_of else Cause.data
