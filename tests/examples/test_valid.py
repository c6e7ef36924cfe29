"""Right rulesets, profiles, mappings and cases; many of them look like one of the wrong ones beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmrules.language.loader import load_ruleset
from crmrules.language.schema import read_document

VALID = Path(__file__).parent / "valid"


@pytest.mark.parametrize("name", sorted(folder.name for folder in VALID.iterdir() if folder.is_dir()))
def test_nothing_is_wrong_with_it(name: str) -> None:
    for kind in ("profile", "mapping", "case"):
        if (VALID / name / f"{kind}.yaml").is_file():
            assert read_document(VALID / name / f"{kind}.yaml", f"{kind}-v1").data
            return
    folder = VALID / name / "child" if (VALID / name / "child").is_dir() else VALID / name
    assert load_ruleset(folder).digest
