"""The document says everything that the ruleset says, to a reader who has never seen YAML."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner

from crmrules.authoring.doc.build import document
from crmrules.authoring.doc.html import to_html
from crmrules.authoring.doc.markdown import to_markdown
from crmrules.authoring.doc.wording import NamedLabels, Wording
from crmrules.authoring.doc.words import DOC
from crmrules.authoring.doc.write import write_document
from crmrules.cli.main import cli
from crmrules.language.loader import load_ruleset
from crmrules.language.ruleset import Ruleset

CORE = Path(__file__).resolve().parents[2] / "rulesets" / "b2b-core"

HEAD = """\
    schema: ruleset-v1
    name: shop
    version: 1.0.0
    label: {zh: 商店, en: "A <b>shop</b>"}
    languages: [zh, en]
    parameters:
      floor: {value: 1000, by: demand_type, cases: {household: 8}, label: {zh: 下限, en: Floor}}
      window: {value: 90d, unit: days, label: {zh: 窗口, en: Window}}
      basis: revenue
"""
CLASSES = """\
    tier:
      of: account
      label: {zh: 等级, en: Tier}
      values: {high: {zh: 高, en: High}, low: {zh: 低, en: Low}}
      rules:
        - id: tier.high
          when:
            annual_revenue: {gte: $floor}
            any: [{$basis: margin, nps: 9}, {$basis: revenue, nps: {gte: 7}}, {not: {city: [a, b]}}]
          then: high
          why: {zh: "超过 {{ parameters.window }},{{ nps }}", en: "Over {{ parameters.window }}: {{ nps | money }}"}
        - {id: tier.margin, when: {$basis: margin, nps: 1}, then: low}
        - {id: tier.ratio, when: {employees: {gt: {field: nps, times: 2}}, created_at: {older_than: $window}}, then: low}
    grown:
      of: account
      label: {zh: 成长, en: Grown}
      values: {"yes": {zh: 是, en: "Yes"}}
      rules: [{id: grown.up, when: {orders_n: {gte: 2}, tier: high}, then: "yes"}]
"""
FEATURES = """\
    account:
      orders_n: {count: order, where: {status: {ne: cancelled}}, within: $window, label: {zh: 订单数, en: Orders}}
      double: {expr: "(orders_n + 1) * 2 - (3 - 1)"}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Ruleset:
    for name, text in (("ruleset", HEAD), ("classes", CLASSES), ("features", FEATURES)):
        (tmp_path / f"{name}.yaml").write_text(dedent(text), encoding="utf-8")
    return load_ruleset(tmp_path)


@pytest.fixture(scope="module")
def core() -> Ruleset:
    return load_ruleset(CORE)


def ids(ruleset: Ruleset) -> Iterator[str]:
    """Every id that a reader may look for."""
    yield from (rule.id for dimension in ruleset.classes.values() for rule in dimension.rules)
    yield from (*ruleset.classes, *ruleset.parameters, *ruleset.features, *ruleset.flags)
    yield from (guard.id for guard in ruleset.guards)
    yield from (write.id for write in ruleset.write)
    assert ruleset.roles is not None
    yield from (*ruleset.roles.roles, *(item.id for item in ruleset.roles.items))
    yield from (question.id for question in ruleset.roles.questions)
    assert ruleset.playbook is not None
    yield from (sentence.id for sentence in ruleset.playbook.sentences)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_everything_in_the_core_stands_in_both_forms(core: Ruleset, language: str) -> None:
    made = document(core, language)
    page, text = to_html(made), to_markdown(made)
    shown = html.unescape(page)
    assert [id for id in ids(core) if f'class="rule">{id}</span>' not in page and f">{id} · " not in page] == []
    assert [id for id in ids(core) if f"`{id}`" not in text] == []
    for dimension in core.classes.values():
        assert dimension.label.of(language) in shown
        assert all(label.of(language) in shown for label in dimension.values.values())
    assert core.roles is not None
    for item in core.roles.items:
        assert core.roles.families[item.family].label.of(language) in shown
    assert all(question.ask.of(language) in shown for question in core.roles.questions)
    assert "{{" not in page
    assert "{{" not in text


def test_the_page_is_alone_and_allows_nothing(core: Ruleset) -> None:
    page = to_html(document(core, "en"))
    assert not re.search(r"<script|https?://|url\(http|@import", page)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in page
    assert " style=" not in page.replace(style[0], "")


def test_links_lead_somewhere(core: Ruleset) -> None:
    page = to_html(document(core, "zh"), "other.html")
    places = set(re.findall(r'\bid="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= places
    assert 'href="other.html"' in page


def test_rules_are_told_with_the_policies_as_they_are(shop: Ruleset) -> None:
    said = Wording(NamedLabels(shop), "en")
    high, margin, ratio = shop.classes["tier"].rules
    assert said.lines("account", high.when) == (
        "Annual revenue ≥ household: 8 / others 1,000",
        "NPS ≥ 7 or City is none of a / b",
    )
    assert said.template("account", high.why) == "Over 90: ‹NPS›"
    assert said.lines("account", margin.when) == ("not under the policies as they are",)
    assert said.sentence("account", ratio.when) == "Employees > 2 × NPS, and Created on is more than 90 days ago"
    assert (
        said.feature(shop.features["orders_n"]) == "number of Order, where Status is not cancelled, in the last 90 days"
    )
    assert said.feature(shop.features["double"]) == "(Orders + 1) × 2 − (3 − 1)"


def test_labels_are_text_and_never_markup(shop: Ruleset) -> None:
    made = document(shop, "en")
    assert "<b>shop" not in to_html(made)
    assert "A &lt;b&gt;shop&lt;/b&gt;" in to_html(made)
    assert to_markdown(made).startswith("# A &lt;b>shop&lt;/b>:")


def test_diagrams_show_what_builds_on_what(shop: Ruleset) -> None:
    made = document(shop, "en")
    flow = next(section for section in made.sections if section.id == "flow")
    stages, depends = (part.flow for part in flow.parts)
    assert stages is not None
    assert depends is not None
    assert ("features", "classes") in stages.links
    assert depends.links == (("tier", "grown"),)
    spots = {box.id: box for box in depends.boxes}
    assert spots["tier"].x + spots["tier"].width < spots["grown"].x
    assert all(box.x >= 0 and box.x + box.width <= depends.width for box in depends.boxes)
    text = to_markdown(made)
    assert '["Tier<br/>Account"]' in text
    assert to_html(made).count("<svg") == text.count("```mermaid") == 2


def test_tables_of_markdown_have_as_many_cells_as_heads(core: Ruleset) -> None:
    heads = 0
    for line in to_markdown(document(core, "zh")).splitlines():
        if not line.startswith("|"):
            heads = 0
            continue
        cells = len(re.findall(r"(?<!\\)\|", line))
        heads = heads or cells
        assert cells == heads, line


def test_every_word_exists_in_both_languages() -> None:
    assert [key for key, said in DOC.items() if not (said.by_language.get("zh") and said.by_language.get("en"))] == []


def test_the_command_writes_the_same_bytes_twice(tmp_path: Path, core: Ruleset) -> None:
    done = CliRunner().invoke(
        cli, ["ruleset", "doc", str(CORE), "--output", str(tmp_path / "a"), "--format", "json"], catch_exceptions=False
    )
    files = [Path(file) for file in json.loads(done.stdout)["files"]]
    assert [file.name for file in files] == [
        f"b2b-core.{lang}.{kind}" for lang in ("zh", "en") for kind in ("html", "md")
    ]
    again = write_document(core, tmp_path / "b", ("zh", "en"))
    assert [file.read_bytes() for file in files] == [file.read_bytes() for file in again]
    alone = write_document(core, tmp_path / "c", ("zh",))
    assert "b2b-core.en.html" not in alone[0].read_text(encoding="utf-8")
