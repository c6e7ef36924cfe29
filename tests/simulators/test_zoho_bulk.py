"""Bulk read of the simulated Zoho CRM: jobs, pages, criteria, limits (section 10 of the reference)."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest
import requests

from .conftest import one, refused
from .zoho import ZohoSimulator
from .zoho.client import Client
from .zoho.world import HOSTILE


def bulk(crm: Client, module: str = "Contacts", **query: Any) -> requests.Response:
    return crm("POST", "/crm/bulk/v8/read", {"query": {"module": {"api_name": module}, **query}})


def look(crm: Client, started: requests.Response) -> dict[str, Any]:
    """The job at its end."""
    id = one(started)["details"]["id"]
    for _ in range(4):
        job = one(crm.get(f"/crm/bulk/v8/read/{id}"))
        if job["state"] in ("COMPLETED", "FAILURE"):
            return job
    raise AssertionError(job)


def rows(crm: Client, job: dict[str, Any]) -> list[dict[str, str]]:
    reply = crm.get(job["result"]["download_url"])
    assert reply.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(reply.content)) as packed:
        text = packed.read(f"{job['id']}.csv").decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_a_bulk_job_passes_its_states_and_gives_csv(sim: ZohoSimulator, crm: Client) -> None:
    started = bulk(crm, "Accounts", fields=["id", "Account_Name", "Parent_Account", "Tag", "Modified_Time"])
    assert (started.status_code, one(started)["code"], one(started)["details"]["state"]) == (
        201,
        "ADDED_SUCCESSFULLY",
        "ADDED",
    )
    path = f"/crm/bulk/v8/read/{one(started)['details']['id']}"
    missing = refused(crm.get(f"{path}/result"))
    assert missing == (404, "RESOURCE_NOT_FOUND", {"resource": one(started)["details"]["id"]})
    assert [one(crm.get(path))["state"] for _ in range(3)] == ["QUEUED", "IN PROGRESS", "COMPLETED"]
    found = rows(crm, one(crm.get(path)))
    by_name = {row["Account_Name"]: row for row in found}
    assert set(HOSTILE) <= set(by_name)
    hospital = by_name["杭州中心医院"]
    assert (hospital["Tag"], by_name["深圳第二人民医院"]["Parent_Account"]) == ("VIP", hospital["Id"])
    sim.clock.advance(hours=24)
    assert refused(Client(sim).get(path))[:2] == (404, "RESOURCE_NOT_FOUND")


def test_bulk_pages_follow_each_other_by_token_or_number(sim: ZohoSimulator, crm: Client) -> None:
    sim.behaviour.bulk_page = 400
    sim.add_crowd(1000)
    by_token: list[str] = []
    query: dict[str, Any] = {"fields": ["id"]}
    while True:
        job = look(crm, bulk(crm, **query))
        by_token += [row["Id"] for row in rows(crm, job)]
        if not job["result"]["more_records"]:
            break
        query["page_token"] = job["result"]["next_page_token"]
    by_page = [row["Id"] for n in (1, 2, 3) for row in rows(crm, look(crm, bulk(crm, fields=["id"], page=n)))]
    assert by_token == by_page
    assert len(set(by_token)) == 1006
    query["fields"] = ["id", "Email"]
    assert refused(bulk(crm, **query))[1] == "TOKEN_BOUND_DATA_MISMATCH"


def test_bulk_criteria_filter(sim: ZohoSimulator, crm: Client) -> None:
    sim.clock.advance(5)
    changed = sim.add_crowd(500)[7]
    sim.person_edits("Contacts", changed, {"Title": "CFO"})
    since = {
        "field": {"api_name": "Modified_Time"},
        "comparator": "greater_equal",
        "value": sim.crm.time(sim.crm.now() - 1),
    }
    known = {"field": {"api_name": "Title"}, "comparator": "in", "value": ["CFO", "CEO"]}
    job = look(crm, bulk(crm, fields=["id", "Title"], criteria={"group_operator": "and", "group": [since, known]}))
    assert rows(crm, job) == [{"Id": str(changed), "Title": "CFO"}]


@pytest.mark.parametrize(
    ("module", "query", "code"),
    [
        ("Notes", {}, "INVALID_MODULE"),
        ("Contacts", {"fields": ["No_Such"]}, "INVALID_DATA"),
        ("Contacts", {"page": 501}, "PAGE_RANGE_EXCEEDED"),
        ("Contacts", {"criteria": {"group_operator": "or", "group": [{}] * 26}}, "CRITERIA_LIMIT_EXCEEDED"),
        ("Contacts", {"criteria": {"comparator": "in", "value": ["1"] * 201}}, "VALUE_LIMIT_EXCEEDED_IN_CRITERIA"),
    ],
)
def test_bulk_is_refused(crm: Client, module: str, query: dict[str, Any], code: str) -> None:
    assert refused(bulk(crm, module, **query))[:2] == (400, code)


def test_ten_downloads_a_minute_and_jobs_that_fail(sim: ZohoSimulator, crm: Client) -> None:
    job = look(crm, bulk(crm, fields=["id"]))
    statuses = [crm.get(job["result"]["download_url"]).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    sim.clock.advance(minutes=1)
    assert crm.get(job["result"]["download_url"]).status_code == 200
    sim.bulk.fail_next = True
    assert look(crm, bulk(crm))["state"] == "FAILURE"
