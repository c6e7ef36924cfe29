"""Small rulesets, written on the spot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from crmrules.errors import RulesetError
from crmrules.language.loader import load_ruleset
from crmrules.language.ruleset import Ruleset

HEAD = "schema: ruleset-v1\nname: {name}\nversion: 1.0.0\nlanguages: [zh, en]\n"

Write = Callable[..., Path]
Load = Callable[..., Ruleset]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a ruleset: ``write("small", features="...", head="extends: [base]")``; return its folder."""

    def write(name: str = "small", head: str = "", **sections: str) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "ruleset.yaml").write_text(HEAD.format(name=name) + dedent(head), encoding="utf-8")
        for section, text in sections.items():
            (folder / f"{section}.yaml").write_text(dedent(text), encoding="utf-8")
        return folder

    return write


@pytest.fixture
def load(write: Write) -> Load:
    """Write a ruleset and load it; ``overrides`` are parameters that the caller gives."""

    def load(
        name: str = "small", head: str = "", overrides: Mapping[str, object] | None = None, **sections: str
    ) -> Ruleset:
        return load_ruleset(write(name, head, **sections), overrides=overrides or {})

    return load


@pytest.fixture
def complaints(write: Write) -> Callable[..., list[str]]:
    """Write a wrong ruleset; return ``code: message`` of every problem."""

    def complaints(head: str = "", **sections: str) -> list[str]:
        with pytest.raises(RulesetError) as caught:
            load_ruleset(write("wrong", head, **sections))
        return [f"{problem.code}: {problem.message}" for problem in caught.value.problems]

    return complaints
