"""b2b-core asks whom a good key-account manager would ask, and says so in its notes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from crmrules.language.loader import load_ruleset
from crmrules.pipeline.decide import decide
from crmrules.plugins.host import installed
from crmrules.stores.snapshot import empty_snapshot, load_rows

B2B_CORE = Path(__file__).resolve().parents[2] / "rulesets" / "b2b-core"
AS_OF = date(2026, 6, 30)
ACCOUNTS = [
    {"id": "a1", "name": "Nordwind Pumpen", "demand_type": "enterprise"},
    {"id": "a2", "name": "Familie Sommer", "demand_type": "household"},
]
PEOPLE = [
    ("c1", "a1", "Ilse Brandt", "General Manager", None, None),
    ("c2", "a1", "Jonas Petri", "Maintenance Supervisor", "c1", None),
    ("c3", "a1", "Karl Ost", "Auditor", None, "TÜV Nord"),
    ("c4", "a2", "Mia Sommer", None, None, None),
]
CONTACTS = [
    {"id": id, "account_id": account, "name": name, "title": title, "reports_to_id": boss, "organisation": outside,
     "status": "active"}
    for id, account, name, title, boss, outside in PEOPLE
]  # fmt: skip
DEALS = [
    {"id": f"d{n}", "account_id": f"a{n}", "name": "Pumps", "status": "open", "stage": "evaluation",
     "created_at": date(2026, 5, 1)}
    for n in (1, 2)
]  # fmt: skip
CALLS = [
    {"id": f"t{n}", "account_id": "a1", "deal_id": "d1", "date": date(2026, 6, n + 1), "type": "call", "direction": "both",
     "text": "talked about the schedule"}
    for n in range(4)
]  # fmt: skip


@pytest.fixture(scope="module", params=["zh", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def con(language: str) -> Iterator[duckdb.DuckDBPyConnection]:
    con = duckdb.connect()
    empty_snapshot(con)
    taking_part = [
        {"activity_id": f"t{n}", "contact_id": who, "part": "participant"} for n in range(4) for who in ("c2", "c3")
    ]
    for name, rows in (
        ("account", ACCOUNTS), ("contact", CONTACTS), ("deal", DEALS), ("activity", CALLS),
        ("activity_contact", taking_part),
    ):  # fmt: skip
        load_rows(con, name, rows)
    host = installed()
    decide(
        con, load_ruleset(B2B_CORE), as_of=AS_OF, engine=host.engine("python"), renderer=host.renderer("jinja"),
        language=language,
    )  # fmt: skip
    yield con
    con.close()


def test_the_one_in_touch_beside_the_likely_decider_is_asked_and_no_outsider(con: duckdb.DuckDBPyConnection) -> None:
    asked = con.execute("SELECT deal_id, ask_contact_id, role FROM question ORDER BY place").fetchall()
    assert len(asked) == 3
    assert {deal for deal, _, _ in asked} == {"d1"}  # a household has no such roles
    assert {who for _, who, _ in asked} == {"c2"}
    about = con.execute("SELECT about_contact_id FROM question WHERE role = 'approver'").fetchall()
    assert about in ([], [("c1",)])


def test_the_notes_say_whom_to_ask_what(con: duckdb.DuckDBPyConnection, language: str) -> None:
    ((text,),) = con.execute(f"SELECT question_{language} FROM question WHERE account_place = 1").fetchall()
    notes = dict(con.execute("SELECT record_id, body FROM note").fetchall())
    assert f"Jonas Petri{':' if language == 'zh' else ': '}{text}" in notes["a1"]
    assert text in notes["c2"]
    assert text not in notes["c1"]


def test_every_question_is_a_question_in_both_languages() -> None:
    model = load_ruleset(B2B_CORE).roles
    assert model is not None
    asked = {question.role for question in model.questions}
    assert {"decision_maker", "approver", "technical_evaluator", "purchaser", "user", "influencer"} <= asked
    for question in model.questions:
        assert all(question.ask.of(language).endswith("?") for language in ("zh", "en"))
