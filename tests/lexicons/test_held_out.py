"""How precise b2b-core's title classes are on titles that nobody looked at (held_out_titles.md says which and why).

The figures of docs/lexicons.md are computed here again. Whoever changes the lexicon after a look at these titles draws
and labels new ones: a test that one has learned by heart measures nothing.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path

import pytest

from crmrules.evaluation.lexicons import read_texts
from crmrules.evaluation.reading import Reading
from crmrules.language.loader import load_ruleset
from crmrules.language.ruleset import Lexicon

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "lexicons.md"
TOKENS = ROOT.parent / "shared" / "data" / "title_tokens" / "gazetteer.csv"
VAGUE = ("professional", "degree", "none")  # functions that say nothing about what somebody does


@dataclass
class Tally:
    """Claims of one kind, right ones and all, and what should have been found."""

    right: Counter[str] = field(default_factory=Counter)
    claimed: Counter[str] = field(default_factory=Counter)

    def add(self, name: str, right: bool) -> None:
        self.claimed[name] += 1
        self.right[name] += right

    def row(self, name: str) -> str:
        right, claimed = self.right[name], self.claimed[name]
        low, high = wilson(right, claimed)
        return f"| {name} | {claimed} | {right} | {right / claimed:.1%} | {low:.0%} to {high:.0%} |"


@dataclass(frozen=True, kw_only=True)
class Measured:
    levels: Tally
    functions: Tally
    found: Tally  # level: titles that got one; function: titles of which the key demands one


def wilson(right: int, claimed: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share (Wilson 1927)."""
    z, p = 1.96, right / claimed
    middle = (p + z * z / (2 * claimed)) / (1 + z * z / claimed)
    half = z * sqrt(p * (1 - p) / claimed + z * z / (4 * claimed * claimed)) / (1 + z * z / claimed)
    return max(0.0, middle - half), min(1.0, middle + half)


def functions_of(reading: Reading) -> tuple[str, ...]:
    return tuple(function for function in reading.functions if function not in VAGUE)


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return load_ruleset(ROOT / "rulesets" / "b2b-core").lexicons["title"]


@pytest.fixture(scope="module")
def measured(lexicon: Lexicon) -> Measured:
    with (Path(__file__).parent / "held_out_titles.csv").open(encoding="utf-8", newline="") as file:
        titles = list(csv.DictReader(file))
    levels, functions, found = Tally(), Tally(), Tally()
    for title, reading in zip(titles, read_texts(lexicon, [t["title"] for t in titles]), strict=True):
        wanted, allowed = (set(filter(None, title[key].split("|"))) for key in ("function", "also"))
        claims = functions_of(reading)
        found.add("level", bool(reading.level))
        if reading.level:
            levels.add(reading.level, reading.level in title["level"].split("|"))
            levels.add("all levels", reading.level in title["level"].split("|"))
        for function in claims:
            functions.add(function, function in wanted | allowed)
            functions.add("all functions", function in wanted | allowed)
        if wanted:
            found.add("function", not wanted.isdisjoint(claims))
    return Measured(levels=levels, functions=functions, found=found)


def test_the_page_states_what_is_measured(measured: Measured) -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows = [measured.levels.row(name) for name in sorted(measured.levels.claimed)]
    rows += [measured.functions.row(name) for name in sorted(measured.functions.claimed)]
    rows += [measured.found.row(name) for name in ("level", "function")]
    assert [row for row in rows if row not in page] == []


def test_what_it_says_about_an_unseen_title_is_right(measured: Measured) -> None:
    levels, functions = measured.levels, measured.functions
    assert levels.right["all levels"] / levels.claimed["all levels"] >= 0.95
    assert functions.right["all functions"] / functions.claimed["all functions"] >= 0.92
    for tally in (levels, functions):
        frequent = [name for name, n in tally.claimed.items() if n >= 10]
        assert [name for name in frequent if tally.right[name] / tally.claimed[name] < 0.9] == []


def test_it_says_something_about_most_unseen_titles(measured: Measured) -> None:
    assert measured.found.right["level"] / measured.found.claimed["level"] >= 0.75
    assert measured.found.right["function"] / measured.found.claimed["function"] >= 0.6


@pytest.mark.skipif(not TOKENS.is_file(), reason="../shared/data/title_tokens is not here")
def test_single_words_of_titles_mean_what_three_experts_say(lexicon: Lexicon) -> None:
    with TOKENS.open(encoding="utf-8", newline="") as file:
        words = list(csv.DictReader(file))
    levels, functions = Tally(), Tally()
    for word, reading in zip(words, read_texts(lexicon, [w["Title"] for w in words]), strict=True):
        (tag, votes), *_ = Counter(word[expert] for expert in ("A1", "A2", "A3")).most_common(1)
        if reading.level:
            levels.add("RES", votes > 1 and tag == "RES")
        if functions_of(reading):
            functions.add("FUN", votes > 1 and tag in ("FUN", "RES"))  # a buyer is tagged by the responsibility alone
    assert levels.right["RES"] / levels.claimed["RES"] >= 0.9
    assert functions.right["FUN"] / functions.claimed["FUN"] >= 0.92
    assert (levels.claimed["RES"], functions.claimed["FUN"]) >= (90, 130)
