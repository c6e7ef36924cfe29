"""The simulated Fxiaoke: what its documents demand of a client, and what they leave open, on the wire."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from .clock import Clock
from .fxiaoke import FxiaokeSim
from .fxiaoke.functions import merge_tags
from .fxiaoke.world import HOSTILE, ms, seed

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)  # noon in China


class Caller:
    """A client that sends exactly what it is told."""

    def __init__(self, sim: FxiaokeSim, *, old: bool = False) -> None:
        self.sim = sim
        self.http = requests.Session()
        self.old = old
        self.headers: dict[str, str] = {}
        self.fields: dict[str, str] = {}

    def login(self) -> Caller:
        app = self.sim.app
        body = {"appId": app.app_id, "appSecret": app.app_secret, "permanentCode": app.permanent_code}
        if self.old:
            said = self.raw("/cgi/corpAccessToken/get/V2", body)
            self.fields = {"corpAccessToken": said["corpAccessToken"], "corpId": said["corpId"]}
            self.fields["currentOpenUserId"] = "FSUID_ADMIN"
        else:
            said = self.raw("/oauth2.0/token", {**body, "grantType": "app_secret"})
            self.headers = {
                "authorization": f"Bearer {said['accessToken']}",
                "x-fs-ea": said["ea"],
                "x-fs-userid": "1000",
            }
        return self

    def raw(self, path: str, body: Any) -> dict[str, Any]:
        reply = self.http.post(f"{self.sim.url}{path}", json=body, headers=self.headers, timeout=10)
        assert reply.status_code == 200  # errors too
        return dict(reply.json())

    def call(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self.raw(f"/cgi/crm/{path}", {**self.fields, **(body or {})})

    def query(self, object: str = "AccountObj", *, top: Mapping[str, Any] | None = None, **info: Any) -> dict[str, Any]:
        switch = {k: info.pop(k) for k in ("find_explicit_total_num", "returnTotalNum") if k in info}
        data = {"dataObjectApiName": object, **switch, "search_query_info": {"limit": 100, "offset": 0, **info}}
        family = "custom/v2" if object.endswith("__c") else "v2"
        return self.call(f"{family}/data/query", {**(top or {}), "data": data})

    def ids(self, *filters: tuple[str, str, list[str]], object: str = "AccountObj") -> list[str]:
        said = [{"field_name": f, "operator": o, "field_values": v} for f, o, v in filters]
        reply = self.query(object, filters=said)
        assert reply["errorCode"] == 0, reply
        return [r["_id"] for r in reply["data"]["dataList"]]

    def update(self, object: str, id: str, **values: Any) -> dict[str, Any]:
        data = {"object_data": {"dataObjectApiName": object, "_id": id, **values}}
        family = "custom/v2" if object.endswith("__c") else "v2"
        return self.call(
            f"{family}/data/update", {"triggerWorkFlow": False, "triggerApprovalFlow": False, "data": data}
        )


@pytest.fixture
def sim() -> Iterator[FxiaokeSim]:
    with FxiaokeSim(clock=Clock(NOON, ticking=False)) as sim:
        yield sim


@pytest.fixture
def ids(sim: FxiaokeSim) -> dict[str, str]:
    return seed(sim)


@pytest.fixture(params=["headers", "body"])
def caller(sim: FxiaokeSim, ids: dict[str, str], request: pytest.FixtureRequest) -> Caller:
    return Caller(sim, old=request.param == "body").login()


def code(reply: Mapping[str, Any]) -> int:
    return int(reply["errorCode"])


class TestLogin:
    def test_the_same_token_for_6600_seconds_then_a_new_one_while_both_are_good(self, sim: FxiaokeSim) -> None:
        seed(sim)
        first = Caller(sim).login()
        sim.clock.advance(6599)
        assert Caller(sim).login().headers == first.headers
        sim.clock.advance(2)
        second = Caller(sim).login()
        assert second.headers != first.headers
        assert code(first.query()) == code(second.query()) == 0
        sim.clock.advance(600)
        assert (code(first.query()), code(second.query())) == (20016, 0)

    def test_ten_token_calls_a_minute_and_never_two_at_once(self, sim: FxiaokeSim) -> None:
        for _ in range(10):
            Caller(sim).login()
        with pytest.raises(KeyError):
            Caller(sim).login()
        sim.clock.advance(61)
        sim.latency = 0.4
        with ThreadPoolExecutor(2) as pool:
            codes = sorted(pool.map(lambda _: code(Caller(sim).raw("/oauth2.0/token", _body(sim))), range(2)))
        assert codes == [0, 14001]

    @pytest.mark.parametrize(
        ("change", "wanted"),
        [
            ({"appSecret": "x"}, 10006),
            ({"appSecret": ""}, 10006),
            ({"permanentCode": "x"}, 20014),
            ({"grantType": "x"}, 10006),
        ],
    )
    def test_wrong_credentials(self, sim: FxiaokeSim, change: dict[str, str], wanted: int) -> None:
        assert code(Caller(sim).raw("/oauth2.0/token", {**_body(sim), **change})) == wanted

    def test_no_token_a_false_one_and_both_forms_at_once(self, sim: FxiaokeSim, ids: dict[str, str]) -> None:
        nobody = Caller(sim)
        assert code(nobody.query()) == 20017
        nobody.headers = {"authorization": "Bearer false", "x-fs-ea": "demo2026", "x-fs-userid": "1000"}
        said = nobody.query()
        assert (code(said), said["errorMessage"]) == (20016, "the cropId,cropAccessToken or authorization is error")
        mixed = Caller(sim).login()
        mixed.fields = Caller(sim, old=True).login().fields
        assert code(mixed.query()) == 20016

    def test_a_stranger_among_the_users(self, sim: FxiaokeSim, ids: dict[str, str]) -> None:
        new, old = Caller(sim).login(), Caller(sim, old=True).login()
        new.headers["x-fs-userid"] = "9"
        old.fields["currentOpenUserId"] = "FSUID_9"
        assert (code(new.query()), code(old.query())) == (30027, 20012)

    def test_the_open_user_id_by_mobile(self, sim: FxiaokeSim, ids: dict[str, str]) -> None:
        caller = Caller(sim, old=True).login()
        said = caller.raw("/cgi/user/getByMobile", {**caller.fields, "mobile": "13800000001"})
        assert said["empList"] == [{"openUserId": "FSUID_1001"}]

    def test_a_form_that_is_not_offered_and_an_address_that_is_not_listed(self, sim: FxiaokeSim) -> None:
        seed(sim)
        caller = Caller(sim).login()
        sim.switches.header_auth = False
        assert code(caller.query()) == 20017
        sim.whitelist.clear()
        assert "is not in the ip white list" in caller.query()["errorMessage"]


class TestLimits:
    @pytest.mark.parametrize("refusal", [14001, 30004])
    def test_a_hundred_calls_in_twenty_seconds_per_endpoint(self, sim: FxiaokeSim, refusal: int) -> None:
        sim.switches.throttle_code = refusal  # type: ignore[assignment]
        caller = Caller(sim).login()
        assert {code(caller.call("v2/object/list")) for _ in range(100)} == {0}
        assert code(caller.call("v2/object/list")) == refusal
        assert code(caller.query()) == 0
        sim.clock.advance(21)
        assert code(caller.call("v2/object/list")) == 0

    def test_the_day_ends_at_midnight_in_china(self, sim: FxiaokeSim) -> None:
        sim.meter.limits.daily = 2
        caller = Caller(sim).login()
        assert [code(caller.query()) for _ in range(3)] == [0, 0, 30002]
        sim.clock.set(NOON + timedelta(hours=12, seconds=1))
        caller.login()
        assert code(caller.query()) == 0
        sim.meter.limits.daily = None
        assert code(caller.query()) == 30003

    def test_any_refusal_can_be_planned(self, sim: FxiaokeSim, caller: Caller) -> None:
        sim.refuse(50009, "query", times=2, after=1)
        assert [code(caller.query()) for _ in range(4)] == [0, 50009, 50009, 0]


class TestMetadata:
    def test_objects_and_fields(self, caller: Caller) -> None:
        objects = {o["describeApiName"]: o for o in caller.call("v2/object/list")["data"]["objects"]}
        assert objects["AccountObj"]["describeDisplayName"] == "客户"
        assert (objects["AccountObj"]["defineType"], objects["crmrules_note__c"]["defineType"]) == ("package", "custom")
        for body in (
            {"includeDetail": True, "data": {"apiName": "AccountObj"}},
            {"includeDetail": True, "apiName": "AccountObj"},
        ):
            fields = caller.call("v2/object/describe", body)["data"]["describe"]["fields"]
            assert {"label": "医院", "value": "hospital"} in fields["industry_level1"]["options"]
            assert fields["crmrules_tags__c"]["max_length"] == 2000
        assert code(caller.call("v2/object/describe", {"includeDetail": True})) == 10006
        assert code(caller.call("v2/object/describe", {"data": {"apiName": "NoObj"}})) == 32000


class TestQuery:
    def test_values_are_texts_milliseconds_and_lists_and_have_companions(
        self, caller: Caller, ids: dict[str, str]
    ) -> None:
        [row] = caller.query("NewOpportunityObj")["data"]["dataList"]
        assert (row["amount"], row["probability"], row["close_date"]) == ("1500000.00", "60", ms("2026-12-31"))
        assert (row["sales_status"], row["sales_status__r"]) == ("1", "进行中")
        assert (row["account_id"], row["account_id__r"]) == (ids["hospital"], "杭州中心医院")
        assert (row["owner"], row["owner__r"]) == (["1001"], {"id": "1001", "name": "林晓"})
        assert "sales_process_id" not in row  # null

    def test_nulls_are_absent_unless_asked_for(self, caller: Caller) -> None:
        projection = ["name", "remark"]
        plain = caller.query(fieldProjection=projection, filters=[_filter("remark", "IS")])["data"]["dataList"]
        assert plain[0].keys() == {"_id", "name"}
        nulls = caller.query(top={"includeNull": True}, fieldProjection=projection, filters=[_filter("remark", "IS")])
        assert nulls["data"]["dataList"][0]["remark"] is None

    def test_hostile_texts_come_back_as_they_are(self, caller: Caller) -> None:
        [row] = caller.query(filters=[_filter("remark", "ISN")])["data"]["dataList"]
        assert row["remark"] == "\n".join(HOSTILE)

    @pytest.mark.parametrize(
        ("filter", "found"),
        [
            (("name", "EQ", ["b"]), "b"), (("name", "N", ["b"]), "acd"), (("level__c", "N", ["1"]), "bcd"),
            (("size__c", "GT", ["9"]), "bc"), (("size__c", "GTE", ["9"]), "abc"), (("size__c", "LT", ["100"]), "ab"),
            (("size__c", "LTE", ["10"]), "ab"), (("size__c", "BETWEEN", ["9", "10"]), "ab"),
            (("size__c", "NBETWEEN", ["9", "10"]), "cd"), (("name", "IN", ["a", "z"]), "a"),
            (("name", "NIN", ["a", "z"]), "bcd"), (("size__c", "IS", []), "d"), (("size__c", "ISN", []), "abc"),
            (("text__c", "LIKE", ["ar"]), "ab"), (("text__c", "NLIKE", ["ar"]), "cd"),
            (("text__c", "STARTWITH", ["b"]), "b"), (("text__c", "ENDWITH", ["k"]), "a"),
            (("many__c", "CONTAINS", ["x", "q"]), "ab"), (("flag__c", "EQ", ["true"]), "a"),
            (("when__c", "GTE", [str(ms("2026-01-02"))]), "b"),
        ],
    )  # fmt: skip
    def test_each_operator(self, sim: FxiaokeSim, filter: tuple[str, str, list[str]], found: str) -> None:
        _letters(sim)
        caller = Caller(sim).login()
        assert "".join(sorted(caller.ids(filter, object="letter__c"))) == found

    def test_what_a_query_must_not_say(self, caller: Caller) -> None:
        assert code(caller.query(limit=101)) == 32000
        assert code(caller.query(limit=100, offset=50)) == 32000
        assert code(caller.query(limit=100, offset=10_000)) == 0
        assert code(caller.query(limit=100, offset=10_100)) == 10013
        assert (
            code(caller.query(filters=[{"field_name": "last_modified_time", "operator": "GT", "field_values": [1]}]))
            == 10006
        )
        assert code(caller.query(filters=[_filter("nonsense", "IS")])) == 32000
        assert code(caller.query(filters=[_filter("name", "MATCHES", "x")])) == 32000
        assert code(caller.query("crmrules_note__c", filters=[_filter("name", "HASANYOF", "x")])) == 32000
        assert (
            code(caller.call("v2/data/query", {"data": {"dataType": "AccountObj", "search_query_info": {}}})) == 10006
        )

    def test_either_name_of_the_object_and_either_spelling_of_the_order(self, caller: Caller) -> None:
        info = {"limit": 10, "offset": 0, "orders": [{"fieldName": "_id", "isAsc": "false"}]}
        said = caller.call("v2/data/query", {"data": {"apiName": "AccountObj", "search_query_info": info}})
        there = [r["_id"] for r in said["data"]["dataList"]]
        assert there == sorted(there, reverse=True)

    @pytest.mark.parametrize("preset", [True, False])
    def test_the_other_path_is_refused(self, caller: Caller, preset: bool) -> None:
        body = {
            "data": {
                "dataObjectApiName": "crmrules_note__c" if preset else "AccountObj",
                "search_query_info": {"limit": 1},
            }
        }
        assert code(caller.call(f"{'v2' if preset else 'custom/v2'}/data/query", body)) == 32000

    def test_paging_by_id_goes_past_any_offset(self, sim: FxiaokeSim) -> None:
        made = [sim.people.create("AccountObj", {"name": str(n)}, id=f"{n:024x}") for n in range(250)]
        sim.people.create("AccountObj", {"name": "short"}, id="77")
        caller, seen, last = Caller(sim).login(), [], ""
        while True:
            rows = caller.ids(*([("_id", "GT", [last])] if last else []))
            seen += rows
            if len(rows) < 100:
                break
            last = rows[-1]
        assert seen == [*made, "77"]

    def test_which_total_switch_works_is_a_switch(self, sim: FxiaokeSim, caller: Caller) -> None:
        def totals() -> list[int]:
            asked: list[dict[str, bool]] = [{}, {"find_explicit_total_num": False}, {"returnTotalNum": False}]
            return [caller.query(**a)["data"]["total"] for a in asked]

        assert totals() == [4, 0, 4]
        sim.switches.total_switch = "returnTotalNum"
        assert totals() == [4, 4, 0]
        sim.switches.total_without_switch = False
        assert totals() == [0, 0, 0]

    @pytest.mark.parametrize("visible", [True, False])
    def test_invalid_rows_may_be_visible_and_deleted_ones_may_be(
        self, sim: FxiaokeSim, caller: Caller, ids: dict[str, str], visible: bool
    ) -> None:
        sim.switches.invalid_visible = sim.switches.deleted_visible = visible
        sim.people.invalidate("AccountObj", ids["school"])
        sim.people.delete("AccountObj", ids["legacy"])
        found = {r["_id"]: (r["life_status"], r["is_deleted"]) for r in caller.query()["data"]["dataList"]}
        assert found.get(ids["school"]) == (("invalid", False) if visible else None)
        assert found.get(ids["legacy"]) == (("invalid", True) if visible else None)


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


def _body(sim: FxiaokeSim) -> dict[str, str]:
    app = sim.app
    return {
        "appId": app.app_id,
        "appSecret": app.app_secret,
        "permanentCode": app.permanent_code,
        "grantType": "app_secret",
    }


def _filter(field: str, operator: str, *values: str) -> dict[str, Any]:
    return {"field_name": field, "operator": operator, "field_values": list(values)}


def _letters(sim: FxiaokeSim) -> None:
    from .fxiaoke.objects import f, object_

    options = {v: (v, v) for v in "xyq"}
    sim.people.hire("1000", "Admin")
    sim.store.add_object(
        object_(
            "letter__c", "字母", "Letter", f("name", "text", "n", "n"), f("size__c", "number", "s", "s"),
            f("level__c", "number", "l", "l"), f("text__c", "text", "t", "t"),
            f("many__c", "select_many", "m", "m", options=options), f("flag__c", "true_or_false", "f", "f"),
            f("when__c", "date", "w", "w"),
        )
    )  # fmt: skip
    rows: dict[str, dict[str, Any]] = {
        "a": {
            "size__c": "9",
            "level__c": "1",
            "text__c": "ark",
            "many__c": ["x", "y"],
            "flag__c": True,
            "when__c": ms("2026-01-01"),
        },
        "b": {"size__c": "10", "text__c": "bar", "many__c": ["x"], "flag__c": False, "when__c": ms("2026-01-02")},
        "c": {"size__c": "100", "text__c": "cot", "many__c": ["y"]},
        "d": {},
    }
    for letter, values in rows.items():
        sim.people.create("letter__c", {"name": letter, **values}, id=letter)
