"""Apply lexicons to the snapshot: every distinct text is read once.

``lexicon_<name>`` holds one row per distinct combination of the source columns (the lexicon's
field and its fallback field, as they stand in the records, NULLs included) with the outputs of
:data:`crmrules.language.frames.LEXICON_OUTPUTS` under the lexicon's prefix. ``unmatched`` tells
which texts no pattern knows, and how many records have them.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from crmrules.evaluation.normalise import normalise_all
from crmrules.evaluation.reading import LexiconReader, Reading
from crmrules.evaluation.sql import quote
from crmrules.language.ruleset import Lexicon, Ruleset
from crmrules.model.decision import create

_LISTS = pa.list_(pa.string())
_SCHEMA = pa.schema(
    [
        ("text", pa.string()), ("level", pa.string()), ("functions", _LISTS), ("modifiers", _LISTS),
        ("rule", pa.string()), ("matched", pa.bool_()),
    ]
)  # fmt: skip


def apply_lexicons(con: duckdb.DuckDBPyConnection, ruleset: Ruleset) -> None:
    """Create ``lexicon_<name>`` for every lexicon and fill ``unmatched`` (both replaced when they exist)."""
    con.execute("DROP TABLE IF EXISTS unmatched")
    con.execute(create("unmatched"))
    for lexicon in ruleset.lexicons.values():
        _apply(con, lexicon)


def read_texts(lexicon: Lexicon, texts: Sequence[str]) -> list[Reading]:
    """Return what each text says, in order."""
    reader = LexiconReader(lexicon)
    known: dict[str, Reading] = {}
    readings = []
    for text in normalise_all(texts):
        if text not in known:
            known[text] = reader.read(text)
        readings.append(known[text])
    return readings


def _apply(con: duckdb.DuckDBPyConnection, lexicon: Lexicon) -> None:
    records = f'snapshot."{lexicon.of}"'
    source, fallback = quote(lexicon.field), quote(lexicon.fallback_field) if lexicon.fallback_field else ""
    columns = [source, fallback] if fallback and fallback != source else [source]
    texts_sql = " UNION ALL ".join(f"SELECT CAST({column} AS VARCHAR) AS text FROM {records}" for column in columns)
    rows = con.execute(f"SELECT DISTINCT text FROM ({texts_sql}) WHERE text IS NOT NULL ORDER BY text").fetchall()
    texts = [row[0] for row in rows]
    readings = read_texts(lexicon, texts)
    con.register("_readings", _table(texts, readings))
    prefix, table = lexicon.prefix, quote(f"lexicon_{lexicon.name}")
    functions = "coalesce(own.functions, [])"
    joined = ""
    if len(columns) > 1:
        functions = f"CASE WHEN len({functions}) > 0 THEN own.functions ELSE coalesce(other.functions, []) END"
        joined = f"LEFT JOIN _readings AS other ON other.text = CAST(found.{fallback} AS VARCHAR)"
    con.execute(
        f"CREATE OR REPLACE TABLE {table} AS "
        f"SELECT found.*, own.level AS {quote(prefix + '_level')}, "
        f"({functions})[1] AS {quote(prefix + '_function')}, {functions} AS {quote(prefix + '_functions')}, "
        f"coalesce(own.modifiers, []) AS {quote(prefix + '_modifiers')}, own.rule AS {quote(prefix + '_rule')}, "
        f"coalesce(own.matched, false) AS {quote(prefix + '_matched')} "
        f"FROM (SELECT DISTINCT {', '.join(columns)} FROM {records}) AS found "
        f"LEFT JOIN _readings AS own ON own.text = CAST(found.{source} AS VARCHAR) {joined} "
        f"ORDER BY {', '.join(f'found.{column} NULLS FIRST' for column in columns)}"
    )
    con.execute(
        f"INSERT INTO unmatched SELECT ?, text, count(*) FROM {records} AS r "
        f"JOIN _readings ON text = CAST(r.{source} AS VARCHAR) WHERE NOT matched AND trim(text) <> '' "
        "GROUP BY text ORDER BY count(*) DESC, text",
        [lexicon.name],
    )
    con.unregister("_readings")


def _table(texts: Sequence[str], readings: Sequence[Reading]) -> pa.Table:
    columns = [
        texts,
        [r.level for r in readings],
        [list(r.functions) for r in readings],
        [list(r.modifiers) for r in readings],
        [r.rule for r in readings],
        [r.matched for r in readings],
    ]
    return pa.table([pa.array(c, type=f.type) for c, f in zip(columns, _SCHEMA, strict=True)], schema=_SCHEMA)
