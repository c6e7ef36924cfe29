"""The stage: where pages wait until all is read. A DuckDB file of its own beside the snapshot.

A killed pull leaves the snapshot as it was, and its stage as it is: another pull that would ask for
exactly the same goes on where that one was, if the CRM's cursors live that long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from crmrules.model.objects import OBJECTS, CustomField
from crmrules.stores.schema import create_own_tables, create_table, key_columns, one, quote, text_literal
from crmrules.stores.snapshot import Snapshot

if TYPE_CHECKING:
    import pyarrow as pa

STAGE = "stage"
CURSORS_LIVE = timedelta(hours=20)  # Zoho's page tokens are good for a day
_PLACE = ', "_from" VARCHAR, "_source" VARCHAR, "_row" BIGINT'  # row 0: the source has no numbers


@dataclass(frozen=True, kw_only=True)
class Column:
    """How a canonical column comes out of a page: SQL of the text as it stood, and of its typed value.

    A row where ``raw`` is present and ``value`` is NULL is a complaint.
    """

    name: str
    raw: str
    value: str
    expected: str = ""  # for the complaint, e.g. "a date such as 2025-03-31"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How far the reading of one native object is."""

    native: str
    object: str  # canonical
    partial: bool  # only what changed is read, not all
    cursor: str = ""  # of the last page
    read: int = 0
    done: bool = False


class Stage:
    """An attached stage. Every method is one transaction on disk."""

    def __init__(self, con: duckdb.DuckDBPyConnection, path: Path, started: datetime, *, resumed: bool) -> None:
        self._con = con
        self.path = path
        self.started = started  # UTC, naive: nothing read is older than the CRM was then
        self.resumed = resumed

    @classmethod
    def open(
        cls, snapshot: Snapshot, custom: Sequence[CustomField], *, started: datetime, fingerprint: str, resume: bool
    ) -> Stage:
        """Attach the stage of *snapshot*: the one that was left behind by a pull with the same *fingerprint*, or a new one."""
        con, path = snapshot.con, stage_path(snapshot.path)
        if resume and path.exists():
            con.execute(f"ATTACH {text_literal(str(path))} AS {STAGE}")
            before = _begun(con, fingerprint)
            if before is not None and timedelta() <= started - before < CURSORS_LIVE:
                return cls(con, path, before, resumed=True)
            con.execute(f"DETACH {STAGE}")
        _remove(path)
        con.execute(f"ATTACH {text_literal(str(path))} AS {STAGE}")
        con.execute("BEGIN")
        for statement in create_own_tables(STAGE):
            con.execute(statement)
        for object in OBJECTS:
            con.execute(create_table(STAGE, object, custom, _PLACE))
            keys = ", ".join(f"{quote(k)} VARCHAR" for k in key_columns(object))
            for kind in ("keys", "lost", "covers"):
                con.execute(f"CREATE TABLE {STAGE}.{quote(f'{kind} {object}')} ({keys})")
        con.execute(
            f"CREATE TABLE {STAGE}.reading (native VARCHAR PRIMARY KEY, object VARCHAR, partial BOOLEAN, "
            f"cursor VARCHAR, read BIGINT, done BOOLEAN, swept BOOLEAN)"
        )
        con.execute(
            f"CREATE TABLE {STAGE}.begun AS SELECT ? AS fingerprint, ?::TIMESTAMP AS began", [fingerprint, started]
        )
        con.execute("COMMIT")
        return cls(con, path, started, resumed=False)

    def close(self, *, keep: bool) -> None:
        """Detach the file; without *keep* it is removed."""
        self._con.execute("DROP TABLE IF EXISTS _cast")
        self._con.execute(f"DETACH {STAGE}")
        if not keep:
            _remove(self.path)

    # ------------------------------------------------------------ how far we are

    def begin(self, native: str, object: str, *, partial: bool) -> Reading:
        """Announce that *native* is read as *object*: all of it, or (*partial*) what changed. Returns how far it is."""
        self._con.execute(
            f"INSERT INTO {STAGE}.reading VALUES (?, ?, ?, '', 0, false, false) ON CONFLICT DO NOTHING",
            [native, object, partial],
        )
        return next(r for r in self.readings() if r.native == native)

    def readings(self) -> list[Reading]:
        """Return every reading that was begun, by native name."""
        rows = self._con.execute(
            f"SELECT native, object, partial, cursor, read, done FROM {STAGE}.reading ORDER BY native"
        ).fetchall()
        return [Reading(native=r[0], object=r[1], partial=r[2], cursor=r[3], read=r[4], done=r[5]) for r in rows]

    def finish(self, native: str) -> None:
        """Announce that all of *native* is staged."""
        self._con.execute(f"UPDATE {STAGE}.reading SET done = true WHERE native = ?", [native])

    # ------------------------------------------------------------ what is read

    def add(
        self, reading: Reading, rows: pa.Table, columns: Sequence[Column], source: str, first_row: int, cursor: str = ""
    ) -> None:
        """Stage one page. *columns* are SQL over the names of *rows*; row numbers start at *first_row* (0: none).

        *cursor* is where to go on behind it; it is kept with the page, or not at all.
        """
        import pyarrow as pa

        con, object = self._con, reading.object
        numbers = range(first_row, first_row + rows.num_rows) if first_row else [0] * rows.num_rows
        con.register("_page", rows.append_column("_row", pa.array(numbers, pa.int64())))
        try:
            # Cast once: the values go to the stage, their raw texts are only looked at where a value is missing.
            values = [f"{c.value} AS {quote(c.name)}" for c in columns]
            raws = [f"{c.raw} AS {_raw(c.name)}" for c in columns if c.raw != c.value]
            con.execute(f'CREATE OR REPLACE TEMP TABLE _cast AS SELECT {", ".join(values + raws)}, "_row" FROM _page')
        finally:
            con.unregister("_page")
        names = ", ".join(quote(c.name) for c in columns)
        con.execute("BEGIN")
        try:
            con.execute(
                f'INSERT INTO {STAGE}.{quote(object)} ({names}, "_from", "_source", "_row") '
                f'SELECT {names}, {text_literal(reading.native)}, {text_literal(source)}, "_row" FROM _cast'
            )
            self._complain(object, columns, source)
            con.execute(
                f"UPDATE {STAGE}.reading SET read = read + ?, cursor = ? WHERE native = ?",
                [rows.num_rows, cursor, reading.native],
            )
        except BaseException:
            con.execute("ROLLBACK")
            raise
        con.execute("COMMIT")

    def add_existing(self, reading: Reading, rows: pa.Table, columns: Sequence[Column]) -> None:
        """Stage keys that exist in the CRM now: of a partial reading, every record that is not among them goes."""
        self._add_keys("keys", reading.object, rows, columns)

    def sweep(self, reading: Reading) -> None:
        """Announce that the keys of all records that exist are staged."""
        self._con.execute(f"UPDATE {STAGE}.reading SET swept = true WHERE native = ?", [reading.native])

    def add_lost(self, reading: Reading, rows: pa.Table, columns: Sequence[Column]) -> None:
        """Stage keys of records that were deleted; one that is staged as a record is there again."""
        self._add_keys("lost", reading.object, rows, columns)

    def add_covers(self, reading: Reading, rows: pa.Table, columns: Sequence[Column]) -> None:
        """Stage the parents of which all children are staged: children of theirs that are not go."""
        self._add_keys("covers", reading.object, rows, columns)

    def _add_keys(self, kind: str, object: str, rows: pa.Table, columns: Sequence[Column]) -> None:
        wanted = [c for c in columns if c.name in key_columns(object)]
        self._con.register("_page", rows)
        try:
            self._con.execute(
                f"INSERT INTO {STAGE}.{quote(f'{kind} {object}')} ({', '.join(quote(c.name) for c in wanted)}) "
                f"SELECT {', '.join(c.value for c in wanted)} FROM _page"
            )
        finally:
            self._con.unregister("_page")

    def _complain(self, object: str, columns: Sequence[Column], source: str) -> None:
        typed = [c for c in columns if c.raw != c.value]
        if not typed:
            return
        bad = [f"{quote(c.name)} IS NULL AND {_raw(c.name)} IS NOT NULL" for c in typed]
        counts = one(self._con, f"SELECT {', '.join(f'count(*) FILTER (WHERE {b})' for b in bad)} FROM _cast")
        known = {c.name for c in columns}
        key = " || '|' || ".join(f"coalesce({quote(k)}, '')" for k in key_columns(object) if k in known)
        for column, condition, count in zip(typed, bad, counts, strict=True):
            if count:
                self._con.execute(
                    f'INSERT INTO {STAGE}.quarantine SELECT ?, {key}, ?, "_row", ?, {_raw(column.name)}, ? '
                    f"FROM _cast WHERE {condition}",
                    [object, source, column.name, f"is not {column.expected}"],
                )


def stage_path(snapshot: Path) -> Path:
    """Return where the stage of the *snapshot* lies."""
    return snapshot.with_name(snapshot.name + ".stage")


def _begun(con: duckdb.DuckDBPyConnection, fingerprint: str) -> datetime | None:
    try:
        row = one(con, f"SELECT began FROM {STAGE}.begun WHERE fingerprint = ?", [fingerprint])
    except duckdb.CatalogException:  # killed before it was made
        return None
    return row[0] if row else None


def _remove(path: Path) -> None:
    for leftover in (path, path.with_name(path.name + ".wal")):
        leftover.unlink(missing_ok=True)


def _raw(column: str) -> str:
    return quote(f"raw {column}")
