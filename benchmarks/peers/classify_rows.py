"""What rule engines are given: customers as Python objects, and the leaves that they can't test as flags.

Patterns, dates and products of fields become ready-made flags (present only where they are known),
which nobody is charged for: so engines with their own notion of a pattern or a day give the same answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.customers import AS_OF, COUNTS, WORDS, simple
from benchmarks.peers.classify_sql import ordered
from crmrules.evaluation.rewriting import rewrite
from crmrules.evaluation.sql import condition_sql
from crmrules.language.conditions import Compare, Condition, Leaf, Op
from crmrules.language.ruleset import Dimension, Rule

Row = dict[str, Any]
Answer = tuple[tuple[str, ...], ...]  # ids of the winning rules (all that fired where the dimension collects)


@dataclass(frozen=True)
class Task:
    """Rules without hard leaves, and the customers to classify; missing values are absent."""

    dimensions: tuple[Dimension, ...]
    rules: tuple[Rule, ...]
    rows: list[Row]

    def answer(self, fired: set[str]) -> Answer:
        """Return the winners among the rules that *fired* on one customer."""
        found = []
        for d in self.dimensions:
            ids = tuple(rule.id for rule in ordered(d) if rule.id in fired)
            found.append(ids if d.hit == "collect" else ids[:1])
        return tuple(found)


def load(path: Path, dimensions: tuple[Dimension, ...], sample: int) -> Task:
    """Read the first *sample* customers, with their flags."""
    flags: dict[Leaf, str] = {}

    def easy(leaf: Leaf) -> Condition:
        if simple(leaf):
            return leaf
        return Compare(flags.setdefault(leaf, f"flag{len(flags)}"), Op.eq, True)

    rules = {
        rule.id: Rule(id=rule.id, when=rewrite(rule.when, easy), then=rule.then) for d in dimensions for rule in d.rules
    }
    con = duckdb.connect()
    con.execute(f"ATTACH '{path}' AS snapshot (READ_ONLY)")
    tested = "".join(f", {condition_sql(leaf, AS_OF)} AS {flag}" for leaf, flag in flags.items())
    cursor = con.execute(f"SELECT *{tested} FROM snapshot.account ORDER BY id LIMIT {sample}")
    names = [column[0] for column in cursor.description or ()]
    rows = [{n: v for n, v in zip(names, row, strict=True) if v is not None} for row in cursor.fetchall()]
    return Task(dimensions, tuple(rules.values()), rows)


def numbered(row: Row, fields: set[str]) -> dict[str, int]:
    """Return the *fields* of a row as whole numbers: amounts in ten-thousandths, words by their place."""
    return {field: as_number(field, row[field]) for field in fields if field in row}


def as_number(field: str, value: object) -> int:
    """Return a value or constant of *field* as a whole number."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return WORDS[field].index(value) if field in WORDS else 1  # other texts are only asked for their presence
    if not isinstance(value, int | float):
        return 1
    return int(value) if field in COUNTS else round(value * 10_000)
