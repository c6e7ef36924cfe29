"""`crmrules ruleset new`"""

from __future__ import annotations

from pathlib import Path

import pytest

from crmrules.errors import RulesetError
from crmrules.language.loader import load_ruleset
from crmrules.language.scaffold import new_ruleset
from crmrules.language.schema import read_document


def test_a_new_ruleset_loads_and_its_case_has_the_right_shape(tmp_path: Path) -> None:
    files = new_ruleset(tmp_path / "mine", "mine")
    ruleset = load_ruleset(tmp_path / "mine")
    assert (ruleset.name, list(ruleset.classes), list(ruleset.flags)) == ("mine", ["frequency"], ["gone_quiet"])
    assert all(file.is_file() for file in files)
    assert read_document(tmp_path / "mine" / "cases" / "regular.yaml", "case-v1").data["id"] == "regular"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RulesetError, match="there is something here already"):
        new_ruleset(tmp_path, "mine")
    with pytest.raises(RulesetError, match="can't be a ruleset's name"):
        new_ruleset(tmp_path / "x", "../x")
