"""Start-up: how long `crmrules --help` takes, as a user waits for it.

``python -m benchmarks.start_up`` prints its part of the table.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.child import BenchmarkFailed
from benchmarks.table import Line, draw

RUNS, LIMIT = 10, 0.3  # limit in seconds


def run() -> list[Line]:
    """Return the median of ten starts, beside an interpreter that does nothing."""
    beside = Path(sys.executable).parent / "crmrules"
    command = str(beside) if beside.exists() else shutil.which("crmrules")
    if command is None:
        raise BenchmarkFailed("the command crmrules is not installed")
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(RUNS):
        ours.append(_timed([command, "--help"]))
        bare.append(_timed([sys.executable, "-c", "pass"]))
    took = median(ours)
    return [
        Line(
            benchmark="start-up", what="crmrules --help", figure=f"{took:.3f} s (best {min(ours):.3f} s)",
            ratio=f"{took / median(bare):.1f} × bare Python", target=f"< {LIMIT} s", met=took < LIMIT,
        )
    ]  # fmt: skip


def _timed(command: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkFailed(f"{' '.join(command)}: {done.stderr.strip()}")
    return time.perf_counter() - started


if __name__ == "__main__":
    print(draw(run()))
