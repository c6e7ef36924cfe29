"""What is remembered of an org between runs: which it is, its metadata, its notes, and tags that we had to shorten."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmrules.errors import Location, Problem, StoreError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS said (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS short (short TEXT PRIMARY KEY, long TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS note (
    id TEXT PRIMARY KEY, object TEXT NOT NULL, record_id TEXT NOT NULL, title TEXT NOT NULL,
    ours INTEGER NOT NULL, body TEXT, modified TEXT);
CREATE INDEX IF NOT EXISTS note_place ON note (object, record_id, title);
"""


@dataclass(frozen=True, kw_only=True)
class Note:
    """A note: ``body`` is kept of ours only, None of others."""

    id: str
    object: str
    record_id: str
    title: str
    ours: bool
    body: str | None
    modified: str = ""


class Memory:
    """A small database in the profile's state folder, opened when it is first used."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "zoho.sqlite"
        self._opened: sqlite3.Connection | None = None

    @property
    def _con(self) -> sqlite3.Connection:
        if self._opened is None:
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                self._file.touch(mode=0o600)
                self._opened = sqlite3.connect(self._file, timeout=60)
                self._opened.executescript(_SCHEMA)
            except (OSError, sqlite3.Error) as error:
                raise StoreError(
                    Problem("cant-write", f"the connector's memory can't be used: {error}", Location(str(self._file)),
                            hint="it holds nothing that can't be learned again: remove it")
                ) from error  # fmt: skip
        return self._opened

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def get(self, key: str) -> str:
        """Return what was put under *key*, '' where nothing was."""
        row = self._con.execute("SELECT value FROM said WHERE key = ?", [key]).fetchone()
        return str(row[0]) if row else ""

    def put(self, key: str, value: str) -> None:
        with self._con as con:
            con.execute("INSERT OR REPLACE INTO said VALUES (?, ?)", [key, value])

    def get_json(self, key: str) -> Any:
        """Return what was put as JSON, None where nothing readable was."""
        try:
            return json.loads(self.get(key) or "null")
        except ValueError:
            return None

    def put_json(self, key: str, value: Any) -> None:
        self.put(key, json.dumps(value, ensure_ascii=False))

    # tags

    def long_tags(self) -> dict[str, str]:
        """Return the tags that we shortened: short name -> whole name."""
        return dict(self._con.execute("SELECT short, long FROM short").fetchall())

    def put_short_tag(self, short: str, long: str) -> None:
        with self._con as con:
            con.execute("INSERT OR REPLACE INTO short VALUES (?, ?)", [short, long])

    # notes

    def put_notes(self, notes: Iterable[Note]) -> None:
        rows = [(n.id, n.object, n.record_id, n.title, n.ours, n.body, n.modified) for n in notes]
        with self._con as con:
            con.executemany("INSERT OR REPLACE INTO note VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def drop_notes(self, ids: Sequence[str]) -> None:
        with self._con as con:
            con.executemany("DELETE FROM note WHERE id = ?", [(id,) for id in ids])

    def forget_notes(self) -> None:
        with self._con as con:
            con.execute("DELETE FROM note")

    def note_at(self, object: str, record_id: str, title: str) -> Note | None:
        """Return the note of that title on a record, ours before anybody's, the oldest of several."""
        row = self._con.execute(
            "SELECT id, object, record_id, title, ours, body, modified FROM note WHERE object = ? AND record_id = ? "
            "AND title = ? ORDER BY ours DESC, length(id), id LIMIT 1",
            [object, record_id, title],
        ).fetchone()
        if row is None:
            return None
        return Note(
            id=row[0], object=row[1], record_id=row[2], title=row[3], ours=bool(row[4]), body=row[5], modified=row[6]
        )
