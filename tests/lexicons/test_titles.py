"""The shipped title lexicon reads real titles rightly: titles.csv is the list of what right means."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from crmrules.evaluation.lexicons import read_texts
from crmrules.language.ruleset import Ruleset

ROWS = list(csv.DictReader((Path(__file__).parent / "titles.csv").open(encoding="utf-8")))


@pytest.mark.parametrize("row", ROWS, ids=[row["title"] for row in ROWS])
def test_title(row: dict[str, str], words: Ruleset) -> None:
    (reading,) = read_texts(words.lexicons["title"], [row["title"]])
    wanted = row["level"], tuple(row["functions"].split()), tuple(row["modifiers"].split())
    assert (reading.level, reading.functions, reading.modifiers) == wanted


def test_every_exception_gives_a_reason_in_both_languages_and_its_example_is_decided_by_it(words: Ruleset) -> None:
    lexicon = words.lexicons["title"]
    exceptions = [pattern for block in lexicon.blocks if block.exception for pattern in block.patterns]
    assert len(exceptions) >= 40
    for pattern, reading in zip(exceptions, read_texts(lexicon, [p.example for p in exceptions]), strict=True):
        assert reading.rule == pattern.id, pattern.example
        assert pattern.why.of("zh") != pattern.why.of("en") != ""


def test_every_regular_expression_has_an_example_that_gives_what_it_says(words: Ruleset) -> None:
    lexicon = words.lexicons["title"]
    regexes = [p for block in lexicon.blocks for p in block.patterns if not p.literal]
    for pattern, reading in zip(regexes, read_texts(lexicon, [p.example for p in regexes]), strict=True):
        if "function" in pattern.gives:
            assert pattern.gives["function"] in reading.functions, pattern.example


def test_no_literal_stands_twice_in_one_block_under_different_levels(words: Ruleset) -> None:
    levels: dict[str, str] = {}
    for pattern in next(b for b in words.lexicons["title"].blocks if b.name == "level").patterns:
        assert levels.setdefault(pattern.pattern, pattern.gives["level"]) == pattern.gives["level"], pattern.pattern
