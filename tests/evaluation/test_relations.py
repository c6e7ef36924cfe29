"""Frames as SQL: exactly the columns asked for, each by its path, whatever it takes to get them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import duckdb
import pytest

from crmrules.errors import RulesetError
from crmrules.evaluation.evaluator import Evaluator
from crmrules.language.conditions import Compare, Op
from crmrules.language.expressions import Name
from crmrules.language.ruleset import (
    Aggregate,
    Dimension,
    Flag,
    Formula,
    Lexicon,
    Phrases,
    RequiredField,
    RoleModel,
    Rule,
    Ruleset,
    StanceModel,
)
from crmrules.model.decision import create
from crmrules.model.objects import FieldType
from crmrules.model.text import Text
from evaluation.world import AS_OF, insert, outcome, ruleset, run, snapshot

T = FieldType
ROLES = RoleModel(
    roles={"user": Text(), "decision_maker": Text()}, precedence=(), tie=0.0, wins_from={}, bands={}, minimum={},
    write_bands=(), keep_margin=0.0, families={}, caps=(), items=(),
    stance=StanceModel(order=(), labels={}, half_life=1),
)  # fmt: skip


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    found = snapshot()
    insert(found, "account", [{"id": "a", "name": "A", "industry": "hospital", "share_of_wallet": float("nan")}])
    insert(found, "deal", [{"id": "d", "account_id": "a", "name": "D"}])
    insert(found, "contact", [
        {"id": "boss", "account_id": "a", "title": "CEO"},
        {"id": "c", "account_id": "a", "title": "Buyer", "reports_to_id": "boss"}, {"id": "lost", "account_id": "gone"},
    ])  # fmt: skip
    return found


def rows(evaluator: Evaluator, frame: str, *paths: str) -> list[dict[str, Any]]:
    result = evaluator.con.execute(f"SELECT * FROM ({evaluator.relation(frame, paths)}) ORDER BY ALL")
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def test_paths_of_any_depth(con: duckdb.DuckDBPyConnection) -> None:
    evaluator = run(con, ruleset())
    found = rows(evaluator, "contact", "id", "reports_to.title", "reports_to.account.industry", "account.name")
    assert found == [
        {"account.name": "A", "id": "boss", "reports_to.account.industry": None, "reports_to.title": None},
        {"account.name": "A", "id": "c", "reports_to.account.industry": "hospital", "reports_to.title": "CEO"},
        {"account.name": None, "id": "lost", "reports_to.account.industry": None, "reports_to.title": None},
    ]


def test_only_what_is_needed_is_joined(con: duckdb.DuckDBPyConnection) -> None:
    evaluator = run(con, ruleset())
    assert "JOIN" not in evaluator.relation("contact", ["id", "title"])
    assert evaluator.relation("contact", ["account.name", "account.industry"]).count("JOIN") == 1


def test_a_number_that_is_none_is_missing(con: duckdb.DuckDBPyConnection) -> None:
    assert rows(run(con, ruleset()), "account", "share_of_wallet") == [{"share_of_wallet": None}]


def test_a_field_that_this_crm_does_not_have_is_missing_and_another_type_is_read_as_ours(
    con: duckdb.DuckDBPyConnection,
) -> None:
    con.execute("ALTER TABLE snapshot.account ADD COLUMN seats VARCHAR DEFAULT '12'")
    fields = [RequiredField(object="account", field=name, type=T.integer) for name in ("seats", "beds_free")]
    evaluator = run(con, ruleset(requires=tuple(fields)))
    assert rows(evaluator, "account", "seats", "beds_free") == [{"beds_free": None, "seats": 12}]


def test_an_unknown_path_says_so(con: duckdb.DuckDBPyConnection) -> None:
    evaluator = run(con, ruleset())
    for frame, path in (("account", "nmae"), ("contact", "acount.name"), ("contact", "account.nmae")):
        with pytest.raises(RulesetError, match="did you mean"):
            evaluator.relation(frame, [path])


def test_a_hostile_column_is_only_a_name(con: duckdb.DuckDBPyConnection) -> None:
    name = 'x" FROM y; --'
    field = RequiredField(object="account", field=name, type=T.text)
    assert rows(run(con, ruleset(requires=(field,))), "account", name) == [{name: None}]


def test_outputs_of_a_lexicon_are_columns_of_its_object(con: duckdb.DuckDBPyConnection) -> None:
    lexicon = Lexicon(
        name="title", of="contact", field="title", prefix="title", split=(), levels=(), modifiers=(), blocks=()
    )
    con.execute(
        "CREATE TABLE lexicon_title AS SELECT 'CEO' AS title, 'L1' AS title_level UNION ALL SELECT NULL, 'none'"
    )
    level = Dimension(
        name="top", of="contact", label=Text(), values={"yes": Text()},
        rules=(Rule(id="top", when=Compare("title_level", Op.eq, "L1"), then="yes"),),
    )  # fmt: skip
    evaluator = run(con, ruleset(level, lexicons={"title": lexicon}))
    assert outcome(con, "top", "contact") == {"boss": "yes", "c": "unknown", "lost": "unknown"}
    assert rows(evaluator, "contact", "id", "title_level", "reports_to.title_level")[1:] == [
        {"id": "c", "reports_to.title_level": "L1", "title_level": None},
        {"id": "lost", "reports_to.title_level": None, "title_level": "none"},
    ]


def with_roles(con: duckdb.DuckDBPyConnection, rules: Ruleset) -> Evaluator:
    """Run in the two steps of a decision: what needs no roles, then, with roles there, the rest."""
    evaluator = Evaluator(con, replace(rules, roles=ROLES), AS_OF)
    evaluator.run(set())
    for table in ("part", "contact_role", "evidence", "flag"):
        con.execute(create(table))
    for role in ROLES.roles:
        con.execute(f"ALTER TABLE part ADD COLUMN {role} DOUBLE")
    for deal, score in (("", 0.4), ("d", 0.9)):
        part = ["a", "c", deal, True, "user", score, "high", ["user"], "supporter", "inferred", score, 0.0]
        con.execute(f"INSERT INTO part VALUES ({', '.join('?' for _ in part)})", part)
    con.execute(
        "INSERT INTO contact_role VALUES ('a', 'c', 'd', 'user', 0.9, 'high', ['user'], 'supporter', 'inferred', true)"
    )
    con.execute(
        "INSERT INTO flag VALUES ('a', '', 'd', 'deal', 'd', 'no_champion'), ('a', 'c', '', 'contact', 'c', 'left')"
    )
    return evaluator


def test_roles_are_columns_of_parts_candidates_and_contacts(con: duckdb.DuckDBPyConnection) -> None:
    evaluator = with_roles(con, ruleset())
    wanted = {"deal.name": "D", "decision_maker": 0.0, "role": "user", "user": 0.9}
    assert rows(evaluator, "candidate", *wanted) == [wanted]
    assert len(rows(evaluator, "part", "deal_id")) == 2
    assert rows(evaluator, "contact", "role", "role_score", "role_band", "roles", "stance", "id")[1] == {
        "id": "c", "role": "user", "role_band": "high", "role_score": 0.9, "roles": ["user"], "stance": "supporter",
    }  # fmt: skip


def test_what_needs_roles_waits_for_them(con: duckdb.DuckDBPyConnection) -> None:
    users = Aggregate(
        name="users", of="deal", from_="candidate", agg="count", where=Compare("user", Op.gte, 0.6), type=T.integer
    )
    covered = Dimension(
        name="covered", of="deal", label=Text(), values={"yes": Text()},
        rules=(Rule(id="covered", when=Compare("users", Op.gt, 0), then="yes"),),
    )  # fmt: skip
    size = Formula(name="size", of="account", expr=Name("employees"))
    evaluator = with_roles(con, ruleset(users, covered, size))
    assert con.execute("SELECT * FROM deal_outcome").fetchall() == [("d", "a")]
    with pytest.raises(RulesetError, match="before it can be computed"):
        evaluator.relation("deal", ["covered"])
    evaluator.run({"part", "evidence"})
    assert outcome(con, "covered", "deal") == {"d": "yes"}
    assert con.execute("SELECT * FROM account_outcome").fetchall() == [("a", "a", None)]


def test_flags_know_their_deal_and_contact(con: duckdb.DuckDBPyConnection) -> None:
    flag = Flag(id="no_champion", of="deal", when=Compare("name", Op.eq, "D"), label=Text())
    counted = Aggregate(name="flags", of="deal", from_="flag", agg="count", type=T.integer)
    evaluator = with_roles(con, ruleset(counted, flags={"no_champion": flag}))
    evaluator.run({"part", "evidence", "flag"})
    assert outcome(con, "flags", "deal") == {"d": 1}
    assert rows(evaluator, "flag", "flag", "contact.title", "deal.name")[0] == {
        "contact.title": "Buyer", "deal.name": None, "flag": "left",
    }  # fmt: skip


def test_mentions_know_who_speaks(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE TABLE mention AS SELECT 'm' AS activity_id, 'a' AS account_id, NULL::VARCHAR AS deal_id, "
        "DATE '2024-12-01' AS date, NULL::VARCHAR AS direction, 'call' AS type, 'c' AS contact_id, "
        "'boss' AS speaker_id, 'decides' AS cue, '...' AS clause"
    )
    said = Aggregate(
        name="said", of="contact", from_="mention", agg="count", via="speaker_id", within=60, type=T.integer
    )
    phrases = Phrases(cues=(), negations=(), honorifics=(), nicknames={}, speech_verbs=())
    evaluator = Evaluator(con, ruleset(said, phrases=phrases), AS_OF)
    evaluator.run({"mention"})
    assert outcome(con, "said", "contact") == {"boss": 1, "c": 0, "lost": 0}
    assert rows(evaluator, "mention", "speaker.title", "contact.title") == [
        {"contact.title": "Buyer", "speaker.title": "CEO"}
    ]


def test_a_second_step_keeps_what_the_first_one_found(con: duckdb.DuckDBPyConnection) -> None:
    first = Formula(name="first", of="contact", expr=Name("title"), type=T.text)
    second = Dimension(
        name="second", of="contact", label=Text(), values={"yes": Text()},
        rules=(Rule(id="s", when=Compare("role_score", Op.gte, 0.5), then="yes"),),
    )  # fmt: skip
    evaluator = with_roles(con, ruleset(first, second))
    evaluator.run({"part"})
    assert con.execute("SELECT * FROM contact_outcome WHERE id = 'c'").fetchall() == [("c", "a", "Buyer", "yes", "s")]
