"""What the linter says about rules against each other, and that it never claims what isn't so."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmrules.evaluation.interpreter import evaluate
from crmrules.language.loader import load_ruleset

from .lint_world import AS_OF, classes, found, write


def codes(folder: Path) -> set[str]:
    return set(found(folder))


def test_a_rule_that_an_earlier_one_takes_is_never_reached(tmp_path: Path) -> None:
    rules = """
- {id: a, when: {employees: {gte: 100}}, then: large}
- {id: b, when: {employees: {gte: 500}, industry: bank}, then: small}
"""
    (one,) = found(write(tmp_path / "r", classes=classes(rules, "  otherwise: small\n")))["unreachable-rule"]
    assert "rule 'b'" in one.problem.message
    assert "rule 'a'" in one.problem.message
    assert (one.problem.at.file.endswith("classes.yaml"), one.problem.at.line) == (True, 8)


def test_several_earlier_rules_can_take_a_rule_together(tmp_path: Path) -> None:
    rules = """
- {id: a, when: {employees: {lt: 100}}, then: small}
- {id: b, when: {employees: {gte: 50}}, then: large}
- {id: c, when: {employees: {is_missing: true}}, then: unknown}
- {id: d, when: {industry: bank}, then: large}
"""
    (one,) = found(write(tmp_path / "r", classes=classes(rules, "  otherwise: small\n")))["unreachable-rule"]
    assert "rule 'd'" in one.problem.message


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("employees: {gte: 100}", "industry: bank"),  # another field
        ("employees: {gte: 100}", "employees: {gt: 99.5}"),  # whole numbers: the same, but the first is missing nothing
        ("not: {employees: {lt: 10}}", "employees: {is_missing: true}"),  # unknown is not true
        ("industry: {matches: 'a|b'}", "industry: {matches: c}"),
        ("employees: {gte: {field: beds}}", "employees: {gt: {field: students}}"),
    ],
)
def test_what_can_be_reached_is_left_alone(tmp_path: Path, first: str, second: str) -> None:
    rules = f"- {{id: a, when: {{{first}}}, then: large}}\n- {{id: b, when: {{{second}}}, then: small}}"
    reached = "99.5" not in second
    folder = write(tmp_path / "r", classes=classes(rules, "  otherwise: small\n"))
    assert ("unreachable-rule" not in codes(folder)) is reached


@pytest.mark.parametrize(
    "when",
    [
        "employees: {gte: 10, lt: 10}",
        "all: [{industry: bank}, {industry: hospital}]",
        "employees: {gt: 3, lt: 4}",  # no whole number lies between
        "created_at: {within: 30d, older_than: 60d}",
        "industry: {is_missing: true, matches: x}",
        "all: [{industry: bank}, {industry: {matches: hospital}}]",
        "all: [{employees: {gt: {field: beds}}}, {employees: {lt: {field: beds}}}]",
        "blacklisted: true, not: {blacklisted: true}",
    ],
)
def test_a_condition_that_nothing_meets_is_a_contradiction(tmp_path: Path, when: str) -> None:
    rules = f"- {{id: a, when: {{{when}}}, then: large}}"
    (one,) = found(write(tmp_path / "r", classes=classes(rules, "  otherwise: small\n")))["contradiction"]
    assert "rule 'a'" in one.problem.message


def test_a_rule_for_another_policy_is_no_contradiction(tmp_path: Path) -> None:
    rules = "- {id: a, when: {$basis: margin, employees: 1}, then: large}"
    folder = write(
        tmp_path / "r", more="parameters: {basis: revenue}\n", classes=classes(rules, "  otherwise: small\n")
    )
    assert codes(folder) == set()


def test_a_rule_of_which_a_parameter_switches_off_a_part_still_closes_a_gap(tmp_path: Path) -> None:
    rules = """
- {id: a, when: {employees: {gt: 100}}, then: large}
- {id: b, when: {any: [{$basis: margin, beds: 1}, {employees: {lte: 100}}]}, then: small}
"""
    folder = write(tmp_path / "r", more="parameters: {basis: revenue}\n", classes=classes(rules))
    assert codes(folder) == set()


def test_a_gap_comes_with_a_record_that_no_rule_takes(tmp_path: Path) -> None:
    rules = """
- {id: a, when: {employees: {gt: 100}}, then: large}
- {id: b, when: {employees: {lt: 100}}, then: small}
"""
    folder = write(tmp_path / "r", classes=classes(rules))
    (one,) = found(folder)["gap"]
    assert dict(one.witness) == {"employees": 100}
    assert "gap" not in codes(write(tmp_path / "s", classes=classes(rules, "  otherwise: unknown\n")))


def test_a_gap_stands_out_although_every_limit_depends_on_the_account(tmp_path: Path) -> None:
    more = "parameters: {floor: {value: 100, by: industry, cases: {bank: 1000}}}\n"
    rules = """
- {id: a, when: {employees: {gt: $floor}}, then: large}
- {id: b, when: {employees: {lt: $floor}}, then: small}
"""
    (one,) = found(write(tmp_path / "r", more=more, classes=classes(rules)))["gap"]
    assert one.witness["employees"] == (1000 if one.witness["industry"] == "bank" else 100)


def test_overlaps_count_where_the_hit_policy_allows_one_value(tmp_path: Path) -> None:
    rules = """
- {id: a, when: {employees: {gte: 100}}, then: large}
- {id: b, when: {employees: {lte: 100}}, then: small}
"""
    (one,) = found(write(tmp_path / "r", classes=classes(rules, "  hit: unique\n")))["overlap"]
    assert dict(one.witness) == {"employees": 100}
    assert "overlap" in codes(write(tmp_path / "s", classes=classes(rules, "  hit: any\n")))
    agreed = rules.replace("then: small", "then: large")
    assert "overlap" not in codes(write(tmp_path / "t", classes=classes(agreed, "  hit: any\n")))
    assert "overlap" not in codes(write(tmp_path / "u", classes=classes(rules, "  hit: collect\n")))
    assert "overlap" not in codes(write(tmp_path / "v", classes=classes(rules)))


def test_a_score_has_only_the_places_that_its_cuts_make(tmp_path: Path) -> None:
    features = """\
account:
  r: {score: {by: cuts, of: employees, cuts: [10, 100]}}
"""
    rules = """
- {id: a, when: {r: {lte: 1}}, then: small}
- {id: b, when: {r: {between: [2, 3]}}, then: large}
"""
    folder = write(tmp_path / "r", features=features, classes=classes(rules, "  hit: unique\n"))
    assert codes(folder) == set()


def test_a_decision_table_is_linted_as_the_rules_that_it_spells(tmp_path: Path) -> None:
    table = """\
size:
  of: account
  label: {zh: 规模, en: Size}
  values: {large: {zh: 大, en: Large}, small: {zh: 小, en: Small}}
  hit: unique
  table:
    inputs: [employees]
    rows:
      - {id: a, employees: ">= 100", then: large}
      - {id: b, employees: "< 50", then: small}
"""
    folder = write(tmp_path / "r", classes=table)
    (one,) = found(folder)["gap"]
    dimension = load_ruleset(folder).classes["size"]
    assert not any(evaluate(rule.when, one.witness, AS_OF) for rule in dimension.rules)


def test_a_sentence_that_an_earlier_one_of_its_block_always_takes_is_never_said(tmp_path: Path) -> None:
    playbook = """\
title: {zh: 建议, en: Advice}
blocks: {account: [next, focus]}
sentences:
  any: {of: account, block: next, when: {industry: {is_present: true}}, say: {zh: 拜访, en: Visit}}
  bank: {of: account, block: next, when: {industry: bank}, say: {zh: 拜访银行, en: Visit the bank}}
  other: {of: account, block: focus, when: {industry: bank}, say: {zh: 看风险, en: Look at the risk}}
"""
    (one,) = found(write(tmp_path / "r", playbook=playbook))["unreachable-rule"]
    assert "sentence 'bank'" in one.problem.message
