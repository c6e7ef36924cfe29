"""Writing: few calls, nothing that was not asked for, and the CRM's own words where it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.fxiaoke.driving import one_of_each, write, written
from connectors.fxiaoke.world import FxiaokeWorld, opened
from crmrules.contracts.connector import NativeWrite
from crmrules.model.changes import Result
from simulators.fxiaoke import FxiaokeSim
from simulators.fxiaoke.objects import f
from simulators.fxiaoke.world import seed

UPDATE, GET = "calls /cgi/crm/v2/data/update", "calls /cgi/crm/v2/data/get"


@pytest.fixture
def ids(sim: FxiaokeSim) -> dict[str, str]:
    return seed(sim)


def test_all_fields_of_a_record_go_out_in_one_call(sim: FxiaokeSim, ids: dict[str, str], tmp_path: Path) -> None:
    writes = [*one_of_each(ids["school"]), *(write("tag", ids["school"], f"flag=f{n}", "") for n in range(5))]
    receipts = written(opened(sim, tmp_path), *writes, *one_of_each(ids["hospital"]))
    assert {r.result for r in receipts} == {Result.written}
    assert (sim.counters[UPDATE], sim.counters[GET]) == (2, 3)  # one look is the proof that an update is partial
    assert sim.people.record("AccountObj", ids["school"])["version"] == "2"


def test_an_owner_is_changed_by_the_call_for_it(sim: FxiaokeSim, ids: dict[str, str], tmp_path: Path) -> None:
    crm = opened(sim, tmp_path)
    receipts = written(
        crm, write("field", ids["school"], "owner", "1002"), write("field", ids["school"], "summary__c", "x")
    )
    assert [(r.result, r.echo) for r in receipts] == [(Result.written, "1002"), (Result.written, "x")]
    [receipt] = written(crm, write("field", ids["school"], "owner", "4711"))
    assert receipt.result is Result.refused
    assert sim.people.record("AccountObj", ids["school"])["owner"] == ["1002"]


def test_a_role_is_written_to_the_contact_of_a_deal(sim: FxiaokeSim, ids: dict[str, str], tmp_path: Path) -> None:
    def role(contact: str, value: str | None) -> NativeWrite:
        key = {"new_opportunity_id": ids["deal"], "contact_id": contact}
        return NativeWrite(
            object="NewOpportunityContactsObj", record_id=key, kind="field", name="role__c", value=value, expected=None
        )

    crm = opened(sim, tmp_path)
    there, absent = written(crm, role(ids["dean"], "decision_maker"), role(ids["doctor"], "user"))
    [unknown] = written(crm, role(ids["dean"], "no such role"))
    assert (there.result, there.echo) == (Result.written, "decision_maker")
    assert (absent.result, unknown.result) == (Result.refused, Result.refused)
    assert "no option" in unknown.message
    assert sim.people.record("NewOpportunityContactsObj", ids["deal_contact"])["role__c"] == "decision_maker"


def test_a_refusal_is_told_in_the_crms_words(sim: FxiaokeSim, ids: dict[str, str], tmp_path: Path) -> None:
    crm = opened(sim, tmp_path)
    sim.people.lock("AccountObj", ids["school"])
    sim.not_editable.add("NewOpportunityObj")
    sim.people.invalidate("ContactObj", ids["dean"])
    locked, refused, aside = written(
        crm, write("field", ids["school"], "summary__c", "x"),
        write("tag", ids["deal"], "buyclass", "x", "NewOpportunityObj"), write("tag", ids["dean"], "role", "x", "ContactObj"),
    )  # fmt: skip
    assert [r.result for r in (locked, refused, aside)] == [Result.refused] * 3
    assert ("已锁定" in locked.message, "不支持执行该操作:编辑" in refused.message, "作废" in aside.message) == (
        True,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("industry_level1", "no such"), ("areas__c", "icu; no such"), ("beds__c", "many"), ("contract_end__c", "31.12.2026"),
     ("summary__c", "x" * 301), ("name", None), ("no_such__c", "x"), ("create_time", "2026-01-01"), ("industry_level1__r", "医院")],
)  # fmt: skip
def test_what_can_not_be_taken_is_not_sent(
    sim: FxiaokeSim, ids: dict[str, str], tmp_path: Path, name: str, value: str | None
) -> None:
    [receipt] = written(opened(sim, tmp_path), write("field", ids["school"], name, value))
    assert receipt.result is Result.refused
    assert receipt.message
    assert sim.counters[UPDATE] == 0


@pytest.mark.parametrize("kind", ["text", "select_many"])
def test_tags_in_a_line_of_text_or_in_a_multi_select(
    sim: FxiaokeSim, ids: dict[str, str], tmp_path: Path, kind: str
) -> None:
    names = ("VIP", "seg.value=high", "seg.value=low")
    options = {f"o{n}": (name, name) for n, name in enumerate(names)}
    sim.store.add_fields(
        "AccountObj", f("marks__c", kind, "标记", "Marks", length=60, options=options if kind != "text" else {})
    )
    value: Any = ["o0", "o2"] if kind != "text" else "VIP; seg.value=low"
    sim.people.edit("AccountObj", ids["school"], {"marks__c": value})
    crm = opened(sim, tmp_path, tag_field="marks__c")
    [done, refused] = written(
        crm, write("tag", ids["school"], "seg.value", "high"), write("tag", ids["school"], "need", "x" * 60)
    )
    assert (done.result, done.echo, refused.result) == (Result.written, "high", Result.refused)
    wanted = ["o0", "o1"] if kind != "text" else "VIP; seg.value=high"
    assert sim.people.record("AccountObj", ids["school"])["marks__c"] == wanted


def test_tags_that_the_function_may_not_make_are_refused_alone(sim: FxiaokeSim, tmp_path: Path) -> None:
    world = FxiaokeWorld(sim, tmp_path, tags="function", create_tags=False)
    sim.tags.define("need=tests", "people")
    [id] = world.create([{"name": "a"}])
    made, lacking = written(world.connect(), write("tag", id, "need", "tests"), write("tag", id, "seg.value", "high"))
    assert (made.result, lacking.result) == (Result.written, Result.refused)
    assert "seg.value=high" in lacking.message
    assert world.tags(id) == {"need=tests"}


def test_automations_run_where_the_settings_ask_for_them(sim: FxiaokeSim, tmp_path: Path) -> None:
    world = FxiaokeWorld(sim, tmp_path, workflows=True, approvals=True, notes="object")
    [id] = world.create([{"name": "a"}])
    written(world.connect(), *one_of_each(id))
    assert len(sim.workflows) == len(sim.approvals) == 2
    assert sim.workflows[0] == ("AccountObj", id, "update")


def test_what_people_wrote_around_ours_stays_to_the_letter(
    sim: FxiaokeSim, ids: dict[str, str], tmp_path: Path
) -> None:
    theirs = "先看这里 😀\n\n【拜访纪要】\n  下周\n【crmrules】\n不是我们的"
    sim.people.edit("AccountObj", ids["school"], {"crmrules_strategy__c": theirs, "crmrules_tags__c": "重点\nVIP"})
    crm = opened(sim, tmp_path)
    written(crm, *one_of_each(ids["school"]))
    written(crm, *(write(w.kind, ids["school"], w.name, None) for w in one_of_each(ids["school"])))
    after = sim.people.record("AccountObj", ids["school"])
    assert after["crmrules_strategy__c"].split() == theirs.split()
    assert after["crmrules_tags__c"] == "重点\nVIP"
