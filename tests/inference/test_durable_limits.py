"""The limits of durable_rules: met by cutting programs up, or refused in words, or kept away from by us."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import chain

import pytest

from crmrules.contracts.engine import Derived, Fact
from crmrules.errors import DataError, RulesetError
from crmrules.inference import durable_driver, durable_encoding, semi_naive
from crmrules.model import program as model
from crmrules.model.program import Atom, InferenceRule, Program, Property, Var

pytestmark = pytest.mark.skipif(bool(durable_driver.available()), reason="durable_rules does not load here")


def chained(rules: int, *, negated: bool = False) -> Program:
    """Each rule makes the next step of what the one before made; or, negated, what the one before did not."""
    written = []
    for n in range(rules):
        here = Atom(fact="step", bind={"who": Var("x")}, tests=(model.Test(property="n", op="eq", value=n),))
        seed = Atom(fact="seed", bind={"who": Var("x")})
        written.append(
            InferenceRule(
                id=f"r{n}", all_=(seed,) if negated else (seed, here), none=(here,) if negated else (),
                then="step", values={"who": Var("x"), "n": n + 1},
            )
        )  # fmt: skip
    columns = (Property(name="who", kind="id"), Property(name="n", kind="integer"))
    return Program(facts={"seed": columns[:1], "step": columns}, rules=tuple(reversed(written)))


def both(program: Program, facts: list[Fact]) -> list[Derived]:
    ((_, expected),) = semi_naive.compile_program(program).run([(0, facts)])
    ((_, found),) = durable_driver.compile_program(program).run([(0, facts)])
    assert found == expected
    return found


@pytest.mark.parametrize("negated", [False, True])
def test_more_rules_than_an_engine_ruleset_holds_still_chain(negated: bool) -> None:
    """More than 64 conditions on one fact, more than 48 rules, each in need of the one before."""
    facts: list[Fact] = [("seed", {"who": 1}), ("seed", {"who": 2}), ("step", {"who": 1, "n": 0})]
    assert len(both(chained(130, negated=negated), facts)) == 130


def test_hundreds_of_rules_on_one_condition() -> None:
    """256 rules with one identical condition crash durable_rules."""
    atom = Atom(fact="a", bind={"who": Var("x")})
    rules = tuple(
        InferenceRule(id=f"r{n}", all_=(atom,), none=(), then="b", values={"who": Var("x"), "n": n}) for n in range(300)
    )
    columns = (Property(name="who", kind="id"), Property(name="n", kind="integer"))
    assert len(both(Program(facts={"a": columns[:1], "b": columns}, rules=rules), [("a", {"who": 1})])) == 300


def joined(atoms: int, none: int = 0) -> Program:
    every = tuple(Atom(fact="a", bind={"n": Var("x")}) for _ in range(atoms))
    rule = InferenceRule(
        id="wide", all_=every, none=tuple(Atom(fact="c", bind={}) for _ in range(none)), then="b", values={}
    )
    return Program(facts={"a": (Property(name="n", kind="id"),), "b": (), "c": ()}, rules=(rule,))


def test_sixteen_facts_can_be_joined() -> None:
    assert len(both(joined(16), [("a", {"n": 1})])) == 1
    assert len(both(joined(13, none=2), [("a", {"n": 1})])) == 1


@pytest.mark.parametrize(("atoms", "none"), [(17, 0), (15, 1)])
def test_a_rule_that_joins_more_is_refused_and_told_what_to_do(atoms: int, none: int) -> None:
    with pytest.raises(RulesetError) as error:
        durable_driver.compile_program(joined(atoms, none))
    (problem,) = error.value.problems
    assert problem.code == "too-many-atoms"
    assert "'wide' joins 17 facts" in problem.message
    assert "'python'" in problem.hint


def test_a_fact_with_too_many_properties_is_refused() -> None:
    def program(columns: int) -> Program:
        wide = tuple(Property(name=f"c{n}", kind="integer") for n in range(columns))
        rule = InferenceRule(
            id="r", all_=(Atom(fact="wide", bind={"c0": Var("x")}),), none=(), then="b", values={"x": Var("x")}
        )
        return Program(facts={"wide": wide, "b": (Property(name="x", kind="integer"),)}, rules=(rule,))

    fact: Fact = ("wide", {f"c{n}": n for n in range(250)})
    assert len(both(program(250), [fact])) == 1
    with pytest.raises(RulesetError, match="too-many-properties"):
        durable_driver.compile_program(program(251))


def test_an_account_with_too_many_facts_is_refused_and_the_next_one_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    session = durable_driver.compile_program(chained(3))
    many: list[Fact] = [("seed", {"who": n}) for n in range(20)]
    few: list[Fact] = [("seed", {"who": 1}), ("step", {"who": 1, "n": 0})]
    monkeypatch.setattr(durable_encoding, "MAX_IDS", 10)
    with pytest.raises(DataError, match="too-many-facts"):
        list(session.run([(0, few), (1, [*few, *many])]))
    ((_, derived),) = session.run([(2, few)])
    assert len(derived) == 3


def test_a_runaway_join_is_stopped_in_mid_session_and_the_next_account_is_clean(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = chained(3)
    many: list[Fact] = [
        (type, {"who": n} | ({"n": 0} if type == "step" else {})) for n in range(9) for type in ("seed", "step")
    ]
    for module in (semi_naive, durable_driver):
        session = module.compile_program(program)
        with monkeypatch.context() as patch:
            patch.setattr(module, "MAX_FIRINGS", 10)
            with pytest.raises(RulesetError, match="inference-runaway"):
                list(session.run([(0, many)]))
        for _ in range(2):
            ((_, derived),) = session.run([(1, many[:2])])
            assert [(one.fact[1]["who"], one.fact[1]["n"]) for one in derived] == [(0, 1), (0, 2), (0, 3)]


def test_an_error_of_whoever_feeds_facts_is_not_swallowed() -> None:
    session = durable_driver.compile_program(chained(2))
    with pytest.raises(TypeError):
        list(session.run([(0, [("seed", {"who": 1.5})])]))  # type: ignore[dict-item]
    ((_, derived),) = session.run([(1, [("seed", {"who": 1}), ("step", {"who": 1, "n": 0})])])
    assert len(derived) == 2


def test_more_accounts_than_durable_rules_holds_sessions() -> None:
    """1,024 live sessions are its limit; deleting one of several corrupts it. We have one at a time."""
    session = durable_driver.compile_program(chained(2))
    facts: list[Fact] = [("seed", {"who": 1}), ("step", {"who": 1, "n": 0}), ("step", {"who": 9, "n": 7})]
    assert {len(derived) for _, derived in session.run((n, facts) for n in range(3_000))} == {2}


def fnv(text: str) -> int:
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def test_nothing_that_durable_rules_compares_by_hash_collides() -> None:
    """Ids and property names are compared by 32-bit FNV-1a only; these are all that we give it."""
    ids = [*map(str, range(durable_encoding.MAX_IDS)), *(f"ph{n}" for n in range(1_000)), "sid-0"]
    assert len({fnv(id) for id in ids}) == len(ids)
    names = [*chain.from_iterable((f"p{n}", f"x{n}") for n in range(250)), "t", "n", "o", "id", "sid", "$s"]
    assert len({fnv(name) for name in names}) == len(names)


def test_the_extension_loads_in_a_fresh_interpreter_and_starts_no_threads() -> None:
    code = (
        "import threading; from crmrules.inference import durable_driver as d; assert not d.available(), d.available();"
        "assert threading.active_count() == 1"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)
