"""From rows to facts and back: build base facts, let an engine chain, store what it derived.

Every fact of the program becomes a table ``fact_<name>``: ``account_id``, a column per property
and ``rule``, the id of the rule that made the fact (NULL: it came from the data). Inside the
engine ids are small numbers of their account and dates are days since 1970-01-01.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import duckdb
import pyarrow as pa

from crmrules.contracts.engine import Derived, Fact, Session, Value
from crmrules.inference.atoms_sql import quote
from crmrules.inference.demand import SQL_TYPES, base_table, entering_table, let_all_enter, let_needed_enter
from crmrules.language.conditions import Condition, fields_of
from crmrules.language.ruleset import FactSource
from crmrules.model.program import Program, Property

ACCOUNTS_AT_ONCE = 10_000  # read, inferred and stored together; keeps memory flat
_TEXT = ("id", "name")
_ARROW_TYPES = {
    "id": pa.string(),
    "name": pa.string(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}


def fact_query(
    program: Program,
    source: FactSource,
    account_path: str,
    relation: Callable[[str, Sequence[str]], str],
    where: Callable[[Condition], str],
) -> str:
    """Return the SELECT of *source* that :func:`infer` wants.

    Args:
        account_path: dotted path to the account's id on the source's frame (``Frame.links["account"]``).
        relation: gives the SQL of a frame with exactly these columns, each named by its path.
        where: gives the SQL of a condition over such columns.
    """
    properties = program.facts[source.fact]
    paths = sorted({account_path, *(p.source for p in properties), *fields_of(source.when)})
    columns = [f"{quote(account_path)} AS account_id", *(f"{quote(p.source)} AS {quote(p.name)}" for p in properties)]
    return f"SELECT {', '.join(columns)} FROM ({relation(source.of, paths)}) WHERE {where(source.when)}"


def infer(
    con: duckdb.DuckDBPyConnection,
    program: Program,
    queries: Mapping[str, str],
    session: Session,
    *,
    demand_filter: bool = True,
) -> None:
    """Create the table of every fact of *program*, with what *session* derives.

    Args:
        queries: fact -> SELECT of ``account_id`` and a column for each of its properties; facts without
            one are only derived. A row without account is no fact; a name that the program does not
            allow is missing.
        session: *program*, compiled by an engine.
        demand_filter: give the engine only facts that can still join; never changes the answer.
    """
    if not program.facts:
        return
    for fact, properties in program.facts.items():
        con.execute(_base_facts(fact, properties, queries.get(fact)))
    (let_needed_enter if demand_filter else let_all_enter)(con, program)
    con.execute(_accounts(program))
    con.execute(_entering_facts(program))
    ((total,),) = con.execute("SELECT count(*) FROM inference_account").fetchall()
    writer = _Writer(con, program, queries)
    ids: dict[int, list[str]] = {}
    for first in range(0, total, ACCOUNTS_AT_ONCE):
        part = f"account BETWEEN {first} AND {first + ACCOUNTS_AT_ONCE - 1}"
        columns = con.sql(f"SELECT * FROM inference_fact WHERE {part} ORDER BY account, type").to_arrow_table()
        rows = zip(*(column.to_pylist() for column in columns.columns), strict=True)  # a third of fetchall's time
        for account, derived in session.run(_facts_by_account(program, rows, ids)):
            writer.add(account, ids.pop(account), derived)
        writer.store()
    for table in ("inference_account", "inference_fact", *map(entering_table, program.facts)):
        con.execute(f"DROP TABLE {table}")


def _base_facts(fact: str, properties: Sequence[Property], query: str | None) -> str:
    columns = [
        "CAST(account_id AS VARCHAR) AS account_id",
        *map(_property_column, properties),
        "CAST(NULL AS VARCHAR) AS rule",
    ]
    if query is None:
        nulls = ", ".join(["NULL AS account_id", *(f"NULL AS {quote(p.name)}" for p in properties)])
        query = f"SELECT {nulls}"
    return (
        f"CREATE OR REPLACE TABLE {base_table(fact)} AS SELECT DISTINCT {', '.join(columns)} FROM ({query}) "
        "WHERE account_id IS NOT NULL"
    )


def _property_column(property: Property) -> str:
    name, value = quote(property.name), quote(property.name)
    if property.names:
        allowed = ", ".join("'" + name.replace("'", "''") + "'" for name in property.names)
        value = f"CASE WHEN {value} IN ({allowed}) THEN {value} END"
    return f"CAST({value} AS {SQL_TYPES[property.kind]}) AS {name}"


def _accounts(program: Program) -> str:
    """Number the accounts that have a fact for the engine."""
    entering = " UNION ".join(
        f"SELECT account_id FROM {base_table(fact)} WHERE rowid IN (FROM {entering_table(fact)})"
        for fact in program.facts
    )
    return (
        "CREATE OR REPLACE TEMP TABLE inference_account AS "
        f"SELECT account_id, row_number() OVER (ORDER BY account_id) - 1 AS account FROM ({entering})"
    )


def _entering_facts(program: Program) -> str:
    """One row for each fact for the engine: account, type, then its texts and its numbers in shared columns."""
    texts, numbers = _slots(program)
    selects = []
    for type, (fact, properties) in enumerate(program.facts.items()):
        text = [quote(p.name) for p in properties if p.kind in _TEXT]
        number = [
            f"{quote(p.name)} - DATE '1970-01-01'" if p.kind == "date" else quote(p.name)
            for p in properties if p.kind not in _TEXT
        ]  # fmt: skip
        columns = [f"{(text[n : n + 1] or ['NULL'])[0]}::VARCHAR AS t{n}" for n in range(texts)]
        columns += [f"({(number[n : n + 1] or ['NULL'])[0]})::BIGINT AS n{n}" for n in range(numbers)]
        selects.append(
            f"SELECT account_id, {type}::INTEGER AS type{''.join(f', {column}' for column in columns)} "
            f"FROM {base_table(fact)} WHERE rowid IN (FROM {entering_table(fact)})"
        )
    return (
        "CREATE OR REPLACE TEMP TABLE inference_fact AS SELECT account, f.* EXCLUDE (account_id) "
        f"FROM ({' UNION ALL '.join(selects)}) AS f JOIN inference_account USING (account_id)"
    )


def _slots(program: Program) -> tuple[int, int]:
    """Return how many text and how many number columns the widest facts need."""
    texts = [sum(p.kind in _TEXT for p in properties) for properties in program.facts.values()]
    return max(texts), max(len(ps) - n for ps, n in zip(program.facts.values(), texts, strict=True))


def _facts_by_account(
    program: Program, rows: Iterable[tuple[Any, ...]], ids: dict[int, list[str]]
) -> Iterator[tuple[int, list[Fact]]]:
    """Yield the facts of each account; leave in *ids*, for each account, the id behind every number."""
    texts, _ = _slots(program)
    layout: list[tuple[str, list[tuple[str, int, str]]]] = []
    for fact, properties in program.facts.items():
        text, number = iter(range(2, 2 + texts)), iter(range(2 + texts, 1_000))
        layout.append((fact, [(p.name, next(text if p.kind in _TEXT else number), p.kind) for p in properties]))
    for account, group in groupby(rows, key=itemgetter(0)):
        numbers: dict[str, int] = {}
        facts: list[Fact] = []
        for row in group:
            fact, columns = layout[row[1]]
            values: dict[str, Value] = {}
            for name, slot, kind in columns:
                value = row[slot]
                if value is None:
                    continue
                if kind == "id":
                    value = numbers.setdefault(value, len(numbers))
                elif kind == "boolean":
                    value = bool(value)
                values[name] = value
            facts.append((fact, values))
        ids[account] = list(numbers)
        yield account, facts


class _Writer:
    """Collects derived facts by column and appends them to the tables."""

    def __init__(self, con: duckdb.DuckDBPyConnection, program: Program, given: Collection[str]) -> None:
        self._con = con
        self._given = given  # facts that come from the data
        self._program = program
        self._columns: dict[str, list[list[Any]]] = {}
        self._clear()

    def _clear(self) -> None:
        self._columns = {fact: [[] for _ in range(len(ps) + 2)] for fact, ps in self._program.facts.items()}

    def add(self, account: int, ids: list[str], derived: list[Derived]) -> None:
        for one in derived:
            fact, values = one.fact
            columns = self._columns[fact]
            columns[0].append(account)
            for column, property in zip(columns[1:-1], self._program.facts[fact], strict=True):
                value = values.get(property.name)
                column.append(ids[value] if property.kind == "id" and value is not None else value)  # type: ignore[index]
            columns[-1].append(one.rule)

    def store(self) -> None:
        for fact, columns in self._columns.items():
            if not columns[0]:
                continue
            properties = self._program.facts[fact]
            types = [pa.int64(), *(_ARROW_TYPES[p.kind] for p in properties), pa.string()]
            arrays = [pa.array(values, type) for values, type in zip(columns, types, strict=True)]
            names = ["account", *(p.name for p in properties), "rule"]
            self._con.register("inference_derived", pa.table(arrays, names=[f"c{n}" for n in range(len(names))]))
            rest = ", ".join(f"d.c{n}" for n in range(1, len(names)))
            query = f"SELECT a.account_id, {rest} FROM inference_derived AS d JOIN inference_account AS a ON a.account = d.c0"
            if fact in self._given:  # a base fact that did not enter may have been made again: it needs no rule
                same = (f"b.{quote(p.name)} IS NOT DISTINCT FROM d.c{n}" for n, p in enumerate(properties, 1))
                known = " AND ".join(("b.account_id = a.account_id", "b.rule IS NULL", *same))
                query += f" WHERE NOT EXISTS (SELECT 1 FROM {base_table(fact)} AS b WHERE {known})"
            self._con.execute(f"INSERT INTO {base_table(fact)} {query} ORDER BY ALL")
            self._con.unregister("inference_derived")
        self._clear()
