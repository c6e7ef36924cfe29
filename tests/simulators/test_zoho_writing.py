"""What the simulated Zoho CRM takes and refuses of what is written: records, notes, contact roles."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import one, refused
from .zoho import ZohoSimulator
from .zoho.client import Client
from .zoho.schema import Field

# Writing (4)


def test_an_update_answers_per_record_in_order(sim: ZohoSimulator, crm: Client) -> None:
    good, other = sim.ids("Contacts")[:2]
    body = {"data": [{"id": good, "Title": "CFO"}, {"id": other, "Title": "x" * 101}, {"id": "1", "Title": "x"}]}
    reply = crm("PUT", "/Contacts", body)
    first, second, third = reply.json()["data"]
    assert reply.status_code == 207
    assert (first["code"], first["details"]["id"], first["message"]) == ("SUCCESS", good, "record updated")
    assert second["details"] == {"api_name": "Title", "json_path": "$.data[1].Title", "maximum_length": 100}
    assert third["message"] == "the id given seems to be invalid"
    assert sim.record("Contacts", good)["Title"] == "CFO"
    assert crm("PUT", "/Contacts", {"data": body["data"][1:]}).status_code == 400


@pytest.mark.parametrize(
    ("module", "values", "details"),
    [
        ("Deals", {"Amount": "12"}, {"api_name": "Amount", "expected_data_type": "double"}),
        ("Deals", {"Closing_Date": "21.11.2026"}, {"expected_data_type": "date"}),
        ("Deals", {"Stage": "Nowhere"}, {"api_name": "Stage", "json_path": "$.data[0].Stage"}),
        ("Deals", {"Account_Name": "4150868000100000018"}, {"expected_data_type": "jsonobject"}),
        ("Accounts", {"Employees": 1.5}, {"expected_data_type": "integer"}),
        ("Contacts", {"Email": "nobody"}, {"expected_data_type": "email"}),
        ("Calls", {"Call_Start_Time": "2026-11-21T10:00:00"}, {"expected_data_type": "datetime"}),
        ("Products", {"Product_Active": "true"}, {"expected_data_type": "boolean"}),
    ],
)
def test_values_of_the_wrong_kind_are_refused(
    sim: ZohoSimulator, crm: Client, module: str, values: dict[str, Any], details: dict[str, Any]
) -> None:
    reply = crm("PUT", f"/{module}", {"data": [{"id": sim.ids(module)[0], **values}]})
    answer = one(reply)
    assert (reply.status_code, answer["code"]) == (400, "INVALID_DATA")
    assert details.items() <= answer["details"].items()


def test_picklists_name_their_values_and_several_problems_come_together(sim: ZohoSimulator, crm: Client) -> None:
    id = sim.ids("Deals")[0]
    answer = one(crm("PUT", "/Deals", {"data": [{"id": id, "Stage": "Nowhere", "Amount": "x"}]}))
    assert answer["code"] == "MULTIPLE_OR_MULTI_ERRORS"
    stage = next(part for part in answer["details"]["errors"] if part["details"]["api_name"] == "Stage")
    assert "Closed Won" in stage["details"]["supported_values"]


def test_mandatory_unique_locked_and_protected(sim: ZohoSimulator, crm: Client) -> None:
    missing = one(crm("POST", "/Contacts", {"data": [{"Title": "x"}]}))
    assert (missing["code"], missing["details"]["api_name"]) == ("MANDATORY_NOT_FOUND", "Last_Name")
    twin = one(crm("POST", "/Products", {"data": [{"Product_Name": "copy", "Product_Code": "dx-100"}]}))
    assert twin["code"] == "DUPLICATE_DATA"
    assert twin["details"]["duplicate_record"]["id"] == twin["details"]["id"] == sim.ids("Products")[0]
    id = sim.ids("Contacts")[0]
    sim.crm.modules["Contacts"].fields["Title"].field_read_only = True
    assert one(crm("PUT", "/Contacts", {"data": [{"id": id, "Title": "x"}]}))["code"] == "NO_PERMISSION"
    for code in ("RECORD_LOCKED", "NOT_APPROVED", "NOT_REVIEWED", "RECORD_IN_BLUEPRINT"):
        sim.refuse_writes("Contacts", id, code)
        assert one(crm("PUT", "/Contacts", {"data": [{"id": id, "Department": "x"}]}))["code"] == code
        assert one(crm("DELETE", "/Contacts", ids=id))["code"] == code
    lead = next(row["id"] for row in crm.rows("/Leads", fields="id", converted="true"))
    assert one(crm("PUT", "/Leads", {"data": [{"id": lead, "Company": "x"}]}))["code"] == "ID_ALREADY_CONVERTED"


def test_unknown_fields_are_passed_over_in_silence(sim: ZohoSimulator, crm: Client) -> None:
    id = sim.ids("Contacts")[0]
    assert one(crm("PUT", f"/Contacts/{id}", {"data": [{"No_Such_Field": "x"}]}))["code"] == "SUCCESS"
    assert "No_Such_Field" not in sim.record("Contacts", id)


@pytest.mark.parametrize("code", ["LIMIT_EXCEEDED", "INVALID_DATA"])
def test_more_than_a_hundred_records_are_refused_whole(sim: ZohoSimulator, crm: Client, code: str) -> None:
    sim.behaviour.too_many_records = code
    status, found, details = refused(crm("PUT", "/Contacts", {"data": [{"id": "1"}] * 101}))
    assert (status, found, details["maximum_length"], details["api_name"]) == (400, code, 100, "data")


def test_an_update_on_what_was_edited_since_is_refused(sim: ZohoSimulator, crm: Client) -> None:
    sim.clock.freeze()
    id = sim.ids("Contacts")[0]
    read = sim.record("Contacts", id)["Modified_Time"]
    sim.person_edits("Contacts", id, {"Title": "theirs"})
    body = {"data": [{"id": id, "Title": "ours"}]}
    reply = crm("PUT", "/Contacts", body, headers={"If-Unmodified-Since": read})
    assert reply.status_code == 412
    assert one(reply)["code"] == "ALREADY_MODIFIED"
    assert one(reply)["details"]["Modified_Time"] == sim.record("Contacts", id)["Modified_Time"]
    assert one(reply)["details"]["Modified_By"]["name"] == "王芳"
    assert sim.record("Contacts", id)["Title"] == "theirs"
    now = {"If-Unmodified-Since": sim.record("Contacts", id)["Modified_Time"]}
    assert crm("PUT", "/Contacts", body, headers=now).status_code == 200


def test_automations_run_unless_the_trigger_is_empty(sim: ZohoSimulator, crm: Client) -> None:
    id = sim.ids("Contacts")[0]
    crm("PUT", "/Contacts", {"data": [{"id": id, "Title": "a"}], "trigger": []})
    assert sim.ran == []
    crm("PUT", "/Contacts", {"data": [{"id": id, "Title": "a"}], "trigger": ["workflow"]})
    assert [(run.kind, run.action, run.record_id) for run in sim.ran] == [("workflow", "edit", id)]
    crm("PUT", "/Contacts", {"data": [{"id": id, "Title": "a"}]})
    assert {run.kind for run in sim.ran} == {"workflow", "approval", "blueprint", "pathfinder", "orchestration"}
    wrong = crm("PUT", "/Contacts", {"data": [{"id": id}], "trigger": ["all"]})
    assert refused(wrong)[1] == "INVALID_DATA"


def test_upsert_finds_by_the_body_and_not_by_a_header(sim: ZohoSimulator, crm: Client) -> None:
    named = {"Last_Name": "邓玲", "Mobile": "1"}
    header = {"duplicate_check_fields": "Last_Name"}
    reply = crm("POST", "/Contacts/upsert", {"data": [named]}, headers=header)
    assert (one(reply)["action"], one(reply)["duplicate_field"]) == ("insert", None)
    by_mail = {"Last_Name": "Deng", "Email": "DENG@hz.example"}
    assert (one(crm("POST", "/Contacts/upsert", {"data": [by_mail]}))["duplicate_field"]) == "Email"
    checked = {"data": [{"Last_Name": "Deng", "Title": "x"}], "duplicate_check_fields": ["Last_Name"]}
    again = one(crm("POST", "/Contacts/upsert", checked))
    assert (again["action"], again["details"]["id"]) == ("update", sim.ids("Contacts")[0])


def test_lists_are_replaced_or_appended_to(sim: ZohoSimulator, crm: Client) -> None:
    choices = [("a", "a"), ("b", "b"), ("c", "c")]
    sim.crm.add_field(
        "Accounts", Field(api_name="Lines", label="Lines", data_type="multiselectpicklist", choices=choices)
    )
    id = sim.ids("Accounts")[0]

    def write(lines: list[str], **more: Any) -> list[str]:
        assert crm("PUT", "/Accounts", {"data": [{"id": id, "Lines": lines, **more}]}).status_code == 200
        return sim.record("Accounts", id)["Lines"]

    assert write(["a"]) == ["a"]
    assert write(["b"], **{"$append_values": {"Lines": True}}) == ["a", "b"]
    assert write(["c"]) == ["c"]


def test_line_items_change_by_id_and_vanish_by_an_empty_list(sim: ZohoSimulator, crm: Client) -> None:
    id = sim.ids("Quotes")[0]

    def write(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        assert crm("PUT", f"/Quotes/{id}", {"data": [{"Quoted_Items": items}]}).status_code == 200
        return sim.record("Quotes", id)["Quoted_Items"]

    (item,) = sim.record("Quotes", id)["Quoted_Items"]
    changed, added = write([{"id": item["id"], "Quantity": 3}, {"Quantity": 1, "List_Price": 10}])
    assert (changed["id"], changed["Total"], added["Total"]) == (item["id"], 450000.0, 10.0)
    assert len(write([{"id": added["id"], "_delete": None}])) == 1
    assert write([]) == []


def test_ids_may_be_numbers_and_content_type_may_be_missing(sim: ZohoSimulator, crm: Client) -> None:
    id = sim.ids("Contacts")[0]
    body = f'{{"data":[{{"id":{id},"Title":"数"}}]}}'.encode()
    reply = crm.session.put(f"{sim.url}/crm/v8/Contacts", data=body, timeout=5)
    assert one(reply)["details"]["id"] == id
    assert crm.session.put(f"{sim.url}/crm/v8/Contacts", data=b"{", timeout=5).status_code == 400


# Notes (7)


def test_notes_are_written_changed_and_deleted(sim: ZohoSimulator, crm: Client) -> None:
    deal = sim.ids("Deals")[0]
    parent = {"module": {"api_name": "Deals"}, "id": deal}
    made = crm("POST", "/Notes", {"data": [{"Note_Title": "cr", "Note_Content": "第一\n行", "Parent_Id": parent}]})
    id = one(made)["details"]["id"]
    assert (made.status_code, one(made)["message"]) == (201, "record added")
    (note,) = crm.rows(f"/Deals/{deal}/Notes", fields="Note_Title,Note_Content,Parent_Id")
    assert note["Parent_Id"]["module"]["api_name"] == "Deals"
    assert (note["Parent_Id"]["id"], note["Note_Content"]) == (deal, "第一\n行")
    assert id in {row["id"] for row in crm.rows("/Notes", fields="Parent_Id")}
    assert crm("PUT", f"/Notes/{id}", {"data": [{"Note_Content": "第二"}]}).status_code == 200
    assert sim.notes("Deals", deal)[0]["Note_Content"] == "第二"
    assert one(crm("POST", f"/Deals/{deal}/Notes", {"data": [{"Note_Content": "implied"}]}))["code"] == "SUCCESS"
    mixed = crm("DELETE", "/Notes", ids=f"{id},1")
    assert [answer["message"] for answer in mixed.json()["data"]] == ["record deleted", "record not deleted"]
    assert mixed.status_code == 207
    assert len(sim.notes("Deals", deal)) == 1


def test_notes_are_refused(sim: ZohoSimulator, crm: Client) -> None:
    parent = {"module": {"api_name": "Deals"}, "id": sim.ids("Deals")[0]}

    def write(**note: object) -> dict[str, Any]:
        return one(crm("POST", "/Notes", {"data": [note]}))

    empty = write(Parent_Id=parent)
    assert (empty["code"], empty["message"]) == ("EXPECTED_FIELD_MISSING", "should contain either content or title")
    assert write(Note_Title="t" * 121, Parent_Id=parent)["details"]["maximum_length"] == 120
    assert write(Note_Content="t" * 65536, Parent_Id=parent)["details"]["maximum_length"] == 65535
    assert write(Note_Title="t")["code"] == "MANDATORY_NOT_FOUND"
    old_form = write(Note_Title="t", Parent_Id=parent["id"], **{"$se_module": "Deals"})
    assert old_form["details"]["expected_data_type"] == "jsonobject"
    assert write(Note_Title="t", Parent_Id={**parent, "id": "1"})["message"] == "the id given seems to be invalid"


# Contact roles (8)


def test_a_contact_plays_one_role_in_a_deal_and_another_elsewhere(sim: ZohoSimulator, crm: Client) -> None:
    roles = {role["name"]: role["id"] for role in crm.get("/Contacts/roles").json()["contact_roles"]}
    first, second = sim.ids("Deals")[:2]
    contact = sim.ids("Contacts")[0]
    user = {"Contact_Role": {"id": roles["使用人"], "name": "使用人"}}
    assert one(crm("PUT", f"/Deals/{first}/Contact_Roles/{contact}", {"data": [user]}))["code"] == "SUCCESS"
    assert crm(
        "PUT", f"/Deals/{second}/Contact_Roles", {"data": [{"id": contact, "Contact_Role": {"name": "影响者"}}]}
    ).ok
    assert (sim.roles(first)[contact], sim.roles(second)[contact]) == ("使用人", "影响者")
    listed = crm.rows(f"/Deals/{first}/Contact_Roles", fields="Full_Name,Email")
    assert {"Full_Name", "Email", "Contact_Role", "id"} == set(listed[0])
    assert refused(crm.get(f"/Deals/{first}/Contact_Roles"))[1] == "REQUIRED_PARAM_MISSING"
    assert crm("DELETE", f"/Deals/{first}/Contact_Roles/{contact}").ok
    assert contact not in sim.roles(first)
    assert crm.get(f"/Deals/{sim.ids('Deals')[2]}/Contact_Roles", fields="id").status_code == 204
    wrong = crm("PUT", f"/Deals/{first}/Contact_Roles/{contact}", {"data": [{"Contact_Role": {"id": "1"}}]})
    assert one(wrong)["code"] == "INVALID_DATA"


def test_the_list_of_roles_grows_and_never_ends_empty(crm: Client) -> None:
    made = crm("POST", "/Contacts/roles", {"contact_roles": [{"name": "守门人"}, {"name": "影响者"}]})
    answers = made.json()["contact_roles"]
    assert (made.status_code, [answer["code"] for answer in answers]) == (207, ["SUCCESS", "DUPLICATE_DATA"])
    assert answers[0]["message"] == "Contact role created successfully."
    ids = [role["id"] for role in crm.get("/Contacts/roles").json()["contact_roles"]]
    gone = crm("DELETE", "/Contacts/roles", ids=",".join(ids)).json()["contact_roles"]
    assert [answer["code"] for answer in gone[-2:]] == ["SUCCESS", "LOWER_LIMIT_REACHED"]
