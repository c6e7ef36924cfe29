"""Checks over all records together: references that lead nowhere, lines of reporting that go round."""

from __future__ import annotations

from collections.abc import Sequence, Set

import duckdb

from crmrules.errors import Location, Problem
from crmrules.model.objects import CustomField
from crmrules.stores.schema import CATALOG, fields_of, key_columns, one, quote, record_id

# Without these a record belongs nowhere and would silently never count.
_NEEDED = frozenset({"account_id", "order_id", "activity_id"})
# A field of an object that refers to a record of the same kind: a line that must end somewhere.
_LINES = (("contact", "reports_to_id"), ("account", "parent_id"), ("deal", "repeat_of_id"))

Row = tuple[object, ...]


def references(
    con: duckdb.DuckDBPyConnection,
    stage: str,
    mapped: Set[str],
    custom: Sequence[CustomField],
    *,
    drop: bool,
) -> tuple[list[Problem], list[Row]]:
    """Find references to records that do not exist, where both objects are *mapped*.

    A missing account, or a missing part of a key, is an error; elsewhere the link is lost, not the
    record, so it is a warning. With *drop*, the records with errors are deleted, and what then
    dangles too, until nothing does; they are returned as rows of the table ``quarantine``.
    """
    found: dict[tuple[object, ...], Problem] = {}
    dropped: list[Row] = []
    while True:
        errors = 0
        for object in sorted(mapped):
            for field in fields_of(object, custom):
                if not field.refers_to or field.refers_to not in mapped:
                    continue
                needed = field.name in _NEEDED or field.name in key_columns(object)
                for source, row, id, value in _dangling(con, stage, object, field.name, field.refers_to):
                    problem = Problem(
                        "dangling-reference",
                        f"{object} {id!r}: {field.name} = {value!r}, but there is no {field.refers_to} {value!r}",
                        Location(source, row),
                        hint="" if needed else "the link is ignored",
                        severity="error" if needed else "warning",
                    )
                    found[(object, id, field.name)] = problem
                    if needed and drop:
                        dropped.append((object, id, source, row, field.name, value, f"no such {field.refers_to}"))
                if needed and drop:
                    errors += _delete(con, object, field.name, field.refers_to)
        if not errors:
            return list(found.values()), dropped


def _dangling(
    con: duckdb.DuckDBPyConnection, stage: str, object: str, field: str, there: str
) -> list[tuple[str, int, str, str]]:
    # Of two rows with one id, the one that has the wrong reference is meant.
    same = " AND ".join(f"s.{quote(k)} = t.{quote(k)}" for k in (*key_columns(object), field))
    return con.execute(
        f"""SELECT coalesce(s."_source", 'snapshot'), coalesce(s."_row", 0), {record_id(object, "t")}, t.{quote(field)}
        FROM {CATALOG}.{quote(object)} t LEFT JOIN {stage}.{quote(object)} s ON {same}
        WHERE {_leads_nowhere(field, there)} ORDER BY ALL"""
    ).fetchall()


def _delete(con: duckdb.DuckDBPyConnection, object: str, field: str, there: str) -> int:
    return int(one(con, f"DELETE FROM {CATALOG}.{quote(object)} AS t WHERE {_leads_nowhere(field, there)}")[0])


def _leads_nowhere(field: str, there: str) -> str:
    return (
        f"t.{quote(field)} IS NOT NULL AND t.{quote(field)} <> '' "
        f"AND NOT EXISTS (SELECT 1 FROM {CATALOG}.{quote(there)} r WHERE r.id = t.{quote(field)})"
    )


def cycles(con: duckdb.DuckDBPyConnection, mapped: Set[str]) -> list[Problem]:
    """Find records that are, over some steps, above themselves; the cycle is named. A warning each."""
    found = []
    for object, field in _LINES:
        if object in mapped:
            found += [
                Problem(
                    "cycle",
                    f"{object}: {field} goes round: {' -> '.join((*cycle, cycle[0]))}",
                    Location(object),
                    hint="somebody in this circle has the wrong superior; nothing is concluded from it",
                    severity="warning",
                )
                for cycle in _cycles_of(con, object, field)
            ]
    return found


def _cycles_of(con: duckdb.DuckDBPyConnection, object: str, field: str) -> list[tuple[str, ...]]:
    # Everybody has one superior. Jumping 1, 2, 4 ... steps up, who still stands somewhere after more
    # steps than there are people has a cycle above him; a CRM without cycles is empty after a few jumps.
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _jump AS SELECT id, {quote(field)} AS up FROM {CATALOG}.{quote(object)} "
        f"WHERE {quote(field)} IS NOT NULL"
    )
    steps, left = 1, _count(con)
    while left and steps <= left:
        con.execute("CREATE OR REPLACE TEMP TABLE _jump AS SELECT a.id, b.up FROM _jump a JOIN _jump b ON b.id = a.up")
        steps, left = steps * 2, _count(con)
    above = dict(
        con.execute(
            f"SELECT id, {quote(field)} FROM {CATALOG}.{quote(object)} WHERE id IN (SELECT id FROM _jump) ORDER BY id"
        ).fetchall()
    )
    con.execute("DROP TABLE _jump")
    return _walk(above)


def _count(con: duckdb.DuckDBPyConnection) -> int:
    return int(one(con, "SELECT count(*) FROM _jump")[0])


def _walk(above: dict[str, str]) -> list[tuple[str, ...]]:
    found, done = [], set[str]()
    for start in above:  # ordered by id, so a cycle begins at its smallest member
        path: list[str] = []
        at = start
        while at in above and at not in done:
            done.add(at)
            path.append(at)
            at = above[at]
        if at in path:
            cycle = path[path.index(at) :]
            smallest = cycle.index(min(cycle))
            found.append(tuple(cycle[smallest:] + cycle[:smallest]))
    return found
