"""What a run may spend: counted before each call, retries included."""

from __future__ import annotations

import threading

import pytest
from loopback import Server

from crmrules.contracts.connector import Usage
from crmrules.errors import BudgetSpent, RetryLater
from crmrules.http.budget import Budget
from crmrules.http.session import HttpSettings, Session


def test_every_try_is_paid(server: Server) -> None:
    server.answers = [(503, {}, b""), (429, {}, b""), (0, {}, b"")]
    budget = Budget()
    with Session(HttpSettings(first_pause=0.01), budget=budget) as session:
        session.send("GET", f"{server.url}/x", credits=2.5)
    assert budget.usage == Usage(calls=4, credits=10)


@pytest.mark.parametrize("limit", [{"calls": 2}, {"credits": 5}])
def test_nothing_is_sent_that_is_not_paid(server: Server, limit: dict[str, int]) -> None:
    server.answers = [(503, {}, b"")] * 9
    budget = Budget(**limit)
    with Session(HttpSettings(first_pause=0.01), budget=budget) as session, pytest.raises(BudgetSpent) as caught:
        session.send("GET", f"{server.url}/x", credits=2)
    assert len(server.seen) == 2
    assert budget.usage == Usage(calls=2, credits=4)
    assert isinstance(caught.value, RetryLater)
    assert caught.value.problems[0].code == "budget-spent"


def test_what_the_crm_says_is_left_is_a_limit_too() -> None:
    budget = Budget()
    budget.spend()
    assert budget.usage.left is None
    budget.report_left(60)
    budget.spend(50)
    assert budget.usage == Usage(calls=2, credits=51, left=10)
    with pytest.raises(BudgetSpent, match="has 10 credits left, the next call costs 50"):
        budget.spend(50)
    budget.report_left(5000)
    budget.spend(50)
    assert budget.usage == Usage(calls=3, credits=101, left=4950)


def test_threads_never_spend_more_together() -> None:
    budget = Budget(calls=500)
    refused = []

    def work() -> None:
        for _ in range(100):
            try:
                budget.spend()
            except BudgetSpent:
                refused.append(1)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert budget.usage.calls == 500
    assert len(refused) == 300
