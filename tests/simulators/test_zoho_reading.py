"""What the simulated Zoho CRM lists, and which lists it refuses (section 3 of the reference)."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import refused
from .zoho import ZohoSimulator
from .zoho.client import Client


@pytest.mark.parametrize(
    ("params", "code", "details"),
    [
        ({}, "REQUIRED_PARAM_MISSING", {"param_name": "fields"}),
        ({"fields": ",".join(f"F{n}" for n in range(51))}, "LIMIT_EXCEEDED", {"limit": 50, "param_name": "fields"}),
        ({"fields": "id", "per_page": 201}, "INVALID_DATA", {"param_name": "per_page"}),
        ({"fields": "id", "page": 11}, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", {"limit": 2000}),
        ({"fields": "id", "sort_by": "Last_Name"}, "INVALID_DATA", {"supported_values": ["id", "Created_Time", "Modified_Time"]}),
        ({"fields": "id", "page": 1, "page_token": "x"}, "AMBIGUITY_DURING_PROCESSING", {}),
        ({"fields": "id", "cvid": "1", "sort_by": "id"}, "AMBIGUITY_DURING_PROCESSING", {}),
    ],
)  # fmt: skip
def test_lists_are_refused(crm: Client, params: dict[str, Any], code: str, details: dict[str, Any]) -> None:
    status, found, told = refused(crm.get("/Contacts", **params))
    assert (status, found) == (400, code)
    assert details.items() <= told.items()


def test_page_tokens_reach_further_and_are_bound(sim: ZohoSimulator, crm: Client) -> None:
    sim.add_crowd(2500)
    query = {"fields": "id", "per_page": 200, "sort_by": "Modified_Time", "sort_order": "asc"}
    seen: list[str] = []
    token = None
    while True:
        reply = crm.get("/Contacts", **query, **({"page_token": token} if token else {})).json()
        seen += [row["id"] for row in reply["data"]]
        info = reply["info"]
        if not info["more_records"]:
            break
        token = info["next_page_token"]
    assert len(seen) == len(set(seen)) == 2506
    assert (info["next_page_token"], info["count"], info["page"]) == (None, 106, 13)
    for changed in ({"per_page": 100}, {"fields": "id,Email"}, {"sort_order": "desc"}):
        reply = crm.get("/Contacts", **{**query, **changed}, page_token=token)
        assert refused(reply) == (400, "TOKEN_BOUND_DATA_MISMATCH", {"param_name": "page_token"})
    assert refused(crm.get("/Accounts", **query, page_token=token))[1] == "TOKEN_BOUND_DATA_MISMATCH"
    sim.clock.advance(hours=24)
    code, details = refused(Client(sim).get("/Contacts", **query, page_token=token))[1:]
    assert (code, details) == ("EXPIRED_VALUE", {"api_name": "page_token", "json_path": "$.query.page_token"})


def test_page_tokens_end_at_their_limit(sim: ZohoSimulator, crm: Client) -> None:
    sim.behaviour.token_rows = 4
    info: dict[str, Any] = {"next_page_token": None}
    for _ in range(2):
        token = {"page_token": info["next_page_token"]} if info["next_page_token"] else {}
        info = crm.get("/Contacts", fields="id", per_page=2, **token).json()["info"]
    reply = crm.get("/Contacts", fields="id", per_page=2, page_token=info["next_page_token"])
    assert refused(reply) == (400, "PAGINATION_LIMIT_EXCEEDED", {"param_name": "page_token"})


def test_records_edited_while_paging_come_again_and_none_is_lost(sim: ZohoSimulator, crm: Client) -> None:
    query = {"fields": "id", "per_page": 4, "sort_by": "Modified_Time", "sort_order": "asc"}
    first = crm.get("/Accounts", **query).json()
    sim.person_edits("Accounts", first["data"][0]["id"], {"Employees": 7})
    seen = [row["id"] for row in first["data"]]
    info = first["info"]
    while info["more_records"]:
        reply = crm.get("/Accounts", **query, page_token=info["next_page_token"]).json()
        seen += [row["id"] for row in reply["data"]]
        info = reply["info"]
    assert set(seen) == set(sim.ids("Accounts"))
    assert seen.count(first["data"][0]["id"]) == 2


def test_if_modified_since_is_inclusive_to_the_second(sim: ZohoSimulator, crm: Client) -> None:
    sim.clock.freeze()
    id = sim.ids("Contacts")[0]
    sim.person_edits("Contacts", id, {"Title": "CFO"})
    at = sim.record("Contacts", id)["Modified_Time"]
    since = {"headers": {"If-Modified-Since": at}}
    assert [row["id"] for row in crm.rows("/Contacts", fields="id", **since)] == [id]
    sim.clock.advance(1)
    later = sim.crm.time(sim.crm.now())
    reply = crm.get("/Contacts", fields="id", headers={"If-Modified-Since": later})
    assert (reply.status_code, reply.content) == (304, b"")
    wrong = crm.get("/Contacts", fields="id", headers={"If-Modified-Since": "2026-01-01"})
    assert refused(wrong)[:2] == (400, "INVALID_DATA")


def test_times_come_in_more_than_one_form_and_some_changes_do_not_show_in_them(sim: ZohoSimulator, crm: Client) -> None:
    id = sim.ids("Deals")[0]
    sim.behaviour.zulu = True
    (before,) = crm.rows("/Deals", fields="Modified_Time,Expected_Revenue", ids=id)
    sim.drifts("Deals", id, {"Expected_Revenue": 900000.0})
    (after,) = crm.rows("/Deals", fields="Modified_Time,Expected_Revenue", ids=id)
    assert before["Modified_Time"] == after["Modified_Time"]
    assert after["Modified_Time"].endswith("Z")
    assert (before["Expected_Revenue"], after["Expected_Revenue"]) == (None, 900000.0)


def test_an_empty_module_answers_204(crm: Client) -> None:
    with ZohoSimulator(world=False) as empty:
        reply = Client(empty).get("/Contacts", fields="id")
        assert (reply.status_code, reply.content) == (204, b"")
    assert crm.get("/Contacts/1").status_code == 204


def test_converted_leads_are_missing_unless_asked_for(crm: Client) -> None:
    names = {
        converted: {row["Last_Name"] for row in crm.rows("/Leads", fields="Last_Name", converted=converted)}
        for converted in ("false", "true", "both")
    }
    assert names == {"false": {"Newman"}, "true": {"旧线索"}, "both": {"Newman", "旧线索"}}
    assert len(crm.rows("/Leads", fields="Last_Name")) == 1


def test_lists_leave_out_line_items_and_cut_participants(sim: ZohoSimulator, crm: Client) -> None:
    assert "Quoted_Items" not in crm.rows("/Quotes", fields="Subject,Quoted_Items")[0]
    (item,) = crm.rows(f"/Quotes/{sim.ids('Quotes')[0]}")[0]["Quoted_Items"]
    assert (item["Product_Name"]["name"], item["Total"]) == ("在线检测仪", 300000.0)
    (event,) = crm.rows("/Events", fields="Participants")
    assert (len(event["Participants"]), event["$has_more"]) == (2, {"Participants": True})
    assert len(crm.rows(f"/Events/{event['id']}")[0]["Participants"]) == 3


def test_a_hidden_field_is_not_there(sim: ZohoSimulator, crm: Client) -> None:
    sim.hide_field("Contacts", "Email")
    assert all("Email" not in row for row in crm.rows("/Contacts", fields="Email,Title"))
    fields = crm.get("/settings/fields", module="Contacts").json()["fields"]
    assert "Email" not in {field["api_name"] for field in fields}


def test_deleted_records_have_a_feed_of_their_own(sim: ZohoSimulator, crm: Client) -> None:
    first, second = sim.ids("Contacts")[:2]
    sim.clock.advance(10)
    sim.person_deletes("Contacts", first)
    sim.person_deletes("Contacts", second, permanent=True)
    since = {"headers": {"If-Modified-Since": sim.crm.time(sim.crm.now())}}
    gone = {row["id"]: row for row in crm.rows("/Contacts/deleted", **since)}
    assert {id: row["type"] for id, row in gone.items()} == {first: "recycle", second: "permanent"}
    assert (gone[first]["display_name"], gone[first]["deleted_by"]["name"]) == ("邓玲", "王芳")
    assert (gone[second]["display_name"], gone[second]["deleted_by"]) == (None, None)
    assert refused(crm.get("/Contacts/deleted", type="both"))[:2] == (400, "PATTERN_NOT_MATCHED")
    sim.person_restores("Contacts", first)
    assert first not in {row["id"] for row in crm.rows("/Contacts/deleted")}
    assert first in {row["id"] for row in crm.rows("/Contacts", fields="id", **since)}
    sim.clock.advance(days=61)
    assert {row["type"] for row in Client(sim).rows("/Contacts/deleted", type="permanent")} == {"permanent"}
