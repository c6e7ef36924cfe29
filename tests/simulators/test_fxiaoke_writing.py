"""The simulated Fxiaoke: what it takes and refuses, what starts automations, and tags by a function."""

# ruff: noqa: F811 (fixtures)
from __future__ import annotations

import json
from typing import Any

import pytest

from .fxiaoke import FxiaokeSim
from .fxiaoke.caller import Caller, caller, code, ids, sim  # noqa: F401
from .fxiaoke.functions import merge_tags


class TestWriting:
    def test_a_partial_update_leaves_the_rest_alone_and_counts_the_version(
        self, caller: Caller, sim: FxiaokeSim, ids: dict[str, str]
    ) -> None:
        before = sim.people.record("AccountObj", ids["hospital"])
        sim.clock.advance(1)
        assert code(caller.update("AccountObj", ids["hospital"], remark="x", account_level=None)) == 0
        after = sim.people.record("AccountObj", ids["hospital"])
        assert (after["name"], after["remark"], "account_level" in after) == (before["name"], "x", False)
        assert (before["version"], after["version"]) == ("1", "2")
        assert after["last_modified_time"] == before["last_modified_time"] + 1000

    def test_a_whole_update_empties_what_was_not_sent(
        self, caller: Caller, sim: FxiaokeSim, ids: dict[str, str]
    ) -> None:
        sim.switches.update = "whole"
        caller.update("AccountObj", ids["hospital"], remark="x")
        after = sim.people.record("AccountObj", ids["hospital"])
        assert (after["remark"], "industry_level1" in after, after["name"]) == ("x", False, "杭州中心医院")

    def test_automations_run_unless_the_call_says_no(
        self, caller: Caller, sim: FxiaokeSim, ids: dict[str, str]
    ) -> None:
        caller.update("AccountObj", ids["hospital"], remark="x")
        assert (sim.workflows, sim.approvals) == ([], [])
        caller.call(
            "v2/data/update",
            {"data": {"object_data": {"dataObjectApiName": "AccountObj", "_id": ids["hospital"], "remark": "y"}}},
        )
        assert sim.workflows == sim.approvals == [("AccountObj", ids["hospital"], "update")]

    @pytest.mark.parametrize(
        "values",
        [{"account_level": "C"}, {"owner": ["1002"]}, {"contract_end__c": "2026-01-01"}, {"name": "x" * 201}, {"name": None},
         {"remark": 5}],
    )  # fmt: skip
    def test_what_a_field_does_not_take_is_refused_and_nothing_is_changed(
        self, caller: Caller, sim: FxiaokeSim, ids: dict[str, str], values: dict[str, Any]
    ) -> None:
        before = sim.people.record("AccountObj", ids["hospital"])
        assert code(caller.update("AccountObj", ids["hospital"], tel="1", **values)) in (32000, 10006)
        assert sim.people.record("AccountObj", ids["hospital"]) == before

    def test_unknown_and_read_only_fields_are_passed_over_or_refused_by_switch(
        self, caller: Caller, sim: FxiaokeSim, ids: dict[str, str]
    ) -> None:
        values = {"nonsense__c": "x"}, {"last_followed_time": 1}
        assert [code(caller.update("AccountObj", ids["hospital"], **v)) for v in values] == [0, 0]
        sim.switches.unknown_field = sim.switches.read_only_field = "refuse"
        assert [code(caller.update("AccountObj", ids["hospital"], **v)) for v in values] == [32000, 32000]

    def test_whether_null_empties_is_a_switch(self, caller: Caller, sim: FxiaokeSim, ids: dict[str, str]) -> None:
        sim.switches.null_clears = False
        caller.update("AccountObj", ids["hospital"], account_level=None)
        assert sim.people.record("AccountObj", ids["hospital"])["account_level"] == "A"
        caller.update("AccountObj", ids["hospital"], account_level="")
        assert "account_level" not in sim.people.record("AccountObj", ids["hospital"])

    def test_locked_invalid_deleted_and_not_editable_records(
        self, caller: Caller, sim: FxiaokeSim, ids: dict[str, str]
    ) -> None:
        caller.call("v2/object/lock", {"data": {"dataObjectApiName": "AccountObj", "dataIds": [ids["hospital"]]}})
        assert code(caller.update("AccountObj", ids["hospital"], remark="x")) == 32000
        caller.call("v2/object/unlock", {"data": {"dataObjectApiName": "AccountObj", "dataIds": [ids["hospital"]]}})
        assert code(caller.update("AccountObj", ids["hospital"], remark="x")) == 0
        one = {"data": {"dataObjectApiName": "AccountObj", "idList": [ids["school"]]}}
        assert code(caller.call("v2/data/delete", one)) == 32000  # only what is invalid
        caller.call("v2/data/invalid", {"data": {"dataObjectApiName": "AccountObj", "object_data_id": ids["school"]}})
        assert code(caller.update("AccountObj", ids["school"], remark="x")) == 32000
        assert (
            code(caller.call("v2/data/recover", one))
            == code(caller.update("AccountObj", ids["school"], remark="x"))
            == 0
        )
        sim.people.delete("AccountObj", ids["school"])
        assert code(caller.update("AccountObj", ids["school"], remark="x")) == 32000
        sim.not_editable.add("SalesOrderObj")
        assert caller.update("SalesOrderObj", ids["order"], name="x")["errorMessage"] == "当前对象不支持执行该操作:编辑"

    def test_the_owner_is_changed_by_a_call_of_its_own(
        self, caller: Caller, sim: FxiaokeSim, ids: dict[str, str]
    ) -> None:
        sim.employees["FSUID_1002"] = "1002"
        body = {
            "data": {"dataObjectApiName": "AccountObj", "Data": [{"objectDataId": ids["school"], "ownerId": ["1002"]}]}
        }
        assert code(caller.call("v2/data/changeOwner", body)) == 0
        assert sim.people.record("AccountObj", ids["school"])["owner"] == ["1002"]

    @pytest.mark.parametrize("tells", [True, False])
    def test_create_and_get(self, caller: Caller, sim: FxiaokeSim, ids: dict[str, str], tells: bool) -> None:
        sim.switches.custom_create_tells_id = tells
        data = {"object_data": {"dataObjectApiName": "crmrules_note__c", "name": "N", "account_id__c": ids["school"]}}
        made = caller.call(
            "custom/v2/data/create", {"triggerWorkFlow": False, "triggerApprovalFlow": False, "data": data}
        )
        [id] = caller.ids(object="crmrules_note__c")
        assert made.get("dataId") == (id if tells else None)
        one = {"data": {"dataObjectApiName": "crmrules_note__c", "objectDataId": id}}
        assert caller.call("custom/v2/data/get", one)["data"]["account_id__c"] == ids["school"]
        assert sim.workflows == sim.approvals == []

    def test_sales_records_may_need_more_or_an_action_that_we_do_not_know(
        self, caller: Caller, sim: FxiaokeSim
    ) -> None:
        data = {"object_data": {"dataObjectApiName": "ActiveRecordObj", "active_record_content": "x"}}
        assert code(caller.call("v2/data/create", {"data": data})) == 0
        sim.switches.active_record_requires = ("active_record_type",)
        assert code(caller.call("v2/data/create", {"data": data})) == 10006
        sim.switches.active_record_create = False
        assert code(caller.call("v2/data/create", {"data": data})) == 32000

    def test_a_lead_set_aside_loses_its_owner(self, sim: FxiaokeSim, ids: dict[str, str]) -> None:
        lead = sim.people.create("LeadsObj", {"name": "x"})
        sim.people.invalidate("LeadsObj", lead)
        assert "owner" not in sim.people.record("LeadsObj", lead)

    def test_teams(self, caller: Caller, ids: dict[str, str]) -> None:
        place = {"dataObjectApiName": "AccountObj", "dataID": ids["school"]}
        member = {"teamMemberEmployee": ["1002"], "teamMemberRole": "4", "teamMemberPermissionType": "1"}
        assert code(caller.call("team/add", {"data": {**place, "teamMembers": [member]}})) == 0
        assert caller.call("team/get", {"data": place})["data"]["teamMembers"] == [member]


class TestTagFunction:
    def call(self, caller: Caller, **payload: Any) -> dict[str, Any]:
        parameter = {"name": "payload", "type": "String", "value": json.dumps(payload)}
        return caller.call("v2/special/function", {"data": {"api_name": "crmrules_tag__c", "parameters": [parameter]}})

    def merge(self, caller: Caller, id: str, seen: list[str], add: str, *, create: bool = True) -> dict[str, Any]:
        said = self.call(
            caller, op="merge", object="AccountObj", id=id, prefixes=["seg.value"], seen=seen, remove=seen, add=[add],
            create=create, group="crmrules", api_names={add: "tag_0a1b__c"},
        )  # fmt: skip
        assert code(said) == 0
        return dict(said["data"]["functionResult"])

    def test_update_replaces_the_whole_set_so_the_function_merges(
        self, caller: Caller, sim: FxiaokeSim, ids: dict[str, str]
    ) -> None:
        assert code(self.call(caller, op="read")) == 32000  # not installed
        sim.install("crmrules_tag__c", merge_tags)
        sim.people.tag("AccountObj", ids["school"], "VIP", "seg.value=low")
        assert self.merge(caller, ids["school"], ["seg.value=low"], "seg.value=high")["error"] == "no-group"
        sim.tags.define("seg.value=none", "crmrules")
        done = {"ok": True, "tags": ["VIP", "seg.value=high"]}
        assert self.merge(caller, ids["school"], ["seg.value=low"], "seg.value=high") == done
        assert self.merge(caller, ids["school"], ["seg.value=low"], "seg.value=x")["error"] == "stale"
        read = self.call(caller, op="read", object="AccountObj", ids=[ids["school"], ids["hospital"]])
        assert read["data"]["functionResult"]["tags"] == {ids["school"]: done["tags"], ids["hospital"]: []}

    def test_a_tag_for_other_objects_and_too_many_calls_are_refused(
        self, caller: Caller, sim: FxiaokeSim, ids: dict[str, str]
    ) -> None:
        sim.install("crmrules_tag__c", merge_tags)
        sim.tags.define("only deals", objects=("NewOpportunityObj",))
        said = self.merge(caller, ids["school"], [], "only deals", create=False)
        assert (said["error"], said["name"]) == ("unknown-tag", "only deals")
        assert code(self.call(caller, op="read", object="AccountObj", ids=["x"] * 101)) == 32000

    @pytest.mark.parametrize("bumps", [True, False])
    def test_whether_a_tag_makes_a_record_a_modified_one_is_a_switch(
        self, sim: FxiaokeSim, ids: dict[str, str], bumps: bool
    ) -> None:
        sim.switches.tags_bump_modified = bumps
        sim.people.tag("AccountObj", ids["school"], "VIP")
        assert sim.people.record("AccountObj", ids["school"])["version"] == ("2" if bumps else "1")
