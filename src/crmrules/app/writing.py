"""Apply, undo, runs, sync: everything that writes to the CRM, and looking back at it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from crmrules.app import deciding, records
from crmrules.app.deciding import Decided, Planned, decide_in, plan_in
from crmrules.app.records import pull_into
from crmrules.app.setup import Setup, alone, connected, now, open_profile, opened_journal
from crmrules.errors import Location, Problem, StoreError

if TYPE_CHECKING:
    from crmrules.model.changes import Plan
    from crmrules.pipeline.brakes import Brakes
    from crmrules.pipeline.execute import Report, Surroundings
    from crmrules.pipeline.pull import PullReport
    from crmrules.pipeline.runs import RunDetail
    from crmrules.stores.journal import Run

Progress = Callable[[int, int], None]  # writes so far, all


@dataclass(frozen=True, kw_only=True)
class Applied:
    """A plan and what came of it."""

    plan: Plan
    report: Report


@dataclass(frozen=True, kw_only=True)
class Synced:
    """One whole round; ``applied`` is None in a rehearsal."""

    pulled: PullReport
    decided: Decided
    planned: Planned
    applied: Applied | None


def apply(
    profile: Path,
    plan_file: Path,
    *,
    limit: int | None = None,
    allow_share: float | None = None,
    progress: Progress | None = None,
) -> Applied:
    """Write the plan in *plan_file* to the CRM; see :func:`crmrules.pipeline.apply.apply_plan`."""
    setup = open_profile(profile)
    with alone(setup, "crmrules apply"):
        return _apply(setup, plan_file, limit, allow_share, progress)


def undo(
    profile: Path,
    run: int | None = None,
    *,
    everything: bool = False,
    accounts: Iterable[str] = (),
    rules: Iterable[str] = (),
    limit: int | None = None,
    progress: Progress | None = None,
) -> Report:
    """Take back *run*, default the last apply that was not taken back; with *everything* all that is ours.

    *accounts* and *rules* narrow it; see :mod:`crmrules.pipeline.undo`.
    """
    from crmrules.pipeline.undo import Only, undo_ours, undo_run

    setup = open_profile(profile)
    only = Only(accounts=frozenset(accounts), rules=frozenset(rules))
    name = setup.profile.name
    with alone(setup, "crmrules undo"), _surrounded(setup) as around:
        if everything:
            return undo_ours(around, profile=name, only=only, limit=limit, progress=progress)
        number = run if run is not None else _last_apply(around)
        return undo_run(number, around, profile=name, only=only, limit=limit, progress=progress)


def runs(profile: Path) -> tuple[Run, ...]:
    """Return every run of the profile, newest first."""

    with opened_journal(open_profile(profile), read_only=True) as journal:
        return tuple(journal.runs())


def run_detail(profile: Path, run: int) -> RunDetail:
    """Return one run with every write that it tried. Raises StoreError ``unknown-run``."""
    from crmrules.pipeline.runs import show_run

    with opened_journal(open_profile(profile), read_only=True) as journal:
        return show_run(journal, run)


def sync(
    profile: Path,
    *,
    as_of: date,
    engine: str = "",
    dry: bool = False,
    full: bool = False,
    lenient: bool = False,
    allow_share: float | None = None,
    pulling: records.Progress | None = None,
    deciding: deciding.Progress = lambda stage: None,
    writing: Progress | None = None,
    stopping: Callable[[], bool] = lambda: False,
) -> Synced:
    """Pull, decide, plan and apply under one lock; with *dry* rehearse it on a copy and keep nothing.

    *stopping* is asked between two batches of writes whether the run is to end there.
    """
    setup = open_profile(profile)
    with alone(setup, "crmrules sync"):
        if dry:
            with tempfile.TemporaryDirectory() as folder:
                rehearsal = _copy(setup, Path(folder))
                pulled = pull_into(rehearsal, full=full, lenient=lenient, progress=pulling)
                decided = decide_in(rehearsal, as_of=as_of, engine=engine, progress=deciding)
                planned = plan_in(rehearsal)
                return Synced(pulled=pulled, decided=decided, planned=planned, applied=None)
        pulled = pull_into(setup, full=full, lenient=lenient, progress=pulling)
        decided = decide_in(setup, as_of=as_of, engine=engine, progress=deciding)
        planned = plan_in(setup)
        # Also where nothing changes: the run is recorded, and the edits that we respect are kept as labels.
        applied = _apply(setup, planned.file, None, allow_share, writing, stopping)
        return Synced(pulled=pulled, decided=decided, planned=planned, applied=applied)


def _apply(
    setup: Setup,
    plan_file: Path,
    limit: int | None,
    allow_share: float | None,
    progress: Progress | None,
    stopping: Callable[[], bool] = lambda: False,
) -> Applied:
    from crmrules.pipeline.apply import apply_plan
    from crmrules.pipeline.planfile import load_plan

    plan = load_plan(plan_file)
    with _surrounded(setup, stopping) as around:
        brakes = _brakes(setup).allowing(allow_share)
        report = apply_plan(plan, around, profile=setup.profile.name, brakes=brakes, limit=limit, progress=progress)
    return Applied(plan=plan, report=report)


@contextmanager
def _surrounded(setup: Setup, stopping: Callable[[], bool] = lambda: False) -> Iterator[Surroundings]:
    from crmrules.pipeline.execute import Surroundings
    from crmrules.pipeline.translate import Translation

    with connected(setup) as (connector, mapping), opened_journal(setup) as journal:
        yield Surroundings(
            connector=connector, translation=Translation(mapping), journal=journal, now=now, stopping=stopping
        )


def _brakes(setup: Setup) -> Brakes:
    from crmrules.pipeline.brakes import Brakes

    said = setup.profile.brakes
    default = Brakes()
    return Brakes(
        share=said.get("share", default.share),
        tag_share=said.get("tag_share", default.tag_share),
        note_deletes=int(said.get("note_deletes", default.note_deletes)),
    )


def _last_apply(around: Surroundings) -> int:
    undone = {run.undoes for run in around.journal.runs(["undo"]) if run.status == "done"}
    for run in around.journal.runs(["apply"]):
        if run.id not in undone and around.journal.results(run.id).get("written"):
            return run.id
    raise StoreError(
        Problem("nothing-to-undo", "no run wrote anything that was not taken back", Location(around.journal.place))
    )


def _copy(setup: Setup, folder: Path) -> Setup:
    from crmrules.stores.journal import copy_journal

    for file in (setup.snapshot, setup.decision):
        if file.exists():
            shutil.copyfile(file, folder / file.name)
    copy_journal(setup.journal, folder / "journal.sqlite", profile=setup.profile.name)
    return setup.elsewhere(folder)
