"""Brakes stop a run that would turn over too much of what already carries our values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from crmrules.errors import StoppedByBrake
from crmrules.model.changes import Target
from crmrules.pipeline.brakes import Brakes

from .crm import Crm
from .world import World, note, tag

IDS = [f"a{n:03}" for n in range(100)]


def tags(*, high: int, of: int = 100) -> dict[Target, str | None]:
    """The first *high* of *of* accounts are high, the others low."""
    return {tag(id): "high" if n < high else "low" for n, id in enumerate(IDS[:of])}


@pytest.fixture
def hundred(tmp_path: Path) -> World:
    world = World(tmp_path, Crm(batch=200))
    for id in IDS:
        world.crm.add_record("客户", id)
    return world


def stopped(world: World, wanted: Mapping[Target, str | None], **options: object) -> dict[str, str]:
    traffic = world.crm.traffic()
    with pytest.raises(StoppedByBrake) as error:
        world.sync_with(wanted, **{"brakes": Brakes(), **options})
    assert world.crm.traffic() == traffic
    return {p.code: str(p) for p in error.value.problems}


def test_a_first_run_is_free(hundred: World) -> None:
    assert hundred.sync_with(tags(high=50), brakes=Brakes()).counts == {"written": 100}


def test_a_new_class_is_free(hundred: World) -> None:
    hundred.sync(tags(high=50))
    wanted = {**tags(high=50), **{tag(id, "seg.loyalty"): "x" for id in IDS}}
    assert hundred.sync_with(wanted, brakes=Brakes()).counts == {"written": 100}


def test_too_many_changed_subjects_stop_the_run(hundred: World) -> None:
    hundred.sync(tags(high=60))
    said = stopped(hundred, tags(high=29))
    assert set(said) == {"brake-subjects", "brake-tag"}
    assert "31 of 100 account records" in said["brake-subjects"]
    assert "(31%; the brake is at 30%)" in said["brake-subjects"]
    assert "--allow-share 0.32" in said["brake-subjects"]
    assert "31 of 60 holders would lose the tag account:seg.value=high" in said["brake-tag"]


def test_what_is_within_the_brakes_goes_through(hundred: World) -> None:
    hundred.sync(tags(high=100))
    assert hundred.sync_with(tags(high=70), brakes=Brakes()).counts == {"written": 30}


def test_a_single_tag_has_its_own_brake(hundred: World) -> None:
    hundred.sync(tags(high=40))
    assert set(stopped(hundred, tags(high=15))) == {"brake-tag"}  # 25 of 100 subjects, but 25 of 40 holders


def test_deleted_notes_have_their_own_brake(hundred: World) -> None:
    hundred.sync({note(id): "x" for id in IDS})
    said = stopped(hundred, {note(id): "x" for id in IDS[:79]})
    assert set(said) == {"brake-notes"}
    assert "21 of 100 notes" in said["brake-notes"]
    assert hundred.sync_with({note(id): "x" for id in IDS[:80]}, brakes=Brakes()).counts == {"written": 20}


def test_small_numbers_never_stop(hundred: World) -> None:
    hundred.sync(tags(high=20, of=20))
    assert hundred.sync_with(tags(high=0, of=20), brakes=Brakes()).counts == {"written": 20}


def test_the_hint_lifts_the_brake(hundred: World) -> None:
    hundred.sync(tags(high=100))
    said = stopped(hundred, tags(high=40))
    assert "--allow-share 0.61" in said["brake-tag"]
    assert hundred.sync_with(tags(high=40), brakes=Brakes().allowing(0.61)).counts == {"written": 60}


def test_a_ruleset_that_finds_nothing_any_more_is_stopped(hundred: World) -> None:
    """The typical accident: a source is empty, so every outcome is withdrawn."""
    hundred.sync({**tags(high=50), **{note(id): "x" for id in IDS}})
    assert set(stopped(hundred, {})) == {"brake-subjects", "brake-tag", "brake-notes"}
