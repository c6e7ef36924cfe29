"""`crmrules decide` and the report say which texts no phrase knows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crmrules.cli.main import exit_code

from . import world

PHRASES = """\
negations: [不]
honorifics: [总]
speech_verbs: [说]
cues:
  i_decide: {about: speaker, match: [我拍板], example: 我拍板}
"""
ACTIVITY = (
    "    activity: {from: acts, fields: {id: id, account_id: account, date: date, type: type, direction: direction, "
    "text: text}}\n"
)
TEXTS = [
    ("a1", "sends the monthly invoice"),
    ("a2", "sends the monthly invoice"),
    ("a3", "monthly invoice"),
    ("a1", "我拍板"),
]


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = world.make(tmp_path, phrases=PHRASES)
    said = path.read_text(encoding="utf-8")
    path.write_text(said.replace("    deal:", f"{ACTIVITY}    deal:"), encoding="utf-8")
    rows = [f"t{n},{account},2026-06-01,call\x1b[31m,in,{text}" for n, (account, text) in enumerate(TEXTS)]
    (path.parent / "crm" / "acts.csv").write_text(
        "\n".join(["id,account,date,type,direction,text", *rows, ""]), encoding="utf-8"
    )
    return path


def test_decide_counts_them_in_both_languages_and_for_machines(
    profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> str:
        assert exit_code([*arguments, "--profile", str(profile)]) == 0
        return capsys.readouterr().out

    run("pull")
    english = run("decide", "--as-of", "2026-07-01", "--lang", "en")
    assert "no phrase stands in 3 of 4 texts of activities: call[31m 3" in english
    assert "what recurs in them: monthly invoice 3" in english
    assert "\x1b" not in english
    chinese = run("decide", "--as-of", "2026-07-01", "--lang", "zh")
    assert "4 段活动文本中有 3 段没有任何短语匹配" in chinese
    told = json.loads(run("decide", "--as-of", "2026-07-01", "--format", "json"))
    assert (told["texts"], told["unheard_phrases"]) == (4, {"monthly invoice": 3})
    run("report", str(profile.parent / "page.html"))
    page = (profile.parent / "page.html").read_text(encoding="utf-8")
    assert "Texts in which no phrase stands" in page
    assert "没有短语匹配的文本" in page
    assert "monthly invoice" in page
