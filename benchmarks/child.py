"""Run one measurement in a process of its own, so that memory is its own and nothing warms up the next.

``python -m benchmarks.child MODULE FUNCTION JSON`` calls the function and prints its result with
the process's peak memory as one line of JSON.
"""

from __future__ import annotations

import importlib
import json
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parent.parent


class BenchmarkFailed(Exception):
    """A measurement did not come to its end."""


def measure(module: str, function: str, **arguments: object) -> dict[str, Any]:
    """Call ``benchmarks.<module>.<function>(**arguments)`` in a fresh process.

    Returns the function's result (a mapping) with ``peak_mb``, the peak resident memory.
    """
    command = [sys.executable, "-m", "benchmarks.child", module, function, json.dumps(arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkFailed(f"{module}.{function}: {done.stderr.strip()[-4000:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def interleaved(measurements: dict[str, dict[str, Any]], repeats: int) -> dict[str, dict[str, Any]]:
    """Repeat all *measurements* (name -> arguments of :func:`measure`) in turns, because the machine is noisy.

    Returns for each name the last result with the median ``seconds`` and ``cpu_seconds`` and the largest ``peak_mb``.
    """
    results: dict[str, list[dict[str, Any]]] = {name: [] for name in measurements}
    for _ in range(repeats):
        for name, arguments in measurements.items():
            results[name].append(measure(**arguments))
    return {
        name: {
            **found[-1],
            **{key: median(result[key] for result in found) for key in ("seconds", "cpu_seconds") if key in found[0]},
            "peak_mb": max(result["peak_mb"] for result in found),
        }
        for name, found in results.items()
    }


def _main(module: str, function: str, arguments: str) -> None:
    result = getattr(importlib.import_module(f"benchmarks.{module}"), function)(**json.loads(arguments))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({**result, "peak_mb": round(peak)}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
