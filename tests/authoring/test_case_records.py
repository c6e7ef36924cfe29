"""What a case's records may hold besides the common keys: a ruleset's own fields, and any object of the model."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from crmrules.authoring.diff import diff
from crmrules.authoring.diff_records import ground
from crmrules.errors import RulesetError
from crmrules.language.loader import load_ruleset
from crmrules.plugins.host import installed
from crmrules.testing.cases import run_cases
from crmrules.testing.records import read_case

RULESET = """\
schema: ruleset-v1
name: graded
version: 1.0.0
label: {zh: 评级, en: Graded}
languages: [en]
parameters:
  good_from: {value: 3, by: country, cases: {CN: 5}}
requires:
  account: {grade: {type: integer}, since: {type: date}, labels: {type: list}}
  order: {channel: {type: text}}
"""
FEATURES = "account: {online: {count: order, where: {channel: web}}, answers: {count: response}}\n"
CLASSES = """\
standing:
  of: account
  values: {good: {en: Good}, poor: {en: Poor}}
  rules:
    - {id: standing.good, when: {grade: {gte: $good_from}, labels: {has: blue}, since: {within: 400d}}, then: good}
  otherwise: poor
busy:
  of: account
  values: {yes_: {en: "Yes"}, no_: {en: "No"}}
  rules: [{id: busy.yes, when: {online: {gte: 1}, answers: {gte: 2}}, then: yes_}]
  otherwise: no_
"""
CASE = """\
id: one
as_of: 2026-01-01
policy: {good_from: {value: 1, by: country, cases: {DE: 2}}}
account: {id: a1, country: DE, custom: {grade: 2, since: 2025-02-01, labels: [blue, red]}}
contacts: []
deals: []
activities: []
orders: [{date: 2025-05-01, amount: 10, custom: {channel: web}}]
records:
  response: [{id: r1, account_id: a1, date: 2025-06-01, score: 9}, {id: r2, account_id: a1, date: 2025-07-01}]
expected: {account: {classes: {standing: good, busy: yes_}}}
"""


@pytest.fixture
def graded(tmp_path: Path) -> Path:
    (tmp_path / "cases").mkdir()
    files = {"ruleset": RULESET, "features": FEATURES, "classes": CLASSES, "cases/one": CASE}
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    return tmp_path


def test_rules_read_what_a_case_says_of_its_own_fields_and_of_other_objects(graded: Path) -> None:
    host = installed()
    report = run_cases(graded, engine=host.engine("python"), renderer=host.renderer("jinja"))
    assert report.passed, report.failures
    assert len(report.expectations) == 2


def test_two_rulesets_are_compared_on_a_case_with_own_fields(graded: Path) -> None:
    with ground((str(graded), str(graded)), graded, records=graded / "cases", as_of=None, today=date.today()) as on:
        found = diff(on.con, *on.rulesets, as_of=on.as_of, engine=on.engine, everything=True)
    (standing,) = (t for t in found.transitions if t.item.name == "standing")
    assert [(cell.old, cell.count) for cell in standing.cells] == [("poor", 1)]  # without the case's own policy


@pytest.mark.parametrize(
    ("said", "instead", "complaint"),
    [
        ("grade: 2", "grad: 2", "did you mean 'grade'"),
        ("grade: 2", "grade: much", "expected: a whole number"),
        ("since: 2025-02-01", "since: yesterday", "expected: a day such as 2025-06-30"),
        ("labels: [blue, red]", "labels: blue", "expected: a list of texts"),
        ("channel: web", "canal: web", "no ruleset requires a field of order called 'canal'"),
        ("score: 9", "skore: 9", "did you mean 'score'"),
        ("score: 9", "score: high", "expected: a number"),
        ("id: r1, ", "", "needs 'id'"),
        ("response: [", "respons: [", "respons"),
    ],
)
def test_a_field_that_nobody_knows_or_a_value_that_fits_none_is_told_with_its_place(
    graded: Path, said: str, instead: str, complaint: str
) -> None:
    file = graded / "cases" / "one.yaml"
    file.write_text(CASE.replace(said, instead), "utf-8")
    with pytest.raises(RulesetError) as caught:
        read_case(file, (load_ruleset(graded),))
    assert complaint in str(caught.value)
    assert f"{file}:" in str(caught.value)
