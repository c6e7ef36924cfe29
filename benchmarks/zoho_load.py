"""Zoho CRM at size: the first load of a million contacts and a nightly run over one in a hundred, from the simulated CRM.

``python -m benchmarks.zoho_load [CONTACTS]`` prints its part of the table. The simulator runs in a
process of its own; what is measured is a whole `pull` into a new snapshot with the default mapping.
What a run had to cost is worked out from Zoho's price list (one credit a call, 50 for beginning an
export of 200,000 records, 2 for a page of deleted ids): every module asked once, contacts by the
cheapest way that brings their tags along, the org and its fields learned once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.child import ROOT, BenchmarkFailed, measure
from benchmarks.table import Line, draw

CONTACTS = 1_000_000
CHANGED = 100  # one in so many is changed before the nightly run
LIMIT_MB = 1_000
MOST_FIRST, MOST_NIGHTLY = 1.05, 1.1  # credits paid / credits that had to be paid
_PAGE, _EXPORT, _START = 200, 200_000, 50
_MINUTES = 30  # between the two runs


def run(contacts: int = CONTACTS) -> list[Line]:
    """Load in a child process; its peak memory counts."""
    result = measure("zoho_load", "load", contacts=contacts)
    label = f"Zoho, {contacts:,} contacts"
    lines = []
    for name, most in (("first load", MOST_FIRST), ("nightly run", MOST_NIGHTLY)):
        found = result[name]
        share = found["credits"] / found["least"]
        lines.append(
            Line(
                benchmark=label, what=f"{name}, credits", figure=f"{found['credits']:,} in {found['calls']:,} calls",
                ratio=f"{share:.3f} × the least possible ({found['least']:,})", target=f"≤ {most} ×", met=share <= most,
            )
        )  # fmt: skip
        lines.append(
            Line(
                benchmark=label, what=f"{name}, time",
                figure=f"{found['seconds']:.1f} s, {found['read']:,} contacts read ({found['cpu_seconds']:.1f} cpu-s)",
            )
        )  # fmt: skip
    memory = result["peak_mb"]
    lines.append(
        Line(benchmark=label, what="peak memory", figure=f"{memory:,} MB", target=f"< {LIMIT_MB:,} MB", met=memory < LIMIT_MB)
    )  # fmt: skip
    return lines


# ---------------------------------------------------------------- in the child process


def load(contacts: int) -> dict[str, Any]:
    """Pull twice from a simulator with *contacts* contacts; return credits, calls and time of each."""
    from crmrules.contracts.connector import Home
    from crmrules.language.mapping import load_mapping
    from crmrules_zoho.client import ZohoCrm
    from crmrules_zoho.config import DEFAULT_MAPPING

    mapping = load_mapping(None, default=DEFAULT_MAPPING)
    with TemporaryDirectory() as folder, _Simulator(contacts) as simulator:
        home = Home(folder=Path(folder), state=Path(folder) / "state")

        def pulled() -> dict[str, Any]:
            from crmrules.pipeline.pull import pull

            simulator("reset")
            started, cpu = time.perf_counter(), time.process_time()
            crm = ZohoCrm.open(simulator.settings, home)
            try:
                report = pull(crm, mapping, Path(folder) / "snapshot.duckdb")
            finally:
                crm.close()
            seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
            counted = simulator("counters")
            if counted["credits"] != report.usage.credits:
                raise BenchmarkFailed(f"we counted {report.usage.credits} credits, Zoho {counted['credits']}")
            contact = report.objects["contact"]
            return {
                "seconds": seconds, "cpu_seconds": cpu_seconds, "credits": counted["credits"],
                "calls": counted["calls"], "read": contact.read, "stored": contact.stored,
            }  # fmt: skip

        first = pulled()
        if first["stored"] != contacts:
            raise BenchmarkFailed(f"{first['stored']} of {contacts} contacts arrived")
        changed = simulator(f"touch {contacts // CHANGED}")["touched"]
        nightly = pulled()
        if nightly["stored"] != contacts or nightly["read"] < changed:
            raise BenchmarkFailed(f"{nightly['read']} of {changed} changed contacts arrived")
        modules = len({source.native for source in mapping.sources} - {"Tags", "Contact_Roles", "Participants"})
        first["least"] = _by_the_cheapest(contacts) + (modules - 1) + simulator.metadata
        # Users have no list of deleted ones.
        nightly["least"] = _by_the_cheapest(changed) + (modules - 1) + 2 * (modules - 1)
    return {"first load": first, "nightly run": nightly}


def _by_the_cheapest(records: int) -> int:
    """Return the least credits for *records* with their tags: by lists, or by exports with a look and a download each."""
    return min(-(-records // _PAGE), -(-records // _EXPORT) * (_START + 2))


class _Simulator:
    """The simulator in its own process, told what to do line by line."""

    def __init__(self, contacts: int) -> None:
        command = [sys.executable, "-m", "benchmarks.zoho_load", "--serve", str(contacts)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        said = self._answer()
        self.settings: dict[str, Any] = said["settings"]
        self.metadata = int(said["metadata"])

    def __enter__(self) -> _Simulator:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def __call__(self, command: str) -> dict[str, Any]:
        assert self._process.stdin
        print(command, file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        return said


# ---------------------------------------------------------------- in the simulator's process


def serve(contacts: int) -> None:
    """Be Zoho, with *contacts* contacts, until standard input ends."""
    sys.path.insert(0, str(ROOT / "tests"))
    from simulators.zoho import ZohoSimulator

    with ZohoSimulator(world=False) as sim:
        sim.person_creates("Accounts", {"Account_Name": "Crowd"})
        crowd = sim.add_crowd(contacts)
        # An export is not ready when first looked at.
        sim.behaviour.bulk_states = ("IN PROGRESS", "COMPLETED")
        login = {"client_id": sim.client_id, "client_secret": sim.client_secret, "refresh_token": sim.refresh_token}
        _say(
            {"settings": {"accounts_url": sim.url, **login, "read_timeout": 600}, "metadata": len(sim.crm.modules) + 1}
        )  # the org, the modules, and the fields of each but of the notes, which are known
        for line in sys.stdin:
            match line.split():
                case ["reset"]:
                    sim.counters.reset()
                    _say({})
                case ["counters"]:
                    calls = sim.counters["calls"] - sim.counters.total("calls POST /oauth")
                    _say({"credits": sim.counters["credits"], "calls": calls})
                case ["touch", count]:
                    sim.clock.advance(minutes=_MINUTES)
                    ids = list(crowd)[:: max(1, len(crowd) // int(count))] if int(count) else []
                    sim.person_touches("Contacts", ids, {"Department": "changed"})
                    sim.clock.advance(minutes=1)
                    _say({"touched": len(ids)})


def _say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(int(sys.argv[2]))
    else:
        print(draw(run(*map(int, sys.argv[1:]))))
