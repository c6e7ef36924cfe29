"""The journal in a file: how it is made and opened, and what can be wrong with it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool

from crmrules.errors import StoreError
from crmrules.stores.journal.migrations import SQLITE_STEPS, VERSION
from crmrules.stores.journal.problems import damaged, disk_full, foreign, locked, newer, not_writable, problem
from crmrules.stores.journal.tables import statements

APPLICATION_ID = 0x63726D72  # "crmr": says in the file's header whose it is
WAIT_SECONDS = 10.0  # for another process that is just committing

_DIALECT = dialect()
_RAW: ContextVar[sqlite3.Connection] = ContextVar("raw")  # what the engine is to take as its next connection


def open_file(path: Path, *, read_only: bool) -> Connection:
    """Open (or make) the journal file and bring it up to this version.

    A missing one that is only read is empty and in memory; one of an older version that is only
    read is brought up in memory.
    """
    if not path.exists():
        if read_only:
            return open_memory()
        _make(path)
    with explained(path):
        _check_header(path)
        raw = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            if _checked_version(raw, path) < VERSION:
                raw = _upgraded(raw, path, read_only=read_only)
            if not read_only:
                raw.execute("PRAGMA journal_mode = WAL")
            raw.execute("PRAGMA synchronous = FULL")
            raw.execute("PRAGMA foreign_keys = ON")
            raw.execute("PRAGMA query_only = " + ("ON" if read_only else "OFF"))
            return _connection(raw)
        except BaseException:
            raw.close()
            raise


def open_memory() -> Connection:
    """Open an empty journal that is gone when it is closed."""
    return _connection(_fill(_memory()))


def back_up(path: Path, to: Path) -> None:
    """Copy the journal file, whatever stands in its write-ahead log, and leave it as it is."""
    with explained(path), closing(sqlite3.connect(path)) as journal, closing(sqlite3.connect(to)) as copy:
        journal.backup(copy)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's complaints about the file into StoreErrors that say what to do."""
    try:
        yield
    except IntegrityError:
        raise  # ours, not the file's
    except (sqlite3.DatabaseError, DBAPIError) as error:
        said, place = str(error.orig if isinstance(error, DBAPIError) else error), str(path)
        if "locked" in said or "busy" in said:
            found = locked(place)
        elif "not a database" in said:
            found = foreign(place)
        elif "malformed" in said or "disk I/O" in said:
            found = damaged(place, said)
        elif "readonly" in said or "unable to open" in said:
            found = not_writable(place, said)
        elif "full" in said:
            found = disk_full(place)
        else:
            raise
        raise StoreError(found) from error


def _connection(raw: sqlite3.Connection) -> Connection:
    given = _RAW.set(raw)
    try:
        return _engine().connect()
    finally:
        _RAW.reset(given)


@cache
def _engine() -> Engine:
    """One for all files, because it remembers what it has compiled."""
    return create_engine(
        "sqlite://", creator=_RAW.get, poolclass=NullPool, pool_reset_on_return=None, isolation_level="AUTOCOMMIT"
    )


def _memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def _make(path: Path) -> None:
    # made beside and renamed, so that a kill never leaves an empty file that looks like a lost journal
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    with explained(path):
        _fill(sqlite3.connect(new, isolation_level=None)).close()
    new.replace(path)


def _fill(raw: sqlite3.Connection) -> sqlite3.Connection:
    marks = (f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {VERSION}")
    raw.executescript(";".join((*marks, *statements(_DIALECT))))
    return raw


def _upgraded(raw: sqlite3.Connection, path: Path, *, read_only: bool) -> sqlite3.Connection:
    if read_only:
        copy = _memory()
        with closing(raw):
            raw.backup(copy)
        raw = copy
    raw.execute("BEGIN IMMEDIATE")
    try:
        for version in range(_checked_version(raw, path), VERSION):  # another process may have been faster
            SQLITE_STEPS[version](raw)
        raw.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        raw.execute("ROLLBACK")
        raise
    raw.execute("COMMIT")
    return raw


def _check_header(path: Path) -> None:
    """Compare the file's size with what its header promises; a file cut short fails much later else."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        what = f"the journal can't be read: {error.strerror}"
        raise StoreError(problem(str(path), "journal-not-readable", what, "check its permissions")) from error
    if len(header) < 100:
        raise StoreError(damaged(str(path), f"only {len(header)} bytes"))
    if not header.startswith(b"SQLite format 3\0"):
        raise StoreError(foreign(str(path)))
    page = int.from_bytes(header[16:18], "big")
    promised = (65536 if page == 1 else page) * int.from_bytes(header[28:32], "big")
    size = path.stat().st_size
    wal = path.with_name(path.name + "-wal")
    if size < promised and not (wal.exists() and wal.stat().st_size):
        raise StoreError(damaged(str(path), f"{size} of {promised} bytes"))


def _checked_version(raw: sqlite3.Connection, path: Path) -> int:
    owner = raw.execute("PRAGMA application_id").fetchone()[0]
    version = int(raw.execute("PRAGMA user_version").fetchone()[0])
    if owner != APPLICATION_ID:
        raise StoreError(foreign(str(path)))
    if version > VERSION:
        raise StoreError(newer(str(path), version, VERSION))
    return version
