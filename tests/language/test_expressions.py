"""From `expr:` to the tree."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmrules.errors import NOWHERE
from crmrules.language.document import Node
from crmrules.language.expression_parser import read_expression
from crmrules.language.expressions import Binary, Call, Chosen, Expression, Name, Negate, Number, Today
from crmrules.language.reading import Reader
from crmrules.language.ruleset import Parameter

PARAMETERS = {
    "rate": Parameter(name="rate", value=0.5),
    "high": Parameter(name="high", value=5, by="demand_type", cases={"household": 1}),
    "name": Parameter(name="name", value="x"),
}
a, b, c = Name("a"), Name("b"), Name("c")


def read(text: str) -> tuple[Expression, list[str]]:
    reader = Reader(languages=("en",), parameters=PARAMETERS)
    expression = read_expression(reader, "account", Node(text, NOWHERE))
    return expression, [problem.message for problem in reader.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b * c", Binary("+", a, Binary("*", b, c))),
        ("(a + b) * c", Binary("*", Binary("+", a, b), c)),
        ("a - b - c", Binary("-", Binary("-", a, b), c)),
        ("a / b / c", Binary("/", Binary("/", a, b), c)),
        ("-a * b", Binary("*", Negate(a), b)),
        ("a - -2", Binary("-", a, Negate(Number(2)))),
        ("1.5e3", Number(1500.0)),
        ("account.parent.nps", Name("account.parent.nps")),
        ("coalesce(a, 0)", Call("coalesce", (a, Number(0)))),
        ("days_between(as_of, a)", Call("days_between", (Today(), a))),
        ("a * $rate", Binary("*", a, Number(0.5))),
    ],
)  # fmt: skip
def test_reads_arithmetic_as_it_is_meant(text: str, expected: Expression) -> None:
    assert read(text) == (expected, [])


def test_a_parameter_with_cases_stays_a_choice() -> None:
    expression, problems = read("$high")
    assert isinstance(expression, Chosen)
    assert (expression.choice.field, expression.choice.default, problems) == ("demand_type", 5, [])


@pytest.mark.parametrize("text", ["a +", "a b", "a ** b", "a[0]", "lambda: a", "'a'", "a; b", "", "a.b.", "f(,)"])
def test_nothing_else_is_an_expression(text: str) -> None:
    assert "can't be read" in read(text)[1][0]


def test_unknown_functions_and_parameters_are_named() -> None:
    assert read("eval(a)")[1] == ["unknown function 'eval'"]
    assert read("$nix")[1] == ["unknown parameter 'nix'"]
    assert read("$name + 1")[1] == ["$name is not a number"]


def test_deep_nesting_is_refused_not_fatal() -> None:
    assert read("(" * 900 + "a" + ")" * 900)[1] == []
    assert "nested too deeply" in read("-" * 900 + "a")[1][0]
    assert "characters" in read("a+" * 2000 + "a")[1][0]


@given(st.text(alphabet="ab1.()+-*/$, ", max_size=40))
def test_any_text_is_read_or_complained_about(text: str) -> None:
    expression, _ = read(text)
    assert expression is not None
