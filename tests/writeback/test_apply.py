"""Apply makes exactly the plan's changes, each only where nobody was faster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from crmrules.contracts.connector import NativeReceipt, NativeWrite
from crmrules.errors import PlanError
from crmrules.model.changes import Result, Target
from crmrules.stores.journal import open_journal

from .crm import Crm
from .world import World, note, tag, tier


def test_a_plan_arrives_in_the_crms_own_words(world: World) -> None:
    report = world.sync({tag("a1"): "high", tier("a1"): "high", note("a2"): "Call her."})
    assert report.counts == {"written": 3}
    assert world.crm.tags("客户", "a1") == {"seg.value=high"}
    assert world.crm.records("客户")["a1"]["客户等级"] == "高"
    assert world.crm.all_notes() == [("客户", "a2", "crmrules", "Call her.", "crmrules")]


def test_a_second_run_finds_nothing_to_do(world: World) -> None:
    wanted = {tag("a1"): "high", tier("a1"): "high", note("a2"): "Call her."}
    world.sync(wanted)
    assert world.plan(wanted).changes == ()


def test_applying_a_plan_twice_writes_nothing_the_second_time(world: World) -> None:
    plan = world.plan({tag("a1"): "high", tier("a1"): "high"})
    world.apply(plan)
    before, traffic = world.crm.contents(), world.crm.traffic()
    assert world.apply(plan).counts == {"already": 2}
    assert (world.crm.contents(), world.crm.traffic()) == (before, traffic)


def test_a_tag_is_replaced_and_foreign_tags_stay(world: World) -> None:
    world.crm.add_tag("客户", "a1", "VIP")
    world.sync({tag("a1"): "high"})
    world.sync({tag("a1"): "low"})
    assert world.crm.tags("客户", "a1") == {"VIP", "seg.value=low"}


def test_a_note_is_updated_in_place(world: World) -> None:
    world.sync({note("a1"): "one"})
    world.sync({note("a1"): "two"})
    assert [n[3] for n in world.crm.all_notes()] == ["two"]


def test_a_row_that_a_person_changed_meanwhile_is_refused_alone(world: World) -> None:
    plan = world.plan({tier("a1"): "high", tier("a2"): "high"})
    world.crm.set_field("客户", "a1", "客户等级", "低")
    report = world.apply(plan)
    assert report.counts == {"written": 1, "stale": 1}
    assert [(c.target.record_id, r.result) for c, r in report.not_written] == [("a1", Result.stale)]
    assert world.crm.records("客户")["a1"]["客户等级"] == "低"


def test_an_old_plan_does_not_bring_back_what_a_person_deleted(world: World) -> None:
    plan = world.plan({tag("a1"): "high"})
    world.apply(plan)
    world.crm.remove_tag("客户", "a1", "seg.value=high")
    assert world.apply(plan).counts == {"stale": 1}
    assert world.crm.tags("客户", "a1") == set()


def test_a_deleted_tag_comes_back_only_with_another_outcome(world: World) -> None:
    world.sync({tag("a1"): "high"})
    world.crm.remove_tag("客户", "a1", "seg.value=high")
    plan = world.plan({tag("a1"): "high"})
    assert (plan.changes, [d.human for d in plan.dissents]) == ((), [None])
    world.sync({tag("a1"): "low"})
    assert world.crm.tags("客户", "a1") == {"seg.value=low"}


def test_a_persons_edit_of_our_note_stays(world: World) -> None:
    world.sync({note("a1"): "Call her."})
    world.crm.set_note("客户", "a1", "crmrules", "Call her. She likes tea.")
    assert world.sync({note("a1"): "Write to her."}).counts == {}
    assert [n[3] for n in world.crm.all_notes()] == ["Call her. She likes tea."]


def test_a_note_of_a_person_with_our_title_is_not_touched(world: World) -> None:
    world.crm.set_note("客户", "a1", "crmrules", "mine", author="Anna")
    world.sync({note("a1"): "ours"})
    assert [n[3:] for n in world.crm.all_notes()] == [("mine", "Anna")]


def test_two_native_values_may_mean_one_of_ours(world: World) -> None:
    world.crm.set_field("客户", "a1", "客户等级", "高级")
    assert world.plan({tier("a1"): "high"}).changes == ()


def test_what_the_mapping_has_no_word_for_is_refused_and_said(world: World) -> None:
    report = world.sync({tier("a1"): "低", tier("a2"): "low"})  # 低 would be read back as low
    assert report.counts == {"written": 1, "refused": 1}
    [(change, receipt)] = report.not_written
    assert change.target == tier("a1")
    assert "客户等级" in receipt.message


def test_a_crm_that_cuts_our_value_is_not_written_again_and_again(tmp_path: Path) -> None:
    world = World(tmp_path, Crm(cut=4))
    world.crm.add_record("客户", "a1")
    report = world.sync({tier("a1"): "strategic"})
    assert report.counts == {"written": 1}
    assert world.crm.records("客户")["a1"]["客户等级"] == "stra"
    assert world.plan({tier("a1"): "strategic"}).changes == ()
    world.sync({tier("a1"): "low"})
    assert world.crm.records("客户")["a1"]["客户等级"] == "低"


class Ignoring(Crm):
    """Says yes to every write of a field and keeps what it has, as some CRMs do with unknown fields."""

    def _write(self, w: NativeWrite) -> NativeReceipt:
        return NativeReceipt(result=Result.written)


def test_a_yes_without_effect_is_no_success(tmp_path: Path) -> None:
    world = World(tmp_path, Ignoring())
    world.crm.add_record("客户", "a1")
    report = world.sync({tier("a1"): "high"})
    assert report.counts == {"failed": 1}
    with open_journal(world.journal_path) as journal:
        assert journal.written(tier("a1")) is None


class Refusing(Crm):
    """Refuses one record, as a CRM does with a validation rule."""

    def _write(self, w: NativeWrite) -> NativeReceipt:
        if "a2" in w.record_id.values():
            return NativeReceipt(result=Result.refused, message="region is required")
        return super()._write(w)


def test_single_refusals_do_not_stop_the_others(tmp_path: Path) -> None:
    world = World(tmp_path, Refusing(batch=2))
    for id in ("a1", "a2", "a3", "a4"):
        world.crm.add_record("客户", id)
    report = world.sync({tag(id): "high" for id in ("a1", "a2", "a3", "a4")})
    assert report.counts == {"written": 3, "refused": 1}
    assert [r.message for _, r in report.not_written] == ["region is required"]
    assert [c.target.record_id for c in world.plan({tag("a2"): "high", tag("a3"): "high", tag("a1"): "high"}).changes][
        :1
    ] == ["a2"]


class Mumbling(Crm):
    """Answers one receipt too few."""

    def write(self, writes: Sequence[NativeWrite]) -> Sequence[NativeReceipt]:
        return super().write(writes)[1:]


def test_a_wrong_number_of_answers_is_settled_by_reading(tmp_path: Path) -> None:
    world = World(tmp_path, Mumbling())
    world.crm.add_record("客户", "a1")
    report = world.sync({tag("a1"): "high"})
    assert report.counts == {"written": 1}
    assert report.error is not None
    assert report.error.problems[0].code == "bad-answer"


def test_a_limit_leaves_the_rest_for_later(world: World) -> None:
    plan = world.plan({tag("a1"): "high", tag("a2"): "high", tag("a3"): "high"})
    assert world.apply(plan, limit=2).counts == {"written": 2, "left": 1}
    assert world.apply(plan).counts == {"already": 2, "written": 1}


def test_a_plan_for_another_profile_is_refused(world: World) -> None:
    plan = world.plan({tag("a1"): "high"}, profile="other")
    with pytest.raises(PlanError, match="plan-of-another-profile"):
        world.apply(plan)
    assert world.crm.traffic() == 0


def test_progress_is_told_per_batch(world: World) -> None:
    told: list[tuple[int, int]] = []
    wanted = {tag(a, name): "x" for a in ("a1", "a2", "a3") for name in ("one", "two")}
    world.apply(world.plan(wanted), progress=lambda done, total: told.append((done, total)))
    assert told == [(3, 6), (6, 6)]


def test_dissents_are_kept_as_labels_once(world: World) -> None:
    world.crm.set_field("客户", "a1", "客户等级", "低")
    for _ in range(2):
        world.sync({tier("a1"): "high"})
    with open_journal(world.journal_path) as journal:
        assert [(d.target, d.human, d.ours) for d in journal.labels()] == [(tier("a1"), "low", "high")]


def test_planning_moves_no_state(world: World, tmp_path: Path) -> None:
    def everything() -> dict[str, bytes]:
        return {str(p): p.read_bytes() for p in sorted(tmp_path.rglob("*")) if p.is_file()}

    fresh = everything()
    world.plan({tag("a1"): "high"})
    assert everything() == fresh  # not even a journal is made
    world.sync({tag("a1"): "high"})
    before = everything()
    world.plan({tag("a1"): "low", tier("a2"): "high"})
    assert everything() == before


def test_a_contact_in_a_deal_needs_both_keys(world: World) -> None:
    world.crm.add_record("商机联系人", "d1|c1")
    plan = world.plan({Target(object="deal_contact", record_id="d1|c1", kind="tag", name="x"): "y"})
    assert world.apply(plan).counts == {"written": 1}
    assert world.crm.tags("商机联系人", "d1|c1") == {"x=y"}
