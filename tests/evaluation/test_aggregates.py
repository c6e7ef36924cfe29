"""What a subject takes from its rows: every aggregation, windows, subsets, currencies, and what no rows mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmrules.errors import RulesetError
from crmrules.language.conditions import AllOf, Among, Choice, Compare, Matches, Missing, Not, Op
from crmrules.language.expressions import Binary, Call, Name, Number
from crmrules.language.ruleset import Aggregate, Formula, Money, Subset
from crmrules.model.objects import FieldType
from evaluation.world import insert, outcome, ruleset, run, snapshot

T = FieldType
NET = Formula(
    name="net",
    of="order",
    expr=Binary("-", Name("amount"), Call("coalesce", (Name("refund"), Number(0)))),
    type=T.money,
)
VALID = Subset(
    name="valid", from_="order", where=AllOf((Not(Among("status", ("cancelled",))), Compare("net", Op.gt, 0)))
)

ORDERS: list[Mapping[str, Any]] = [
    {"id": "1", "date": "2024-12-31", "amount": 100, "refund": 10, "category": "b", "status": "paid"},
    {"id": "2", "date": "2024-12-01", "amount": 200, "category": "a", "status": "paid"},
    {"id": "3", "date": "2024-06-01", "amount": 300, "category": "a", "status": "cancelled"},
    {"id": "4", "date": "2023-01-01", "amount": 400, "category": "b", "status": "paid"},
    {"id": "5", "date": "2025-01-01", "amount": 9999, "category": "z", "status": "paid"},  # after as_of
    {"id": "6", "date": None, "amount": 7, "category": None, "status": "paid"},
]


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    found = snapshot()
    insert(found, "account", [{"id": "a", "demand_type": "household"}, {"id": "none"}])
    insert(found, "order", ({"account_id": "a", **order} for order in ORDERS))
    return found


def feature(agg: Any, field: str = "", **more: Any) -> Aggregate:
    options = {"name": "x", "of": "account", "from_": "order", **({"value": Name(field)} if field else {}), **more}
    return Aggregate(agg=agg, **options)


CASES = [  # feature, of the account with orders, of the account without
    (feature("count", type=T.integer), 5, 0),
    (feature("count", from_="valid", type=T.integer), 4, 0),
    (feature("sum", "amount", type=T.money), Decimal(1007), 0),
    (feature("sum", "net", type=T.money), Decimal(997), 0),
    (feature("mean", "amount"), 201.4, None),
    (feature("min", "date", type=T.date), date(2023, 1, 1), None),
    (feature("max", "date", type=T.date), date(2024, 12, 31), None),
    (feature("median", "amount"), 200.0, None),
    (feature("quantile", "amount", quantile=0.25), 100.0, None),
    (feature("distinct", "category", type=T.integer), 2, 0),
    (feature("first", "status", type=T.text), "paid", None),
    (feature("first", "category", type=T.text, where=Compare("status", Op.eq, "cancelled")), "a", None),
    (feature("last", "category", type=T.text), "b", None),
    (feature("share", that=Compare("refund", Op.gt, 0)), 0.2, None),
    (feature("share", "amount", that=Compare("category", Op.eq, "a"), where=Not(Missing("category"))), 0.5, None),
    (feature("any", that=Compare("amount", Op.gte, 400), type=T.boolean), True, False),
    (feature("any", that=Compare("amount", Op.gte, 1000), type=T.boolean), False, False),
    (feature("all", that=Compare("amount", Op.gte, 7), type=T.boolean), True, None),
    (feature("all", that=Compare("refund", Op.gte, 0), type=T.boolean), False, None),  # unknown is not true
    (feature("top", "category", type=T.text), "a", None),  # two of each: the smaller text
    (feature("top_share", "category"), 0.5, None),
    (feature("interval_median"), 183.0, None),
    (feature("days_since", type=T.integer), 0, None),
    (feature("days_since", type=T.integer, from_="valid", before=0), 30, None),
    (feature("count", type=T.integer, within=0), 1, 0),
    (feature("count", type=T.integer, within=30), 2, 0),
    (feature("count", type=T.integer, within=29), 1, 0),
    (feature("count", type=T.integer, within=365, before=30), 1, 0),
    (feature("count", type=T.integer, before=30), 2, 0),
    (feature("count", type=T.integer, within=Choice("account.demand_type", {"household": 0}, 365)), 1, 0),
    (feature("count", type=T.integer, where=Matches("category", "^[ab]$")), 4, 0),
]


@pytest.mark.parametrize(("wanted", "with_orders", "without"), CASES, ids=lambda c: getattr(c, "agg", None))
def test_aggregation(con: duckdb.DuckDBPyConnection, wanted: Aggregate, with_orders: object, without: object) -> None:
    run(con, ruleset(wanted, NET, sets={"valid": VALID}))
    assert outcome(con, "x") == {"a": with_orders, "none": without}


def test_all_of_them_at_once_are_what_each_is_alone(con: duckdb.DuckDBPyConnection) -> None:
    named = [
        Aggregate(**{**{f: getattr(c, f) for f in c.__dataclass_fields__}, "name": f"x{i}"})
        for i, (c, _, _) in enumerate(CASES)
    ]
    run(con, ruleset(*named, NET, sets={"valid": VALID}))
    for i, (_, with_orders, without) in enumerate(CASES):
        assert outcome(con, f"x{i}") == {"a": with_orders, "none": without}


def test_money_in_one_currency() -> None:
    con = snapshot()
    insert(con, "account", [{"id": "a"}, {"id": "unknown"}])
    insert(con, "order", [
        {"id": "1", "account_id": "a", "amount": "10.10", "currency": "CNY"},
        {"id": "2", "account_id": "a", "amount": 10, "currency": "USD"},
        {"id": "3", "account_id": "a", "amount": "0.05"},  # without a currency: counts as CNY
        {"id": "4", "account_id": "a", "amount": 5, "currency": "XXX"},  # no rate: missing
        {"id": "5", "account_id": "unknown", "amount": 5, "currency": "XXX"},
    ])  # fmt: skip
    money = Money(field="currency", into="CNY", rates={"CNY": 0.5, "USD": 3.6})  # only their ratio matters
    run(con, ruleset(feature("sum", "amount", money=money, type=T.money)))
    assert outcome(con, "x") == {"a": Decimal("82.15"), "unknown": None}


def test_rows_reach_a_subject_by_another_path() -> None:
    con = snapshot()
    insert(con, "account", [{"id": "child", "parent_id": "group"}, {"id": "group"}])
    insert(con, "order", [{"id": "1", "account_id": "child", "amount": 5}])
    run(con, ruleset(feature("sum", "amount", type=T.money, via="account.parent_id")))
    assert outcome(con, "x") == {"child": 0, "group": 5}


def test_a_formula_of_an_object_may_read_the_outcomes_of_its_account() -> None:
    con = snapshot()
    insert(con, "account", [{"id": "a"}])
    insert(con, "order", [{"id": i, "account_id": "a", "amount": 10 * int(i)} for i in "123"])
    relative = Formula(name="relative", of="order", expr=Binary("/", Name("amount"), Name("account.average")))
    average = feature("mean", "amount", name="average")
    run(con, ruleset(relative, average, feature("max", "relative")))
    assert outcome(con, "x") == {"a": 1.5}


def test_a_row_that_does_not_say_whose_it_is() -> None:
    con = snapshot()
    with pytest.raises(RulesetError, match="no-link") as error:
        run(con, ruleset(feature("count", of="contact", from_="deal")))
    assert "via" in str(error.value)


def test_a_window_over_rows_without_a_day() -> None:
    with pytest.raises(RulesetError, match="no-date"):
        run(snapshot(), ruleset(feature("count", from_="browsing", within=30)))


def test_what_is_aggregated_may_be_computed_from_dates_and_texts() -> None:
    con = snapshot()
    insert(con, "account", [{"id": "a"}])
    insert(con, "deal", [
        {"id": "1", "account_id": "a", "created_at": "2024-12-01", "product": "b"},
        {"id": "2", "account_id": "a", "created_at": "2024-11-01", "closed_on": "2024-12-11", "name": "a"},
    ])  # fmt: skip
    day = Call("coalesce", (Name("closed_on"), Name("created_at")))
    run(con, ruleset(
        feature("max", from_="deal", value=day, type=T.date, name="x1"),
        feature("days_since", from_="deal", value=day, type=T.integer, name="x2"),
        feature("min", from_="deal", value=Call("coalesce", (Name("name"), Name("product"))), type=T.text, name="x3"),
    ))  # fmt: skip
    assert con.execute("SELECT x1, x2, x3 FROM account_outcome").fetchall() == [(date(2024, 12, 11), 20, "a")]


@settings(deadline=None, max_examples=8)
@given(st.permutations(range(24)))
def test_the_order_of_the_rows_never_shows(order: list[int]) -> None:
    def outcomes(indices: list[int]) -> list[tuple[Any, ...]]:
        con = snapshot()
        insert(con, "account", [{"id": "a"}, {"id": "b"}])
        rows = [
            {"id": f"{i:02}", "account_id": "ab"[i % 2], "date": date(2024, 1 + i % 7, 1), "amount": i / 10 + 0.1,
             "category": "xyz"[i % 3]}
            for i in range(24)
        ]  # fmt: skip
        insert(con, "order", [rows[i] for i in indices])
        tenth = Formula(name="tenth", of="order", expr=Binary("/", Name("amount"), Number(3)))
        parts = [
            feature("sum", "tenth", name="x1"), feature("mean", "tenth", name="x2"), feature("first", "amount", name="x3"),
            feature("last", "category", name="x4", type=T.text), feature("top", "category", name="x5", type=T.text),
            feature("interval_median", name="x6"), feature("median", "tenth", name="x7"),
        ]  # fmt: skip
        run(con, ruleset(tenth, *parts))
        return con.execute("SELECT * FROM account_outcome ORDER BY id").fetchall()

    assert outcomes(order) == outcomes(list(range(24)))
