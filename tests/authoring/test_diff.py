"""`ruleset diff`: who moves, by which rules, and what the data moved by themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from crmrules.app.setup import load_rules
from crmrules.authoring.diff import Diff, diff
from crmrules.authoring.diff_records import ground
from crmrules.authoring.diff_scope import Scope, differing, pruned
from crmrules.cli.main import exit_code
from crmrules.model.text import clean
from crmrules.pipeline.decide import NOTHING, find_outcomes
from crmrules.plugins.host import installed

from . import shop

AS_OF = date.fromisoformat(shop.AS_OF)
Run = Callable[..., Any]
LOWER = ("ruleset", "value: 1000", "value: 600")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    folder = shop.make(tmp_path)
    assert exit_code(["pull", "--profile", str(tmp_path), "--quiet"]) == 0
    return folder


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on the shop; return its JSON, or its text with ``text=True``."""

    def command(*arguments: str, code: int = 0, text: bool = False, lang: str = "en") -> Any:
        capsys.readouterr()
        more = ["--profile", str(tmp_path), "--lang", lang, *([] if text else ["--format", "json"])]
        got = exit_code([*arguments, *more])
        said = capsys.readouterr()
        assert got == code, said.err
        return said.out if text else json.loads(said.out or said.err)

    return command


def compare(old: Path, new: Path, **options: Any) -> Diff:
    with ground((str(old), str(new)), old.parent, records=None, as_of=AS_OF, today=AS_OF, engine="python") as on:
        return diff(on.con, *on.rulesets, as_of=on.as_of, engine=on.engine, **options)


def moved(found: Diff) -> dict[str, set[tuple[str, str, str]]]:
    """Return outcome -> (record, old, new) of all that the rules moved."""
    result: dict[str, set[tuple[str, str, str]]] = {}
    for move in found.moves:
        if move.cause == "rules":
            result.setdefault(move.item, set()).add((move.id, move.old, move.new))
    return result


def test_a_lower_threshold_moves_whom_it_should_and_what_follows_from_it(rules: Path, run: Run) -> None:
    new = shop.edited(rules, "new", *LOWER)
    found = run("ruleset", "diff", str(rules), str(new), "--as-of", shop.AS_OF)
    worth = next(t for t in found["transitions"] if t["item"]["name"] == "worth")
    assert {(c["old"], c["new"]): (c["count"], c["share"]) for c in worth["cells"]} == {
        ("high", "high"): (1, 0.25), ("low", "high"): (1, 0.25), ("low", "low"): (1, 0.25), ("unknown", "unknown"): (1, 0.25),
    }  # fmt: skip
    assert worth["rules"] == [{"old": "low", "new": "high", "old_rule": "", "new_rule": "worth.high", "count": 1}]
    assert found["rules"]["worth.high"].startswith(str(new / "classes.yaml"))
    assert [(m["item"], m["id"], m["old"], m["new"]) for m in found["moves"]] == [
        ("worth", "a2", "low", "high"), ("care", "a2", "none", "keep"), ("risky", "a2", "absent", "raised"),
    ]  # fmt: skip
    assert {"mood", "podium", "reach", "role", "quiet"} <= set(found["same"])


EDITS = {
    "a parameter": [LOWER],
    "a window": [("features", "within: 365d", "within: 30d")],
    "a formula": [("features", "spent / 2", "spent / 3")],
    "a score's order": [("features", "order: desc", "order: asc")],
    "a set": [("sets", "gt: 0", "gt: 600")],
    "a rule": [("classes", "nps: {gte: 9}}, then: good", "nps: {gte: 8}}, then: good")],
    "the order of rules": [("classes", "    - {id: care.keep, when: {worth: high}, then: keep}\n", ""),
                           ("classes", "  rules:\n    - {id: care.partner", "  rules:\n    - {id: care.keep, when: {worth: high}, then: keep}\n    - {id: care.partner")],
    "a weight": [("roles", "buyer: 0.7", "buyer: 0.4")],
    "a piece of evidence": [("roles", "matches: 采购", "matches: Clerk")],
    "a pattern": [("lexicons", "[总经理]", "[Clerk]")],
    "a flag": [("flags", "quiet: {of: account, when: {orders_n: 0}", "quiet: {of: account, when: {orders_n: {lte: 1}}")],
    "a default": [("classes", "otherwise: none", "otherwise: keep")],
}  # fmt: skip


@pytest.mark.parametrize("edits", EDITS.values(), ids=EDITS.keys())
def test_what_is_left_out_or_taken_over_would_not_have_moved(
    rules: Path, edits: list[tuple[str, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for edit in edits:
        new = shop.edited(rules, "new", *edit)
    quick = compare(rules, new)
    monkeypatch.setattr("crmrules.authoring.diff.alike", lambda *_: NOTHING)  # both rulesets decide for themselves
    thorough = compare(rules, new, everything=True)
    assert moved(quick) == moved(thorough)
    assert moved(thorough), "the edit moves nobody: the test shows nothing"
    assert {t.item.name for t in quick.transitions}.isdisjoint(quick.same)


@pytest.mark.parametrize(
    ("name", "roles"),
    [("worth", False), ("care", False), ("podium", False), ("halved", False), ("reach", True), ("worry", True)],
)
def test_a_pruned_ruleset_decides_as_the_whole(rules: Path, name: str, roles: bool) -> None:
    ruleset = load_rules(rules, installed())
    with ground((str(rules),), rules.parent, records=None, as_of=AS_OF, today=AS_OF, engine="python") as on:
        answers = []
        one = Scope(classes=(name,), flags=(), roles=False)
        for number, part in enumerate((ruleset, pruned(ruleset, one))):
            on.con.execute(f"ATTACH ':memory:' AS c{number}")
            on.con.execute(f"USE c{number}")
            find_outcomes(on.con, part, as_of=AS_OF, engine=on.engine)
            of = ruleset.classes[name].of
            answers.append(on.con.execute(f'SELECT id, {name}, "{name}.rule" FROM {of}_outcome ORDER BY id').fetchall())
        assert answers[0] == answers[1]
    assert (pruned(ruleset, one).roles is not None) is roles
    assert roles or len(pruned(ruleset, one).classes) < len(ruleset.classes)


def test_words_for_people_and_places_in_files_are_no_difference(rules: Path, run: Run) -> None:
    new = shop.edited(
        rules, "new", "classes", "label: {zh: 价值, en: Worth}", "# moved down\n  label: {zh: 等级, en: Tier}"
    )
    shop.edited(rules, "new", "ruleset", "version: 1.0.0", "version: 1.0.1")
    assert not differing(load_rules(rules, installed()), load_rules(new, installed()))
    found = run("ruleset", "diff", str(rules), str(new), "--as-of", shop.AS_OF)
    assert found["transitions"] == []
    assert set(found["same"]) >= {"worth", "care", "role", "risky"}
    assert "nobody moves" in run("ruleset", "diff", str(rules), str(new), "--as-of", shop.AS_OF, text=True)


def test_roles_move_with_their_evidence(rules: Path, run: Run) -> None:
    new = shop.edited(rules, "new", "roles", "matches: 采购", "matches: Clerk")
    found = run("ruleset", "diff", str(rules), str(new), "--as-of", shop.AS_OF)
    role = next(t for t in found["transitions"] if t["item"]["name"] == "role")
    assert {(r["old"], r["new"], r["old_rule"], r["new_rule"]) for r in role["rules"]} == {
        ("buyer", "decider", "position.buyer", "position.boss"), ("unknown", "buyer", "", "position.buyer"),
    }  # fmt: skip
    assert {m["id"]: m["name"] for m in found["moves"] if m["item"] == "role"} == {"c1": "李雷", "c3": "Jo"}


@pytest.mark.parametrize("change", [LOWER, ("roles", "matches: 采购", "matches: Clerk")], ids=["class", "role"])
def test_what_old_decided_on_these_records_is_not_decided_again(
    tmp_path: Path, rules: Path, run: Run, change: Any
) -> None:
    new = shop.edited(rules, "new", *change)
    command = ("ruleset", "diff", str(rules), str(new), "--as-of", shop.AS_OF)
    for more in ((), ("--all",)):
        (tmp_path / "state/decision.duckdb").unlink(missing_ok=True)
        afresh = run(*command, *more)
        run("decide", "--as-of", shop.AS_OF)
        taken = run(*command, *more)
        assert (afresh.pop("reused"), taken.pop("reused")) == (False, True)
        assert taken == afresh
    assert "taken over from that decision" in run(*command, text=True)
    assert run("ruleset", "diff", str(new), str(rules), "--as-of", shop.AS_OF)["reused"] is False
    later = run("ruleset", "diff", str(rules), str(new), "--as-of", "2026-09-01")
    (tmp_path / "state/decision.duckdb").unlink()
    assert {**run("ruleset", "diff", str(rules), str(new), "--as-of", "2026-09-01"), "reused": True} == later


def test_a_decision_on_other_records_is_left_alone(tmp_path: Path, rules: Path, run: Run) -> None:
    run("decide", "--as-of", shop.AS_OF)
    accounts = tmp_path / "crm/accounts.csv"
    accounts.write_text(accounts.read_text("utf-8") + "a5,New,7,,\n", encoding="utf-8")
    run("pull")
    new = shop.edited(rules, "new", *LOWER)
    assert run("ruleset", "diff", str(rules), str(new), "--as-of", shop.AS_OF)["reused"] is False


def test_data_and_rules_are_told_apart(tmp_path: Path, rules: Path, run: Run) -> None:
    run("decide", "--as-of", shop.AS_OF)
    kept = tmp_path / "last.duckdb"
    kept.write_bytes((tmp_path / "state/decision.duckdb").read_bytes())
    orders = tmp_path / "crm/orders.csv"
    # a1 falls by the data and rises again by the rules, a3 rises by the data, a2 by the rules, a5 is new
    orders.write_text(orders.read_text("utf-8").replace("1200", "700") + "o5,a3,2026-06-05,5000\n", encoding="utf-8")
    accounts = tmp_path / "crm/accounts.csv"
    accounts.write_text(accounts.read_text("utf-8") + "a5,New,7,,\n", encoding="utf-8")
    run("pull")
    new = shop.edited(rules, "new", *LOWER)
    found = run("ruleset", "diff", str(rules), str(new), "--as-of", shop.AS_OF, "--since", str(kept), "--who", "worth")
    worth = next(s for s in found["splits"] if s["item"]["name"] == "worth")
    assert {k: v for k, v in worth.items() if k != "item"} == {
        "by_data": 2, "by_rules": 2, "both": 1, "net": 2, "appeared": 1, "gone": 0,
    }  # fmt: skip
    assert {(m["id"], m["cause"], m["old"], m["new"]) for m in found["moves"]} == {
        ("a1", "data", "high", "low"), ("a3", "data", "unknown", "high"),
        ("a1", "rules", "low", "high"), ("a2", "rules", "low", "high"),
    }  # fmt: skip
    assert {m["item"] for m in found["moves"]} == {"worth"}
    assert "reach" in found["left_out"]
    everything = run("ruleset", "diff", str(rules), str(new), "--as-of", shop.AS_OF, "--since", str(kept), "--all")
    assert everything["left_out"] == []
    assert next(s for s in everything["splits"] if s["item"]["name"] == "quiet")["by_data"] == 1


def test_a_decision_by_other_rules_can_not_tell_data_from_rules(tmp_path: Path, rules: Path, run: Run) -> None:
    new = shop.edited(rules, "new", *LOWER)
    run("decide", "--as-of", shop.AS_OF)
    since = str(tmp_path / "state/decision.duckdb")
    said = run("ruleset", "diff", str(new), str(rules), "--as-of", shop.AS_OF, "--since", since, code=6)
    assert [p["code"] for p in said["problems"]] == ["foreign-decision"]
    con = duckdb.connect(str(tmp_path / "other.duckdb"))
    con.close()
    other = str(tmp_path / "other.duckdb")
    said = run("ruleset", "diff", str(rules), str(new), "--as-of", shop.AS_OF, "--since", other, code=6)
    assert [p["code"] for p in said["problems"]] == ["decision-unreadable"]


def test_a_budget_of_churn_stops_a_change_that_moves_too_many(rules: Path, run: Run) -> None:
    new = shop.edited(rules, "new", *LOWER)
    command = ("ruleset", "diff", str(rules), str(new), "--as-of", shop.AS_OF, "--max-moved")
    assert run(*command, "25%")["over_budget"] == []
    assert run(*command, "0.2", code=1)["over_budget"] == ["worth", "care", "risky"]
    assert exit_code([*command, "many"]) == 2


def test_hostile_names_are_shown_without_what_acts_on_a_terminal(rules: Path, run: Run) -> None:
    new = shop.edited(rules, "new", "ruleset", "value: 1000", "value: 9000")
    command = ("ruleset", "diff", str(rules), str(new), "--as-of", shop.AS_OF)
    (name,) = {m["name"] for m in run(*command)["moves"]}
    assert name == "Acme [31mevil"
    said = run(*command, text=True)
    assert clean(said.replace("\n", "")) == said.replace("\n", "")


def test_who_is_named_can_be_chosen_and_limited(rules: Path, run: Run) -> None:
    new = shop.edited(rules, "new", "classes", "otherwise: little", "otherwise: much")
    command = ("ruleset", "diff", str(rules), str(new), "--as-of", shop.AS_OF)
    assert [m["id"] for m in run(*command)["moves"]] == ["a3", "a4"]
    assert [m["id"] for m in run(*command, "--most", "1")["moves"]] == ["a3"]
    said = run(*command, "--who", "halfed", code=3)
    assert (said["problems"][0]["code"], said["problems"][0]["hint"]) == ("unknown-outcome", "did you mean 'halved'?")


def test_a_class_that_only_one_has_is_named_and_not_compared(rules: Path, run: Run) -> None:
    new = shop.edited(rules, "new", "classes", "mood:\n", "temper:\n")
    for part in ("good", "bad"):
        shop.edited(rules, "new", "classes", f"mood.{part}", f"temper.{part}")
    found = run("ruleset", "diff", str(rules), str(new), "--as-of", shop.AS_OF)
    assert (found["added"], found["removed"]) == (["temper"], ["mood"])
    assert found["transitions"] == []


def test_the_records_of_cases_will_do_each_with_its_own_ids(rules: Path, run: Run) -> None:
    cases = Path(__file__).resolve().parents[2] / "rulesets/b2b-core/cases"
    new = shop.edited(rules, "new", *LOWER)
    one = run("ruleset", "diff", str(rules), str(new), "--records", str(cases / "s06_manufacturing.yaml"), "--all")
    assert one["as_of"] == "2025-06-30"
    files = sorted(cases.glob("*.yaml"))
    each = [run("ruleset", "diff", str(rules), str(new), "--records", str(f), "--all")["records"] for f in files[:2]]
    both = rules.parent / "cases"
    both.mkdir()
    for file in files[:2]:
        (both / file.name).write_bytes(file.read_bytes())
    together = run("ruleset", "diff", str(rules), str(new), "--records", str(both), "--all")["records"]
    assert together == {object: sum(r.get(object, 0) for r in each) for object in together}


def test_another_crm_in_files_is_read_afresh_and_left_alone(tmp_path: Path, rules: Path, run: Run) -> None:
    other = tmp_path / "other"
    shop.make(other)
    new = shop.edited(rules, "new", *LOWER)
    found = run("ruleset", "diff", str(rules), str(new), "--records", str(other), "--as-of", shop.AS_OF)
    assert found["records"]["account"] == 4
    assert not (other / "state").exists()


def test_it_speaks_chinese(rules: Path, run: Run) -> None:
    new = shop.edited(rules, "new", *LOWER)
    said = run("ruleset", "diff", str(rules), str(new), "--as-of", shop.AS_OF, text=True, lang="zh")
    assert "价值:1/4 改变(25.0%),因规则" in said
    assert "谁改变了" in said
