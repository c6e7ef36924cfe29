"""Wrong rulesets, profiles, mappings and cases, each with the message that its author gets beside it.

A folder holds a ruleset (in ``child`` where it extends another one), or a ``profile.yaml``,
``mapping.yaml`` or ``case.yaml``; ``expected.txt`` is what must be said, places relative to the folder.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from crmrules.errors import RulesetError
from crmrules.language.loader import load_ruleset
from crmrules.language.schema import read_document

INVALID = Path(__file__).parent / "invalid"
EXAMPLES = sorted(
    folder.name for folder in INVALID.iterdir() if folder.is_dir() and not folder.name.startswith("records-")
)


def said_about(folder: Path) -> str:
    for kind in ("profile", "mapping", "case"):
        if (folder / f"{kind}.yaml").is_file():
            with pytest.raises(RulesetError) as caught:
                read_document(folder / f"{kind}.yaml", f"{kind}-v1")
            break
    else:
        with pytest.raises(RulesetError) as caught:
            load_ruleset(folder / "child" if (folder / "child").is_dir() else folder)
    return str(caught.value).replace(f"{folder}/", "") + "\n"


@pytest.mark.parametrize("name", EXAMPLES)
def test_says_what_is_wrong_where_and_what_would_do(name: str) -> None:
    expected = (INVALID / name / "expected.txt").read_text(encoding="utf-8")
    assert said_about(INVALID / name) == expected


def test_there_are_plenty_of_wrong_examples() -> None:
    assert len(EXAMPLES) >= 45
