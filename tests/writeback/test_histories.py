"""Any history of people, outcomes, runs, crashes and undos keeps the promises of write-back.

People write values of their own and also ones that we might write; a value is a person's for
certain if we never wrote it at that place.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from crmrules.errors import PlanError
from crmrules.model.changes import Target, tag_text, tag_value

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
        self.version = dict.fromkeys(PLACES, 0)  # counts changes, whoever made them
        self.images: dict[int, dict[Target, tuple[str | None, int]]] = {}  # run -> place -> (before, version after)

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
        self.version[p] += 1
        self.deleted.pop(p, None)
        if value is None and before in self.ever_ours[p] and before == self.wanted.get(p):
            self.deleted[p] = before or ""

    @rule(p=place, value=wish)
    def the_outcome_changes(self, p: Target, value: str | None) -> None:
        if value is None:
            self.wanted.pop(p, None)
        else:
            self.wanted[p] = value

    # ---- runs

    def after_our_turn(self, before: dict[Target, str | None], run: int | None) -> None:
        changed = {}
        for p, now in self.all_standing().items():
            if now == before[p]:
                continue
            assert not self.is_certainly_a_persons(p, before[p]), f"overwrote a person's {before[p]!r} at {p}"
            assert self.deleted.get(p, "") != now, f"brought back {now!r}, which a person deleted, at {p}"
            self.deleted.pop(p, None)
            self.version[p] += 1
            if now is not None:
                self.ever_ours[p].add(now)
            changed[p] = (before[p], self.version[p])
        if run is not None:
            self.images[run] = changed

    @rule()
    def a_run(self) -> None:
        before = self.all_standing()
        report = self.world.sync(self.wanted)
        self.after_our_turn(before, report.run)
        again = self.world.plan(self.wanted)
        assert again.changes == (), "a second run would write again"
        for p in PLACES:
            if p not in {d.target for d in again.dissents} and not self.is_certainly_a_persons(p, self.standing(p)):
                assert self.standing(p) == self.wanted.get(p) or p not in self.wanted

    @rule(at=st.integers(1, 3), arrived=st.booleans())
    def a_run_that_dies(self, at: int, arrived: bool) -> None:
        before = self.all_standing()
        self.world.wrap = lambda crm: Faulty(crm, at, Killed(), arrived=arrived, calls=["write"])
        try:
            self.world.sync(self.wanted)
        except Killed:
            pass
        finally:
            self.world.wrap = lambda crm: crm
        self.after_our_turn(before, None)

    @rule(p=place, value=human)
    def a_run_with_a_person_at_work_between_plan_and_apply(self, p: Target, value: str | None) -> None:
        plan = self.world.plan(self.wanted)
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
        restored = {p: old for p, (old, version) in due.items() if self.version[p] == version}
        deleted, self.deleted = self.deleted, {}  # to take back a removal of ours is no breach
        try:
            report = self.world.undo(run)
        except PlanError:
            assert not due
            return
        finally:
            self.deleted = deleted
        after = self.all_standing()
        for p, old in restored.items():
            assert after[p] == old, f"undo of run {run} left {after[p]!r} at {p}, {old!r} stood there before"
        self.after_our_turn(before, report.run)

    @rule()
    def a_dry_run(self) -> None:
        path = self.world.journal_path
        before = (path.read_bytes() if path.exists() else None, self.world.crm.contents())
        self.world.plan(self.wanted)
        assert (path.read_bytes() if path.exists() else None, self.world.crm.contents()) == before

    @invariant()
    def foreign_tags_are_never_touched(self) -> None:
        if hasattr(self, "world"):
            assert set(self.world.crm.all_tags()) >= FOREIGN


Histories.TestCase.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
TestHistories = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")(Histories.TestCase)
