"""A fault campaign: a process that writes to a CRM over HTTP is killed again and again, and what stands there is held to the laws.

The CRM is the simulated Zoho org, with a real delay on each call. Between kills people edit, answers are
lost, the network is cut, and the victim's clock steps back and forth. What must stand in the CRM is
known without asking crmrules: it is kept here, place by place.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from connectors.zoho.world import SCOPES, is_write, settings
from crmrules.model.changes import AUTHOR, Kind, Target, tag_text, tag_value
from crmrules.model.decision import TABLES
from crmrules.pipeline.plan import make_plan
from crmrules.pipeline.planfile import save_plan
from crmrules.stores.journal import Journal, open_journal
from crmrules_zoho.notes import MARK, title_here, title_there
from simulators.faults import Kind as Fault
from simulators.zoho import ZohoSimulator
from simulators.zoho.schema import Field

from .victim import STOPPED
from .world import empty_database, insert

TESTS = Path(__file__).parents[1]
VALUES = ("high", "medium", "low")
STORMS: tuple[Fault, ...] = ("drop-after", "drop-before", "500", "429")
KINDS: Mapping[Kind, str] = {"tag": "seg.value", "field": "tier", "note": "crmrules"}


class Broken(AssertionError):
    """A law of write-back does not hold."""


class Campaign:
    """``with Campaign(folder, seed=1) as it: it.go(kills=300)``; `it.counts` tells what happened.

    Raises :class:`Broken` as soon as a law is broken.
    """

    def __init__(self, folder: Path, *, seed: int, accounts: int = 12, latency: float = 0.01) -> None:
        self.folder, self.random = folder, random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.sim = ZohoSimulator(world=False, scopes=SCOPES, latency=latency)
        self.sim.crm.add_field("Accounts", Field(api_name="Tier", label="Tier", data_type="text", length=60))
        self.ids = [self.sim.person_creates("Accounts", {"Account_Name": f"账户 {n}"}) for n in range(accounts)]
        self.places = [_place(id, kind) for id in self.ids for kind in KINDS]
        self.wanted: dict[Target, str] = {}
        self.theirs: dict[Target, str | None] = {}  # what a person last left at a place that we write to
        self.foreign: set[tuple[str, str, str]] = set()  # what people put where we never write
        self._calls = 10  # of the last job that came to its end: kills are spread over so many

    def __enter__(self) -> Self:
        self.sim.start()
        for id in self.ids:
            self._add_foreign(id)
        path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
        self._victims = subprocess.Popen(
            [sys.executable, "-m", "writeback.victim"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._victims.stdin
        self._victims.stdin.close()
        self._victims.wait(timeout=30)
        self.sim.stop()

    # ------------------------------------------------------------ the campaign

    def go(self, kills: int) -> None:
        """Play rounds until *kills* processes died in mid-run; each ends with every law looked at."""
        while self.counts["kills"] < kills:
            self.counts["rounds"] += 1
            before = {p: self.standing(p) for p in self.places} if self._nothing_is_ours() else None
            for _ in range(self.random.randint(1, 2)):
                self._outcomes_change()
                self._job("apply")
                self._hold_after_apply()
            if self.random.random() < 0.5:
                self._take_back(before)

    def _take_back(self, before: Mapping[Target, str | None] | None) -> None:
        if self.random.random() < 0.5:
            self._job("undo ours")
        else:
            with self._journal() as journal:
                runs = [run.id for run in journal.runs(["apply"]) if journal.results(run.id).get("written")]
            for run in runs:  # newest first
                self._job("undo", run=run)
        for p in self.places:
            if p not in self.theirs and self.standing(p) is not None:
                raise Broken(f"after the undo {self.standing(p)!r} still stands at {p}")
            if before is not None and p not in self.theirs and self.standing(p) != before[p]:
                raise Broken(f"the undo did not restore {before[p]!r} at {p}")
        self.counts["taken back"] += 1

    def _nothing_is_ours(self) -> bool:
        with self._journal() as journal:
            return not journal.held()

    def _outcomes_change(self) -> None:
        for p in self.places:
            if self.random.random() < 0.5:
                self.wanted[p] = self.random.choice(VALUES)
            elif self.random.random() < 0.1:
                self.wanted.pop(p, None)

    # ------------------------------------------------------------ jobs, killed until one is let through

    def _job(self, what: str, **how: Any) -> None:
        """Let a job be killed some times, with people at work in between, then let it come to its end."""
        if what == "apply":
            self._plan()
        for _ in range(self.random.randint(1, 5)):
            if self._run(what, how, kill=True) and self.random.random() < 0.4:
                self._people_work()
            if self.random.random() < 0.2:
                self._run("resume", {}, kill=self.random.random() < 0.5)
            if what == "apply" and self.random.random() < 0.5:
                if self.random.random() < 0.4:
                    self._outcomes_change()
                self._plan()
        self._run("resume", {}, kill=False)
        if what == "apply":
            self._plan()
        self._run(what, how, kill=False)
        self._hold_always()

    def _plan(self) -> None:
        with self._journal() as journal:
            plan = make_plan(
                self._database(), journal, profile="p", ruleset="r@1", ruleset_digest="d1", engine="python",
                as_of="2026-11-21", snapshot="s1",
            )  # fmt: skip
        save_plan(plan, self.folder / "plan.json")

    def _run(self, what: str, how: Mapping[str, Any], *, kill: bool) -> bool:
        """Do one job in a process of its own; tell whether it was killed."""
        stormy = kill and self.random.random() < 0.3
        if stormy:
            self._storm()
        job = {
            "what": what, "folder": str(self.folder), "settings": settings(self.sim), "batch": self._batch(),
            "seed": self.random.getrandbits(32), **how,
        }  # fmt: skip
        came = self.sim.counters["calls"]
        self._tell(json.dumps(job))
        self._tell("kill" if kill and self._is_in_the_middle(came) else "wait")
        ended = self._hear()
        self.sim.faults.clear()
        self.counts["processes"] += 1
        if ended == -signal.SIGKILL:
            self.counts["kills"] += 1
            self.counts[f"killed in {what}"] += 1
            self._look_at_doubts()
            return True
        if ended == STOPPED and stormy:
            self.counts["stopped by a storm"] += 1
        elif ended:
            raise Broken(f"{what} ended with {ended}:\n{(self.folder / 'failed.txt').read_text(encoding='utf-8')}")
        elif what != "resume":
            self._calls = self.sim.counters["calls"] - came
        return False

    def _batch(self) -> int:
        return self.random.choice((5, 12, 2_000))

    def _storm(self) -> None:
        self.counts["storms"] += 1
        kind = self.random.choice(STORMS)
        match = self.random.choice((is_write, "/crm/"))
        self.sim.fault(kind, match, times=self.random.randint(1, 8), after=self.random.randint(0, 6), seconds=0)

    def _tell(self, line: str) -> None:
        assert self._victims.stdin
        print(line, file=self._victims.stdin, flush=True)

    def _hear(self) -> int:
        assert self._victims.stdout
        said = self._victims.stdout.readline()
        return int(self._victims.stdout.readline() if said == "over\n" else said)

    def _is_in_the_middle(self, came: int) -> bool:
        """Wait some calls and a moment; meanwhile somebody may edit a record. Tell whether the process is still at work.

        Counting calls instead of seconds spreads the kills over all of a run on a slow machine, too.
        """
        due = came + self.random.randint(0, self._calls)
        edits = came + self.random.randint(0, self._calls) if self.random.random() < 0.3 else None
        moment = self.random.uniform(0, 2 * self.sim.latency)
        while self.sim.counters["calls"] < due:
            if edits is not None and self.sim.counters["calls"] >= edits:
                edits = None
                self._edit(self.random.choice([p for p in self.places if p.kind == "field"]))
            if self._is_over(0.001):
                return False
        return not self._is_over(moment)

    def _is_over(self, within: float) -> bool:
        return bool(select.select([self._victims.stdout], [], [], within)[0])

    def _look_at_doubts(self) -> None:
        with self._journal() as journal:
            for intent in journal.unfinished():
                self.counts["writes in doubt"] += 1
                self.counts["of these arrived"] += self.standing(intent.change.target) == intent.change.new

    # ------------------------------------------------------------ people

    def _people_work(self) -> None:
        for _ in range(self.random.randint(1, 3)):
            self._edit(self.random.choice(self.places))
        self._add_foreign(self.random.choice(self.ids))

    def _edit(self, p: Target) -> None:
        """Somebody types a value that we never write, or deletes what stands there."""
        sim, id = self.sim, p.record_id
        with sim.lock:
            sim.clock.advance(2)  # the CRM's lock is a time in seconds
            self.counts["edits"] += 1
            value = f"person-{self.counts['edits']}" if self.random.random() < 0.8 else None
            if p.kind == "field":
                sim.person_edits("Accounts", id, {"Tier": value})
            elif p.kind == "tag":
                sim.person_untags("Accounts", id, *(t for t in sim.tags("Accounts", id) if t.startswith(f"{p.name}=")))
                if value:
                    sim.person_tags("Accounts", id, tag_text(p.name, value))
            else:
                for note in self._our_notes(id):
                    sim.person_deletes("Notes", note["id"])
                if value:
                    sim.person_notes("Accounts", id, title_there(p.name), value)
            self.theirs[p] = value

    def _add_foreign(self, id: str) -> None:
        n = len(self.foreign)
        self.sim.person_tags("Accounts", id, f"VIP {n % 3}")
        self.sim.person_notes("Accounts", id, "通话", f"Called, {n}")
        self.sim.person_edits("Accounts", id, {"Description": f"Said, {n}"})
        self.foreign = self._foreign()

    # ------------------------------------------------------------ what stands in the CRM

    def standing(self, p: Target) -> str | None:
        if p.kind == "tag":
            return tag_value(p.name, self.sim.tags("Accounts", p.record_id))
        if p.kind == "field":
            return self.sim.record("Accounts", p.record_id)["Tier"] or None
        return next((n["Note_Content"] for n in self._our_notes(p.record_id)), None)

    def _our_notes(self, id: str) -> list[dict[str, Any]]:
        return [n for n in self.sim.notes("Accounts", id) if n["Note_Title"].startswith(MARK)]

    def _foreign(self) -> set[tuple[str, str, str]]:
        """Return everything of people's where we never write."""
        found = set()
        for id in self.ids:
            record = self.sim.record("Accounts", id)
            found |= {(id, name, record[name] or "") for name in ("Account_Name", "Description")}
            found |= {(id, "tag", tag) for tag in self.sim.tags("Accounts", id) if not tag.startswith(KINDS["tag"])}
            notes = self.sim.notes("Accounts", id)
            found |= {(id, "note", n["Note_Content"]) for n in notes if not n["Note_Title"].startswith(MARK)}
        return found

    def _journal(self) -> AbstractContextManager[Journal]:
        return open_journal(self.folder / "state" / "journal.sqlite", read_only=True)

    def _database(self) -> duckdb.DuckDBPyConnection:
        """Return the CRM as a pull would bring it, and the outcomes."""
        con = empty_database()
        records, tags, notes = [], [], []
        for id in self.ids:
            at = {"object": "account", "record_id": id}
            records.append({"id": id, "tier": self.standing(_place(id, "field"))})
            tags += [{**at, "name": name} for name in sorted(self.sim.tags("Accounts", id))]
            for n in self.sim.notes("Accounts", id):
                title, ours = title_here(n["Note_Title"])
                author = AUTHOR if ours else "Li"
                notes.append({**at, "id": n["id"], "title": title, "body": n["Note_Content"], "author": author})
        insert(con, "snapshot.account", records)
        insert(con, "snapshot.tag", tags)
        insert(con, "snapshot.note", notes)
        rows = [
            (t.object, t.record_id, t.record_id, t.kind, t.name, value, "rule.r", "原因", "reason")
            for t, value in self.wanted.items()
        ]
        insert(con, "desired", [dict(zip(TABLES["desired"], row, strict=True)) for row in rows])
        return con

    # ------------------------------------------------------------ the laws

    def _hold_always(self) -> None:
        """Nothing foreign changed, nothing is doubled, a person's value stands, every run came to an end."""
        if (now := self._foreign()) != self.foreign:
            raise Broken(f"foreign values changed: {now ^ self.foreign}")
        for p in self.places:
            if self.theirs.get(p) is not None and self.standing(p) != self.theirs[p]:
                raise Broken(f"{self.standing(p)!r} stands at {p}, where a person wrote {self.theirs[p]!r}")
        for id in self.ids:
            ours = [t for t in self.sim.tags("Accounts", id) if t.startswith(f"{KINDS['tag']}=")]
            if len(ours) > 1 or len(self._our_notes(id)) > 1:
                raise Broken(f"doubled on {id}: {ours}, {self._our_notes(id)}")
        with self._journal() as journal:
            if open_writes := journal.unfinished():
                raise Broken(f"still in doubt: {open_writes}")
            if running := [run for run in journal.runs() if run.status == "running"]:
                raise Broken(f"never closed: {running}")

    def _hold_after_apply(self) -> None:
        """What no person touched is what we want, and a further plan has nothing to do."""
        for p in self.places:
            if p not in self.theirs and self.standing(p) != self.wanted.get(p):
                raise Broken(f"lost: {self.standing(p)!r} stands at {p}, {self.wanted.get(p)!r} is wanted")
        with self._journal() as journal:
            ours = journal.written_many(self.places)
        for p in self.places:
            if p not in self.theirs and p in ours and ours[p].value != self.standing(p):
                raise Broken(f"the journal has {ours[p].value!r} at {p}, where {self.standing(p)!r} stands")


def _place(id: str, kind: Kind) -> Target:
    return Target(object="account", record_id=id, kind=kind, name=KINDS[kind])
