"""A fault campaign: 300 processes that apply or undo are killed at random moments, and nothing may be lost, doubled or overwritten.

``python -m benchmarks.fault_campaign [KILLS [SEED]]`` prints its part of the table. The laws are
those of tests/writeback/campaign.py, where the CRM is the simulated Zoho org with 10 ms a call;
a law that does not hold stops the campaign.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.child import ROOT, measure
from benchmarks.table import Line, draw

KILLS = 300


def run(kills: int = KILLS, seed: int = 1) -> list[Line]:
    """Run the campaign in a child process; it fails where a law is broken."""
    said = measure("fault_campaign", "campaign", kills=kills, seed=seed)
    label = f"faults, {said['kills']} kills"
    by_job = ", ".join(
        f"{said.get(f'killed in {job}', 0)} of {job}" for job in ("apply", "undo", "undo ours", "resume")
    )
    return [
        Line(benchmark=label, what="kills", figure=by_job, target=f"≥ {kills}", met=said["kills"] >= kills),
        Line(
            benchmark=label, what="writes in doubt when killed",
            figure=f"{said['writes in doubt']}, of which {said['of these arrived']} had arrived",
        ),
        Line(
            benchmark=label, what="beside them",
            figure=f"{said['edits']} edits by people, {said['storms']} storms, {said['processes']} processes",
        ),
        Line(
            benchmark=label, what="lost, doubled, foreign values changed, runs that could not go on",
            figure=f"0, 0, 0, 0 in {said['rounds']} rounds; {said['taken back']} times all was taken back", target="0",
        ),
    ]  # fmt: skip


def campaign(kills: int, seed: int) -> dict[str, Any]:
    """Return what happened; raises where a law does not hold."""
    sys.path.insert(0, str(ROOT / "tests"))
    from writeback.campaign import Campaign

    with TemporaryDirectory() as folder, Campaign(Path(folder), seed=seed) as it:
        it.go(kills)
        return dict(it.counts)


if __name__ == "__main__":
    print(draw(run(*map(int, sys.argv[1:]))))
