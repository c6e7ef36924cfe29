"""Merging a stage into the snapshot: checked as a whole, all at once or not at all.

Every complaint is collected; with one, nothing is stored, unless bad rows may go to quarantine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import duckdb

from crmrules.errors import DataError, Location, Problem
from crmrules.model.objects import OBJECTS, CustomField
from crmrules.stores import checks
from crmrules.stores.schema import CATALOG, DEFAULTS, create_table, fields_of, key_columns, one, quote, record_id
from crmrules.stores.snapshot import Snapshot, content_hash
from crmrules.stores.stage import STAGE, Stage

_SHOWN = 200  # problems spelled out; the rest is counted


@dataclass(frozen=True, kw_only=True)
class Watermark:
    """Up to when a native object has been read, and by which mapping (a digest)."""

    until: datetime | None  # UTC, naive
    mapping: str


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a merge did to one object."""

    read: int = 0
    new: int = 0
    changed: int = 0
    touched: int = 0  # saved again with nothing else changed: mostly the echo of our own writes
    deleted: int = 0
    quarantined: int = 0
    stored: int = 0  # records afterwards


@dataclass
class Intake:
    """Merges a complete stage into an open snapshot."""

    snapshot: Snapshot
    stage: Stage
    custom: Sequence[CustomField] = ()
    lenient: bool = False  # bad rows go to the table `quarantine` instead of stopping everything
    _partial: frozenset[str] = field(default=frozenset(), init=False)  # objects of which only changes were read
    _swept: frozenset[str] = field(default=frozenset(), init=False)  # of which all that exist are known by their keys

    def __post_init__(self) -> None:
        rows = self.con.execute(
            f"SELECT object, bool_or(partial), bool_and(swept OR NOT partial) FROM {STAGE}.reading GROUP BY object"
        ).fetchall()
        self._partial = frozenset(object for object, partial, _ in rows if partial)
        self._swept = frozenset(object for object, _, swept in rows if swept)

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        return self.snapshot.con

    def merge(
        self,
        watermarks: Mapping[str, str],
        references: Iterable[str],
        *,
        children: Mapping[str, Iterable[str]] | None = None,
        dry: bool = False,
    ) -> tuple[Mapping[str, Counts], tuple[Problem, ...]]:
        """Check what is staged and put it into the snapshot, all in one transaction.

        *watermarks* gives the digest of each read native object's mapping, *references* the objects
        that are mapped at all (only references to these can dangle), *children* the objects whose
        records live and die with those of others. Returns what happened per object, and warnings.
        *dry* computes the same and keeps nothing.
        Raises DataError with every problem, and stores nothing, when rows are wrong and not lenient.
        """
        con = self.con
        read = {
            o: int(n) for o, n in con.execute(f"SELECT object, sum(read) FROM {STAGE}.reading GROUP BY 1").fetchall()
        }
        ordered = [object for object in OBJECTS if object in read]
        for object in ordered:
            self._complain_about_keys(object)
        if self.lenient:
            self._drop_quarantined(ordered)
        con.execute("BEGIN")
        try:
            counts = {object: self._replace(object, read[object]) for object in ordered}
            for child, parents in (children or {}).items():
                counts[child] = replace(
                    counts[child], deleted=counts[child].deleted + self._drop_orphans(child, parents)
                )
            for object in OBJECTS:
                if object not in set(references):
                    con.execute(f"DELETE FROM {CATALOG}.{quote(object)}")
            problems, dropped = checks.references(con, STAGE, set(references), self.custom, drop=self.lenient)
            if not self.lenient:
                self._refuse([p for p in problems if p.severity == "error"])
            problems += checks.cycles(con, set(references))
            self._keep_quarantine(ordered, dropped)
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
        con, table, keys = self.con, f"{STAGE}.{quote(object)}", key_columns(object)
        for name in keys:
            default = DEFAULTS.get((object, name))
            if default is not None:
                con.execute(f"UPDATE {table} SET {quote(name)} = ? WHERE {quote(name)} IS NULL", [default])
            else:
                con.execute(
                    f'INSERT INTO {STAGE}.quarantine SELECT ?, {record_id(object)}, "_source", "_row", ?, NULL, ? '
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
            f'INSERT INTO {STAGE}.quarantine SELECT ?, id, "_source", "_row", ?, id, '
            f"'stands already at ' || first_source || ':' || first_row FROM (SELECT {record_id(object)} AS id, "
            f'"_source", "_row", row_number() OVER same AS n, first_value("_source") OVER same AS first_source, '
            f'first_value("_row") OVER same AS first_row FROM {table} WHERE "_row" > 0 AND {present} '
            f'WINDOW same AS (PARTITION BY {by} ORDER BY "_source", "_row")) WHERE n > 1',
            [object, keys[0] if len(keys) == 1 else " + ".join(keys)],
        )

    def _drop_quarantined(self, objects: Iterable[str]) -> None:
        for object in objects:
            self.con.execute(
                f"DELETE FROM {STAGE}.{quote(object)} AS t USING {STAGE}.quarantine AS q WHERE q.object = ? "
                f'AND q.source = t."_source" AND q.row = t."_row" '
                f"AND (q.row > 0 OR q.record_id = {record_id(object, 't')})",
                [object],
            )

    def _replace(self, object: str, read: int) -> Counts:
        con, there, here = self.con, f"{CATALOG}.{quote(object)}", f"{STAGE}.{quote(object)}"
        wanted = [f.name for f in fields_of(object, self.custom)]
        if (
            con.execute(f"DESCRIBE {there}").fetchall()
            != con.execute(
                f"SELECT * FROM (DESCRIBE {here}) WHERE column_name NOT IN ('_from', '_source', '_row')"
            ).fetchall()
        ):  # the mapping's custom columns changed
            con.execute(f"DROP TABLE {there}")
            con.execute(create_table(CATALOG, object, self.custom))
        keys = key_columns(object)
        same = " AND ".join(f"s.{quote(k)} = t.{quote(k)}" for k in keys)
        columns = ", ".join(map(quote, wanted))
        others = [c for c in wanted if c not in keys]
        differ = " OR ".join(f"s.{quote(c)} IS DISTINCT FROM t.{quote(c)}" for c in others) or "false"
        told = (
            " OR ".join(f"s.{quote(c)} IS DISTINCT FROM t.{quote(c)}" for c in others if c != "modified_at") or "false"
        )
        known = f"t.{quote(keys[0])} IS NOT NULL"
        new, changed, touched = one(
            con,
            f"SELECT count(*) FILTER (WHERE NOT ({known})), count(*) FILTER (WHERE {known} AND ({told})), "
            f"count(*) FILTER (WHERE {known} AND ({differ}) AND NOT ({told})) FROM {here} s LEFT JOIN {there} t ON {same}",
        )
        deleted = self._delete_gone(object, there, here, same)
        if new or changed or touched:
            con.execute(f"DELETE FROM {there} AS t WHERE EXISTS (SELECT 1 FROM {here} s WHERE {same} AND ({differ}))")
            con.execute(
                f"INSERT INTO {there} ({columns}) SELECT {columns} FROM {here} s "
                f"WHERE NOT EXISTS (SELECT 1 FROM {there} t WHERE {same})"
            )
        return Counts(read=read, new=new, changed=changed, touched=touched, deleted=deleted)

    def _delete_gone(self, object: str, there: str, here: str, same: str) -> int:
        """Delete what the CRM has no more: by what was read whole, by the keys that exist, by those told as deleted,
        and children that their parents no longer have."""
        con = self.con
        absent = f"NOT EXISTS (SELECT 1 FROM {here} s WHERE {same})"
        if object not in self._partial:
            return int(one(con, f"DELETE FROM {there} AS t WHERE {absent}")[0])
        deleted = 0
        if object in self._swept:
            exists = f"EXISTS (SELECT 1 FROM {STAGE}.{quote('keys ' + object)} s WHERE {same})"
            deleted += int(one(con, f"DELETE FROM {there} AS t WHERE NOT {exists} AND {absent}")[0])
        told = f"EXISTS (SELECT 1 FROM {STAGE}.{quote('lost ' + object)} s WHERE {same})"
        deleted += int(one(con, f"DELETE FROM {there} AS t WHERE {told} AND {absent}")[0])
        # A cover names some of the key's columns; the others are NULL.
        covered = " AND ".join(f"(s.{quote(k)} IS NULL OR s.{quote(k)} = t.{quote(k)})" for k in key_columns(object))
        by_parent = f"EXISTS (SELECT 1 FROM {STAGE}.{quote('covers ' + object)} s WHERE {covered})"
        return deleted + int(one(con, f"DELETE FROM {there} AS t WHERE {by_parent} AND {absent}")[0])

    def _drop_orphans(self, child: str, parents: Iterable[str]) -> int:
        """Delete children whose parent has gone."""
        there = f"{CATALOG}.{quote(child)}"
        dropped = 0
        for parent in parents:
            column = next(
                (f.name for f in OBJECTS[child].fields if f.refers_to == parent and f.name in key_columns(child)), ""
            )
            this = f"t.{quote(column)} = p.id" if column else "t.record_id = p.id"
            hangs = "true" if column else f"t.object = '{parent}'"
            dropped += int(
                one(
                    self.con,
                    f"DELETE FROM {there} AS t WHERE {hangs} AND NOT EXISTS "
                    f"(SELECT 1 FROM {CATALOG}.{quote(parent)} p WHERE {this})",
                )[0]
            )
        return dropped

    def _finished(self, object: str, counts: Counts, dropped: Sequence[checks.Row]) -> Counts:
        count = "SELECT count(DISTINCT (source, row, record_id))"
        return replace(
            counts,
            new=max(0, counts.new - len({id for o, id, *_ in dropped if o == object})),
            quarantined=int(one(self.con, f"{count} FROM {CATALOG}.quarantine WHERE object = ?", [object])[0]),
            stored=int(one(self.con, f"SELECT count(*) FROM {CATALOG}.{quote(object)}")[0]),
        )

    def _keep_quarantine(self, objects: Iterable[str], dropped: Sequence[checks.Row]) -> None:
        con = self.con
        for object in objects:
            if object in self._partial:  # what was not read again is still as bad as it was
                con.execute(
                    f"DELETE FROM {CATALOG}.quarantine WHERE object = ? AND record_id IN "
                    f"(SELECT {record_id(object)} FROM {STAGE}.{quote(object)})",
                    [object],
                )
            else:
                con.execute(f"DELETE FROM {CATALOG}.quarantine WHERE object = ?", [object])
        con.execute(f"INSERT INTO {CATALOG}.quarantine SELECT * FROM {STAGE}.quarantine")
        if dropped:
            con.executemany(f"INSERT INTO {CATALOG}.quarantine VALUES (?, ?, ?, ?, ?, ?, ?)", dropped)

    def _keep_state(self, watermarks: Mapping[str, str]) -> None:
        con = self.con
        for reading in self.stage.readings():
            if reading.native not in watermarks:
                continue
            known = one(con, f"SELECT watermark FROM {CATALOG}.sync_state WHERE native = ?", [reading.native])
            # What was saved while we read may be older than the newest record; never later than we began.
            newest = one(
                con,
                f'SELECT least(max(modified_at), ?::TIMESTAMP) FROM {STAGE}.{quote(reading.object)} WHERE "_from" = ?',
                [self.stage.started, reading.native],
            )
            before = known[0] if known and reading.partial else None
            until = max((t for t in (before, newest[0]) if t is not None), default=None)
            con.execute(f"DELETE FROM {CATALOG}.sync_state WHERE native = ?", [reading.native])
            con.execute(
                f"INSERT INTO {CATALOG}.sync_state VALUES (?, ?, ?, ?)",
                [reading.object, reading.native, until, watermarks[reading.native]],
            )
        con.execute(f"UPDATE {CATALOG}.meta SET value = ? WHERE key = 'content'", [content_hash(con, self.custom)])

    def _refuse(self, dangling: list[Problem]) -> None:
        rows = self.con.execute(
            f"SELECT object, record_id, source, row, field, value, problem FROM {STAGE}.quarantine ORDER BY ALL"
        ).fetchall()
        if errors := [bad_value(*row) for row in rows] + dangling:
            raise DataError(_shortened(errors))


def watermark(snapshot: Snapshot, native: str) -> Watermark | None:
    """Return up to when the CRM's object *native* has been read into *snapshot*, None when it never was."""
    row = one(snapshot.con, f"SELECT watermark, mapping FROM {CATALOG}.sync_state WHERE native = ?", [native])
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
