"""Laws of the linter on random classes: a rule reported as unreachable never wins, a gap's witness hits no rule."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from crmrules.authoring.lint.columns import Known
from crmrules.authoring.lint.findings import Finding
from crmrules.authoring.lint.rules import check_rules, switched_off
from crmrules.errors import Location
from crmrules.evaluation.interpreter import evaluate
from crmrules.language.conditions import Among, AnyOf, Compare, Condition, Has, Matches, Missing, Not, Op
from crmrules.language.ruleset import Dimension, RequiredField, Rule, Ruleset
from crmrules.model.objects import FieldType
from crmrules.model.text import Text
from evaluation import trees

from .lint_world import AS_OF

# Few values, so that rules meet each other.
_leaves = (
    st.builds(Compare, st.sampled_from(["employees", "nps"]), st.sampled_from(Op), st.integers(0, 3))
    | st.builds(Compare, st.just("industry"), st.sampled_from([Op.eq, Op.ne]), st.sampled_from(["bank", "shop"]))
    | st.builds(Among, st.just("industry"), st.lists(st.sampled_from(["bank", "shop", "x"]), max_size=2).map(tuple))
    | st.builds(Matches, st.just("industry"), st.sampled_from(["a", "^b", "op|x"]))
    | st.builds(Has, st.just("labels"), st.sampled_from(["a", "b"]))
    | st.builds(Missing, st.sampled_from(["employees", "industry", "labels"]))
)
_few: st.SearchStrategy[Condition] = st.recursive(
    _leaves,
    lambda inner: st.builds(Not, inner) | st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
    max_leaves=5,
)
_rows = st.fixed_dictionaries(
    {
        "employees": st.none() | st.integers(-1, 4), "nps": st.none() | st.integers(-1, 4),
        "industry": st.none() | st.sampled_from(["bank", "shop", "x", "", "zebra"]),
        "labels": st.none() | st.lists(st.sampled_from(["a", "b", "c"]), max_size=2),
    }
)  # fmt: skip


def ruleset(conditions: list[Condition], hit: str = "first") -> Ruleset:
    rules = tuple(
        Rule(id=f"r{i}", when=when, then=f"v{i}", at=Location("classes.yaml", i + 1))
        for i, when in enumerate(conditions)
    )
    dimension = Dimension(
        name="class",
        of="account",
        label=Text(),
        values={r.then: Text() for r in rules},
        hit=hit,
        rules=rules,  # type: ignore[arg-type]
    )
    labels = RequiredField(object="account", field="labels", type=FieldType.list)
    return Ruleset(
        name="random", version="1", label=Text(), languages=("en",), folder=".", extends=(), requires=(labels,),
        classes={"class": dimension},
    )  # fmt: skip


def lint(rules: Ruleset, code: str) -> list[Finding]:
    return [one for one in check_rules(Known(rules), AS_OF, lambda dimension: False) if one.code == code]


def holds(rules: Ruleset, row: dict[str, object]) -> list[bool]:
    return [evaluate(rule.when, row, AS_OF) is True for rule in rules.classes["class"].rules]


@settings(max_examples=40, deadline=None)
@given(st.lists(_few, min_size=2, max_size=4), st.lists(_rows, min_size=1, max_size=25))
def test_a_rule_reported_as_unreachable_never_wins(conditions: list[Condition], rows: list[dict[str, object]]) -> None:
    rules = ruleset(conditions)
    lines = {one.problem.at.line - 1 for code in ("unreachable-rule", "contradiction") for one in lint(rules, code)}
    for row in rows:
        found = holds(rules, row)
        assert True not in found or found.index(True) not in lines


@settings(max_examples=40, deadline=None)
@given(st.lists(trees.conditions, min_size=2, max_size=4), st.lists(trees.rows, min_size=1, max_size=8))
def test_so_with_every_kind_of_condition(conditions: list[Condition], rows: list[dict[str, object]]) -> None:
    test_a_rule_reported_as_unreachable_never_wins.hypothesis.inner_test(conditions, rows)  # type: ignore[attr-defined]


@settings(max_examples=40, deadline=None)
@given(st.lists(_few, min_size=1, max_size=4))
def test_a_gap_is_a_record_that_hits_no_rule_although_every_field_is_there(conditions: list[Condition]) -> None:
    rules = ruleset(conditions)
    for one in lint(rules, "gap"):
        assert not any(holds(rules, dict(one.witness)))


@settings(max_examples=40, deadline=None)
@given(st.lists(_few, min_size=2, max_size=3))
def test_an_overlap_is_a_record_that_hits_two_rules(conditions: list[Condition]) -> None:
    rules = ruleset(conditions, "unique")
    for one in lint(rules, "overlap"):
        assert sum(holds(rules, dict(one.witness))) >= 2


@settings(max_examples=25, deadline=None)
@given(_few, st.lists(_rows, min_size=30, max_size=60))
def test_no_rule_is_reached_behind_itself(condition: Condition, rows: list[dict[str, object]]) -> None:
    rules = ruleset([condition, condition])
    if not switched_off(condition) and any(holds(rules, row)[0] for row in rows):
        assert [one.problem.at.line for one in lint(rules, "unreachable-rule")] == [2]
    assert lint(replace(rules, classes={}), "unreachable-rule") == []
