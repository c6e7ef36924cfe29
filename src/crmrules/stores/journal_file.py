"""The file behind the journal: its tables, how it is made and opened, and what can be wrong with it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crmrules.errors import Location, Problem, StoreError

APPLICATION_ID = 0x63726D72  # "crmr": says in the file's header whose it is
VERSION = 1
WAIT_SECONDS = 10.0  # for another process that is just committing

_TABLES = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
CREATE TABLE run (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('pull', 'decide', 'apply', 'undo', 'sync')),
  profile TEXT NOT NULL, plan TEXT NOT NULL, ruleset TEXT NOT NULL, ruleset_digest TEXT NOT NULL,
  as_of TEXT NOT NULL, snapshot TEXT NOT NULL,
  undoes INTEGER REFERENCES run (id),
  started TEXT NOT NULL, ended TEXT,
  status TEXT NOT NULL CHECK (status IN ('running', 'done', 'partial', 'stopped', 'interrupted')),
  counts TEXT NOT NULL
);
CREATE TABLE intent (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run INTEGER NOT NULL REFERENCES run (id), change INTEGER NOT NULL,
  object TEXT NOT NULL, record_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, account_id TEXT NOT NULL,
  old TEXT, new TEXT, rule TEXT NOT NULL, reason_zh TEXT NOT NULL, reason_en TEXT NOT NULL, cause TEXT NOT NULL,
  before TEXT, after TEXT NOT NULL, created TEXT NOT NULL
);
CREATE INDEX intent_of_run ON intent (run);
CREATE TABLE receipt (
  intent INTEGER PRIMARY KEY REFERENCES intent (id),
  result TEXT NOT NULL, echo TEXT, message TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE written (
  object TEXT NOT NULL, record_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, account_id TEXT NOT NULL,
  value TEXT, wanted TEXT, rule TEXT NOT NULL, ruleset_digest TEXT NOT NULL, as_of TEXT NOT NULL,
  run INTEGER NOT NULL REFERENCES run (id),
  PRIMARY KEY (object, record_id, kind, name)
) WITHOUT ROWID;
CREATE TABLE label (
  object TEXT NOT NULL, record_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, account_id TEXT NOT NULL,
  human TEXT, ours TEXT, rule TEXT NOT NULL, run INTEGER NOT NULL REFERENCES run (id), seen TEXT NOT NULL
);
CREATE UNIQUE INDEX label_once
  ON label (object, record_id, kind, name, ifnull(human, char(0)), ifnull(ours, char(0)));
"""


def open_file(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open (or make) the journal file; a missing one that is only read is empty and in memory."""
    if not path.exists():
        if read_only:
            return _fill(sqlite3.connect(":memory:", isolation_level=None))
        _make(path)
    with explained(path):
        _check_header(path)
        connection = sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)
        try:
            _check_kind(connection, path)
            if not read_only:
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA query_only = " + ("ON" if read_only else "OFF"))
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's complaints about the file into StoreErrors that say what to do."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise  # ours, not the file's
    except sqlite3.DatabaseError as error:
        said = str(error)
        if "locked" in said or "busy" in said:
            problem = _problem(
                path, "journal-locked", "another process is writing to the journal", "wait until it has ended"
            )
        elif "not a database" in said:
            problem = _foreign(path)
        elif "malformed" in said or "disk I/O" in said:
            problem = _damaged(path, said)
        elif "readonly" in said or "unable to open" in said:
            problem = _problem(
                path, "journal-not-writable", f"the journal can't be opened: {said}", "check the folder's permissions"
            )
        elif "full" in said:
            problem = _problem(
                path, "disk-full", "there is no space left for the journal", "free some space, then run again"
            )
        else:
            raise
        raise StoreError(problem) from error


def _make(path: Path) -> None:
    # made beside and renamed, so that a kill never leaves an empty file that looks like a lost journal
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    with explained(path):
        _fill(sqlite3.connect(new, isolation_level=None)).close()
    new.replace(path)


def _fill(connection: sqlite3.Connection) -> sqlite3.Connection:
    connection.executescript(_TABLES)
    return connection


def _check_header(path: Path) -> None:
    """Compare the file's size with what its header promises; a file cut short fails much later else."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError as error:
        raise StoreError(
            _problem(
                path, "journal-not-readable", f"the journal can't be read: {error.strerror}", "check its permissions"
            )
        ) from error
    if len(header) < 100:
        raise StoreError(_damaged(path, f"only {len(header)} bytes"))
    if not header.startswith(b"SQLite format 3\0"):
        raise StoreError(_foreign(path))
    page = int.from_bytes(header[16:18], "big")
    promised = (65536 if page == 1 else page) * int.from_bytes(header[28:32], "big")
    size = path.stat().st_size
    wal = path.with_name(path.name + "-wal")
    if size < promised and not (wal.exists() and wal.stat().st_size):
        raise StoreError(_damaged(path, f"{size} of {promised} bytes"))


def _check_kind(connection: sqlite3.Connection, path: Path) -> None:
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if owner != APPLICATION_ID:
        raise StoreError(_foreign(path))
    if version > VERSION:
        raise StoreError(
            _problem(
                path,
                "journal-newer",
                f"the journal is of a newer crmrules (version {version}, this one knows {VERSION})",
                "use the crmrules that wrote it, or a newer one",
            )
        )


def _foreign(path: Path) -> Problem:
    return _problem(path, "journal-foreign", "this is not a journal of crmrules", "point the profile at another folder")


def _damaged(path: Path, what: str) -> Problem:
    return _problem(
        path,
        "journal-damaged",
        f"the journal is cut short or damaged ({what})",
        "restore it from a backup; without it crmrules can't tell its values from people's: if there is no backup, "
        "move it away, and everything that stands in the CRM now will count as people's",
    )


def _problem(path: Path, code: str, message: str, hint: str) -> Problem:
    return Problem(code, message, Location(str(path)), hint=hint)
