"""Somebody is faster: Tryton's own versions tell, and only our place counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from crmrules.contracts.connector import NativeWrite
from crmrules.model.changes import Kind, Result
from crmrules_tryton.client import TrytonCrm
from crmrules_tryton.objects import ACCOUNT, DEAL

from .world import TrytonWorld


@pytest.fixture
def crm(world: TrytonWorld) -> Iterator[TrytonCrm]:
    crm = world.connect()
    yield crm
    crm.close()


def write(id: str, name: str, value: str | None, kind: Kind = "field", object: str = ACCOUNT) -> NativeWrite:
    return NativeWrite(object=object, record_id={"id": id}, kind=kind, name=name, value=value, expected=None)


def test_an_edit_of_another_field_does_not_stop_us_and_is_kept(crm: TrytonCrm, world: TrytonWorld) -> None:
    first, second = world.create([{"name": "a"}, {"name": "b"}])
    writes = [write(first, "segment", "A"), write(first, "seg.value", "high", "tag"), write(second, "segment", "B")]
    crm.current(writes)
    world.pass_time(1.1)
    world.edit(first, {"name": "edited meanwhile"})
    before = world.proxy.counters["calls model.party.party.write"]
    assert [r.result for r in crm.write(writes)] == [Result.written] * 3
    assert world.proxy.counters["calls model.party.party.write"] > before + 1  # the first was refused by its version
    assert (world.values(first)["name"], world.values(first)["segment"]) == ("edited meanwhile", "A")
    assert world.tags(first) == {"seg.value=high"}


def test_an_edit_of_our_place_wins_over_us(crm: TrytonCrm, world: TrytonWorld) -> None:
    first, second = world.create([{"name": "a"}, {"name": "b"}])
    writes = [write(first, "seg.value", "high", "tag"), write(first, "segment", "A"), write(second, "segment", "B")]
    crm.current(writes)
    world.pass_time(1.1)
    world.tag(first, "seg.value=people")
    receipts = crm.write(writes)
    assert [r.result for r in receipts] == [Result.stale, Result.written, Result.written]
    assert receipts[0].echo == "people"
    assert world.tags(first) == {"seg.value=people"}


def test_a_note_that_somebody_deleted_meanwhile_is_not_made_again(crm: TrytonCrm, world: TrytonWorld) -> None:
    [id] = world.create([{"name": "a"}])
    note = write(id, "crmrules", "first", "note")
    assert crm.write([note])[0].result == Result.written
    change = replace(note, value="second", expected=crm.current([note])[0])
    admin = world.server.person()
    admin.call(
        "ir.note.delete", [n["id"] for n in admin.find("ir.note", [["resource", "=", f"party.party,{id}"]], "id")]
    )
    assert crm.write([change])[0].result == Result.stale
    assert world.notes(id) == []


def test_after_a_lost_answer_there_is_one_note(crm: TrytonCrm, world: TrytonWorld) -> None:
    [id] = world.create([{"name": "a"}])
    note = write(id, "crmrules", "first", "note")
    crm.current([note])
    world.fault("lost-answer", writes=True)
    assert crm.write([note])[0].result == Result.written  # looked up
    change = replace(note, value="second", expected=crm.current([note])[0])
    world.fault("lost-answer", writes=True, skip=1)  # of the deletion
    assert crm.write([change])[0].result == Result.unknown
    assert crm.current([change]) == ["second"]
    assert world.notes(id) == [("crmrules", "second")]


def test_a_state_is_no_field_to_write_and_an_opportunity_has_no_tags(crm: TrytonCrm, world: TrytonWorld) -> None:
    [id] = world.create([{"name": "a"}])
    start = {"__class__": "date", "year": 2026, "month": 1, "day": 1}
    (deal,) = world.server.person().create("sale.opportunity", {"party": int(id), "start_date": start, "company": 1})
    writes = [write(str(deal), "state", "won", object=DEAL), write(str(deal), "buyclass", "new", "tag", DEAL)]
    standing = crm.current(writes)
    receipts = crm.write([replace(w, expected=s) for w, s in zip(writes, standing, strict=True)])
    assert [r.result for r in receipts] == [Result.refused, Result.refused]
    assert "only on parties" in receipts[1].message
