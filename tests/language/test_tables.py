"""Decision tables are a second spelling of rules: nothing is lost on the way there and back."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from crmrules.errors import NOWHERE
from crmrules.language.cells import read_cell, write_cell
from crmrules.language.conditions import (
    ALWAYS,
    AllOf,
    Among,
    AnyOf,
    Between,
    Choice,
    Compare,
    Condition,
    FieldRef,
    Has,
    Matches,
    Missing,
    Not,
    OlderThan,
    Op,
    Within,
)
from crmrules.language.loader import load_ruleset
from crmrules.language.reading import Reader
from crmrules.language.ruleset import Dimension, Parameter, Rule, Ruleset
from crmrules.language.tables import headed, rules_of, table_of
from crmrules.model.text import Text

PARAMETERS = {"kinds": Parameter(name="kinds", value=("a", "b")), "least": Parameter(name="least", value=4)}


def reader() -> Reader:
    return Reader(languages=("zh", "en"), parameters=PARAMETERS)


def cell(text: str) -> Condition:
    reading = reader()
    found = read_cell(reading, "account", "f", text, NOWHERE)
    assert reading.problems == []
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ALWAYS), ("-", ALWAYS), (" - ", ALWAYS),
        ("4", Compare("f", Op.eq, 4)), ("= 4", Compare("f", Op.eq, 4)), ("!= 4", Compare("f", Op.ne, 4)),
        (">= 4", Compare("f", Op.gte, 4)), ("<-3.5", Compare("f", Op.lt, -3.5)),
        ("[10..20)", Between("f", 10, 20, False, True)), ("]10..20]", Between("f", 10, 20, True, False)),
        ("(10..20[", Between("f", 10, 20, True, True)), ("[2025-01-01..2025-06-30]", Between("f", "2025-01-01", "2025-06-30")),
        ("at risk", Compare("f", Op.eq, "at risk")), ('"4"', Compare("f", Op.eq, "4")), ('"a, ""b"""', Compare("f", Op.eq, 'a, "b"')),
        ("a, b", Among("f", ("a", "b"))), ("1, 2", Among("f", (1, 2))), ("true", Compare("f", Op.eq, True)),
        ("not(a, b)", Not(Among("f", ("a", "b")))), ("< 3, > 9", AnyOf((Compare("f", Op.lt, 3), Compare("f", Op.gt, 9)))),
        (">= 4 & != 7", AllOf((Compare("f", Op.gte, 4), Compare("f", Op.ne, 7)))),
        ("is missing", Missing("f")), ("is present", Not(Missing("f"))), ("is missing, 0", AnyOf((Missing("f"), Compare("f", Op.eq, 0)))),
        ('matches("采购|(a,b)")', Matches("f", "采购|(a,b)")), ("matches(采购|procure)", Matches("f", "采购|procure")),
        ("within(90d)", Within("f", 90)), ("older_than(26w)", OlderThan("f", 182)), ("has(x)", Has("f", "x")),
        ("$kinds", Among("f", ("a", "b"))), ("$kinds, c", Among("f", ("a", "b", "c"))), (">= $least", Compare("f", Op.gte, 4)),
        ("in(a, b) & != a", AllOf((Among("f", ("a", "b")), Compare("f", Op.ne, "a")))),
        (">= field(g, 1.5)", Compare("f", Op.gte, FieldRef("g", 1.5))),
        ('>= case(demand_type, "household": 8, else: 9)', Compare("f", Op.gte, Choice("demand_type", {"household": 8}, 9))),
    ],
)  # fmt: skip
def test_cells_are_unary_tests(text: str, expected: Condition) -> None:
    assert cell(text) == expected


@pytest.mark.parametrize("text", [">=", "[1..2", "a b(c", "1..2", "not(", "a,", "> > 1", '"open'])
def test_other_cells_are_complained_about(text: str) -> None:
    reading = reader()
    read_cell(reading, "account", "f", text, NOWHERE)
    assert [problem.code for problem in reading.problems] == ["cell"]


words = st.text(max_size=12).filter(lambda text: "\0" not in text)
numbers = st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.booleans() | numbers | words
operands = (
    scalars
    | st.builds(FieldRef, st.sampled_from(["g", "account.h"]), st.integers(2, 9) | st.floats(1.1, 9))
    | st.builds(Choice, st.just("demand_type"), st.dictionaries(words, scalars, max_size=2), scalars)
)
leaves = st.one_of(
    st.builds(Compare, st.just("f"), st.sampled_from(Op), operands),
    st.builds(Among, st.just("f"), st.lists(scalars, min_size=1, max_size=3).map(tuple)),
    st.builds(Between, st.just("f"), operands, operands, st.booleans(), st.booleans()),
    st.builds(Matches, st.just("f"), st.sampled_from(["采购|procure", 'a"b', "(?i)x,y", r"\d{2}"])),
    st.builds(Has, st.just("f"), words),
    st.just(Missing("f")),
    st.builds(Within, st.just("f"), st.integers(0, 9999)),
    st.builds(OlderThan, st.just("f"), st.integers(0, 9999)),
)
single = st.recursive(leaves, lambda inner: st.builds(Not, inner), max_leaves=3)
several = single | st.builds(lambda parts: AllOf(tuple(parts)), st.lists(single, min_size=2, max_size=3))
conditions = several | st.builds(lambda parts: AnyOf(tuple(parts)), st.lists(several, min_size=2, max_size=3))


def _same(one: object, other: object) -> bool:
    return repr(one) == repr(other)  # unlike ==, tells 1, 1.0 and True apart


@settings(max_examples=150, deadline=None)
@given(conditions)
def test_a_condition_on_one_field_survives_the_cell(condition: Condition) -> None:
    text = write_cell(condition)
    assert _same(cell(text), condition), text


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(conditions, conditions), max_size=3))
def test_rules_survive_the_table(whens: list[tuple[Condition, Condition]]) -> None:
    reading = reader()
    reading.languages = ("zh",)
    rules = tuple(
        Rule(id=f"r.{number}", when=_both(first, second), then="a", why=Text({"zh": "因"}), score=float(number))
        for number, (first, second) in enumerate(whens)
    )
    table = table_of(Dimension(name="d", of="account", label=Text(), values={}, rules=rules))
    again = rules_of(reading, "account", table)
    assert reading.problems == []
    assert _same([replace(rule, at=NOWHERE) for rule in again], list(rules))


def _both(first: Condition, second: Condition) -> Condition:
    parts = [*(first.parts if isinstance(first, AllOf) else (first,)), *_renamed(second)]
    return AllOf(tuple(parts))


def _renamed(condition: Condition) -> tuple[Condition, ...]:
    """The same test of another field, `g`."""

    def rename(part: Condition) -> Condition:
        match part:
            case AllOf(parts):
                return AllOf(tuple(map(rename, parts)))
            case AnyOf(parts):
                return AnyOf(tuple(map(rename, parts)))
            case Not(inner):
                return Not(rename(inner))
            case _:
                return replace(part, field="g")

    renamed = rename(condition)
    return renamed.parts if isinstance(renamed, AllOf) else (renamed,)


def test_a_rule_that_joins_fields_with_any_fits_no_row() -> None:
    rule = Rule(id="r", when=AnyOf((Compare("a", Op.eq, 1), Compare("b", Op.eq, 2))), then="x")
    with pytest.raises(ValueError, match="'r' tests a, b together"):
        table_of(Dimension(name="d", of="account", label=Text(), values={}, rules=(rule,)))


CLASS = """
    seg:
      of: account
      values: {best: {zh: 最好, en: Best}, lost: {zh: 流失, en: Lost}}
      table: %s
"""
LINES = [
    ["id", "nps", "industry", "then", "why.zh", "why.en"],
    ["s1", ">= 9", "-", "best", "推荐者", "a promoter"],
    ["", "[0..7)", "bank, hospital", "lost", "", ""],
]
INLINE = "{inputs: [nps, industry], rows: [{id: s1, nps: '>= 9', then: best, why: {zh: 推荐者, en: a promoter}}, ['[0..7)', 'bank, hospital', lost]]}"


def test_yaml_csv_and_xlsx_say_the_same(write: Callable[..., Path]) -> None:
    inline = write("inline", classes=CLASS % INLINE)
    text = write("text", classes=CLASS % "seg.csv")
    with (text / "seg.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(LINES)
    sheet = write("sheet", classes=CLASS % "seg.xlsx")
    book = Workbook()
    for line in LINES:
        book.worksheets[0].append(line)
    book.save(sheet / "seg.xlsx")
    rules = [
        [replace(rule, at=NOWHERE) for rule in load_ruleset(folder).classes["seg"].rules]
        for folder in (inline, text, sheet)
    ]
    assert rules[0] == rules[1] == rules[2]
    assert [rule.id for rule in rules[0]] == ["s1", "seg.2"]


def test_a_table_comes_out_as_it_went_in(load: Callable[..., Ruleset]) -> None:
    ruleset = load(classes=CLASS % INLINE)
    assert headed(table_of(ruleset.classes["seg"]), ruleset.languages) == [
        LINES[0], LINES[1], ["seg.2", "[0..7)", "bank, hospital", "lost", "", ""],
    ]  # fmt: skip
