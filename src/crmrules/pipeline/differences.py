"""Find, in columns, the places whose desired value differs from what stands in the snapshot.

A million desired rows are one join in DuckDB; only the rows that differ come to Python, and only
for those the journal is asked what is ours. All values are compared as text in the spelling of
their column's type, so ``12`` and ``12.0000`` of a money field are one value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from crmrules.errors import DataError, Location, Problem
from crmrules.model.changes import AUTHOR, Kind, Target
from crmrules.model.objects import OBJECTS
from crmrules.stores.journal import Journal

if TYPE_CHECKING:
    import duckdb

SHOWN = 20  # wrong rows that are listed one by one


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One place where ``desired`` is not ``current``."""

    target: Target
    account_id: str
    current: str | None
    desired: str | None
    rule: str
    reason_zh: str
    reason_en: str
    said: bool  # an outcome says something about this place


@contextmanager
def compared(con: duckdb.DuckDBPyConnection, journal: Journal) -> Iterator[None]:
    """Provide the temporary tables that :func:`differences` and :func:`missing` read.

    Raises DataError with all that is wrong with the desired state: a field that the snapshot does
    not have, a tag name with ``=``, two rows that want different things at one place.
    """
    try:
        _take_wanted(con)
        _check(con)
        _take_places(con, journal.places())
        _take_current(con)
        _take_locked(con)
        yield
    finally:
        for table in ("wb_wanted", "wb_place", "wb_record", "wb_current", "wb_locked"):
            con.execute(f"DROP TABLE IF EXISTS temp.{table}")


def differences(con: duckdb.DuckDBPyConnection, size: int = 20_000) -> Iterator[Difference]:
    """Yield what differs, ordered by target.

    Where no outcome says anything (any more) about a place that runs of ours have written to on
    some record, what stands there is yielded with ``desired`` None and not ``said``; whether it is ours
    at all only the journal knows.
    """
    cursor = con.execute(
        """
        SELECT d.object, d.record_id, d.kind, d.name, d.account_id, c.value, d.value, d.rule, d.reason_zh, d.reason_en, true
        FROM temp.wb_wanted d
        JOIN temp.wb_record r USING (object, record_id)
        LEFT JOIN temp.wb_current c USING (object, record_id, kind, name)
        ANTI JOIN temp.wb_locked l USING (object, record_id, kind, name)
        WHERE d.value IS DISTINCT FROM c.value
        UNION ALL
        SELECT object, record_id, kind, name, '', value, NULL, '', '', '', false
        FROM temp.wb_current c
        ANTI JOIN temp.wb_wanted d USING (object, record_id, kind, name)
        ANTI JOIN temp.wb_locked l USING (object, record_id, kind, name)
        WHERE c.value IS NOT NULL
        ORDER BY 1, 2, 3, 4
        """
    )
    while rows := cursor.fetchmany(size):
        for row in rows:
            yield Difference(
                target=Target(object=row[0], record_id=row[1], kind=cast(Kind, row[2]), name=row[3]),
                account_id=row[4], current=row[5], desired=row[6], rule=row[7], reason_zh=row[8], reason_en=row[9],
                said=row[10],
            )  # fmt: skip


def missing(con: duckdb.DuckDBPyConnection) -> int:
    """Return how many desired rows are about records that are not in the snapshot."""
    found = con.execute("SELECT count(*) FROM temp.wb_wanted ANTI JOIN temp.wb_record USING (object, record_id)")
    return int(found.fetchall()[0][0])


def _take_wanted(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE wb_wanted AS
        SELECT object, record_id, coalesce(min(account_id), '') AS account_id, kind, name, value,
               min(why).rule AS rule, min(why).zh AS reason_zh, min(why).en AS reason_en
        FROM (
            SELECT object, record_id, account_id, kind, name, if(kind = 'tag', value, nullif(value, '')) AS value,
                   {{'rule': coalesce(rule, ''), 'zh': coalesce(reason_zh, ''), 'en': coalesce(reason_en, '')}} AS why
            FROM {_desired_table(con)}
        )
        GROUP BY object, record_id, kind, name, value  -- the same from two rules is one wish
        """
    )


def _desired_table(con: duckdb.DuckDBPyConnection) -> str:
    found = con.execute(
        "SELECT database_name, schema_name FROM duckdb_tables() WHERE table_name = 'desired'"
        " AND (database_name = 'decision' OR database_name = current_database())"
        " ORDER BY database_name <> 'decision' LIMIT 1"
    ).fetchone()
    if found is None:
        raise DataError(Problem("no-decision", "nothing was decided yet", hint="run `crmrules decide` first"))
    return f"{_quote(found[0])}.{_quote(found[1])}.desired"


def _take_places(con: duckdb.DuckDBPyConnection, written: Iterable[tuple[str, str, str]]) -> None:
    """Take every (object, kind, name) that is wanted, or was *written*, on some record."""
    con.execute("CREATE OR REPLACE TEMP TABLE wb_place AS SELECT DISTINCT object, kind, name FROM temp.wb_wanted")
    for place in written:
        con.execute("INSERT INTO temp.wb_place SELECT ?, ?, ? EXCEPT SELECT * FROM temp.wb_place", place)


def _take_locked(con: duckdb.DuckDBPyConnection) -> None:
    """Take the places that a person has locked: also what we wrote there ourselves stays as it is."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE wb_locked AS
        SELECT p.object, c.deal_id || '|' || c.contact_id AS record_id, p.kind, p.name
        FROM snapshot.deal_contact c, temp.wb_place p WHERE p.object = 'deal_contact' AND c.locked
        UNION ALL
        SELECT p.object, c.id, p.kind, p.name FROM snapshot.contact c, temp.wb_place p
        WHERE p.object = 'contact' AND c.role_locked AND regexp_matches(p.name, '^(role([.=].*)?|crm_role)$')
        """
    )


def _take_current(con: duckdb.DuckDBPyConnection) -> None:
    objects = [o for (o,) in con.execute("SELECT DISTINCT object FROM temp.wb_place ORDER BY 1").fetchall()]
    records = [f"SELECT {_text(o)} AS object, {_record_id(o)} AS record_id FROM snapshot.{_quote(o)}" for o in objects]
    nothing = "SELECT NULL::VARCHAR AS object, NULL::VARCHAR AS record_id WHERE false"
    con.execute(f"CREATE OR REPLACE TEMP TABLE wb_record AS {' UNION ALL '.join([nothing, *records])}")
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE wb_current AS
        SELECT object, record_id, 'tag' AS kind, tag_name AS name,
               string_agg(DISTINCT tag_value, ' | ' ORDER BY tag_value) AS value
        FROM (
            SELECT object, record_id, split_part(name, '=', 1) AS tag_name,
                   substr(name, length(split_part(name, '=', 1)) + 2) AS tag_value
            FROM snapshot.tag
            UNION ALL
            SELECT object, record_id, name, '' FROM snapshot.tag WHERE contains(name, '=')
        ) SEMI JOIN (SELECT object, name AS tag_name FROM temp.wb_place WHERE kind = 'tag')
        USING (object, tag_name)
        GROUP BY ALL
        UNION ALL
        SELECT object, record_id, 'note', title,
               nullif(min({{'foreign': author IS DISTINCT FROM '{AUTHOR}', 'id': id, 'body': body}}).body, '')
        FROM snapshot.note n
        SEMI JOIN (SELECT object, name AS title FROM temp.wb_place WHERE kind = 'note')
        USING (object, title)
        GROUP BY ALL
        """
    )
    for object, name, type in _fields(con):
        con.execute(
            f"INSERT INTO temp.wb_current SELECT {_text(object)}, {_record_id(object)}, 'field', {_text(name)},"
            f" nullif(CAST({_quote(name)} AS VARCHAR), '') FROM snapshot.{_quote(object)}"
        )
        if type != "VARCHAR":
            con.execute(
                f"UPDATE temp.wb_wanted SET value = CAST(TRY_CAST(value AS {type}) AS VARCHAR) WHERE kind = 'field'"
                f" AND object = {_text(object)} AND name = {_text(name)} AND TRY_CAST(value AS {type}) IS NOT NULL"
            )


def _fields(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Return (object, field, DuckDB type) of every field that is a place."""
    return con.execute(
        """
        SELECT d.object, d.name, c.data_type FROM temp.wb_place d
        JOIN duckdb_columns() c
          ON c.database_name = 'snapshot' AND c.table_name = d.object AND c.column_name = d.name
        WHERE d.kind = 'field' ORDER BY ALL
        """
    ).fetchall()


def _check(con: duckdb.DuckDBPyConnection) -> None:
    problems = [
        Problem("desired-twice", f"{o} {r}: {k} {n} should be {x!r} and {y!r} at once", at=_at(rule),
                hint="let one entry of the ruleset's `write` give it")
        for o, r, k, n, x, y, rule in con.execute(
            f"""
            SELECT object, record_id, kind, name, min(value), max(value), min(rule) FROM temp.wb_wanted
            GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT {SHOWN}
            """
        ).fetchall()
    ]  # fmt: skip
    wrong = con.execute(
        """
        WITH place AS (
            SELECT object, kind, name, min(rule) AS rule, max(value) AS most FROM temp.wb_wanted GROUP BY ALL
        )
        SELECT object, kind, name, rule, most, c.data_type FROM place p LEFT JOIN duckdb_columns() c
          ON c.database_name = 'snapshot' AND c.table_name = p.object AND c.column_name = p.name
        ORDER BY ALL
        """
    ).fetchall()
    for object, kind, name, rule, most, type in wrong:
        if object not in OBJECTS:
            problems.append(Problem("unknown-object", f"there is no object '{object}'", at=_at(rule)))
        elif kind == "tag" and "=" in name and most:
            problems.append(Problem("tag-name", f"the whole tag '{name}' can't have a value", at=_at(rule)))
        elif kind == "field" and type is None:
            problems.append(
                Problem("unknown-field", f"{object} has no field '{name}' to write to", at=_at(rule),
                        hint="declare the field in the mapping")
            )  # fmt: skip
        elif kind == "field" and (type.endswith("[]") or name in OBJECTS[object].key):
            problems.append(Problem("field-not-writable", f"{object}.{name} can't be written", at=_at(rule)))
    if problems:
        raise DataError(problems)


def _at(rule: str) -> Location:
    return Location(f"rule {rule}" if rule else "<desired>")


def _record_id(object: str) -> str:
    return " || '|' || ".join(_quote(column) for column in OBJECTS[object].key)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
