"""Replacing a file at once: whoever reads sees the old one or the new one, also after a crash."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from crmrules.errors import Location, Problem, RetryLater

LOCK = ".crmrules-files.lock"
_PATIENCE = 10.0  # seconds to wait for another writer


@contextmanager
def replacing(path: Path, before: Callable[[], None] = lambda: None) -> Iterator[IO[bytes]]:
    """Open a new file that takes the place of *path* when the block ends well, and vanishes when it does not.

    *before* is called right before the exchange: what must not be missing should we die after it.
    Raises RetryLater when somebody else changed *path* meanwhile; his file stays.
    """
    stamp = _stamp(path)
    handle, name = tempfile.mkstemp(prefix=".crmrules-", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        before()
        _check_untouched(path, stamp)
        Path(name).chmod(path.stat().st_mode & 0o777 if stamp else 0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync(path.parent)


def _check_untouched(path: Path, stamp: tuple[int, int, int] | None) -> None:
    if _stamp(path) != stamp:
        raise RetryLater(
            Problem("changed-meanwhile", "somebody saved the file while we were writing", Location(path.name),
                    hint="close it in other programs and run again; nothing of it was overwritten")
        )  # fmt: skip


def sync(folder: Path) -> None:
    """Make renames and removals in *folder* durable, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the only right to write into the CRM in *root*. Raises RetryLater when another run has it."""
    path = root / LOCK
    lock = FileLock(path, timeout=_PATIENCE)
    try:
        lock.acquire()
    except Timeout:
        raise RetryLater(
            Problem(
                "crm-locked", "another run is writing into this CRM", Location(str(root)), hint="wait until it ended"
            )
        ) from None
    try:
        for left in root.glob(".crmrules-*.tmp"):  # of a run that was killed
            left.unlink(missing_ok=True)
        yield
    finally:
        # Removed while it is held: the folder shall look as if we had never been there.
        path.unlink(missing_ok=True)
        lock.release()


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
