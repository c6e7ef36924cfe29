"""What the linter says about a ruleset and the records of a real CRM, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crmrules.cli.main import exit_code

from .lint_world import classes, write

PROFILE = """\
schema: profile-v1
name: shop
connector: files
settings: {path: crm}
rulesets: [rules]
state: state
mapping:
  schema: mapping-v1
  objects:
    account:
      from: accounts
      fields: {id: id, name: name, employees: staff, beds: beds, industry: {from: branch, values: {银行: bank}}}
    contact: {from: people, fields: {id: id, account_id: account, name: name, title: title}}
"""
RULES = """
- {id: big, when: {employees: {gte: 10}}, then: large}
- {id: shadowed, when: {employees: {gte: 20}, industry: {is_present: true}}, then: small}
- {id: clinic, when: {beds: {gt: 5}}, then: large}
- {id: shop, when: {employees: {lt: 5}, industry: [shop, Retail, bank]}, then: small}
- {id: region, when: {region: north}, then: small}
- {id: few, when: {employees: {lt: 10}, industry: {ne: hotel}}, then: small}
- {id: dated, when: {employees: {lt: 0}}, then: small}
"""
LEXICON = """\
title:
  of: contact
  field: title
  prefix: title
  levels: [L1, L2]
  level: {L1: [总经理]}
"""
FLAGS = """\
head: {of: contact, when: {title_level: L1}, label: {zh: 负责人, en: Head}}
"""


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    crm = tmp_path / "crm"
    crm.mkdir()
    rows = [f"a{n},Firm {n},{n * 5},{10 if n == 1 else ''},{'银行' if n < 3 else 'retail'}" for n in range(10)]
    (crm / "accounts.csv").write_text("id,name,staff,beds,branch\n" + "\n".join(rows) + "\n", "utf-8")
    people = [f"c{n},a1,P{n},{'总经理' if n == 0 else ''}" for n in range(10)]
    (crm / "people.csv").write_text("id,account,name,title\n" + "\n".join(people) + "\n", "utf-8")
    write(tmp_path / "rules", classes=classes(RULES), lexicons=LEXICON, flags=FLAGS)
    (tmp_path / "crmrules.yaml").write_text(PROFILE, "utf-8")
    assert exit_code(["pull", "--profile", str(tmp_path), "-q"]) == 0
    return tmp_path


def lint(profile: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = exit_code(
        ["ruleset", "lint", str(profile / "rules"), "--profile", str(profile), "--as-of", "2025-06-30", *more]
    )
    return code, capsys.readouterr().out


def by_code(profile: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, list[dict[str, Any]]]:
    _, out = lint(profile, capsys, "--format", "json")
    found: dict[str, list[dict[str, Any]]] = {}
    for one in json.loads(out)["findings"]:
        found.setdefault(one["code"], []).append(one)
    return found


def test_findings_say_how_many_records_they_hit_and_name_one(profile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = by_code(profile, capsys)
    (unreachable,) = found["unreachable-rule"]
    assert unreachable["hits"] == {"matched": 6, "total": 10, "object": "account", "record": "a4"}
    (gap,) = found["gap"]
    assert gap["hits"] == {"matched": 0, "total": 10, "object": "account", "record": ""}
    assert gap["witness"]["industry"] == "hotel"
    (shadowed,) = found["shadowed-rule"]
    assert shadowed["message"] == "rule 'few' holds for 2 records and wins none: earlier rules take them"
    assert set(found) == {
        "unreachable-rule", "gap", "shadowed-rule", "dead-field", "unmapped-field", "absent-value",
    }  # fmt: skip


def test_a_field_that_is_hardly_filled_leaves_its_rules_dead(profile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    beds, title = by_code(profile, capsys)["dead-field"]
    assert beds["message"] == "account.beds is filled on 10%: rule 'clinic' is dead where it is blank"
    assert beds["hits"] == {"matched": 9, "total": 10, "object": "account", "record": ""}
    assert title["message"] == "contact.title is filled on 10%: flag 'head' is dead where it is blank"
    _, out = lint(profile, capsys, "--min-fill", "0.1")
    assert "dead-field" not in out


def test_a_field_that_the_mapping_leaves_out_is_told(profile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (region,) = by_code(profile, capsys)["unmapped-field"]
    assert region["message"] == "the mapping does not bring account.region: rule 'region' is dead where it is blank"


def test_a_value_that_the_crm_does_not_have_is_told_with_the_one_that_is_meant(
    profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    retail, shop = by_code(profile, capsys)["absent-value"]  # bank is what the mapping makes of 银行; hotel is excluded
    assert "'shop'" in shop["message"]
    assert "'Retail'" in retail["message"]
    assert retail["hint"] == "did you mean 'retail'?"


@pytest.mark.parametrize(("fail_on", "code"), [("error", 1), ("warning", 1)])
def test_the_exit_code_tells_how_severe_it_is(
    profile: Path, capsys: pytest.CaptureFixture[str], fail_on: str, code: int
) -> None:
    assert lint(profile, capsys, "--fail-on", fail_on)[0] == code
    rules = profile / "rules" / "classes.yaml"
    rules.write_text(classes("- {id: a, when: {employees: {gte: 10}}, then: large}"), "utf-8")  # a gap: a warning
    assert lint(profile, capsys, "--fail-on", fail_on)[0] == (1 if fail_on == "warning" else 0)


def test_it_speaks_chinese_and_english(profile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "涉及 6 / 10 个客户,例如 a4" in lint(profile, capsys, "--lang", "zh")[1]
    assert "hits 6 of 10 account records, e.g. a4" in lint(profile, capsys, "--lang", "en")[1]
    assert lint(profile, capsys, "--quiet")[1] == ""


def test_sarif_names_every_finding_with_its_rule_and_place(profile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from jsonschema import Draft202012Validator

    file = profile / "rules" / "classes.yaml"
    file.write_text("# lint: ignore[gap] the rest is meant to be unknown\n" + file.read_text("utf-8"), "utf-8")
    document = json.loads(lint(profile, capsys, "--format", "sarif")[1])
    Draft202012Validator(SARIF).validate(document)
    (run,) = document["runs"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    (gap,) = (result for result in run["results"] if result["ruleId"] == "gap")
    assert gap["suppressions"] == [{"kind": "inSource", "justification": "the rest is meant to be unknown"}]
    assert gap["locations"][0]["physicalLocation"]["region"]["startLine"] == 2


# What the SARIF 2.1.0 standard asks of the parts that we write (sections 3.13, 3.14, 3.19, 3.27, 3.28, 3.35).
_TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {"type": "object", "required": ["id"], "properties": {"shortDescription": _TEXT}},
                                    }
                                },
                            }
                        },
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message", "locations"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": _TEXT,
                                "properties": {"type": "object"},
                                "suppressions": {
                                    "type": "array",
                                    "items": {"required": ["kind"], "properties": {"kind": {"enum": ["inSource", "external"]}}},
                                },
                                "locations": {
                                    "type": "array",
                                    "minItems": 1,
                                    "items": {
                                        "required": ["physicalLocation"],
                                        "properties": {
                                            "physicalLocation": {
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "required": ["uri"],
                                                        "properties": {"uri": {"type": "string", "pattern": "^[!-~]+$"}},
                                                    },
                                                    "region": {
                                                        "required": ["startLine"],
                                                        "additionalProperties": False,
                                                        "properties": {
                                                            "startLine": {"type": "integer", "minimum": 1},
                                                            "startColumn": {"type": "integer", "minimum": 1},
                                                        },
                                                    },
                                                },
                                            }
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}  # fmt: skip
