"""Tags of the simulated Zoho CRM: how they are made, borne and refused (section 6 of the reference)."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from .conftest import one, refused
from .zoho import ZohoSimulator
from .zoho.client import Client


def tag_id(crm: Client, name: str, module: str = "Accounts") -> str:
    reply = crm("POST", "/settings/tags", {"tags": [{"name": name}]}, module=module)
    assert reply.status_code == 201
    return reply.json()["tags"][0]["details"]["id"]


def test_tags_are_made_listed_and_refused_one_by_one(crm: Client) -> None:
    wanted = [
        {"name": "cr:重点", "color_code": "#57B1FD"},
        {"name": "vip"},
        {"name": "x" * 26},
        {"name": "y", "color_code": "#000000"},
    ]
    reply = crm("POST", "/settings/tags", {"tags": wanted}, module="Accounts")
    answers = reply.json()["tags"]
    assert reply.status_code == 207
    assert [answer["code"] for answer in answers] == ["SUCCESS", "DUPLICATE_DATA", "INVALID_DATA", "INVALID_DATA"]
    assert answers[1]["details"]["json_path"] == "$.tags[1].name"
    assert answers[2]["details"]["maximum_length"] == 25
    listed = crm.get("/settings/tags", module="Accounts").json()
    assert [tag["name"] for tag in listed["tags"]] == ["VIP", "cr:重点"]
    assert listed["info"] == {"count": 2, "allowed_count": 100}
    assert crm.get("/settings/tags", module="Contacts").status_code == 204
    assert refused(crm.get("/settings/tags")) == (400, "REQUIRED_PARAM_MISSING", {"param": "module"})
    assert refused(crm.get("/settings/tags", module="Notes"))[1] == "INVALID_MODULE"


def test_tags_are_added_and_removed_beside_those_of_people(sim: ZohoSimulator, crm: Client) -> None:
    first, second = sim.ids("Accounts")[:2]
    ours = tag_id(crm, "cr:high")
    before = sim.record("Accounts", first)["Modified_Time"]
    reply = crm(
        "POST", "/Accounts/actions/add_tags", {"tags": [{"id": ours, "name": "ignored"}], "ids": [first, second]}
    )
    assert reply.json()["success_count"] == "2"
    assert (
        one(crm("POST", f"/Accounts/{second}/actions/add_tags", {"tags": [{"name": "VIP"}]}))["details"]["id"] == second
    )
    assert (sim.tags("Accounts", first), sim.tags("Accounts", second)) == ({"VIP", "cr:high"}, {"cr:high", "VIP"})
    crm("POST", "/Accounts/actions/remove_tags", {"tags": [{"name": "cr:high"}], "ids": [first]})
    assert sim.tags("Accounts", first) == {"VIP"}
    assert sim.record("Accounts", first)["Modified_Time"] == before
    crm("POST", "/Accounts/actions/add_tags", {"tags": [{"id": ours}], "ids": [first], "over_write": True})
    assert sim.tags("Accounts", first) == {"cr:high"}


def test_tagging_is_refused(sim: ZohoSimulator, crm: Client) -> None:
    id = sim.ids("Accounts")[0]

    def add(tags: list[dict[str, str]], ids: list[str]) -> requests.Response:
        return crm("POST", "/Accounts/actions/add_tags", {"tags": tags, "ids": ids})

    def refused_tag(reply: requests.Response) -> dict[str, Any]:
        (answer,) = reply.json()["tags"]
        assert reply.status_code == 400
        return answer

    unknown = refused_tag(add([{"name": "never made"}], [id]))
    assert (unknown["code"], unknown["details"]) == (
        "INVALID_DATA",
        {"api_name": "name", "json_path": "$.tags[0].name"},
    )
    assert refused_tag(add([{"name": "VIP", "color_code": "#F17574"}], [id]))["code"] == "MAPPING_MISMATCH"
    assert refused_tag(add([{"name": "x" * 26}], [id]))["details"]["maximum_length"] == 25
    assert refused(add([{"name": "VIP"}], [id] * 501))[2]["limit"] == 500
    assert (
        refused(crm("POST", "/Notes/actions/add_tags", {"tags": [{"name": "VIP"}], "ids": [id]}))[1] == "INVALID_MODULE"
    )
    mixed = add([{"name": "VIP"}], [id, "17"])
    assert (mixed.status_code, mixed.json()["success_count"]) == (207, "1")
    sim.refuse_writes("Accounts", id, "RECORD_LOCKED")
    locked = add([{"name": "VIP"}], [id])
    assert (locked.status_code, locked.json()["locked_count"], one(locked)["code"]) == (400, "1", "RECORD_LOCKED")
    sim.behaviour.unknown_tag_name = "create"
    assert add([{"name": "never made"}], sim.ids("Accounts")[1:2]).status_code == 200


@pytest.mark.parametrize("named", [True, False])
def test_a_record_bears_ten_tags_and_a_module_a_hundred(sim: ZohoSimulator, crm: Client, named: bool) -> None:
    sim.behaviour.not_added_tags = named
    id = sim.ids("Accounts")[0]
    sim.person_tags("Accounts", id, *(f"own {n}" for n in range(8)))
    ours = [{"id": tag_id(crm, name)} for name in ("cr:a", "cr:b")]
    details = one(crm("POST", f"/Accounts/{id}/actions/add_tags", {"tags": ours}))["details"]
    assert [tag["name"] for tag in details.get("not_added_tags", [])] == (["cr:b"] if named else [])
    assert len(sim.tags("Accounts", id)) == 10
    crm("POST", "/settings/tags", {"tags": [{"name": f"t{n}"} for n in range(89)]}, module="Accounts")
    full = crm("POST", "/settings/tags", {"tags": [{"name": "one more"}]}, module="Accounts")
    (answer,) = full.json()["tags"]
    assert (full.status_code, answer["code"], answer["message"]) == (
        400,
        "LICENSE_LIMIT_EXCEEDED",
        "tags edition limit exceeded",
    )
