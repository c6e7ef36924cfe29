"""The words of the shipped ruleset, loaded alone so that these tests are about words only."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from crmrules.language.loader import load_ruleset
from crmrules.language.ruleset import Ruleset

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Ruleset:
    folder = tmp_path_factory.mktemp("words")
    for name in ("lexicons.yaml", "phrases.yaml"):
        shutil.copy(ROOT / "rulesets" / "b2b-core" / name, folder / name)
    header = "schema: ruleset-v1\nname: words\nversion: 1.0.0\nlabel: {zh: 词, en: words}\nlanguages: [zh, en]\n"
    (folder / "ruleset.yaml").write_text(header, encoding="utf-8")
    return load_ruleset(folder)
