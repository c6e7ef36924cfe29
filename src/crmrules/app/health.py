"""How a profile is: when it was last brought up to date, who is at work, and what waits for a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from crmrules.app import alerts, attempts
from crmrules.app.attempts import Attempt, last_attempt
from crmrules.app.kept import write_whole
from crmrules.app.setup import Setup, now, open_profile, opened_journal
from crmrules.contracts.connector import Check
from crmrules.errors import StoreError
from crmrules.model.text import clean, text

if TYPE_CHECKING:
    from crmrules.stores.journal import Journal, Run

MAX_AGE = timedelta(hours=26)  # a nightly run, and two hours for jitter and for itself


@dataclass(frozen=True, kw_only=True)
class Health:
    """What is known without asking the CRM; times are in UTC, None where it never happened."""

    pulled: datetime | None
    decided: datetime | None
    applied: datetime | None  # the last run that wrote, however it ended
    good_sync: datetime | None  # the last apply that came to its end
    age_hours: float | None  # of the last good sync
    running: Mapping[str, object]  # command, pid, host and since of the run that is at work
    unanswered: int  # writes of which nobody knows whether they arrived
    quarantined: int | None  # records left out because something is wrong with them; None: a run holds them
    dissents: int  # values that people set and we respect
    interrupted_pull: bool  # the next pull goes on with what it has read
    attempt: Attempt | None  # the last sync that was tried
    checks: tuple[Check, ...]  # error: needs a person

    @property
    def healthy(self) -> bool:
        return all(check.state != "error" for check in self.checks)


def examine(profile: Path, *, max_age: timedelta = MAX_AGE, moment: datetime | None = None) -> Health:
    """Look at the profile's state as of *moment* (default now); changes nothing, asks no CRM.

    Raises RulesetError where the profile can't be read, and StoreError where the journal can't.
    """
    from crmrules.stores.lock import who_works
    from crmrules.stores.stage import stage_path

    setup, moment = open_profile(profile), moment or now()
    running = who_works(setup.state)
    with opened_journal(setup, read_only=True) as journal:
        good = _ended(journal, lambda run: run.kind == "apply" and run.status == "done")
        seen = Health(
            pulled=_ended(journal, lambda run: run.kind == "pull" and run.status == "done"),
            decided=_changed(setup.decision),
            applied=_ended(journal, lambda run: run.kind == "apply"),
            good_sync=good,
            age_hours=None if good is None else round((moment - good).total_seconds() / 3600, 2),
            running=running,
            unanswered=len(journal.unfinished()),
            quarantined=_quarantined(setup),
            dissents=len(journal.labels()),
            interrupted_pull=not running and stage_path(setup.snapshot).exists(),
            attempt=last_attempt(setup),
            checks=(),
        )
    return replace(seen, checks=tuple(_checks(seen, max_age)))


def tell(profile: Path, found: Health, warn: Callable[[str], None]) -> int:
    """Send the profile's alert that it did not run in time, if it did not; return how many were sent."""
    late = any(check.code == "stale" for check in found.checks)
    what = [alerts.not_run(found.age_hours)] if late else []
    return alerts.send(open_profile(profile), what, now(), warn, over=["not_run"])


def write_metrics(name: str, found: Health, file: Path) -> None:
    """Write *found* as OpenMetrics text, whole or not at all: for node_exporter's textfile collector. Raises OSError."""
    from prometheus_client import CollectorRegistry, Gauge
    from prometheus_client.openmetrics.exposition import generate_latest

    registry = CollectorRegistry()
    attempt = found.attempt
    values = {
        "last_pull_timestamp_seconds": ("When records were last read from the CRM", _seconds(found.pulled)),
        "last_decide_timestamp_seconds": ("When customers were last classified", _seconds(found.decided)),
        "last_apply_timestamp_seconds": ("When a run that writes last ended", _seconds(found.applied)),
        "last_good_sync_timestamp_seconds": ("When a whole sync last came to its end", _seconds(found.good_sync)),
        "last_sync_exit_code": ("Exit code of the last sync that was tried", attempt.exit_code if attempt else None),
        "running": ("Whether a run is at work", int(bool(found.running))),
        "unanswered_writes": ("Writes of which nobody knows whether they arrived", found.unanswered),
        "quarantined_records": ("Records left out because something is wrong with them", found.quarantined),
        "dissents": ("Values that people set and that are respected", found.dissents),
        "healthy": ("Whether nothing needs a person", int(found.healthy)),
    }
    for key, (help, value) in values.items():
        if value is not None:
            Gauge(f"crmrules_{key}", help, ["profile"], registry=registry).labels(profile=name).set(value)
    write_whole(file, generate_latest(registry))  # type: ignore[no-untyped-call]


def _checks(seen: Health, max_age: timedelta) -> Iterator[Check]:
    hours, most = seen.age_hours, max_age.total_seconds() / 3600
    attempt = seen.attempt
    if hours is None or hours > most:
        zh, en = ("从未成功同步", "there was no good sync yet") if hours is None else (
            f"上次成功同步在 {hours:.1f} 小时前,超过 {most:g} 小时", f"the last good sync was {hours:.1f} hours ago, more than {most:g}"
        )  # fmt: skip
        yield _error(
            "stale", zh, en, "运行 crmrules sync,并查看定时任务", "run `crmrules sync`, and look at the schedule"
        )
    if attempt and attempt.exit_code not in (0, attempts.STOPPED):
        said = clean("; ".join(attempt.problems)) or f"exit code {attempt.exit_code}"
        yield _error(
            "failed", f"上次同步失败:{said}", f"the last sync failed: {said}",
            "crmrules runs 列出运行;按提示处理后再运行 crmrules sync", "see `crmrules runs`; mend it, then run `crmrules sync`",
        )  # fmt: skip
    if seen.unanswered and not seen.running:
        n = seen.unanswered
        yield _error(
            "unanswered", f"有 {n} 处写入没有得到答复", f"{n} writes have no answer",
            "运行 crmrules sync:先读 CRM 查明结果,不会重复写入", "run `crmrules sync`: it reads what became of them, and writes none twice",
        )  # fmt: skip
    if seen.quarantined:
        n = seen.quarantined
        yield _error(
            "quarantine", f"有 {n} 条记录被隔离", f"{n} records are in quarantine",
            "运行 crmrules pull --full 查看原因,在 CRM 中改正", "`crmrules pull --full` names each and why; mend them in the CRM",
        )  # fmt: skip
    if seen.interrupted_pull:
        yield Check(
            code="interrupted-pull", state="warning",
            message=text("上次读取被中断", "the last pull was interrupted"),
            hint=text("下次运行会从中断处继续", "the next one goes on from there"),
        )  # fmt: skip


def _error(code: str, zh: str, en: str, hint_zh: str, hint_en: str) -> Check:
    return Check(code=code, state="error", message=text(zh, en), hint=text(hint_zh, hint_en))


def _ended(journal: Journal, counts: Callable[[Run], bool]) -> datetime | None:
    ends = (run.ended for run in journal.runs() if run.ended and counts(run))
    last = next(ends, None)
    return None if last is None else datetime.fromisoformat(last)


def _changed(file: Path) -> datetime | None:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).replace(microsecond=0) if file.exists() else None


def _quarantined(setup: Setup) -> int | None:
    from crmrules.stores.schema import CATALOG, one
    from crmrules.stores.snapshot import Snapshot

    if not setup.snapshot.exists():
        return 0
    try:
        with Snapshot.open(setup.snapshot, read_only=True) as snapshot:
            return int(one(snapshot.con, f"SELECT count(*) FROM {CATALOG}.quarantine")[0])
    except StoreError as error:
        if any(problem.code == "snapshot-locked" for problem in error.problems):
            return None
        raise


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
