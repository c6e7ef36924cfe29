"""From `when:` to the tree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from crmrules.language.conditions import (
    ALWAYS,
    AllOf,
    Among,
    AnyOf,
    Between,
    Choice,
    Compare,
    Condition,
    FieldRef,
    Has,
    Matches,
    Missing,
    Not,
    OlderThan,
    Op,
    Within,
)
from crmrules.language.ruleset import Aggregate, Ruleset

PARAMETERS = """
    parameters:
      least: 9
      kinds: {value: [hospital, school]}
      window: 12w
      high: {value: 1000000, by: demand_type, cases: {household: 8000}}
      basis: {value: revenue, by: demand_type, cases: {bank: assets, household: revenue}}
      mode: strict
"""


@pytest.fixture
def condition(load: Callable[..., Ruleset]) -> Callable[..., Condition]:
    def condition(when: str, of: str = "account") -> Condition:
        classes = f"""
            c:
              of: {of}
              values: {{a: {{zh: 甲, en: A}}}}
              rules: [{{id: c.1, when: {when}, then: a}}]
        """
        return load(head=PARAMETERS, classes=classes).classes["c"].rules[0].when

    return condition


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{}", ALWAYS),
        ("{nps: 9}", Compare("nps", Op.eq, 9)),
        ("{blacklisted: true}", Compare("blacklisted", Op.eq, True)),
        ("{industry: [hospital, school]}", Among("industry", ("hospital", "school"))),
        ("{nps: {gte: 4, lt: 10}}", AllOf((Compare("nps", Op.gte, 4), Compare("nps", Op.lt, 10)))),
        ("{nps: {gt: 4}, industry: bank}", AllOf((Compare("nps", Op.gt, 4), Compare("industry", Op.eq, "bank")))),
        ("{nps: {between: [1, 3]}}", Between("nps", 1, 3)),
        ("{status: {ne: x}}", Compare("status", Op.ne, "x")),
        ("{status: {in: [x]}}", Among("status", ("x",))),
        ("{status: {not_in: [x, y]}}", Not(Among("status", ("x", "y")))),
        ("{name: {matches: '采购|procure'}}", Matches("name", "采购|procure")),
        ("{name: {not_matches: x}}", Not(Matches("name", "x"))),
        ("{nps: {is_missing: true}}", Missing("nps")),
        ("{nps: {is_missing: false}}", Not(Missing("nps"))),
        ("{nps: {is_present: true}}", Not(Missing("nps"))),
        ("{created_at: {within: 90d}}", Within("created_at", 90)),
        ("{created_at: {older_than: 26w}}", OlderThan("created_at", 182)),
        ("{any: [{nps: 1}, {nps: 2}]}", AnyOf((Compare("nps", Op.eq, 1), Compare("nps", Op.eq, 2)))),
        ("{all: [{nps: 1}], not: {nps: 2}}", AllOf((AllOf((Compare("nps", Op.eq, 1),)), Not(Compare("nps", Op.eq, 2))))),
        ("{nps: {gte: {field: beds, times: 1.5}}}", Compare("nps", Op.gte, FieldRef("beds", 1.5))),
    ],
)  # fmt: skip
def test_every_form_of_a_test(condition: Callable[..., Condition], when: str, expected: Condition) -> None:
    assert condition(when) == expected


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{nps: {gte: $least}}", Compare("nps", Op.gte, 9)),
        ("{nps: $least}", Compare("nps", Op.eq, 9)),
        ("{industry: $kinds}", Among("industry", ("hospital", "school"))),
        ("{industry: {not_in: $kinds}}", Not(Among("industry", ("hospital", "school")))),
        ("{industry: [$mode, x]}", Among("industry", ("strict", "x"))),
        ("{created_at: {within: $window}}", Within("created_at", 84)),
        (
            "{annual_revenue: {gte: $high}}",
            Compare("annual_revenue", Op.gte, Choice("demand_type", {"household": Decimal(8000)}, Decimal(1000000))),
        ),
    ],
)
def test_parameters_stand_for_their_values(condition: Callable[..., Condition], when: str, expected: Condition) -> None:
    assert condition(when) == expected


def test_a_parameter_by_a_field_of_the_account_is_reached_from_a_contact(condition: Callable[..., Condition]) -> None:
    choice = condition("{account.annual_revenue: {gte: $high}}", of="contact").value  # type: ignore[union-attr]
    assert choice.field == "account.demand_type"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("{$mode: strict, nps: 1}", Compare("nps", Op.eq, 1)),
        ("{$mode: [lax], nps: 1}", AllOf((AnyOf(()), Compare("nps", Op.eq, 1)))),
        ("{$least: {gte: 9, lt: 10}}", ALWAYS),
        ("{$mode: {not_in: [strict]}}", AnyOf(())),
        ("{$basis: assets}", Among("demand_type", ("bank",))),
        ("{$basis: revenue}", AnyOf((Missing("demand_type"), Not(Among("demand_type", ("bank",)))))),
    ],
)
def test_a_test_of_a_parameter_is_decided_at_once(
    condition: Callable[..., Condition], when: str, expected: Condition
) -> None:
    assert condition(when) == expected


def test_items_of_list_fields(load: Callable[..., Ruleset]) -> None:
    lexicons = """
        title: {of: contact, field: title, prefix: title, function: {finance: [财务], legal: [法务], it: [信息]}}
    """
    flags = """
        one: {of: contact, when: {title_functions: {has: legal}}, label: {zh: 甲, en: A}}
        some: {of: contact, when: {title_functions: {has_any: [legal, finance]}}, label: {zh: 乙, en: B}}
    """
    found = load(lexicons=lexicons, flags=flags).flags
    assert found["one"].when == Has("title_functions", "legal")
    assert found["some"].when == AnyOf((Has("title_functions", "legal"), Has("title_functions", "finance")))


@pytest.mark.parametrize(
    ("when", "value"),
    [
        ("{annual_revenue: {gte: 0.1}}", Decimal("0.1")),
        ("{contract_end: {lt: 2025-06-30}}", date(2025, 6, 30)),
        ("{contract_end: '2025-06-30'}", date(2025, 6, 30)),
        ("{max_overdue_days: {gt: 12w}}", 84),
        ("{share_of_wallet: {gte: 0.1}}", 0.1),
    ],
)
def test_constants_take_the_type_of_their_field(condition: Callable[..., Condition], when: str, value: object) -> None:
    found = condition(when).value  # type: ignore[union-attr]
    assert found == value
    assert type(found) is type(value)


def test_a_window_by_a_field_of_the_account_is_seen_from_the_row(load: Callable[..., Ruleset]) -> None:
    head = "parameters: {window: {value: 365d, by: demand_type, cases: {household: 90d}}}"
    feature = load(head=head, features="contact: {n: {count: order, within: $window}}").features["n"]
    assert isinstance(feature, Aggregate)
    assert feature.within == Choice("account.demand_type", {"household": 90}, 365)
