"""Inference: what chaining in accounts costs, from tables to derived facts, against others doing the same.

``python -m benchmarks.inference`` prints a table. Every system gives the same answers or the run fails.
Ours is timed from DuckDB tables to stored facts; peers start from Python objects that are already in memory.
Time is CPU time of all threads, so that ratios hold on a busy machine.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import inference_workload as workload
from benchmarks.inference_workload import PROGRAM, Account, Answer
from benchmarks.peers import inference_clips, inference_durable, inference_python
from crmrules.contracts.engine import Derived, Fact
from crmrules.inference import durable_driver, semi_naive
from crmrules.inference.facts import infer

ACCOUNTS = 20_000
PEERS: dict[str, tuple[Callable[[list[Account]], set[Answer]], int]] = {  # slow ones get a sample
    "Python, written by hand": (inference_python.run, ACCOUNTS),
    "CLIPS (clipspy)": (inference_clips.run, 500),
    "durable_rules, host, fact by fact": (inference_durable.run, 500),
}
OURS = {"ours, durable_rules": durable_driver.compile_program, "ours, plain Python engine": semi_naive.compile_program}
TARGETS = {"CLIPS (clipspy)": 5.0, "durable_rules, host, fact by fact": 5.0}  # times faster that ours has to be


class WrongAnswers(Exception):
    """A system disagrees with the reference."""


def run(sample: float = 1.0, rounds: int = 3) -> dict[str, Any]:
    """Measure everybody on *sample* (0..1] of the accounts, in turn, and take the best of *rounds*.

    Returns:
        ``accounts``; ``systems``: name -> accounts per CPU second and ratio to ours; ``memory_mb``: growth
        of the process over nine tenths of our sessions; ``peak_mb``: the most that this process ever had;
        ``missed``: targets that were missed.
    """
    accounts = max(200, int(ACCOUNTS * sample))
    con = workload.create_tables(accounts)
    objects = workload.accounts_of(con, accounts)
    expected = inference_python.run(objects)
    sessions = {name: compile(PROGRAM) for name, compile in OURS.items()}
    speeds: dict[str, float] = {}
    gc.freeze()  # what the peers are given shall cost nobody's garbage collection
    for _ in range(rounds):
        for name, session in sessions.items():
            started = time.process_time()
            con.execute(workload.PREDICATES)
            infer(con, PROGRAM, workload.QUERIES, session)
            speed = accounts / (time.process_time() - started)
            speeds[name] = max(speed, speeds.get(name, 0.0))
            _compare(name, workload.derived_answers(con), expected)
        for name, (peer, most) in PEERS.items():
            part = objects[: min(most, accounts)]
            known = {account.id for account in part}
            started = time.process_time()
            found = peer(part)
            speed = len(part) / (time.process_time() - started)
            speeds[name] = max(speed, speeds.get(name, 0.0))
            _compare(name, found, {answer for answer in expected if answer[0] in known})
    gc.unfreeze()
    ours = speeds["ours, durable_rules"]
    return {
        "accounts": accounts,
        "answers": len(expected),
        "systems": {
            name: {"accounts_per_cpu_second": round(speed), "ours_is": round(ours / speed, 2)}
            for name, speed in speeds.items()
        },
        "memory_mb": round(session_growth_mb(con), 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "missed": [name for name, least in TARGETS.items() if ours / speeds[name] < least],
    }


class _Recorder:
    """A session that derives nothing and keeps the facts that it was given."""

    def __init__(self) -> None:
        self.accounts: list[tuple[int, list[Fact]]] = []

    def run(self, accounts: Iterable[tuple[int, list[Fact]]]) -> Iterator[tuple[int, list[Derived]]]:
        for account, facts in accounts:
            self.accounts.append((account, facts))
            yield account, []


def session_growth_mb(con: duckdb.DuckDBPyConnection) -> float:
    """Return by how much the last nine tenths of all sessions of durable_rules make the process grow."""
    recorder = _Recorder()
    infer(con, PROGRAM, workload.QUERIES, recorder)
    before = 0.0
    for position, _ in enumerate(durable_driver.compile_program(PROGRAM).run(recorder.accounts)):
        if position == len(recorder.accounts) // 10:
            before = resident_mb()
    return resident_mb() - before


def resident_mb() -> float:
    """Return the resident memory of this process in MB (0 where /proc is missing)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
    except OSError:
        return 0.0


def _compare(name: str, found: set[Answer], expected: set[Answer]) -> None:
    if found != expected:
        missing, wrong = sorted(expected - found)[:3], sorted(found - expected)[:3]
        raise WrongAnswers(
            f"{name}: {len(expected - found)} missing, e.g. {missing}; {len(found - expected)} wrong, e.g. {wrong}"
        )


def table(result: dict[str, Any]) -> str:
    """Return the result as text."""
    lines = [
        f"inference: {result['accounts']:,} accounts of 10 contacts, 30 activities; {result['answers']:,} equal answers"
    ]
    for name, system in result["systems"].items():
        lines.append(
            f"  {name:36} {system['accounts_per_cpu_second']:>9,} accounts/CPU-s   ours is {system['ours_is']:>6.2f} x"
        )
    return "\n".join(
        [
            *lines,
            f"  memory: {result['memory_mb']:+} MB over the sessions, {result['peak_mb']} MB at most",
            *(f"  MISSED: {m}" for m in result["missed"]),
        ]
    )


if __name__ == "__main__":
    outcome = run(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
    print(table(outcome))
    print(json.dumps(outcome, ensure_ascii=False))
    sys.exit(1 if outcome["missed"] else 0)
