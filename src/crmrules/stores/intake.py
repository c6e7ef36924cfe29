"""The way of records into a snapshot: pages are cast and staged, checked as a whole, merged at once.

The stage is a file of its own beside the snapshot, so a killed pull leaves the snapshot as it was.
Every complaint is collected; with one, nothing is stored, unless bad rows may go to quarantine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from crmrules.errors import DataError, Location, Problem
from crmrules.model.objects import OBJECTS, CustomField
from crmrules.stores import checks
from crmrules.stores.schema import (
    CATALOG,
    DEFAULTS,
    create_own_tables,
    create_table,
    fields_of,
    key_columns,
    one,
    quote,
    record_id,
    text_literal,
)
from crmrules.stores.snapshot import Snapshot, content_hash

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN = 200  # problems spelled out; the rest is counted
_STAGE = "stage"
_PLACE = ', "_source" VARCHAR, "_row" BIGINT'  # where a staged row stood; row 0: the source has no numbers


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
class Watermark:
    """Up to when an object has been read, and by which mapping (a digest)."""

    until: datetime | None  # UTC, naive
    mapping: str


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a merge did to one object."""

    read: int = 0
    new: int = 0
    changed: int = 0
    deleted: int = 0
    quarantined: int = 0
    stored: int = 0  # records afterwards


@dataclass
class Intake:
    """Stages pages of records and merges them into an open snapshot."""

    snapshot: Snapshot
    custom: Sequence[CustomField] = ()
    lenient: bool = False  # bad rows go to the table `quarantine` instead of stopping everything
    _read: dict[str, int] = field(default_factory=dict)
    _partial: set[str] = field(default_factory=set)  # objects of which only changes were read
    _known_keys: set[str] = field(default_factory=set)  # partial objects whose existing keys were staged

    def __enter__(self) -> Self:
        path = self.snapshot.path.with_name(self.snapshot.path.name + ".stage")
        for leftover in (path, path.with_name(path.name + ".wal")):
            leftover.unlink(missing_ok=True)
        self._path = path
        con = self.con = self.snapshot.con
        con.execute(f"ATTACH {text_literal(str(path))} AS {_STAGE}")
        for statement in create_own_tables(_STAGE):
            con.execute(statement)
        for object in OBJECTS:
            con.execute(create_table(_STAGE, object, self.custom, _PLACE))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.con.execute("DROP TABLE IF EXISTS _cast")
        self.con.execute(f"DETACH {_STAGE}")
        self._path.unlink(missing_ok=True)

    # ------------------------------------------------------------ staging

    def begin(self, object: str, *, partial: bool) -> None:
        """Announce that *object* is read now: all of it, or (*partial*) only what changed."""
        self._read[object] = 0
        if partial:
            self._partial.add(object)

    def add(self, object: str, rows: pa.Table, columns: Sequence[Column], source: str, first_row: int) -> None:
        """Stage one page. *columns* are SQL over the names of *rows*; row numbers start at *first_row* (0: none)."""
        import pyarrow as pa

        numbers = range(first_row, first_row + rows.num_rows) if first_row else [0] * rows.num_rows
        self.con.register("_page", rows.append_column("_row", pa.array(numbers, pa.int64())))
        try:
            # Cast once: the values go to the stage, their raw texts are only looked at where a value is missing.
            values = [f"{c.value} AS {quote(c.name)}" for c in columns]
            raws = [f"{c.raw} AS {_raw(c.name)}" for c in columns if c.raw != c.value]
            self.con.execute(
                f'CREATE OR REPLACE TEMP TABLE _cast AS SELECT {", ".join(values + raws)}, "_row" FROM _page'
            )
        finally:
            self.con.unregister("_page")
        names = ", ".join(quote(c.name) for c in columns)
        self.con.execute(
            f'INSERT INTO {_STAGE}.{quote(object)} ({names}, "_source", "_row") '
            f'SELECT {names}, {text_literal(source)}, "_row" FROM _cast'
        )
        self._complain_about_values(object, columns, source)
        self._read[object] += rows.num_rows

    def add_keys(self, object: str, rows: pa.Table, columns: Sequence[Column]) -> None:
        """Stage keys that exist in the CRM now; a partial object loses every record that is not among them."""
        names = ", ".join(f"{c.value} AS {quote(c.name)}" for c in columns)
        table = f"{_STAGE}.{quote('keys ' + object)}"
        self.con.register("_page", rows)
        try:
            if object not in self._known_keys:
                self.con.execute(f"CREATE TABLE {table} AS SELECT {names} FROM _page LIMIT 0")
                self._known_keys.add(object)
            self.con.execute(f"INSERT INTO {table} SELECT {names} FROM _page")
        finally:
            self.con.unregister("_page")

    def _complain_about_values(self, object: str, columns: Sequence[Column], source: str) -> None:
        typed = [c for c in columns if c.raw != c.value]
        if not typed:
            return
        bad = [f"{quote(c.name)} IS NULL AND {_raw(c.name)} IS NOT NULL" for c in typed]
        counts = one(self.con, f"SELECT {', '.join(f'count(*) FILTER (WHERE {b})' for b in bad)} FROM _cast")
        known = {c.name for c in columns}
        key = " || '|' || ".join(f"coalesce({quote(k)}, '')" for k in key_columns(object) if k in known)
        for column, condition, count in zip(typed, bad, counts, strict=True):
            if count:
                self.con.execute(
                    f'INSERT INTO {_STAGE}.quarantine SELECT ?, {key}, ?, "_row", ?, {_raw(column.name)}, ? '
                    f"FROM _cast WHERE {condition}",
                    [object, source, column.name, f"is not {column.expected}"],
                )

    # ------------------------------------------------------------ merging

    def merge(
        self, watermarks: Mapping[str, str], references: Iterable[str], *, dry: bool = False
    ) -> tuple[Mapping[str, Counts], tuple[Problem, ...]]:
        """Check what is staged and put it into the snapshot, all in one transaction.

        *watermarks* gives the digest of each read object's mapping, *references* the objects that
        are mapped at all (only references to these can dangle). Returns what happened per object,
        and warnings. *dry* computes the same and keeps nothing.
        Raises DataError with every problem, and stores nothing, when rows are wrong and not lenient.
        """
        for object in self._read:
            self._complain_about_keys(object)
        if self.lenient:
            self._drop_quarantined()
        con = self.con
        con.execute("BEGIN")
        try:
            counts = {object: self._replace(object) for object in self._read}
            for object in OBJECTS:
                if object not in set(references):
                    con.execute(f"DELETE FROM {CATALOG}.{quote(object)}")
            problems, dropped = checks.references(con, _STAGE, set(references), self.custom, drop=self.lenient)
            if not self.lenient:
                self._refuse([p for p in problems if p.severity == "error"])
            problems += checks.cycles(con, set(references))
            self._keep_quarantine(dropped)
            self._keep_state(watermarks)
            result = {o: self._finished(o, c, dropped) for o, c in counts.items()}
        except BaseException:
            con.execute("ROLLBACK")
            raise
        con.execute("ROLLBACK" if dry else "COMMIT")
        if not dry:
            con.execute(f"CHECKPOINT {CATALOG}")
        return result, tuple(_shortened([p for p in problems if p.severity == "warning"]))

    def _complain_about_keys(self, object: str) -> None:
        con, table, keys = self.con, f"{_STAGE}.{quote(object)}", key_columns(object)
        for name in keys:
            default = DEFAULTS.get((object, name))
            if default is not None:
                con.execute(f"UPDATE {table} SET {quote(name)} = ? WHERE {quote(name)} IS NULL", [default])
            else:
                con.execute(
                    f'INSERT INTO {_STAGE}.quarantine SELECT ?, {record_id(object)}, "_source", "_row", ?, NULL, ? '
                    f"FROM {table} WHERE {quote(name)} IS NULL",
                    [object, name, "is missing, so the record has no key"],
                )
        by = ", ".join(map(quote, keys))
        modified = quote("modified_at")
        # A source without row numbers (an endpoint, read page by page) may hand out a record twice; the newest counts.
        con.execute(
            f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM (SELECT rowid, row_number() OVER "
            f"(PARTITION BY {by} ORDER BY {modified} DESC NULLS LAST, rowid DESC) AS n FROM {table} "
            f'WHERE "_row" = 0) WHERE n > 1)'
        )
        present = " AND ".join(f"{quote(k)} IS NOT NULL" for k in keys)
        con.execute(
            f'INSERT INTO {_STAGE}.quarantine SELECT ?, id, "_source", "_row", ?, id, '
            f"'stands already at ' || first_source || ':' || first_row FROM (SELECT {record_id(object)} AS id, "
            f'"_source", "_row", row_number() OVER same AS n, first_value("_source") OVER same AS first_source, '
            f'first_value("_row") OVER same AS first_row FROM {table} WHERE "_row" > 0 AND {present} '
            f'WINDOW same AS (PARTITION BY {by} ORDER BY "_source", "_row")) WHERE n > 1',
            [object, keys[0] if len(keys) == 1 else " + ".join(keys)],
        )

    def _drop_quarantined(self) -> None:
        for object in self._read:
            self.con.execute(
                f"DELETE FROM {_STAGE}.{quote(object)} AS t USING {_STAGE}.quarantine AS q WHERE q.object = ? "
                f'AND q.source = t."_source" AND q.row = t."_row" '
                f"AND (q.row > 0 OR q.record_id = {record_id(object, 't')})",
                [object],
            )

    def _replace(self, object: str) -> Counts:
        con, there, here = self.con, f"{CATALOG}.{quote(object)}", f"{_STAGE}.{quote(object)}"
        wanted = [f.name for f in fields_of(object, self.custom)]
        if (
            con.execute(f"DESCRIBE {there}").fetchall()
            != con.execute(f"SELECT * FROM (DESCRIBE {here}) WHERE column_name NOT IN ('_source', '_row')").fetchall()
        ):  # the mapping's custom columns changed
            con.execute(f"DROP TABLE {there}")
            con.execute(create_table(CATALOG, object, self.custom))
        keys = key_columns(object)
        same = " AND ".join(f"s.{quote(k)} = t.{quote(k)}" for k in keys)
        columns = ", ".join(map(quote, wanted))
        differ = " OR ".join(f"s.{quote(c)} IS DISTINCT FROM t.{quote(c)}" for c in wanted if c not in keys) or "false"
        new, changed = one(
            con,
            f"SELECT count(*) FILTER (WHERE t.{quote(keys[0])} IS NULL), "
            f"count(*) FILTER (WHERE t.{quote(keys[0])} IS NOT NULL AND ({differ})) "
            f"FROM {here} s LEFT JOIN {there} t ON {same}",
        )
        if object not in self._partial:
            gone = here
        elif object in self._known_keys:
            gone = f"{_STAGE}.{quote('keys ' + object)}"
        else:
            gone = ""
        deleted = 0
        if gone:
            absent = f"NOT EXISTS (SELECT 1 FROM {gone} s WHERE {same})"
            deleted = int(one(con, f"DELETE FROM {there} AS t WHERE {absent}")[0])
        if new or changed:
            con.execute(f"DELETE FROM {there} AS t WHERE EXISTS (SELECT 1 FROM {here} s WHERE {same} AND ({differ}))")
            con.execute(
                f"INSERT INTO {there} ({columns}) SELECT {columns} FROM {here} s "
                f"WHERE NOT EXISTS (SELECT 1 FROM {there} t WHERE {same})"
            )
        return Counts(read=self._read[object], new=new, changed=changed, deleted=deleted)

    def _finished(self, object: str, counts: Counts, dropped: Sequence[checks.Row]) -> Counts:
        count = "SELECT count(DISTINCT (source, row, record_id))"
        return replace(
            counts,
            new=max(0, counts.new - len({id for o, id, *_ in dropped if o == object})),
            quarantined=int(one(self.con, f"{count} FROM {CATALOG}.quarantine WHERE object = ?", [object])[0]),
            stored=int(one(self.con, f"SELECT count(*) FROM {CATALOG}.{quote(object)}")[0]),
        )

    def _keep_quarantine(self, dropped: Sequence[checks.Row]) -> None:
        con = self.con
        for object in self._read:
            if object in self._partial:  # what was not read again is still as bad as it was
                con.execute(
                    f"DELETE FROM {CATALOG}.quarantine WHERE object = ? AND record_id IN "
                    f"(SELECT {record_id(object)} FROM {_STAGE}.{quote(object)})",
                    [object],
                )
            else:
                con.execute(f"DELETE FROM {CATALOG}.quarantine WHERE object = ?", [object])
        con.execute(f"INSERT INTO {CATALOG}.quarantine SELECT * FROM {_STAGE}.quarantine")
        if dropped:
            con.executemany(f"INSERT INTO {CATALOG}.quarantine VALUES (?, ?, ?, ?, ?, ?, ?)", dropped)

    def _keep_state(self, watermarks: Mapping[str, str]) -> None:
        con = self.con
        for object, digest in watermarks.items():
            con.execute(f"DELETE FROM {CATALOG}.sync_state WHERE object = ?", [object])
            con.execute(
                f"INSERT INTO {CATALOG}.sync_state SELECT ?, max(modified_at), ? FROM {CATALOG}.{quote(object)}",
                [object, digest],
            )
        con.execute(f"UPDATE {CATALOG}.meta SET value = ? WHERE key = 'content'", [content_hash(con, self.custom)])

    def _refuse(self, dangling: list[Problem]) -> None:
        rows = self.con.execute(
            f"SELECT object, record_id, source, row, field, value, problem FROM {_STAGE}.quarantine ORDER BY ALL"
        ).fetchall()
        if errors := [bad_value(*row) for row in rows] + dangling:
            raise DataError(_shortened(errors))


def _raw(column: str) -> str:
    return quote(f"raw {column}")


def watermark(snapshot: Snapshot, object: str) -> Watermark | None:
    """Return up to when *object* has been read into *snapshot*, None when it never was."""
    row = one(snapshot.con, f"SELECT watermark, mapping FROM {CATALOG}.sync_state WHERE object = ?", [object])
    return Watermark(until=row[0], mapping=str(row[1])) if row else None


def bad_value(object: str, record: str, source: str, row: int, field: str, value: str | None, problem: str) -> Problem:
    """Return the complaint about one cell, as a person finds it in his file."""
    what = f"{object}.{field}" + (f" = {value!r}" if value is not None else "")
    who = f" (record {record})" if record.strip("|") and record != value else ""
    if problem.startswith("stands already"):
        return Problem(
            "duplicate-id", f"{object} {value!r} {problem}", Location(source, row),
            hint="give one of the two another id, or remove it",
        )  # fmt: skip
    code = "missing-key" if problem.startswith("is missing") else "bad-value"
    return Problem(code, f"{what} {problem}{who}", Location(source, row))


def _shortened(problems: list[Problem]) -> list[Problem]:
    ordered = sorted(problems, key=lambda p: (p.at, p.code, p.message))
    if len(ordered) <= _SHOWN:
        return ordered
    rest = len(ordered) - _SHOWN
    return [*ordered[:_SHOWN], Problem("more", f"{rest} more problems of this kind", severity=ordered[0].severity)]
