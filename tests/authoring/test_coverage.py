"""What a ruleset's cases test: what fired, where the boundaries lie, which faults they notice."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from crmrules.authoring.coverage.boundaries import boundaries
from crmrules.authoring.coverage.equivalents import equivalent
from crmrules.authoring.coverage.mutants import mutants
from crmrules.authoring.coverage.report import covered_by_cases, work_of
from crmrules.authoring.coverage.score import Score, Work, mutation_score
from crmrules.authoring.coverage.stage import reached, stage
from crmrules.authoring.lint.columns import Known
from crmrules.cli.main import exit_code
from crmrules.language.loader import load_ruleset
from crmrules.plugins.host import installed
from crmrules.testing.together import batches

AS_OF = date(2025, 6, 30)
FILES = {
    "ruleset.yaml": "schema: ruleset-v1\nname: small\nversion: 1.0.0\nlanguages: [en]\n",
    "classes.yaml": """\
size:
  of: account
  label: {en: Size}
  values: {large: Large, small: Small}
  rules:
    - {id: size.large, when: {employees: {gte: 100}}, then: large}
    - {id: size.small, when: {employees: {lt: 100}}, then: small}
""",
    "flags.yaml": """\
# lint: ignore[never-fires] such customers are rare
blocked: {of: account, when: {blacklisted: true}, label: {en: Blocked}, why: {en: Blocked}}
""",
    "cases/one.yaml": """\
id: one
language: en
as_of: 2025-06-30
account: {id: a1, employees: 100}
contacts: []
deals: []
activities: []
expected: {account: {classes: {size: large}}}
""",
}
UNDER = """\
id: two
language: en
as_of: 2025-06-30
account: {id: a1, employees: 99}
contacts: []
deals: []
activities: []
more_accounts:
  - {id: a2, blacklisted: true, expected: {flags: [blocked]}}
  - {id: a3, blacklisted: false, expected: {not_flags: [blocked]}}
expected: {account: {classes: {size: small}}}
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def fates(score: Score) -> dict[tuple[str, str], str]:
    return {(one.mutant.id, one.mutant.change): one.fate for one in score.fates}


def test_what_never_fired_is_listed_with_its_place_and_the_reason_that_stands_there(small: Path) -> None:
    found = covered_by_cases(work_of(str(small)))
    assert found.counts == {"rule": (1, 2), "flag": (0, 1)}
    assert [(m.entry.id, m.entry.at.line, m.reason) for m in found.missed] == [
        ("size.small", 7, ""),
        ("blocked", 2, "such customers are rare"),
    ]
    assert [m.entry.id for m in found.unexplained] == ["size.small"]


def test_one_case_at_the_boundary_notices_what_moves_it_up_and_nothing_else(small: Path) -> None:
    score = mutation_score(Work(folder=small), jobs=0)
    found = fates(score)
    assert {key for key, fate in found.items() if fate == "killed"} == {
        ("size.large", "flip"), ("size.large", "up"), ("size.large", "negate"), ("size.large", "remove"),
    }  # fmt: skip
    # No record is both large and small, so their order says nothing; nor does it matter to the second rule what the
    # first has taken already.
    assert {key for key, fate in found.items() if fate == "equivalent"} == {
        ("size.large", "exchange"), ("size.small", "flip"), ("size.small", "up"),
    }  # fmt: skip
    assert score.score == 4 / (len(score.fates) - 3)


def test_cases_on_both_sides_of_every_boundary_notice_all(small: Path) -> None:
    (small / "cases" / "two.yaml").write_text(UNDER, encoding="utf-8")
    score = mutation_score(Work(folder=small), jobs=0)
    assert {key for key, fate in fates(score).items() if fate == "survived"} == set()
    assert score.score == 1.0
    assert next(f.by for f in score.fates if f.mutant.change == "down") == "two: account a1 size"


def test_a_mutant_touches_the_accounts_where_its_entry_comes_out_otherwise(small: Path) -> None:
    (small / "cases" / "two.yaml").write_text(UNDER, encoding="utf-8")
    (batch,) = batches(small, sorted((small / "cases").iterdir()))
    there = stage(batch, installed().engine("python"), installed().renderer("jinja"))
    every = mutants(batch.ruleset)
    touched = {(m.id, m.change): sorted(a) for m, a in zip(every, reached(there, every), strict=True)}
    assert touched["size.large", "down"] == ["two/a1"]
    assert touched["size.large", "up"] == ["one/a1"]
    assert touched["size.large", "exchange"] == []
    assert touched["blocked", "negate"] == ["two/a2", "two/a3"]
    assert touched["blocked", "remove"] == ["two/a2"]


def test_a_sample_is_drawn_by_its_seed(small: Path) -> None:
    one, again, other = (
        fates(mutation_score(Work(folder=small), sample=3, seed=seed, jobs=0)).keys() for seed in (1, 1, 2)
    )
    assert len(one) == 3
    assert one == again
    assert one != other


def test_no_mutant_called_equivalent_decides_any_record_otherwise(small: Path) -> None:
    known = Known(load_ruleset(small))
    told = {(m.id, m.change) for m in mutants(known.ruleset) if equivalent(known, m, AS_OF)}
    assert ("size.large", "flip") not in told
    assert ("blocked", "negate") not in told


def test_records_stand_under_at_and_over_each_threshold(small: Path) -> None:
    found = {one.id: one for one in boundaries(Known(load_ruleset(small)), AS_OF)}
    assert [(s.place, s.record["employees"], s.outcome) for s in found["size.large"].sides] == [
        ("under", 99, "size = small (size.small)"),
        ("at", 100, "size = large (size.large)"),
        ("over", 101, "size = large (size.large)"),
    ]


def test_the_command_tells_and_its_exit_code_holds_a_pack_to_it(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coverage = ["ruleset", "coverage", str(small), "--lang", "en"]
    assert exit_code(coverage) == 0
    assert "classes.yaml:7:7: never fired: rule size.small" in capsys.readouterr().out
    assert exit_code([*coverage, "--check", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["counts"]["rule"] == {"fired": 1, "all": 2}
    assert exit_code([*coverage, "--mutate", "--jobs", "0", "--least", "0.9"]) == 1
    told = capsys.readouterr().out
    assert "survived: rule size.large: employees: 100 -> 90" in told
    assert "mutation score" in told
    assert exit_code([*coverage, "--boundaries", "--format", "json", "--as-of", "2025-06-30"]) == 0
    assert [json.loads(line)["threshold"] for line in capsys.readouterr().out.splitlines()] == [100, 100]
