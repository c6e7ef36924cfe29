"""The demo: the whole job on the sample CRM, found done by a second run, and taken back byte for byte."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crmrules.app.demo import digests
from crmrules.cli.main import exit_code
from crmrules.pipeline.planfile import load_plan
from crmrules.samples import copy_demo


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an earlier demo was left, with something that this one must not find."""
    here = tmp_path_factory.mktemp("demo") / "here"
    (here / "crm").mkdir(parents=True)
    (here / ".crmrules-demo").touch()
    (here / "crm" / "Accounts.csv").write_text("left over", encoding="utf-8")
    return here


@pytest.fixture(scope="module")
def shown(folder: Path) -> str:
    """What the demo prints for people."""
    import contextlib
    import io

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert exit_code(["demo", str(folder), "--lang", "en"]) == 0
    return printed.getvalue()


def test_it_ends_with_a_readable_summary(shown: str) -> None:
    lines = shown.split("\nSummary\n")[1].split("\n\n")[0].splitlines()
    summary = dict(line.strip().rsplit("  ", 1) for line in lines)
    figures = {key.strip(): value.strip() for key, value in summary.items()}
    assert int(figures["records pulled"]) > 1000
    assert int(figures["classes given (unknown not counted)"]) > 100
    assert int(figures["contacts with a buying role"]) > 10
    assert int(figures["changes written to the CRM"]) > 100
    assert figures["changes of the second run"] == "0"
    assert figures["restored byte for byte by undo"] == "yes"


def test_it_tells_every_step_in_order_and_why_one_contact_has_his_role(shown: str) -> None:
    steps = [shown.index(f"\n{number}. ") for number in range(1, 7)]
    assert steps == sorted(steps)
    assert "Why? One contact as an example" in shown
    assert "roles.yaml:" in shown
    assert "\x1b" not in shown


def test_the_files_are_those_of_the_sample_again(shown: str, folder: Path, tmp_path: Path) -> None:
    copy_demo(tmp_path / "fresh")
    assert digests(folder / "crm") == digests(tmp_path / "fresh" / "crm")
    assert (folder / "report.html").is_file()


def test_the_plan_tells_in_both_languages_why(shown: str, folder: Path) -> None:
    plans = [load_plan(file) for file in (folder / ".crmrules" / "demo" / "plans").glob("*.json")]
    (plan,) = [plan for plan in plans if plan.changes]
    roles = [change for change in plan.changes if change.rule == "role"]
    flags = [change for change in plan.changes if change.rule.startswith("flag.")]
    assert roles
    assert all(re.fullmatch(r"score [01]\.\d\d \((high|medium)\), from: .+", change.reason_en) for change in roles)
    assert all(change.reason_zh.startswith("得分") for change in roles)
    assert flags
    assert all(change.reason_zh and change.reason_en for change in flags)


def test_it_is_never_made_over_something_else(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert exit_code(["demo", str(tmp_path)]) == 4
    assert (tmp_path / "mine.txt").read_text() == "mine"
