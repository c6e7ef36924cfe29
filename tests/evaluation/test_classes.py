"""Classes: hit policies, what holds where no rule fires, and keeping a value that hardly changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmrules.errors import RulesetError
from crmrules.evaluation.interpreter import evaluate
from crmrules.language.conditions import Between, Compare, Condition, Matches, Missing, Not, Op
from crmrules.language.expressions import Binary, Name, Number
from crmrules.language.ruleset import Dimension, Formula, Hysteresis, RequiredField, Rule
from crmrules.model.objects import FieldType
from crmrules.model.text import Text
from evaluation.trees import conditions, rows
from evaluation.world import AS_OF, insert, outcome, ruleset, run, snapshot


def dimension(*rules: tuple[str, Condition, str] | tuple[str, Condition, str, float], **more: Any) -> Dimension:
    made = tuple(Rule(id=r[0], when=r[1], then=r[2], score=r[3] if len(r) > 3 else 0.0) for r in rules)
    values = {value: Text() for value in ("high", "medium", "low")}
    return Dimension(**{"name": "tier", "of": "account", "label": Text(), "values": values, "rules": made, **more})


def at_least(number: float) -> Condition:
    return Compare("employees", Op.gte, number)


def accounts(*employees: int | None) -> duckdb.DuckDBPyConnection:
    con = snapshot()
    insert(con, "account", [{"id": f"{i}", "employees": n} for i, n in enumerate(employees)])
    return con


def decided(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, Any]]:
    return list(zip(outcome(con, "tier").values(), outcome(con, "tier.rule").values(), strict=True))


OVERLAPPING = (
    ("t.low", at_least(0), "low", 1.0),
    ("t.high", at_least(10), "high", 2.0),
    ("t.more", at_least(20), "high", 2.0),
)


@pytest.mark.parametrize(
    ("hit", "wanted"),
    [
        ("first", [("low", "t.low"), ("low", "t.low"), ("low", "t.low"), ("unknown", None)]),
        ("highest", [("low", "t.low"), ("high", "t.high"), ("high", "t.high"), ("unknown", None)]),
        ("unique", [("low", "t.low"), ("unknown", None), ("unknown", None), ("unknown", None)]),
        ("any", [("low", "t.low"), ("unknown", None), ("unknown", None), ("unknown", None)]),
        ("collect", [
            (["low"], "t.low"), (["high", "low"], "t.low, t.high"), (["high", "low"], "t.low, t.high, t.more"), (["unknown"], None),
        ]),
    ],
)  # fmt: skip
def test_hit_policies(hit: str, wanted: list[Any]) -> None:
    con = accounts(5, 15, 25, None)
    run(con, ruleset(dimension(*OVERLAPPING, hit=hit)))
    assert decided(con) == wanted


def test_rules_that_disagree_are_reported() -> None:
    con = accounts(5, 15, 25)
    run(con, ruleset(dimension(*OVERLAPPING, hit="unique"), dimension(*OVERLAPPING[1:], hit="any", name="agreed")))
    assert con.execute("SELECT * FROM conflict ORDER BY record_id").fetchall() == [
        ("account", "1", "tier", ["t.low", "t.high"]),
        ("account", "2", "tier", ["t.low", "t.high", "t.more"]),
    ]
    assert list(outcome(con, "agreed").values()) == ["unknown", "high", "high"]


def test_a_missing_value_makes_no_rule_fire_and_not_does_not_turn_it_round() -> None:
    con = accounts(None, 1)
    run(con, ruleset(dimension(("t.not", Not(at_least(10)), "low"), ("t.missing", Missing("employees"), "medium"))))
    assert decided(con) == [("medium", "t.missing"), ("low", "t.not")]


def test_otherwise() -> None:
    con = accounts(1)
    run(con, ruleset(dimension(("t.high", at_least(10), "high"), otherwise="low")))
    assert decided(con) == [("low", None)]


def test_a_class_without_rules_copies_the_field_whose_name_it_takes() -> None:
    con = snapshot()
    insert(con, "account", [{"id": "0", "status": "high"}, {"id": "1", "status": "HIGH"}, {"id": "2"}])
    follows = dimension(("f.1", Compare("status", Op.eq, "rules"), "low"), name="follows")
    rules = dimension(
        ("t.shout", Matches("status", "^[A-Z]+$"), "low"), name="status", copy="status", otherwise="medium"
    )
    run(con, ruleset(rules, follows, dimension(name="plain", copy="name")))
    assert list(outcome(con, "status").values()) == ["high", "low", "medium"]
    assert list(outcome(con, "plain").values()) == ["unknown"] * 3


def test_a_copied_whole_number_is_its_digits() -> None:
    con = accounts(555, 511, None)
    code = dimension(name="code", values={"555": Text(), "443": Text()}, copy="employees")
    follows = dimension(("f.555", Compare("code", Op.eq, "555"), "high"), name="follows")
    run(con, ruleset(code, follows))
    assert list(outcome(con, "code").values()) == ["555", "unknown", "unknown"]
    assert list(outcome(con, "follows").values()) == ["high", "unknown", "unknown"]


def test_classes_read_classes_and_contacts_read_their_account() -> None:
    con = accounts(5, 50)
    insert(con, "contact", [{"id": "c0", "account_id": "0"}, {"id": "c1", "account_id": "1"}, {"id": "c2"}])
    doubled = Formula(name="doubled", of="account", expr=Binary("*", Name("employees"), Number(2)))
    tier = dimension(("t.high", Compare("doubled", Op.gte, 100), "high"), otherwise="low")
    second = dimension(("s", Compare("tier", Op.eq, "high"), "medium"), name="second")
    of_contact = dimension(("c", Compare("account.second", Op.eq, "medium"), "high"), of="contact", name="reached")
    run(con, ruleset(doubled, tier, second, of_contact))
    assert outcome(con, "second") == {"0": "unknown", "1": "medium"}
    assert outcome(con, "reached", "contact") == {"c0": "unknown", "c1": "high", "c2": "unknown"}
    assert con.execute("SELECT id, account_id FROM contact_outcome ORDER BY id").fetchall()[0] == ("c0", "0")


def test_classes_that_read_each_other_in_a_circle_are_an_error() -> None:
    one = dimension(("a", Compare("two", Op.eq, "high"), "low"), name="one")
    two = dimension(("b", Compare("one", Op.eq, "high"), "low"), name="two")
    with pytest.raises(RulesetError, match=r"circle: .*class.one.*class.two"):
        run(snapshot(), ruleset(one, two))


# ---------------------------------------------------------------- hysteresis

STEADY = dimension(
    ("t.high", at_least(100), "high"), ("t.medium", at_least(50), "medium"),
    otherwise="low", hysteresis=Hysteresis(field="employees", margin=0.05),
)  # fmt: skip


@pytest.mark.parametrize(
    ("before", "employees", "wanted"),
    [
        ("high", 96, ("high", "t.high")),  # 96 * 1.05 is above 100
        ("high", 95, ("medium", "t.medium")),  # 95 * 1.05 is not
        ("medium", 104, ("medium", "t.medium")),  # 104 * 0.95 is below 100
        ("medium", 106, ("high", "t.high")),
        ("low", 96, ("medium", "t.medium")),  # not within reach of low
        ("high", 120, ("high", "t.high")),
        ("low", 52, ("low", None)),
        (None, 96, ("medium", "t.medium")),
        ("high", None, ("low", None)),
    ],
)
def test_a_value_is_kept_while_the_margin_allows_it(
    tmp_path: Path, before: str | None, employees: int | None, wanted: tuple[str, str | None]
) -> None:
    con = accounts(employees)
    con.execute(f"ATTACH '{tmp_path / 'last.duckdb'}' AS last_run")
    con.execute("CREATE TABLE last_run.account_outcome AS SELECT '0' AS id, CAST(? AS VARCHAR) AS tier", [before])
    run(con, ruleset(STEADY), previous="last_run")
    assert decided(con) == [wanted]


def test_the_first_run_has_nothing_to_keep() -> None:
    con = accounts(96)
    run(con, ruleset(STEADY))
    assert decided(con) == [("medium", "t.medium")]


def test_hysteresis_needs_one_winner() -> None:
    steady = dimension(("t", at_least(1), "high"), hit="collect", hysteresis=Hysteresis(field="employees", margin=0.1))
    with pytest.raises(RulesetError, match="hysteresis"):
        run(accounts(1), ruleset(steady))


# ---------------------------------------------------------------- many rules

LABELS = RequiredField(object="account", field="labels", type=FieldType.list)


def test_a_thousand_rules_neither_nest_nor_overflow() -> None:
    con = accounts(*range(0, 3000, 500))
    many = [(f"t.{i}", Between("employees", i, i + 1, high_open=True), "high") for i in range(1000)]
    run(con, ruleset(dimension(*many), dimension(*many, name="all", hit="collect")))
    assert [rule for _, rule in decided(con)] == ["t.0", "t.500", None, None, None, None]
    assert list(outcome(con, "all.rule").values()) == ["t.0", "t.500", None, None, None, None]


@pytest.fixture(scope="module")
def world() -> duckdb.DuckDBPyConnection:
    con = snapshot()
    con.execute("ALTER TABLE snapshot.account ADD COLUMN labels VARCHAR[]")
    return con


@settings(deadline=None, max_examples=40)
@given(st.lists(rows, min_size=4, max_size=4), st.lists(conditions, min_size=1, max_size=5), st.integers(1, 3))
def test_the_first_rule_that_is_true_wins_whatever_the_patterns(
    world: duckdb.DuckDBPyConnection, given_rows: list[dict[str, Any]], given_conditions: list[Condition], copies: int
) -> None:
    repeated = [row for row in given_rows for _ in range(copies)]  # repeated texts are matched once
    world.execute("DELETE FROM snapshot.account")
    insert(world, "account", [{"id": f"{i:02}", **row} for i, row in enumerate(repeated)])
    rules = [(f"r{i}", c, "high") for i, c in enumerate(given_conditions)]
    run(world, ruleset(dimension(*rules), requires=(LABELS,)))
    wanted = [next((r for r, c, _ in rules if evaluate(c, row, AS_OF)), None) for row in repeated]
    assert [rule for _, rule in decided(world)] == wanted
