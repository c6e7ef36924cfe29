"""Every error code of the reference is in the table, and each is handled as the table says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.fxiaoke.driving import rows, write, written
from connectors.fxiaoke.world import FxiaokeWorld, opened
from crmrules.errors import ConnectorError, RetryLater
from crmrules.model.changes import Result
from crmrules_fxiaoke.codes import CODES, meaning
from simulators.fxiaoke import FxiaokeSim

REFERENCE = Path(__file__).resolve().parents[3].parent / "shared" / "api" / "fxiaoke-api.md"
RETRIED = [code for code, m in CODES.items() if m.action == "retry"]
LATER = {code for code, m in CODES.items() if m.action in ("retry", "unsure", "tomorrow")}


def test_the_table_has_every_code_of_the_reference() -> None:
    if not REFERENCE.exists():
        pytest.skip("the reference of the API is not on this machine")
    table = REFERENCE.read_text("utf-8").split("## 3.")[1].split("## 4.")[0]
    lines = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")]
    codes = {int(code) for line in lines for code in re.findall(r"-?\d+", line)}
    assert codes - {0} == CODES.keys()


def test_every_meaning_is_told_in_both_languages() -> None:
    for known in (*CODES.values(), meaning(99_999)):
        for text in (known.text, known.hint) if known.hint else (known.text,):
            assert text.by_language.keys() == {"zh", "en"}
            assert all(text.by_language.values())


@pytest.mark.parametrize("code", [c for c in CODES if c != 20016])
def test_a_read_that_is_refused_for_good_or_for_now(sim: FxiaokeSim, tmp_path: Path, code: int) -> None:
    crm = opened(sim, tmp_path, retries=2)
    crm.describe()
    before = sim.counters["calls /cgi/crm/v2/data/query"]
    sim.refuse(code, "data/query", times=1000)
    with pytest.raises(ConnectorError, match=f"fxiaoke-{code}") as caught:
        rows(crm, "AccountObj")
    assert isinstance(caught.value, RetryLater) == (code in LATER)
    tries = sim.counters["calls /cgi/crm/v2/data/query"] - before
    assert tries == (3 if meaning(code).action in ("retry", "unsure") else 1)


@pytest.mark.parametrize("code", [*RETRIED, 50009])
def test_a_read_goes_on_when_it_has_passed(sim: FxiaokeSim, tmp_path: Path, code: int) -> None:
    world = FxiaokeWorld(sim, tmp_path)
    ids = world.create([{"name": str(n)} for n in range(150)])
    crm = world.connect()
    sim.refuse(code, "data/query", times=2, after=1)
    assert rows(crm, "AccountObj").keys() == set(ids)


@pytest.mark.parametrize("code", [c for c in CODES if c != 20016] + [99_999])
def test_a_write_that_is_refused(sim: FxiaokeSim, tmp_path: Path, code: int) -> None:
    world = FxiaokeWorld(sim, tmp_path)
    ids = world.create([{"name": str(n)} for n in range(3)])
    crm = opened(sim, tmp_path, retries=1)
    before = [write("field", id, "summary__c", "x") for id in ids]
    crm.current(before)
    times = 2 if code in RETRIED else 1
    sim.refuse(code, "data/update", times=times, after=1)
    results = [r.result for r in written(crm, *before)]
    action = meaning(code).action
    if action == "unsure":
        assert results == [Result.written, Result.unknown, Result.written]
    elif action == "fix":
        assert results == [Result.written, Result.refused, Result.written]
    elif action == "retry":
        assert results == [Result.written, Result.failed, Result.written]
    else:  # nothing more would work
        assert results == [Result.written, Result.failed, Result.failed]
        assert sim.counters["calls /cgi/crm/v2/data/update"] == 2
    assert [world.values(id).get("summary__c") == "x" for id in ids] == [r is Result.written for r in results]


def test_one_bad_value_does_not_harm_the_others_of_its_record(sim: FxiaokeSim, tmp_path: Path) -> None:
    world = FxiaokeWorld(sim, tmp_path)
    [id] = world.create([{"name": "a"}])
    fields = sim.store.object("AccountObj").fields
    crm = world.connect()
    crm.describe()
    sim.store.add_fields("AccountObj", fields["summary__c"].__class__(**{**vars(fields["summary__c"]), "length": 3}))
    good, bad, tag = written(
        crm,
        write("field", id, "beds__c", "5"),
        write("field", id, "summary__c", "too long"),
        write("tag", id, "need", "x"),
    )
    assert (good.result, bad.result, tag.result) == (Result.written, Result.refused, Result.written)
    assert "长度不能超过3" in bad.message


def test_a_token_that_is_never_good_is_asked_for_once_more_only(sim: FxiaokeSim, tmp_path: Path) -> None:
    crm = opened(sim, tmp_path)
    crm.describe()
    sim.refuse(20016, "data/query", times=1000)
    before = sim.counters["calls /oauth2.0/token"]
    with pytest.raises(ConnectorError, match="not-authorised"):
        rows(crm, "AccountObj")
    assert sim.counters["calls /oauth2.0/token"] - before == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [({"app_secret": "x"}, 10006), ({"permanent_code": "x"}, 20014), ({"user_id": "9"}, 30027),
     ({"auth": "body", "open_user_id": "FSUID_9"}, 20012)],
)  # fmt: skip
def test_a_login_that_is_wrong_says_what(sim: FxiaokeSim, tmp_path: Path, change: dict[str, str], code: int) -> None:
    with pytest.raises(ConnectorError, match=f"fxiaoke-{code}") as caught:
        opened(sim, tmp_path, **change).describe()
    for secret in (sim.app.app_secret, sim.app.permanent_code):
        assert secret not in str(caught.value)
