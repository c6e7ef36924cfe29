"""`crmrules schedule run`: at its times, never two at once, once after a sleep, and stopped without a loss."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.world import make
from crmrules.app.scheduling import Cron, Every, Schedule, run_schedule
from crmrules.cli.main import exit_code
from crmrules.errors import RulesetError
from crmrules.pipeline.apply import apply_plan
from crmrules.pipeline.execute import Surroundings
from crmrules.stores.journal import open_journal
from crmrules.stores.lock import run_lock
from writeback.world import OPEN, World, tag

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")


@dataclass
class Days:
    """A clock that only sleeping moves; ``asleep`` are nights at which the machine sleeps through to a later time."""

    now: datetime = BEGIN
    asleep: dict[datetime, datetime] = field(default_factory=dict)
    ran: list[datetime] = field(default_factory=list)
    told: list[tuple[str, datetime]] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=max(seconds, 600))
        for from_, to in self.asleep.items():
            if from_ <= self.now < to:
                self.now = to

    def run(self, schedule: Schedule, until: datetime, lasts: timedelta = timedelta()) -> None:
        def work(due: datetime) -> None:
            self.ran.append(self.now)
            self.now += lasts

        run_schedule(
            schedule, work, lambda: self.now >= until, lambda event, at: self.told.append((event, at)),
            clock=lambda: self.now, pause=self.pause,
        )  # fmt: skip


def test_an_interval_begins_at_once_and_goes_on_from_there() -> None:
    days = Days()
    days.run(Schedule(times=Every(DAY)), BEGIN + 2.5 * DAY)
    assert [moment.replace(minute=0) for moment in days.ran] == [BEGIN, BEGIN + DAY, BEGIN + 2 * DAY]


def test_a_restart_neither_repeats_nor_forgets_a_run() -> None:
    days = Days()
    days.run(Schedule(times=Every(DAY), last=BEGIN - HOUR), BEGIN + DAY)
    assert [moment.replace(minute=0) for moment in days.ran] == [BEGIN + 23 * HOUR]
    late = Days()
    late.run(Schedule(times=Every(DAY), last=BEGIN - 3 * DAY - HOUR), BEGIN + HOUR)
    assert late.ran == [BEGIN]


def test_nights_slept_through_make_for_one_run_or_none() -> None:
    nights = Cron("0 2 * * *", UTC)
    sleep = {BEGIN + HOUR: BEGIN + 5 * DAY}
    once = Days(asleep=sleep)
    once.run(Schedule(times=nights), BEGIN + 6 * DAY)
    assert [moment.day for moment in once.ran] == [6, 7]
    assert ("missed", datetime(2026, 3, 2, 2, tzinfo=UTC)) in once.told
    none = Days(asleep=sleep)
    none.run(Schedule(times=nights, catch_up=False), BEGIN + 6 * DAY)
    assert [moment.day for moment in none.ran] == [7]


def test_a_run_that_takes_longer_than_its_interval_is_followed_by_one() -> None:
    days = Days()
    days.run(Schedule(times=Every(HOUR)), BEGIN + 5 * HOUR, lasts=2.5 * HOUR)
    assert [moment - BEGIN for moment in days.ran] == [timedelta(), 2.5 * HOUR]


def test_jitter_delays_and_never_hastens() -> None:
    days = Days()
    days.run(Schedule(times=Cron("0 2 * * *", UTC), jitter=HOUR), BEGIN + 20 * DAY)
    assert len(days.ran) == 20
    assert {moment.hour for moment in days.ran} <= {2, 3}


def test_cron_means_what_cron_means() -> None:
    sunday = datetime(2026, 3, 8, 2, tzinfo=UTC)
    assert Cron("0 2 * * 0", UTC).first(BEGIN + DAY) == Cron("0 2 * * SUN", UTC).first(BEGIN + DAY) == sunday
    night = Cron("30 2 * * *", BERLIN)  # 29 March: 02:30 is left out, 25 October: it is there twice
    before = datetime(2026, 3, 28, 12, tzinfo=BERLIN)
    assert night.first(before).astimezone(UTC) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    one = night.first(datetime(2026, 10, 24, 12, tzinfo=BERLIN))
    assert night.next(one, one).date() == one.date() + DAY


@pytest.mark.parametrize("said", ["0 2 * *", "61 2 * * *", "0 2 31 2 *", "* * * * * *", "soon"])
def test_what_is_no_cron_expression_is_refused(said: str) -> None:
    with pytest.raises(RulesetError, match="five fields"):
        Cron(said, UTC)


@given(
    st.sampled_from([Every(HOUR), Every(7 * HOUR), Cron("*/20 * * * *", UTC), Cron("5 0 1 * *", BERLIN)]),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    st.timedeltas(-3 * DAY, 3 * DAY),
)
def test_the_next_time_is_after_both(times: Every | Cron, due: datetime, later: timedelta) -> None:
    following = times.next(due, due + later)
    assert following > due
    assert following > due + later
    assert times.next(due, following - timedelta(seconds=1)) == following


def test_wrong_use_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile = str(make(tmp_path))
    run = ("schedule", "run", "--profile", profile)
    assert exit_code([*run]) == 2
    assert exit_code([*run, "--every", "soon"]) == 2
    assert exit_code([*run, "--every", "1h", "--cron", "0 2 * * *"]) == 2
    assert exit_code([*run, "--cron", "0 2 * * *", "--timezone", "Asia/Peking"]) == 3
    assert "no time zone 'Asia/Peking'" in capsys.readouterr().err


class Running:
    """A schedule in a process of its own."""

    def __init__(self, profile: Path, *arguments: str) -> None:
        command = [sys.executable, "-c", "from crmrules.cli.main import run; run()", "schedule", "run"]
        command += ["--profile", str(profile), "--log-format", "json", "--engine", "python", *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "TZ": "UTC"})
        self.log: list[dict[str, object]] = []

    def until(self, event: str, then: Callable[[], object] = lambda: None) -> dict[str, object]:
        """Read the log up to *event*."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(json.loads(line))
            if self.log[-1]["event"] == event:
                then()
                return self.log[-1]
        raise AssertionError(f"no {event}: {self.log}")

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stderr is not None
        self.log += [json.loads(line) for line in self.process.stderr]
        return self.process.wait(20)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_real_schedule_skips_fails_goes_on_and_stops(tmp_path: Path) -> None:
    profile = make(tmp_path)
    good = profile.read_text("utf-8")
    with run_lock(tmp_path / "state", command="crmrules pull", now=datetime.now(UTC)):
        running = Running(profile, "--every", "1s")
        assert running.until("skipped", lambda: profile.write_text("schema: what\n", "utf-8"))["exit_code"] == 6
    try:
        assert running.until("failed", lambda: profile.write_text(good, "utf-8"))["exit_code"] == 3
        done = running.until("finished")
        assert (done["exit_code"], done["counts"]) == (0, {"written": 5})
    finally:
        began = time.monotonic()
        assert running.end() == 0
    assert time.monotonic() - began < 15
    assert running.log[-1]["event"] == "ended"


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_sigterm_during_a_run_ends_it_and_the_next_one_goes_on(tmp_path: Path) -> None:
    profile = make(tmp_path)
    running = Running(profile, "--every", "1h")
    running.until("started")
    assert running.end() == 0
    assert [line["exit_code"] for line in running.log if line["event"] == "stopped"] == [130]


def test_a_wish_to_stop_lets_the_batch_in_hand_finish(tmp_path: Path) -> None:
    world = World(tmp_path)
    ids = [f"a{n:03}" for n in range(10)]
    for id in ids:
        world.crm.add_record("客户", id)
    wanted = {tag(id): "high" for id in ids}
    plan = world.plan(wanted)
    asked = iter([False, True])
    with open_journal(world.journal_path) as journal:
        around = Surroundings(
            connector=world.crm, translation=world.translation, journal=journal, now=lambda: BEGIN,
            stopping=lambda: next(asked),
        )  # fmt: skip
        report = apply_plan(plan, around, profile=plan.profile, brakes=OPEN)
        (run,) = journal.runs()
        assert journal.unfinished() == []
    batch = world.crm.capabilities.batch
    assert report.stopped
    assert report.counts == {"written": batch, "left": len(ids) - batch}
    assert (run.status, run.counts) == ("stopped", report.counts)
    assert world.sync(wanted).counts["written"] == len(ids) - batch
