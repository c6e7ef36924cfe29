"""The same promises on a CRM that lies in CSV files: kills lose nothing, undo leaves every byte as it was."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crmrules.language.mapping import FieldMap, Mapping_, ObjectMap
from crmrules.model.changes import Change, Plan, Target
from crmrules.model.objects import Field
from crmrules.pipeline.apply import apply_plan
from crmrules.pipeline.execute import Surroundings
from crmrules.pipeline.planfile import save_plan, seal
from crmrules.pipeline.translate import Translation
from crmrules.pipeline.undo import undo_run
from crmrules.stores.journal import open_journal
from crmrules_files.client import FilesCrm

from .killing import apply_and_kill
from .world import NOW, OPEN, note, tag, tier

IDS = [f"a{n}" for n in range(12)]
BATCH = 3


def mapping() -> Mapping_:
    fields = (
        FieldMap(field=Field(name="id"), native="编号"),
        FieldMap(field=Field(name="tier"), native="等级", values={"高": "high"}),
    )
    return Mapping_(sources=(ObjectMap(object="account", native="客户", fields=fields),))


def plan() -> Plan:
    places: list[Target] = [place(id) for id in IDS for place in (tag, tier, note)]
    changes = tuple(
        Change(id=n, target=p, account_id=p.record_id, old=None, new="high", rule="r", reason_zh="因", reason_en="why")
        for n, p in enumerate(places, start=1)
    )
    return seal(
        Plan(
            profile="p",
            ruleset="r@1",
            ruleset_digest="d",
            engine="e",
            as_of="2026-11-21",
            snapshot="s",
            changes=changes,
        )
    )


class SmallBatches:
    """The files connector takes all at once; smaller calls give a kill more places to hit."""

    def __init__(self, crm: FilesCrm) -> None:
        from dataclasses import replace

        self.capabilities = replace(crm.capabilities, batch=BATCH)
        self.current, self.write = crm.current, crm.write


@contextmanager
def around(folder: Path) -> Iterator[Surroundings]:
    crm = SmallBatches(FilesCrm.open({"path": "crm"}, folder))
    with open_journal(folder / "state" / "journal.sqlite") as journal:
        yield Surroundings(connector=crm, translation=Translation(mapping()), journal=journal, now=lambda: NOW)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    crm = tmp_path / "crm"
    crm.mkdir()
    rows = "".join(f'"{id}",医院 {id},\r\n' for id in IDS)
    (crm / "客户.csv").write_bytes(("\ufeff编号,名称,等级\r\n" + rows).encode())
    (crm / "tags.csv").write_bytes("object,record_id,name\r\n客户,a1,VIP\r\n".encode())
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted((folder / "crm").iterdir())}


def assert_all_there_once(folder: Path) -> None:
    lines = {name: content.decode("utf-8-sig").splitlines() for name, content in contents(folder).items()}
    assert sorted(lines["tags.csv"][1:]) == sorted(["客户,a1,VIP", *(f"客户,{id},seg.value=high" for id in IDS)])
    assert len(lines["notes.csv"]) == 1 + len(IDS)
    assert [line.rsplit(",", 1)[1] for line in lines["客户.csv"][1:]] == ["高"] * len(IDS)


def test_undo_leaves_every_byte_as_it_was(folder: Path) -> None:
    before = contents(folder)
    with around(folder) as a:
        run = apply_plan(plan(), a, profile="p", brakes=OPEN)
        assert run.counts == {"written": 3 * len(IDS)}
        assert_all_there_once(folder)
        assert apply_plan(plan(), a, profile="p", brakes=OPEN).counts == {"already": 3 * len(IDS)}
        assert undo_run(run.run, a, profile="p").counts == {"written": 3 * len(IDS)}
    assert contents(folder) == before


APPLY = """
import sys
from pathlib import Path
from crmrules.pipeline.planfile import load_plan
from writeback.test_files import OPEN, apply_plan, around
folder = Path(sys.argv[1])
with around(folder) as a:
    plan = load_plan(folder / "plan.json")
    apply_plan(plan, a, profile="p", brakes=OPEN, progress=lambda *done: print(*done, flush=True))
"""


@pytest.mark.parametrize("seed", range(2))
def test_kills_lose_nothing_double_nothing_and_can_be_undone(folder: Path, seed: int) -> None:
    before = contents(folder)
    random_ = random.Random(seed)
    save_plan(plan(), folder / "plan.json")
    for _ in range(3):
        apply_and_kill(APPLY, folder, random_)
        with open_journal(folder / "state" / "journal.sqlite", read_only=True) as journal:
            assert journal.held(), "killed before anything was written"
    with around(folder) as a:
        apply_plan(plan(), a, profile="p", brakes=OPEN)
        assert_all_there_once(folder)
        assert a.journal.held()["held:account"] == len(IDS)
        for run in a.journal.runs(["apply"]):  # newest first
            if a.journal.results(run.id).get("written"):
                undo_run(run.id, a, profile="p")
    assert contents(folder) == before
