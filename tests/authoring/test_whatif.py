"""`ruleset whatif`: what flips if one record were otherwise, and what would have to change."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from crmrules.authoring.diff_records import Ground, ground
from crmrules.authoring.diff_scope import whole
from crmrules.authoring.diff_tables import items, line_up, movers, said_by
from crmrules.authoring.whatif import how_to, what_if
from crmrules.authoring.whatif_records import bring_near, set_aside, typed
from crmrules.cli.main import exit_code
from crmrules.model.objects import OBJECTS
from crmrules.model.text import clean
from crmrules.pipeline.decide import find_outcomes
from crmrules.stores.schema import quote

from . import shop

AS_OF = date.fromisoformat(shop.AS_OF)
Run = Callable[..., Any]


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = shop.make(tmp_path)
    assert exit_code(["pull", "--profile", str(tmp_path), "--quiet"]) == 0
    return folder


@pytest.fixture
def run(tmp_path: Path, rules: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``ruleset whatif`` on the shop; return its JSON, or its text with ``text=True``."""

    def command(*arguments: str, code: int = 0, text: bool = False, lang: str = "en") -> Any:
        capsys.readouterr()
        more = [
            "--profile",
            str(tmp_path),
            "--lang",
            lang,
            "--as-of",
            shop.AS_OF,
            *([] if text else ["--format", "json"]),
        ]
        got = exit_code(["ruleset", "whatif", *arguments, *more])
        said = capsys.readouterr()
        assert got == code, said.err
        return said.out if text else json.loads(said.out or said.err)

    return command


def standing(rules: Path) -> Any:
    return ground((str(rules),), rules.parent, records=None, as_of=AS_OF, today=AS_OF, engine="python")


def flipped(found: Mapping[str, Any]) -> set[tuple[str, str, str, str]]:
    return {(f["id"], f["what"], f["before"], f["after"]) for f in found["flips"]}


def test_everything_that_a_change_touches_is_named_with_its_rules(rules: Path, run: Run) -> None:
    new = shop.edited(rules, "new", "ruleset", "value: 1000", "value: 600")
    found = run("account", "a2", "--set", "nps=9", "--ruleset", str(new))
    assert (found["before"], found["after"]) == ({"nps": 5}, {"nps": 9})
    assert {(f["what"], f["before"], f["after"], f["rule_before"], f["rule_after"]) for f in found["flips"]} == {
        ("care", "keep", "partner", "care.keep", "care.partner"), ("mood", "bad", "good", "mood.bad", "mood.good"),
        ("risky", "raised", "absent", "risky", ""),
    }  # fmt: skip
    found = run("contact", "c1", "--set", "title=总经理")
    assert {(f["what"], f["after"], f["rule_before"], f["rule_after"]) for f in found["flips"]} == {
        ("reach", "boss", "reach.buyer", "reach.boss"), ("role", "decider", "position.buyer", "position.boss"),
        ("role_band", "low", "position.buyer", "position.boss"),
    }  # fmt: skip


CHANGES = {
    "a number": ("account", "a2", {"nps": "10"}),
    "nothing there any more": ("account", "a1", {"nps": ""}),
    "two fields": ("contact", "c3", {"title": "采购总经理", "status": "left"}),
    "a person goes to another company": ("contact", "c1", {"account_id": "a2"}),
    "a field that the client added": ("account", "a3", {"grade": "gold"}),
    "a deal": ("deal", "d1", {"status": "won"}),
    "nothing at all": ("account", "a1", {"nps": "9"}),
}


@pytest.mark.parametrize(("object", "id", "settings"), CHANGES.values(), ids=CHANGES.keys())
def test_the_answer_is_what_two_whole_decisions_differ_by(
    rules: Path, object: str, id: str, settings: dict[str, str]
) -> None:
    shop.edited(
        rules, "rules", "features", "of: spent, order: desc", "of: nps, order: desc"
    )  # a rank that a change moves
    shop.edited(
        rules,
        "rules",
        "features",
        "account:\n",
        "account:\n  left_n: {count: contact, where: {status: left}}\n  won_n: {count: deal, where: {status: won}}\n  people: {count: contact}\n",
    )
    classes = rules / "classes.yaml"
    for name in ("left_n", "won_n", "people"):
        rule = f"{{id: {name}s.some, when: {{{name}: {{gte: 1}}}}, then: some}}"
        classes.write_text(
            classes.read_text("utf-8")
            + f"{name}s:\n  of: account\n  label: {{zh: 有, en: Some}}\n  values: {{some: {{zh: 有, en: Some}}}}\n  rules: [{rule}]\n",
            encoding="utf-8",
        )
    with standing(rules) as on:
        set_aside(on.con)
        values = typed(on.con, object, settings)
        found = what_if(on, object, id, values)
        answer = {(f.of, f.id, f.what, f.before, f.after, f.rule_before, f.rule_after) for f in found.flips}
        assert answer == _two_decisions(on, object, id, values)
        assert found.others == 0


def _two_decisions(on: Ground, object: str, id: str, values: Mapping[str, Any]) -> set[tuple[str, ...]]:
    """Copy everything, decide by the whole ruleset, change the copy, decide again, and compare."""
    con, ruleset = on.con, on.rulesets[0]
    con.execute("USE memory")
    con.execute("DETACH snapshot")
    con.execute("ATTACH ':memory:' AS snapshot")
    for name in OBJECTS:
        con.execute(f"CREATE TABLE snapshot.{quote(name)} AS FROM base.{quote(name)}")
    for catalog in ("x_before", "x_after"):
        con.execute(f"ATTACH ':memory:' AS {catalog}")
        con.execute(f"USE {catalog}")
        find_outcomes(con, ruleset, as_of=AS_OF, engine=on.engine)
        for field, value in values.items():
            con.execute(f"UPDATE snapshot.{quote(object)} SET {quote(field)} = ? WHERE id = ?", [value, id])
    found = set()
    for item in items(ruleset, ruleset, whole(ruleset)):
        line_up(con, said_by(ruleset, "x_before", item), said_by(ruleset, "x_after", item))
        found |= {(m.of, m.id, m.item, m.old, m.new, m.old_rule, m.new_rule) for m in movers(con, item, "rules", 99)}
    return found


def test_only_what_belongs_together_is_brought_near(rules: Path) -> None:
    with standing(rules) as on:
        set_aside(on.con)
        bring_near(on.con, "contact", "c1", {})
        near = {name: {row[0] for row in on.con.execute(f"SELECT * FROM snapshot.{quote(name)}").fetchall()}
                for name in ("account", "contact", "deal", "order", "activity", "activity_contact")}  # fmt: skip
    assert near == {
        "account": {"a1"}, "contact": {"c1", "c2"}, "deal": {"d1"}, "order": {"o1"}, "activity": {"t1"},
        "activity_contact": {"t1"},
    }  # fmt: skip


def test_a_rank_among_all_customers_is_taken_among_all_of_them(rules: Path, run: Run) -> None:
    shop.edited(rules, "rules", "features", "of: spent, order: desc", "of: nps, order: asc")
    found = run("account", "a1", "--set", "nps=1")
    assert {(f["id"], f["after"]) for f in found["flips"] if f["what"] == "podium"} == {
        ("a1", "first"),
        ("a2", "other"),
    }
    assert found["flips"][0]["id"] == "a1"
    assert run("account", "a1", "--set", "nps=1", "--most", "1")["others"] == len(found["flips"]) - 1


def test_every_wrong_setting_is_told_at_once(run: Run) -> None:
    wrong = ("npz=3", "contract_end=soon", "referrals=2.5", "blacklisted=perhaps", "annual_revenue=much", "id=a9")
    said = run("account", "a2", *(part for setting in wrong for part in ("--set", setting)), code=4)
    problems = {(p["code"], p["message"].split()[0], p["hint"]) for p in said["problems"]}
    assert len(said["problems"]) == len(wrong)
    assert ("unknown-field", "account", "did you mean 'nps'?") in problems
    assert {message for code, message, _ in problems if code == "bad-value"} == {
        "contract_end:", "referrals:", "blacklisted:", "annual_revenue:",
    }  # fmt: skip


def test_the_smallest_change_is_found_even_where_it_takes_two_fields(run: Run) -> None:
    found = run("account", "a2", "--want", "care=partner")
    assert (found["now"], found["rule"], found["reached"]) == ("none", "", False)
    (way,) = found["ways"]
    assert {s["field"]: (str(s["now"]).rstrip("0").rstrip("."), str(s["to"])) for s in way["steps"]} == {
        "spent": ("910", "1000"), "nps": ("5", "9"),
    }  # fmt: skip
    assert way["rule"] == "care.partner"
    (way,) = run("account", "a4", "--want", "mood=bad")["ways"]
    assert [(s["field"], s["to"]) for s in way["steps"]] == [("nps", 6)]


def test_a_way_over_the_records_own_fields_leads_there(rules: Path, run: Run) -> None:
    new = shop.edited(rules, "new", "ruleset", "value: 1000", "value: 600")
    tried = 0
    for id in ("a1", "a2"):
        for want in ("mood=bad", "mood=good", "care=keep", "care=partner"):
            name, _, wanted = want.partition("=")
            for way in run("account", id, "--want", want, "--ruleset", str(new))["ways"]:
                if any(step["field"] != "nps" for step in way["steps"]):
                    continue
                settings = [part for s in way["steps"] for part in ("--set", f"{s['field']}={s['to']}")]
                found = run("account", id, *settings, "--ruleset", str(new))
                assert (id, name, wanted) in {(i, what, after) for i, what, _, after in flipped(found)}
                tried += 1
    assert tried >= 4


def test_what_no_seller_can_change_is_no_way_unless_asked_for(rules: Path, run: Run) -> None:
    shop.edited(
        rules, "rules", "classes", "when: {nps: {gte: 9}}, then: good", "when: {employees: {gte: 50}}, then: good"
    )
    assert run("account", "a2", "--want", "mood=good")["ways"] == []
    (way,) = run("account", "a2", "--want", "mood=good", "--field", "employees")["ways"]
    assert [(s["field"], s["now"], s["to"]) for s in way["steps"]] == [("employees", None, 50)]
    assert "no way found" in run("account", "a2", "--want", "mood=good", text=True)


def test_what_happened_does_not_unhappen_and_bounds_are_kept(rules: Path, run: Run) -> None:
    assert run("account", "a1", "--want", "worth=low")["ways"] == []  # spending can't fall by what one does
    shop.edited(rules, "rules", "classes", "when: {nps: {gte: 9}}, then: good", "when: {nps: {gt: 10}}, then: good")
    assert run("account", "a2", "--want", "mood=good")["ways"] == []


def test_a_formula_follows_the_fields_that_it_is_made_of(rules: Path, run: Run) -> None:
    shop.edited(
        rules,
        "rules",
        "classes",
        "when: {spent_half: {gte: 400}}, then: much",
        "when: {spent: {gte: 950}, spent_half: {gte: 400}}, then: much",
    )
    (way, *_) = run("account", "a4", "--want", "halved=much")["ways"]
    assert [(s["field"], float(s["to"])) for s in way["steps"]] == [("spent", 950.0)]


def test_time_alone_is_a_way_too(rules: Path, run: Run) -> None:
    shop.edited(rules, "rules", "features", "account:\n", "account:\n  since: {days_since: order}\n")
    shop.edited(rules, "rules", "classes", "when: {nps: {lte: 6}}, then: bad", "when: {since: {gt: 100}}, then: bad")
    ways = run("account", "a2", "--want", "mood=bad")["ways"]
    assert [(w["days"], w["steps"]) for w in ways] == [(72, [])]  # the last order was 29 days ago
    assert "72 more days" in run("account", "a2", "--want", "mood=bad", text=True)


def test_a_class_that_reads_ranks_is_asked_over_all_customers(rules: Path) -> None:
    with standing(rules) as on:
        set_aside(on.con)
        found = how_to(on, "account", "a2", "podium", "first", "en")
    assert [(s.field, s.now, s.to) for s in found.ways[0].steps] == [("place", 2, 1)]


def test_wrong_questions_are_answered_with_what_was_meant(run: Run) -> None:
    for arguments, code, problem, hint in (
        (("--want", "moood=bad"), 3, "unknown-class", "did you mean 'mood'?"),
        (("--want", "mood=goood"), 3, "unknown-value", "did you mean 'good'?"),
        (("--want", "mood=good", "--field", "nbs"), 3, "unknown-field", "did you mean 'nps'?"),
        ((), 2, "usage", ""), (("--set", "nps=1", "--want", "mood=bad"), 2, "usage", ""), (("--set", "nps"), 2, "usage", ""),
        (("--set", "nps=1", "--field", "nps"), 2, "usage", ""),
    ):  # fmt: skip
        said = run("account", "a2", *arguments, code=code)["problems"][0]
        assert (said["code"], said["hint"]) == (problem, hint)
    assert run("account", "a99", "--set", "nps=1", code=4)["problems"][0]["code"] == "unknown-record"


def test_it_speaks_both_languages_and_nothing_hostile(run: Run) -> None:
    said = run("account", "a1", "--set", "nps=2", text=True)
    assert clean(said.replace("\n", "")) == said.replace("\n", "")
    assert "Acme [31mevil" in said
    assert "净推荐值:9 → 2" in run("account", "a1", "--set", "nps=2", text=True, lang="zh")
    assert "口碑现为「好」(mood.good)" in run("account", "a1", "--want", "mood=bad", text=True, lang="zh")
    assert "already" in run("account", "a1", "--want", "mood=good", text=True)


def test_a_case_will_do_as_the_place_of_the_record(rules: Path, run: Run) -> None:
    case = Path(__file__).resolve().parents[2] / "rulesets/b2b-core/cases/s06_manufacturing.yaml"
    found = run("account", "a1", "--set", "nps=1", "--records", str(case), "--ruleset", str(rules))
    assert ("a1", "mood", "good", "bad") in flipped(found)
    run("account", "a1", "--set", "nps=1", "--records", str(case), code=2)


def test_nothing_is_stored(tmp_path: Path, run: Run) -> None:
    before = {file: file.read_bytes() for file in sorted((tmp_path / "state").rglob("*")) if file.is_file()}
    run("account", "a1", "--set", "nps=2")
    run("account", "a1", "--want", "mood=bad")
    assert {file: file.read_bytes() for file in sorted((tmp_path / "state").rglob("*")) if file.is_file()} == before
    with closing(duckdb.connect(str(tmp_path / "state/snapshot.duckdb"), read_only=True)) as con:
        assert con.execute("SELECT nps FROM account WHERE id = 'a1'").fetchall() == [(9,)]
