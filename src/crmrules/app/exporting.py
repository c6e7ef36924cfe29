"""Export: hand a decision's tables to an exporter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmrules.app.setup import check_settings, decision, open_profile
from crmrules.errors import Location, Problem, RulesetError, did_you_mean

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

TABLES = ("account_outcome", "contact_outcome", "deal_outcome", "part", "evidence", "question", "flag", "note")
_ROWS = 50_000  # of a batch


@dataclass(frozen=True, kw_only=True)
class Export:
    """Which tables go where; ``base`` is where a relative destination starts."""

    exporter: str
    to: str
    tables: tuple[str, ...] = TABLES
    settings: Mapping[str, Any]
    base: Path


@dataclass(frozen=True, kw_only=True)
class Exported:
    """The places that an exporter wrote."""

    exporter: str
    places: tuple[str, ...]


def configured_exports(profile: Path) -> tuple[Export, ...]:
    """Return the exports that the profile asks for."""
    setup = open_profile(profile)
    return tuple(
        Export(
            exporter=said["exporter"],
            to=said["to"],
            tables=tuple(said.get("tables", TABLES)),
            settings=said.get("settings", {}),
            base=setup.profile.folder,
        )
        for said in setup.profile.export
    )


def export(profile: Path, exports: Sequence[Export]) -> tuple[Exported, ...]:
    """Carry out *exports* on the last decision, rows in the order of all their columns.

    Raises PluginError (no such exporter), RulesetError (a wrong setting or table), StoreError
    (nothing decided yet), DataError and ConnectorError (the destination).
    """
    from crmrules.language.secrets import hide_what_is_at_hand, resolved

    setup = open_profile(profile)
    at = Location(str(setup.profile.path))
    done: list[Exported] = []
    with decision(setup) as con:
        known = {str(name) for (name,) in con.execute(_OWN_TABLES).fetchall()}
        for wish in exports:
            plugin = setup.host.exporter(wish.exporter)
            hide_what_is_at_hand(wish.to, setup.profile.folder)
            settings = resolved(wish.settings, "settings", setup.profile.folder, at)
            check_settings(plugin.settings_schema, settings, at)
            _check_tables(wish.tables, known, at)
            tables = {table: _batches(con.cursor(), table) for table in wish.tables if table in known}
            places = plugin.export(tables, wish.to, settings, wish.base)
            done.append(Exported(exporter=wish.exporter, places=tuple(places)))
    return tuple(done)


_OWN_TABLES = "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database()"


def _batches(con: duckdb.DuckDBPyConnection, table: str) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    reader: Any = con.sql(f'SELECT * FROM "{table}" ORDER BY ALL').to_arrow_reader(_ROWS)
    empty = True
    for batch in reader:
        empty = False
        yield batch
    if empty:
        yield pa.RecordBatch.from_pylist([], schema=reader.schema)


def _check_tables(tables: Sequence[str], known: set[str], at: Location) -> None:
    unknown = [table for table in tables if table not in known and table not in TABLES]
    if unknown:
        expected = ", ".join(sorted(known))
        raise RulesetError(
            [
                Problem("unknown-table", f"a decision has no table {name!r}", at, expected, did_you_mean(name, known))
                for name in unknown
            ]
        )
