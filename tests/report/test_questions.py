"""Whom to ask what, as `crmrules explain` and the HTML report show it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from crmrules.explain.explain import explain, to_json, to_text
from crmrules.language.ruleset import Asking, Question
from crmrules.model.text import text
from crmrules.report.html import write_report

from .ruleset import RULESET, at
from .world import decided

assert RULESET.roles is not None
BUYS = next(item.id for item in RULESET.roles.items if "purchaser" in item.gives)
WHO_BUYS = Question(
    id="who.buys", role="purchaser", answer=BUYS, ask=text("谁负责下单?", "Who places the order?"), at=at("roles", 40)
)
ASKING = replace(RULESET, roles=replace(RULESET.roles, questions=(WHO_BUYS,), asking=Asking()))


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    con = decided(ruleset=ASKING)
    yield con
    con.close()


def test_an_account_shows_whom_to_ask_what_in_both_languages(con: duckdb.DuckDBPyConnection) -> None:
    (asked,) = explain(con, ASKING, "account", "a2", "en").questions
    assert asked.text == "Who places the order?"
    assert (asked.question, asked.role, asked.at) == ("who.buys", "purchaser", "rulesets/small/roles.yaml:40:3")
    assert asked.ask_contact_id in ("c7", "c8")
    assert asked.about == ""
    english, chinese = (to_text(explain(con, ASKING, "account", "a2", code)) for code in ("en", "zh"))
    assert f"Ask next\n  {asked.ask} [{asked.ask_contact_id}] · ITSM platform: Who places the order?" in english
    assert "nobody in sight so far" in english
    assert "下一步可问" in chinese
    assert "谁负责下单?" in chinese


def test_a_deal_shows_its_own_questions_and_a_contact_those_that_it_may_be_asked(
    con: duckdb.DuckDBPyConnection,
) -> None:
    (asked,) = explain(con, ASKING, "deal", "d2").questions
    assert explain(con, ASKING, "contact", asked.ask_contact_id).questions == (asked,)
    other = {"c7": "c8", "c8": "c7"}[asked.ask_contact_id]
    assert explain(con, ASKING, "contact", other).questions == ()
    assert json.loads(to_json(explain(con, ASKING, "deal", "d2")))["questions"][0]["question"] == "who.buys"


def test_without_questions_nothing_is_asked() -> None:
    assert explain(decided(), RULESET, "account", "a2").questions == ()


def test_the_report_shows_them_with_hostile_names_escaped(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", con, ASKING)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count('<ol class="questions">') >= 2
    assert "<q>Who places the order?</q>" in page
    assert "<q>谁负责下单?</q>" in page
    assert "<img src=x" not in page
