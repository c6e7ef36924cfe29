"""Writing to Zoho: under one lock, few calls, nobody's tag or note touched."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.zoho.test_reading import calls
from connectors.zoho.world import opened
from crmrules.contracts.connector import NativeWrite, ReadRequest, WriteTarget
from crmrules.errors import ConnectorError
from crmrules.model.changes import AUTHOR, Result
from crmrules_zoho.client import ZohoCrm
from crmrules_zoho.modules import NOTE_FIELDS
from crmrules_zoho.notes import title_here, title_there
from crmrules_zoho.tags import LONGEST, shortened
from simulators.zoho import ZohoSimulator

DEAL = {"Stage": "Qualification"}


def write(kind: str, id: str, name: str, value: str | None, expected: str | None = None) -> NativeWrite:
    return NativeWrite(object="Accounts", record_id={"id": id}, kind=kind, name=name, value=value, expected=expected)  # type: ignore[arg-type]


def accounts(sim: ZohoSimulator, count: int) -> list[str]:
    return [sim.person_creates("Accounts", {"Account_Name": f"a{n}"}) for n in range(count)]


@pytest.fixture
def crm(sim: ZohoSimulator, tmp_path: Path) -> ZohoCrm:
    return opened(sim, tmp_path)


def test_a_hundred_records_cost_one_update(sim: ZohoSimulator, crm: ZohoCrm) -> None:
    made = accounts(sim, 230)
    crm.describe()
    sim.counters.reset()
    writes = [write("field", id, name, "1") for id in made for name in ("Description", "Billing_City")]
    crm.current(writes)
    assert {r.result for r in crm.write(writes)} == {Result.written}
    assert calls(sim) == {"GET /crm/v8/Accounts": 6, "PUT /crm/v8/Accounts": 3}  # looked at, written, read back
    assert sim.counters["credits"] == 6 + 10 + 10 + 3
    assert crm.usage().credits - 13 == sim.counters["credits"]  # the org, the modules and their fields before


def test_somebody_who_edits_another_field_is_no_conflict(sim: ZohoSimulator, crm: ZohoCrm) -> None:
    made = accounts(sim, 3)
    writes = [write("field", id, "Description", "ours") for id in made]
    crm.current(writes)
    sim.clock.advance(5)
    sim.person_edits("Accounts", made[0], {"Phone": "1"})
    sim.person_edits("Accounts", made[1], {"Description": "theirs"})
    receipts = crm.write(writes)
    assert [r.result for r in receipts] == [Result.written, Result.stale, Result.written]
    assert [r.echo for r in receipts] == ["ours", "theirs", "ours"]
    assert sim.record("Accounts", made[0])["Phone"] == "1"


def test_what_a_field_cannot_hold_is_refused_before_a_call(sim: ZohoSimulator, crm: ZohoCrm) -> None:
    [id] = accounts(sim, 1)
    wrong = [
        write("field", id, "Employees", "many"), write("field", id, "Industry", "no such choice"),
        write("field", id, "Account_Name", "x" * 300, "a0"), write("field", id, "Created_Time", "2020-01-01T00:00:00Z"),
    ]  # fmt: skip
    standing = crm.current(wrong)
    receipts = crm.write([NativeWrite(**{**vars(w), "expected": s}) for w, s in zip(wrong, standing, strict=True)])
    assert {r.result for r in receipts} == {Result.refused}
    assert all(r.message for r in receipts)
    assert "PUT /crm/v8/Accounts" not in calls(sim)


def test_a_tag_is_put_on_five_hundred_records_in_a_call(sim: ZohoSimulator, crm: ZohoCrm) -> None:
    made = accounts(sim, 620)
    writes = [write("tag", id, "seg.value", "high" if n % 2 else "low") for n, id in enumerate(made)]
    writes += [write("tag", id, "flag.x", "") for id in made]
    crm.current(writes)
    sim.counters.reset()
    assert {r.result for r in crm.write(writes)} == {Result.written}
    found = calls(sim)
    assert found["POST /crm/v8/Accounts/actions/add_tags"] == 1 + 1 + 2
    assert found["POST /crm/v8/settings/tags"] == 1, "three tags made together"
    assert "POST /crm/v8/Accounts/actions/remove_tags" not in found
    assert sim.counters["credits"] == 1 + 1 + 7 + 7 + 10 + 3


def test_a_tag_too_long_for_zoho_is_shortened_and_read_back_whole(
    sim: ZohoSimulator, crm: ZohoCrm, tmp_path: Path
) -> None:
    [id] = accounts(sim, 1)
    long = "flag.no_access_to_decision_maker"
    [receipt] = crm.write([write("tag", id, long, "")])
    assert (receipt.result, receipt.echo) == (Result.written, "")
    assert set(sim.tags("Accounts", id)) == {shortened(long)}
    assert len(shortened(long)) == LONGEST
    tags = ReadRequest(object="Tags", fields=("record_id", "name"), key=("record_id", "name"))
    request = ReadRequest(object="Accounts", fields=("id",), key=("id",), children=(tags,))
    pages = [p for p in opened(sim, tmp_path).read(request) if p.object == "Tags"]
    assert pages[0].rows.to_pylist() == [{"record_id": id, "name": long}]
    assert {r.result for r in crm.write([write("tag", id, long, None, "")])} == {Result.written}
    assert not sim.tags("Accounts", id)


def test_a_full_record_and_a_full_module_are_told_and_peoples_tags_stay(sim: ZohoSimulator, crm: ZohoCrm) -> None:
    first, second = accounts(sim, 2)
    sim.person_tags("Accounts", first, *(f"people {n}" for n in range(10)))
    receipts = crm.write([write("tag", first, "seg.value", "high"), write("tag", second, "seg.value", "high")])
    assert [r.result for r in receipts] == [Result.refused, Result.written]
    assert "edition" in receipts[0].message
    assert len(sim.tags("Accounts", first)) == 10
    for n in range(89):
        sim.person_tags("Accounts", accounts(sim, 1)[0], f"many {n}")
    [receipt] = crm.write([write("tag", second, "seg.risk", "low")])
    assert receipt.result is Result.refused
    assert "LICENSE_LIMIT_EXCEEDED" in receipt.message


def test_roles_are_given_changed_and_taken(sim: ZohoSimulator, crm: ZohoCrm) -> None:
    deal = sim.person_creates("Deals", {"Deal_Name": "d", **DEAL})
    people = [sim.person_creates("Contacts", {"Last_Name": name}) for name in "ab"]

    def role(contact: str, value: str | None, expected: str | None) -> NativeWrite:
        return NativeWrite(
            object="Contact_Roles", record_id={"Deal": deal, "Contact": contact}, kind="field", name="Contact_Role",
            value=value, expected=expected,
        )  # fmt: skip

    given = [role(people[0], "Decision Maker", None), role(people[1], "Influencer", None)]
    assert crm.current(given) == [None, None]
    sim.counters.reset()
    assert [(r.result, r.echo) for r in crm.write(given)] == [
        (Result.written, "Decision Maker"),
        (Result.written, "Influencer"),
    ]
    assert calls(sim)["PUT /crm/v8/Deals/{id}/Contact_Roles"] == 1
    sim.person_sets_role(deal, people[1], "Purchasing")
    stale, written, unknown = crm.write(
        [
            role(people[1], None, "Influencer"),
            role(people[0], None, "Decision Maker"),
            role(people[1], "Nobody", "Purchasing"),
        ]
    )
    assert (stale.result, stale.echo) == (Result.stale, "Purchasing")
    assert (written.result, written.echo) == (Result.written, None)
    assert (unknown.result, "Nobody" in unknown.message) == (Result.refused, True)
    assert sim.roles(deal) == {people[1]: "Purchasing"}


def test_missing_tags_and_roles_are_made_and_fields_are_not(sim: ZohoSimulator, crm: ZohoCrm) -> None:
    crm.create(
        WriteTarget(object="Contact_Roles", kind="field", name="Contact_Role", values=("Gatekeeper", "Influencer"))
    )
    assert "Gatekeeper" in sim.crm.roles.values()
    crm.create(WriteTarget(object="Accounts", kind="tag", name="seg.value", values=("high", "low")))
    assert {"seg.value=high", "seg.value=low"} <= {tag.name for tag in sim.crm.tags["Accounts"].values()}
    with pytest.raises(ConnectorError, match="by hand"):
        crm.create(WriteTarget(object="Accounts", kind="field", name="Segment"))


def test_a_hundred_notes_cost_no_hundred_calls(sim: ZohoSimulator, crm: ZohoCrm, tmp_path: Path) -> None:
    made = accounts(sim, 150)
    sim.person_notes("Accounts", made[0], "crmrules", "a person's note of that name")
    list(crm.read(ReadRequest(object="Notes", fields=NOTE_FIELDS, key=("id",))))
    sim.counters.reset()
    writes = [
        write("note", id, AUTHOR, f"body {id}", "a person's note of that name" if n == 0 else None)
        for n, id in enumerate(made)
    ]
    crm.current(writes[1:])
    assert {r.result for r in crm.write(writes[1:])} == {Result.written}
    assert calls(sim) == {"GET /crm/v8/Notes": 1 + 2, "POST /crm/v8/Notes": 2}
    sim.counters.reset()
    again = [write("note", id, AUTHOR, f"new {id}", f"body {id}") for id in made[1:]]
    other = opened(sim, tmp_path)
    assert other.current(again) == [w.expected for w in again]
    assert {r.result for r in other.write(again)} == {Result.written}
    assert calls(sim) == {"GET /crm/v8/Notes": 2 + 2, "PUT /crm/v8/Notes": 2}
    assert [n["Note_Content"] for n in sim.notes("Accounts", made[5])] == [f"new {made[5]}"]


def test_without_its_memory_the_connector_looks_before_it_makes_a_note(sim: ZohoSimulator, tmp_path: Path) -> None:
    [id] = accounts(sim, 1)
    opened(sim, tmp_path / "one").write([write("note", id, AUTHOR, "body")])
    sim.clock.advance(60)
    other = opened(sim, tmp_path / "two")
    since = datetime.fromtimestamp(sim.clock.timestamp(), UTC)
    list(other.read(ReadRequest(object="Notes", fields=NOTE_FIELDS, key=("id",), since=since)))
    assert other.current([write("note", id, AUTHOR, "new")]) == ["body"]
    [receipt] = other.write([write("note", id, AUTHOR, "new", "body")])
    assert receipt.result is Result.written
    assert len(sim.notes("Accounts", id)) == 1


def test_a_note_that_a_person_deleted_or_changed_is_noticed(sim: ZohoSimulator, crm: ZohoCrm) -> None:
    first, second = accounts(sim, 2)
    crm.write([write("note", id, AUTHOR, "ours") for id in (first, second)])
    [note] = sim.notes("Accounts", first)
    sim.person_deletes("Notes", note["id"])
    [note] = sim.notes("Accounts", second)
    sim.clock.advance(5)
    sim.person_edits("Notes", note["id"], {"Note_Content": "theirs"})
    writes = [write("note", id, AUTHOR, "new", "ours") for id in (first, second)]
    assert crm.current(writes) == [None, "theirs"]
    assert [r.result for r in crm.write(writes)] == [Result.stale, Result.stale]


@pytest.mark.parametrize("name", [AUTHOR, "客户画像", "[crmrules] x"])
def test_our_notes_are_told_by_a_mark_in_the_title(name: str) -> None:
    assert title_here(title_there(name)) == (name, True)
    assert title_here("拜访纪要") == ("拜访纪要", False)


@pytest.mark.parametrize(("trigger", "ran"), [((), False), (("workflow",), True)])
def test_automations_run_only_where_the_setting_says_so(
    sim: ZohoSimulator, tmp_path: Path, trigger: tuple[str, ...], ran: bool
) -> None:
    [id] = accounts(sim, 1)
    crm = opened(sim, tmp_path, trigger=list(trigger))
    crm.write([write("field", id, "Description", "x"), write("note", id, AUTHOR, "x")])
    crm.write([write("note", id, AUTHOR, None, "x")])
    assert bool(sim.ran) is ran
