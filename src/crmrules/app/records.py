"""Pull: bring the snapshot up to the CRM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from crmrules.app.setup import Setup, alone, connected, now, open_profile, opened_journal

if TYPE_CHECKING:
    from crmrules.pipeline.pull import PullReport

Progress = Callable[[str, int, int | None], None]  # what is read, records so far, how many there will be


def pull(
    profile: Path, *, full: bool = False, lenient: bool = False, dry: bool = False, progress: Progress | None = None
) -> PullReport:
    """Read what changed in the CRM into the snapshot; see :func:`crmrules.pipeline.pull.pull`."""
    setup = open_profile(profile)
    with alone(setup, "crmrules pull"):
        return pull_into(setup, full=full, lenient=lenient, dry=dry, progress=progress)


def pull_into(
    setup: Setup, *, full: bool = False, lenient: bool = False, dry: bool = False, progress: Progress | None = None
) -> PullReport:
    """Pull without taking the lock, for those who hold it."""
    from crmrules.pipeline.pull import pull as run

    with connected(setup) as (connector, mapping):
        report = run(
            connector, mapping, setup.snapshot, full=full, lenient=lenient, dry=dry, progress=progress, now=now()
        )
    if not dry:
        _record(setup, report)
    return report


def _record(setup: Setup, report: PullReport) -> None:
    """Keep in the journal that the snapshot knows everything that was written before."""
    from crmrules.stores.journal import Origin

    counts = {
        name: sum(getattr(count, name) for count in report.objects.values())
        for name in ("new", "changed", "deleted", "quarantined")
    }
    with opened_journal(setup) as journal:
        number = journal.begin_run("pull", setup.profile.name, now(), Origin(snapshot=report.snapshot))
        journal.end_run(number, now(), "done", {name: count for name, count in counts.items() if count})
