"""Random programs and facts, small enough to collide often: few ids, few names, many missing properties."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from crmrules.contracts.engine import Fact, Value
from crmrules.errors import RulesetError
from crmrules.language.strata import strata
from crmrules.model.program import Atom, InferenceRule, Program, Property, Test, Var

KINDS = ("id", "id", "integer", "boolean", "name", "date")  # ids join most
NAMES = ("user", "buyer", "chief")
EQUALITY = ("eq", "ne")
ANY_TEST = ("eq", "ne", "lt", "lte", "gt", "gte")
VALUES: dict[str, st.SearchStrategy[Value]] = {
    "id": st.integers(0, 3), "integer": st.integers(-1, 2), "boolean": st.booleans(), "name": st.sampled_from(NAMES),
    "date": st.integers(19_999, 20_001),
}  # fmt: skip


@st.composite
def properties(draw: st.DrawFn) -> tuple[Property, ...]:
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3))
    return tuple(
        Property(name=f"{kind}{n}", kind=kind, names=NAMES if kind == "name" else ()) for n, kind in enumerate(kinds)
    )


@st.composite
def atoms(
    draw: st.DrawFn, facts: dict[str, tuple[Property, ...]], variables: dict[str, str], private: str = ""
) -> Atom:
    """An atom; *variables* (name -> kind) are those that it may compare with, and grows by what it binds."""
    fact = draw(st.sampled_from(sorted(facts)))
    bind: dict[str, Var] = {}
    tests: list[Test] = []
    for property in facts[fact]:
        known = [name for name, kind in variables.items() if kind == property.kind]
        what = draw(st.sampled_from(("bind", "bind", "bind", "nothing", "constant", "variable")))
        if what == "bind":
            name = draw(st.sampled_from([*known, f"{private}{property.kind}{draw(st.integers(0, 1))}"]))
            bind[property.name] = Var(name)
            variables.setdefault(name, property.kind)
        if (what == "constant" and property.kind != "id") or (what == "variable" and known):
            op: Any = draw(st.sampled_from(ANY_TEST if property.kind in ("integer", "date") else EQUALITY))
            value = Var(draw(st.sampled_from(known))) if what == "variable" else draw(VALUES[property.kind])
            tests.append(Test(property=property.name, op=op, value=value))
    return Atom(fact=fact, bind=bind, tests=tuple(tests))


@st.composite
def rules(draw: st.DrawFn, facts: dict[str, tuple[Property, ...]], id: str) -> InferenceRule:
    variables: dict[str, str] = {}
    positive = [draw(atoms(facts, variables)) for _ in range(draw(st.sampled_from((1, 2, 2, 3))))]
    if draw(st.booleans()):
        positive.reverse()  # so that tests stand before the atom that gives their variable a value
    none = [
        draw(atoms(facts, dict(variables), private=f"local{n}_")) for n in range(draw(st.sampled_from((0, 0, 0, 1, 2))))
    ]
    then = draw(st.sampled_from(sorted(facts)))
    values: dict[str, Any] = {}
    for property in facts[then]:
        known = [name for name, kind in variables.items() if kind == property.kind]
        what = draw(st.sampled_from(("variable", "variable", "variable", "constant", "missing")))
        if what == "variable" and known:
            values[property.name] = Var(draw(st.sampled_from(known)))
        elif what == "constant" and property.kind != "id":
            values[property.name] = draw(VALUES[property.kind])
    return InferenceRule(id=id, all_=tuple(positive), none=tuple(none), then=then, values=values)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    facts = {name: draw(properties()) for name in draw(st.sampled_from(("ab", "abc", "abcd")))}
    written = [draw(rules(facts, f"r{n}")) for n in range(draw(st.integers(1, 6)))]
    while True:
        program = Program(facts=facts, rules=tuple(written))
        try:
            strata(program)
        except RulesetError:  # a cycle through a negation: take the rule with the latest `none` away
            written.remove([rule for rule in written if rule.none][-1])
        else:
            return program


@st.composite
def facts_of(draw: st.DrawFn, program: Program) -> list[Fact]:
    found: list[Fact] = []
    for _ in range(draw(st.sampled_from((0, 4, 8, 12, 16)))):
        type = draw(st.sampled_from(sorted(program.facts)))
        values = {p.name: draw(VALUES[p.kind]) for p in program.facts[type] if draw(st.integers(0, 4))}
        found.append((type, values))
    return found


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Program, list[list[Fact]]]:
    """A program and the facts of a few accounts."""
    program = draw(programs())
    return program, [draw(facts_of(program)) for _ in range(draw(st.integers(1, 3)))]
