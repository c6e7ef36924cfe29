"""What nobody outside the vendor has verified: the connector is right under either answer, or stops and says why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.fxiaoke.driving import gone, one_of_each, rows, tags, write, written
from connectors.fxiaoke.world import FxiaokeWorld, opened
from crmrules.errors import ConnectorError
from crmrules.model.changes import Result
from simulators.fxiaoke import FxiaokeSim
from simulators.fxiaoke.world import seed

WAYS: list[tuple[dict[str, Any], dict[str, Any]]] = [  # switches of the CRM, settings of ours that answer them
    ({}, {}),
    ({}, {"auth": "body"}),
    ({"header_auth": False}, {"auth": "body", "open_user_id": "", "mobile": "13800000000"}),
    ({"body_auth": False}, {}),
    ({"reply_names_tenant": False}, {"tenant": "demo2026"}),
    ({"total_without_switch": False}, {}),
    ({"total_switch": "returnTotalNum"}, {}),
    ({"total_switch": "need_return_count_num"}, {}),
    ({"strict_projection": True}, {}),
    ({"id_always": False}, {}),
    ({"companions": False}, {}),
    ({"between_includes_end": False}, {}),
    ({"invalid_visible": False}, {}),
    ({"deleted_visible": True}, {}),
    ({"update": "whole"}, {"update": "whole"}),
    ({"unknown_field": "refuse", "read_only_field": "refuse"}, {}),
    ({"unknown_field": "refuse", "read_only_field": "refuse", "update": "whole"}, {"update": "whole"}),
    ({"null_clears": False}, {"empty": "text"}),
    ({"custom_create_tells_id": False}, {"notes": "object"}),
    ({"active_record_requires": ("active_record_type",)}, {"notes": "record", "note_record": {"active_record_type": "visit"}}),
    ({"tags_bump_modified": True}, {"tags": "function"}),
    ({"function_result": "data.result"}, {"tags": "function"}),
    ({"function_result": "data"}, {"tags": "function"}),
    ({"function_result": "text"}, {"tags": "function"}),
    ({"function_parameter": "Map"}, {"tags": "function", "tag_function_parameter": "Map"}),
]  # fmt: skip


def _id(way: Any) -> str:
    return ",".join(f"{k}={v}" for k, v in way.items()) or "-"


@pytest.mark.parametrize(("switches", "more"), WAYS, ids=_id)
def test_reading_writing_and_taking_back(
    sim: FxiaokeSim, tmp_path: Path, switches: dict[str, Any], more: dict[str, Any]
) -> None:
    world = FxiaokeWorld(sim, tmp_path, **more)
    for name, value in switches.items():
        setattr(sim.switches, name, value)
    ids = world.create([{"name": f"客户{n}", "beds__c": "7"} for n in range(120)])
    crm = world.connect()
    assert rows(crm, "AccountObj", "name", "industry_level1__r").keys() == set(ids)
    world.tag(ids[0], "VIP")
    before = world.values(ids[0])
    writes = one_of_each(ids[0])
    receipts = written(crm, *writes)
    assert [(r.result, r.echo) for r in receipts] == [(Result.written, w.value) for w in writes], receipts
    assert world.tags(ids[0]) == {"VIP", "seg.value=high"}
    assert world.notes(ids[0]) == [("客户策略", "第一行\nsecond")]
    assert tags(crm)[ids[0]] == {"VIP", "seg.value=high"}
    again = opened(sim, tmp_path, **more)
    receipts = written(again, *(write(w.kind, ids[0], w.name, None) for w in writes))
    assert [(r.result, r.echo) for r in receipts] == [(Result.written, None)] * 3, receipts
    after = world.values(ids[0])
    left = {"version", "last_modified_time", "last_modified_by"}
    assert {k: v for k, v in after.items() if k not in left} == {k: v for k, v in before.items() if k not in left}
    assert sim.workflows == sim.approvals == []
    sim.people.invalidate("AccountObj", ids[1])
    sim.people.delete("AccountObj", ids[2])
    assert {i for t in crm.ids("AccountObj", ("_id",)) for i in t["_id"].to_pylist()} == {*ids} - {ids[1], ids[2]}
    assert rows(crm, "AccountObj").keys() == {*ids} - {ids[1], ids[2]}


def test_an_update_that_empties_other_fields_is_put_back_and_stops_all_writing(sim: FxiaokeSim, tmp_path: Path) -> None:
    world = FxiaokeWorld(sim, tmp_path)
    sim.switches.update = "whole"
    bare, *ids = world.create(
        [{"name": "bare"}, {"name": "a", "beds__c": "7", "summary__c": "theirs"}, {"name": "b", "beds__c": "8"}]
    )
    before = [world.values(id) for id in ids]
    crm = world.connect()
    nothing_to_lose, *receipts = written(crm, *(write("tag", id, "seg.value", "high") for id in (bare, *ids)))
    assert nothing_to_lose.result is Result.written
    assert {r.result for r in receipts} == {Result.failed}
    assert "update: whole" in receipts[0].message
    for id, was in zip(ids, before, strict=True):
        now = world.values(id)
        assert (now["beds__c"], now.get("summary__c"), now.get("crmrules_tags__c")) == (
            was["beds__c"],
            was.get("summary__c"),
            None,
        )
    [later] = written(crm, write("field", ids[1], "summary__c", "x"))
    assert later.result is Result.failed


def test_null_that_empties_nothing_is_noticed(sim: FxiaokeSim, tmp_path: Path) -> None:
    world = FxiaokeWorld(sim, tmp_path)
    sim.switches.null_clears = False
    [id] = world.create([{"name": "a", "summary__c": "theirs"}])
    [receipt] = written(world.connect(), write("field", id, "summary__c", None))
    assert (receipt.result, receipt.echo) == (Result.refused, "theirs")
    assert "kept the old value" in receipt.message


def test_sales_records_that_only_an_action_makes_are_refused_one_by_one(sim: FxiaokeSim, tmp_path: Path) -> None:
    world = FxiaokeWorld(sim, tmp_path, notes="record")
    sim.switches.active_record_create = False
    [id] = world.create([{"name": "a"}])
    field, tag, note = written(world.connect(), *one_of_each(id))
    assert (field.result, tag.result, note.result) == (Result.written, Result.written, Result.refused)
    assert "新建" in note.message


def test_sales_records_are_found_where_they_cannot_be_searched(sim: FxiaokeSim, tmp_path: Path) -> None:
    world = FxiaokeWorld(sim, tmp_path, notes="record")
    [id] = world.create([{"name": "a"}])
    world.annotate(id, "客户策略", "a person's")
    crm = world.connect()
    crm.describe()
    sim.refuse(32000, "data/query", after=1)  # the search for how they begin; before it the record was looked at
    receipts = written(crm, *one_of_each(id))
    assert {r.result for r in receipts} == {Result.written}
    assert sorted(world.notes(id)) == [("客户策略", "a person's"), ("客户策略", "第一行\nsecond")]
    talks = rows(crm, "ActiveRecordObj", "active_record_content")
    assert [t["active_record_content"] for t in talks.values()] == ["【客户策略】\na person's"], "ours are no talks"


def test_a_login_that_names_no_tenant_needs_the_setting(sim: FxiaokeSim, tmp_path: Path) -> None:
    sim.switches.reply_names_tenant = False
    with pytest.raises(ConnectorError, match="tenant"):
        opened(sim, tmp_path).describe()


@pytest.mark.parametrize("bumps", [True, False])
def test_a_tag_that_a_person_hung_on_is_noticed_at_night(sim: FxiaokeSim, tmp_path: Path, bumps: bool) -> None:
    world = FxiaokeWorld(sim, tmp_path, tags="function")
    sim.switches.tags_bump_modified = bumps
    ids = world.create([{"name": "a"}, {"name": "b"}])
    since = sim.clock.advance(10)
    sim.clock.advance(3600)
    world.tag(ids[0], "VIP")
    assert tags(world.connect(), since=since) == {ids[0]: {"VIP"}, ids[1]: set()}
    few = opened(sim, tmp_path, tags="function", sweep_tags=False)
    assert tags(few, since=since) == ({ids[0]: {"VIP"}} if bumps else {})


@pytest.mark.parametrize("visible", [True, False])
def test_records_set_aside_are_told_where_the_crm_shows_them_and_swept_where_not(
    sim: FxiaokeSim, tmp_path: Path, visible: bool
) -> None:
    ids = seed(sim)
    sim.switches.invalid_visible = visible
    crm = opened(sim, tmp_path, deletes="tombstones")
    since = sim.clock.now()
    sim.clock.advance(10)
    sim.people.invalidate("AccountObj", ids["school"])
    assert crm.capabilities.deletes == "delta"
    assert gone(crm, "AccountObj", since) == ({ids["school"]} if visible else set())
    assert ids["school"] not in {i for t in crm.ids("AccountObj", ("_id",)) for i in t["_id"].to_pylist()}
    assert opened(sim, tmp_path).capabilities.deletes == "difference"
    sim.people.recover("AccountObj", ids["school"])
    assert ids["school"] in rows(crm, "AccountObj", since=since)


def test_labels_come_from_the_description_where_the_crm_sends_none(sim: FxiaokeSim, tmp_path: Path) -> None:
    ids = seed(sim)
    fields = ("sales_status__r", "account_id__r", "owner__r")
    [there] = rows(opened(sim, tmp_path), "NewOpportunityObj", *fields).values()
    assert [there[f] for f in fields] == ["进行中", "杭州中心医院", "林晓"]
    sim.switches.companions = False
    [there] = rows(opened(sim, tmp_path), "NewOpportunityObj", *fields).values()
    assert [there[f] for f in fields] == ["进行中", None, None]
    assert there["_id"] == ids["deal"]


def test_the_window_closes_when_the_read_begins(sim: FxiaokeSim, tmp_path: Path) -> None:
    ids = [sim.people.create("AccountObj", {"name": str(n)}, id=f"{n:024x}") for n in range(250)]
    since = datetime.now(UTC) - timedelta(minutes=5)
    crm = opened(sim, tmp_path)
    read: set[str] = set()
    for n, page in enumerate(crm.read(_since(since))):
        read |= set(page.rows.column("_id").to_pylist())
        if n == 0:
            sim.clock.advance(60)
            sim.people.edit("AccountObj", ids[0], {"name": "behind us"})
            sim.people.edit("AccountObj", ids[249], {"name": "before us"})
    assert read == set(ids[:249]), "the last one is read in the next window"
    assert rows(crm, "AccountObj", since=sim.clock.now() - timedelta(seconds=30)).keys() == {ids[0], ids[249]}


def _since(since: datetime) -> Any:
    from connectors.fxiaoke.driving import request

    return request("AccountObj", since=since)
