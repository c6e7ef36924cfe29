"""Flags and guards: conditions on whole subjects, each leaving one row where it holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby

import duckdb

from crmrules.evaluation.evidence import Relation
from crmrules.evaluation.sql import condition_sql, literal, quote
from crmrules.language.conditions import Condition, fields_of
from crmrules.language.ruleset import Flag, Guard, Ruleset

_ACCOUNT = {"account": "id", "contact": "account_id", "deal": "account_id"}


def find_flags(con: duckdb.DuckDBPyConnection, ruleset: Ruleset, relation: Relation, as_of: date) -> None:
    """Append to `flag` one row for each subject and flag whose condition is true."""
    flags = sorted(ruleset.flags.values(), key=lambda f: (f.of, f.id))
    for of, group in groupby(flags, key=lambda f: f.of):
        found: Sequence[Flag] = list(group)
        searched = _searched(relation, of, (f.when for f in found))
        con.execute(f"CREATE OR REPLACE TEMP TABLE searched AS {searched}")
        account = quote(_ACCOUNT[of])
        contact = quote("id") if of == "contact" else "''"
        deal = quote("id") if of == "deal" else "''"
        for flag in found:
            con.execute(
                f"INSERT INTO flag SELECT {account}, {contact}, {deal}, {literal(of)}, id, {literal(flag.id)}"
                f" FROM searched WHERE {condition_sql(flag.when, as_of)}"
            )
    con.execute("DROP TABLE IF EXISTS searched")


def find_guards(con: duckdb.DuckDBPyConnection, ruleset: Ruleset, relation: Relation, as_of: date) -> None:
    """Append to `guarded` one row for each subject and guard whose condition is true."""
    guards = sorted(ruleset.guards, key=lambda g: (g.of, g.id))
    for of, group in groupby(guards, key=lambda g: g.of):
        found: Sequence[Guard] = list(group)
        searched = _searched(relation, of, (g.when for g in found))
        con.execute(f"CREATE OR REPLACE TEMP TABLE searched AS {searched}")
        for guard in found:
            con.execute(
                f"INSERT INTO guarded SELECT {literal(of)}, id, {literal(guard.id)}, {literal(guard.effect)}"
                f" FROM searched WHERE {condition_sql(guard.when, as_of)}"
            )
    con.execute("DROP TABLE IF EXISTS searched")


def _searched(relation: Relation, of: str, conditions: Iterable[Condition]) -> str:
    paths = {path for condition in conditions for path in fields_of(condition)} | {"id", _ACCOUNT[of]}
    return relation(of, sorted(paths))
