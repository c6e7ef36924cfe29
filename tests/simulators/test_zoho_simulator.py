"""What the simulated Zoho CRM refuses, and how it says so: tokens, whole requests, limits. Numbers are sections of the reference."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from .conftest import refused
from .zoho import ZohoSimulator
from .zoho.client import Client

# OAuth (2)


def ask(sim: ZohoSimulator, host: str = "", **form: str) -> requests.Response:
    known = {"client_id": sim.client_id, "client_secret": sim.client_secret, "grant_type": "refresh_token"}
    form = {**known, "refresh_token": sim.refresh_token, **form}
    return requests.post(f"{host or sim.url}/oauth/v2/token", data=form, timeout=5)


def test_a_refresh_gives_an_access_token_and_its_own_base_url(sim: ZohoSimulator) -> None:
    body = ask(sim).json()
    assert body["api_domain"] == sim.url
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert "refresh_token" not in body


def test_a_grant_token_is_good_once_and_for_three_minutes(sim: ZohoSimulator) -> None:
    code, late = sim.accounts.code(["ZohoCRM.modules.READ"]), sim.accounts.code(["ZohoCRM.modules.READ"])
    first = ask(sim, grant_type="authorization_code", code=code).json()
    assert first["refresh_token"].startswith("1000.")
    assert ask(sim, grant_type="authorization_code", code=code).json() == {"error": "invalid_code"}
    sim.clock.advance(minutes=3)
    assert ask(sim, grant_type="authorization_code", code=late).json() == {"error": "invalid_code"}


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_id": "1000.X"}, "invalid_client"),
        ({"client_secret": "x"}, "invalid_client_secret"),
        ({"refresh_token": "1000.x"}, "invalid_code"),
    ],
)
def test_token_errors_have_http_status_200(sim: ZohoSimulator, form: dict[str, str], error: str) -> None:
    reply = ask(sim, **form)
    assert (reply.status_code, reply.json()) == (200, {"error": error})


def test_another_data_centre_does_not_know_the_client(sim: ZohoSimulator) -> None:
    assert ask(sim, sim.other_host).json() == {"error": "invalid_client"}


@pytest.mark.parametrize("status", [200, 400])
def test_the_eleventh_token_in_ten_minutes_is_refused_and_each_try_lengthens_the_block(
    sim: ZohoSimulator, status: int
) -> None:
    sim.behaviour.throttle_status = status
    assert all("access_token" in ask(sim).json() for _ in range(10))
    reply = ask(sim)
    assert reply.status_code == status
    assert reply.json()["error_description"].startswith("You have made too many requests continuously")
    sim.clock.advance(minutes=9)
    assert "error" in ask(sim).json()
    sim.clock.advance(minutes=9)
    assert "error" in ask(sim).json()
    sim.clock.advance(minutes=10)
    assert "access_token" in ask(sim).json()
    assert (sim.counters["tokens issued"], sim.counters["tokens refused"]) == (11, 3)


def test_the_sixteenth_live_token_kills_the_oldest(sim: ZohoSimulator, crm: Client) -> None:
    assert crm.get("/org").status_code == 200
    for _ in range(15):
        sim.accounts.access_token()
    assert refused(crm.get("/org"))[:2] == (401, "INVALID_TOKEN")


def test_access_tokens_live_an_hour(sim: ZohoSimulator, crm: Client) -> None:
    sim.clock.advance(3599)
    assert crm.get("/org").status_code == 200
    sim.clock.advance(1)
    assert refused(crm.get("/org"))[:2] == (401, "INVALID_TOKEN")


def test_ten_grant_tokens_in_ten_minutes_and_twenty_refresh_tokens(sim: ZohoSimulator) -> None:
    def exchange() -> dict[str, Any]:
        return ask(sim, grant_type="authorization_code", code=sim.accounts.code(["ZohoCRM.modules.READ"])).json()

    assert all("refresh_token" in exchange() for _ in range(10))
    assert exchange() == {"error": "access_denied"}
    sim.clock.advance(minutes=10)
    assert all("refresh_token" in exchange() for _ in range(10))
    assert ask(sim).json() == {"error": "invalid_code"}  # the standing one was the first of twenty-one


def test_a_revoked_refresh_token_is_gone(sim: ZohoSimulator, crm: Client) -> None:
    gone = requests.post(f"{sim.url}/oauth/v2/token/revoke", params={"token": sim.refresh_token}, timeout=5)
    assert gone.json() == {"status": "success"}
    assert ask(sim).json() == {"error": "invalid_code"}
    assert refused(crm.get("/org"))[:2] == (401, "INVALID_TOKEN")


@pytest.mark.parametrize("header", ["", "Zoho-oauthtoken ", "Bearer 1000.x"])
def test_without_a_zoho_token_nobody_is_let_in(crm: Client, header: str) -> None:
    crm.session.headers["Authorization"] = header
    assert refused(crm.get("/org"))[:2] == (401, "AUTHENTICATION_FAILURE")


def test_scopes_are_needed_per_operation() -> None:
    scopes = ["ZohoCRM.modules.contacts.READ", "ZohoCRM.coql.READ", "ZohoCRM.bulk.READ"]
    with ZohoSimulator(scopes=scopes) as sim:
        crm = Client(sim)
        assert crm.get("/Contacts", fields="id").status_code == 200
        update = {"data": [{"id": sim.ids("Contacts")[0], "Title": "x"}]}
        for reply in (
            crm.get("/Accounts", fields="id"),
            crm("PUT", "/Contacts", update),
            crm.get("/settings/fields", module="Contacts"),
            crm.coql("select id from Accounts where id > 1"),
            crm("POST", "/crm/bulk/v8/read", {"query": {"module": {"api_name": "Accounts"}}}),
        ):
            assert refused(reply)[:2] == (401, "OAUTH_SCOPE_MISMATCH")


# Whole requests (5, 13)


def test_wrong_hosts_urls_modules_and_methods(sim: ZohoSimulator, crm: Client) -> None:
    elsewhere = crm.session.get(f"{sim.other_host}/crm/v8/org", timeout=5)
    assert refused(elsewhere)[:2] == (400, "INVALID_HOST")
    assert refused(crm.get("/no/such/thing"))[:2] == (404, "INVALID_URL_PATTERN")
    assert refused(crm.get("/crm/v2/org"))[:2] == (404, "INVALID_URL_PATTERN")
    assert refused(crm("PATCH", "/Contacts"))[:2] == (400, "INVALID_REQUEST_METHOD")
    for module in ("Nonsense", "Activities"):
        assert refused(crm.get(f"/{module}", fields="id")) == (400, "INVALID_MODULE", {"resource_path_index": 0})


def test_a_profile_without_the_right_is_told_which(sim: ZohoSimulator, crm: Client) -> None:
    sim.deny("Contacts", "edit")
    reply = crm("PUT", "/Contacts", {"data": [{"id": sim.ids("Contacts")[0], "Title": "x"}]})
    assert refused(reply) == (403, "NO_PERMISSION", {"permissions": ["Crm_Implied_Edit_Contacts"]})


def test_credits_are_spent_by_price_and_come_back_after_a_day(sim: ZohoSimulator, crm: Client) -> None:
    ids = sim.ids("Accounts")
    prices = []
    for call in (
        lambda: crm.get("/Accounts", fields="id"),
        lambda: crm.get("/Accounts/deleted"),
        lambda: crm("PUT", "/Accounts", {"data": [{"id": ids[0], "Employees": n} for n in range(21)]}),
        lambda: crm("POST", "/Accounts/actions/add_tags", {"tags": [{"name": "VIP"}], "ids": ids[:1] * 51}),
        lambda: crm.coql("select id from Accounts where id > 1 limit 200"),
        lambda: crm.coql("select id from Accounts where id > 1 limit 1001"),
        lambda: crm("POST", "/crm/bulk/v8/read", {"query": {"module": {"api_name": "Accounts"}}}),
    ):
        before = sim.credits.used
        call()
        prices.append(sim.credits.used - before)
    assert prices == [1, 2, 3, 2, 1, 3, 50]
    sim.credits.daily = sim.credits.used + 1
    assert crm.get("/org").headers["X-API-CREDITS-REMAINING"] == "0"
    reply = crm.get("/org")
    assert refused(reply)[:2] == (429, "TOO_MANY_REQUESTS")
    assert "Retry-After" not in reply.headers
    sim.clock.advance(hours=24)
    crm = Client(sim)
    assert "X-API-CREDITS-REMAINING" not in crm.get("/org").headers


def test_only_so_many_calls_at_once() -> None:
    with ZohoSimulator(edition="free", latency=0.2) as sim, ThreadPoolExecutor(8) as pool:
        crm = Client(sim)
        header = dict(crm.session.headers)
        asked = pool.map(lambda _: requests.get(f"{sim.url}/crm/v8/org", headers=header, timeout=5), range(8))  # type: ignore[arg-type]
        assert sorted(reply.status_code for reply in asked) == [200] * 5 + [429] * 3


def test_only_ten_heavy_calls_at_once_and_refreshes_in_flight_are_counted() -> None:
    with ZohoSimulator(latency=0.2) as sim, ThreadPoolExecutor(12) as pool:
        crm = Client(sim)
        body = {"select_query": "select id from Contacts where id > 1"}
        header = {"Authorization": str(crm.session.headers["Authorization"])}
        url = f"{sim.url}/crm/v8/coql"
        asked = pool.map(lambda _: requests.post(url, json=body, headers=header, timeout=5), range(12))
        assert sorted(reply.status_code for reply in asked) == [200] * 10 + [429] * 2
        list(pool.map(lambda _: ask(sim), range(3)))
        assert (sim.counters["at once heavy"], sim.counters["at once tokens"]) == (12, 3)
