"""A rule that means nothing is refused with its place and what would do."""

from __future__ import annotations

from typing import Any

import pytest

from crmrules.errors import Location, RulesetError
from crmrules.inference.semi_naive import compile_program
from crmrules.model import program as model
from crmrules.model.program import Atom, InferenceRule, Program, Property, Var

FACTS = {
    "role": (Property(name="who", kind="id"), Property(name="role", kind="name", names=("user", "chief"))),
    "age": (Property(name="who", kind="id"), Property(name="years", kind="integer")),
    "old": (Property(name="who", kind="id"),),
}
X, Y, Z = Var("x"), Var("y"), Var("z")
ROLE = Atom(fact="role", bind={"who": X})
NO_ROLE = Atom(fact="role", bind={"who": Z})


def having(fact: str, property: str, op: Any, value: Any) -> Atom:
    return Atom(fact=fact, bind={"who": X}, tests=(model.Test(property=property, op=op, value=value),))


@pytest.mark.parametrize(
    ("code", "words", "all_", "none", "then", "values"),
    [
        ("unknown-fact", "did you mean 'role'", [Atom(fact="roles", bind={"who": X})], [], "old", {"who": X}),
        ("unknown-property", "did you mean 'who'", [Atom(fact="role", bind={"whom": X})], [], "old", {"who": X}),
        ("unknown-property", "'old' has no property 'years'", [ROLE], [], "old", {"years": 1}),
        ("no-positive-atom", "at least one fact", [], [ROLE], "old", {}),
        ("unbound-variable", "gives ?y a value", [ROLE], [], "old", {"who": Y}),
        ("unbound-variable", "gives ?y a value", [having("role", "who", "ne", Y)], [], "old", {"who": X}),
        ("unbound-variable", "in several facts of 'none'", [ROLE], [NO_ROLE, NO_ROLE], "old", {"who": X}),
        ("kind-mismatch", "?x is of kind id, 'years' is integer", [ROLE, Atom(fact="age", bind={"years": X})], [], "old", {"who": X}),
        ("kind-mismatch", "compares numbers and dates", [having("role", "role", "lt", "user")], [], "old", {"who": X}),
        ("kind-mismatch", "'ten' is not a value of 'years'", [having("age", "years", "eq", "ten")], [], "old", {"who": X}),
        ("kind-mismatch", "True is not a value of 'years'", [having("age", "years", "eq", True)], [], "old", {"who": X}),
        ("number-too-large", "64 bits", [having("age", "years", "lt", 2**63)], [], "old", {"who": X}),
        ("unknown-name", "did you mean 'user'", [having("role", "role", "eq", "usr")], [], "old", {"who": X}),
        ("constant-id", "ids belong to one CRM", [ROLE], [], "old", {"who": 5}),
    ],
)  # fmt: skip
def test_a_rule_that_means_nothing_is_refused(
    code: str, words: str, all_: list[Atom], none: list[Atom], then: str, values: dict[str, Any]
) -> None:
    rule = InferenceRule(
        id="r", all_=tuple(all_), none=tuple(none), then=then, values=values, at=Location("inference.yaml", 3, 1)
    )
    with pytest.raises(RulesetError) as error:
        compile_program(Program(facts=FACTS, rules=(rule,)))
    assert {problem.code for problem in error.value.problems} == {code}
    assert words in str(error.value)
    assert "inference.yaml:3:1" in str(error.value)


def test_every_problem_is_told_at_once() -> None:
    rules = tuple(InferenceRule(id=f"r{n}", all_=(ROLE,), none=(), then="old", values={"who": Y}) for n in range(3))
    with pytest.raises(RulesetError) as error:
        compile_program(Program(facts=FACTS, rules=rules))
    assert len(error.value.problems) == 3
