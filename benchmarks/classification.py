"""Classification: 1,000,000 customers by 200 rules in six dimensions, winning rules kept, against everybody else.

``python -m benchmarks.classification`` prints its part of the table. Ours, SQL by hand and Polars
classify all customers and leave the same table; slow systems get a sample. Answers are compared;
a difference fails the run. Ratios are of processor seconds: on a machine with neighbours the wall
clock measures the neighbours.
"""

from __future__ import annotations

import gc
import sys
import time
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.child import BenchmarkFailed, interleaved, measure
from benchmarks.customers import AS_OF, DATA, as_ruleset, customers_file, make_rules
from benchmarks.table import Line, draw

CUSTOMERS = 1_000_000
SAMPLES = {"python": 50_000, "durable": 4_000, "clips": 4_000, "zen": 4_000}
NAMES = {
    "ours": "ours", "sql": "DuckDB SQL by hand", "polars": "Polars", "python": "generated Python",
    "durable": "durable_rules, raw module", "clips": "CLIPS (clipspy)", "zen": "ZEN (zen-engine)",
}  # fmt: skip
# system -> (at least so many times ours' speed is theirs, written as ours / theirs)
TARGETS = {"sql": 1 / 1.3, "polars": 1.0, "durable": 40.0}
SPOKEN = {"sql": "≤ 1.3 × its time", "polars": "not slower", "durable": "≥ 40 × faster"}


def run(customers: int = CUSTOMERS, repeats: int = 3) -> list[Line]:
    """Measure everybody; raise BenchmarkFailed where answers differ."""
    customers_file(customers)
    columns = {
        name: {"module": "classification", "function": name, "customers": customers}
        for name in ("ours", "sql", "polars")
    }
    found = interleaved(columns, repeats)
    for name in SAMPLES:
        found[name] = measure(
            "classification", "rows", customers=customers, system=name, sample=min(SAMPLES[name], customers)
        )
    _compare(customers, [name for name in found if name != "ours"])
    speeds = {name: result["customers"] / result["cpu_seconds"] for name, result in found.items()}
    lines = []
    for name, result in found.items():
        ratio = speeds["ours"] / speeds[name]
        wall = f"{result['customers'] / result['seconds']:,.0f}/s wall, {result['peak_mb']:,} MB"
        lines.append(
            Line(
                benchmark=f"classify {customers:,} × 200 rules",
                what=NAMES[name],
                figure=f"{speeds[name]:,.0f}/cpu-s ({wall})",
                ratio="1" if name == "ours" else f"ours {ratio:.2f} × as fast",
                target=SPOKEN.get(name, ""),
                met=ratio >= TARGETS.get(name, 0),
            )
        )
    return lines


# ---------------------------------------------------------------- in child processes


def ours(customers: int) -> dict[str, Any]:
    from crmrules.evaluation.evaluator import Evaluator

    con, ruleset = _connect(customers), as_ruleset(make_rules())
    clock = _Clock()
    Evaluator(con, ruleset, AS_OF).run(set())
    result = clock.stop(customers)
    _keep(con, "SELECT * EXCLUDE (account_id) FROM account_outcome", "ours")
    return result


def sql(customers: int) -> dict[str, Any]:
    from benchmarks.peers import classify_sql

    con, rules = _connect(customers), make_rules()
    clock = _Clock()
    classify_sql.run(con, rules)
    result = clock.stop(customers)
    _keep(con, "SELECT * FROM outcome", "sql")
    return result


def polars(customers: int) -> dict[str, Any]:
    from benchmarks.peers import classify_polars

    path, rules = customers_file(customers).with_suffix(".parquet"), make_rules()
    path.read_bytes()  # into the cache, as the others' file is
    clock = _Clock()
    outcome = classify_polars.run(path, rules)
    result = clock.stop(customers)
    outcome.write_parquet(_place("polars"))
    return result


def rows(customers: int, system: str, sample: int) -> dict[str, Any]:
    from benchmarks.peers import classify_clips, classify_durable, classify_python, classify_rows, classify_zen

    task = classify_rows.load(customers_file(customers), make_rules(), sample)
    messages = classify_durable.prepare(task) if system == "durable" else []
    gc.freeze()  # the objects that a system is given shall not cost it garbage collection
    systems = {"python": classify_python.run, "clips": classify_clips.run, "zen": classify_zen.run}
    clock = _Clock()
    answers = classify_durable.run(task, messages) if system == "durable" else systems[system](task)
    result = clock.stop(sample)
    con = duckdb.connect()
    names = [dimension.name for dimension in task.dimensions]
    con.execute(f"CREATE TABLE answer (id VARCHAR, {', '.join(f'{name} VARCHAR' for name in names)})")
    filled = [
        (row["id"], *(", ".join(won) or None for won in answer)) for row, answer in zip(task.rows, answers, strict=True)
    ]
    for start in range(0, len(filled), 1000):
        part = filled[start : start + 1000]
        marks = ", ".join(f"({', '.join('?' for _ in names)}, ?)" for _ in part)
        con.execute(f"INSERT INTO answer VALUES {marks}", [value for row in part for value in row])
    chosen = ", ".join(f'{name} AS "{name}.rule"' for name in names)
    _keep(con, f"SELECT id, {chosen} FROM answer", system)
    return result


class _Clock:
    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def stop(self, customers: int) -> dict[str, Any]:
        seconds, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return {"seconds": seconds, "cpu_seconds": cpu, "customers": customers}


def _connect(customers: int) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute(f"ATTACH '{customers_file(customers)}' AS snapshot (READ_ONLY)")
    con.execute("SELECT sum(hash(COLUMNS(*))) FROM snapshot.account")  # the file is in the cache for everybody
    return con


def _place(system: str) -> Path:
    return DATA / f"outcome_{system}.parquet"


def _keep(con: duckdb.DuckDBPyConnection, query: str, system: str) -> None:
    con.execute(f"COPY ({query}) TO '{_place(system)}'")


def _compare(customers: int, systems: list[str]) -> None:
    con = duckdb.connect()
    for system in systems:
        theirs = f"SELECT * FROM '{_place(system)}'"
        columns = [name for name, *_ in con.execute(f"DESCRIBE {theirs}").fetchall()]
        # The ids of collected rules stand in writing order everywhere.
        chosen = ", ".join(f'"{name}"' for name in columns)
        mine = f"SELECT {chosen} FROM '{_place('ours')}' SEMI JOIN '{_place(system)}' USING (id)"
        different = con.execute(
            f"SELECT * FROM ({mine} EXCEPT SELECT {chosen} FROM '{_place(system)}') ORDER BY id LIMIT 3"
        ).fetchall()
        count = con.execute(f"SELECT count(*) FROM ({mine})").fetchone()
        expected = min(SAMPLES.get(system, customers), customers)
        if different or count != (expected,):
            raise BenchmarkFailed(f"{NAMES[system]}: answers differ from ours, e.g. {different}; {count} of {expected}")


if __name__ == "__main__":
    print(draw(run(int(sys.argv[1]) if len(sys.argv) > 1 else CUSTOMERS)))
