"""One whole round as an admin watches it: what came of it is kept for `status`, and told to those who want to know."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from crmrules.app import alerts, deciding, records, writing
from crmrules.app.kept import keep, kept
from crmrules.app.setup import Setup, now, open_profile
from crmrules.errors import BudgetSpent, CrmrulesError, Problem, RetryLater, StoreError

if TYPE_CHECKING:
    from crmrules.app.writing import Synced
    from crmrules.pipeline.execute import Report

STOPPED = 130
BUG = 70
_FILE = "last-sync.json"


class Stopped(RetryLater):
    """Somebody asked the run to end. A RetryLater, on which a pull keeps what it has read."""

    exit_code = STOPPED


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """The last sync that was tried, however it ended; times are ISO 8601 in UTC."""

    started: str
    ended: str
    exit_code: int
    run: int | None = None  # of the journal, where it came so far
    counts: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()  # [code] message


def sync(
    profile: Path,
    *,
    as_of: date,
    stopping: Callable[[], bool],
    warn: Callable[[str], None],
    engine: str = "",
    full: bool = False,
    lenient: bool = False,
    allow_share: float | None = None,
    pulled: records.Progress | None = None,
    decided: deciding.Progress = lambda stage: None,
    written: writing.Progress | None = None,
) -> Synced:
    """Do one round (:func:`crmrules.app.writing.sync`), keep what came of it, and send the profile's alerts.

    *stopping* is asked between pages, stages and batches. *warn* hears of alerts that could not be sent.
    Raises what the round raises, and Stopped.
    """

    def page(what: str, done: int, total: int | None) -> None:
        _end_if(stopping)
        if pulled:
            pulled(what, done, total)

    def stage(name: str) -> None:
        _end_if(stopping)
        decided(name)

    setup = open_profile(profile)
    started = now()
    try:
        done = writing.sync(
            profile, as_of=as_of, engine=engine, full=full, lenient=lenient, allow_share=allow_share,
            pulling=page, deciding=stage, writing=written, stopping=stopping,
        )  # fmt: skip
    except Exception as error:
        if not in_progress(error):
            attempt = failed(error, started, now())
            _keep(setup, attempt)
            if not isinstance(error, Stopped):
                kind: alerts.Kind = "quota" if isinstance(error, BudgetSpent) else "failed"
                alerts.send(setup, [alerts.failure(kind, attempt.exit_code, attempt.problems)], now(), warn)
        raise
    report = done.applied.report if done.applied else None
    assert report is not None
    attempt = Attempt(
        started=_iso(started), ended=_iso(now()), exit_code=exit_code(report),
        run=report.run, counts={str(k): n for k, n in report.counts.items()}, problems=said(report.error.problems if report.error else ()),
    )  # fmt: skip
    _keep(setup, attempt)
    if not report.stopped:
        alerts.send(setup, alerts.after_sync(setup, done, attempt.problems), now(), warn, over=alerts.KINDS)
    return done


def failed(error: BaseException, started: datetime, ended: datetime) -> Attempt:
    """Return what to keep of a round that *error* ended."""
    if isinstance(error, CrmrulesError):
        code, problems = error.exit_code, said(error.problems)
    else:
        code, problems = BUG, (f"[bug] {type(error).__name__}",)
    return Attempt(started=_iso(started), ended=_iso(ended), exit_code=code, problems=problems)


def last_attempt(setup: Setup) -> Attempt | None:
    """Return the last sync that was tried; None where there is none, or it can't be read."""
    found = kept(setup.state / _FILE)
    try:
        return Attempt(**{**found, "problems": tuple(found["problems"])})
    except (TypeError, KeyError):
        return None


def exit_code(report: Report) -> int:
    """Return the exit code that a round's *report* stands for."""
    return STOPPED if report.stopped else report.exit_code


def traceback_of(error: BaseException) -> tuple[str, ...]:
    """Return the lines of a bug's traceback."""
    return tuple("".join(traceback.format_exception(error)).splitlines())


def in_progress(error: BaseException) -> bool:
    """Whether *error* only says that another run is at work."""
    return isinstance(error, StoreError) and any(p.code == "run-in-progress" for p in error.problems)


def _keep(setup: Setup, attempt: Attempt) -> None:
    keep(setup.state / _FILE, asdict(attempt))


def _end_if(stopping: Callable[[], bool]) -> None:
    if stopping():
        raise Stopped(Problem("stopped", "somebody asked this run to stop", hint="the next run goes on from here"))


def said(problems: tuple[Problem, ...]) -> tuple[str, ...]:
    """Return a line for each problem."""
    return tuple(f"[{p.code}] {p.message}" for p in problems)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
