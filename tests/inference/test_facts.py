"""From tables to facts and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

import duckdb
import pytest

from crmrules.contracts.engine import Derived, Fact, Session
from crmrules.inference import durable_driver, semi_naive
from crmrules.inference.facts import fact_query, infer
from crmrules.language.conditions import Compare, Condition, Op
from crmrules.language.ruleset import FactSource
from crmrules.model import program as model
from crmrules.model.program import Atom, InferenceRule, Program, Property, Var

A, B = Var("a"), Var("b")
PROGRAM = Program(
    facts={
        "introduced": (
            Property(name="by", kind="id", source="contact_id"), Property(name="whom", kind="id", source="met_id"),
            Property(name="day", kind="date", source="activity.date"),
        ),
        "role": (
            Property(name="who", kind="id", source="contact_id"),
            Property(name="role", kind="name", source="role", names=("user", "decision_maker")),
            Property(name="sure", kind="boolean", source="sure"),
        ),
        "reaches": (Property(name="who", kind="id"), Property(name="whom", kind="id"), Property(name="since", kind="date")),
    },
    rules=(
        InferenceRule(
            id="reaches.recent",
            all_=(
                Atom(
                    fact="introduced", bind={"by": A, "whom": B, "day": Var("d")},
                    tests=(model.Test(property="day", op="gte", value=20_454),),  # 2026-01-01
                ),
                Atom(
                    fact="role", bind={"who": B},
                    tests=(
                        model.Test(property="role", op="eq", value="decision_maker"),
                        model.Test(property="sure", op="eq", value=True),
                    ),
                ),
            ),
            none=(Atom(fact="role", bind={"who": A}),),
            then="reaches",
            values={"who": A, "whom": B, "since": Var("d")},
        ),
    ),
)  # fmt: skip
INTRODUCED = 'SELECT * FROM (VALUES {}) AS t(account_id, "by", whom, day)'
ROLES = "SELECT * FROM (VALUES {}) AS t(account_id, who, role, sure)"
NEW, OLD = "DATE '2026-03-01'", "DATE '2025-12-31'"


class Counting:
    """A session that counts the facts that it is given."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.accounts: list[list[Fact]] = []

    def run(self, accounts: Iterable[tuple[int, list[Fact]]]) -> Iterator[tuple[int, list[Derived]]]:
        def noted() -> Iterator[tuple[int, list[Fact]]]:
            for account, facts in accounts:
                self.accounts.append(facts)
                yield account, facts

        return self._session.run(noted())


def session() -> Counting:
    engine = semi_naive if durable_driver.available() else durable_driver
    return Counting(engine.compile_program(PROGRAM))


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def run(con: duckdb.DuckDBPyConnection, introduced: list[str], roles: list[str], **options: Any) -> Counting:
    used = session()
    queries = {"introduced": INTRODUCED.format(", ".join(introduced)), "role": ROLES.format(", ".join(roles))}
    infer(con, PROGRAM, queries, used, **options)
    return used


def table(con: duckdb.DuckDBPyConnection, fact: str) -> list[tuple[Any, ...]]:
    return con.execute(f"SELECT * FROM fact_{fact} ORDER BY ALL").fetchall()


def test_ids_dates_and_rule_of_derived_facts_are_stored_as_they_were_read(con: duckdb.DuckDBPyConnection) -> None:
    run(con, [f"('客户\"1''', 'Ann''s', '采购 \\ 李', {NEW})"], ["('客户\"1''', '采购 \\ 李', 'decision_maker', TRUE)"])
    assert table(con, "reaches") == [("客户\"1'", "Ann's", "采购 \\ 李", date(2026, 3, 1), "reaches.recent")]
    assert table(con, "introduced") == [("客户\"1'", "Ann's", "采购 \\ 李", date(2026, 3, 1), None)]


def test_accounts_do_not_mix(con: duckdb.DuckDBPyConnection) -> None:
    run(con, [f"('one', 'a', 'b', {NEW})"], ["('two', 'b', 'decision_maker', TRUE)"])
    assert table(con, "reaches") == []


def test_a_name_that_the_program_does_not_allow_is_missing(con: duckdb.DuckDBPyConnection) -> None:
    run(con, [f"('one', 'a', 'b', {NEW})"], ["('one', 'b', '\"}],{', TRUE)"])
    assert table(con, "role") == [("one", "b", None, True, None)]


def test_rows_without_account_are_no_facts_and_repeated_rows_are_one(con: duckdb.DuckDBPyConnection) -> None:
    run(con, [f"(NULL, 'a', 'b', {NEW})"], ["('one', 'b', 'user', TRUE)", "('one', 'b', 'user', TRUE)"])
    assert table(con, "introduced") == []
    assert len(table(con, "role")) == 1


def test_facts_without_query_and_programs_without_facts_leave_empty_tables(con: duckdb.DuckDBPyConnection) -> None:
    infer(con, PROGRAM, {}, session())
    assert [table(con, fact) for fact in PROGRAM.facts] == [[], [], []]
    nothing = Program(facts={}, rules=())
    infer(con, nothing, {}, semi_naive.compile_program(nothing))


def test_running_again_replaces_what_was_there(con: duckdb.DuckDBPyConnection) -> None:
    run(con, [f"('one', 'a', 'b', {NEW})"], ["('one', 'b', 'decision_maker', TRUE)"])
    run(con, [f"('one', 'a', 'b', {OLD})"], ["('one', 'b', 'decision_maker', TRUE)"])
    assert table(con, "reaches") == []


def test_only_facts_that_can_still_join_reach_the_engine(con: duckdb.DuckDBPyConnection) -> None:
    introduced = [
        f"('joins', 'a', 'b', {NEW})", f"('joins', 'a', 'c', {NEW})", f"('joins', 'a', 'b', {OLD})",
        f"('too old', 'a', 'b', {OLD})", f"('has a role', 'b', 'b', {NEW})",
    ]  # fmt: skip
    roles = [
        "('joins', 'b', 'decision_maker', TRUE)", "('joins', 'c', 'decision_maker', FALSE)", "('joins', 'd', 'user', NULL)",
        "('too old', 'b', 'decision_maker', TRUE)", "('has a role', 'b', 'decision_maker', TRUE)",
    ]  # fmt: skip
    filtered = run(con, introduced, roles)
    expected = table(con, "reaches")
    assert [sorted(type for type, _ in facts) for facts in filtered.accounts] == [["introduced", "role"]]
    everything = run(con, introduced, roles, demand_filter=False)
    assert sum(map(len, everything.accounts)) == 10
    assert table(con, "reaches") == expected
    assert [row[:3] for row in expected] == [("joins", "a", "b")]


def test_the_query_of_a_fact_asks_for_the_paths_that_it_needs(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE TABLE part AS SELECT 'A' AS account_id, 'C' AS contact_id, 'user' AS role, TRUE AS sure, 3 AS score"
    )
    asked: list[tuple[str, Sequence[str]]] = []

    def relation(frame: str, paths: Sequence[str]) -> str:
        asked.append((frame, paths))
        return (
            "SELECT "
            + ", ".join('account_id AS "account.id"' if p == "account.id" else p for p in paths)
            + " FROM part"
        )

    def where(condition: Condition) -> str:
        assert isinstance(condition, Compare)
        return f"{condition.field} >= {condition.value}"

    source = FactSource(fact="role", of="part", when=Compare("score", Op.gte, 3))
    query = fact_query(PROGRAM, source, "account.id", relation, where)
    assert asked == [("part", ["account.id", "contact_id", "role", "score", "sure"])]
    assert con.execute(query).fetchall() == [("A", "C", "user", True)]
