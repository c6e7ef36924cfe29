"""The laws: DuckDB and the plain-Python interpreter give one answer to every condition and expression."""

from __future__ import annotations

from collections.abc import Iterator
from math import isclose

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmrules.evaluation.evaluator import Evaluator
from crmrules.evaluation.interpreter import Row, compute, evaluate, trace
from crmrules.evaluation.sql import condition_sql, expression_sql
from crmrules.language.conditions import Condition, fields_of, leaves
from crmrules.language.expressions import Expression, names_of
from crmrules.language.ruleset import RequiredField
from crmrules.model.objects import FieldType
from evaluation.trees import conditions, expressions, rows
from evaluation.world import AS_OF, insert, ruleset, run, snapshot

law = settings(deadline=None, max_examples=350, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def world() -> Iterator[Evaluator]:
    con = snapshot()
    con.execute("ALTER TABLE snapshot.account ADD COLUMN labels VARCHAR[]")
    yield run(con, ruleset(requires=(RequiredField(object="account", field="labels", type=FieldType.list),)))
    con.close()


def fill(con: duckdb.DuckDBPyConnection, given_rows: list[Row]) -> None:
    con.execute("DELETE FROM snapshot.account")
    insert(con, "account", [{"id": f"{i:03}", **row} for i, row in enumerate(given_rows)])


@law
@given(st.lists(rows, min_size=2, max_size=6), st.lists(conditions, min_size=3, max_size=6))
def test_every_condition_is_true_false_or_unknown_alike(
    world: Evaluator, given_rows: list[Row], given_conditions: list[Condition]
) -> None:
    fill(world.con, given_rows)
    paths = {"id"}.union(*map(fields_of, given_conditions))
    columns = ", ".join(condition_sql(c, AS_OF) for c in given_conditions)
    answers = world.con.execute(f"SELECT {columns} FROM ({world.relation('account', paths)}) ORDER BY id").fetchall()
    assert answers == [tuple(evaluate(c, row, AS_OF) for c in given_conditions) for row in given_rows]


@law
@given(st.lists(rows, min_size=1, max_size=4), st.lists(expressions, min_size=1, max_size=5))
def test_every_expression_gives_one_number(
    world: Evaluator, given_rows: list[Row], given_expressions: list[Expression]
) -> None:
    fill(world.con, given_rows)
    paths = {"id"}.union(*map(names_of, given_expressions))
    columns = ", ".join(expression_sql(e, AS_OF) for e in given_expressions)
    answers = world.con.execute(f"SELECT {columns} FROM ({world.relation('account', paths)}) ORDER BY id").fetchall()
    for row, answer in zip(given_rows, answers, strict=True):
        for expression, got in zip(given_expressions, answer, strict=True):
            wanted = compute(expression, row, AS_OF)
            assert (got is None) is (wanted is None), (expression, row, got, wanted)
            if got is not None and wanted is not None:  # exp, ln and power may differ in the last bit
                assert isclose(got, wanted, rel_tol=1e-9, abs_tol=2e-9), (expression, row)


@law
@given(rows, conditions)
def test_a_trace_has_every_leaf_with_its_own_answer(row: Row, condition: Condition) -> None:
    traced = trace(condition, row, AS_OF)
    assert [t.leaf for t in traced] == list(leaves(condition))
    assert [t.result for t in traced] == [evaluate(leaf, row, AS_OF) for leaf in leaves(condition)]
