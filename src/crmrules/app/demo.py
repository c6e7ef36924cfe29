"""The main job once over a sample CRM in files: pull, decide, plan, apply, once more, undo."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmrules.app.deciding import Decided, Planned, decide, plan
from crmrules.app.records import pull
from crmrules.app.writing import Applied, Synced, apply, sync, undo
from crmrules.errors import DataError, Location, Problem

if TYPE_CHECKING:
    from crmrules.pipeline.execute import Report
    from crmrules.pipeline.pull import PullReport

_MARK = ".crmrules-demo"  # a folder with this file is ours to replace


@dataclass(frozen=True, kw_only=True)
class Restored:
    """Which files of the CRM are not, byte for byte, what they were before."""

    files: int
    different: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Demo:
    """What the demo did, step by step."""

    profile: Path
    pulled: PullReport
    decided: Decided
    planned: Planned
    applied: Applied
    second: Synced
    undone: Report
    restored: Restored


Tell = Callable[[str, Any], None]  # name of a step (a field of Demo), what came of it


def demo(folder: Path, tell: Tell = lambda step, result: None) -> Demo:
    """Make a sample CRM in *folder* and do everything with it; *tell* hears of each step as it ends.

    A folder of an earlier demo is replaced. Raises DataError where something else stands there.
    """
    from crmrules.samples import AS_OF

    profile = sample(folder)
    tell("profile", profile)
    before = digests(folder / "crm")
    pulled = pull(profile)
    tell("pulled", pulled)
    decided = decide(profile, as_of=AS_OF)
    tell("decided", decided)
    planned = plan(profile)
    tell("planned", planned)
    applied = apply(profile, planned.file)
    tell("applied", applied)
    second = sync(profile, as_of=AS_OF)
    tell("second", second)
    undone = undo(profile, applied.report.run)
    tell("undone", undone)
    after = digests(folder / "crm")
    different = tuple(sorted(name for name in before | after if before.get(name) != after.get(name)))
    restored = Restored(files=len(before), different=different)
    tell("restored", restored)
    return Demo(
        profile=profile, pulled=pulled, decided=decided, planned=planned, applied=applied, second=second,
        undone=undone, restored=restored,
    )  # fmt: skip


def sample(folder: Path) -> Path:
    """Copy the sample CRM and its profile into *folder*, and run nothing; return the profile.

    A folder of an earlier demo is replaced. Raises DataError where something else stands there.
    """
    from crmrules.samples import copy_demo

    _clear(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()
    return copy_demo(folder)


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below *folder*, by its path there."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _clear(folder: Path) -> None:
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not (folder / _MARK).is_file():
        raise DataError(
            Problem("folder-in-use", "something else stands here", Location(str(folder)), hint="name a new folder")
        )
    shutil.rmtree(folder)
