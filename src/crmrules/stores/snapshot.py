"""The snapshot: one DuckDB file per profile with every record as it last stood in the CRM.

Whoever holds it for writing is alone; everybody else opens it read-only. It is attached as the
catalog ``snapshot``, so ``snapshot.account`` means the same on every connection.
Surprise: a truncated DuckDB file opens without complaint and fails in the middle of a query, so
the size that its header promises is compared with the file's before anything is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb

from crmrules.errors import Location, Problem, StoreError
from crmrules.model.objects import OBJECTS, CustomField
from crmrules.stores.schema import (
    CATALOG,
    DEFAULTS,
    create_own_tables,
    create_table,
    fields_of,
    one,
    quote,
    text_literal,
)

FORMAT = "2"  # of our own tables; a snapshot of another format is pulled again
# A file that every DuckDB since 1.0 reads. Before 1.2 there was no such option, and no newer format.
_STORAGE = "STORAGE_VERSION 'v1.0.0'" if tuple(map(int, duckdb.__version__.split(".")[:2])) >= (1, 2) else "READ_WRITE"
_ROWS = 100  # of one INSERT
_HEADERS = 3 * 4096  # bytes before the first block of a DuckDB file


@dataclass
class Snapshot:
    """An open snapshot; ``con`` has it attached as :data:`CATALOG`."""

    path: Path
    con: duckdb.DuckDBPyConnection
    read_only: bool

    @classmethod
    def open(cls, path: Path, custom: Sequence[CustomField] = (), *, read_only: bool = False) -> Self:
        """Open the snapshot at *path*; for writing it is created when missing, with the *custom* columns.

        Raises StoreError when it is missing (read-only), locked, truncated or of another version.
        """
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
        con = duckdb.connect()
        try:
            # What doesn't fit into memory spills beside the snapshot, not into whatever folder we run in.
            con.execute(f"SET temp_directory = {text_literal(str(path) + '.tmp')}")
            attach(con, path, read_only=read_only)
            if not read_only and not _tables(con):
                con.execute("BEGIN")
                _create(con, custom)
                con.execute("COMMIT")
            _check_format(con, path)
        except BaseException:
            con.close()
            raise
        return cls(path=path, con=con, read_only=read_only)

    @property
    def content_id(self) -> str:
        """Hash of all records: the same for the same records in any order, pulled at any time."""
        return str(one(self.con, f"SELECT value FROM {CATALOG}.meta WHERE key = 'content'")[0])

    def counts(self) -> Mapping[str, int]:
        """Return the number of records per canonical object."""
        return {o: int(one(self.con, f"SELECT count(*) FROM {CATALOG}.{quote(o)}")[0]) for o in OBJECTS}

    def close(self) -> None:
        """Write what is pending into the file and release it."""
        self.con.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def attach(con: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool = True) -> None:
    """ATTACH the snapshot at *path* to *con* as :data:`CATALOG`. Raises StoreError as :meth:`Snapshot.open`."""
    existed = path.exists()
    if not existed and read_only:
        raise _problem(path, "no-snapshot", "there is no snapshot", "pull the records first: crmrules pull")
    if existed and path.stat().st_size == 0:
        raise _broken(path, "the file is empty")
    options = "READ_ONLY" if read_only else _STORAGE if not existed else "READ_WRITE"
    try:
        _prepare(con)
        con.execute(f"ATTACH {text_literal(str(path))} AS {CATALOG} (TYPE duckdb, {options})")
        if existed:
            _check_size(con, path)
    except duckdb.Error as error:
        raise _translated(path, error) from error


def empty_snapshot(con: duckdb.DuckDBPyConnection, custom: Sequence[CustomField] = ()) -> None:
    """Attach an empty snapshot that lives in memory to *con*."""
    _prepare(con)
    con.execute(f"ATTACH ':memory:' AS {CATALOG}")
    _create(con, custom)


def load_rows(con: duckdb.DuckDBPyConnection, object: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert *rows* (column -> value; columns left out are missing) into an attached snapshot's table.

    Values are cast by DuckDB to the column's type. Raises duckdb.Error when one is no such thing
    and KeyError for a column that the object does not have.
    """
    columns = [str(r[0]) for r in con.execute(f"DESCRIBE {CATALOG}.{quote(object)}").fetchall()]
    values = []
    for row in rows:
        unknown = set(row) - set(columns)
        if unknown:
            raise KeyError(f"{object} has no column {', '.join(sorted(unknown))}")
        values.append([row.get(name, DEFAULTS.get((object, name))) for name in columns])
    marks = f"({', '.join('?' * len(columns))})"
    for start in range(0, len(values), _ROWS):  # one statement per row would be one commit per row
        some = values[start : start + _ROWS]
        con.execute(
            f"INSERT INTO {CATALOG}.{quote(object)} VALUES {', '.join([marks] * len(some))}",
            [value for row in some for value in row],
        )


def content_hash(con: duckdb.DuckDBPyConnection, custom: Sequence[CustomField] = ()) -> str:
    """Return a hash of every record of the attached snapshot, independent of their order."""
    whole = hashlib.sha256()
    for object in OBJECTS:
        # md5 of the texts is the same in every version of DuckDB; its built-in hash() need not be.
        texts = ", ".join(f"coalesce(CAST({quote(f.name)} AS VARCHAR), chr(30))" for f in fields_of(object, custom))
        row = one(
            con,
            f"SELECT count(*), coalesce(bit_xor(md5_number(concat_ws(chr(31), {texts}))), 0)::VARCHAR "
            f"FROM {CATALOG}.{quote(object)}",
        )
        whole.update(f"{object}:{row}\n".encode())
    return whole.hexdigest()[:16]


def _prepare(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")  # else DuckDB writes one between our own lines


def _create(con: duckdb.DuckDBPyConnection, custom: Sequence[CustomField]) -> None:
    for statement in create_own_tables(CATALOG):
        con.execute(statement)
    for object in OBJECTS:
        con.execute(create_table(CATALOG, object, custom))
    con.execute(f"INSERT INTO {CATALOG}.meta VALUES ('format', ?), ('content', ?)", [FORMAT, content_hash(con, custom)])


def _tables(con: duckdb.DuckDBPyConnection) -> set[str]:
    rows = con.execute("SELECT table_name FROM duckdb_tables() WHERE database_name = ?", [CATALOG]).fetchall()
    return {str(r[0]) for r in rows}


def _check_format(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    if "meta" not in _tables(con):
        raise _problem(
            path, "not-a-snapshot", "this DuckDB file is not a snapshot of crmrules",
            "point the profile's `state` at another folder",
        )  # fmt: skip
    row = one(con, f"SELECT value FROM {CATALOG}.meta WHERE key = 'format'")
    found = str(row[0]) if row else "none"
    if found != FORMAT:
        raise _problem(
            path, "snapshot-version", f"the snapshot has format {found}, this crmrules reads format {FORMAT}",
            "update crmrules, or delete the file and pull again: nothing but the last pull is in it",
        )  # fmt: skip


def _check_size(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    # DuckDB counts free blocks at the end that it never wrote, or has cut off; only those in use must be there.
    row = one(con, "SELECT block_size, used_blocks FROM pragma_database_size() WHERE database_name = ?", [CATALOG])
    block, expected = int(row[0]), _HEADERS + int(row[0]) * int(row[1])
    size = path.stat().st_size
    if size < expected or (size - _HEADERS) % block:
        raise _broken(path, f"the file has {size} bytes, its header promises {expected} in whole blocks of {block}")


def _problem(path: Path, code: str, message: str, hint: str) -> StoreError:
    return StoreError(Problem(code, message, Location(str(path)), hint=hint))


def _broken(path: Path, why: str) -> StoreError:
    return _problem(
        path, "snapshot-broken", f"the snapshot is truncated or broken: {why}",
        "delete the file and pull again: nothing but the last pull is in it",
    )  # fmt: skip


def _translated(path: Path, error: duckdb.Error) -> StoreError:
    text = str(error)
    folded = text.lower()
    if any(words in folded for words in ("set lock", "already attached", "file handle conflict", "being used by")):
        return _problem(
            path, "snapshot-locked", "the snapshot is in use by another run", "wait until it has ended, then try again"
        )
    if "version" in folded:
        return _problem(
            path, "snapshot-version", "the snapshot was written by another version of DuckDB",
            "update duckdb, or delete the file and pull again",
        )  # fmt: skip
    return _broken(path, text.splitlines()[0])
