"""The contract of a connector, as tests to inherit.

    from crmrules.testing.suite.contract import *   # TestReading, TestWriting, TestFailing

    @pytest.fixture
    def world(tmp_path): ...   # your World, with an empty CRM behind it

What a CRM can't do (by its capabilities) is skipped, saying so; nothing else is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from crmrules.contracts.connector import Capabilities, NativeWrite
from crmrules.errors import ConnectorError, RetryLater
from crmrules.model.changes import Result, tag_text
from crmrules.model.objects import FieldType
from crmrules.testing.suite.driving import VALUES, Driver, rows_of, same, tag_there, undone
from crmrules.testing.suite.world import Fault, World

__all__ = ["TestFailing", "TestReading", "TestWriting"]

_GRAIN = {"microsecond": 1e-6, "millisecond": 1e-3, "second": 1.0, "minute": 60.0, "none": 0.0}
_BEFORE_THE_CALL: tuple[Fault, ...] = ("busy", "html", "throttled", "throttled-silently", "lost-call", "expired-token")


class _Contract:
    @pytest.fixture
    def driver(self, world: World) -> Iterator[Driver]:
        driver = Driver.of(world)
        yield driver
        driver.crm.close()


def _some(world: World, count: int) -> list[str]:
    names = world.names
    return world.create([{names.name: f"客户 {n} 🏥"} for n in range(count)])


class TestReading(_Contract):
    """Complete, each record once, only what was asked for, and cheap where the CRM can tell what changed."""

    def test_every_record_is_read_once_however_many_pages_it_takes(self, world: World, driver: Driver) -> None:
        ids = set(_some(world, world.most_records))
        pages = driver.pages(world.names.name)
        read = [str(v) for page in pages for v in page.rows.column(world.names.key).to_pylist()]
        assert sorted(i for i in read if i in ids) == sorted(ids)
        assert {str(v) for v in driver.ids()} >= ids

    def test_only_the_wanted_fields_are_handed_out(self, world: World, driver: Driver) -> None:
        _some(world, 3)
        for page in driver.pages(world.names.name):
            wanted = {world.names.key, world.names.modified, world.names.name} - {""}
            assert set(page.rows.column_names) == wanted

    def test_texts_arrive_as_they_are(self, world: World, driver: Driver) -> None:
        texts = VALUES[FieldType.text]
        ids = world.create([{world.names.name: text} for text in texts])
        read = driver.read(world.names.name)
        assert [read[id][world.names.name] for id in ids] == list(texts)

    def test_an_empty_field_is_empty(self, world: World, driver: Driver) -> None:
        [id] = _some(world, 1)
        assert driver.read(world.names.text)[id][world.names.text] in (None, "")

    def test_the_crm_describes_what_the_suite_uses(self, world: World, driver: Driver) -> None:
        described = {o.name: {f.name: f for f in o.fields} for o in driver.crm.describe()}
        names = world.names
        used = {names.key, names.name, names.text, names.modified, names.read_only, *names.fields.values()} - {""}
        assert used <= set(described[names.object])
        if names.read_only:
            assert not described[names.object][names.read_only].writable
        assert {o for o in (names.tags, names.notes) if o} <= set(described)

    def test_what_changed_since_is_read_and_the_rest_is_not(self, world: World, driver: Driver) -> None:
        ids = _some(world, 5)
        if driver.crm.capabilities.since == "none":
            pytest.skip("the CRM can't tell what changed")
        world.pass_time(2 * max(1.0, _grain(driver.crm.capabilities)))
        world.edit(ids[2], {world.names.name: "edited"})
        since = driver.modified(ids[2])
        read = driver.read(world.names.name, since=since)
        assert read[ids[2]][world.names.name] == "edited"
        assert set(read) & set(ids) == {ids[2]}

    def test_records_of_the_very_same_moment_are_all_read(self, world: World, driver: Driver) -> None:
        if driver.crm.capabilities.since == "none":
            pytest.skip("the CRM can't tell what changed")
        ids = _some(world, 25)
        times = {id: row[world.names.modified] for id, row in driver.read().items() if id in ids}
        for moment in sorted(set(times.values())):
            due = {id for id, at in times.items() if at >= moment}
            assert set(driver.read(since=moment)) & set(ids) == due

    def test_deleted_records_are_noticed(self, world: World, driver: Driver) -> None:
        ids = _some(world, 4)
        world.pass_time(2 * max(1.0, _grain(driver.crm.capabilities)))
        before = max(row[world.names.modified] for row in driver.read().values()) if world.names.modified else None
        world.remove(ids[1])
        deletes = driver.crm.capabilities.deletes
        if deletes == "feed":
            assert before is not None
            told = [
                v for t in driver.crm.deleted(world.names.object, (world.names.key,), before) for v in t[0].to_pylist()
            ]
            assert ids[1] in map(str, told)
            assert not {ids[0], ids[2], ids[3]} & set(map(str, told))
        elif deletes == "delta":
            pages = driver.pages(since=before)
            gone = [str(v) for p in pages if p.gone is not None for v in p.gone.column(world.names.key).to_pylist()]
            assert ids[1] in gone
        elif deletes == "none":
            pytest.skip("the CRM can't tell")
        assert set(driver.read()) & set(ids) == {ids[0], ids[2], ids[3]}
        assert set(driver.ids()) & set(ids) == {ids[0], ids[2], ids[3]}

    def test_tags_come_with_their_records(self, world: World, driver: Driver) -> None:
        if not world.names.tags or driver.crm.capabilities.tags == "none":
            pytest.skip("no tags")
        first, second = _some(world, 2)
        world.tag(first, "VIP")
        world.tag(first, "重点跟进")
        assert driver.tags().get(first) == {"VIP", "重点跟进"}
        assert not driver.tags().get(second)

    def test_a_sample_is_only_a_sample(self, world: World, driver: Driver) -> None:
        _some(world, world.most_records)
        before = world.calls()
        assert len(rows_of(driver.pages(most=5), world.names)) >= 5
        if before >= 0:
            assert world.calls() - before <= 3

    def test_a_broken_read_goes_on_behind_the_last_page(self, world: World, driver: Driver) -> None:
        if not driver.crm.capabilities.resumes:
            pytest.skip("the CRM's cursors don't outlive a connection")
        ids = _some(world, world.most_records)
        first = next(iter(driver.crm.read(driver.request(world.names.name))))
        if not first.cursor:
            pytest.skip("all records fit one page")
        other = Driver.of(world)
        rest = other.read(world.names.name, after=first.cursor)
        head = rows_of([first], world.names)
        assert not set(head) & set(rest)
        assert set(ids) <= set(head) | set(rest)
        other.crm.close()

    def test_what_it_costs_is_counted(self, world: World, driver: Driver) -> None:
        _some(world, 5)
        if world.calls() < 0:
            pytest.skip("the CRM does not count")
        before, used = world.calls(), driver.crm.usage().calls
        driver.read(world.names.name)
        assert driver.crm.usage().calls - used == world.calls() - before


class TestWriting(_Contract):
    """Exactly what was asked for, refused singly where somebody was faster, and it can be taken back."""

    @pytest.mark.parametrize("type", list(VALUES))
    def test_a_field_of_each_type_is_written_and_emptied(self, world: World, driver: Driver, type: FieldType) -> None:
        names = world.names
        field = names.text if type is FieldType.text else names.fields.get(type)
        if not field:
            pytest.skip(f"no writable field of type {type}")
        [id] = _some(world, 1)
        for value in VALUES[type]:
            write = driver.field(id, field, value)
            [receipt] = driver.write(write)
            assert receipt.result is Result.written, receipt.message
            assert same(type, value, receipt.echo)
            assert same(type, value, driver.current(write))
            assert same(type, value, world.values(id)[field])
        [receipt] = driver.write(driver.field(id, field, None))
        if type is not FieldType.boolean:  # a check box is never empty
            assert (receipt.result, receipt.echo) == (Result.written, None)
            assert not world.values(id).get(field)

    def test_a_tag_is_added_replaced_and_removed_beside_others(self, world: World, driver: Driver) -> None:
        self._tags_or_skip(driver)
        [id] = _some(world, 1)
        for others in ("VIP", "seg.other=low", "重点"):
            world.tag(id, others)
        for value, expected in (("high", None), ("低", "high"), (None, "低")):
            write = driver.tag(id, "seg.value", value)
            assert driver.current(write) == expected
            [receipt] = driver.write(write)
            assert (receipt.result, receipt.echo) == (Result.written, value), receipt.message
            tags = world.tags(id)
            assert tags >= {"VIP", "seg.other=low", "重点"}
            assert tags - {"VIP", "seg.other=low", "重点"} == ({tag_text("seg.value", value)} if value else set())

    def test_a_whole_tag_is_one_of_many_of_its_prefix(self, world: World, driver: Driver) -> None:
        self._tags_or_skip(driver)
        [id] = _some(world, 1)
        receipts = driver.write(driver.tag(id, "flag=a", ""), driver.tag(id, "flag=b", ""))
        assert [r.result for r in receipts] == [Result.written] * 2
        assert world.tags(id) == {"flag=a", "flag=b"}
        driver.write(driver.tag(id, "flag=a", None))
        assert world.tags(id) == {"flag=b"}

    def test_a_note_is_written_once_updated_in_place_and_deleted(self, world: World, driver: Driver) -> None:
        if driver.crm.capabilities.notes == "none":
            pytest.skip("no notes")
        [id] = _some(world, 1)
        world.annotate(id, "拜访纪要", "mine")
        mine = world.notes(id)
        title = "客户画像 · crmrules"
        for body in ("第一行\nsecond line 🏥", "changed"):
            write = driver.note(id, title, body)
            [receipt] = driver.write(write)
            assert (receipt.result, receipt.echo) == (Result.written, body), receipt.message
            assert driver.current(write) == body
            assert world.notes(id) == sorted([*mine, (title, body)])
        [receipt] = driver.write(driver.note(id, title, None))
        assert (receipt.result, receipt.echo) == (Result.written, None)
        assert world.notes(id) == mine

    def test_a_persons_later_edit_wins(self, world: World, driver: Driver) -> None:
        if driver.crm.capabilities.conflict == "none":
            pytest.skip("the CRM can't notice")
        first, second = _some(world, 2)
        writes = [driver.field(id, world.names.text, "ours") for id in (first, second)]
        standing = driver.crm.current(writes)
        world.pass_time(max(1.0, _grain(driver.crm.capabilities)))
        world.edit(first, {world.names.text: "a person's"})
        receipts = driver.crm.write([replace(w, expected=s) for w, s in zip(writes, standing, strict=True)])
        assert [r.result for r in receipts] == [Result.stale, Result.written]
        assert world.values(first)[world.names.text] == "a person's"

    def test_one_bad_write_does_not_harm_the_others(self, world: World, driver: Driver) -> None:
        ids = _some(world, 3)
        [gone] = _some(world, 1)
        world.remove(gone)
        writes = [driver.field(id, world.names.text, "x") for id in (ids[0], gone, ids[1])]
        if world.names.read_only:
            writes.insert(1, driver.field(ids[2], world.names.read_only, "x"))
        writes.append(driver.field(ids[2], "no_such_field_at_all", "x"))
        receipts = driver.write(*writes)
        good = [
            r.result
            for w, r in zip(writes, receipts, strict=True)
            if w.name == world.names.text and w.record_id != {world.names.key: gone}
        ]
        bad = [
            r
            for w, r in zip(writes, receipts, strict=True)
            if w.name != world.names.text or w.record_id == {world.names.key: gone}
        ]
        assert set(good) == {Result.written}
        assert all(r.result in (Result.refused, Result.stale, Result.failed) for r in bad), bad
        assert all(r.message for r in bad), "a refusal says why"
        assert [world.values(id)[world.names.text] for id in ids[:2]] == ["x", "x"]

    def test_more_writes_than_one_batch_arrive_all(self, world: World, driver: Driver) -> None:
        ids = _some(world, min(world.most_records, 2 * driver.crm.capabilities.batch + 1, 210))
        receipts = driver.write(*(driver.field(id, world.names.text, f"v{n}") for n, id in enumerate(ids)))
        assert {r.result for r in receipts} == {Result.written}
        read = driver.read(world.names.text)
        assert [read[id][world.names.text] for id in ids] == [f"v{n}" for n in range(len(ids))]

    def test_fields_tags_and_notes_of_one_record_in_one_batch(self, world: World, driver: Driver) -> None:
        [id] = _some(world, 1)
        writes = self._one_of_each(driver, id)
        receipts = driver.write(*writes)
        assert {r.result for r in receipts} == {Result.written}
        assert [driver.current(w) for w in writes] == [w.value for w in writes]

    def test_the_same_again_changes_nothing(self, world: World, driver: Driver) -> None:
        [id] = _some(world, 1)
        writes = self._one_of_each(driver, id)
        for _ in range(2):
            driver.write(*writes)
        assert self._state(world, id) == self._written(driver, world)

    def test_everything_can_be_taken_back(self, world: World, driver: Driver) -> None:
        [id] = _some(world, 1)
        world.edit(id, {world.names.text: "before"})
        world.tag(id, "seg.value=old") if driver.crm.capabilities.tags != "none" else None
        before = self._state(world, id)
        writes = self._one_of_each(driver, id)
        standing = driver.crm.current(writes)
        writes = [replace(w, expected=s) for w, s in zip(writes, standing, strict=True)]
        receipts = driver.crm.write(writes)
        assert {r.result for r in driver.crm.write(undone(writes, receipts))} == {Result.written}
        assert self._state(world, id) == before

    def test_our_writes_start_none_of_the_crms_automations(self, world: World, driver: Driver) -> None:
        [id] = _some(world, 1)
        before = world.workflows()
        driver.write(*self._one_of_each(driver, id))
        assert world.workflows() == before

    def _one_of_each(self, driver: Driver, id: str) -> list[NativeWrite]:
        writes = [driver.field(id, driver.names.text, "ours")]
        if driver.crm.capabilities.tags != "none":
            writes.append(driver.tag(id, "seg.value", "high"))
        if driver.crm.capabilities.notes != "none":
            writes.append(driver.note(id, "客户画像", "body"))
        return writes

    def _state(self, world: World, id: str) -> tuple[str | None, set[str], list[tuple[str, str]]]:
        return world.values(id).get(world.names.text) or None, world.tags(id), world.notes(id)

    def _written(self, driver: Driver, world: World) -> tuple[str | None, set[str], list[tuple[str, str]]]:
        tags = {"seg.value=high"} if driver.crm.capabilities.tags != "none" else set()
        assert not tags or tag_there(tags, "seg.value", "high")
        return "ours", tags, [("客户画像", "body")] if driver.crm.capabilities.notes != "none" else []

    def _tags_or_skip(self, driver: Driver) -> None:
        if driver.crm.capabilities.tags == "none":
            pytest.skip("no tags")


class TestFailing(_Contract):
    """The network and the CRM fail: a run ends complete, or stops so that it can be gone on with; nothing is doubled."""

    @pytest.mark.parametrize("fault", _BEFORE_THE_CALL)
    def test_one_failure_does_not_stop_a_read(self, world: World, driver: Driver, fault: Fault) -> None:
        _has(world, fault)
        ids = set(_some(world, world.most_records))
        driver.pages(most=1)
        logins = world.logins()
        world.fault(fault, skip=1)
        assert set(driver.read(world.names.name)) >= ids
        if fault == "expired-token" and logins >= 0:
            assert world.logins() == logins + 1

    @pytest.mark.parametrize("fault", [*_BEFORE_THE_CALL, "slow"])
    def test_a_lasting_failure_stops_a_read_soon_and_says_that_it_may_work_later(
        self, world: World, driver: Driver, fault: Fault
    ) -> None:
        _has(world, fault)
        _some(world, world.most_records)
        driver.pages(most=1)
        logins = world.logins()
        world.fault(fault, times=10_000, skip=1)
        started = time.monotonic()
        with pytest.raises(ConnectorError) as caught:
            driver.read(world.names.name)
        if fault != "expired-token":
            assert isinstance(caught.value, RetryLater)
        assert time.monotonic() - started < 20
        if logins >= 0:
            assert world.logins() - logins <= 3, "no token storm"

    @pytest.mark.parametrize("fault", _BEFORE_THE_CALL)
    def test_a_write_that_fails_once_arrives_once_or_is_said_to_have_failed(
        self, world: World, driver: Driver, fault: Fault
    ) -> None:
        _has(world, fault)
        [id] = _some(world, 1)
        writes = self._all_kinds(driver, id)
        standing = driver.crm.current(writes)
        world.fault(fault, writes=True)
        receipts = driver.crm.write([replace(w, expected=s) for w, s in zip(writes, standing, strict=True)])
        for write, receipt in zip(writes, receipts, strict=True):
            self._is_as_told(driver, write, receipt.result)
        assert len(world.notes(id)) <= 1

    def test_a_write_whose_answer_is_lost_is_never_doubled(self, world: World, driver: Driver) -> None:
        _has(world, "lost-answer")
        [id] = _some(world, 1)
        writes = self._all_kinds(driver, id)
        standing = driver.crm.current(writes)
        world.fault("lost-answer", writes=True, times=len(writes) * 4)
        receipts = driver.crm.write([replace(w, expected=s) for w, s in zip(writes, standing, strict=True)])
        world.fault("lost-answer", times=0)
        for write, receipt in zip(writes, receipts, strict=True):
            self._is_as_told(Driver.of(world), write, receipt.result)
        assert len(world.notes(id)) <= 1
        again = Driver.of(world)
        assert {r.result for r in again.write(*writes)} <= {Result.written}
        assert [again.current(w) for w in writes] == [w.value for w in writes]
        assert len(world.notes(id)) == len([w for w in writes if w.kind == "note"])

    def test_clocks_that_differ_lose_nothing(self, world: World, driver: Driver) -> None:
        if driver.crm.capabilities.since == "none":
            pytest.skip("the CRM can't tell what changed")
        told = driver.crm.clock()
        [id] = _some(world, 1)
        modified = driver.modified(id)
        if told is not None:
            later = driver.crm.clock()
            assert later is not None
            assert modified <= later + timedelta(seconds=2 * max(1.0, _grain(driver.crm.capabilities)))
        assert id in driver.read(since=modified)

    def _all_kinds(self, driver: Driver, id: str) -> list[NativeWrite]:
        return TestWriting()._one_of_each(driver, id)

    def _is_as_told(self, driver: Driver, write: NativeWrite, result: Result) -> None:
        stands = driver.current(write)
        if result is Result.written:
            assert stands == write.value
        elif result in (Result.failed, Result.refused, Result.stale):
            assert stands != write.value
        else:
            assert result is Result.unknown


def _grain(capabilities: Capabilities) -> float:
    return _GRAIN[capabilities.since]


def _has(world: World, fault: Fault) -> None:
    if fault not in world.faults:
        pytest.skip(f"this world can't bring about: {fault}")
