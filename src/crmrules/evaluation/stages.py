"""Where the values computed so far stand: narrow tables per subject, joined into one at the end of a run.

A table of aggregates holds only the subjects that have rows; the default of a column says what
the others have (0 for a count, NULL for a mean).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb

from crmrules.evaluation.sql import quote

# Hash tables of so many narrow tables stand in memory at once while they are joined.
_JOINED_AT_ONCE = 6

SUBJECT_KEYS: Mapping[str, tuple[str, ...]] = {
    "account": ("id",), "contact": ("id",), "deal": ("id",), "part": ("contact_id", "deal_id"),
}  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """A table with the subject's key columns and values; ``columns`` maps each to its default as SQL."""

    table: str
    columns: Mapping[str, str]


@dataclass
class Stages:
    """The tables of each subject, in the order in which they were made."""

    con: duckdb.DuckDBPyConnection
    tables: dict[str, list[Stage]] = field(default_factory=dict)
    _made: int = 0

    def name(self, kind: str) -> str:
        """Return a fresh table name."""
        self._made += 1
        return f"_{kind}_{self._made}"

    def add(self, subject: str, columns: Mapping[str, str], select: str) -> None:
        """Store the rows of *select* (key columns and *columns*) as a further table of *subject*."""
        table = self.name(f"stage_{subject}")
        self.con.execute(f"CREATE TABLE {quote(table)} AS {select}")
        self.tables.setdefault(subject, []).append(Stage(table, columns))

    def find(self, subject: str, column: str) -> Stage | None:
        """Return the table that holds *column* of *subject*, if it has been computed."""
        return next((s for s in self.tables.get(subject, ()) if column in s.columns), None)

    def find_outcome(self, subject: str) -> None:
        """Take over ``<subject>_outcome`` of a finished decision, where there is one."""
        table = f"{subject}_outcome"
        columns = self.con.execute(
            "SELECT column_name FROM duckdb_columns() WHERE table_name = ? AND database_name = current_database()", [table]
        ).fetchall()
        if columns:
            self.tables[subject] = [Stage(table, dict.fromkeys((name for (name,) in columns), "NULL"))]

    def merge(self, subject: str, base: str, order: Sequence[str]) -> None:
        """Join all tables of *subject* to *base* (a SELECT of its key and account_id) as ``<subject>_outcome``,
        columns in *order*."""
        key, outcome = SUBJECT_KEYS[subject], f"{subject}_outcome"
        stages = self.tables.get(subject, [])
        fixed = tuple(dict.fromkeys((*key, "account_id")))
        held: list[str] = []
        from_, made = f"({base})", ""
        for batch in _batches(stages) or [[]]:
            held += [column for stage in batch for column in stage.columns]
            last = len(held) == sum(len(stage.columns) for stage in stages)
            wanted = [c for c in order if c in held] if last else held
            table = self.name(outcome)
            self.con.execute(f"CREATE TABLE {quote(table)} AS {_joined(from_, batch, key, fixed, wanted)}")
            self._drop([made, *(stage.table for stage in batch)])
            from_, made = quote(table), table
        self.con.execute(f"DROP TABLE IF EXISTS {quote(outcome)}")
        self.con.execute(f"ALTER TABLE {quote(made)} RENAME TO {quote(outcome)}")
        self.tables[subject] = [Stage(outcome, dict.fromkeys((c for c in order if c in held), "NULL"))]

    def _drop(self, tables: Iterable[str]) -> None:
        for table in filter(None, tables):
            self.con.execute(f"DROP TABLE {quote(table)}")


def join_on(left: str, right: str, key: Sequence[str]) -> str:
    """Return the join condition of two aliases on *key*."""
    return " AND ".join(f"{left}.{quote(k)} = {right}.{quote(k)}" for k in key)


def value_sql(alias: str, stage: Stage, column: str, key: Sequence[str]) -> str:
    """Return *column* of *stage*, or its default where the subject has no row there."""
    default, read = stage.columns[column], f"{alias}.{quote(column)}"
    return read if default == "NULL" else f"CASE WHEN {alias}.{quote(key[0])} IS NULL THEN {default} ELSE {read} END"


def _batches(stages: Sequence[Stage]) -> list[Sequence[Stage]]:
    return [stages[i : i + _JOINED_AT_ONCE] for i in range(0, len(stages), _JOINED_AT_ONCE)]


def _joined(from_: str, batch: Sequence[Stage], key: Sequence[str], fixed: Sequence[str], wanted: Sequence[str]) -> str:
    sources = {c: value_sql(f"s{i}", stage, c, key) for i, stage in enumerate(batch) for c in stage.columns}
    columns = [f"t.{quote(c)}" for c in fixed]
    columns += [f"{sources.get(c, f't.{quote(c)}')} AS {quote(c)}" for c in wanted]
    joins = "".join(_joins(batch, key))
    return f"SELECT {', '.join(columns)} FROM {from_} AS t{joins}"


def _joins(batch: Sequence[Stage], key: Sequence[str]) -> Iterator[str]:
    for i, stage in enumerate(batch):
        yield f" LEFT JOIN {quote(stage.table)} AS s{i} ON {join_on('t', f's{i}', key)}"
