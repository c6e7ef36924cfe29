"""The tutorial, done literally in an empty folder: every command works and prints what the page shows."""

from __future__ import annotations

from pathlib import Path

from openpyxl import load_workbook

from crmrules.app.demo import digests
from crmrules.samples import copy_demo

from .tutorial import DOCS, PAGES, alike, run, steps


def test_every_command_prints_what_the_page_shows(tmp_path: Path) -> None:
    page = PAGES["en"].read_text("utf-8")
    done = list(run(page, tmp_path, "en"))
    wrong = [
        f"$ {step.text}\n{printed}"
        for step, printed in done
        if step.kind == "command" and not alike(step.shown, printed)
    ]
    assert not wrong, "\n".join(wrong)
    said = {step.text.split(" --")[0] for step, _ in done if step.kind == "command"}
    for tool in ("new", "table", "lint", "test", "case", "coverage", "diff", "whatif", "doc"):
        assert any(text.startswith(f"crmrules ruleset {tool} ") for text in said), tool
    for command in ("pull", "decide", "plan", "apply", "explain", "undo"):
        assert any(text.startswith(f"crmrules {command}") for text in said), command
    copy_demo(tmp_path / "fresh")
    assert digests(tmp_path / "sample" / "crm") == digests(tmp_path / "fresh" / "crm")


def test_the_chinese_page_has_the_same_steps() -> None:
    english, chinese = (steps(PAGES[language].read_text("utf-8")) for language in ("en", "zh"))
    assert [(step.kind, step.text) for step in english] == [(step.kind, step.text) for step in chinese]
    assert all(bool(one.shown) == bool(other.shown) for one, other in zip(english, chinese, strict=True))


def test_the_clients_workbook_says_what_the_page_says_of_it() -> None:
    page = PAGES["en"].read_text("utf-8")
    sheet = load_workbook(DOCS / "tutorial" / "thresholds.xlsx").active
    assert sheet is not None
    for row in sheet.iter_rows(values_only=True):
        line = " | ".join(
            "" if cell is None else str(cell) for cell in row if not (isinstance(cell, str) and cell > "\u2e80")
        )
        assert line.split(" | ")[0] in page
        assert all(str(cell) in page for cell in row if cell is not None and str(cell) < "\u2e80")
