"""Undo puts back what stood there before a run, and spares what was touched since."""

from __future__ import annotations

import pytest

from crmrules.errors import PlanError, StoreError
from crmrules.pipeline.runs import show_run
from crmrules.pipeline.undo import Only
from crmrules.stores.journal import open_journal

from .world import World, note, tag, tier

WANTED = {tag("a1"): "high", tier("a1"): "high", note("a1"): "Call her.", tag("a2"): "low"}


def test_undo_of_a_first_run_leaves_the_crm_as_it_was(world: World) -> None:
    world.crm.add_tag("客户", "a1", "VIP")
    before = world.crm.contents()
    run = world.sync(WANTED).run
    assert world.undo(run).counts == {"written": 4}
    assert world.crm.contents() == before


def test_undo_of_a_later_run_brings_back_the_values_before_it(world: World) -> None:
    world.sync(WANTED)
    before = world.crm.contents()
    run = world.sync({tag("a1"): "low", note("a1"): "Write to her."}).run
    assert world.crm.contents() != before
    world.undo(run)
    assert world.crm.contents() == before
    assert world.plan(WANTED).changes == ()  # they are ours again


def test_a_persons_edit_since_is_spared(world: World) -> None:
    run = world.sync(WANTED).run
    world.crm.set_field("客户", "a1", "客户等级", "低")
    report = world.undo(run)
    assert report.counts == {"written": 3, "stale": 1}
    assert [c.target for c, _ in report.not_written] == [tier("a1")]
    assert world.crm.records("客户")["a1"]["客户等级"] == "低"


def test_runs_can_be_undone_one_after_the_other_newest_first(world: World) -> None:
    runs = [world.sync({tag("a1"): value}).run for value in ("low", "medium", "high")]
    for run in reversed(runs):
        assert world.undo(run).counts == {"written": 1}
    assert world.crm.tags("客户", "a1") == set()


def test_undoing_an_undo_brings_the_later_run_back_and_the_earlier_must_wait_again(world: World) -> None:
    first, second = (world.sync({tag("a1"): value}).run for value in ("low", "high"))
    undo = world.undo(second).run
    assert world.undo(undo).counts == {"written": 1}
    assert world.crm.tags("客户", "a1") == {"seg.value=high"}
    assert world.undo(first).counts == {"later": 1}


def test_what_a_later_run_wrote_is_left_to_the_undo_of_that_run(world: World) -> None:
    first = world.sync({tag("a1"): "high", tag("a2"): "high"}).run
    second = world.sync({tag("a1"): "low", tag("a2"): "high"}).run
    assert world.undo(first).counts == {"written": 1, "later": 1}
    assert world.crm.tags("客户", "a1") == {"seg.value=low"}
    world.undo(second)
    assert world.crm.tags("客户", "a1") == {"seg.value=high"}


def test_the_same_value_written_anew_is_not_undone_with_the_old_run(world: World) -> None:
    first = world.sync({tag("a1"): "high"}).run
    world.undo(first)
    world.sync({tag("a1"): "high"})
    assert world.undo(first).counts == {"later": 1}
    assert world.crm.tags("客户", "a1") == {"seg.value=high"}


def test_an_undo_can_be_undone(world: World) -> None:
    run = world.sync(WANTED).run
    after = world.crm.contents()
    undo = world.undo(run).run
    redo = world.undo(undo).run
    assert world.crm.contents() == after
    assert world.plan(WANTED).changes == ()
    world.undo(redo)
    assert world.crm.contents()["tags"] == []


def test_a_second_undo_finds_nothing_left(world: World) -> None:
    run = world.sync(WANTED).run
    world.undo(run)
    traffic = world.crm.traffic()
    assert world.undo(run).counts == {"later": 4}
    assert world.crm.traffic() == traffic


def test_what_a_person_had_deleted_stays_deleted_after_an_undo(world: World) -> None:
    world.sync({tag("a1"): "high"})
    world.crm.remove_tag("客户", "a1", "seg.value=high")
    run = world.sync({tag("a1"): "low"}).run
    world.undo(run)
    assert world.crm.tags("客户", "a1") == set()
    assert world.plan({tag("a1"): "high"}).changes == ()


def test_a_removed_note_comes_back(world: World) -> None:
    world.sync({note("a1"): "Call her."})
    run = world.sync({}).run
    assert world.crm.all_notes() == []
    world.undo(run)
    assert [n[3] for n in world.crm.all_notes()] == ["Call her."]


def test_runs_that_wrote_nothing_or_never_were_are_said_so(world: World) -> None:
    run = world.sync({}).run
    with pytest.raises(PlanError, match="nothing-to-undo"):
        world.undo(run)
    with pytest.raises(StoreError, match="unknown-run"):
        world.undo(99)


def test_a_run_shows_what_it_wrote_and_who_took_it_back(world: World) -> None:
    run = world.sync({tag("a1"): "high"}).run
    undo = world.undo(run).run
    with open_journal(world.journal_path, read_only=True) as journal:
        shown = show_run(journal, run)
        assert (shown.run.kind, shown.run.status, shown.undone_by) == ("apply", "done", (undo,))
        assert [(s.intent.change.old, s.intent.change.new) for s in shown.steps] == [(None, "high")]
        assert shown.results == {"written": 1}
        assert [r.id for r in journal.runs()] == [undo, run]


class TestOnlySome:
    """An undo may be narrowed to accounts and rules."""

    def test_of_a_run(self, world: World) -> None:
        run = world.sync(WANTED).run
        assert world.undo(run, only=Only(accounts=frozenset({"A:a2"}))).counts == {"written": 1}
        assert world.crm.tags("客户", "a2") == set()
        assert world.crm.tags("客户", "a1") == {"seg.value=high"}
        assert world.undo(run, only=Only(rules=frozenset({"rule.tier"}))).counts == {"written": 1}

    def test_that_means_nothing_says_so(self, world: World) -> None:
        run = world.sync(WANTED).run
        with pytest.raises(PlanError, match="about A:nobody"):
            world.undo(run, only=Only(accounts=frozenset({"A:nobody"})))


class TestEverything:
    """All that is ours goes, of whichever run, and the CRM is as it was before us."""

    def test_over_several_runs_and_undos(self, world: World) -> None:
        world.crm.add_tag("客户", "a1", "VIP")
        before = world.crm.contents()
        world.sync(WANTED)
        second = world.sync({**WANTED, tag("a1"): "low", note("a1"): "Write to her."}).run
        world.undo(second)
        world.sync({**WANTED, tag("a1"): "low"})
        report = world.undo_ours()
        assert report.counts == {"written": 4}
        assert world.crm.contents() == before

    def test_a_persons_edits_stay(self, world: World) -> None:
        world.sync(WANTED)
        world.crm.set_field("客户", "a1", "客户等级", "低")
        assert world.undo_ours().counts == {"written": 3, "stale": 1}
        assert world.crm.records("客户")["a1"]["客户等级"] == "低"

    def test_it_can_be_undone(self, world: World) -> None:
        world.sync(WANTED)
        written = world.crm.contents()
        run = world.undo_ours().run
        world.undo(run)
        assert world.crm.contents() == written

    def test_one_rule_of_all_runs(self, world: World) -> None:
        world.sync({tag("a1"): "high"})
        world.sync({tag("a1"): "high", tag("a2"): "low", tier("a2"): "high"})
        assert world.undo_ours(only=Only(rules=frozenset({"rule.seg.value"}))).counts == {"written": 2}
        assert world.crm.records("客户")["a2"]["客户等级"] == "高"

    def test_where_nothing_is_ours_it_says_so(self, world: World) -> None:
        with pytest.raises(PlanError, match="nothing of ours"):
            world.undo_ours()
