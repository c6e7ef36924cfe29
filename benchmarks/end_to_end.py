"""End to end: features, classes and the plan's diff on a million accounts, a million contacts, ten million orders.

``python -m benchmarks.end_to_end`` prints its part of the table. The CRM already holds the tags of
a run a day earlier, but for one account in a hundred that is new and one whose tag a person changed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from benchmarks.child import interleaved, measure
from benchmarks.company import AS_OF, DIMENSIONS, ORDERS_EACH, make_ruleset, make_snapshot
from benchmarks.customers import DATA
from benchmarks.table import Line, draw

ACCOUNTS = 1_000_000
MEMORY = "1200MB"  # DuckDB's limit, as `crmrules decide` sets it
LIMIT_MB = 2_000


def run(accounts: int = ACCOUNTS, repeats: int = 1) -> list[Line]:
    """Measure in a child process; its peak memory counts."""
    path = DATA / f"company_{accounts}.duckdb"
    if not path.exists():
        measure("end_to_end", "prepare", accounts=accounts)
    result = interleaved({"": {"module": "end_to_end", "function": "decide_and_plan", "accounts": accounts}}, repeats)[
        ""
    ]
    label = f"end to end {accounts:,} accounts, {accounts:,} contacts, {accounts * ORDERS_EACH:,} orders"
    steps = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in result["steps"].items())
    return [
        Line(benchmark=label, what="time", figure=f"{result['seconds']:.1f} s ({result['cpu_seconds']:.1f} cpu-s)"),
        Line(benchmark=label, what="steps", figure=steps),
        Line(benchmark=label, what="plan", figure=f"{result['changes']:,} changes, {result['dissents']:,} kept for people"),
        Line(
            benchmark=label, what="peak memory", figure=f"{result['peak_mb']:,} MB", target=f"< {LIMIT_MB:,} MB",
            met=result["peak_mb"] < LIMIT_MB,
        ),
    ]  # fmt: skip


# ---------------------------------------------------------------- in child processes


def prepare(accounts: int) -> dict[str, Any]:
    """Make the snapshot, and put the tags into it that a first decision wants."""
    DATA.mkdir(exist_ok=True)
    path = DATA / f"company_{accounts}.duckdb"
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    make_snapshot(unfinished, accounts)
    with TemporaryDirectory() as folder:
        con = _connect(unfinished, Path(folder))
        _decide(con)
        con.execute("CREATE TABLE tag AS SELECT record_id, name, value FROM desired")
        con.execute("DETACH snapshot")
        con.execute(f"ATTACH '{unfinished}' AS snapshot")
        con.execute(
            """INSERT INTO snapshot.tag (object, record_id, name)
            SELECT 'account', record_id, name || '=' || CASE WHEN hash(record_id) % 100 = 1 AND name = 'seg.loyalty'
                THEN 'a person said so' ELSE value END
            FROM tag WHERE hash(record_id) % 100 <> 0 ORDER BY record_id, name"""
        )
        con.close()
    unfinished.rename(path)
    return {}


def decide_and_plan(accounts: int) -> dict[str, Any]:
    """Features, classes, desired state and plan; only the last differs from nothing by two in a hundred."""
    from crmrules.pipeline.plan import make_plan
    from crmrules.stores.journal import open_journal

    with TemporaryDirectory() as folder:
        con = _connect(DATA / f"company_{accounts}.duckdb", Path(folder))
        began, cpu = time.perf_counter(), time.process_time()
        steps = _decide(con)
        started = time.perf_counter()
        with open_journal(Path(folder) / "journal.sqlite") as journal:
            plan = make_plan(
                con, journal, profile="bench", ruleset="company@1", ruleset_digest="company", engine="python",
                as_of=AS_OF.isoformat(), snapshot="bench",
            )  # fmt: skip
        steps["diff"] = time.perf_counter() - started
        wanted = con.execute("SELECT count(*) FILTER (WHERE hash(record_id) % 100 = 0) FROM desired").fetchone()
        if wanted is None or len(plan.changes) != wanted[0]:
            raise RuntimeError(f"{len(plan.changes)} changes, but {wanted} tags are missing in the CRM")
        return {
            "seconds": time.perf_counter() - began,
            "cpu_seconds": time.process_time() - cpu,
            "steps": steps,
            "changes": len(plan.changes),
            "dissents": len(plan.dissents),
        }


def _connect(path: Path, folder: Path) -> duckdb.DuckDBPyConnection:
    settings = {"memory_limit": MEMORY, "preserve_insertion_order": "false", "temp_directory": str(folder / "spill")}
    con = duckdb.connect(str(folder / "decision.duckdb"), config=settings)
    con.execute(f"ATTACH '{path}' AS snapshot (READ_ONLY)")
    return con


def _decide(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    from crmrules.evaluation.evaluator import Evaluator
    from crmrules.model.decision import TABLES, create
    from crmrules.model.objects import OBJECTS
    from crmrules.pipeline.desired import want

    ruleset, steps = make_ruleset(), {}
    for table in TABLES:
        con.execute(create(table))
    started = time.perf_counter()
    evaluator = Evaluator(con, ruleset, AS_OF)
    evaluator.run(set(OBJECTS))
    steps["features and classes"] = time.perf_counter() - started
    started = time.perf_counter()
    want(con, ruleset, evaluator.relation, AS_OF)
    steps["desired state"] = time.perf_counter() - started
    decided = con.execute(f"SELECT count(*), count({DIMENSIONS[0]}) FROM account_outcome").fetchone()
    if decided is None or decided[0] != decided[1] or not decided[0]:
        raise RuntimeError(f"not every account was decided: {decided}")
    return steps


if __name__ == "__main__":
    print(draw(run(int(sys.argv[1]) if len(sys.argv) > 1 else ACCOUNTS)))
