"""Scores: the place of a subject's value among cuts, or among all subjects.

Cut points of quantile scores are computed once and kept in the table ``cut_point``, so that a run
over a part of the subjects, or over the changed ones, gives what a run over all of them gave.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from crmrules.evaluation.relations import Relations
from crmrules.evaluation.sql import as_type, condition_sql, literal, quote
from crmrules.evaluation.stages import SUBJECT_KEYS
from crmrules.evaluation.values import is_day
from crmrules.language.conditions import fields_of
from crmrules.language.frames import resolve
from crmrules.language.ruleset import Score
from crmrules.model.objects import FieldType

CUT_POINT = "cut_point"
_CREATE = f"CREATE TABLE IF NOT EXISTS {CUT_POINT} (feature VARCHAR, position INTEGER, value DOUBLE)"


def score_sql(relations: Relations, score: Score, cut_points: str | None) -> str:
    """Return the expression of *score* over a relation of its subject that has the score's fields and key.

    ``cut_points`` names a table like ``cut_point`` of an earlier run: quantile scores found there
    use its cuts and its population. What is computed here is added to ``cut_point``, where position 0
    holds the number of members.
    """
    member = _member(relations, score)
    value = _ordinal(relations, score)
    if score.by == "cuts":
        cuts = [_ordinal_of(cut) for cut in score.cuts]
        return _binned(score, value, cuts, member)
    if score.by == "quantile":
        members, cuts = _quantiles(relations, score, member, value, cut_points)
        return (
            _binned(score, value, cuts, member)
            if members >= max(score.minimum, 1)
            else f"CAST(NULL AS {FieldType.integer.sql})"
        )
    return _ranked(score, value, member)


def _ranked(score: Score, value: str, member: str) -> str:
    key = ", ".join(map(quote, SUBJECT_KEYS[score.of]))
    direction = "DESC" if score.order == "desc" and score.by != "ntile" else "ASC"
    within = f"PARTITION BY ({member})"
    exact = f"TRY_CAST({value} AS DECIMAL(32,9))"
    match score.by:
        case "ntile":
            place = f"ntile({score.bins}) OVER ({within} ORDER BY {value}, {key})"
            placed = f"{score.bins + 1} - {place}" if score.order == "desc" else place
            type = FieldType.integer
        case "rank" | "percent_rank":
            placed = f"{score.by}() OVER ({within} ORDER BY {value} {direction})"
            type = FieldType.integer if score.by == "rank" else FieldType.number
        case _:
            before = f"sum({exact}) OVER ({within} ORDER BY {value} DESC, {key} ROWS UNBOUNDED PRECEDING) - {exact}"
            placed = f"CAST({before} AS DOUBLE) / nullif(CAST(sum({exact}) OVER ({within}) AS DOUBLE), 0)"
            type = FieldType.number
    enough = f" AND count(*) OVER ({within}) >= {score.minimum}" if score.minimum else ""
    return f"CASE WHEN ({member}){enough} THEN {as_type(placed, type)} END"


def _binned(score: Score, value: str, cuts: Sequence[float], member: str) -> str:
    """Return the bin: one more than the cuts below the value; ``left`` counts a cut that equals it."""
    test = ">=" if score.closed == "left" else ">"
    passed = "".join(f" + CAST({value} {test} {literal(cut)} AS BIGINT)" for cut in cuts)
    place = f"{len(cuts) + 2} - (1{passed})" if score.order == "desc" else f"1{passed}"
    return f"CASE WHEN {member} THEN CAST({place} AS BIGINT) END"


def _quantiles(
    relations: Relations, score: Score, member: str, value: str, cut_points: str | None
) -> tuple[int, list[float]]:
    """Return the population's size and its type-7 quantiles i/bins plus the offset."""
    con = relations.con
    con.execute(_CREATE)
    stored = _stored(con, cut_points, score.name) if cut_points else []
    if not stored:
        shares = [i / score.bins for i in range(1, score.bins)]
        relation = relations.relation(score.of, fields_of(score.where) | {score.field})
        row = con.execute(
            f"SELECT count(*), quantile_cont({value}, {literal(shares)}) FROM ({relation}) WHERE {member}"
        ).fetchone()
        assert row is not None
        stored = [float(row[0]), *(cut + float(score.offset) for cut in row[1] or ())]
    con.execute(f"DELETE FROM {CUT_POINT} WHERE feature = ?", [score.name])
    con.executemany(f"INSERT INTO {CUT_POINT} VALUES (?, ?, ?)", [(score.name, i, v) for i, v in enumerate(stored)])
    return int(stored[0]), stored[1:]


def _stored(con: duckdb.DuckDBPyConnection, table: str, feature: str) -> list[float]:
    rows = con.execute(f"SELECT value FROM {table} WHERE feature = ? ORDER BY position", [feature]).fetchall()
    return [value for (value,) in rows]


def _member(relations: Relations, score: Score) -> str:
    """Return the condition that puts a subject into the population: never unknown."""
    present = f"{quote(score.field)} IS NOT NULL"
    return f"({condition_sql(score.where, relations.as_of)}) IS TRUE AND {present}"


def _ordinal(relations: Relations, score: Score) -> str:
    """Return the field as a double; a day counts from 1970."""
    type = resolve(relations.frames, score.of, score.field)
    if type is not None and type.is_temporal:
        return f"CAST(date_diff('day', DATE '1970-01-01', CAST({quote(score.field)} AS DATE)) AS DOUBLE)"
    return f"CAST({quote(score.field)} AS DOUBLE)"


def _ordinal_of(cut: object) -> float:
    return float(cut.toordinal() - 719163) if is_day(cut) else float(cut)  # type: ignore[attr-defined, arg-type]
