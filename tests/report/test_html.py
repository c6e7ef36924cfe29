"""The HTML report as a text: complete, escaped, bounded, the same for the same decision."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from crmrules.errors import DataError
from crmrules.model.changes import Plan
from crmrules.report.html import write_report
from crmrules.report.overview import MOST_CHANGES

from .ruleset import RULESET
from .world import HOSPITAL, Records, decided


class Elements(HTMLParser):
    """Collects every element with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def page(con: duckdb.DuckDBPyConnection, plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("html") / "new" / "report.html"
    write_report(path, con, RULESET, plan, profile="demo")
    assert list(path.parent.iterdir()) == [path]
    return path.read_text(encoding="utf-8")


def test_nothing_in_it_points_outside(page: str) -> None:
    for tag, attributes in Elements(page).found:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base")
        for name in ("src", "href", "action", "data", "srcset"):
            assert not attributes.get(name) or str(attributes[name]).startswith("#")
        assert not any(name.startswith("on") or name == "style" for name in attributes)
    assert "url(" not in page
    assert "@import" not in page


def test_the_policy_names_the_only_style_and_script_and_forbids_the_rest(page: str) -> None:
    elements = Elements(page).found
    assert [tag for tag, _ in elements].count("script") == 1
    assert [tag for tag, _ in elements].count("style") == 1
    policy = next(str(a["content"]) for t, a in elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_hostile_text_is_text(page: str) -> None:
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}" in page
    assert not set("\u200f\u202e") & set(page)


def test_it_says_what_it_is_about(page: str) -> None:
    for told in (
        "small@1.0.0",
        "2026-06-30",
        "abc123def456",
        "江州市第一人民医院",
        "High value",
        "高价值",
        "orders.csv",
    ):
        assert (told in page) is (told != "orders.csv")
    assert "not a date" in page  # the quarantined order
    assert "act.approval" in page


def test_every_change_of_the_plan_stands_in_the_table_up_to_a_cap(
    con: duckdb.DuckDBPyConnection, plan: Plan, tmp_path: Path
) -> None:
    many = replace(plan, changes=tuple(replace(plan.changes[0], id=n) for n in range(1, MOST_CHANGES + 8)))
    write_report(tmp_path / "many.html", con, RULESET, many)
    page = (tmp_path / "many.html").read_text(encoding="utf-8")
    assert page.count('<tr data-kind="tag"') == MOST_CHANGES
    assert "7 more stand in the plan" in page


def test_languages_are_marked_and_both_are_there(page: str) -> None:
    elements = Elements(page).found
    assert next(a for t, a in elements if t == "html")["lang"] == "zh-CN"
    marked = [a["lang"] for t, a in elements if "t" in str(a.get("class") or "").split()]
    assert set(marked) == {"zh-CN", "en"}
    assert marked.count("en") == marked.count("zh-CN")


def test_ids_are_unique_and_every_label_of_a_region_exists(page: str) -> None:
    elements = Elements(page).found
    ids = [a["id"] for _, a in elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in elements:
        assert set(str(attributes.get("aria-labelledby") or "").split()) <= set(map(str, ids))


def test_the_same_decision_gives_the_same_bytes(plan: Plan, tmp_path: Path) -> None:
    turned: Records = {name: list(reversed(records)) for name, records in HOSPITAL.items()}
    for name, world in (("a", HOSPITAL), ("b", turned)):
        write_report(tmp_path / f"{name}.html", decided(world), RULESET, plan)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_an_empty_crm_has_a_report_too(tmp_path: Path) -> None:
    write_report(tmp_path / "empty.html", decided({}), RULESET, None, language="en")
    page = (tmp_path / "empty.html").read_text(encoding="utf-8")
    assert "There is no plan in this report." in page
    assert "No accounts." in page


def test_a_ruleset_of_classes_only(plan: Plan, tmp_path: Path) -> None:
    bare = replace(
        RULESET, roles=None, flags={}, guards=(), playbook=None, write=(),
        features={n: f for n, f in RULESET.features.items() if n != "champions"},
    )  # fmt: skip
    write_report(tmp_path / "bare.html", decided(ruleset=bare), bare, plan)
    assert "江州市第一人民医院" in (tmp_path / "bare.html").read_text(encoding="utf-8")


def test_without_a_decision_there_is_no_report_and_the_old_one_stays(tmp_path: Path) -> None:
    (tmp_path / "r.html").write_text("old", encoding="utf-8")
    con = decided({})
    con.execute("DELETE FROM meta")
    with pytest.raises(DataError, match="nothing was decided"):
        write_report(tmp_path / "r.html", con, RULESET)
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == "old"
