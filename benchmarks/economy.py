"""API economy: the calls of pull and apply against the least possible, for a first run and a night with 1 % changes.

``python -m benchmarks.economy [ACCOUNTS]`` prints its part of the table. The CRM is the simulated
Zoho org with its default mapping; every account gets two tags of three values, every tenth a note.
The least possible is counted from what a call can carry: :func:`_least_of_pull`, :func:`_least_of_apply`.
"""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from benchmarks.child import ROOT, BenchmarkFailed, measure
from benchmarks.table import Line, draw
from crmrules.language.mapping import Mapping_
from crmrules.model.changes import Plan

ACCOUNTS = 2_000
CHANGED = 100  # one in so many
MOST = 1.1
_PAGE, _IDS, _TAGGED, _NOTES = (
    200,
    100,
    500,
    100,
)  # records of a list, of a look by ids, of a tag's call; notes of a call
_ALONG = {"Tags", "Contact_Roles", "Participants"}  # read with the records on which they hang
_VALUES = ("high", "medium", "low")


def run(accounts: int = ACCOUNTS) -> list[Line]:
    """Measure in a child process."""
    lines = []
    for name, said in measure("economy", "nights", accounts=accounts)["runs"].items():
        ratio = said["calls"] / said["least"]
        lines.append(
            Line(
                benchmark=f"API economy, Zoho, {accounts:,} accounts", what=name,
                figure=f"{said['calls']} calls: {said['pull']} to read, {said['apply']} to write {said['changes']:,} changes",
                ratio=f"{ratio:.2f} × the least possible ({said['least']})", target=f"≤ {MOST} ×", met=ratio <= MOST,
            )
        )  # fmt: skip
    return lines


# ---------------------------------------------------------------- in the child process


def nights(accounts: int) -> dict[str, Any]:
    """Pull, plan and apply twice; return the calls of each, beside the least."""
    sys.path.insert(0, str(ROOT / "tests"))
    from connectors.zoho.world import SCOPES, settings
    from crmrules.contracts.connector import Home
    from crmrules.language.mapping import load_mapping
    from crmrules.pipeline.apply import apply_plan
    from crmrules.pipeline.brakes import Brakes
    from crmrules.pipeline.execute import Surroundings
    from crmrules.pipeline.plan import make_plan
    from crmrules.pipeline.pull import pull
    from crmrules.pipeline.translate import Translation
    from crmrules.stores.journal import open_journal
    from crmrules_zoho.client import ZohoCrm
    from crmrules_zoho.config import DEFAULT_MAPPING
    from simulators.zoho import ZohoSimulator

    mapping = load_mapping(None, default=DEFAULT_MAPPING)
    found: dict[str, Any] = {}
    with TemporaryDirectory() as folder, ZohoSimulator(world=False, scopes=SCOPES) as sim:
        home = Home(folder=Path(folder), state=Path(folder) / "state")
        ids = [sim.person_creates("Accounts", {"Account_Name": f"Account {n}"}) for n in range(accounts)]

        def calls() -> int:
            count = sim.counters["calls"] - sim.counters.total("calls POST /oauth")
            sim.counters.reset()
            return count

        for night, name in enumerate(("first run", "nightly run")):
            sim.clock.advance(hours=20)
            sim.person_touches("Accounts", [*ids[:: CHANGED if night else 1]], {"Description": f"night {night}"})
            sim.clock.advance(minutes=10)
            calls()
            crm = ZohoCrm.open(settings(sim), home)
            pull(crm, mapping, Path(folder) / "snapshot.duckdb")
            read = calls()
            with open_journal(home.state / "journal.sqlite") as journal:
                con = _decided(Path(folder) / "snapshot.duckdb", ids, night)
                plan = make_plan(
                    con, journal, profile="bench", ruleset="economy@1", ruleset_digest="economy", engine="python",
                    as_of="2026-11-22", snapshot=str(night),
                )  # fmt: skip
                con.close()
                around = Surroundings(
                    connector=crm, translation=Translation(mapping), journal=journal, now=lambda: datetime.now(UTC)
                )
                report = apply_plan(plan, around, profile="bench", brakes=Brakes(share=1, tag_share=1, note_share=1))
            crm.close()
            if report.counts != {"written": len(plan.changes)}:
                raise BenchmarkFailed(f"not all was written: {report.counts}")
            least = _least_of_pull(mapping, accounts, night) + _least_of_apply(plan)
            written = calls()
            found[name] = {
                "calls": read + written, "pull": read, "apply": written, "changes": len(plan.changes), "least": least
            }  # fmt: skip
    return {"runs": found}


def _least_of_pull(mapping: Mapping_, accounts: int, night: int) -> int:
    """A list of every module; the org and the fields of all, once; at night what was deleted, and a sweep for people's tags."""
    modules = {source.native for source in mapping.sources} - _ALONG
    pages = -(-accounts // _PAGE)
    if not night:
        return (len(modules) - 1 + pages) + len(modules) + 1
    return len(modules) + (len(modules) - 1) + pages


def _least_of_apply(plan: Plan) -> int:
    """Each record looked at, each tag's value taken off or put on, each note written and read back; new notes learned, tags' ids."""
    looked = {c.target.record_id for c in plan.changes if c.target.kind == "tag"}
    off = Counter((c.target.name, c.old) for c in plan.changes if c.target.kind == "tag" and c.old)
    on = Counter((c.target.name, c.new) for c in plan.changes if c.target.kind == "tag" and c.new)
    first = not off
    tags = sum(-(-count // _TAGGED) for count in (*off.values(), *on.values()))
    notes = -(-sum(c.target.kind == "note" for c in plan.changes) // _NOTES)
    return -(-len(looked) // _IDS) + tags + 2 * notes + 1 + (2 if first else 1)


def _decided(snapshot: Path, ids: list[str], night: int) -> duckdb.DuckDBPyConnection:
    from crmrules.model.decision import TABLES, create

    con = duckdb.connect()
    con.execute(f"ATTACH '{snapshot}' AS snapshot (READ_ONLY)")
    con.execute(create("desired"))
    rows = []
    for n, id in enumerate(ids):
        moved = night if n % CHANGED == 0 else 0
        wanted = {("tag", "seg.value"): _VALUES[(n + moved) % 3], ("tag", "seg.loyalty"): _VALUES[(n // 3 + moved) % 3]}
        if n % 10 == 0:
            wanted["note", "crmrules"] = f"Call them, {moved}"
        rows += [
            ("account", id, id, kind, name, value, "rule", "原因", "reason") for (kind, name), value in wanted.items()
        ]
    columns = ", ".join(TABLES["desired"])
    con.executemany(f"INSERT INTO desired ({columns}) VALUES ({', '.join('?' * len(TABLES['desired']))})", rows)
    return con


if __name__ == "__main__":
    print(draw(run(*map(int, sys.argv[1:]))))
