"""Zoho's own SDK, an independent client, works against the simulator: what it reads, writes and is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .zoho import ZohoSimulator
from .zoho.roles import role_id
from .zoho.world import HOSTILE

DRIVER = Path(__file__).parent / "zoho" / "sdk_driver.py"


@dataclass
class Driven:
    """The simulator after the SDK's calls, what each gave, and what they were about."""

    sim: ZohoSimulator
    gave: dict[str, Any]
    account: str
    deal: str
    contact: str


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driven]:
    """All calls in one process: the SDK takes long to start, and looks up the fields of each module once."""
    with ZohoSimulator() as sim:
        account, deal, contact = sim.ids("Accounts")[0], sim.ids("Deals")[0], sim.ids("Contacts")[2]
        job = {"account": account, "deal": deal, "contact": contact, "role": "影响者"}
        job["role_id"] = str(role_id(sim.crm, "影响者"))
        folder = tmp_path_factory.mktemp("sdk")
        secrets = (sim.client_id, sim.client_secret, sim.refresh_token)
        done = subprocess.run(
            [sys.executable, str(DRIVER), sim.url, *secrets, str(folder)],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        yield Driven(sim, json.loads(done.stdout), account, deal, contact)


def codes(answer: dict[str, Any], name: str = "data") -> list[str]:
    return [one["code"] for one in answer[name]]


def test_it_reads_records_with_tags_owners_and_choices(driven: Driven) -> None:
    answer = driven.gave["accounts"]
    first = answer["data"][0]
    assert (answer["status"], answer["more"], len(answer["data"])) == (200, True, 5)
    assert first["Account_Name"] == "杭州中心医院"
    assert (first["Industry"], first["Tag"][0]["name"], first["Owner"]["name"]) == ("医院", "VIP", "王芳")
    assert answer["data"][4]["Account_Name"] == HOSTILE[0]


def test_it_meets_empty_and_unchanged_answers(driven: Driven) -> None:
    assert driven.gave["no such page"] == {"status": 204}
    assert driven.gave["unchanged"] == {"status": 304}


def test_it_is_told_what_it_may_not_read(driven: Driven) -> None:
    far = driven.gave["too far"]
    assert (far["status"], far["code"], far["details"]) == (400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", {"limit": 2000})
    assert driven.gave["no such module"]["code"] == "INVALID_MODULE"


def test_it_updates_and_learns_which_record_failed(driven: Driven) -> None:
    answer = driven.gave["update"]
    assert (answer["status"], codes(answer)) == (207, ["SUCCESS", "INVALID_DATA"])
    assert answer["data"][1]["details"]["json_path"] == "$.data[1].id"
    assert driven.sim.record("Accounts", driven.account)["Employees"] == 1300
    refused = driven.gave["refused"]
    assert (refused["status"], refused["data"][0]["details"]["maximum_length"]) == (400, "30")
    late = driven.gave["too late"]
    assert (late["status"], codes(late)) == (412, ["ALREADY_MODIFIED"])


def test_it_creates_and_upserts_without_automations(driven: Driven) -> None:
    created = driven.gave["create"]
    assert (created["status"], codes(created)) == (201, ["SUCCESS"])
    new = driven.sim.record("Contacts", created["data"][0]["details"]["id"])
    assert (new["Last_Name"], new["Account_Name"]["id"]) == ("新人", driven.account)
    upserted = driven.gave["upsert"]
    assert (upserted["status"], upserted["data"][0]["action"]) == (200, "update")
    assert driven.sim.ran == []


def test_it_makes_adds_and_removes_tags(driven: Driven) -> None:
    assert (driven.gave["tags made"]["status"], codes(driven.gave["tags made"], "tags")) == (
        207,
        ["SUCCESS", "DUPLICATE_DATA"],
    )
    assert driven.gave["tags added"]["success_count"] == "1"
    assert {tag["name"] for tag in driven.gave["tags added"]["data"][0]["details"]["tags"]} == {"VIP", "cr:high"}
    assert driven.sim.tags("Accounts", driven.account) == {"cr:high"}


def test_it_writes_a_note(driven: Driven) -> None:
    assert driven.gave["note"]["status"] == 201
    (note,) = driven.sim.notes("Deals", driven.deal)
    assert (note["Note_Title"], note["Note_Content"]) == ("[crmrules]", "第一\n行 😀")


def test_it_queries(driven: Driven) -> None:
    answer = driven.gave["coql"]
    assert (answer["status"], answer["more"]) == (200, False)
    assert answer["data"][0]["Account_Name"] == {"name": "杭州中心医院", "id": driven.account}


def test_it_reads_in_bulk(driven: Driven) -> None:
    bulk = driven.gave["bulk"]
    assert bulk["states"] == ["QUEUED", "IN PROGRESS", "COMPLETED"]
    assert bulk["lines"][:2] == ["Id,Account_Name,Tag", f"{driven.account},杭州中心医院,cr:high"]
    assert bulk["count"] == len(driven.sim.ids("Accounts"))
    assert bulk["file"].endswith(".zip")


def test_it_reads_and_sets_contact_roles_of_a_deal(driven: Driven) -> None:
    assert [one["Contact_Role"]["name"] for one in driven.gave["roles"]["data"]] == ["Decision Maker", "影响者"]
    assert codes(driven.gave["role set"]) == ["SUCCESS"]
    assert driven.sim.roles(driven.deal)[driven.contact] == "影响者"


def test_it_reads_what_was_deleted(driven: Driven) -> None:
    (gone,) = driven.gave["deleted"]["data"]
    assert (gone["display_name"], gone["type"]) == ("已删除", "recycle")


def test_one_token_served_all_of_it(driven: Driven) -> None:
    assert (driven.sim.counters["tokens issued"], driven.sim.counters["at once"]) == (1, 1)
