"""Strata: an absence is asked for when it is final, and a rule can't depend on its own absence."""

from __future__ import annotations

import pytest

from crmrules.errors import Location, RulesetError
from crmrules.language.strata import may_match, strata
from crmrules.model import program as model
from crmrules.model.program import Atom, InferenceRule, Program, Property, Var

X = Var("x")
ROLES = ("chief", "user", "observer")
FACTS = {
    "contact": (Property(name="id", kind="id"),),
    "role": (Property(name="who", kind="id"), Property(name="role", kind="name", names=ROLES)),
}


def role(name: str) -> Atom:
    return Atom(fact="role", bind={"who": X}, tests=(model.Test(property="role", op="eq", value=name),))


def gives(id: str, name: str, all_: tuple[Atom, ...], none: tuple[Atom, ...] = ()) -> InferenceRule:
    at = Location("inference.yaml", 7, 3)
    return InferenceRule(id=id, all_=all_, none=none, then="role", values={"who": X, "role": name}, at=at)


CONTACT = Atom(fact="contact", bind={"id": X})


def program(*rules: InferenceRule) -> Program:
    return Program(facts=FACTS, rules=rules)


def test_a_rule_comes_after_what_its_none_forbids() -> None:
    observer = gives("observer", "observer", (CONTACT,), (role("user"),))
    user = gives("user", "user", (role("chief"),))
    assert strata(program(observer, user)) == (("user",), ("observer",))


def test_one_fact_may_be_made_and_forbidden_where_its_names_differ() -> None:
    """`role` forbids `role`, but never the one that it makes."""
    observer = gives("observer", "observer", (CONTACT,), (role("user"),))
    assert strata(program(observer)) == (("observer",),)


def test_recursion_without_negation_is_one_stratum() -> None:
    loop = gives("loop", "user", (role("user"),))
    assert strata(program(loop)) == (("loop",),)


def test_a_cycle_through_a_negation_is_an_error_that_names_the_cycle() -> None:
    user = gives("user", "user", (CONTACT,), (role("observer"),))
    chief = gives("chief", "chief", (role("user"),))
    observer = gives("observer", "observer", (role("chief"),))
    with pytest.raises(RulesetError) as error:
        strata(program(user, chief, observer))
    (problem,) = error.value.problems
    assert problem.code == "negation-cycle"
    assert "user <- observer <- chief <- user" in problem.message
    assert problem.at == Location("inference.yaml", 7, 3)


def test_every_rule_in_the_cycle_that_negates_is_reported() -> None:
    user = gives("user", "user", (CONTACT,), (role("observer"),))
    observer = gives("observer", "observer", (CONTACT,), (role("user"),))
    with pytest.raises(RulesetError) as error:
        strata(program(user, observer))
    assert len(error.value.problems) == 2


def test_a_fact_without_a_property_matches_no_atom_that_reads_it() -> None:
    rule = InferenceRule(id="r", all_=(CONTACT,), none=(), then="role", values={"who": X})
    assert not may_match(rule, role("user"))
    assert may_match(rule, Atom(fact="role", bind={"who": X}))
