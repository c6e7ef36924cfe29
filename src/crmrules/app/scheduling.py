"""When to run, and a loop that does: no overlap, catch-up once after a sleep, a stop that ends nothing in the middle.

cronsim does the arithmetic of cron expressions: it follows Debian's cron in what Sunday is, in how day and weekday
combine, and in what a change of daylight saving time does to a run at 02:30. APScheduler 3 counts weekdays from Monday.
"""

from __future__ import annotations

import random
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from types import FrameType
from typing import Protocol

from crmrules.app import alerts
from crmrules.app.kept import keep, kept
from crmrules.app.setup import now, open_profile
from crmrules.errors import Problem, RulesetError

GRACE = timedelta(minutes=1)  # a run that starts later than this after its time has missed it
_LOOK = 0.5  # seconds between two looks at the clock: it jumps when the machine wakes up, and signals set a flag
_FILE = "schedule.json"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Times(Protocol):
    """When runs are due."""

    def first(self, moment: datetime) -> datetime:
        """Return the first time of all, for a schedule that begins at *moment*."""

    def next(self, due: datetime, moment: datetime) -> datetime:
        """Return the first time after *moment* of those that follow *due*."""


@dataclass(frozen=True)
class Every:
    """One run each *interval*, the first one at once."""

    interval: timedelta

    def first(self, moment: datetime) -> datetime:
        return moment

    def next(self, due: datetime, moment: datetime) -> datetime:
        return due + self.interval * (max(moment - due, timedelta()) // self.interval + 1)


@dataclass(frozen=True)
class Cron:
    """The times of a cron expression (five fields) in a time zone."""

    expression: str
    zone: tzinfo

    def __post_init__(self) -> None:
        """Raise RulesetError where the expression is none, or names no time at all."""
        from cronsim import CronSimError

        why = ""
        try:
            self.first(now())
        except CronSimError as error:
            why = str(error)
        except StopIteration:
            why = "no such day in the next 50 years"
        if why or len(self.expression.split()) != 5:
            raise RulesetError(
                Problem("bad-cron", f"{self.expression!r}: {why}", expected='five fields, such as "0 2 * * *"')
            )

    def first(self, moment: datetime) -> datetime:
        from cronsim import CronSim

        return next(CronSim(self.expression, moment.astimezone(self.zone)))

    def next(self, due: datetime, moment: datetime) -> datetime:
        return self.first(max(due, moment))


def duration(said: str) -> timedelta:
    """Read ``90s``, ``30m``, ``24h`` or ``7d``; raises ValueError."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", said)
    if found is None:
        raise ValueError(f"{said!r} is no duration: write 90s, 30m, 24h or 7d")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def zone(name: str = "") -> tzinfo:
    """Return the time zone called *name*, else this machine's. Raises RulesetError."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if not name:
        import tzlocal

        return tzlocal.get_localzone()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise RulesetError(
            Problem("unknown-timezone", f"there is no time zone {name!r}", expected="a name such as Asia/Shanghai")
        ) from error


class Stop:
    """Whether somebody asked us to stop; call it to know."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Turn the first SIGTERM or SIGINT into a wish to stop while the block runs; the second does what it always does."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():  # signals go to the main thread only
        yield stop
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def ask(number: int, frame: FrameType | None) -> None:
        stop.asked = True
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        restore()


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When to run and how strictly. *last* is when a run was last due, None where none ever was."""

    times: Times
    jitter: timedelta = timedelta()  # each run begins up to so much later, by chance
    catch_up: bool = True  # whether missed times, however many, make for one run as soon as may be
    last: datetime | None = None


def run_schedule(
    schedule: Schedule,
    work: Callable[[datetime], None],
    stop: Callable[[], bool],
    tell: Callable[[str, datetime], None],
    *,
    clock: Callable[[], datetime] = now,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Call *work* with the time that was due, again and again, until *stop* says so.

    *tell* hears of ``waiting`` (with the time of the next run) and ``missed`` (with the time that was).
    *work* is to raise nothing.
    """
    times = schedule.times
    due = times.first(clock()) if schedule.last is None else times.next(schedule.last, schedule.last)
    while not stop():
        start = due + schedule.jitter * random.random()  # noqa: S311 - spreads load, keeps no secret
        if start > clock():
            tell("waiting", start)
        while not stop() and (left := (start - clock()).total_seconds()) > 0:
            pause(min(left, _LOOK))
        if stop():
            return
        moment = clock()
        if moment - start > GRACE:
            tell("missed", due)
            if not schedule.catch_up:
                due = times.next(due, moment)
                continue
            due = moment
        work(due)
        due = times.next(due, due)


def last_due(profile: Path) -> datetime | None:
    """Return when a run of the profile's schedule was last due, None where none was. Raises RulesetError."""
    said = kept(open_profile(profile).state / _FILE).get("due")
    return datetime.fromisoformat(said) if isinstance(said, str) else None


def keep_due(profile: Path, due: datetime) -> None:
    """Remember that the run that was *due* has begun, so that a restart neither repeats nor forgets one."""
    keep(open_profile(profile).state / _FILE, {"due": due.isoformat(timespec="seconds")})


def check(profile: Path) -> None:
    """Raise what would make every alert fail: apprise or a secret is missing, an address is none."""
    alerts.check(open_profile(profile))
