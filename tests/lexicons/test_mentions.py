"""Who said what about whom: speakers, names, pronouns, negations, hostile texts."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmrules.evaluation.mentions import find_mentions
from crmrules.language.ruleset import Ruleset

from .talk import mentions, snapshot

PEOPLE = [
    {"id": "c1", "name": "周明远", "title": "院长", "department": "院办", "status": "active"},
    {"id": "c2", "name": "王海燕", "title": "药剂科主任", "department": "药剂科", "status": "active"},
    {"id": "c3", "name": "王建军", "title": "采购部经理", "department": "采购部", "status": "active"},
    {
        "id": "c4",
        "name": "Robert Keane",
        "title": "Chief Financial Officer",
        "department": "Finance",
        "status": "active",
    },
    {"id": "c5", "name": "Dana Whitfield", "title": "VP IT", "department": "IT", "status": "active"},
    {"id": "c6", "name": "吴国华", "title": "名誉院长", "department": None, "status": "left"},
    {"id": "c7", "name": "Grant Hill", "title": "Analyst", "department": "Strategy", "status": "active"},
    {"id": "c8", "name": "张伟", "title": "工程师", "department": "研发中心", "status": "active"},
    {"id": "c9", "name": "张伟", "title": "技术员", "department": "研发中心", "status": "active"},
    {"id": "c10", "name": "前台", "title": None, "department": None, "status": "active"},
    {"id": "c11", "name": "歐陽雪", "title": "財務總監", "department": "财务部", "status": "active"},
]


def said_in_each(words: Ruleset, texts: list[str], *who: str, direction: str = "both") -> list[set[tuple[str, str]]]:
    """Return (cue, contact) of each text, all in activities of these contacts."""
    con = snapshot(
        [{**person, "account_id": "a"} for person in PEOPLE],
        [
            {
                "id": f"{n:05}",
                "account_id": "a",
                "date": "2025-01-01",
                "type": "meeting",
                "direction": direction,
                "text": text,
            }
            for n, text in enumerate(texts)
        ],
        [{"activity_id": f"{n:05}", "contact_id": c, "part": "participant"} for n in range(len(texts)) for c in who],
    )
    found: list[set[tuple[str, str]]] = [set() for _ in texts]
    for activity, cue, contact in mentions(con, words):
        found[int(activity)].add((cue, contact))
    return found


def said(words: Ruleset, text: str, *who: str, direction: str = "both") -> set[tuple[str, str]]:
    """Return (cue, contact) of one text."""
    return said_in_each(words, [text], *who, direction=direction)[0]


DECIDES = {"i_decide", "named_decides"}


@pytest.mark.parametrize(
    ("text", "who", "found"),
    [
        # the speaker: a prefix, "said", or the only participant
        ("周院长:这个项目我拍板", ("c1", "c2"), ("i_decide", "c1")),
        ("这个项目我拍板", ("c2",), ("i_decide", "c2")),
        ("王海燕说这件事由我定", ("c1", "c2"), ("i_decide", "c2")),
        ("Dana: I make the call on this one", ("c4", "c5"), ("i_decide", "c5")),
        ("Dana said the decision is mine", ("c4", "c5"), ("i_decide", "c5")),
        # names
        ("这事院长点头就定了", ("c2",), ("named_decides", "c1")),  # a title that one active contact bears
        ("要报周明远审批", ("c2",), ("named_approves", "c1")),
        ("這個項目由周院長拍板", ("c2",), ("named_decides", "c1")),  # traditional characters
        ("方案多听听老王的意见", ("c3",), ("asks_advice_of", "c3")),  # 老王 means the participant
        ("It needs Bob's approval", ("c5",), ("named_approves", "c4")),
        ("needs Mr. Keane's sign-off", ("c5",), ("named_approves", "c4")),
        ("The CFO has to approve it", ("c5",), ("named_approves", "c4")),
        ("预算要欧阳总监批", ("c2",), ("named_approves", "c11")),  # a surname of two characters
        ("合同要财务部审批", ("c2",), ("named_approves", "c11")),  # a department with one contact
        # pronouns
        ("这块王主任最清楚,她拍板", ("c1",), ("named_decides", "c2")),
        ("Met Dana today. She makes the call.", ("c4",), ("named_decides", "c5")),
        # a group: every participant of the department that is named
        ("合同谈判由采购部负责", ("c1", "c3"), ("commercial_terms", "c3")),
        # width and case
        ("Ｉ　ＤＥＣＩＤＥ", ("c5",), ("i_decide", "c5")),
    ],
)
def test_is_found(words: Ruleset, text: str, who: tuple[str, ...], found: tuple[str, str]) -> None:
    assert found in said(words, text, *who)


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("这种事我不能拍板", ("c2",)),
        ("他说他拍不了板", ("c2",)),
        ("不是王主任拍板", ("c3",)),
        ("王主任不能拍板", ("c3",)),
        ("这个项目谁拍板?", ("c2",)),
        ("是不是您来拍板", ("c2",)),
        ("如果我拍板就选你们", ("c2",)),
        ("I cannot decide on this", ("c5",)),
        ("I don't make the decision", ("c5",)),
        ("Who makes the call?", ("c5",)),
        ("李总:这个项目我拍板", ("c2",)),  # somebody who is no contact speaks
        ("李总说我拍板", ("c2",)),
        ("John Smith: I decide", ("c5",)),
        ("我们:这个项目我拍板", ("c2",)),
        ("我来定个会议时间", ("c2",)),
        ("这个项目我拍板", ("c2", "c3")),  # two in the room: nobody knows who said it
    ],
)
def test_does_not_make_a_decision_maker(words: Ruleset, text: str, who: tuple[str, ...]) -> None:
    assert {cue for cue, _ in said(words, text, *who)} & DECIDES == set()


def test_a_refusal_is_found_as_one(words: Ruleset) -> None:
    assert ("not_me", "c2") in said(words, "这种事我不能拍板", "c2")
    assert ("not_me", "c5") in said(words, "Dana said it is not her call", "c4", "c5")


@pytest.mark.parametrize(
    "text",
    [
        "张伟拍板",  # two contacts have this name and neither takes part
        "王经理说了算吗",
        "副院长拍板",  # 院长 inside another title
        "李院长拍板",  # a president, but not ours
        "We grant him the final say",  # 'grant' is a word here, not Grant Hill
        "前台拍板",  # a placeholder, not a person
    ],
)
def test_when_in_doubt_nobody_is_meant(words: Ruleset, text: str) -> None:
    assert {contact for cue, contact in said(words, text, direction="out") if cue in DECIDES} == set()


def test_a_shared_name_means_the_one_who_takes_part(words: Ruleset) -> None:
    assert ("named_decides", "c9") in said(words, "这事张伟说了算", "c9", "c1")


def test_our_own_mail_makes_its_reader_no_speaker(words: Ruleset) -> None:
    assert said(words, "这个项目我拍板", "c2", direction="out") == set()


def test_a_table_row_says_where_it_was_found(words: Ruleset) -> None:
    con = snapshot(
        [{**PEOPLE[0], "account_id": "a"}, {**PEOPLE[1], "account_id": "a"}],
        [
            {
                "id": "t",
                "account_id": "a",
                "deal_id": "d",
                "date": "2025-01-01",
                "type": "call",
                "direction": "IN",
                "text": "你好。这事周院长点头就定了",
            }
        ],
        [{"activity_id": "t", "contact_id": "c2"}],
    )
    find_mentions(con, words)
    find_mentions(con, words)  # again: replaced, not piled up
    assert con.execute("SELECT * REPLACE (CAST(date AS VARCHAR) AS date) FROM mention").fetchall() == [
        ("t", "a", "d", "2025-01-01", "in", "call", "c1", "c2", "named_decides", "这事周院长点头就定了")
    ]


def test_without_phrases_the_table_is_empty(words: Ruleset) -> None:
    from dataclasses import replace

    con = snapshot([], [], [])
    find_mentions(con, replace(words, phrases=None))
    assert con.execute("SELECT count(*) FROM mention").fetchall() == [(0,)]


def test_every_cue_finds_its_example(words: Ruleset) -> None:
    assert words.phrases is not None
    cues = words.phrases.cues
    found = said_in_each(words, [cue.example.replace("{who}", "周院长") for cue in cues], "c2")
    assert [cue.id for cue, here in zip(cues, found, strict=True) if cue.id not in {id for id, _ in here}] == []


@given(st.permutations(range(4)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_the_records_does_not_matter(words: Ruleset, order: list[int]) -> None:
    texts = ["周院长:我拍板", "王海燕说预算在我这里", "要报周明远审批", "Bob makes the call"]
    activities = [
        {"id": f"t{n}", "account_id": "a", "date": "2025-01-01", "type": "call", "direction": "both", "text": texts[n]}
        for n in order
    ]
    people = [{**PEOPLE[n % len(PEOPLE)], "account_id": "a"} for n in (*order, 5, 4)]
    con = snapshot(people, activities, [])
    find_mentions(con, words)
    rows = con.execute("SELECT activity_id, contact_id, cue, clause FROM mention").fetchall()
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert {row[:3] for row in rows} == {
        ("t0", "c1", "i_decide"), ("t1", "c2", "my_budget"), ("t2", "c1", "named_approves"), ("t3", "c4", "named_decides"),
    }  # fmt: skip


PIECES = [
    "我",
    "拍板",
    "周院长",
    "王主任",
    "Dana",
    "說",
    ":",
    ",",
    "。",
    " ",
    "\n",
    "不",
    "预算",
    "在我這裡",
    "（",
    "ＰＯ",
    "\u200b",
    "'",
    "¶",
    "%",
    "\x00",
]


TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=12).map("".join)


@given(st.lists(TEXTS, min_size=20, max_size=40))
@settings(max_examples=6, deadline=None)
def test_any_text_is_read_and_the_database_throws_out_no_text_with_a_cue(words: Ruleset, texts: list[str]) -> None:
    texts = [text.replace("\x00", " ").encode("utf-8", "ignore").decode() for text in texts]
    found = said_in_each(words, texts, "c2")
    # with a cue in a line of its own, every text passes the filter for certain
    beside = said_in_each(words, [text + "\n下单" for text in texts], "c2")
    order = {("po_or_tender_issued", "c2")}
    assert [here | order for here in found] == [here | order for here in beside]


@pytest.mark.parametrize("piece", ["我", "周院长", "需要", "不不", "Dana ", "听说" * 3, "a.", ",", "他"])
def test_a_hostile_text_takes_no_longer_than_its_length(words: Ruleset, piece: str) -> None:
    started = time.perf_counter()
    said(words, piece * (400_000 // len(piece)) + "我拍板", "c2")
    said(words, piece * (3_000 // len(piece)) + "我拍板", "c2")
    assert time.perf_counter() - started < 20
