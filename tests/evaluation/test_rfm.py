"""The published RFM table comes out of a ruleset: ten segments, customers, orders and revenue of each."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from crmrules.evaluation.evaluator import Evaluator
from crmrules.language.loader import load_ruleset
from evaluation.world import snapshot

ROOT = Path(__file__).resolve().parents[2]
ORDERS = ROOT.parent / "shared" / "data" / "rfm" / "orders.csv"

# CRAN package rfm, orders until 2006-12-31. Potential loyalists have F 3-5, as the package's own
# documentation says.
PUBLISHED = {
    "about_to_sleep": (102, 283, 23449), "at_risk": (28, 216, 22227), "cannot_lose": (47, 274, 32446),
    "champions": (35, 316, 31646), "lost": (148, 393, 35324), "loyal": (170, 799, 76562),
    "need_attention": (10, 57, 4562), "new": (104, 329, 28837), "potential_loyalist": (342, 2211, 204856),
    "promising": (9, 28, 4249),
}  # fmt: skip


@pytest.mark.skipif(not ORDERS.exists(), reason=f"{ORDERS} is not there")
def test_all_thirty_integers() -> None:
    con = snapshot()
    con.execute(
        'INSERT INTO snapshot."order" (id, account_id, date, amount) SELECT CAST(row_number() OVER () AS VARCHAR), '
        "customer_id, order_date, revenue FROM read_csv(?)",
        [str(ORDERS)],
    )
    con.execute('INSERT INTO snapshot.account (id) SELECT DISTINCT account_id FROM snapshot."order"')
    Evaluator(con, load_ruleset(ROOT / "tests" / "examples" / "rfm"), date(2006, 12, 31)).run(set())
    found = con.execute(
        "SELECT segment, count(*), sum(frequency), sum(monetary) FROM account_outcome GROUP BY ALL"
    ).fetchall()
    assert {segment: (n, int(orders), int(revenue)) for segment, n, orders, revenue in found} == PUBLISHED
