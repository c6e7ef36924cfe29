"""Whatever happens in mid-run, nothing is written twice, nothing is lost, and nothing of a person's is taken for ours."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from crmrules.contracts.connector import NativeReceipt, NativeWrite
from crmrules.errors import ConnectorError, Problem, RetryLater
from crmrules.model.changes import Result, Target
from crmrules.pipeline.planfile import save_plan
from crmrules.stores.journal import open_journal

from .crm import Crm
from .killing import apply_and_kill
from .world import World, note, tag, tier

IDS = [f"a{n}" for n in range(7)]
WANTED: dict[Target, str | None] = {
    **{tag(id): "high" for id in IDS}, **{tier(id): "low" for id in IDS}, **{note(id): f"To {id}." for id in IDS[:3]},
}  # fmt: skip


class Killed(BaseException):
    """The process dies here; nobody catches it."""


class Faulty:
    """Passes calls on to a CRM and fails at the *at*-th one, before or after it arrived."""

    def __init__(self, crm: Crm, at: int, error: BaseException, *, arrived: bool, calls: Sequence[str]) -> None:
        self._crm, self._left, self._error, self._arrived, self._calls = crm, at, error, arrived, calls
        self.capabilities = crm.capabilities

    def current(self, wanted: Sequence[NativeWrite]) -> Sequence[str | None]:
        return self._pass("current", wanted)

    def write(self, writes: Sequence[NativeWrite]) -> Sequence[NativeReceipt]:
        return self._pass("write", writes)

    def _pass(self, call: str, given: Sequence[NativeWrite]):  # type: ignore[no-untyped-def]
        self._left -= call in self._calls
        if self._left == 0 and call in self._calls:
            self._left = -1
            if self._arrived:
                getattr(self._crm, call)(given)
            elif call == "write":
                self._crm.write(given[:1])  # a batch may arrive in part
            raise self._error
        return getattr(self._crm, call)(given)


def lost() -> ConnectorError:
    return RetryLater(Problem("timeout", "no answer"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, Crm(tmp_path / "crm.sqlite", batch=4))
    for id in IDS:
        world.crm.add_record("客户", id)
    return world


def assert_all_there_once(world: World) -> None:
    assert len(world.crm.all_tags()) == len(IDS)
    assert len(world.crm.all_notes()) == 3
    assert world.crm.traffic() == len(WANTED)  # no change ever came twice
    assert world.plan(WANTED).changes == ()
    assert world.plan(WANTED).dissents == ()
    with open_journal(world.journal_path) as journal:
        assert journal.unfinished() == []
        assert all(journal.written(target) is not None for target in WANTED)


@pytest.mark.parametrize("arrived", [True, False])
@pytest.mark.parametrize("at", [1, 2, 3, 5])
@pytest.mark.parametrize("error", [Killed(), lost()], ids=["killed", "answer lost"])
def test_a_run_broken_at_any_write_is_completed_by_the_next(
    world: World, at: int, arrived: bool, error: BaseException
) -> None:
    plan = world.plan(WANTED)
    world.wrap = lambda crm: Faulty(crm, at, error, arrived=arrived, calls=["write"])
    if isinstance(error, Killed):
        with pytest.raises(Killed):
            world.apply(plan)
    else:
        assert world.apply(plan).error is error
    world.wrap = lambda crm: crm
    world.apply(plan)
    assert_all_there_once(world)


@pytest.mark.parametrize("at", [1, 2, 4])
def test_a_run_broken_at_any_read_is_completed_by_the_next(world: World, at: int) -> None:
    plan = world.plan(WANTED)
    world.wrap = lambda crm: Faulty(crm, at, lost(), arrived=False, calls=["current"])
    report = world.apply(plan)
    assert report.error is not None
    assert report.count("left") == len(WANTED) - report.count("written")
    world.wrap = lambda crm: crm
    world.apply(plan)
    assert_all_there_once(world)


def test_a_fresh_plan_after_a_crash_knows_what_arrived(world: World) -> None:
    """Between the crash and the next apply, what arrived is ours already: no dissent, no change."""
    world.wrap = lambda crm: Faulty(crm, 2, Killed(), arrived=True, calls=["write"])
    with pytest.raises(Killed):
        world.apply(world.plan(WANTED))
    plan = world.plan({t: "medium" if t.kind != "note" else "New." for t in WANTED})
    assert plan.dissents == ()
    assert len(plan.changes) == len(WANTED)
    world.wrap = lambda crm: crm
    assert world.apply(plan).counts == {"written": len(WANTED)}


def test_writes_stay_open_while_the_crm_can_not_be_read(world: World) -> None:
    class Down(Faulty):
        def current(self, wanted: Sequence[NativeWrite]) -> Sequence[str | None]:
            if self._left < 0:
                raise lost()
            return super().current(wanted)

    plan = world.plan(WANTED)
    world.wrap = lambda crm: Down(crm, 2, lost(), arrived=True, calls=["write"])
    report = world.apply(plan)
    assert report.counts == {"written": 4, "unknown": 4, "left": len(WANTED) - 8}
    with open_journal(world.journal_path, read_only=True) as journal:
        assert journal.run(report.run).status == "interrupted"
        assert len(journal.unfinished()) == 4
    world.wrap = lambda crm: crm
    assert world.resume() == {Result.written: 4}
    assert world.resume() == {}
    world.apply(plan)
    assert_all_there_once(world)


def test_a_person_who_edits_after_the_crash_wins(world: World) -> None:
    plan = world.plan({tier("a0"): "high"})
    world.wrap = lambda crm: Faulty(crm, 1, Killed(), arrived=True, calls=["write"])
    with pytest.raises(Killed):
        world.apply(plan)
    world.crm.set_field("客户", "a0", "客户等级", "低")
    world.wrap = lambda crm: crm
    assert world.resume() == {Result.stale: 1}
    world.apply(plan)
    world.sync({tier("a0"): "medium"})
    assert world.crm.records("客户")["a0"]["客户等级"] == "低"


@pytest.mark.parametrize("then", ["high", "low", None])
def test_a_tag_taken_off_for_another_that_never_came_is_our_doing_not_a_persons(world: World, then: str | None) -> None:
    """Some CRMs take a tag off and put one on in two calls; between them the process may die, or the CRM."""

    class Half(Faulty):
        def write(self, writes: Sequence[NativeWrite]) -> Sequence[NativeReceipt]:
            self._crm.remove_tag("客户", "a0", "seg.value=high")
            raise self._error

    world.sync({tag("a0"): "high"})
    world.wrap = lambda crm: Half(crm, 1, Killed(), arrived=False, calls=[])
    with pytest.raises(Killed):
        world.sync({tag("a0"): "low"})
    world.wrap = lambda crm: crm
    world.resume()
    world.sync({tag("a0"): then} if then else {})
    assert world.crm.tags("客户", "a0") == ({f"seg.value={then}"} if then else set())


@pytest.mark.parametrize("arrived", [True, False])
def test_an_undo_broken_in_the_middle_is_completed_by_the_next(world: World, arrived: bool) -> None:
    before = world.crm.contents()
    run = world.sync(WANTED).run
    world.wrap = lambda crm: Faulty(crm, 2, Killed(), arrived=arrived, calls=["write"])
    with pytest.raises(Killed):
        world.undo(run)
    world.wrap = lambda crm: crm
    world.undo(run)
    assert world.crm.contents() == before
    assert len(world.plan(WANTED).changes) == len(WANTED)  # nothing counts as a person's


def test_a_run_that_died_is_closed_by_the_next(world: World) -> None:
    world.wrap = lambda crm: Faulty(crm, 3, Killed(), arrived=True, calls=["write"])
    with pytest.raises(Killed):
        world.apply(world.plan(WANTED))
    with sqlite3.connect(world.journal_path) as journal:  # as a SIGKILL leaves it
        journal.execute("UPDATE run SET status = 'running', ended = NULL, counts = '{}'")
    world.wrap = lambda crm: crm
    world.resume()
    with open_journal(world.journal_path) as journal:
        [run] = journal.runs()
    assert (run.status, run.counts) == ("interrupted", {"written": 12})
    assert run.ended


APPLY = """
import sys, time
from pathlib import Path
from crmrules.pipeline.planfile import load_plan
from writeback.crm import Crm
from writeback.world import World

class Far(Crm):
    def _write(self, w):
        time.sleep(0.002)
        receipt = super()._write(w)
        time.sleep(0.002)
        return receipt

folder = Path(sys.argv[1])
world = World(folder, Far(folder / "crm.sqlite", batch=2))
world.apply(load_plan(folder / "plan.json"), progress=lambda *done: print(*done, flush=True))
"""


@pytest.mark.parametrize("seed", range(3))
def test_real_kills_lose_nothing_and_double_nothing(world: World, tmp_path: Path, seed: int) -> None:
    """A process is killed at a random moment, begun again, and killed again."""
    random_ = random.Random(seed)
    save_plan(world.plan(WANTED), tmp_path / "plan.json")
    for _ in range(3):
        apply_and_kill(APPLY, tmp_path, random_)
    with open_journal(world.journal_path, read_only=True) as journal:
        assert [run.status for run in journal.runs()][-1] == "interrupted"  # the first died in the middle
    world.apply(world.plan(WANTED))
    assert_all_there_once(world)
