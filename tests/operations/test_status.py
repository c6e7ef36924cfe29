"""`crmrules status`: is all well, and if not, what is to be done."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as node_exporters

from cli.world import make
from crmrules.app import health
from crmrules.cli.main import exit_code
from crmrules.stores.journal import open_journal
from crmrules.stores.lock import run_lock

Status = Callable[..., tuple[int, Mapping[str, Any]]]
AS_OF = ("--as-of", "2026-07-01", "--engine", "python")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a whole sync was made."""
    folder = tmp_path_factory.mktemp("ran")
    assert synced(make(folder)) == 0
    return folder


@pytest.fixture
def profile(ran: Path, tmp_path: Path) -> Path:
    """The same, of one's own."""
    shutil.copytree(ran, tmp_path, dirs_exist_ok=True)
    return tmp_path / "crmrules.yaml"


@pytest.fixture
def status(profile: Path, capsys: pytest.CaptureFixture[str]) -> Status:
    def ask(*more: str) -> tuple[int, Mapping[str, Any]]:
        capsys.readouterr()
        code = exit_code(["status", "--profile", str(profile), "--format", "json", *more])
        return code, json.loads(capsys.readouterr().out)

    return ask


def codes(said: Mapping[str, Any]) -> list[str]:
    return [check["code"] for check in said["checks"]]


def synced(profile: Path, *more: str) -> int:
    return exit_code(["sync", "--profile", str(profile), "--quiet", *AS_OF, *more])


def test_a_profile_that_never_ran_needs_a_person(status: Status, profile: Path) -> None:
    shutil.rmtree(profile.parent / "state")
    code, said = status()
    assert (code, codes(said), said["good_sync"]) == (1, ["stale"], None)
    assert not (profile.parent / "state").exists()


def test_after_a_sync_all_is_well_until_it_is_too_old_or_fails(
    status: Status, profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = status()
    assert (code, said["checks"], said["attempt"]["exit_code"]) == (0, [], 0)
    assert all(said[key] for key in ("pulled", "decided", "applied", "good_sync"))
    later = datetime.now(UTC) + timedelta(hours=27)
    old = health.examine(profile, moment=later)
    assert [check.code for check in old.checks] == ["stale"]
    assert health.examine(profile, moment=later, max_age=timedelta(hours=28)).healthy
    (profile.parent / "crm" / "people.csv").write_text("id,id\n", "utf-8")
    assert synced(profile) == 4
    code, said = status()
    assert (code, codes(said)) == (1, ["failed"])
    assert exit_code(["status", "--profile", str(profile), "--lang", "zh"]) == 1
    shown = capsys.readouterr().out
    assert "上次同步失败" in shown
    assert "→" in shown


def test_records_in_quarantine_need_a_person(status: Status, profile: Path) -> None:
    orders = profile.parent / "crm" / "orders.csv"
    orders.write_text(orders.read_text("utf-8") + "o9,a1,someday,5\n", "utf-8")
    assert synced(profile, "--lenient") == 0
    code, said = status()
    assert (code, codes(said), said["quarantined"]) == (1, ["quarantine"], 1)


def test_writes_without_an_answer_are_told_and_the_next_sync_settles_them(status: Status, profile: Path) -> None:
    with open_journal(profile.parent / "state" / "journal.sqlite") as journal:
        (intent, *_) = (step.intent for step in journal.steps(journal.runs(["apply"])[0].id))
        run = journal.begin_run("apply", "shop", datetime.now(UTC))
        journal.intend(run, [intent], datetime.now(UTC))
    code, said = status()
    assert (code, codes(said), said["unanswered"]) == (1, ["unanswered"], 1)
    assert synced(profile) == 0
    assert status()[1]["unanswered"] == 0


def test_who_is_at_work_is_told_and_a_dead_run_is_not(status: Status, profile: Path) -> None:
    state = profile.parent / "state"
    with run_lock(state, command="crmrules apply", now=datetime.now(UTC)):
        said = status()[1]
        assert said["running"]["command"] == "crmrules apply"
        assert said["running"]["pid"] == os.getpid()
        left = (state / "run.lock.json").read_text("utf-8")
    (state / "run.lock.json").write_text(left, "utf-8")
    (state / "snapshot.duckdb.stage").touch()
    code, said = status()
    assert (code, said["running"], codes(said)) == (0, {}, ["interrupted-pull"])


def test_metrics_are_read_by_openmetrics_and_by_node_exporters_parser(profile: Path, tmp_path: Path) -> None:
    file = tmp_path / "textfiles" / "crmrules.prom"
    assert exit_code(["status", "--profile", str(profile), "--metrics", str(file), "--quiet"]) == 0
    text = file.read_text("utf-8")
    for parser in (openmetrics, node_exporters):
        samples = {s.name: s for family in parser(text) for s in family.samples}
        assert samples["crmrules_healthy"].value == 1
        assert samples["crmrules_healthy"].labels == {"profile": "shop"}
        assert samples["crmrules_last_good_sync_timestamp_seconds"].value > 1.7e9
        assert samples["crmrules_unanswered_writes"].value == 0
    assert [f.name for f in file.parent.iterdir()] == ["crmrules.prom"]
