"""Storms: a run ends complete, or stops so that it can be gone on with, within its budget and without a token storm."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.zoho.test_reading import TAGS, crowd, ids, request
from connectors.zoho.world import opened, settings
from crmrules.contracts.connector import Home, NativeWrite, Page
from crmrules.errors import BudgetSpent, ConnectorError, RetryLater
from crmrules.model.changes import Result
from crmrules_zoho.auth import exchange
from crmrules_zoho.client import ZohoCrm
from simulators.zoho import ZohoSimulator

REQUEST = request("Contacts", "Last_Name", children=(TAGS,))


def field(id: str, value: str | None, expected: str | None = None) -> NativeWrite:
    return NativeWrite(
        object="Accounts", record_id={"id": id}, kind="field", name="Description", value=value, expected=expected
    )


def no_token_storm(sim: ZohoSimulator) -> None:
    assert sim.counters["at once tokens"] <= 1
    assert sim.counters["tokens asked"] <= 10


@pytest.mark.parametrize("kind", ["429", "429-no-retry-after", "500", "html", "drop-before", "drop-midway"])
def test_every_third_call_fails_and_the_read_is_whole(sim: ZohoSimulator, tmp_path: Path, kind: Any) -> None:
    wanted = crowd(sim, 1_300)
    count = iter(range(10_000))
    sim.fault(kind, lambda asked: "/crm/" in asked.path and next(count) % 3 == 2, times=1_000, seconds=0.01)
    crm = opened(sim, tmp_path)
    assert sorted(ids(crm.read(REQUEST))) == wanted
    assert sim.counters[f"fault {kind}"] >= 3
    assert crm.usage().calls == sim.counters["calls"] - sim.counters.total("calls POST /oauth"), "each try is counted"
    no_token_storm(sim)


def test_tokens_die_again_and_again_in_the_middle_of_a_read(sim: ZohoSimulator, tmp_path: Path) -> None:
    wanted = crowd(sim, 1_300)
    count = iter(range(10_000))
    sim.fault("expired-token", lambda asked: "/Contacts" in asked.path and next(count) % 3 == 1, times=3)
    assert sorted(ids(opened(sim, tmp_path).read(REQUEST))) == wanted
    no_token_storm(sim)


def test_tokens_that_die_at_once_stop_the_run_before_the_storm(sim: ZohoSimulator, tmp_path: Path) -> None:
    crowd(sim, 400)
    sim.fault("expired-token", "/crm/", times=10_000)
    for _ in range(12):  # a scheduler that never gives up
        with pytest.raises(ConnectorError):
            list(opened(sim, tmp_path).read(REQUEST))
    no_token_storm(sim)


@pytest.mark.parametrize("status", [200, 400])
def test_a_throttled_token_endpoint_is_left_alone_for_ten_minutes(
    sim: ZohoSimulator, tmp_path: Path, status: int
) -> None:
    sim.behaviour.throttle_status = status
    for _ in range(10):  # another program of the same client
        _refresh(sim)
    asked = sim.counters["tokens asked"]
    for _ in range(5):
        with pytest.raises(RetryLater) as caught:
            opened(sim, tmp_path).describe()
    assert sim.counters["tokens asked"] == asked + 1, "each further try would make the block longer"
    assert "token" in caught.value.problems[0].code


def test_a_budget_stops_the_read_before_the_call_and_the_next_run_goes_on(sim: ZohoSimulator, tmp_path: Path) -> None:
    wanted = crowd(sim, 1_300)
    first = opened(sim, tmp_path, budget={"calls": 5}, bulk="never")
    read: list[Page] = []
    with pytest.raises(BudgetSpent):
        read.extend(first.read(REQUEST))
    cursor = next(page.cursor for page in reversed(read) if page.cursor)
    assert sim.counters["calls"] - sim.counters.total("calls POST /oauth") == first.usage().calls == 5
    rest = list(opened(sim, tmp_path).read(request("Contacts", "Last_Name", children=(TAGS,), after=cursor)))
    assert sorted(ids(read) + ids(rest)) == wanted


def test_a_budget_in_credits_stops_before_an_export(sim: ZohoSimulator, tmp_path: Path) -> None:
    crowd(sim, 30_000)
    crm = opened(sim, tmp_path, budget={"credits": 20})
    with pytest.raises(BudgetSpent):
        list(crm.read(REQUEST))
    assert crm.usage().credits <= 20
    assert "calls POST /crm/bulk/v8/read" not in sim.counters.items("calls ")


def test_used_up_credits_are_a_reason_to_come_back(sim: ZohoSimulator, tmp_path: Path) -> None:
    crowd(sim, 1_300)
    crm = opened(sim, tmp_path)
    crm.describe()
    sim.credits.daily = sim.credits.used + 2
    with pytest.raises(RetryLater):
        list(crm.read(REQUEST))


def test_a_lost_answer_to_an_update_is_seen_to_have_arrived(sim: ZohoSimulator, tmp_path: Path) -> None:
    id = sim.person_creates("Accounts", {"Account_Name": "a"})
    sim.clock.advance(5)
    crm = opened(sim, tmp_path)
    [standing] = crm.current([field(id, "x")])
    sim.clock.advance(5)
    sim.fault("drop-after", "^PUT")
    [receipt] = crm.write([field(id, "x", standing)])
    # The second try is refused by the time that our own first one set.
    assert (receipt.result, receipt.echo) == (Result.written, "x")


@pytest.mark.parametrize("kind", ["drop-after", "500", "html", "429-no-retry-after"])
def test_a_note_is_made_once_whatever_becomes_of_the_answer(sim: ZohoSimulator, tmp_path: Path, kind: Any) -> None:
    id = sim.person_creates("Accounts", {"Account_Name": "a"})
    note = NativeWrite(
        object="Accounts", record_id={"id": id}, kind="note", name="crmrules", value="body", expected=None
    )
    crm = opened(sim, tmp_path)
    sim.fault(kind, "POST /crm/v8/Notes")
    [receipt] = crm.write([note])
    assert crm.current([note]) == [n["Note_Content"] for n in sim.notes("Accounts", id)] or crm.current([note]) == [
        None
    ]
    if receipt.result is not Result.written:
        assert receipt.result in (Result.unknown, Result.failed)
        [standing] = crm.current([note])
        if standing is None:
            [receipt] = crm.write([note])
            assert receipt.result is Result.written
    assert [(n["Note_Title"], n["Note_Content"]) for n in sim.notes("Accounts", id)] == [("[crmrules]", "body")]


def test_a_server_whose_clock_is_wrong_loses_nothing(sim: ZohoSimulator, tmp_path: Path) -> None:
    id = sim.person_creates("Accounts", {"Account_Name": "a"})
    sim.fault("skew", "/crm/", times=10_000, seconds=-7_200)
    crm = opened(sim, tmp_path)
    assert ids(crm.read(request("Accounts")), "Accounts") == [id]
    since = datetime.fromtimestamp(sim.clock.timestamp() - 60, UTC)
    assert ids(crm.read(request("Accounts", since=since)), "Accounts") == [id]
    [receipt] = crm.write([field(id, "x")])
    assert receipt.result is Result.written
    codes = {check.code: check.state for check in crm.check()}
    assert codes["clock"] == "warning"


def test_a_change_of_the_org_is_refused(sim: ZohoSimulator, tmp_path: Path) -> None:
    opened(sim, tmp_path).describe()
    with ZohoSimulator(world=False) as other:
        other.crm.org_id = "42"
        crm = ZohoCrm.open(settings(other), Home(folder=tmp_path, state=tmp_path / "state"))
        with pytest.raises(ConnectorError, match="another profile") as caught:
            crm.describe()
        assert caught.value.problems[0].code == "other-org"


def test_a_grant_code_becomes_a_refresh_token_once(sim: ZohoSimulator) -> None:
    answers: Mapping[str, str] = {
        "accounts_url": sim.url, "client_id": sim.client_id, "client_secret": sim.client_secret,
        "grant_code": sim.accounts.code(("ZohoCRM.modules.ALL",)),
    }  # fmt: skip
    made = exchange(answers)
    assert made["refresh_token"]
    assert "grant_code" not in made
    with pytest.raises(ConnectorError) as caught:
        exchange(answers)
    assert caught.value.problems[0].code == "invalid-code"


def test_secrets_are_never_told(sim: ZohoSimulator, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    crm = opened(sim, tmp_path, client_secret="wrong-but-secret")
    with pytest.raises(ConnectorError) as caught:
        crm.describe()
    kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    for place in (str(caught.value), caplog.text, repr(vars(crm)), kept.decode("latin-1")):
        assert "wrong-but-secret" not in place
        assert sim.refresh_token not in place


def _refresh(sim: ZohoSimulator) -> None:
    import requests

    form = {
        "grant_type": "refresh_token", "client_id": sim.client_id, "client_secret": sim.client_secret,
        "refresh_token": sim.refresh_token,
    }  # fmt: skip
    requests.post(f"{sim.url}/oauth/v2/token", data=form, timeout=10)
