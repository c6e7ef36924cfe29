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
    whole: bool = False  # has a row for each subject, and its account_id


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

    def add(self, subject: str, columns: Mapping[str, str], select: str, *, whole: bool = False) -> str:
        """Store the rows of *select* (key columns, account_id where *whole*, *columns*); return the table's name."""
        table = self.name(f"stage_{subject}")
        self.con.execute(f"CREATE TABLE {quote(table)} AS {select}")
        self.tables.setdefault(subject, []).append(Stage(table, columns, whole))
        return table

    def find(self, subject: str, column: str) -> Stage | None:
        """Return the table that holds *column* of *subject*, if it has been computed."""
        return next((s for s in self.tables.get(subject, ()) if column in s.columns), None)

    def find_outcome(self, subject: str) -> None:
        """Take over ``<subject>_outcome`` of a finished decision, where there is one."""
        table = f"{subject}_outcome"
        columns = self.con.execute(
            "SELECT column_name FROM duckdb_columns() WHERE table_name = ? AND database_name = current_database()",
            [table],
        ).fetchall()
        if columns:
            self.tables[subject] = [Stage(table, dict.fromkeys((name for (name,) in columns), "NULL"))]

    def merge(self, subject: str, base: str, order: Sequence[str]) -> None:
        """Join all tables of *subject* as ``<subject>_outcome``, columns in *order*.

        *base* is a SELECT of the key and account_id of every subject, needed where no table is whole.
        """
        key, outcome = SUBJECT_KEYS[subject], f"{subject}_outcome"
        stages = sorted(self.tables.get(subject, []), key=lambda stage: (stage.whole, len(stage.columns)))
        first = stages.pop() if stages and stages[-1].whole else None
        source, made = (quote(first.table), first.table) if first else (f"({base})", "")
        held = list(first.columns) if first else []
        for batch in _batches(stages) or ([] if first else [[]]):
            held += [column for stage in batch for column in stage.columns]
            last = batch == [] or batch[-1] is stages[-1]
            wanted = [c for c in order if c in held] if last else held
            table = self.name(outcome)
            self.con.execute(f"CREATE TABLE {quote(table)} AS {_joined(source, batch, key, wanted)}")
            self._drop([made, *(stage.table for stage in batch)])
            source, made = quote(table), table
        if made != outcome:
            self.con.execute(f"DROP TABLE IF EXISTS {quote(outcome)}")
            self.con.execute(f"ALTER TABLE {quote(made)} RENAME TO {quote(outcome)}")
        self.tables[subject] = [Stage(outcome, dict.fromkeys(held, "NULL"), whole=True)]

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


def _joined(source: str, batch: Sequence[Stage], key: Sequence[str], wanted: Sequence[str]) -> str:
    sources = {c: value_sql(f"s{i}", stage, c, key) for i, stage in enumerate(batch) for c in stage.columns}
    columns = [f"t.{quote(c)}" for c in dict.fromkeys((*key, "account_id"))]
    columns += [f"{sources.get(c, f't.{quote(c)}')} AS {quote(c)}" for c in wanted]
    return f"SELECT {', '.join(columns)} FROM {source} AS t{''.join(_joins(batch, key))}"


def _joins(batch: Sequence[Stage], key: Sequence[str]) -> Iterator[str]:
    for i, stage in enumerate(batch):
        yield f" LEFT JOIN {quote(stage.table)} AS s{i} ON {join_on('t', f's{i}', key)}"
