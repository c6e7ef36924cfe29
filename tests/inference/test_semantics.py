"""What rules mean, asked of both engines; above all where durable_rules by itself goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest

from crmrules.contracts.engine import Derived, Fact
from crmrules.errors import RulesetError
from crmrules.inference import durable_driver, semi_naive
from crmrules.model import program as model
from crmrules.model.program import Atom, InferenceRule, Program, Property, Var

Infer = Callable[[Program, list[Fact]], list[Derived]]
Op = Literal["eq", "ne", "lt", "lte", "gt", "gte"]


def engines() -> list[Any]:
    missing = durable_driver.available()
    skipped = pytest.mark.skipif(bool(missing), reason=missing)
    return [
        pytest.param(semi_naive, id="python"),
        pytest.param(durable_driver, id="durable", marks=skipped),
    ]


@pytest.fixture(params=engines())
def engine(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def infer(engine: Any) -> Infer:
    def run(program: Program, facts: list[Fact]) -> list[Derived]:
        ((account, derived),) = engine.compile_program(program).run([(7, facts)])
        assert account == 7
        return derived

    return run


def ids(*names: str) -> tuple[Property, ...]:
    return tuple(Property(name=name, kind="id") for name in names)


def number(name: str) -> Property:
    return Property(name=name, kind="integer")


def compare(property: str, op: Op, value: Any) -> model.Test:
    return model.Test(property=property, op=op, value=value)


def atom(fact: str, /, *tests: model.Test, **bind: str) -> Atom:
    return Atom(fact=fact, bind={name: Var(variable) for name, variable in bind.items()}, tests=tests)


def rule(id: str, all_: list[Atom], then: str, none: list[Atom] | None = None, /, **values: Any) -> InferenceRule:
    made = {name: Var(value) if isinstance(value, str) else value for name, value in values.items()}
    return InferenceRule(id=id, all_=tuple(all_), none=tuple(none or ()), then=then, values=made)


def facts_of(derived: list[Derived]) -> list[Fact]:
    return [one.fact for one in derived]


REACHES = Program(
    facts={"boss": ids("of", "who"), "reaches": ids("frm", "to")},
    rules=(
        rule("direct", [atom("boss", of="a", who="b")], "reaches", frm="a", to="b"),
        rule("chain", [atom("reaches", frm="a", to="b"), atom("boss", of="b", who="c")], "reaches", frm="a", to="c"),
    ),
)


def test_recursion_reaches_the_end_of_a_chain(infer: Infer) -> None:
    bosses: list[Fact] = [("boss", {"of": n, "who": n + 1}) for n in range(12)]
    pairs = {(f["frm"], f["to"]) for _, f in facts_of(infer(REACHES, bosses))}
    assert pairs == {(a, b) for a in range(13) for b in range(a + 1, 13)}


def test_recursion_in_a_circle_ends(infer: Infer) -> None:
    circle: list[Fact] = [("boss", {"of": 0, "who": 1}), ("boss", {"of": 1, "who": 0})]
    assert len(infer(REACHES, circle)) == 4


def test_derived_facts_come_once_in_order_with_the_first_rule(infer: Infer) -> None:
    program = Program(
        facts={"a": ids("x"), "b": ids("x")},
        rules=(rule("one", [atom("a", x="v")], "b", x="v"), rule("two", [atom("a", x="v")], "b", x="v")),
    )
    derived = infer(program, [("a", {"x": 3}), ("a", {"x": 1}), ("a", {"x": 3})])
    assert derived == [Derived(fact=("b", {"x": 1}), rule="one"), Derived(fact=("b", {"x": 3}), rule="one")]


def test_a_given_fact_is_not_derived(infer: Infer) -> None:
    program = Program(facts={"a": ids("x"), "b": ids("x")}, rules=(rule("one", [atom("a", x="v")], "b", x="v"),))
    assert infer(program, [("a", {"x": 3}), ("b", {"x": 3})]) == []


def test_a_fact_is_no_reason_for_itself(infer: Infer) -> None:
    program = Program(
        facts={"a": ids("x"), "b": ids("x")},
        rules=(rule("echo", [atom("b", x="v")], "b", x="v"), rule("source", [atom("a", x="v")], "b", x="v")),
    )
    assert infer(program, [("a", {"x": 3})]) == [Derived(fact=("b", {"x": 3}), rule="source")]


def test_one_fact_may_stand_for_two_atoms(infer: Infer) -> None:
    """durable_rules takes two different facts unless told otherwise."""
    program = Program(
        facts={"a": ids("x", "y"), "b": ids("x")},
        rules=(rule("r", [atom("a", x="v"), atom("a", y="v")], "b", x="v"),),
    )
    assert facts_of(infer(program, [("a", {"x": 5, "y": 5})])) == [("b", {"x": 5})]


@pytest.mark.parametrize("missing", ["x", "y"])
def test_a_missing_property_joins_nothing(infer: Infer, missing: str) -> None:
    """durable_rules joins null with null, and fails the whole batch where one side lacks the property."""
    program = Program(
        facts={"a": ids("x", "n"), "b": ids("y", "n"), "c": ids("n", "m")},
        rules=(rule("r", [atom("a", x="v", n="n"), atom("b", y="v", n="m")], "c", n="n", m="m"),),
    )
    whole: list[Fact] = [("a", {"x": 1, "n": 1}), ("b", {"y": 1, "n": 2})]
    holed: list[Fact] = [("a", {"n": 3}) if missing == "x" else ("b", {"n": 3})]
    assert facts_of(infer(program, holed + whole + holed)) == [("c", {"n": 1, "m": 2})]


@pytest.mark.parametrize("op", ["eq", "ne", "lt", "gte"])
def test_comparing_two_properties_of_a_fact_of_which_one_is_missing_is_not_true(infer: Infer, op: Op) -> None:
    """durable_rules reads uninitialised memory here."""
    program = Program(
        facts={"a": (*ids("id"), number("x"), number("y")), "b": ids("id")},
        rules=(rule("r", [atom("a", compare("y", op, Var("v")), id="i", x="v")], "b", id="i"),),
    )
    assert infer(program, [("a", {"id": 1, "x": 5}), ("a", {"id": 2, "y": 5})]) == []


@pytest.mark.parametrize(("op", "expected"), [("ne", [0, 1, 3, 4]), ("gt", [3, 4]), ("gte", [2, 3, 4]), ("lt", [0, 1])])
def test_an_inequality_alone_joins_two_facts(infer: Infer, op: Op, expected: list[int]) -> None:
    """durable_rules crashes where an inequality stands last in a join."""
    larger = atom("b", compare("y", op, Var("v")), id="i")
    program = Program(
        facts={"a": (number("x"),), "b": (*ids("id"), number("y")), "c": ids("id")},
        rules=(rule("r", [atom("a", x="v"), larger], "c", id="i"),),
    )
    facts: list[Fact] = [("a", {"x": 2}), *(("b", {"id": n, "y": n}) for n in range(5))]
    assert [f["id"] for _, f in facts_of(infer(program, facts))] == expected


def test_an_inequality_may_stand_before_the_atom_that_gives_its_variable_a_value(infer: Infer) -> None:
    program = Program(
        facts={"a": (*ids("id"), number("x")), "b": (number("y"),), "c": ids("id")},
        rules=(rule("r", [atom("a", compare("x", "gt", Var("v")), id="i"), atom("b", y="v")], "c", id="i"),),
    )
    facts: list[Fact] = [("b", {"y": 2}), ("a", {"id": 1, "x": 1}), ("a", {"id": 3, "x": 3})]
    assert facts_of(infer(program, facts)) == [("c", {"id": 3})]


@pytest.mark.parametrize("order", ["blocker first", "blocker last"])
def test_none_holds_whatever_came_first(infer: Infer, order: str) -> None:
    """durable_rules fires a negation when the blocker comes later, even in one batch."""
    program = Program(
        facts={"a": ids("x"), "stop": ids("x"), "b": ids("x")},
        rules=(rule("r", [atom("a", x="v")], "b", [atom("stop", x="v")], x="v"),),
    )
    facts: list[Fact] = [("stop", {"x": 1}), ("a", {"x": 1}), ("a", {"x": 2})]
    assert facts_of(infer(program, facts if order == "blocker first" else facts[::-1])) == [("b", {"x": 2})]


def test_none_sees_what_lower_strata_derive(infer: Infer) -> None:
    program = Program(
        facts={"a": ids("x"), "b": ids("x"), "c": ids("x"), "d": ids("x")},
        rules=(
            rule("last", [atom("a", x="v")], "d", [atom("c", x="v")], x="v"),
            rule("middle", [atom("a", x="v")], "c", [atom("b", x="v")], x="v"),
            rule("first", [atom("a", compare("x", "ne", Var("w")), x="v"), atom("a", x="w")], "b", x="v"),
        ),
    )
    assert facts_of(infer(program, [("a", {"x": 1})])) == [("c", {"x": 1})]
    both: list[Fact] = [("a", {"x": 1}), ("a", {"x": 2})]
    assert [type for type, _ in facts_of(infer(program, both))] == ["b", "b", "d", "d"]


def test_none_may_forbid_the_most_by_an_inequality(infer: Infer) -> None:
    program = Program(
        facts={"a": (*ids("id"), number("rank")), "top": ids("id")},
        rules=(rule("r", [atom("a", id="i", rank="n")], "top", [atom("a", compare("rank", "gt", Var("n")))], id="i"),),
    )
    facts: list[Fact] = [("a", {"id": n, "rank": n % 4}) for n in range(8)]
    assert [f["id"] for _, f in facts_of(infer(program, facts))] == [3, 7]


def test_a_fact_needs_no_properties(infer: Infer) -> None:
    program = Program(facts={"a": ids("x"), "any": ()}, rules=(rule("r", [atom("a", x="v")], "any"),))
    assert facts_of(infer(program, [("a", {"x": 1}), ("a", {"x": 2})])) == [("any", {})]


def test_names_booleans_and_dates_come_back_as_they_went_in(infer: Infer) -> None:
    """durable_rules takes true for 1; names may look like its own syntax and never reach it."""
    columns = (
        Property(name="n", kind="name"), Property(name="b", kind="boolean"), Property(name="d", kind="date"), *ids("i"),
    )  # fmt: skip
    program = Program(
        facts={"a": columns, "c": columns},
        rules=(rule("r", [atom("a", n="n", b="b", d="d", i="i")], "c", n="n", b="b", d="d", i="i"),),
    )
    rows: list[dict[str, Any]] = [
        {"n": '决策者"}],{', "b": True, "d": -1, "i": 0}, {"n": "决策者", "b": False, "d": 20_000, "i": 1},
    ]  # fmt: skip
    found = [dict(f) for _, f in facts_of(infer(program, [("a", row) for row in rows]))]
    assert sorted(found, key=lambda f: f["i"]) == rows
    assert [type(f["b"]) for f in found] == [bool, bool]


def test_properties_may_be_called_like_the_words_of_an_engine(infer: Infer) -> None:
    """durable_rules keeps `id` and `sid` to itself, and takes 'costarring' for 'liquid' (equal 32-bit hashes)."""
    program = Program(
        facts={"a": ids("id", "sid", "costarring"), "b": ids("t", "$s")},
        rules=(rule("r", [atom("a", id="x", sid="y", costarring="x")], "b", **{"t": "x", "$s": "y"}),),
    )
    facts: list[Fact] = [("a", {"id": 1, "sid": 2, "costarring": 1}), ("a", {"id": 1, "sid": 3})]
    assert facts_of(infer(program, facts)) == [("b", {"t": 1, "$s": 2})]


def test_accounts_know_nothing_of_each_other(engine: Any) -> None:
    session = engine.compile_program(REACHES)
    accounts: list[tuple[int, list[Fact]]] = [
        (1, [("boss", {"of": 0, "who": 1})]), (2, [("boss", {"of": 1, "who": 2})]), (3, []),
    ]  # fmt: skip
    assert [len(derived) for _, derived in session.run(accounts)] == [1, 1, 0]


def test_facts_that_the_program_does_not_know_are_refused(infer: Infer) -> None:
    with pytest.raises(RulesetError, match="no fact 'bos'"):
        infer(REACHES, [("bos", {"of": 1, "who": 2})])
    with pytest.raises(RulesetError, match="no property from"):
        infer(REACHES, [("boss", {"of": 1, "from": 2})])
