"""Texts in which no phrase stands are counted, and what recurs in them is shown without telling about anybody."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from crmrules.evaluation.unheard import LEAST_ACCOUNTS, recurring

from .world import AS_OF, decided, ruleset

PHRASES = """
negations: [不, "(?i)\\\\bnot\\\\b"]
honorifics: [总]
speech_verbs: [说]
cues:
  i_decide: {about: speaker, match: ["我拍板", "(?i)\\\\bI decide\\\\b"], example: 我拍板}
"""
GUARDS = "no: {of: contact, effect: no_role, when: {person_type: patient}, why: {zh: 患者, en: patient}}\n"


def decision(folder: Path, texts: list[dict[str, Any]], **more: Any) -> duckdb.DuckDBPyConnection:
    """Decide over activities (account, text, type ...), each account with one contact who takes part."""
    accounts = sorted({text["account"] for text in texts})
    records: dict[str, list[dict[str, Any]]] = {
        "account": [{"id": a, "name": f"Firma {a}", **more.get(a, {})} for a in accounts],
        "contact": [{"id": f"c.{a}", "account_id": a, "name": "Zoltan Kadar", **more.get(f"c.{a}", {})} for a in accounts],
        "activity": [
            {"id": f"t{n:03}", "account_id": t["account"], "date": AS_OF, "type": t.get("type", "note"),
             "direction": t.get("direction", "in"), "text": t["text"]}
            for n, t in enumerate(texts)
        ],
        "activity_contact": [
            {"activity_id": f"t{n:03}", "contact_id": f"c.{t['account']}", "part": "participant"}
            for n, t in enumerate(texts)
        ],
    }  # fmt: skip
    return decided(ruleset(folder, phrases=PHRASES, guards=GUARDS), records)


def phrases(con: duckdb.DuckDBPyConnection) -> list[tuple[str, int, int]]:
    return con.execute("SELECT * FROM unheard_phrase ORDER BY texts DESC, phrase").fetchall()


def test_texts_are_counted_by_kind(tmp_path: Path) -> None:
    texts = [
        {"account": "a", "text": "这事我拍板", "type": "call", "direction": "both"},
        {"account": "a", "text": "天气不错", "type": "call", "direction": "Both"},
        {"account": "a", "text": "I decide nothing: see https://example.org", "type": "mail", "direction": "out"},
        {"account": "a", "text": "   ", "type": "mail"},
        {"account": "a", "text": "Lunch", "type": None, "direction": None},
    ]
    con = decision(tmp_path, texts)
    found = con.execute("SELECT * FROM unheard ORDER BY type").fetchall()
    # our own mail has no speaker among the contacts: a phrase stands there, said by nobody whom we know
    assert found == [("", "", 1, 1, 0), ("call", "both", 2, 1, 0), ("mail", "out", 1, 0, 1)]


def test_wording_that_recurs_is_listed_whole(tmp_path: Path) -> None:
    texts = [{"account": a, "text": f"Hi, please send the safety data sheet {n}."} for n, a in enumerate("abc")]
    texts += [{"account": a, "text": f"第{n}次询问安全数据表"} for n, a in enumerate("abcd")]
    assert phrases(decision(tmp_path, texts)) == [
        ("次询问安全数据表", 4, 4),
        ("please send the safety", 3, 3),
        ("safety data sheet", 3, 3),
        ("send the safety data", 3, 3),
    ]


def test_what_a_phrase_knows_is_not_listed(tmp_path: Path) -> None:
    con = decision(tmp_path, [{"account": a, "text": "在采购会议上我拍板"} for a in "abcd"])
    assert phrases(con) == []


def test_nothing_is_listed_that_tells_about_somebody(tmp_path: Path) -> None:
    personal = "Zoltan Kadar called back, mobile 13800001111, zoltan@example.org, Firma a"
    con = decision(tmp_path, [{"account": a, "text": personal} for a in "abcd"])
    assert [p for p, _, _ in phrases(con)] == ["called back"]
    rare = [{"account": a, "text": "has a very rare illness"} for a in ("a", "a", "b", "b")]
    assert phrases(decision(tmp_path / "rare", rare)) == []  # in texts of two accounts only


def test_texts_under_a_guard_or_of_who_opted_out_are_counted_and_never_read(tmp_path: Path) -> None:
    texts = [{"account": a, "text": "asks about the second opinion"} for a in "abcde"]
    closed = {"a": {"opt_out": True}, "c.b": {"person_type": "patient"}, "c.c": {"opt_out": True}}
    con = decision(tmp_path, texts, **closed)
    assert con.execute("SELECT sum(unmatched) FROM unheard").fetchone() == (5,)
    assert phrases(con) == []  # two are left


WORDS = st.sampled_from(["price", "late", "delivery", "the", "zoltan", "交期", "太晚", "张伟", "42"])
TEXTS = st.lists(st.tuples(st.sampled_from("abcde"), st.lists(WORDS, max_size=6).map(" ".join)), max_size=12)


@given(TEXTS, st.randoms(use_true_random=False))
def test_a_listed_phrase_stands_in_texts_of_several_accounts_and_holds_no_name(
    texts: list[tuple[str, str]], shuffler: random.Random
) -> None:
    found = recurring(texts, frozenset({"zoltan", "张伟"}))
    for phrase, times, accounts in found:
        where = [account for account, text in texts if phrase in text]
        assert len(where) >= times >= accounts == len({a for a, t in texts if phrase in t}) >= LEAST_ACCOUNTS
        assert "zoltan" not in phrase
        assert "张伟" not in phrase
        assert not any(character.isdigit() for character in phrase)
    shuffled = list(texts)
    shuffler.shuffle(shuffled)
    assert recurring(shuffled, frozenset({"zoltan", "张伟"})) == found
