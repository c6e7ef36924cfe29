"""Throttles, dying tokens, lost answers and used-up days: a run ends complete, or stops so that it can be gone on with."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.fxiaoke.driving import one_of_each, pages, request, rows, write, written
from connectors.fxiaoke.world import FxiaokeWorld, opened
from crmrules.errors import BudgetSpent, ConnectorError, RetryLater
from crmrules.model.changes import Result
from simulators.clock import Clock
from simulators.fxiaoke import FxiaokeSim, Limits


@pytest.fixture
def strict() -> Iterator[FxiaokeSim]:
    """A tenant that allows ten calls in four tenths of a second per endpoint."""
    with FxiaokeSim(limits=Limits(calls=10, seconds=0.4)) as running:
        yield running


def _many(sim: FxiaokeSim, count: int) -> list[str]:
    return [sim.people.create("AccountObj", {"name": str(n)}, id=f"{n:024x}") for n in range(count)]


def test_our_own_throttle_never_meets_the_crms(strict: FxiaokeSim, tmp_path: Path) -> None:
    ids = _many(strict, 2500)
    crm = opened(strict, tmp_path, window={"calls": 8, "seconds": 0.4})
    assert rows(crm, "AccountObj").keys() == set(ids)
    assert strict.counters.total("code ") == 0


@pytest.mark.parametrize("code", [14001, 30004])
def test_a_throttle_that_other_apps_have_used_up_is_waited_out(strict: FxiaokeSim, tmp_path: Path, code: int) -> None:
    strict.switches.throttle_code = code  # type: ignore[assignment]
    strict.meter.limits.calls = 3
    ids = _many(strict, 1000)
    crm = opened(strict, tmp_path, window={"calls": 1000, "seconds": 0.4})
    assert rows(crm, "AccountObj").keys() == set(ids)
    assert strict.counters[f"code {code}"] > 0


def test_ten_thousand_records_and_more_are_read_by_their_ids(sim: FxiaokeSim, tmp_path: Path) -> None:
    ids = {*_many(sim, 10_050), sim.people.create("AccountObj", {"name": "legacy"}, id="4711")}
    crm = opened(sim, tmp_path)
    read = [id for p in pages(crm, "AccountObj") for id in p.rows.column("_id").to_pylist()]
    assert len(read) == len(ids)
    assert set(read) == ids
    assert sim.counters["calls /cgi/crm/v2/data/query"] == 101
    assert sim.counters["no trace id"] == 0


def test_a_sample_larger_than_a_page_is_a_sample(sim: FxiaokeSim, tmp_path: Path) -> None:
    _many(sim, 350)
    crm = opened(sim, tmp_path)
    assert len(rows(crm, "AccountObj", most=150)) == 150
    assert sim.counters["calls /cgi/crm/v2/data/query"] == 2


def test_a_crm_that_does_not_page_by_id_is_not_believed(sim: FxiaokeSim, tmp_path: Path, monkeypatch: Any) -> None:
    _many(sim, 150)
    crm = opened(sim, tmp_path)
    monkeypatch.setattr(
        "simulators.fxiaoke.query._test", lambda *_: type("All", (), {"behind": "", "holds": lambda _, r: True})()
    )
    with pytest.raises(ConnectorError, match="page by _id"):
        rows(crm, "AccountObj")


def test_tokens_that_die_in_mid_page_are_replaced_one_by_one(sim: FxiaokeSim, tmp_path: Path) -> None:
    ids = _many(sim, 450)
    crm = opened(sim, tmp_path)
    for after in (1, 2, 3):  # each of them sees the calls that the ones before it let pass
        sim.fault("expired-token", "data/query", after=after)
    assert rows(crm, "AccountObj").keys() == set(ids)
    assert sim.tokens.issued == 4
    assert sim.counters["at once token"] == 1


def test_a_token_that_dies_each_time_makes_no_storm(sim: FxiaokeSim, tmp_path: Path) -> None:
    _many(sim, 450)
    sim.fault("expired-token", "data/query", times=10_000)
    for _ in range(20):
        with pytest.raises(ConnectorError):
            rows(opened(sim, tmp_path, token_cache="file"), "AccountObj")
    assert sim.counters["calls /oauth2.0/token"] <= 8


def test_two_processes_share_one_token(sim: FxiaokeSim, tmp_path: Path) -> None:
    _many(sim, 10)
    crms = [opened(sim, tmp_path, token_cache="file") for _ in range(3)]
    threads = [threading.Thread(target=rows, args=(crm, "AccountObj")) for crm in crms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sim.counters["calls /oauth2.0/token"] == 1
    assert sim.app.app_secret.encode() not in b"".join(p.read_bytes() for p in (tmp_path / "state").iterdir())


def test_tokens_of_an_hour_ago_are_replaced_before_they_end(tmp_path: Path) -> None:
    now = Clock(datetime.now(UTC))
    with FxiaokeSim(clock=now) as sim:
        opened(sim, tmp_path, token_cache="file").describe()
        sim.clock.advance(6700)  # of the CRM; a fresh one is given, the old one is good for a while
        opened(sim, tmp_path, token_cache="file").describe()
        sim.clock.advance(600)
        opened(sim, tmp_path, token_cache="file").describe()
        assert sim.tokens.issued == 2


def test_a_read_that_was_killed_goes_on_behind_its_last_page(sim: FxiaokeSim, tmp_path: Path) -> None:
    ids = _many(sim, 350)
    since = datetime(2020, 1, 1, tzinfo=UTC)
    first = next(iter(opened(sim, tmp_path).read(request("AccountObj", since=since))))
    rest = rows(opened(sim, tmp_path), "AccountObj", since=since, after=first.cursor)
    assert {*first.rows.column("_id").to_pylist()}.isdisjoint(rest)
    assert {*first.rows.column("_id").to_pylist(), *rest} == set(ids)


def test_a_day_that_is_used_up_stops_a_read_and_a_batch(sim: FxiaokeSim, tmp_path: Path) -> None:
    world = FxiaokeWorld(sim, tmp_path)
    ids = world.create([{"name": str(n)} for n in range(5)])
    crm = world.connect()
    crm.describe()
    writes = [write("field", id, "summary__c", "x") for id in ids]
    crm.current(writes)
    sim.meter.limits.daily = sim.meter.used_today + 6
    results = [r.result for r in written(crm, *writes)]
    assert results[0] in (Result.written, Result.unknown)
    assert set(results[2:]) == {Result.failed}
    with pytest.raises(RetryLater, match="30002"):
        rows(crm, "AccountObj")


def test_a_budget_is_kept_and_told(sim: FxiaokeSim, tmp_path: Path) -> None:
    _many(sim, 950)
    crm = opened(sim, tmp_path, budget={"calls": 6})
    with pytest.raises(BudgetSpent):
        rows(crm, "AccountObj")
    assert crm.usage().calls == 6 == sim.counters["calls"] - sim.counters["calls /oauth2.0/token"]


@pytest.mark.parametrize("notes", ["object", "record"])
def test_a_note_whose_answer_was_lost_is_found_and_not_written_twice(
    sim: FxiaokeSim, tmp_path: Path, notes: str
) -> None:
    world = FxiaokeWorld(sim, tmp_path, notes=notes)
    [id] = world.create([{"name": "a"}])
    crm = world.connect()
    sim.fault("drop-after", "data/create")
    *_, note = written(crm, *one_of_each(id))
    assert note.result is Result.unknown
    again = opened(sim, tmp_path, notes=notes)
    [note] = written(again, one_of_each(id)[2])
    assert note.result is Result.written
    assert len(world.notes(id)) == 1


def test_a_person_between_looking_and_writing_is_respected(sim: FxiaokeSim, tmp_path: Path) -> None:
    world = FxiaokeWorld(sim, tmp_path, tags="function", notes="object")
    [id] = world.create([{"name": "a"}])
    writes = one_of_each(id)
    world.connect().current(writes)
    world.edit(id, {"summary__c": "theirs"})
    world.tag(id, "seg.value=low")
    world.annotate(id, "客户策略", "theirs")
    receipts = world.connect().write(writes)
    assert [(r.result, r.echo) for r in receipts] == [
        (Result.stale, "theirs"),
        (Result.stale, "low"),
        (Result.stale, "theirs"),
    ]


def test_html_instead_of_an_answer_is_no_answer(sim: FxiaokeSim, tmp_path: Path) -> None:
    sim.fault("html", times=1000)
    with pytest.raises(RetryLater, match="502") as caught:
        opened(sim, tmp_path).describe()
    assert "<" not in str(caught.value)


def test_a_crm_that_is_away_is_not_waited_for_once_per_record(sim: FxiaokeSim, tmp_path: Path) -> None:
    world = FxiaokeWorld(sim, tmp_path)
    writes = [write("field", id, "summary__c", "x") for id in world.create([{"name": str(n)} for n in range(40)])]
    crm = opened(sim, tmp_path, timeout=0.2, retries=1)
    crm.current(writes)
    crm.current(writes)
    sim.fault("slow", times=1000, seconds=0.5)
    started = time.monotonic()
    results = {r.result for r in crm.write(writes)}
    assert results == {Result.failed}
    assert time.monotonic() - started < 8
