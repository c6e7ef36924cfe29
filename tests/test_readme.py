"""What the README shows is what works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crmrules.language.loader import load_ruleset
from crmrules.language.profile import load_profile

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"```yaml\n# (\S+)\n(.*?)```", re.S)
READMES = ("README.md", "README.zh-CN.md", "connectors/crmrules_files/README.md")


def blocks(readme: str) -> dict[str, str]:
    return dict(BLOCK.findall((ROOT / readme).read_text(encoding="utf-8")))


def test_the_profile_loads(tmp_path: Path) -> None:
    profile = tmp_path / "crmrules.yaml"
    profile.write_text(blocks("README.md")["crmrules.yaml"], encoding="utf-8")
    assert load_profile(profile).connector == "files"


@pytest.mark.parametrize("readme", READMES[:2])
def test_the_clients_ruleset_loads_with_the_class_that_is_shown(tmp_path: Path, readme: str) -> None:
    shown = blocks(readme)
    folder = tmp_path / "my-client"
    folder.mkdir()
    (folder / "ruleset.yaml").write_text(shown["my-client/ruleset.yaml"], encoding="utf-8")
    assert load_ruleset(folder, search=[ROOT / "rulesets"]).parameters["value_high_min"].value == 3_000_000
    (folder / "classes.yaml").write_text(shown["classes.yaml"], encoding="utf-8")
    assert "worth.high" in {r.id for r in load_ruleset(folder, search=[ROOT / "rulesets"]).classes["worth"].rules}


@pytest.mark.parametrize("readme", READMES)
def test_links_lead_somewhere(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    targets = [t for t in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in t]
    assert [t for t in targets if not (ROOT / readme).parent.joinpath(t).exists()] == []
