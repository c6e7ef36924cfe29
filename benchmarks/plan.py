"""The plan of a nightly run: 100,000 accounts that we have written to, one in a hundred changed.

``python -m benchmarks.plan`` prints its part of the table. Each account carries three tags of ours
and a field, and all of that stands in the journal. The decision changes every outcome of each
hundredth account; a person has edited one value of each five-hundredth.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.child import interleaved
from benchmarks.table import Line, draw

ACCOUNTS = 100_000
PLACES = (("tag", "seg.value"), ("tag", "seg.recency"), ("tag", "seg.loyalty"), ("field", "tier"))
SECONDS, MEGABYTES = 5.0, 1_000
REPEATS = 1


def run(accounts: int = ACCOUNTS, repeats: int = REPEATS) -> list[Line]:
    """Measure in child processes; the peak memory includes that of making the data."""
    result = interleaved({"": {"module": "plan", "function": "make", "accounts": accounts}}, repeats)[""]
    label = f"plan {accounts:,} accounts × {len(PLACES)} places, 1 % changed"
    return [
        Line(
            benchmark=label, what="time", figure=f"{result['seconds']:.2f} s ({result['cpu_seconds']:.2f} cpu-s)",
            target=f"< {SECONDS:g} s", met=result["seconds"] < SECONDS,
        ),
        Line(
            benchmark=label, what="peak memory", figure=f"{result['peak_mb']:,} MB", target=f"< {MEGABYTES:,} MB",
            met=result["peak_mb"] < MEGABYTES,
        ),
        Line(benchmark=label, what="plan", figure=f"{result['changes']:,} changes, {result['dissents']:,} kept for people"),
    ]  # fmt: skip


# ---------------------------------------------------------------- in child processes


def make(accounts: int) -> dict[str, Any]:
    """Make the state of yesterday, then measure today's plan."""
    from crmrules.pipeline.plan import make_plan
    from crmrules.stores.journal import open_journal

    with TemporaryDirectory() as folder:
        path = Path(folder) / "journal.sqlite"
        _write_journal(path, accounts)
        con = _database(accounts)
        began, cpu = time.perf_counter(), time.process_time()
        with open_journal(path, read_only=True) as journal:
            plan = make_plan(
                con, journal, profile="bench", ruleset="company@1", ruleset_digest="d", engine="python",
                as_of="2026-07-02", snapshot="s2",
            )  # fmt: skip
        took, used = time.perf_counter() - began, time.process_time() - cpu
        con.close()
    expected = (accounts // 100) * len(PLACES)
    edited = accounts // 500
    if (len(plan.changes), len(plan.dissents)) != (expected - edited, edited):
        raise RuntimeError(f"{len(plan.changes)} changes and {len(plan.dissents)} kept of {expected}")
    return {"seconds": took, "cpu_seconds": used, "changes": len(plan.changes), "dissents": len(plan.dissents)}


def _write_journal(path: Path, accounts: int) -> None:
    from datetime import UTC, datetime

    from crmrules.model.changes import Cause, Change, Receipt, Result, Target
    from crmrules.stores.journal import Intent, Origin, Written, open_journal

    now = datetime(2026, 7, 1, tzinfo=UTC)

    def intents(start: int, end: int) -> Iterator[Intent]:
        after = Written(value="old", wanted="old", account_id="", rule="r", ruleset_digest="d", as_of="2026-07-01")
        for number in range(start, end):
            for kind, name in PLACES:
                target = Target(object="account", record_id=f"a{number}", kind=kind, name=name)  # type: ignore[arg-type]
                change = Change(
                    id=number, target=target, account_id=f"a{number}", old=None, new="old", rule="r", reason_zh="因",
                    reason_en="why", cause=Cause.first,
                )  # fmt: skip
                yield Intent(change=change, before=None, after=after)

    with open_journal(path) as journal:
        run = journal.begin_run("apply", "bench", now, Origin(ruleset_digest="d", as_of="2026-07-01", snapshot="s1"))
        for start in range(0, accounts, 5_000):
            made = journal.intend(run, list(intents(start, min(start + 5_000, accounts))), now)
            answers = [
                (i, Receipt(target=i.change.target, result=Result.written, echo="old", message="")) for i in made
            ]
            journal.receive(answers, now)
        journal.end_run(run, now, "done", {"written": accounts * len(PLACES)})


def _database(accounts: int) -> Any:
    """The CRM as it stands (all ours, but for what people edited) and the decision of today."""
    import duckdb

    from crmrules.model.decision import create
    from crmrules.model.objects import OBJECTS

    con = duckdb.connect()
    con.execute("ATTACH ':memory:' AS snapshot")
    for name, type in OBJECTS.items():
        columns = ", ".join(f'"{f.name}" {f.type.sql}' for f in type.fields)
        more = ", tier VARCHAR" if name == "account" else ""
        con.execute(f'CREATE TABLE snapshot."{name}" ({columns}{more})')
    con.execute(create("desired"))
    con.execute(
        f"INSERT INTO snapshot.account (id, tier) SELECT 'a' || i, if(i % 500 = 0, 'edited', 'old') FROM range({accounts}) r(i)"
    )
    for kind, name in PLACES:
        if kind == "tag":
            con.execute(
                "INSERT INTO snapshot.tag (object, record_id, name) "
                f"SELECT 'account', 'a' || i, '{name}=old' FROM range({accounts}) r(i)"
            )
        con.execute(
            "INSERT INTO desired (object, record_id, account_id, kind, name, value, rule, reason_zh, reason_en) "
            f"SELECT 'account', 'a' || i, 'a' || i, '{kind}', '{name}', if(i % 100 = 0, 'new', 'old'), 'r', '因', 'why' "
            f"FROM range({accounts}) r(i)"
        )
    return con


if __name__ == "__main__":
    print(draw(run(int(sys.argv[1]) if len(sys.argv) > 1 else ACCOUNTS)))
