"""Pull: bring the snapshot up to the CRM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from crmrules.app.setup import Setup, connected, now, open_profile

if TYPE_CHECKING:
    from crmrules.pipeline.pull import PullReport

Progress = Callable[[str, int, int | None], None]  # what is read, records so far, how many there will be


def pull(
    profile: Path, *, full: bool = False, lenient: bool = False, dry: bool = False, progress: Progress | None = None
) -> PullReport:
    """Read what changed in the CRM into the snapshot; see :func:`crmrules.pipeline.pull.pull`."""
    from crmrules.stores.lock import run_lock

    setup = open_profile(profile)
    with run_lock(setup.state, command="crmrules pull", now=now()):
        return pull_into(setup, full=full, lenient=lenient, dry=dry, progress=progress)


def pull_into(
    setup: Setup, *, full: bool = False, lenient: bool = False, dry: bool = False, progress: Progress | None = None
) -> PullReport:
    """Pull without taking the lock, for those who hold it."""
    from crmrules.pipeline.pull import pull as run

    with connected(setup) as (connector, mapping):
        return run(connector, mapping, setup.snapshot, full=full, lenient=lenient, dry=dry, progress=progress)
