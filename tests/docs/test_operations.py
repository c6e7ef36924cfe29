"""docs/operations.md, done literally: from the first look to every night, and back out again."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from crmrules.app.alerts import KINDS
from crmrules.app.demo import digests
from crmrules.cli.main import exit_code
from crmrules.samples import copy_demo

from .tutorial import DOCS, alike, normal, run

PAGE = (DOCS / "operations.md").read_text("utf-8")


def plain(text: str) -> str:
    """Return *text* without the numbers, which are other ones with each change of the sample's rules."""
    return re.sub(r" +", " ", re.sub(r"\d+", "0", normal(text)))


def test_every_command_prints_what_the_page_shows_and_leaving_leaves_nothing(tmp_path: Path) -> None:
    done = list(run(PAGE, tmp_path, "en"))
    wrong = [f"$ {step.text}\n{printed}" for step, printed in done if not alike(plain(step.shown), plain(printed))]
    assert not wrong, "\n".join(wrong)
    copy_demo(tmp_path / "fresh")
    assert digests(tmp_path / "sample" / "crm") == digests(tmp_path / "fresh" / "crm")
    assert "crmrules_healthy" in (tmp_path / "metrics" / "crmrules.prom").read_text("utf-8")


def test_commands_that_are_only_named_exist_with_their_options(capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    named = [line for block in blocks for line in block.splitlines()] + re.findall(r"`(crmrules [^`]+)`", PAGE)
    said = [shlex.split(line)[1:] for line in named if line.startswith("crmrules ")]
    assert len(said) > 5
    for words in said:
        assert exit_code([*words, "--help"]) == 0, words
    capsys.readouterr()


def test_the_alerts_of_the_page_are_those_that_there_are() -> None:
    table = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert tuple(table) == ("on", *KINDS)
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert {kind for one in yaml.safe_load(block)["alerts"] for kind in one.get("on", KINDS)} <= set(KINDS)
