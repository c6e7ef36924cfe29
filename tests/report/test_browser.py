"""The report in a real browser: it requests nothing, complains about nothing and shows something."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from crmrules.model.changes import Plan
from crmrules.report.html import write_report

from .browser import Page, browse, chromium
from .ruleset import RULESET

BINARY = chromium()
pytestmark = pytest.mark.skipif(BINARY is None, reason="no Chromium here: apt-get install chromium")


@pytest.fixture(scope="module")
def report(con: duckdb.DuckDBPyConnection, plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "报告 report.html"
    write_report(path, con, RULESET, plan, profile="demo", language="zh")
    return path


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    assert BINARY is not None
    with browse(BINARY, tmp_path / "profile") as page:
        yield page


def colours(png: bytes) -> int:
    """Return how many different pixel values a PNG's rows hold (filters are left on: a blank page has hardly any)."""
    data, at = b"", 8
    while at < len(png):
        size, kind = int.from_bytes(png[at : at + 4], "big"), png[at + 4 : at + 8]
        data += png[at + 8 : at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    return len(set(zlib.decompress(data)))


def test_it_loads_without_network_and_without_complaints(page: Page, report: Path) -> None:
    page.open(report.as_uri())
    assert page.evaluate("document.title").startswith("客户分类与采购角色报告")
    assert page.requested() == [report.as_uri()]
    assert page.complaints() == []
    assert colours(page.screenshot()) > 50


def test_the_language_can_be_switched(page: Page, report: Path) -> None:
    page.open(report.as_uri())
    heading = "getComputedStyle(document.querySelector('h1 [lang={}]')).display"
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.evaluate(heading.format("en")) == "none"
    page.evaluate("document.getElementById('lang-en').click()")
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.evaluate(heading.format("zh-CN")) == "none"
    assert page.evaluate(heading.format("en")) != "none"
    assert page.complaints() == []


def test_the_changes_can_be_filtered(page: Page, report: Path) -> None:
    page.open(report.as_uri())
    shown = "[...document.querySelectorAll('#change-rows tr')].filter(r => !r.hidden).length"
    assert page.evaluate(shown) == 4
    page.evaluate(
        "(() => { const s = document.querySelector('[data-key=kind]'); s.value = 'note';"
        " s.dispatchEvent(new Event('input', {bubbles: true})); })()"
    )
    assert page.evaluate(shown) == 1


def test_an_account_can_be_chosen_even_without_script(page: Page, report: Path) -> None:
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    page.open(report.as_uri() + "#account-2")
    visible = "[...document.querySelectorAll('.account')].filter(a => a.offsetParent).map(a => a.id).join()"
    page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert page.evaluate(visible) == "account-2"


@pytest.mark.parametrize("width", [360, 820, 1440])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_long_and_hostile_texts_never_break_the_layout(page: Page, report: Path, width: int, language: str) -> None:
    page.open(report.as_uri() + "#account-3", width=width)
    page.evaluate(f"document.getElementById('lang-{language}').click()")
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        page.evaluate("document.querySelectorAll('main script, main img, main [onload], main [onerror]').length") == 0
    )
    assert page.complaints() == []
