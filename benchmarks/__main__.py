"""All benchmarks: ``python -m benchmarks [NAME ...]`` prints one table and writes benchmarks/out/benchmarks.json.

Exit code 1: a target was missed. Exit code 2: a benchmark could not be finished (answers differ, say).
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks import (
    authoring,
    classification,
    economy,
    end_to_end,
    fault_campaign,
    inference,
    lexicon,
    plan,
    start_up,
    zoho_load,
)
from benchmarks.child import measure
from benchmarks.table import Line, draw

OUT = Path(__file__).parent / "out"


def chaining() -> list[Line]:
    """The inference benchmark as lines of the table."""
    result = measure("inference", "run")
    label = f"inference {result['accounts']:,} accounts × 10 contacts, 30 activities"
    lines = []
    for name, system in result["systems"].items():
        least = inference.TARGETS.get(name)
        lines.append(
            Line(
                benchmark=label,
                what=name,
                figure=f"{system['accounts_per_cpu_second']:,}/cpu-s",
                ratio=f"ours {system['ours_is']:.2f} × as fast",
                target=f"≥ {least:g} × faster" if least else "",
                met=name not in result["missed"],
            )
        )
    memory = f"+{result['memory_mb']} MB over the sessions, peak {result['peak_mb']:,} MB"
    return [*lines, Line(benchmark=label, what="memory", figure=memory)]


BENCHMARKS: dict[str, Callable[[], list[Line]]] = {
    "start_up": start_up.run,
    "lexicon": lexicon.run,
    "inference": chaining,
    "end_to_end": end_to_end.run,
    "plan": plan.run,
    "classification": classification.run,
    "zoho_load": zoho_load.run,
    "authoring": authoring.run,
    "economy": economy.run,
    "fault_campaign": fault_campaign.run,
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; print the table and write the JSON."""
    unknown = sorted(set(names) - BENCHMARKS.keys())
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    lines: list[Line] = []
    broken: list[str] = []
    for name in names or BENCHMARKS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            lines += BENCHMARKS[name]()
        except Exception as error:  # the others are still worth their figures
            broken.append(f"{name}: {error}")
    print(draw(lines))
    for complaint in broken:
        print(f"NOT FINISHED: {complaint}", file=sys.stderr)
    OUT.mkdir(exist_ok=True)
    about = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"), "python": platform.python_version(),
        "duckdb": duckdb.__version__, "cpus": os.cpu_count(), "load": os.getloadavg()[0], "broken": broken,
        "lines": [line.as_json() for line in lines],
    }  # fmt: skip
    (OUT / "benchmarks.json").write_text(json.dumps(about, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return 2 if broken else int(any(not line.met for line in lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
