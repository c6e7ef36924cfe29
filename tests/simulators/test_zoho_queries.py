"""COQL, composite requests, metadata, people and faults of the simulated Zoho CRM."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from .conftest import refused
from .zoho import ZohoSimulator, load_canonical
from .zoho.client import Client
from .zoho.world import HOSTILE

# COQL (9)


def ids(reply: requests.Response) -> list[str]:
    return [row["id"] for row in reply.json()["data"]] if reply.content else []


def test_coql_reads_by_keyset_through_many_rows_of_one_second(sim: ZohoSimulator, crm: Client) -> None:
    sim.add_crowd(3000)
    seen: list[str] = []
    at, last = "2000-01-01T00:00:00+08:00", "0"
    while True:
        where = f"(Modified_Time > '{at}' or (Modified_Time = '{at}' and id > {last}))"
        body = crm.coql(
            f"select id, Modified_Time from Contacts where {where} order by Modified_Time, id limit 1000"
        ).json()
        seen += [row["id"] for row in body["data"]]
        at, last = body["data"][-1]["Modified_Time"], body["data"][-1]["id"]
        if not body["info"]["more_records"]:
            break
    assert len(seen) == len(set(seen)) == 3006


@pytest.mark.parametrize(
    ("where", "names"),
    [
        ("Account_Name.Account_Name = 'Acme Corp.'", ["O'Brien"]),
        ("(Last_Name = 'O''Brien' or Last_Name like '邓%')", ["邓玲", "O'Brien"]),
        ("(Email is not null and Title in ('院长', 'CEO'))", ["邓玲", "Berg"]),
        ("(Title is not null and (Email is null and Account_Name.Industry = '医院'))", ["林俊杰", "😀"]),
        ("Owner.email = 'nobody@crm.example'", []),
        ("(Reporting_To is null and Last_Name not in ('Berg'))", ["邓玲", "O'Brien", "😀", HOSTILE[1][:80]]),
    ],
)
def test_coql_conditions(crm: Client, where: str, names: list[str]) -> None:
    reply = crm.coql(f"SELECT Last_Name FROM Contacts WHERE {where} ORDER BY id ASC")
    found = [row["Last_Name"] for row in reply.json()["data"]] if reply.content else []
    assert found == names
    assert (reply.status_code == 204) == (names == [])


def test_coql_groups_and_orders(crm: Client) -> None:
    body = crm.coql(
        "select Industry, count(id) as n, max(Employees) from Accounts where id > 1 group by Industry"
    ).json()
    assert {"Industry": "医院", "n": 2, "max(Employees)": 1200} in body["data"]
    body = crm.coql("select Amount from Deals where Amount > 1 order by Amount desc limit 1, 1").json()
    assert [row["Amount"] for row in body["data"]] == [20000.55]


@pytest.mark.parametrize(
    ("query", "code", "details"),
    [
        ("select id from Contacts", "SYNTAX_ERROR", {"clause": "where"}),
        ("select id from Contacts where id > 1 and id > 2 and id > 3", "SYNTAX_ERROR", {"line": 1, "column": 49}),
        ("select id, Email, id from Contacts where id > 1", "DUPLICATE_DATA", {"column_name": "id"}),
        ("select id from Contacts where id > 1 limit 0", "INVALID_DATA", {}),
        ("select id from Contacts where id > 1 limit 2001", "LIMIT_EXCEEDED", {"limit": 2000}),
        ("select id from Contacts where id > 1 limit 99000, 2000", "LIMIT_EXCEEDED", {"limit": 100000}),
        (f"select {','.join(f'F{n}' for n in range(51))} from Contacts where id > 1", "LIMIT_EXCEEDED", {"limit": 50}),
        (f"select id from Contacts where id in ({','.join('1' * 51)})", "LIMIT_EXCEEDED", {"limit": 50}),
        ("select No_Such from Contacts where id > 1", "INVALID_QUERY", {"column_name": "No_Such"}),
        ("select id from Nonsense where id > 1", "INVALID_MODULE", {}),
        ("select id from Contacts where Description = 'x'", "INVALID_QUERY", {"cv_criteria": False, "column_name": "Description", "value": "x"}),
        ("select id from Contacts where Last_Name > 'x'", "INVALID_QUERY", {"operator": ">"}),
        ("select id from Contacts where Modified_Time > '2026-11-20'", "INVALID_QUERY", {"column_name": "Modified_Time"}),
        ("", "MANDATORY_NOT_FOUND", {"api_name": "select_query"}),
    ],
)  # fmt: skip
def test_coql_is_refused(crm: Client, query: str, code: str, details: dict[str, Any]) -> None:
    status, found, told = refused(crm.coql(query))
    assert (status, found) == (400, code)
    assert details.items() <= told.items()


# Composite requests (8)


def test_five_calls_in_one(sim: ZohoSimulator, crm: Client) -> None:
    deals = sim.ids("Deals")
    calls = [
        {
            "sub_request_id": f"d{n}",
            "method": "GET",
            "uri": f"/crm/v8/Deals/{deal}/Contact_Roles",
            "params": {"fields": "id"},
        }
        for n, deal in enumerate(deals)
    ]
    answers = crm("POST", "/__composite_requests", {"__composite_requests": calls}).json()["__composite_requests"]
    replies = [answer["details"]["response"] for answer in answers]
    assert [reply["status_code"] for reply in replies] == [200, 200, 204]
    assert replies[2]["body"] is None
    assert {answer["message"] for answer in answers} == {"composite sub request executed successfully"}
    assert "sub_request_id" not in answers[0]
    mixed = crm("POST", "/__composite_requests", {"__composite_requests": [calls[0], {**calls[1], "uri": "/Deals"}]})
    assert (mixed.status_code, mixed.json()["__composite_requests"][1]["details"]["api_name"]) == (207, "uri")
    assert sim.credits.used == 4
    assert refused(crm("POST", "/__composite_requests", {"__composite_requests": calls * 2}))[2]["maximum_length"] == 5


# Metadata (12)


def test_metadata_says_what_may_be_written(sim: ZohoSimulator, crm: Client) -> None:
    modules = {module["api_name"]: module for module in crm.get("/settings/modules").json()["modules"]}
    assert modules["Deals"]["generated_type"] == "default"
    fields = {field["api_name"]: field for field in crm.get("/settings/fields", module="Deals").json()["fields"]}
    stage = fields["Stage"]
    assert (stage["data_type"], stage["json_type"], stage["system_mandatory"]) == ("picklist", "string", True)
    assert "Closed Won" in {value["actual_value"] for value in stage["pick_list_values"]}
    values = crm.get(f"/settings/fields/{stage['id']}/pick_list_values", module="Deals").json()
    assert values["pick_list_values"] == stage["pick_list_values"]
    assert (fields["Tag"]["data_type"], fields["Tag"]["json_type"]) == ("text", "jsonarray")
    assert fields["Modified_Time"]["read_only"]
    layout = crm.get("/settings/layouts", module="Deals").json()["layouts"][0]
    pipeline = crm.get("/settings/pipeline", layout_id=layout["id"]).json()["pipeline"][0]
    assert {"赢单", "Closed Won"} == {s["actual_value"] for s in pipeline["maps"] if s["forecast_type"] == "Closed Won"}
    related = crm.get("/settings/related_lists", module="Deals").json()["related_lists"]
    assert "Contact_Roles" in {one["api_name"] for one in related}
    org = crm.get("/org").json()["org"][0]
    assert (org["time_zone"], org["zgid"]) == ("Asia/Shanghai", sim.crm.org_id)
    active = {user["full_name"] for user in crm.get("/users", type="ActiveUsers").json()["users"]}
    assert active == {"API 集成", "王芳", "Jonas Berg"}


def test_custom_fields_can_be_made(sim: ZohoSimulator, crm: Client) -> None:
    choices = [{"display_value": "高", "actual_value": "high"}, {"display_value": "低", "actual_value": "low"}]
    wanted = [
        {"field_label": "CR Tier", "data_type": "picklist", "pick_list_values": choices},
        {"field_label": "x", "data_type": "colour"},
    ]
    made = crm("POST", "/settings/fields", {"fields": wanted}, module="Accounts")
    assert [answer["code"] for answer in made.json()["fields"]] == ["SUCCESS", "INVALID_DATA"]
    id = sim.ids("Accounts")[0]
    assert crm("PUT", "/Accounts", {"data": [{"id": id, "CR_Tier": "high"}]}).status_code == 200
    assert crm("PUT", "/Accounts", {"data": [{"id": id, "CR_Tier": "高"}]}).status_code == 400


# People and faults


def test_people_merge_records_and_what_pointed_at_them_follows(sim: ZohoSimulator) -> None:
    kept, gone = sim.ids("Accounts")[:2]
    sim.person_tags("Accounts", gone, "老客户")
    sim.person_notes("Accounts", gone, "t", "moved along")
    sim.person_merges("Accounts", kept, gone)
    assert gone not in sim.ids("Accounts")
    assert sim.tags("Accounts", kept) == {"VIP", "老客户"}
    assert "moved along" in {note["Note_Content"] for note in sim.notes("Accounts", kept)}
    berg = next(id for id in sim.ids("Contacts") if sim.record("Contacts", id)["Last_Name"] == "Berg")
    assert sim.record("Contacts", berg)["Account_Name"]["id"] == kept


def test_faults_speak_zoho(sim: ZohoSimulator, crm: Client) -> None:
    for kind in ("500", "html", "429", "429-no-retry-after", "expired-token"):
        sim.fault(kind, "GET /crm/v8/org")  # type: ignore[arg-type]
    replies = [crm.get("/org") for _ in range(6)]
    assert [reply.status_code for reply in replies] == [500, 502, 429, 429, 401, 401]
    assert replies[0].json()["code"] == "INTERNAL_ERROR"
    assert replies[1].headers["Content-Type"] == "text/html"
    assert ["Retry-After" in reply.headers for reply in replies[2:4]] == [True, False]
    assert replies[4].json()["code"] == "INVALID_TOKEN"


def test_a_lost_answer_is_a_write_that_happened(sim: ZohoSimulator, crm: Client) -> None:
    id = sim.ids("Contacts")[0]
    for kind, title in (("drop-before", "院长"), ("drop-after", "lost")):
        sim.fault(kind, "^PUT /crm/v8/Contacts")  # type: ignore[arg-type]
        with pytest.raises(requests.ConnectionError):
            crm("PUT", "/Contacts", {"data": [{"id": id, "Title": "lost"}]})
        assert sim.record("Contacts", id)["Title"] == title
    assert (sim.log[-1].status, json.loads(sim.log[-1].body)["data"][0]["Title"]) == (0, "lost")


def test_canonical_rows_become_records() -> None:
    tables: dict[str, list[dict[str, Any]]] = {
        "user": [{"id": "u1", "name": "林晓"}],
        "account": [{"id": "a1", "name": "江州市第一人民医院", "industry": "hospital", "beds": 1800, "owner_id": "u1"}],
        "contact": [{"id": "c1", "account_id": "a1", "name": "周明远"}, {"id": "c2", "account_id": "a1", "name": "陈志强", "reports_to_id": "c1"}],
        "deal": [{"id": "d1", "account_id": "a1", "name": "新药进院", "stage": "evaluation"}],
        "deal_contact": [{"deal_id": "d1", "contact_id": "c2", "role": "decision_maker"}],
        "activity": [{"id": "t1", "deal_id": "d1", "type": "meeting", "text": "看了数据"}],
        "activity_contact": [{"activity_id": "t1", "contact_id": "c2", "part": "participant"}],
        "order": [{"id": "o1", "account_id": "a1", "amount": 180000, "status": "delivered"}],
        "order_line": [{"id": "l1", "order_id": "o1", "product": "药", "quantity": 2, "amount": 180000}],
        "tag": [{"object": "account", "record_id": "a1", "name": "VIP"}],
        "note": [{"id": "n1", "object": "deal", "record_id": "d1", "title": "t", "body": "b"}],
    }  # fmt: skip
    with ZohoSimulator(world=False) as sim:
        loaded = load_canonical(sim, tables)
        crm = Client(sim)
        (account,) = crm.rows("/Accounts", fields="Account_Name,Beds,Industry,Owner,Tag")
        assert (account["Beds"], account["Industry"], account["Owner"]["name"]) == (1800, "hospital", "林晓")
        assert sim.tags("Accounts", loaded.id("account", "a1")) == {"VIP"}
        assert sim.record("Contacts", loaded.id("contact", "c2"))["Reporting_To"]["name"] == "周明远"
        assert sim.roles(loaded.id("deal", "d1")) == {loaded.id("contact", "c2"): "decision_maker"}
        event = sim.record("Events", loaded.id("activity", "t1"))
        assert (event["Activity_Type"], event["What_Id"]["id"]) == ("meeting", loaded.id("deal", "d1"))
        assert event["Participants"][0]["participant"] == loaded.id("contact", "c2")
        (item,) = sim.record("Sales_Orders", loaded.id("order", "o1"))["Ordered_Items"]
        assert (item["Product_Name"]["name"], item["List_Price"]) == ("药", 90000.0)
        assert sim.notes("Deals", loaded.id("deal", "d1"))[0]["Note_Content"] == "b"
