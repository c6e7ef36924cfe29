"""Titles of a whole company, and of the people at 805 accounts, read by the shipped lexicon alone.

The hierarchy is the company's own (depth of the reporting tree); the level comes from the title only. They can't agree
in full: a marketing specialist who reports to a vice president stands higher in the tree than a supervisor does.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path
from statistics import correlation

import pytest

from crmrules.evaluation.lexicons import read_texts
from crmrules.evaluation.reading import Reading
from crmrules.language.loader import load_ruleset

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "adventureworks"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data/adventureworks is not here")

# L0 is oversight beside the hierarchy; an assistant or a rank leads nobody, as L5.
RANK = {"L1": 1, "L2": 2, "L3": 3, "L4": 4, "L5": 5, "LX": 5, "LR": 5}


def _rows(file: str) -> list[dict[str, str]]:
    with (DATA / file).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _read(titles: list[str]) -> list[Reading]:
    return read_texts(load_ruleset(ROOT / "rulesets" / "b2b-core").lexicons["title"], titles)


def _ranks(values: list[int]) -> list[float]:
    """Return the rank of each value; ties share the mean of their ranks."""
    ordered = sorted(values)
    first = {value: ordered.index(value) for value in set(values)}
    return [first[value] + (ordered.count(value) + 1) / 2 for value in values]


def _rho(pairs: list[tuple[int, int]]) -> float:
    """Return Spearman's rank correlation."""
    return correlation(_ranks([one for one, _ in pairs]), _ranks([other for _, other in pairs]))


def test_the_level_of_a_title_agrees_with_the_depth_in_the_hierarchy() -> None:
    employees = _rows("aw_employees_org.csv")
    readings = _read([e["job_title"] for e in employees])
    levelled = [(int(e["level"]), RANK[r.level]) for e, r in zip(employees, readings, strict=True) if r.level in RANK]
    confusion = Counter((int(e["level"]), r.level) for e, r in zip(employees, readings, strict=True))
    leading = [
        (int(e["level"]), RANK[r.level])
        for e, r in zip(employees, readings, strict=True)
        if r.level in RANK and int(e["direct_reports"]) > 0
    ]
    rho, of_leaders = _rho(levelled), _rho(leading)
    print(f"\nSpearman's rho {rho:.3f} over {len(levelled)} of {len(employees)} employees, {of_leaders:.3f} over the")
    print(f"{len(leading)} who lead somebody; (depth, level): number")
    print("\n".join(f"  {depth} {level}: {number}" for (depth, level), number in sorted(confusion.items(), key=str)))
    assert len(employees) == 290
    assert rho >= 0.55
    assert of_leaders >= 0.55
    assert len(levelled) >= 0.9 * len(employees)  # coverage
    assert readings[0].level == "L1"  # the chief executive


@pytest.mark.parametrize(
    ("kind", "level", "function"),
    [
        ("Owner", "L1", "general"),
        ("Purchasing Manager", "L4", "procurement"),
        ("Purchasing Agent", "L5", "procurement"),
    ],
)
def test_owners_head_their_firms_and_purchasing_is_procurement(kind: str, level: str, function: str) -> None:
    titles = [row["contact_type"] for row in _rows("aw_account_contacts.csv") if row["contact_type"] == kind]
    readings = _read(titles)
    assert len(titles) > 200
    right = sum(r.level == level and r.functions == (function,) for r in readings)
    assert right >= 0.99 * len(titles)


def test_hardly_a_title_of_the_accounts_is_unknown() -> None:
    readings = _read([row["contact_type"] for row in _rows("aw_account_contacts.csv")])
    assert sum(r.matched for r in readings) >= 0.9 * len(readings)
