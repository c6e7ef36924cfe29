"""The figures and need classes of b2b-core come out as the worked examples of the trade say (domain.md part 3).

One small CRM holds a customer per question; the numbers are those of the examples, worked out by hand there.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import re2

from crmrules.language.loader import load_ruleset
from crmrules.language.ruleset import Ruleset
from crmrules.model.objects import OBJECTS, CustomField, Field
from crmrules.pipeline.decide import find_outcomes
from crmrules.plugins.host import installed
from crmrules.stores.snapshot import empty_snapshot, load_rows

B2B_CORE = Path(__file__).resolve().parents[2] / "rulesets" / "b2b-core"
AS_OF = date(2026, 6, 30)

ACCOUNTS: list[dict[str, Any]] = [
    # 3.5: two thousand an order, six orders a year, 35 % margin; retention .8 at 10 %
    {"id": "simple", "gross_margin_rate": 0.35},
    {"id": "kept", "gross_margin_rate": 0.35, "retention_rate": 0.8, "acquisition_cost": 3000},
    # 3.6: revenue 1,200,000 of which 22,000 came back
    {"id": "profit", "goods_cost_window": 780_000, "discounts_window": 36_000, "service_cost_window": 54_000,
     "sales_cost_window": 48_000, "acquisition_cost": 60_000},
    {"id": "half_known", "goods_cost_window": 100, "sales_cost_window": 10},
    # 3.7 and 3.11
    {"id": "referrer", "referral_willingness": 0.6, "referral_reach": 5, "referral_conversion": 0.2, "referral_clv": 7500},
    {"id": "market", "icp_size": 4, "icp_growth": 3, "icp_competition": 2, "icp_fit": 5},
    {"id": "dull_market", "icp_size": 2, "icp_growth": 2, "icp_competition": 2, "icp_fit": 2},
    # 1.C, 1.E and 1.L
    {"id": "ends_soon", "contract_end": date(2026, 8, 31), "usage_share": 0.85},
    {"id": "doubtful", "max_overdue_days": 45, "paid_invoices": 9, "last_credit_check": date(2026, 1, 5)},
    {"id": "checked", "max_overdue_days": 45, "paid_invoices": 9, "last_credit_check": date(2026, 6, 1)},
    {"id": "habit"}, {"id": "gone"}, {"id": "prudent"}, {"id": "touched"}, {"id": "blank"},
    {"id": "made", "industry_code": "C3613"}, {"id": "taught", "industry_code": "8334"}, {"id": "named", "industry": "三甲医院"},
]  # fmt: skip


def _orders() -> list[dict[str, Any]]:
    orders: list[dict[str, Any]] = []

    def order(account: str, day: date, amount: float, **more: Any) -> None:
        orders.append(
            {"id": f"o{len(orders)}", "account_id": account, "date": day, "amount": amount, "currency": "CNY", **more}
        )

    for account in ("simple", "kept"):
        for month in range(1, 7):
            order(account, date(2026, month, 10), 2000)
    order("profit", date(2026, 3, 1), 1_200_000, refund=22_000)
    order("half_known", date(2026, 3, 1), 1000)
    for month in range(1, 7):
        order("habit", date(2026, month, 20), 100, product="filter", category="parts")
    order("ends_soon", date(2025, 9, 1), 500)
    order("gone", date(2025, 1, 1), 500)
    return orders


def _activities() -> list[dict[str, Any]]:
    said = [
        ("prudent", "meeting", "请提供比价单和投资回报测算"), ("prudent", "email", "价格再降一点,预算有限"),
        ("prudent", "email", "三家比选,报价请更新"), ("touched", "campaign", "webinar"),
        ("gone", "support_ticket", "到货破损"), ("gone", "complaint", "质量故障,噪音大"),
    ]  # fmt: skip
    return [
        {"id": f"t{n}", "account_id": account, "date": date(2026, 6, 1), "type": type, "direction": "in", "text": text}
        for n, (account, type, text) in enumerate(said)
    ]


DEALS: list[dict[str, Any]] = [
    {"id": "training", "urgency": 4, "importance": 3, "difficulty": 1, "stage": "proposal"},
    {"id": "delivery", "urgency": 5, "importance": 4, "difficulty": 2, "stage": "contract negotiation"},
    {"id": "price", "urgency": 3, "importance": 5, "difficulty": 4, "stage": "线索"},
    {"id": "customisation", "urgency": 2, "importance": 4, "difficulty": 5, "stage": "技术交流与方案"},
    {"id": "not_asked", "stage": "需求调研"},
]


@pytest.fixture(scope="module")
def ruleset() -> Ruleset:
    return load_ruleset(B2B_CORE)


@pytest.fixture(scope="module")
def con(ruleset: Ruleset) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    own = [
        CustomField(object=r.object, field=Field(name=r.field, type=r.type))
        for r in ruleset.requires
        if OBJECTS[r.object].field(r.field) is None
    ]
    empty_snapshot(con, own)
    load_rows(con, "account", ACCOUNTS)
    load_rows(con, "order", _orders())
    load_rows(con, "activity", _activities())
    load_rows(con, "deal", [{"account_id": "blank", "name": d["id"], "status": "open", **d} for d in DEALS])
    find_outcomes(con, ruleset, as_of=AS_OF, engine=installed().engine("python"))
    return con


def _of(con: duckdb.DuckDBPyConnection, of: str, id: str, name: str) -> Any:
    row = con.execute(f'SELECT "{name}" FROM {of}_outcome WHERE id = ?', [id]).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    ("account", "figure", "wanted"),
    [
        ("simple", "clv_simple", 16_800.00), ("simple", "clv_retention", None), ("simple", "clv_discounted", None),
        ("kept", "clv_retention", 11_200.00), ("kept", "clv_retention_today", 15_400.00),
        ("kept", "clv_discounted", 12_266.66), ("kept", "clv_after_acquisition", 9_266.66),
        ("profit", "gross_contribution", 362_000), ("profit", "profit_contribution", 260_000),
        ("profit", "profit_after_acquisition", 200_000), ("half_known", "profit_contribution", 890),
        ("simple", "profit_contribution", None), ("referrer", "referral_value", 4_350.00), ("market", "icp_score", 75.0),
        ("blank", "icp_score", None), ("habit", "gap_median", 31.0), ("ends_soon", "days_to_contract_end", 62),
    ],
)  # fmt: skip
def test_a_figure_is_that_of_the_worked_example(
    con: duckdb.DuckDBPyConnection, account: str, figure: str, wanted: float | None
) -> None:
    got = _of(con, "account", account, figure)
    assert got is None if wanted is None else float(got) == pytest.approx(wanted, abs=0.01)


@pytest.mark.parametrize(
    ("account", "dimension", "wanted"),
    [
        ("profit", "profit_basis", "complete"), ("half_known", "profit_basis", "partial"), ("blank", "profit_basis", "unknown"),
        ("market", "icp", "A"), ("dull_market", "icp", "C"), ("blank", "icp", "unknown"),
        ("ends_soon", "expansion", "up_sell"), ("habit", "expansion", "cross_sell"), ("simple", "expansion", "none"),
        ("habit", "need_style", "habitual"), ("prudent", "need_style", "rational"), ("blank", "need_style", "unknown"),
        ("prudent", "value_prop", "price"), ("blank", "value_prop", "unknown"),
        ("habit", "journey", "repurchase"), ("profit", "journey", "purchase"), ("gone", "journey", "use"),
        ("touched", "journey", "awareness"), ("prudent", "journey", "interest"), ("named", "journey", "unknown"),
        ("gone", "pains", ["quality"]), ("gone", "loss_reason", "quality"), ("blank", "pains", ["unknown"]),
        ("profit", "service_level", "tailored"), ("half_known", "service_level", "self_service"),
        ("made", "sector", "manufacturing"), ("taught", "sector", "education"), ("named", "sector", "health"),
        ("blank", "sector", "unknown"), ("profit", "profit_loyalty", "butterfly"), ("half_known", "profit_loyalty", "stranger"),
    ],
)  # fmt: skip
def test_a_customer_is_classed(con: duckdb.DuckDBPyConnection, account: str, dimension: str, wanted: object) -> None:
    assert _of(con, "account", account, dimension) == wanted


@pytest.mark.parametrize(
    ("deal", "score", "priority", "stage"),
    [
        ("training", 12.0, "high", "evaluation"), ("delivery", 10.0, "now", "decision"), ("price", 3.75, "medium", "problem"),
        ("customisation", 1.6, "low", "evaluation"), ("not_asked", None, "unknown", "search"),
    ],
)  # fmt: skip
def test_a_need_has_its_priority_and_its_stage(
    con: duckdb.DuckDBPyConnection, deal: str, score: float | None, priority: str, stage: str
) -> None:
    assert _of(con, "deal", deal, "need_score") == score
    assert _of(con, "deal", deal, "need_priority") == priority
    assert _of(con, "deal", deal, "decision_stage") == stage


@pytest.mark.parametrize(
    ("flag", "on", "off"),
    [
        ("target_account", "market", "dull_market"), ("renewal_due", "ends_soon", "blank"),
        ("credit_review_due", "doubtful", "checked"), ("survey_due", "simple", "blank"),
        ("data_quality", "blank", "named"),
    ],
)  # fmt: skip
def test_a_flag_is_raised_where_it_should_and_nowhere_else(
    con: duckdb.DuckDBPyConnection, flag: str, on: str, off: str
) -> None:
    raised = {row[0] for row in con.execute("SELECT account_id FROM flag WHERE flag = ?", [flag]).fetchall()}
    assert on in raised
    assert off not in raised


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("肿瘤科主任关注疗效", True), ("民族宗教事务局局长", True), ("Head of Diagnostics", True), ("Cancer Center Director", True),
        ("可以给他回扣", False), ("客户怀孕了", False), ("他患有慢性病", False), ("offer a personal commission", False),
        ("按医生统方", False), ("she was diagnosed with", False),
    ],
)  # fmt: skip
def test_no_note_holds_what_is_improper_and_posts_keep_their_names(ruleset: Ruleset, text: str, allowed: bool) -> None:
    assert ruleset.playbook is not None
    assert any(re2.search(pattern, text) for pattern in ruleset.playbook.forbidden) is not allowed
