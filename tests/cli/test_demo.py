"""The demo: the whole job on the sample CRM, found done by a second run, and taken back byte for byte."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crmrules.app.demo import digests
from crmrules.cli.main import exit_code
from crmrules.samples import copy_demo


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "here"


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
    summary = dict(
        line.strip().rsplit("  ", 1) for line in shown.split("\nSummary\n")[1].split("\n\n")[0].splitlines()[1:]
    )
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


def test_it_can_be_run_again_but_never_over_something_else(
    shown: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(["demo", str(folder), "--format", "json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["restored"] is True
    assert done["second_run_changes"] == 0
    assert done["written"] == done["changes"] > 100
    (tmp_path / "mine.txt").write_text("mine")
    assert exit_code(["demo", str(tmp_path)]) == 4
    assert (tmp_path / "mine.txt").read_text() == "mine"
