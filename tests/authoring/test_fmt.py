"""One way of writing a ruleset: nothing said is lost, nothing changes the second time."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import fields, is_dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmrules.authoring.fmt.layout import NotLaidOut, laid_out
from crmrules.authoring.fmt.ruleset import format_ruleset, formatted_text
from crmrules.authoring.yaml_text import comments_of, flow
from crmrules.cli.main import exit_code
from crmrules.errors import Location, RulesetError
from crmrules.language.document import parse
from crmrules.language.key_order import ordered, shape_of
from crmrules.language.loader import load_ruleset

RULESETS = Path(__file__).resolve().parents[2] / "rulesets"
PACKS = sorted(folder.name for folder in RULESETS.iterdir() if (folder / "ruleset.yaml").is_file())

MESSY = """\


# About the whole file.
tier:     # who is worth what
    values: { low: {zh: 低,   en: "Low"},high: {en: High, zh: 高} }
    # of whom
    of:   account


    # the cautious guess
    otherwise: low # end
    rules:
    - then: high
      # why so
      id:   'tier.high'
      when:
            nps:   {lt: 10,gte: 9}   # both
            not: {city: x}
      why:
          zh: |
             第一行 # no comment
               第二行

          en: "one
            two"
    # commented out:
    #   - {id: gone}
    -   {then: low, id: tier.low, when: {}}
      # deeper
last:
  {of: account, copy: demand_type,
      values: {a: {zh: 甲, en: A}}}   # done
# the end
"""
CLEAN = """\
# About the whole file.
tier:  # who is worth what
  # of whom
  of: account
  values: {low: {zh: 低, en: "Low"}, high: {en: High, zh: 高}}
  rules:
    # why so
    - id: 'tier.high'
      when:
        nps: {lt: 10, gte: 9}  # both
        not: {city: x}
      then: high
      why:
        zh: |
           第一行 # no comment
             第二行

        en: "one
          two"
    # commented out:
    #   - {id: gone}
    - {id: tier.low, when: {}, then: low}

  # the cautious guess
  otherwise: low  # end
  # deeper
last:
  {of: account, copy: demand_type,
      values: {a: {zh: 甲, en: A}}}   # done
# the end
"""


def bare(value: Any) -> Any:
    """A loaded part without the places it came from."""
    if isinstance(value, Location):
        return None
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__, [
            (f.name, bare(getattr(value, f.name))) for f in fields(value) if f.name != "folder"
        ]
    if isinstance(value, dict):
        return [(key, bare(inner)) for key, inner in value.items()]
    return [bare(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def test_keys_get_an_order_and_comments_stay_where_they_were() -> None:
    assert formatted_text(MESSY, shape_of("classes")).splitlines() == CLEAN.splitlines()
    assert formatted_text(CLEAN, shape_of("classes")) == CLEAN


def test_what_an_author_orders_keeps_its_order() -> None:
    when = "when: {nps: {lte: 1, gt: 0}, any: [{b: 1, a: 2}], a: 1}"
    text = f"b: {{label: {{en: B, zh: 乙}}, {when}, of: account}}\na: null\n"
    assert formatted_text(text, shape_of("flags")) == f"b: {{of: account, {when}, label: {{en: B, zh: 乙}}}}\na: null\n"


def test_the_core_says_the_same_afterwards(tmp_path: Path) -> None:
    folder = tmp_path / "b2b-core"
    shutil.copytree(RULESETS / "b2b-core", folder, ignore=shutil.ignore_patterns("cases"))
    before, said = load_ruleset(folder), comments_in(folder)
    assert format_ruleset(folder, write=True).left == ()
    after = load_ruleset(folder)
    assert after.digest == before.digest
    assert bare(after) == bare(before)
    assert comments_in(folder) == said


@pytest.mark.parametrize("name", PACKS)
def test_packs_can_be_laid_out_and_settle_at_once(name: str, tmp_path: Path) -> None:
    shutil.copytree(RULESETS / name, tmp_path / name, ignore=shutil.ignore_patterns("cases"))
    assert format_ruleset(tmp_path / name, write=True).left == ()
    assert format_ruleset(tmp_path / name, write=True).changed == ()


def comments_in(folder: Path) -> Counter[str]:
    return Counter(c.text for file in folder.rglob("*.yaml") for c in comments_of(file.read_text(encoding="utf-8")))


words = st.text("ab中#: -'\"{}[],?&*!|>%@`\n", max_size=8)
values = st.recursive(
    words | st.integers(-(10**9), 10**9) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


def block(value: Any, indent: str, step: str) -> list[str]:
    """Any data as YAML in block style, indented as *step* says."""
    if isinstance(value, dict) and value:
        lines = []
        for key, inner in value.items():
            nested = block(inner, indent + step, step)
            lines += (
                [f"{indent}{flow(key)}:  # {len(lines)}", *nested]
                if nested
                else [f"{indent}{flow(key)}:   {flow(inner)}"]
            )
        return lines
    if isinstance(value, list) and value:
        return [f"{indent}# item", *(f"{indent}-  {flow(inner)} # x" for inner in value)]
    return []


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(words, values, min_size=1, max_size=4), st.sampled_from([" ", "   ", "     "]))
def test_any_document_keeps_its_data_and_comments_and_settles_at_once(data: dict[str, Any], step: str) -> None:
    text = "\n".join(block(data, "", step)) + "\n"
    assert parse(text, "").data == data
    once = laid_out(text, {})
    assert parse(once, "").data == data
    assert Counter(c.text for c in comments_of(once)) == Counter(c.text for c in comments_of(text))
    assert laid_out(once, {}) == once


def test_the_digest_knows_no_order_of_an_entrys_keys_but_that_of_entries() -> None:
    shape = shape_of("flags")
    one = {"a": {"of": "account", "when": {"x": 1, "y": 2}}, "b": None}
    other = {"a": {"when": {"x": 1, "y": 2}, "of": "account"}, "b": None}
    assert json.dumps(ordered(one, shape)) == json.dumps(ordered(other, shape))
    assert json.dumps(ordered({"b": None, "a": None}, shape)) != json.dumps(ordered({"a": None, "b": None}, shape))
    assert list(ordered(one, shape)["a"]["when"]) == ["x", "y"]


@pytest.mark.parametrize("text", ["---\na: 1\n", "a: &x 1\nb: *x\n", "a: 1\n...\n"])
def test_what_can_not_be_laid_out_is_left_alone(text: str) -> None:
    with pytest.raises(NotLaidOut):
        formatted_text(text, {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    head = "version: 1.0.0\nname:   shop\nschema: ruleset-v1   # v1\nlanguages: [zh,en]\n"
    (tmp_path / "ruleset.yaml").write_text(head, encoding="utf-8")
    (tmp_path / "classes").mkdir()
    (tmp_path / "classes" / "tier.yaml").write_text(dedent(CLEAN), encoding="utf-8")
    return tmp_path


def test_check_writes_nothing_and_tells(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "ruleset.yaml").read_bytes()
    assert exit_code(["ruleset", "fmt", str(folder), "--check", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"changed": ["ruleset.yaml"], "left": []}
    assert (folder / "ruleset.yaml").read_bytes() == before
    assert exit_code(["ruleset", "fmt", str(folder), "--lang", "en"]) == 0
    assert capsys.readouterr().out == "formatted: ruleset.yaml\n"
    assert (folder / "ruleset.yaml").read_text(encoding="utf-8") == (
        "schema: ruleset-v1  # v1\nname: shop\nversion: 1.0.0\nlanguages: [zh, en]\n"
    )
    assert exit_code(["ruleset", "fmt", str(folder), "--check"]) == 0


def test_a_broken_file_stops_all_of_it(folder: Path) -> None:
    (folder / "flags.yaml").write_text("a: [", encoding="utf-8")
    before = (folder / "ruleset.yaml").read_bytes()
    with pytest.raises(RulesetError, match=r"flags\.yaml"):
        format_ruleset(folder, write=True)
    assert (folder / "ruleset.yaml").read_bytes() == before
