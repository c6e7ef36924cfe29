"""The rules as the best DuckDB SQL that we could write by hand for them, with the reasons kept.

One CASE chain per dimension to the winning rule, one column of bits for the collected one, each
pattern on a title once per distinct title (a company's name is its own, so those run in place).
"""

from __future__ import annotations

import duckdb

from benchmarks.customers import AS_OF
from crmrules.language.conditions import (
    AllOf,
    Among,
    AnyOf,
    Between,
    Compare,
    Condition,
    FieldRef,
    Has,
    Matches,
    Missing,
    Not,
    OlderThan,
    Within,
)
from crmrules.language.ruleset import Dimension, Rule

_OPERATORS = {"eq": "=", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def run(con: duckdb.DuckDBPyConnection, dimensions: tuple[Dimension, ...]) -> None:
    """Leave the outcomes in the table ``outcome``: id, each dimension, each ``<dimension>.rule``."""
    titles = sorted({p for d in dimensions for rule in d.rules for p in _title_patterns(rule.when)})
    flags = {pattern: f"t{n}" for n, pattern in enumerate(titles)}
    tested = "".join(f", regexp_matches(lead_title, {_text(p)}) AS {flag}" for p, flag in flags.items())
    con.execute(
        f"CREATE TEMP TABLE titled AS SELECT lead_title{tested} "
        "FROM (SELECT DISTINCT lead_title FROM snapshot.account WHERE lead_title IS NOT NULL)"
    )
    found = [
        f"{_chain(d, flags)} AS {d.name}" if d.hit != "collect" else f"{_bits(d, flags)} AS {d.name}"
        for d in dimensions
    ]
    con.execute(
        f"CREATE TEMP TABLE position AS SELECT a.id, {', '.join(found)} "
        "FROM snapshot.account a LEFT JOIN titled USING (lead_title)"
    )
    named = ", ".join(_named(d) for d in dimensions)
    joins = "".join(_join(con, d) for d in dimensions if d.hit == "collect")
    con.execute(f"CREATE TABLE outcome AS SELECT p.id, {named} FROM position p{joins}")


def sql(condition: Condition, flags: dict[str, str]) -> str:
    """Return the condition as SQL; patterns on titles are columns of their own."""
    match condition:
        case AllOf(parts):
            return f"({' AND '.join(sql(part, flags) for part in parts)})"
        case AnyOf(parts):
            return f"({' OR '.join(sql(part, flags) for part in parts)})"
        case Not(part):
            return f"NOT {sql(part, flags)}"
        case Compare(field, op, FieldRef(other, times)):
            return f"{field} {_OPERATORS[op]} {times} * {other}"
        case Compare(field, op, value):
            return f"{field} {_OPERATORS[op]} {value}"
        case Between(field, low, high):
            return f"{field} BETWEEN {low} AND {high}"
        case Among(field, values):
            return f"{field} IN ({', '.join(_text(str(value)) for value in values)})"
        case Matches("lead_title", pattern):
            return flags[pattern]
        case Matches(field, pattern):
            return f"regexp_matches({field}, {_text(pattern)})"
        case Missing(field):
            return f"({field} IS NULL)"
        case Within(field, days):
            return f"({field} >= DATE '{AS_OF}' - {days} AND {field} <= DATE '{AS_OF}')"
        case OlderThan(field, days):
            return f"({field} < DATE '{AS_OF}' - {days})"
        case Has():
            raise NotImplementedError(condition)


def ordered(dimension: Dimension) -> list[Rule]:
    """Return the rules in the order in which they win."""
    return sorted(dimension.rules, key=lambda r: -r.score) if dimension.hit == "highest" else list(dimension.rules)


def _chain(dimension: Dimension, flags: dict[str, str]) -> str:
    whens = " ".join(f"WHEN {sql(r.when, flags)} THEN {n}" for n, r in enumerate(ordered(dimension), 1))
    return f"(CASE {whens} ELSE 0 END)::TINYINT"


def _bits(dimension: Dimension, flags: dict[str, str]) -> str:
    terms = [f"CASE WHEN {sql(r.when, flags)} THEN {1 << n} ELSE 0 END" for n, r in enumerate(dimension.rules)]
    return f"({' | '.join(terms)})::BIGINT"


def _named(dimension: Dimension) -> str:
    name = dimension.name
    if dimension.hit == "collect":
        return f'n_{name}."values" AS {name}, n_{name}.rules AS "{name}.rule"'
    values, rules = (
        f"[{', '.join(map(_text, texts))}]"
        for texts in ([r.then for r in ordered(dimension)], [r.id for r in ordered(dimension)])
    )
    return f"coalesce({values}[p.{name}], 'unknown') AS {name}, {rules}[p.{name}] AS \"{name}.rule\""


def _join(con: duckdb.DuckDBPyConnection, dimension: Dimension) -> str:
    """Say once per combination of bits which values and rules it means."""
    name, rules = dimension.name, list(enumerate(dimension.rules))
    masks = {value: sum(1 << n for n, rule in rules if rule.then == value) for value in dimension.values}
    values = ", ".join(f"CASE WHEN bits & {mask} <> 0 THEN {_text(value)} END" for value, mask in masks.items() if mask)
    ids = ", ".join(f"CASE WHEN bits & {1 << n} <> 0 THEN {_text(rule.id)} END" for n, rule in rules)
    con.execute(
        f"CREATE TEMP TABLE n_{name} AS SELECT bits,"
        f" CASE WHEN bits = 0 THEN ['unknown'] ELSE list_filter([{values}], lambda v: v IS NOT NULL) END AS \"values\","
        f" nullif(concat_ws(', ', {ids}), '') AS rules FROM (SELECT DISTINCT {name} AS bits FROM position)"
    )
    return f" JOIN n_{name} ON n_{name}.bits = p.{name}"


def _title_patterns(condition: Condition) -> set[str]:
    match condition:
        case AllOf(parts) | AnyOf(parts):
            return set().union(*map(_title_patterns, parts))
        case Not(part):
            return _title_patterns(part)
        case Matches("lead_title", pattern):
            return {pattern}
        case _:
            return set()


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
