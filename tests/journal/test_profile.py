"""A profile that names a database for its journal: whole rounds, rehearsals, and two machines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cli import world
from crmrules.cli.main import exit_code
from crmrules.stores.journal import database_lock

Run = Callable[..., Any]
TABLES = ("run", "intent", "receipt", "written", "label")


@pytest.fixture
def run(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on a small CRM whose profile keeps its journal in the database."""
    profile = world.make(tmp_path)
    said = profile.read_text(encoding="utf-8")
    profile.write_text(said + "journal: {env: JOURNAL}\n", encoding="utf-8")
    monkeypatch.setenv("JOURNAL", database)

    def command(*arguments: str, code: int = 0) -> Any:
        got = exit_code([*arguments, "--profile", str(profile), "--lang", "en", "--format", "json"])
        said = capsys.readouterr()
        assert got == code, said.err
        return json.loads(said.out or said.err)

    return command


def rows(database: str) -> list[int]:
    with psycopg.connect(database) as con:
        return [con.execute(f"SELECT count(*) FROM {table}".encode()).fetchall()[0][0] for table in TABLES]


def test_a_round_a_rehearsal_and_back(run: Run, database: str, tmp_path: Path) -> None:
    run("sync", "--as-of", "2026-07-01")
    assert not list(tmp_path.rglob("journal.sqlite"))
    assert [r["kind"] for r in run("runs")["runs"]] == ["apply", "pull"]
    before = rows(database)
    run("sync", "--as-of", "2026-07-01", "--dry-run")
    assert rows(database) == before
    assert run("sync", "--as-of", "2026-07-01")["plan"]["changes"] == 0
    run("undo", "--everything", "--yes")
    assert [r["kind"] for r in run("runs")["runs"]] == ["undo", "apply", "pull", "apply", "pull"]


def test_nobody_else_works_on_the_profile_at_the_same_time(run: Run, database: str) -> None:
    with database_lock(database, "shop", command="crmrules sync"):
        assert "run-in-progress" in json.dumps(run("pull", code=6))
    run("pull")


def test_a_secret_that_is_missing_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOURNAL")
    assert "the environment variable JOURNAL is not set" in json.dumps(run("pull", code=3))
