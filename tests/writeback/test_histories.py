"""Any history of people, outcomes, runs, crashes and undos keeps the promises of write-back.

People write values of their own and also ones that we might write; a value is a person's for
certain if we never wrote it at that place.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from crmrules.errors import PlanError
from crmrules.model.changes import Plan, Target, tag_text, tag_value
from crmrules.pipeline.planfile import save_plan
from crmrules.pipeline.undo import Only

from .crm import Crm
from .test_crash import Faulty, Killed
from .world import NATIVE, World, note, tag, tier

PLACES = [tag("a1"), tier("a1"), note("a1"), tag("a2"), tier("a2")]
FOREIGN = {("客户", "a1", "VIP"), ("客户", "a2", "seg.valuex=high")}
place = st.sampled_from(PLACES)
wish = st.sampled_from(["high", "medium", "low", None])
human = st.sampled_from(["mine", "hers", "high", None])


class Histories(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name), Crm(batch=2))
        for id in ("a1", "a2"):
            self.world.crm.add_record("客户", id)
        for object, id, name in FOREIGN:
            self.world.crm.add_tag(object, id, name)
        self.wanted: dict[Target, str | None] = {}
        self.ever_ours: dict[Target, set[str]] = {p: set() for p in PLACES}  # values that we left there
        self.deleted: dict[Target, str] = {}  # our value that a person deleted, until another is wanted
        self.touched: set[Target] = set()  # where a person ever edited
        self.digest = "d0"  # of the ruleset
        self.versions = count(1)
        self.version = dict.fromkeys(PLACES, 0)  # what stands there: each change makes a new one, an undo the old one
        # run -> place -> what stood there before, its version, and the version that the run left
        self.images: dict[int, dict[Target, tuple[str | None, int, int]]] = {}

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    # ---- the CRM, place by place

    def standing(self, p: Target) -> str | None:
        crm, object = self.world.crm, NATIVE[p.object]
        if p.kind == "tag":
            return tag_value(p.name, crm.tags(object, p.record_id))
        if p.kind == "field":
            native = crm.records(object)[p.record_id].get("客户等级")
            return self.world.translation.value(p, native)
        return next((n[3] for n in crm.all_notes() if n[1] == p.record_id), None)

    def all_standing(self) -> dict[Target, str | None]:
        return {p: self.standing(p) for p in PLACES}

    def is_certainly_a_persons(self, p: Target, value: str | None) -> bool:
        return value is not None and value not in self.ever_ours[p]

    # ---- people

    @rule(p=place, value=human)
    def a_person_edits(self, p: Target, value: str | None) -> None:
        before, object = self.standing(p), NATIVE[p.object]
        if value == before:
            return
        if p.kind == "tag":
            for name in self.world.crm.tags(object, p.record_id):
                if name.startswith(f"{p.name}="):
                    self.world.crm.remove_tag(object, p.record_id, name)
            if value is not None:
                self.world.crm.add_tag(object, p.record_id, tag_text(p.name, value))
        elif p.kind == "field":
            self.world.crm.set_field(object, p.record_id, "客户等级", {"high": "高"}.get(value or "", value))
        else:
            self.world.crm.set_note(object, p.record_id, p.name, value)
        self.version[p] = next(self.versions)
        self.touched.add(p)
        self.deleted.pop(p, None)
        if value is None and before in self.ever_ours[p] and before == self.wanted.get(p):
            self.deleted[p] = before or ""

    @rule(p=place, value=wish)
    def the_outcome_changes(self, p: Target, value: str | None) -> None:
        if value is None:
            self.wanted.pop(p, None)
        else:
            self.wanted[p] = value

    @rule()
    def the_rules_change(self) -> None:
        self.digest = f"d{next(self.versions)}"

    # ---- runs

    def plan(self) -> Plan:
        return self.world.plan(self.wanted, ruleset_digest=self.digest)

    @contextmanager
    def death(self, at: int, *, arrived: bool) -> Iterator[None]:
        """Let the process die at the *at*-th write, if it comes so far."""
        self.world.wrap = lambda crm: Faulty(crm, at, Killed(), arrived=arrived, calls=["write"])
        try:
            yield
        except Killed:
            pass
        finally:
            self.world.wrap = lambda crm: crm

    def after_our_turn(self, before: dict[Target, str | None], run: int | None) -> None:
        changed = {}
        for p, now in self.all_standing().items():
            if now == before[p]:
                continue
            assert not self.is_certainly_a_persons(p, before[p]), f"overwrote a person's {before[p]!r} at {p}"
            assert self.deleted.get(p, "") != now, f"brought back {now!r}, which a person deleted, at {p}"
            self.deleted.pop(p, None)
            was, self.version[p] = self.version[p], next(self.versions)
            if now is not None:
                self.ever_ours[p].add(now)
            changed[p] = (before[p], was, self.version[p])
        if run is not None:
            self.images[run] = changed

    @rule()
    def a_run(self) -> None:
        before, plan = self.all_standing(), self.plan()
        report = self.world.apply(plan)
        self.after_our_turn(before, report.run)
        traffic = self.world.crm.traffic()
        assert self.world.apply(plan).count("written") == 0
        assert self.world.crm.traffic() == traffic, "applying a plan twice wrote twice"
        again = self.plan()
        assert again.changes == (), "a second run would write again"
        for p in PLACES:
            if p not in {d.target for d in again.dissents} and not self.is_certainly_a_persons(p, self.standing(p)):
                assert self.standing(p) == self.wanted.get(p) or p not in self.wanted

    @rule(at=st.integers(1, 3), arrived=st.booleans())
    def a_run_that_dies(self, at: int, arrived: bool) -> None:
        before = self.all_standing()
        with self.death(at, arrived=arrived):
            self.world.apply(self.plan())
        self.after_our_turn(before, None)

    @rule(p=place, value=human)
    def a_run_with_a_person_at_work_between_plan_and_apply(self, p: Target, value: str | None) -> None:
        plan = self.plan()
        self.a_person_edits(p, value)
        before = self.all_standing()
        report = self.world.apply(plan)
        self.after_our_turn(before, report.run)

    @rule(data=st.data())
    def an_undo(self, data: st.DataObject) -> None:
        if not self.images:
            return
        run = data.draw(st.sampled_from(sorted(self.images)))
        before, due = self.all_standing(), self.images[run]
        restored = {p: (old, was) for p, (old, was, left) in due.items() if self.version[p] == left}
        deleted, self.deleted = self.deleted, {}  # to take back a removal of ours is no breach
        try:
            report = self.world.undo(run)
        except PlanError:
            assert not due
            return
        finally:
            self.deleted = deleted
        after = self.all_standing()
        for p, (old, _) in restored.items():
            assert after[p] == old, f"undo of run {run} left {after[p]!r} at {p}, {old!r} stood there before"
        self.after_our_turn(before, report.run)
        for p, (_, was) in restored.items():  # as if the run had never been: earlier ones can be undone now
            self.images[report.run][p] = (before[p], self.images[report.run][p][1], was)
            self.version[p] = was

    @rule(at=st.integers(1, 2), arrived=st.booleans(), data=st.data())
    def an_undo_that_dies(self, at: int, arrived: bool, data: st.DataObject) -> None:
        if not self.images:
            return
        before, deleted = self.all_standing(), self.deleted
        self.deleted = {}
        with self.death(at, arrived=arrived), suppress(PlanError):
            self.world.undo(data.draw(st.sampled_from(sorted(self.images))))
        self.deleted = deleted
        self.after_our_turn(before, None)

    @rule(
        only=st.sampled_from(
            [Only(), Only(), Only(accounts=frozenset({"A:a1"})), Only(rules=frozenset({"rule.seg.value"}))]
        )
    )
    def everything_is_taken_back(self, only: Only) -> None:
        """Of all places, of one account's, or of one rule's."""
        before, deleted = self.all_standing(), self.deleted
        meant = {
            p
            for p in PLACES
            if (not only.accounts or f"A:{p.record_id}" in only.accounts)
            and (not only.rules or f"rule.{p.name}" in only.rules)
        }
        run = None
        with suppress(PlanError):
            run = self.world.undo_ours(only=only).run
        self.deleted = {}
        for p, now in self.all_standing().items():
            if p not in meant:
                assert now == before[p], f"{p} was not meant"
            elif p not in self.touched:
                assert now is None, f"{now!r} of ours is left at {p}"
        self.after_our_turn(before, run)
        self.deleted = deleted

    @rule()
    def a_dry_run(self) -> None:
        before = (self.state(), self.world.crm.contents())
        plan = self.plan()
        self.wanted = dict(reversed(self.wanted.items()))
        assert plan_bytes(self.plan()) == plan_bytes(plan), "the same state gave another plan"
        assert (self.state(), self.world.crm.contents()) == before

    def state(self) -> dict[str, bytes]:
        """Every byte that we keep; SQLite's -shm is its readers' own."""
        return {f.name: f.read_bytes() for f in self.world.journal_path.parent.rglob("*") if f.suffix != ".sqlite-shm"}

    @invariant()
    def foreign_tags_are_never_touched(self) -> None:
        if hasattr(self, "world"):
            assert set(self.world.crm.all_tags()) >= FOREIGN


def plan_bytes(plan: Plan) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        save_plan(plan, Path(folder) / "plan.json")
        return (Path(folder) / "plan.json").read_bytes()


# CRMRULES_HISTORIES=1000 looks at more of them
EXAMPLES = int(os.environ.get("CRMRULES_HISTORIES", "15"))
Histories.TestCase.settings = settings(max_examples=EXAMPLES, stateful_step_count=20, deadline=None)
TestHistories = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")(Histories.TestCase)
