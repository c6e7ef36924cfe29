"""The rules in Polars: one coalesce of when/then per dimension, a list of rule ids for the collected one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl

from benchmarks.customers import AS_OF
from benchmarks.peers.classify_sql import ordered
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
from crmrules.language.ruleset import Dimension

_TESTS = {"eq": "eq", "ne": "ne", "lt": "lt", "lte": "le", "gt": "gt", "gte": "ge"}


def run(path: Path, dimensions: tuple[Dimension, ...]) -> pl.DataFrame:
    """Return the outcomes: id, each dimension, each ``<dimension>.rule``."""
    positions = [_bits(d) if d.hit == "collect" else _position(d) for d in dimensions]
    found = pl.scan_parquet(path).select("id", *positions).collect(engine="streaming")
    named = found.lazy()
    for d in dimensions:
        named = named.join(_names(d, found[d.name].unique()).lazy(), on=d.name, how="left", maintain_order="none")
    columns = [column for d in dimensions for column in (pl.col(f"{d.name}=").alias(d.name), pl.col(f"{d.name}.rule"))]
    return named.select("id", *columns).collect(engine="streaming")


def _position(d: Dimension) -> pl.Expr:
    whens = [pl.when(expression(r.when)).then(pl.lit(n, pl.Int64)) for n, r in enumerate(ordered(d), 1)]
    return pl.coalesce([*whens, pl.lit(0, pl.Int64)]).alias(d.name)


def _bits(d: Dimension) -> pl.Expr:
    terms = [
        pl.when(expression(r.when)).then(pl.lit(1 << n, pl.Int64)).otherwise(pl.lit(0, pl.Int64))
        for n, r in enumerate(d.rules)
    ]
    return pl.sum_horizontal(terms).alias(d.name)


def _names(d: Dimension, seen: pl.Series) -> pl.DataFrame:
    if d.hit != "collect":
        rules = ordered(d)
        names = {
            "": [0, *range(1, len(rules) + 1)],
            "=": ["unknown", *(r.then for r in rules)],
            ".rule": [None, *(r.id for r in rules)],
        }
        return pl.DataFrame(
            {f"{d.name}{key}": values for key, values in names.items()}, schema_overrides={d.name: pl.Int64}
        )
    rows = []
    for bits in seen.to_list():
        fired = [rule for n, rule in enumerate(d.rules) if bits >> n & 1]
        values = [value for value in d.values if any(rule.then == value for rule in fired)] or ["unknown"]
        rows.append((bits, values, ", ".join(rule.id for rule in fired) or None))
    return pl.DataFrame(
        rows, orient="row", schema={d.name: pl.Int64, f"{d.name}=": pl.List(pl.String), f"{d.name}.rule": pl.String}
    )


def expression(condition: Condition) -> pl.Expr:
    """Return the condition as a Polars expression."""
    match condition:
        case AllOf(parts):
            return pl.all_horizontal([expression(part) for part in parts])
        case AnyOf(parts):
            return pl.any_horizontal([expression(part) for part in parts])
        case Not(part):
            return ~expression(part)
        case Compare(field, op, FieldRef(other, times)):
            return getattr(pl.col(field), _TESTS[op])(pl.col(other) * times)
        case Compare(field, op, value):
            return getattr(pl.col(field), _TESTS[op])(value)
        case Between(field, low, high):
            return pl.col(field).is_between(low, high)  # type: ignore[arg-type]
        case Among(field, values):
            return pl.col(field).is_in(list(values))
        case Matches(field, pattern):
            return pl.col(field).str.contains(pattern)
        case Missing(field):
            return pl.col(field).is_null()
        case Within(field, int(days)):
            return pl.col(field).is_between(AS_OF - timedelta(days), AS_OF)
        case OlderThan(field, int(days)):
            return pl.col(field) < AS_OF - timedelta(days)
        case Within() | OlderThan() | Has():
            raise NotImplementedError(condition)
