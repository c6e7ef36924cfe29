"""The simulated Fxiaoke: what it says of its objects, and how it is queried."""

# ruff: noqa: F811 (fixtures)
from __future__ import annotations

from typing import Any

import pytest

from .fxiaoke import FxiaokeSim
from .fxiaoke.caller import Caller, caller, code, ids, sim  # noqa: F401
from .fxiaoke.objects import f, object_
from .fxiaoke.world import HOSTILE, ms


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


def _filter(field: str, operator: str, *values: str) -> dict[str, Any]:
    return {"field_name": field, "operator": operator, "field_values": list(values)}


def _letters(sim: FxiaokeSim) -> None:
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
