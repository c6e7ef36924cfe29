"""`crmrules ruleset new`"""

from __future__ import annotations

from pathlib import Path

import pytest

from crmrules.errors import RulesetError
from crmrules.language.loader import load_ruleset
from crmrules.language.scaffold import new_ruleset
from crmrules.plugins.host import installed
from crmrules.testing.cases import run_cases


def test_a_new_ruleset_loads(tmp_path: Path) -> None:
    files = new_ruleset(tmp_path / "mine", "mine")
    ruleset = load_ruleset(tmp_path / "mine")
    assert (ruleset.name, list(ruleset.classes), list(ruleset.flags)) == ("mine", ["frequency"], ["gone_quiet"])
    assert all(file.is_file() for file in files)


def test_its_case_passes(tmp_path: Path) -> None:
    new_ruleset(tmp_path / "mine", "mine")
    host = installed()
    report = run_cases(tmp_path / "mine", engine=host.engine("python"), renderer=host.renderer("jinja"))
    assert report.expectations
    assert report.failures == ()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RulesetError, match="there is something here already"):
        new_ruleset(tmp_path, "mine")
    with pytest.raises(RulesetError, match="can't be a ruleset's name"):
        new_ruleset(tmp_path / "x", "../x")
