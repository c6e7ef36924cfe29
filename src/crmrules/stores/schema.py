"""The tables of a snapshot, and the SQL spelling of their names and texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crmrules.model.objects import OBJECTS, CustomField, Field, FieldType

if TYPE_CHECKING:
    import duckdb

CATALOG = "snapshot"  # the catalog in which canonical tables are found, on every connection

# What a blank key column means, where it may be blank.
DEFAULTS: Mapping[tuple[str, str], str] = {("activity_contact", "part"): "participant"}

# table -> column -> type; what a snapshot knows besides the records
_OWN_TABLES: Mapping[str, Mapping[str, str]] = {
    "meta": {"key": "VARCHAR", "value": "VARCHAR"},
    "sync_state": {"object": "VARCHAR", "native": "VARCHAR", "watermark": "TIMESTAMP", "mapping": "VARCHAR"},
    "quarantine": {
        "object": "VARCHAR", "record_id": "VARCHAR", "source": "VARCHAR", "row": "BIGINT", "field": "VARCHAR",
        "value": "VARCHAR", "problem": "VARCHAR",
    },
}  # fmt: skip


def one(con: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()) -> tuple[Any, ...]:
    """Return the only row of a query; () when there is none.

    NOTE: fetchone leaves the result open, and DuckDB 2 then refuses the connection's next work.
    """
    rows: list[tuple[Any, ...]] = con.execute(sql, list(parameters)).fetchall()
    return rows[0] if rows else ()


def quote(name: str) -> str:
    """Return *name* as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(value: str) -> str:
    """Return *value* as a SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def fields_of(object: str, custom: Sequence[CustomField] = ()) -> tuple[Field, ...]:
    """Return the columns of a canonical object: its own, then the mapping's custom ones."""
    return OBJECTS[object].fields + tuple(c.field for c in custom if c.object == object)


def key_columns(object: str) -> tuple[str, ...]:
    """Return the names of the columns that identify a record."""
    return OBJECTS[object].key


def record_id(object: str, table: str = "") -> str:
    """Return SQL for a record's id as a :class:`~crmrules.model.changes.Target` writes it (``deal|contact``)."""
    prefix = f"{table}." if table else ""
    parts = [f"coalesce({prefix}{quote(name)}, '')" for name in key_columns(object)]
    return " || '|' || ".join(parts)


def create_table(catalog: str, object: str, custom: Sequence[CustomField] = (), extra: str = "") -> str:
    """Return the CREATE TABLE statement of a canonical object; *extra* is SQL of further columns."""
    columns = ", ".join(f"{quote(f.name)} {f.type.sql}" for f in fields_of(object, custom))
    return f"CREATE TABLE {catalog}.{quote(object)} ({columns}{extra})"


def create_own_tables(catalog: str) -> list[str]:
    """Return the CREATE TABLE statements of the tables that are no records."""
    return [
        f"CREATE TABLE {catalog}.{name} ({', '.join(f'{quote(c)} {t}' for c, t in columns.items())})"
        for name, columns in _OWN_TABLES.items()
    ]


def cast(type: FieldType, raw: str, timezone: str) -> str:
    """Return SQL that turns the non-blank text *raw* into *type*, NULL where it is no such thing.

    A time without a zone is local time of *timezone*; the result is UTC. A date stays the day that
    was written, unless the text names an instant, whose day in *timezone* is meant.
    """
    trimmed = f"trim({raw})"
    digits = f"ord({trimmed}) BETWEEN 48 AND 57"  # DuckDB also takes 'infinity' and 'epoch' for dates
    zone = text_literal(timezone)
    # An offset only follows a time of day: in 2025-03-05 the -05 is no offset.
    instant = f"regexp_matches({trimmed}, '[0-9]:[0-9]{{2}}(:[0-9.]+)?\\s*(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)$')"
    absolute = f"TRY_CAST(regexp_replace({trimmed}, '([+-][0-9]{{2}})([0-9]{{2}})$', '\\1:\\2') AS TIMESTAMPTZ)"
    match type:
        case FieldType.text:
            return raw
        case FieldType.integer:
            # TRY_CAST rounds 3.7 to 4; a fraction in an integer column is a complaint, not a rounding.
            return f"CASE WHEN TRY_CAST({trimmed} AS DOUBLE) % 1 = 0 THEN TRY_CAST({trimmed} AS BIGINT) END"
        case FieldType.number:
            value = f"TRY_CAST({trimmed} AS DOUBLE)"
            return f"CASE WHEN isfinite({value}) THEN {value} END"
        case FieldType.money:
            return f"TRY_CAST({trimmed} AS DECIMAL(18,4))"
        case FieldType.boolean:
            folded = f"lower({trimmed})"
            return (
                f"CASE WHEN {folded} IN ('true', 't', 'yes', 'y', '1', '是', '对', '√') THEN true "
                f"WHEN {folded} IN ('false', 'f', 'no', 'n', '0', '否', '错', '×') THEN false END"
            )
        case FieldType.date:
            local = f"CAST(timezone({zone}, {absolute}) AS DATE)"
            return f"CASE WHEN {instant} THEN {local} WHEN {digits} THEN TRY_CAST({trimmed} AS DATE) END"
        case FieldType.timestamp:
            naive = f"timezone('UTC', timezone({zone}, TRY_CAST({trimmed} AS TIMESTAMP)))"
            return f"CASE WHEN {instant} THEN timezone('UTC', {absolute}) WHEN {digits} THEN {naive} END"
        case FieldType.list:
            parts = f"[trim(x) FOR x IN regexp_split_to_array({trimmed}, '[;；,，、]')]"
            return f"CASE WHEN {trimmed} LIKE '[%' THEN TRY_CAST({trimmed} AS VARCHAR[]) ELSE {parts} END"
