"""The worked figures of the domain (CLV, contribution, fit, needs, intervals, ABC), said in YAML and met by the engine."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from crmrules.evaluation.sql import quote
from crmrules.language.loader import load_ruleset
from crmrules.language.ruleset import Ruleset
from evaluation.world import AS_OF, insert, outcome, run, snapshot

FIGURES = Path(__file__).resolve().parents[3] / "shared" / "domain" / "numeric_examples.yaml"
pytestmark = pytest.mark.skipif(not FIGURES.exists(), reason=f"{FIGURES} is not there")


@pytest.fixture(scope="module")
def figures() -> Any:
    return yaml.safe_load(FIGURES.read_text(encoding="utf-8"))


def written(folder: Path, head: str = "", **sections: str) -> Ruleset:
    """Return the ruleset of these sections, each the text of a file."""
    (folder / "ruleset.yaml").write_text(
        f"schema: ruleset-v1\nname: figures\nversion: 1.0.0\nlanguages: [en]\n{head}\n"
    )
    for name, text in sections.items():
        (folder / f"{name}.yaml").write_text(dedent(text))
    return load_ruleset(folder)


def computed(folder: Path, inputs: dict[str, float], features: str) -> dict[str, float]:
    """Return the features of one account whose custom fields are *inputs*."""
    fields = ", ".join(f"{name}: {{type: number}}" for name in inputs)
    rules = written(folder, f"requires: {{account: {{{fields}}}}}", features="account:\n" + indented(features))
    con = snapshot()
    for name in inputs:
        con.execute(f"ALTER TABLE snapshot.account ADD COLUMN {quote(name)} DOUBLE")
    insert(con, "account", [{"id": "a", **inputs}])
    run(con, rules)
    return {name: outcome(con, name)["a"] for name in rules.features}


def indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in dedent(text).strip().splitlines())


def test_simple_lifetime_value(tmp_path: Path, figures: Any) -> None:
    case = figures["clv_simple"]
    found = computed(tmp_path, {k: case[k] for k in ("aov", "orders_per_year", "years", "margin")}, """
        revenue_clv: {expr: "aov * orders_per_year * years"}
        margin_clv: {expr: "revenue_clv * margin"}
        """)  # fmt: skip
    assert found == {"revenue_clv": case["revenue_clv"], "margin_clv": case["margin_clv"]}


def test_lifetime_value_with_retention(tmp_path: Path, figures: Any) -> None:
    case = figures["clv_retention"]
    terms = [f"annual_margin * power(retention / (1 + discount), {year})" for year in range(5)]
    found = computed(tmp_path, case["inputs"], f"""
        after_one_year: {{expr: "annual_margin * retention / (1 + discount - retention)"}}
        today: {{expr: "annual_margin * (1 + discount) / (1 + discount - retention)"}}
        five_years: {{expr: "round({' + '.join(terms)}, 2)"}}
        minus_cac: {{expr: "five_years - 3000"}}
        last_term: {{expr: "round({terms[-1]}, 2)"}}
        """)  # fmt: skip
    assert found["after_one_year"] == case["infinite_first_margin_after_one_year"]
    assert found["today"] == case["infinite_first_margin_today"]
    assert found["five_years"] == case["five_years_first_today"]
    assert found["minus_cac"] == case["five_years_minus_cac_3000"]
    assert found["last_term"] == case["five_years_terms"][-1]


def test_profit_contribution(tmp_path: Path, figures: Any) -> None:
    case = figures["profit_contribution"]
    found = computed(tmp_path, case["inputs"], """
        gross: {expr: "revenue - cost_of_goods - discounts - returns"}
        contribution: {expr: "gross - service_cost - sales_cost"}
        after: {expr: "contribution - acquisition_cost"}
        ratio: {expr: "round(after / revenue, 4)"}
        """)  # fmt: skip
    assert found == {
        "gross": case["gross"], "contribution": case["contribution"],
        "after": case["contribution_after_acquisition"], "ratio": case["ratio_after_acquisition"],
    }  # fmt: skip


def test_fit_to_the_ideal_customer(tmp_path: Path, figures: Any) -> None:
    case = figures["icp"]
    mean = " + ".join(f"{weight} * {name}" for name, weight in case["weights"].items())
    assert computed(tmp_path, case["scores_1_5"], f'score: {{expr: "100 * ({mean}) / 5"}}') == {
        "score": case["score_0_100"]
    }


@pytest.mark.parametrize("need", ["delivery", "training", "price", "customisation"])
def test_priority_of_a_need(tmp_path: Path, figures: Any, need: str) -> None:
    case = figures["need_priority"][need]
    inputs = {"urgency": case["u"], "importance": case["i"], "difficulty": case["d"]}
    formula = figures["need_priority"]["formula"]
    assert computed(tmp_path, inputs, f'priority: {{expr: "{formula}"}}') == {"priority": case["score"]}


def test_referral_value(tmp_path: Path, figures: Any) -> None:
    case = figures["referral"]["expected"]
    inputs = {k: v for k, v in case.items() if k != "value"}
    found = computed(tmp_path, inputs, """
        value: {expr: "willingness * contacts_reached * (conversion * clv_of_referred - cost_per_invitation)"}
        """)  # fmt: skip
    assert found == {"value": case["value"]}


def test_gaps_between_orders(tmp_path: Path, figures: Any) -> None:
    case = figures["interpurchase"]
    rules = written(tmp_path, features="""
        account:
          middle: {interval_median: order}
          long: {interval_quantile: order, q: 0.9}
        """)  # fmt: skip
    con, day = snapshot(), date(2023, 1, 1)
    insert(con, "account", [{"id": "a"}, {"id": "once"}])
    insert(con, "order", [{"id": "x", "account_id": "once", "date": AS_OF}])
    for i, gap in enumerate([0, *case["gaps_days"]]):
        day += timedelta(days=gap)
        insert(con, "order", [{"id": str(i), "account_id": "a", "date": day}])
    run(con, rules)
    assert outcome(con, "middle") == {"a": case["median"], "once": None}
    assert outcome(con, "long") == {"a": case["p90"], "once": None}


def test_abc_by_the_share_before_the_customer(tmp_path: Path, figures: Any) -> None:
    case = figures["abc"]
    features = f"""
        account:
          before: {{score: {{by: share_before, of: annual_revenue}}}}
          bin: {{score: {{by: cuts, of: before, cuts: {case["cut"]}}}}}
        """
    classes = """
        abc:
          of: account
          label: {en: ABC}
          values: {A: {en: A}, B: {en: B}, C: {en: C}}
          rules:
            - {id: abc.a, when: {bin: 1}, then: A}
            - {id: abc.b, when: {bin: 2}, then: B}
            - {id: abc.c, when: {bin: 3}, then: C}
        """
    rules = written(tmp_path, features=features, classes=classes)
    con = snapshot()
    insert(con, "account", [{"id": f"{i:02}", "annual_revenue": v} for i, v in enumerate(case["values"])])
    run(con, rules)
    assert list(outcome(con, "abc").values()) == case["class"]
