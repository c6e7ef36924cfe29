"""One run at a time per profile: a lock that says who holds it and dies with its process."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from crmrules.errors import Location, Problem, StoreError

LOCK_NAME = "run.lock"
HOLDER_NAME = "run.lock.json"  # beside it, because on Windows a locked file can't be read


@contextmanager
def run_lock(folder: Path, *, command: str, now: datetime) -> Iterator[None]:
    """Hold the lock of the state *folder* while the block runs.

    The operating system releases the lock when its process dies, however it dies, so a stale lock
    is simply taken over. Raises StoreError ``run-in-progress`` naming command, pid, host and start.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    holder = folder / HOLDER_NAME
    lock = FileLock(folder / LOCK_NAME)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise StoreError(in_progress(str(folder / LOCK_NAME), _read(holder))) from None
    try:
        said = {"command": command, "pid": os.getpid(), "host": socket.gethostname(), "since": now.isoformat()}
        holder.write_text(json.dumps(said), encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def who_works(folder: Path) -> dict[str, object]:
    """Return command, pid, host and since of the run that holds the lock of the state *folder*; empty: there is none."""
    from filelock import FileLock, Timeout

    said = _read(folder / HOLDER_NAME)
    if not said:
        return {}
    lock = FileLock(folder / LOCK_NAME)
    try:
        lock.acquire(timeout=0)  # only where somebody says to be at work: else it could be in a new run's way
    except Timeout:
        return said
    lock.release()
    return {}  # it died


def _read(holder: Path) -> dict[str, object]:
    try:
        said = json.loads(holder.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # the other run is just starting or just ending
        return {}
    return said if isinstance(said, dict) else {}


def in_progress(place: str, said: dict[str, object]) -> Problem:
    """Return what is wrong where another run works: *said* has its command, pid, host and since, as far as known."""
    who = (
        f"`{said.get('command')}` (process {said.get('pid')} on {said.get('host')}, since {said.get('since')})"
        if said
        else "another run"
    )
    return Problem(
        "run-in-progress",
        f"{who} is working on this profile",
        Location(place),
        hint="wait until it has ended, or end that process; the lock goes with it",
    )
