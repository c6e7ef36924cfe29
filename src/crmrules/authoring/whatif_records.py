"""The records around one record, in memory, where they can be changed: all that what is decided about it can read.

Records belong together where one refers to the other, users aside: everybody has an owner. What
ranks a record among all others needs all of them; then they are seen through views.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from crmrules.errors import DataError, Location, Problem, did_you_mean
from crmrules.evaluation.sql import literal
from crmrules.model.objects import OBJECTS, FieldType
from crmrules.stores.schema import CATALOG, quote

BASE = "base"  # the catalog that holds what `snapshot` was
_ALONE = ("user", "note", "tag")  # refer to nothing, or to everything
Values = Mapping[str, object]  # field -> value


def set_aside(con: duckdb.DuckDBPyConnection) -> None:
    """Attach under the name :data:`BASE` what is attached as ``snapshot``, and let go of that name."""
    path = con.execute("SELECT path FROM duckdb_databases() WHERE database_name = ?", [CATALOG]).fetchall()[0][0]
    con.execute("USE memory")
    if path is None:
        con.execute(f"ATTACH ':memory:' AS {BASE}")
        con.execute(f"COPY FROM DATABASE {CATALOG} TO {BASE}")
        con.execute(f"DETACH {CATALOG}")
    else:
        con.execute(f"DETACH {CATALOG}")
        con.execute(f"ATTACH {literal(path)} AS {BASE} (READ_ONLY)")


def typed(con: duckdb.DuckDBPyConnection, object: str, settings: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of *settings* (field -> as written; '' is missing) in the types of the fields.

    Raises DataError with every field that the object does not have and every value that fits no field.
    """
    columns = {name: type for name, type, *_ in con.execute(f"DESCRIBE {BASE}.{quote(object)}").fetchall()}
    types = {type.sql: type for type in FieldType}
    settable = [name for name in columns if name not in OBJECTS[object].key]
    problems: list[Problem] = []
    found: dict[str, Any] = {}
    at = Location("--set")
    for name, written in settings.items():
        if name not in settable:
            hint = did_you_mean(name, settable)
            problems.append(Problem("unknown-field", f"{object} has no field {name!r}", at, ", ".join(settable), hint))
            continue
        type = types[columns[name]]
        value = _value(con, type, written)
        if value is None and written:
            problems.append(Problem("bad-value", f"{name}: {written!r} is no {type.value}", at, _EXPECTED[type]))
        found[name] = value
    if problems:
        raise DataError(problems)
    return found


_EXPECTED: Mapping[FieldType, str] = {
    FieldType.text: "a text", FieldType.list: "a text", FieldType.integer: "a whole number, e.g. 12",
    FieldType.number: "a number, e.g. 0.25", FieldType.money: "an amount, e.g. 1200.50", FieldType.boolean: "true or false",
    FieldType.date: "a day, e.g. 2026-06-30", FieldType.timestamp: "a time, e.g. 2026-06-30 14:00:00",
}  # fmt: skip


def _value(con: duckdb.DuckDBPyConnection, type: FieldType, written: str) -> object:
    if not written:
        return None
    if type is FieldType.list:
        return [part.strip() for part in written.split(",")]
    if type is FieldType.integer and not written.lstrip("-").isdecimal():  # a cast would round
        return None
    if type is FieldType.boolean and written.lower() not in ("true", "false"):
        return None
    row = con.execute(f"SELECT TRY_CAST(? AS {type.sql})", [written]).fetchone()
    value = row[0] if row else None
    return None if value != value else value


def bring_near(con: duckdb.DuckDBPyConnection, object: str, id: str, also: Values) -> None:
    """Make ``snapshot`` of the records that belong together with one record, or with what *also* refers to.

    Raises DataError where there is no such record.
    """
    if not con.execute(f"SELECT 1 FROM {BASE}.{quote(object)} WHERE id = ?", [id]).fetchall():
        raise DataError(
            Problem(
                "unknown-record",
                f"there is no {object} {id!r} in the snapshot",
                Location("ID"),
                hint="ids are those of the CRM",
            )
        )
    con.execute("CREATE OR REPLACE TEMP TABLE near (object VARCHAR, id VARCHAR)")
    refers = dict(_references(object))
    seeds = [(object, id), *((refers[name], value) for name, value in also.items() if name in refers and value)]
    con.executemany("INSERT INTO near VALUES (?, ?)", seeds)
    known = -1
    while known != (known := con.execute("SELECT count(*) FROM near").fetchall()[0][0]):
        for name in OBJECTS:
            if name not in _ALONE:
                _reach(con, name)
    _begin(con)
    for name in OBJECTS:
        con.execute(f"CREATE TABLE {CATALOG}.{quote(name)} AS FROM {BASE}.{quote(name)} WHERE {_near(name)}")


def change(con: duckdb.DuckDBPyConnection, object: str, id: str, values: Values) -> None:
    """Set fields of one record that :func:`bring_near` brought."""
    table = f"{CATALOG}.{quote(object)}"
    con.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {_columns(con, object, id, values)} FROM {table}")


def show_all(con: duckdb.DuckDBPyConnection, object: str, id: str, changed: Values) -> None:
    """Make ``snapshot`` of views of all records, one of them with *changed* fields."""
    _begin(con)
    for name in OBJECTS:
        columns = _columns(con, name, id, changed if name == object else {})
        con.execute(f"CREATE VIEW {CATALOG}.{quote(name)} AS SELECT {columns} FROM {BASE}.{quote(name)}")


def _begin(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("USE memory")
    con.execute(f"DETACH DATABASE IF EXISTS {CATALOG}")
    con.execute(f"ATTACH ':memory:' AS {CATALOG}")


def _references(object: str) -> list[tuple[str, str]]:
    """Return (column, object that it means) of all columns that hold ids, its own among them."""
    own = [("id", object)] if OBJECTS[object].key == ("id",) else []
    return own + [(f.name, f.refers_to) for f in OBJECTS[object].fields if f.refers_to not in ("", "user")]


def _reach(con: duckdb.DuckDBPyConnection, object: str) -> None:
    """Add to ``near`` what the rows refer to that refer to something near."""
    references = _references(object)
    columns = ", ".join(quote(column) for column, _ in references)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE reached AS SELECT {columns} FROM {BASE}.{quote(object)} WHERE {_near(object)}"
    )
    for column, there in references:
        con.execute(
            f"INSERT INTO near SELECT DISTINCT {literal(there)}, {quote(column)} FROM reached WHERE {quote(column)} IS NOT NULL"
            f" AND {quote(column)} NOT IN (SELECT id FROM near WHERE object = {literal(there)})"
        )


def _near(object: str) -> str:
    if object == "user":
        return "TRUE"
    if object in ("note", "tag"):
        return "record_id IN (SELECT id FROM near)"
    return " OR ".join(
        f"{quote(column)} IN (SELECT id FROM near WHERE object = {literal(there)})"
        for column, there in _references(object)
    )


def _columns(con: duckdb.DuckDBPyConnection, object: str, id: str, changed: Values) -> str:
    """Return the columns of *object*, those of one record *changed*."""
    types = {name: type for name, type, *_ in con.execute(f"DESCRIBE {BASE}.{quote(object)}").fetchall()}
    replaced = [
        f"CASE WHEN id = {literal(id)} THEN CAST({_literal(value)} AS {types[field]}) ELSE {quote(field)} END AS {quote(field)}"
        for field, value in changed.items()
    ]
    return f"* REPLACE ({', '.join(replaced)})" if replaced else "*"


def _literal(value: object) -> str:
    return "NULL" if value is None else literal(value if isinstance(value, list) else str(value))
