"""A snapshot in memory, and small rulesets over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import groupby
from typing import Any

import duckdb

from crmrules.evaluation.evaluator import Evaluator
from crmrules.evaluation.sql import quote
from crmrules.language.ruleset import Dimension, Feature, Ruleset
from crmrules.model.objects import OBJECTS
from crmrules.model.text import Text

AS_OF = date(2024, 12, 31)


def snapshot(con: duckdb.DuckDBPyConnection | None = None) -> duckdb.DuckDBPyConnection:
    """Return a connection with an empty snapshot attached: every canonical object, every column."""
    con = con or duckdb.connect()
    con.execute("ATTACH ':memory:' AS snapshot")
    for object_ in OBJECTS.values():
        columns = ", ".join(f"{quote(f.name)} {f.type.sql}" for f in object_.fields)
        con.execute(f"CREATE TABLE snapshot.{quote(object_.name)} ({columns})")
    return con


def insert(con: duckdb.DuckDBPyConnection, object: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Insert rows, each a mapping from column to value."""
    for columns, alike in groupby(rows, key=tuple):
        values = [list(row.values()) for row in alike]
        marks = ", ".join(f"({', '.join('?' for _ in columns)})" for _ in values)
        names = ", ".join(map(quote, columns))
        con.execute(
            f"INSERT INTO snapshot.{quote(object)} ({names}) VALUES {marks}", [v for row in values for v in row]
        )


def ruleset(*parts: Feature | Dimension, **more: Any) -> Ruleset:
    """Return a ruleset of features and classes."""
    return Ruleset(
        name="test", version="1", label=Text(), languages=("en",), folder="", extends=(),
        features={p.name: p for p in parts if not isinstance(p, Dimension)},
        classes={p.name: p for p in parts if isinstance(p, Dimension)}, **more,
    )  # fmt: skip


def run(con: duckdb.DuckDBPyConnection, rules: Ruleset, **options: Any) -> Evaluator:
    """Compute all that *rules* say about the records in *con*."""
    evaluator = Evaluator(con, rules, AS_OF, **options)
    evaluator.run(set())
    return evaluator


def outcome(con: duckdb.DuckDBPyConnection, column: str, subject: str = "account") -> dict[str, Any]:
    """Return id -> value of one column of the outcomes."""
    return dict(con.execute(f"SELECT id, {quote(column)} FROM {subject}_outcome ORDER BY id").fetchall())
