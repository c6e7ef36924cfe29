"""Where nobody is known to play a role, the questions that teach most are asked of whom is likely to know."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from math import log2
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmrules.errors import RulesetError
from crmrules.language.ruleset import Ruleset

from .world import AS_OF, ROLES, decided, ruleset

ITEMS = """
  title: {of: contact, who: id, family: position, when: {title: {matches: boss}}, gives: {decision_maker: 0.5}}
  told: {of: contact, who: id, family: said, when: {title: {matches: told}}, gives: {decision_maker: 0.55, approver: 0.3}}
  hint: {of: contact, who: id, family: said, when: {title: {matches: hint}}, gives: {decision_maker: 0.15}}
  signature: {of: contact, who: id, family: formal, when: {title: {matches: signs}}, gives: {decision_maker: 0.80}}
  denial: {of: contact, who: id, family: other, when: {title: {matches: denies}}, against: {decision_maker: 0.60}}
  nobody: {of: contact, who: id, family: other, when: {title: {matches: outsider}}, against: {ALL: 0.80}}
  uses: {of: contact, who: id, family: said, when: {title: {matches: uses}}, gives: {user: 0.65}}
  helps: {of: activity_contact, who: contact_id, date: activity.date, family: other, when: {activity.type: help}, stance: champion}
  fights: {of: activity_contact, who: contact_id, date: activity.date, family: other, when: {activity.type: fight}, stance: opponent}
questions:
  who.decides: {answer: told, ask: {zh: 谁拍板?, en: Who decides?}}
"""
USERS = "  who.uses: {answer: uses, worth: 0.5, ask: {zh: 谁使用?, en: Who uses it?}}\n"
READY = "asking: {stance: {champion: 1, unknown: 0.5, opponent: 0.1}}\n"
DEAL = {"id": "d1", "account_id": "a1", "name": "Deal", "status": "open", "amount": 100}
GUARD = "no: {of: contact, effect: no_role, when: {opt_out: true}, why: {zh: 拒绝, en: refuses}}\n"


def contact(id: str, title: str = "", **more: Any) -> dict[str, Any]:
    return {"id": id, "account_id": "a1", "name": id.upper(), "title": title, **more}


def exchange(id: str, with_: str, type: str = "call", days: int = 10) -> dict[str, list[dict[str, Any]]]:
    activity = {"id": id, "account_id": "a1", "type": type, "direction": "in", "date": AS_OF - timedelta(days=days)}
    return {
        "activity": [activity],
        "activity_contact": [{"activity_id": id, "contact_id": with_, "part": "participant"}],
    }


def world(
    contacts: Sequence[dict[str, Any]], *exchanges: dict[str, list[dict[str, Any]]], deal: bool = True
) -> dict[str, Any]:
    joined: dict[str, Any] = {"account": [{"id": "a1", "name": "Account"}], "contact": list(contacts)}
    if deal:
        joined["deal"] = [DEAL]
    for one in exchanges:
        for name, rows in one.items():
            joined.setdefault(name, []).extend(rows)
    return joined


def questions(con: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    found = con.execute("SELECT * FROM question ORDER BY account_id, deal_id, place")
    names = [d[0] for d in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Ruleset:
    return ruleset(tmp_path_factory.mktemp("rules"), roles=ROLES + ITEMS, guards=GUARD)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Ruleset:
    return ruleset(tmp_path_factory.mktemp("ready"), roles=ROLES + ITEMS + USERS + READY)


def test_a_role_that_nobody_is_known_to_play_is_asked_for(rules: Ruleset) -> None:
    (asked,) = questions(decided(rules, world([contact("c1", "boss"), contact("c2")])))
    assert (asked["question"], asked["role"], asked["deal_id"]) == ("who.decides", "decision_maker", "d1")
    assert (asked["question_zh"], asked["question_en"]) == ("谁拍板?", "Who decides?")
    assert asked["about_contact_id"] == "c1"  # who seems to be it so far
    assert asked["gain"] > 0


def test_a_role_that_is_known_is_not_asked_for(rules: Ruleset) -> None:
    assert questions(decided(rules, world([contact("c1", "boss signs"), contact("c2")]))) == []
    locked = contact("c1", crm_role="decision_maker", role_locked=True)
    assert questions(decided(rules, world([locked, contact("c2")]))) == []  # a person said so


def test_without_an_open_deal_the_account_is_asked_about(rules: Ruleset) -> None:
    (asked,) = questions(decided(rules, world([contact("c1")], deal=False)))
    assert (asked["deal_id"], asked["about_contact_id"]) == ("", "")  # nothing speaks for anybody


def test_who_left_or_stands_under_a_guard_is_neither_asked_nor_meant(rules: Ruleset) -> None:
    gone = contact("c1", "boss", left_on=AS_OF)
    refuses = contact("c2", "boss", opt_out=True)
    (asked,) = questions(decided(rules, world([gone, refuses, contact("c3")])))
    assert (asked["ask_contact_id"], asked["about_contact_id"]) == ("c3", "")
    assert questions(decided(rules, world([gone, refuses]))) == []


def test_the_one_in_touch_is_asked_before_the_silent_one(rules: Ruleset) -> None:
    (asked,) = questions(decided(rules, world([contact("c1"), contact("c2")], exchange("x", "c2"))))
    assert (asked["ask_contact_id"], asked["knows"]) == ("c2", pytest.approx(2 / 3 * 0.8**3))  # far from everybody
    (asked,) = questions(decided(rules, world([contact("c1"), contact("c2")], exchange("x", "c2", days=400))))
    assert asked["ask_contact_id"] == "c1"  # long ago says nothing; ties by id


def test_reporting_lines_bring_one_nearer_to_whom_it_is_about(rules: Ruleset) -> None:
    far, near = contact("c1"), contact("c2", reports_to_id="c9")
    boss = contact("c9", "boss denies")
    (asked,) = questions(decided(rules, world([far, near, boss], *(exchange(f"x{c}", c) for c in ("c1", "c2")))))
    assert (asked["ask_contact_id"], asked["knows"]) == ("c2", pytest.approx(2 / 3 * 0.8))
    peer = contact("c2", reports_to_id="c8")
    chief = contact("c9", "boss denies", reports_to_id="c8")
    often = [exchange(f"x{c}{n}", c) for c in ("c1", "c2") for n in range(5)]
    (asked,) = questions(decided(rules, world([far, peer, chief], *often)))
    assert (asked["ask_contact_id"], asked["knows"]) == ("c2", pytest.approx(6 / 7 * 0.64))


def test_a_supporter_tells_more_readily_than_an_opponent(ready: Ruleset) -> None:
    people = [contact("c1"), contact("c2")]
    heard = [exchange("x1", "c1", "fight"), exchange("x2", "c1"), exchange("x3", "c1"), exchange("x4", "c2", "help")]
    asked = questions(decided(ready, world(people, *heard)))
    assert {q["ask_contact_id"] for q in asked} == {"c2"}


def test_what_matters_more_comes_first_and_no_more_than_so_many(ready: Ruleset, tmp_path: Path) -> None:
    found = questions(decided(ready, world([contact("c1"), contact("c2")])))
    assert [(q["question"], q["place"], q["account_place"]) for q in found] == [
        ("who.decides", 1, 1),
        ("who.uses", 2, 2),
    ]
    one = ruleset(tmp_path, roles=ROLES + ITEMS + USERS + "asking: {most: 1}\n")
    assert [q["question"] for q in questions(decided(one, world([contact("c1"), contact("c2")])))] == ["who.decides"]


def test_the_larger_deal_gives_the_account_its_first_question(rules: Ruleset) -> None:
    records = world([contact("c1")])
    records["deal"] = [{**DEAL, "id": f"d{n}", "amount": n} for n in range(1, 4)]
    found = questions(decided(rules, records))
    assert [(q["deal_id"], q["place"], q["account_place"]) for q in found] == [("d1", 1, 3), ("d2", 1, 2), ("d3", 1, 1)]


def test_a_condition_says_whom_one_may_ask_and_where(tmp_path: Path) -> None:
    only = ITEMS.replace(
        "{answer: told,", "{answer: told, when: {contact.title: {matches: boss}, deal.amount: {gte: 50}},"
    )
    rules = ruleset(tmp_path, roles=ROLES + only)
    (asked,) = questions(decided(rules, world([contact("c1"), contact("c2", "boss")], exchange("x", "c1"))))
    assert asked["ask_contact_id"] == "c2"
    assert questions(decided(rules, world([contact("c2", "boss")], deal=False))) == []


TITLES = st.sampled_from(
    ["", "boss", "hint", "boss hint", "boss denies", "denies", "outsider", "boss outsider", "hint outsider"]
)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(titles=st.lists(TITLES, min_size=1, max_size=4))
def test_the_gain_is_the_fall_of_entropy_when_the_role_model_itself_hears_each_answer(
    rules: Ruleset, titles: list[str]
) -> None:
    heard = [[*titles[:n], f"{title} told", *titles[n + 1 :]] for n, title in enumerate(titles)]
    con = decided(rules, _accounts([titles, *heard]))  # the evidence of each possible answer, really there
    scores = dict(con.execute("SELECT contact_id, decision_maker FROM part").fetchall())
    now = [scores[f"0.{n}"] for n in range(len(titles))]
    named = [max(now[n], scores[f"{n + 1}.{n}"]) for n in range(len(titles))]
    prior = 1 / 3  # of three roles
    seats = [score + prior for score in (*now, 0.0)]
    raised = [score + prior for score in (*named, 0.55)]
    after = [_entropy([*seats[:n], raised[n], *seats[n + 1 :]]) for n in range(len(seats))]
    bits = _entropy(seats) - sum(a * h for a, h in zip(seats, after, strict=True)) / sum(seats)
    asked = next((q for q in questions(con) if q["account_id"] == "0"), None)
    assert (asked["gain"] if asked else 0.0) == pytest.approx(
        max(0.0, bits) * (asked["knows"] if asked else 1), abs=2e-6
    )


def _accounts(titles: list[list[str]]) -> dict[str, list[dict[str, Any]]]:
    people = [
        contact(f"{a}.{n}", title, account_id=f"{a}") for a, each in enumerate(titles) for n, title in enumerate(each)
    ]
    return {"account": [{"id": f"{a}", "name": "Account"} for a in range(len(titles))], "contact": people}


def _entropy(weights: list[float]) -> float:
    total = sum(weights)
    return -sum(w / total * log2(w / total) for w in weights)


def test_the_order_of_the_records_makes_no_difference(ready: Ruleset) -> None:
    people = [contact(f"c{n}", title) for n, title in enumerate(["boss", "", "hint", "denies", "uses", "boss hint"])]
    heard = [exchange(f"x{n}", f"c{n % 6}", days=n) for n in range(20)]
    first = questions(decided(ready, world(people, *heard)))
    assert first
    random.Random(1).shuffle(people)
    random.Random(2).shuffle(heard)
    assert questions(decided(ready, world(people, *heard))) == first


def test_rules_may_read_the_questions(tmp_path: Path) -> None:
    features = """
account:
  ask_name: {max: question, value: ask_contact.name, where: {account_place: 1}}
  asked: {count: question}
contact:
  may_tell: {count: question}
deal:
  gain: {max: question, value: gain}
"""
    flags = "unsure: {of: account, when: {asked: {gte: 1}}, label: {zh: 待问, en: To ask}}\n"
    con = decided(
        ruleset(tmp_path, roles=ROLES + ITEMS, features=features, flags=flags),
        world([contact("c1"), contact("c2", "boss")]),
    )
    assert con.execute("SELECT ask_name, asked FROM account_outcome").fetchall() == [("C2", 1)]
    assert con.execute("SELECT id, may_tell FROM contact_outcome ORDER BY id").fetchall() == [("c1", 0), ("c2", 1)]
    assert con.execute("SELECT flag FROM flag").fetchall() == [("unsure",)]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ("who: {answer: no.such, ask: {zh: 谁, en: who}}", "unknown-evidence"),
        ("who: {answer: denial, ask: {zh: 谁, en: who}}", "wrong-value"),
        ("who: {answer: told, role: user, ask: {zh: 谁, en: who}}", "unknown-role"),
        ("who: {answer: told, ask: {zh: 谁}}", "missing-language"),
        ("who: {answer: told}", "missing-key"),
        ("who: {answer: told, ask: {zh: 谁, en: who}, when: {no_such: 1}}", "unknown-field"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(tmp_path: Path, wrong: str, code: str) -> None:
    with pytest.raises(RulesetError) as caught:
        ruleset(tmp_path, roles=ROLES + ITEMS + f"  {wrong}\n")
    assert code in {problem.code for problem in caught.value.problems}


def test_evidence_cannot_wait_for_the_questions_that_wait_for_it(tmp_path: Path) -> None:
    features = "contact:\n  tells: {count: question}\n"
    circle = ITEMS.replace("when: {title: {matches: hint}}", "when: {tells: {gte: 1}}")
    with pytest.raises(RulesetError) as caught:
        ruleset(tmp_path, roles=ROLES + circle, features=features)
    assert "circle" in {problem.code for problem in caught.value.problems}
