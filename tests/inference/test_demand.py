"""The demand filter spares the engine facts, and never changes an answer."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import duckdb
from hypothesis import HealthCheck, given, settings
from programs import worlds

from crmrules.contracts.engine import Fact
from crmrules.inference import durable_driver, semi_naive
from crmrules.inference.facts import infer
from crmrules.model.program import Program

Tables = dict[str, list[tuple[Any, ...]]]


def engine() -> Any:
    return semi_naive if durable_driver.available() else durable_driver


def rows_of(fact: str, program: Program, accounts: list[list[Fact]]) -> list[tuple[Any, ...]]:
    """The facts as a CRM would hold them: texts as ids, dates as dates."""
    rows = []
    for account, facts in enumerate(accounts):
        for type, values in facts:
            if type != fact:
                continue
            row: list[Any] = [f"account {account}"]
            for property in program.facts[fact]:
                value: Any = values.get(property.name)
                if value is not None and property.kind == "id":
                    value = f"编号{value}"
                if value is not None and property.kind == "date":
                    value = date(1970, 1, 1) + timedelta(days=value)
                row.append(value)
            rows.append(tuple(row))
    return rows


def tables(con: duckdb.DuckDBPyConnection, program: Program) -> Tables:
    return {fact: con.execute(f'SELECT * FROM "fact_{fact}" ORDER BY ALL').fetchall() for fact in program.facts}


def load(con: duckdb.DuckDBPyConnection, program: Program, accounts: list[list[Fact]]) -> dict[str, str]:
    types = {"id": "VARCHAR", "name": "VARCHAR", "integer": "INTEGER", "boolean": "BOOLEAN", "date": "DATE"}
    queries = {}
    for fact, properties in program.facts.items():
        columns = ", ".join(f'"{p.name}" {types[p.kind]}' for p in properties)
        con.execute(f'CREATE TABLE "rows_{fact}" (account_id VARCHAR, {columns})')
        rows = rows_of(fact, program, accounts)
        if rows:
            con.executemany(f'INSERT INTO "rows_{fact}" VALUES ({", ".join("?" * (len(properties) + 1))})', rows)
        queries[fact] = f'SELECT * FROM "rows_{fact}"'
    return queries


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(worlds())
def test_filtered_facts_lead_to_the_same_tables_as_all_facts(world: tuple[Program, list[list[Fact]]]) -> None:
    program, accounts = world
    with duckdb.connect() as con:
        queries = load(con, program, accounts)
        infer(con, program, queries, semi_naive.compile_program(program), demand_filter=False)
        expected = tables(con, program)
        infer(con, program, queries, engine().compile_program(program))
        assert tables(con, program) == expected
