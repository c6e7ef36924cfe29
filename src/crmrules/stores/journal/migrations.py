"""From each version of the journal's tables to the next, in one transaction each.

Not Alembic: it wants a folder of scripts and a table of its own beside ours, and the steps have to
run by themselves in a file in somebody's state folder. A step is written in the SQL of its time
and never changed afterwards; :mod:`crmrules.stores.journal.tables` is what the last one leads to.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

from crmrules.stores.journal.rows import label_digest

VERSION = 2

_TWO = """
CREATE TABLE written_2 (
  profile TEXT NOT NULL, object TEXT NOT NULL, record_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
  account_id TEXT NOT NULL, value TEXT, wanted TEXT, rule TEXT NOT NULL, ruleset_digest TEXT NOT NULL,
  as_of TEXT NOT NULL, run INTEGER NOT NULL REFERENCES run (id),
  PRIMARY KEY (profile, object, record_id, kind, name)
) WITHOUT ROWID;
INSERT INTO written_2 SELECT '', object, record_id, kind, name, account_id, value, wanted, rule, ruleset_digest, as_of,
  run FROM written;
DROP TABLE written;
ALTER TABLE written_2 RENAME TO written;
CREATE TABLE label_2 (
  id INTEGER PRIMARY KEY AUTOINCREMENT, profile TEXT NOT NULL,
  object TEXT NOT NULL, record_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, account_id TEXT NOT NULL,
  human TEXT, ours TEXT, rule TEXT NOT NULL, run INTEGER NOT NULL REFERENCES run (id), seen TEXT NOT NULL,
  digest TEXT NOT NULL, UNIQUE (profile, digest)
);
INSERT INTO label_2 SELECT rowid, '', object, record_id, kind, name, account_id, human, ours, rule, run, seen,
  label_digest(object, record_id, kind, name, human, ours) FROM label ORDER BY rowid;
DROP TABLE label;
ALTER TABLE label_2 RENAME TO label;
"""


def _to_2(raw: sqlite3.Connection) -> None:
    """Several profiles may share a journal: rows say whose they are; labels of any length have one key."""
    raw.create_function("label_digest", 6, label_digest, deterministic=True)
    for statement in _TWO.split(";"):  # executescript would commit
        raw.execute(statement)


# Of the version that it starts from. PostgreSQL begins with version 2.
SQLITE_STEPS: Mapping[int, Callable[[sqlite3.Connection], None]] = {1: _to_2}
