"""Reading Zoho: past every limit, by the way that costs least, and on from the middle."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.zoho.world import opened
from crmrules.contracts.connector import Page, ReadRequest
from crmrules.errors import ConnectorError, RetryLater
from crmrules_zoho import bulk, listing, reader
from crmrules_zoho.client import ZohoCrm
from crmrules_zoho.modules import MODIFIED
from simulators.zoho import ZohoSimulator
from simulators.zoho.schema import Field

TAGS = ReadRequest(object="Tags", fields=("object", "record_id", "name"), key=("object", "record_id", "name"))
ROLES = ReadRequest(object="Contact_Roles", fields=("Deal", "Contact", "Contact_Role"), key=("Deal", "Contact"))
PEOPLE = ReadRequest(object="Participants", fields=("Activity", "Contact"), key=("Activity", "Contact"))


def request(object: str, *fields: str, children: tuple[ReadRequest, ...] = (), **more: Any) -> ReadRequest:
    return ReadRequest(
        object=object, fields=("id", *fields), key=("id",), modified_field=MODIFIED, children=children, **more
    )


def rows(pages: Iterator[Page] | list[Page], object: str) -> list[dict[str, Any]]:
    return [
        row
        for page in pages
        if page.object in ("", object) and (page.object or page.source) == object
        for row in page.rows.to_pylist()
    ]


def ids(pages: Iterator[Page] | list[Page], object: str = "Contacts") -> list[str]:
    return [row["id"] for row in rows(pages, object)]


@pytest.fixture
def crm(sim: ZohoSimulator, tmp_path: Path) -> Iterator[ZohoCrm]:
    connection = opened(sim, tmp_path)
    yield connection
    connection.close()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, sim: ZohoSimulator) -> None:
    """Zoho's numbers, a hundredth of what they are."""
    monkeypatch.setattr(bulk, "PAGE", 2_000)
    monkeypatch.setattr(bulk, "EACH", 2)
    monkeypatch.setattr(bulk, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(bulk, "_LONGEST_PAUSE", 0.01)
    sim.behaviour.bulk_page = 2_000
    sim.behaviour.bulk_states = ("IN PROGRESS", "COMPLETED")


def crowd(sim: ZohoSimulator, count: int) -> list[str]:
    """Contacts with an account, made as by an import."""
    sim.person_creates("Accounts", {"Account_Name": "Crowd"})
    return [str(id) for id in sim.add_crowd(count)]


def calls(sim: ZohoSimulator) -> dict[str, int]:
    return {name.removeprefix("calls "): n for name, n in sim.counters.items("calls ").items() if "/crm/" in name}


def test_a_list_goes_on_in_a_new_window_where_tokens_end(
    sim: ZohoSimulator, crm: ZohoCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = crowd(sim, 2_000)
    sim.behaviour.token_rows = 600  # Zoho: 100,000
    monkeypatch.setattr(listing, "WINDOW", 600)
    monkeypatch.setattr(reader, "_FULL_LOOK", 0)
    assert sorted(ids(crm.read(request("Contacts", "Last_Name", children=(TAGS,))))) == wanted
    assert sim.counters["status 400"] == 0


def test_a_list_that_zoho_ends_early_goes_on_all_the_same(
    sim: ZohoSimulator, crm: ZohoCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = crowd(sim, 1_500)
    sim.behaviour.token_rows = 600  # and we don't know
    monkeypatch.setattr(reader, "_FULL_LOOK", 0)
    assert sorted(ids(crm.read(request("Contacts", children=(TAGS,))))) == wanted


def test_more_records_of_one_second_than_a_list_gives_are_exported(
    sim: ZohoSimulator, tmp_path: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = crowd(sim, 1_500)
    sim.clock.freeze()
    sim.person_touches("Contacts", [int(id) for id in wanted], {"Title": "CEO"})
    sim.behaviour.token_rows = 600
    monkeypatch.setattr(reader, "_FULL_LOOK", 0)
    crm = opened(sim, tmp_path)
    assert set(ids(crm.read(request("Contacts", children=(TAGS,))))) == set(wanted)
    never = opened(sim, tmp_path / "never", bulk="never")
    with pytest.raises(ConnectorError, match="in one second"):
        list(never.read(request("Contacts", children=(TAGS,))))


def test_an_expired_page_token_is_no_loss(sim: ZohoSimulator, crm: ZohoCrm) -> None:
    wanted = crowd(sim, 900)
    pages = crm.read(request("Contacts", children=(TAGS,)))
    found = [next(p for p in pages if not p.object)]
    sim.clock.advance(hours=25)
    sim.accounts.expire_all()
    found += list(pages)
    assert sorted(ids(found)) == wanted
    assert "EXPIRED_VALUE" not in str(found)


def test_a_load_goes_on_behind_any_page(sim: ZohoSimulator, tmp_path: Path, crm: ZohoCrm) -> None:
    wanted = crowd(sim, 900)
    whole = list(crm.read(request("Contacts", children=(TAGS,))))
    for stop, page in enumerate(whole):
        if not page.cursor:
            continue
        other = opened(sim, tmp_path)
        rest = list(other.read(request("Contacts", children=(TAGS,), after=page.cursor)))
        assert sorted(ids(whole[: stop + 1]) + ids(rest)) == wanted
        other.close()


@pytest.mark.usefixtures("small")
class TestBulk:
    """Exports, where they are cheaper than lists."""

    def test_a_large_first_load_is_exported(self, sim: ZohoSimulator, crm: ZohoCrm) -> None:
        wanted = crowd(sim, 5_000)
        tagged = wanted[7]
        sim.person_tags("Contacts", tagged, "重点, 客户", "VIP")
        pages = list(crm.read(request("Contacts", "Last_Name", "Department", MODIFIED, children=(TAGS,))))
        assert set(ids(pages)) == set(wanted)
        assert calls(sim)["POST /crm/bulk/v8/read"] == 3
        assert calls(sim)["GET /crm/v8/Contacts"] == 2
        tags = {(r["record_id"], r["name"]) for r in rows(pages, "Tags")}
        assert tags == {(tagged, "重点, 客户"), (tagged, "VIP")}
        people = {r["id"]: r for r in rows(pages, "Contacts")}
        assert {r["Department"] for r in people.values()} == {"Sales", "研发\n二部"}
        assert all(isinstance(r[MODIFIED], datetime) and r[MODIFIED].tzinfo for r in people.values())
        assert crm.usage().credits == sim.counters["credits"]

    def test_lists_and_exports_say_the_same(self, sim: ZohoSimulator, tmp_path: Path) -> None:
        crowd(sim, 2_500)
        add = sim.crm.add_field
        kinds = [("A", "A"), ("乙", "乙")]
        add("Contacts", Field(api_name="Kinds", label="Kinds", data_type="multiselectpicklist", choices=kinds))
        add("Contacts", Field(api_name="Watched", label="Watched", data_type="boolean"))
        add("Contacts", Field(api_name="Score", label="Score", data_type="double"))
        one = sim.ids("Contacts")[3]
        sim.person_edits(
            "Contacts", one, {"Kinds": ["A", "乙"], "Watched": True, "Score": 12.5, "Title": 'a "b", c\nd'}
        )
        fields = (
            "Last_Name",
            "Full_Name",
            "Title",
            "Email",
            "Account_Name",
            "Owner",
            "Kinds",
            "Watched",
            "Score",
            MODIFIED,
        )
        found = []
        for way in ("never", "auto"):
            crm = opened(sim, tmp_path / way, bulk=way)
            pages = list(crm.read(request("Contacts", *fields, children=(TAGS,))))
            found.append({r["id"]: r for r in rows(pages, "Contacts")})
            crm.close()
        assert found[0] == found[1]
        assert found[0][str(one)]["Kinds"] == ["A", "乙"]

    def test_an_export_is_gone_on_with_in_the_middle_and_begun_once(
        self, sim: ZohoSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(bulk, "_BLOCK", 60_000)
        wanted = crowd(sim, 5_000)
        crm = opened(sim, tmp_path)
        read: list[Page] = []
        for page in crm.read(request("Contacts", "Last_Name", children=(TAGS,))):
            read.append(page)
            if len(ids(read)) > 3_000:
                break
        crm.close()
        other = opened(sim, tmp_path)
        rest = list(other.read(request("Contacts", "Last_Name", children=(TAGS,), after=read[-1].cursor)))
        assert set(ids(read)) | set(ids(rest)) == set(wanted)
        assert not set(ids(rest)) & set(ids(read[-1:]))
        assert calls(sim)["POST /crm/bulk/v8/read"] == 3

    def test_jobs_that_were_begun_are_used_by_the_next_run(self, sim: ZohoSimulator, tmp_path: Path) -> None:
        wanted = crowd(sim, 5_000)
        sim.behaviour.bulk_states = ("IN PROGRESS",) * 5 + ("COMPLETED",)
        impatient = opened(sim, tmp_path, bulk_patience=0.000001)
        with pytest.raises(RetryLater, match="not ready"):
            list(impatient.read(request("Contacts", children=(TAGS,))))
        crm = opened(sim, tmp_path)
        pages = list(crm.read(request("Contacts", children=(TAGS,))))
        assert set(ids(pages)) == set(wanted)
        assert calls(sim)["POST /crm/bulk/v8/read"] == 3

    def test_a_failed_export_is_begun_anew_by_the_next_run(self, sim: ZohoSimulator, tmp_path: Path) -> None:
        wanted = crowd(sim, 5_000)
        sim.bulk.fail_next = True
        with pytest.raises(RetryLater, match="could not finish"):
            list(opened(sim, tmp_path).read(request("Contacts", children=(TAGS,))))
        assert set(ids(opened(sim, tmp_path).read(request("Contacts", children=(TAGS,))))) == set(wanted)

    def test_an_export_that_nobody_went_on_with_is_removed(self, sim: ZohoSimulator, tmp_path: Path) -> None:
        crowd(sim, 5_000)
        folder = tmp_path / "state" / "zoho-exports"
        folder.mkdir(parents=True)
        (folder / "1.zip").write_bytes(b"old")
        os.utime(folder / "1.zip", (0, 0))
        list(opened(sim, tmp_path).read(request("Contacts", children=(TAGS,))))
        assert list(folder.iterdir()) == []

    def test_a_large_part_is_exported_from_where_the_list_was_left(self, sim: ZohoSimulator, crm: ZohoCrm) -> None:
        everybody = crowd(sim, 6_000)
        sim.clock.advance(hours=1)
        since = datetime.fromtimestamp(sim.clock.timestamp(), UTC)
        sim.clock.advance(5)
        changed = everybody[:4_000]
        sim.person_touches("Contacts", [int(id) for id in changed], {"Title": "CEO"})
        found = ids(crm.read(request("Contacts", "Title", children=(TAGS,), since=since)))
        assert set(found) == set(changed)
        assert len([seen for seen in sim.log if b'"criteria"' in seen.body]) == 2, "two pages, and only what changed"


def test_records_without_tags_are_queried(sim: ZohoSimulator, crm: ZohoCrm) -> None:
    wanted = crowd(sim, 5_000)
    pages = list(crm.read(request("Contacts", "Last_Name", "Account_Name", MODIFIED)))
    assert sorted(ids(pages)) == wanted
    assert calls(sim)["POST /crm/v8/coql"] <= 3
    assert len({r["Account_Name"] for r in rows(pages, "Contacts")}) == 1


def test_a_query_goes_on_behind_any_page(sim: ZohoSimulator, tmp_path: Path, crm: ZohoCrm) -> None:
    wanted = crowd(sim, 5_000)
    whole = list(crm.read(request("Contacts", MODIFIED)))
    for stop, page in enumerate(whole):
        other = opened(sim, tmp_path)
        rest = ids(other.read(request("Contacts", MODIFIED, after=page.cursor)))
        assert sorted(ids(whole[: stop + 1]) + rest) == wanted
        other.close()


def test_without_the_scope_for_queries_lists_do_it(sim: ZohoSimulator, tmp_path: Path) -> None:
    wanted = crowd(sim, 900)
    sim.accounts.grant(sim.refresh_token, ("ZohoCRM.modules.ALL", "ZohoCRM.settings.ALL", "ZohoCRM.org.READ"))
    assert sorted(ids(opened(sim, tmp_path).read(request("Contacts", MODIFIED)))) == wanted


def test_more_than_fifty_fields_are_joined_and_what_changed_in_between_is_read_again(
    sim: ZohoSimulator, crm: ZohoCrm
) -> None:
    names = [f"Extra_{n}" for n in range(120)]
    for name in names:
        sim.crm.add_field("Contacts", Field(api_name=name, label=name, data_type="text"))
    made = [sim.person_creates("Contacts", {"Last_Name": f"n{n}", **dict.fromkeys(names, f"v{n}")}) for n in range(250)]
    sim.clock.advance(10)
    changed: list[str] = []

    def edit(asked: Any) -> bool:
        if "Extra_119" in asked.target and not changed:  # between two groups of the first page
            changed.append(made[5])
            sim.person_edits("Contacts", made[5], dict.fromkeys(names, "new"))
        return False

    sim.fault("slow", edit)
    pages = list(crm.read(request("Contacts", *names, MODIFIED, children=(TAGS,))))
    found = {r["id"]: {r[name] for name in names} for r in rows(pages, "Contacts")}
    assert changed
    assert found == {id: {"new" if id == made[5] else f"v{n}"} for n, id in enumerate(made)}
    assert all(
        len(seen.target.split("fields=")[1].split("&")[0].split("%2C")) <= 50
        for seen in sim.log
        if "fields=" in seen.target
    )


def test_converted_leads_are_there(sim: ZohoSimulator, crm: ZohoCrm) -> None:
    made = [sim.person_creates("Leads", {"Last_Name": name, "Company": "x"}) for name in "ab"]
    sim.person_converts(made[0])
    assert sorted(ids(crm.read(request("Leads", "Last_Name")), "Leads")) == sorted(made)


def test_roles_and_participants_come_with_their_records(sim: ZohoSimulator, tmp_path: Path) -> None:
    account = sim.person_creates("Accounts", {"Account_Name": "A"})
    people = [sim.person_creates("Contacts", {"Last_Name": f"p{n}", "Account_Name": {"id": account}}) for n in range(4)]
    deals = [
        sim.person_creates("Deals", {"Deal_Name": f"d{n}", "Stage": "Qualification", "Account_Name": {"id": account}})
        for n in range(12)
    ]
    for deal in deals[:7]:
        sim.person_sets_role(deal, people[0], "Decision Maker")
    sim.person_sets_role(deals[0], people[1], "Influencer")
    everybody = [{"type": "contact", "participant": id} for id in people]
    event = sim.person_creates(
        "Events",
        {"Event_Title": "e", "Start_DateTime": "2026-09-01T14:00:00+08:00", "End_DateTime": "2026-09-01T15:00:00+08:00",
         "Participants": everybody, "What_Id": {"id": deals[3]}, "$se_module": "Deals"},
    )  # fmt: skip
    expected = {(deal, people[0], "Decision Maker") for deal in deals[:7]} | {(deals[0], people[1], "Influencer")}
    for together, asked in ((True, 3), (False, 12)):
        sim.counters.reset()
        crm = opened(sim, tmp_path / str(together), composite=together)
        pages = list(crm.read(request("Deals", "Deal_Name", children=(ROLES,))))
        assert {(r["Deal"], r["Contact"], r["Contact_Role"]) for r in rows(pages, "Contact_Roles")} == expected
        covered = [id for p in pages if p.covers is not None for id in p.covers.column("Deal").to_pylist()]
        assert sorted(covered) == sorted(deals), "deals without any role are covered too"
        assert sum(n for name, n in calls(sim).items() if "composite" in name or "Contact_Roles" in name) == asked
        pages = list(crm.read(request("Events", "$deal", "$account", children=(PEOPLE,))))
        assert rows(pages, "Events") == [{"id": event, "$deal": deals[3], "$account": account}]
        assert {r["Contact"] for r in rows(pages, "Participants")} == set(people), "a list shows two of them"
        crm.close()


def test_tags_are_swept_now_and_then_because_tagging_may_change_no_time(sim: ZohoSimulator, tmp_path: Path) -> None:
    id = sim.person_creates("Accounts", {"Account_Name": "A"})
    crm = opened(sim, tmp_path)
    list(crm.read(request("Accounts", children=(TAGS,))))
    sim.clock.advance(hours=1)
    sim.person_tags("Accounts", id, "new")
    since = datetime.fromtimestamp(sim.clock.timestamp(), UTC)
    assert not rows(crm.read(request("Accounts", children=(TAGS,), since=since)), "Tags")
    crm.close()
    sweeping = opened(sim, tmp_path, tag_sweep_hours=0)
    [tag] = rows(sweeping.read(request("Accounts", children=(TAGS,), since=since)), "Tags")
    assert tag["name"] == "new"


def test_deletions_are_listed_page_by_page_and_a_list_that_is_not_there_is_no_harm(
    sim: ZohoSimulator, crm: ZohoCrm
) -> None:
    made = [sim.person_creates("Accounts", {"Account_Name": f"a{n}"}) for n in range(450)]
    sim.clock.advance(10)
    since = datetime.fromtimestamp(sim.clock.timestamp(), UTC)
    for id in made[:410]:
        sim.person_deletes("Accounts", id)
    told = [id for table in crm.deleted("Accounts", ("id",), since) for id in table.column("id").to_pylist()]
    assert sorted(told) == sorted(made[:410])
    assert sim.counters["credits"] == 1 + 3 * 2, "the org, and two a page"
    assert list(crm.deleted("Users", ("id",), since)) == []


def test_an_unknown_field_or_module_is_named(crm: ZohoCrm) -> None:
    with pytest.raises(ConnectorError, match="Acount_Name"):
        list(crm.read(request("Accounts", "Acount_Name")))
    with pytest.raises(ConnectorError, match="Acounts"):
        list(crm.read(request("Acounts")))
    with pytest.raises(ConnectorError, match="read along"):
        crm.read(TAGS)


def test_metadata_is_asked_for_once_a_while(sim: ZohoSimulator, tmp_path: Path) -> None:
    (tmp_path / "crmrules.yaml").write_text("name: a")
    opened(sim, tmp_path).describe()
    before = sim.counters["calls"]
    opened(sim, tmp_path).describe()
    assert sim.counters["calls"] == before
    (tmp_path / "crmrules.yaml").write_text("name: b")  # a new field is mapped, perhaps
    opened(sim, tmp_path).describe()
    assert sim.counters["calls"] > before
