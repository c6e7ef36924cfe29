"""docs/rulesets.md: every block that names its file is loaded as it stands, and the tables are fresh."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from crmrules.language.loader import load_ruleset
from crmrules.language.merge import SECTIONS
from crmrules.language.ruleset import Aggregate, Aggregation, Score
from crmrules.language.schema import read_document
from crmrules.plugins.host import installed
from crmrules.testing.cases import run_cases

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "rulesets.md").read_text(encoding="utf-8")
_BLOCKS = re.compile(r"^```(?:yaml\n# (?P<yaml>\S+)\n|csv (?P<csv>\S+)\n)(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All blocks of the page as files."""
    root = tmp_path_factory.mktemp("docs")
    for block in _BLOCKS.finditer(PAGE):
        file = root / (block["yaml"] or block["csv"])
        file.parent.mkdir(parents=True, exist_ok=True)
        assert not file.exists(), f"{file} stands twice on the page"
        file.write_text(block["text"], encoding="utf-8")
    # mapping and profile of the worked example lie beside the ruleset, not in it
    for name in ("mapping.yaml", "profile.yaml"):
        (root / "rfm" / name).rename(root / name)
    return root


def test_every_yaml_block_names_its_file() -> None:
    assert PAGE.count("```yaml\n") == len([b for b in _BLOCKS.finditer(PAGE) if b["yaml"]])


@pytest.mark.parametrize("name", ["shop", "shop-retail", "rfm"])
def test_the_examples_load(examples: Path, name: str) -> None:
    assert load_ruleset(examples / name).name == name


def test_mapping_profile_and_cases_have_the_right_shape(examples: Path) -> None:
    read_document(examples / "mapping.yaml", "mapping-v1")
    read_document(examples / "profile.yaml", "profile-v1")
    for case in sorted(examples.glob("*/cases/*.yaml")):
        read_document(case, "case-v1")


def test_the_page_shows_every_section_aggregation_and_score(examples: Path) -> None:
    ruleset = load_ruleset(examples / "shop")
    aggregates = {f.agg for f in ruleset.features.values() if isinstance(f, Aggregate)}
    assert aggregates == set(Aggregation.__args__)  # type: ignore[attr-defined]
    scores = {f.by for f in ruleset.features.values() if isinstance(f, Score)}
    assert scores == {"cuts", "quantile", "ntile", "rank", "percent_rank", "share_before"}
    for section in SECTIONS:
        assert f"## {section.capitalize()}\n" in PAGE
        assert (examples / "shop" / f"{section}.yaml").exists() or (examples / "shop" / section).is_dir()


@pytest.mark.parametrize("name", ["shop", "rfm"])
def test_the_cases_on_the_page_pass(examples: Path, name: str) -> None:
    host = installed()
    report = run_cases(examples / name, engine=host.engine("python"), renderer=host.renderer("jinja"))
    assert report.expectations
    assert report.failures == ()


def test_overriding_does_what_the_page_says(examples: Path) -> None:
    ruleset = load_ruleset(examples / "shop-retail")
    assert ruleset.classes["value_tier"].otherwise == "unknown"
    assert [rule.id for rule in ruleset.classes["value_tier"].rules] == ["value.high"]
    assert "segment" not in ruleset.classes
    assert ruleset.parameters["window"].value == 180


def test_the_generated_tables_are_fresh() -> None:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert generate.rulesets(PAGE) == PAGE, "run: python docs/generate.py rulesets"
