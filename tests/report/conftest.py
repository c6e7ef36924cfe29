from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from crmrules.model.changes import Cause, Change, Dissent, Plan, Target

from .world import AS_OF, decided


@pytest.fixture(scope="session")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A decision over the hospital, the logistics company and the hostile account."""
    con = decided()
    yield con
    con.close()


@pytest.fixture(scope="session")
def plan() -> Plan:
    """Four kinds of change, one of them hostile, and a person's value that stays."""

    def target(object: str, record_id: str, kind: str, name: str) -> Target:
        return Target(object=object, record_id=record_id, kind=kind, name=name)  # type: ignore[arg-type]

    rows = [
        (target("account", "a1", "tag", "seg.value"), None, "high", "value.high", "净额达到", "reached", Cause.first),
        (target("contact", "c1", "tag", "role"), "influencer", "decision_maker", "act.approval", "批准", "approved", Cause.data),
        (target("contact", "c9", "note", "crmrules"), None, "<script>alert(1)</script>{{ 7*7 }}" * 9, "next.dm", "<i>原因</i>",
         "<i>why</i>", Cause.rule),
        (target("account", "a3", "tag", "seg.value"), "high", None, "value.none", "订单数为 0", "no orders", Cause.withdrawn),
    ]  # fmt: skip
    changes = tuple(
        Change(id=n, target=t, account_id="a1", old=old, new=new, rule=rule, reason_zh=zh, reason_en=en, cause=cause)
        for n, (t, old, new, rule, zh, en, cause) in enumerate(rows, 1)
    )
    dissent = Dissent(
        target=target("contact", "c7", "tag", "role"),
        account_id="a2",
        human="decision_maker",
        ours="influencer",
        rule="r",
    )
    return Plan(
        profile="demo", ruleset="small@1.0.0", ruleset_digest="small", engine="python", as_of=AS_OF.isoformat(),
        snapshot="0123abcd", changes=changes, dissents=(dissent,), id="abc123def456",
    )  # fmt: skip
