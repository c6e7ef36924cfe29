"""The journal fails at every one of its steps, in turn: the run ends, the next one completes it, and no law is broken."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crmrules.errors import Problem, StoreError
from crmrules.model.changes import Target
from crmrules.pipeline.execute import Surroundings
from crmrules.pipeline.planfile import save_plan
from crmrules.stores.journal import open_journal, sqlite

from .crm import Crm
from .world import World, note, tag, tier

IDS = ["a1", "a2", "a3"]
WANTED: dict[Target, str | None] = {
    **{tag(id): "high" for id in IDS}, **{tier(id): "low" for id in IDS}, **{note(id): f"To {id}." for id in IDS[:2]},
}  # fmt: skip


class Failing:
    """A journal of which the *at*-th call fails, before or after it was committed."""

    def __init__(self, journal: Any, at: int, *, committed: bool) -> None:
        self._journal, self._left, self._committed = journal, at, committed

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._journal, name)
        return self._counted(found) if callable(found) else found

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **named: Any) -> Any:
            self._left -= 1
            if self._left == 0:
                if self._committed:
                    call(*given, **named)
                raise StoreError(Problem("disk-full", "there is no space left for the journal"))
            return call(*given, **named)

        return counted

    @property
    def is_struck(self) -> bool:
        return self._left <= 0


class FailingWorld(World):
    failing: Callable[[Any], Failing] | None = None
    struck = False

    @contextmanager
    def around(self) -> Iterator[Surroundings]:
        with super().around() as around:
            if self.failing is None:
                yield around
                return
            journal = self.failing(around.journal)
            try:
                yield replace(around, journal=journal)  # type: ignore[arg-type]
            finally:
                self.struck = journal.is_struck


def made(folder: Path) -> FailingWorld:
    folder.mkdir()
    world = FailingWorld(folder, Crm(folder / "crm.sqlite", batch=5))
    for id in IDS:
        world.crm.add_record("客户", id)
    return world


def assert_all_there_once(world: World) -> None:
    assert {(id, name) for _, id, name in world.crm.all_tags()} == {(id, "seg.value=high") for id in IDS}
    assert [note[1] for note in world.crm.all_notes()] == IDS[:2]
    assert world.crm.traffic() == len(WANTED), "a write was made twice"
    with open_journal(world.journal_path, read_only=True) as journal:
        assert journal.unfinished() == []
        assert {target: ours.value for target, ours in journal.written_many(WANTED).items()} == WANTED
        assert "running" not in {run.status for run in journal.runs()}


def each_step(folder: Path, *, committed: bool) -> Iterator[tuple[FailingWorld, Callable[[], None]]]:
    """Yield a new world for each step that there is, and what lets that step fail from now on."""
    for at in range(1, 100):
        world = made(folder / f"{committed}-{at}")
        world.crm.add_tag("客户", "a1", "VIP")

        def fail(world: FailingWorld = world, at: int = at) -> None:
            world.failing = lambda journal: Failing(journal, at, committed=committed)

        yield world, fail
        if not world.struck:
            assert at > 8, "that many steps there must have been"
            return
    raise AssertionError("a run without an end")


@pytest.mark.parametrize("committed", [False, True])
def test_whatever_step_of_an_apply_the_journal_fails_at(tmp_path: Path, committed: bool) -> None:
    for world, fail in each_step(tmp_path, committed=committed):
        plan = world.plan(WANTED)
        fail()
        try:
            world.apply(plan)
        except StoreError:
            assert world.struck
        world.failing = None
        world.apply(plan)
        world.crm.remove_tag("客户", "a1", "VIP")
        assert_all_there_once(world)


def test_whatever_step_of_an_undo_the_journal_fails_at(tmp_path: Path) -> None:
    for world, fail in each_step(tmp_path, committed=False):
        before = world.crm.contents()
        run = world.sync(WANTED).run
        fail()
        try:
            world.undo(run)
        except StoreError:
            assert world.struck
        world.failing = None
        world.undo(run)
        assert world.crm.contents() == before
        assert world.crm.traffic() == 2 * len(WANTED), "a write was made twice"
        with open_journal(world.journal_path, read_only=True) as journal:
            assert {ours.value for ours in journal.written_many(WANTED).values()} <= {None}
            assert journal.unfinished() == []


def test_a_journal_that_another_process_holds_stops_the_run_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "WAIT_SECONDS", 0.05)
    world = made(tmp_path / "w")
    plan = world.plan(WANTED)
    with open_journal(world.journal_path):
        pass
    with closing(sqlite3.connect(world.journal_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as caught:
            world.apply(plan)
    assert caught.value.problems[0].code == "journal-locked"
    assert world.crm.traffic() == 0
    world.apply(plan)
    assert_all_there_once(world)


APPLY = """
import resource, signal, sys
from pathlib import Path
from crmrules.errors import StoreError
from crmrules.pipeline.planfile import load_plan
from writeback.crm import Crm
from writeback.world import World

folder, most = Path(sys.argv[1]), int(sys.argv[2])
world = World(folder, Crm(folder / "crm.sqlite", batch=2))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
try:
    world.apply(load_plan(folder / "plan.json"))
except StoreError:
    sys.exit(3)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs the limits of POSIX")
def test_a_disk_without_room_stops_the_run_and_loses_nothing(tmp_path: Path) -> None:
    world = made(tmp_path / "w")
    save_plan(world.plan(WANTED), tmp_path / "w" / "plan.json")
    with open_journal(world.journal_path):
        pass
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    script = [sys.executable, "-c", APPLY, str(tmp_path / "w")]
    room = "60000"  # bytes that a file may have: the write-ahead log grows with every batch
    done = subprocess.run(
        [*script, room], env={**os.environ, "PYTHONPATH": path}, check=False, capture_output=True, text=True
    )
    assert done.returncode == 3, done.stderr
    assert 0 < world.crm.traffic() < len(WANTED), "it stopped in the middle"
    world.apply(world.plan(WANTED))
    assert_all_there_once(world)
