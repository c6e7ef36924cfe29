"""Whole commands on a small CRM in files: what they do, what they say, and what they leave."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crmrules.app.demo import digests
from crmrules.cli.main import exit_code

from . import world

Run = Callable[..., Any]
AS_OF = "2026-07-01"


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    return world.make(tmp_path)


@pytest.fixture
def run(profile: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command on the profile; return its JSON, or its text with ``text=True``."""

    def command(*arguments: str, code: int = 0, text: bool = False, lang: str = "en", profiled: bool = True) -> Any:
        more = [*(["--profile", str(profile)] if profiled else []), "--lang", lang]
        got = exit_code([*arguments, *more, *([] if text else ["--format", "json"])])
        said = capsys.readouterr()
        assert got == code, said.err
        return said.out if text else json.loads(said.out or said.err)

    return command


@pytest.fixture
def decided(run: Run) -> Run:
    run("pull")
    run("decide", "--as-of", AS_OF)
    return run


def test_the_whole_round_and_back(profile: Path, run: Run) -> None:
    crm = profile.parent / "crm"
    before = digests(crm)
    pulled = run("pull")
    assert pulled["objects"]["account"]["stored"] == 3
    decision = run("decide", "--as-of", AS_OF)
    assert decision["classes"] == {"worth": {"high": 1, "low": 1, "unknown": 1}}
    assert decision["flags"] == {"silent": 1}
    assert decision["as_of"] == AS_OF
    plan = run("plan")
    changes = {(c["target"]["record_id"], c["target"]["kind"]): c["new"] for c in plan["changes"]}
    assert changes["a1", "field"] == "high"
    assert changes["a2", "tag"].startswith("worth=") or changes["a2", "tag"] == "low"
    assert digests(crm) == before
    applied = run("apply", plan["id"])
    assert applied["counts"] == {"written": len(plan["changes"])}
    assert "high" in (crm / "accounts.csv").read_text(encoding="utf-8")
    again = run("sync", "--as-of", AS_OF)
    assert again["plan"]["changes"] == 0
    assert again["applied"]["counts"] == {}  # the run is recorded, and writes nothing
    undone = run("undo")
    assert undone["counts"]["written"] == len(plan["changes"])
    assert digests(crm) == before
    assert [r["kind"] for r in run("runs")["runs"]] == ["undo", "apply", "pull", "apply", "pull"]
    assert len(run("runs", "2")["steps"]) == len(plan["changes"])


def test_what_a_person_changed_wins_and_is_told(profile: Path, decided: Run) -> None:
    decided("apply", decided("plan")["id"])
    accounts = profile.parent / "crm" / "accounts.csv"
    text = accounts.read_text(encoding="utf-8")
    accounts.write_text(text.replace("[31m,high", "[31m,diamond"), encoding="utf-8")
    assert "diamond" in accounts.read_text(encoding="utf-8")
    synced = decided("sync", "--as-of", AS_OF)
    assert synced["plan"]["changes"] == 0
    assert "values that people set are left alone" in decided("plan", text=True)
    assert "diamond" in accounts.read_text(encoding="utf-8")


def test_a_dry_run_keeps_nothing(profile: Path, run: Run) -> None:
    state = profile.parent / "state"
    assert run("sync", "--as-of", AS_OF, "--dry-run")["plan"]["changes"] > 0
    assert run("pull", "--dry-run")["objects"]["account"]["read"] == 3
    kept = {name for name in digests(state) if not name.startswith("run.lock")} if state.exists() else set()
    assert kept == set()
    run("sync", "--as-of", AS_OF)
    before = {name: digest for name, digest in digests(state).items() if not name.startswith("run.lock")}
    run("sync", "--as-of", "2027-07-01", "--dry-run")
    assert {name: digest for name, digest in digests(state).items() if not name.startswith("run.lock")} == before


def test_the_same_records_give_the_same_plan(decided: Run) -> None:
    first = decided("plan")
    decided("decide", "--as-of", AS_OF)
    assert decided("plan") == first


def test_people_read_it_in_their_language_and_no_escape_reaches_them(run: Run) -> None:
    run("pull")
    english, chinese = (run("decide", "--as-of", AS_OF, text=True, lang=lang) for lang in ("en", "zh"))
    assert f"as of {AS_OF}" in english
    assert "Worth" in english
    assert "价值" in chinese
    assert "未知" in chinese
    plan = run("plan", "--all", text=True)
    assert "Acme {{ 7*7 }}[31m" in plan
    assert "spent 1,100" in plan
    assert "\x1b" not in plan


def test_explain_tells_the_rule_and_its_place(decided: Run) -> None:
    told = decided("explain", "account", "a1", text=True)
    assert "classes.yaml:" in told
    assert "worth" in told.lower()
    assert "\x1b" not in told
    assert decided("explain", "account", "a1")["record_id"] == "a1"
    assert decided("explain", "account", "nobody", code=4)["problems"][0]["code"] == "unknown-record"


def test_the_report_is_one_file(profile: Path, decided: Run) -> None:
    page = profile.parent / "page.html"
    decided("report", str(page))
    assert "<html" in page.read_text(encoding="utf-8")


def test_outcomes_are_exported_as_the_profile_says_or_as_asked(profile: Path, decided: Run) -> None:
    places = decided("export")["exports"][0]["places"]
    assert [Path(place).name for place in places] == ["account_outcome.jsonl", "flag.jsonl"]
    rows = [json.loads(line) for line in Path(places[0]).read_text(encoding="utf-8").splitlines()]
    assert [(row["id"], row["worth"]) for row in rows] == [("a1", "high"), ("a2", "low"), ("a3", "unknown")]
    decided("export", "csv", str(profile.parent / "csv"), "--table", "flag", "--set", "delimiter=;")
    assert (profile.parent / "csv" / "flag.csv").is_file()
    wrong = decided("export", "csv", "x", "--set", "delimiter=|", code=3)
    assert wrong["problems"][0]["code"] == "bad-settings"
    assert decided("export", "csv", "x", "--table", "flagg", code=3)["problems"][0]["hint"] == "did you mean 'flag'?"
    assert decided("export", "xml", "x", code=9)["problems"][0]["code"] == "unknown-plugin"


def test_both_engines_decide_alike(run: Run) -> None:
    run("pull")
    by = {engine: run("decide", "--as-of", AS_OF, "--engine", engine) for engine in ("durable", "python")}
    assert by["durable"]["engine"] == "durable"
    assert {**by["durable"], "engine": ""} == {**by["python"], "engine": ""}
    assert run("decide", "--engine", "prolog", code=9)["problems"][0]["code"] == "unknown-plugin"


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        (["decide"], "pull"),
        (["plan"], "decide"),
        (["report", "x.html"], "decide"),
        (["explain", "account", "a1"], "decide"),
    ],
)
def test_out_of_order_commands_say_what_comes_first(command: list[str], hint: str, run: Run) -> None:
    problem = run(*command, code=6)["problems"][0]
    assert hint in problem["hint"]


def test_a_decision_on_older_records_is_not_planned_from(profile: Path, decided: Run) -> None:
    orders = profile.parent / "crm" / "orders.csv"
    orders.write_text(orders.read_text() + "o4,a2,2026-06-20,5000\n")
    decided("pull")
    assert decided("plan", code=6)["problems"][0]["code"] == "decision-outdated"


def test_a_snapshot_from_before_our_last_write_is_not_planned_from(decided: Run) -> None:
    decided("apply", decided("plan")["id"])
    problem = decided("plan", code=6)["problems"][0]
    assert problem["code"] == "snapshot-outdated"
    decided("undo")
    assert decided("plan", code=6)["problems"][0]["code"] == "snapshot-outdated"
    decided("pull")
    decided("decide", "--as-of", AS_OF)
    assert decided("plan")["changes"]


def test_a_threshold_moves_customers(profile: Path, decided: Run) -> None:
    decided("apply", decided("plan")["id"])
    profile.write_text(world.PROFILE + "parameters: {high_from: 5}\n")
    decided("sync", "--as-of", AS_OF)
    changed = decided("runs", "4")["steps"]
    assert {step["intent"]["change"]["target"]["record_id"] for step in changed} == {"a2"}
    assert {step["intent"]["change"]["cause"] for step in changed} >= {"rule"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("connector: files", "connector: filez"), "unknown-plugin"),
        (("path: crm", "path: nowhere"), None),
        (("path: crm", "paths: crm"), "bad-settings"),
        (("rulesets: [rules]", "rulesets: [rulez]"), "unknown-ruleset"),
        (("name: shop", "name: shop\nname: shop"), None),
    ],
)
def test_a_wrong_profile_is_told(profile: Path, run: Run, change: tuple[str, str], code: str | None) -> None:
    profile.write_text(world.PROFILE.replace(*change))
    exit_codes = {"unknown-plugin": 9, None: None}
    with_json = ["--profile", str(profile), "--format", "json"]
    got = exit_code(["sync", "--as-of", AS_OF, *with_json])
    assert got == exit_codes.get(code, 3) or (code is None and got in (3, 4, 5))


def test_a_secret_in_wrong_settings_is_not_shown(
    profile: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DELIMITER", "s3cret")
    profile.write_text(world.PROFILE.replace("{path: crm}", "{path: crm, delimiter: {env: DELIMITER}}"))
    assert exit_code(["pull", "--profile", str(profile)]) == 3
    said = capsys.readouterr().err
    assert "settings.delimiter" in said
    assert "s3cret" not in said


def test_a_plan_that_was_edited_or_is_unknown_is_refused(profile: Path, decided: Run) -> None:
    plan = decided("plan")
    file = Path(plan["file"])
    file.write_text(file.read_text(encoding="utf-8").replace('"high"', '"low"'), encoding="utf-8")
    assert decided("apply", str(file), code=8)["problems"][0]["code"] == "plan-changed"
    assert decided("apply", "0123", code=8)["problems"][0]["code"] == "unknown-plan"


def test_the_language_of_the_output_changes_no_plan(decided: Run) -> None:
    assert decided("plan", lang="zh")["id"] == decided("plan", lang="en")["id"]


# ---------------------------------------------------------------- rulesets


def test_a_ruleset_is_checked_templates_included(profile: Path, run: Run) -> None:
    folder = profile.parent / "rules"
    assert run("ruleset", "validate", str(folder), profiled=False)["counts"]["rules"] == 2
    world.make(
        profile.parent,
        playbook=world.PLAYBOOK.replace("Visit {{ name }}", "Visit {{ nam }}. Then {{ name() }}"),
        flags=world.FLAGS + "  why: {zh: '{{ spend }}', en: '{{ spend }}'}\n",
    )
    problems = run("ruleset", "validate", str(folder), profiled=False, code=3)["problems"]
    assert {p["code"] for p in problems} == {"bad-template", "unknown-field"}
    assert all(p["line"] for p in problems)
    assert "did you mean 'spent'?" in {p["hint"] for p in problems}


def test_what_a_ruleset_comes_to_is_shown(profile: Path, run: Run) -> None:
    folder = str(profile.parent / "rules")
    assert run("ruleset", "show", folder, "worth", profiled=False)["rules"][1]["id"] == "worth.high"
    statements = run("ruleset", "show", folder, "--sql", "--as-of", AS_OF, profiled=False)["sql"]
    assert any("worth.high" in statement for statement in statements)
    assert "account_outcome" in run("ruleset", "show", folder, "--sql", profiled=False, text=True)
    assert (
        run("ruleset", "show", folder, "wort", profiled=False, code=3)["problems"][0]["hint"] == "did you mean 'worth'?"
    )


def test_a_new_ruleset_is_valid_and_its_cases_pass(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "mine"
    run("ruleset", "new", str(folder), profiled=False)
    assert run("ruleset", "validate", str(folder), profiled=False)["name"] == "mine"
    tested = run("ruleset", "test", str(folder), profiled=False)
    assert tested["expectations"]
    assert all(expectation["passed"] for expectation in tested["expectations"])
    assert run("ruleset", "new", str(folder), profiled=False, code=3)["problems"]


@pytest.mark.parametrize("name", ["ruleset", "profile-v1"])
def test_schemas_are_printed(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["ruleset", "schema", name]) == 0
    assert json.loads(capsys.readouterr().out)["$id"].startswith(name.removesuffix("-v1"))
    assert exit_code(["ruleset", "schema", "ruleest"]) == 3
