"""Check that a rule of a program means something: names exist, variables are bound, kinds agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain

from crmrules.errors import Problem, did_you_mean
from crmrules.model.program import Atom, InferenceRule, Program, Property, Var

_ORDERED = ("integer", "date")  # kinds that lt, lte, gt, gte may compare


def rule_problems(program: Program, rule: InferenceRule) -> Iterator[Problem]:
    """Yield everything that is wrong with *rule*."""
    named = list(_unknown_names(program, rule))
    yield from named
    if not rule.all_:
        yield Problem("no-positive-atom", f"rule '{rule.id}' needs at least one fact in 'all'", rule.at)
    if not named:
        yield from _unbound(rule)
        yield from _kinds(program, rule)


def _unknown_names(program: Program, rule: InferenceRule) -> Iterator[Problem]:
    uses = [(atom.fact, (*atom.bind, *(test.property for test in atom.tests))) for atom in (*rule.all_, *rule.none)]
    for fact, properties in (*uses, (rule.then, tuple(rule.values))):
        if fact not in program.facts:
            yield Problem(
                "unknown-fact", f"rule '{rule.id}': there is no fact '{fact}'", rule.at,
                expected=", ".join(program.facts), hint=did_you_mean(fact, program.facts),
            )  # fmt: skip
            continue
        known = [property.name for property in program.facts[fact]]
        for name in properties:
            if name not in known:
                yield Problem(
                    "unknown-property", f"rule '{rule.id}': fact '{fact}' has no property '{name}'", rule.at,
                    expected=", ".join(known), hint=did_you_mean(name, known),
                )  # fmt: skip


def _unbound(rule: InferenceRule) -> Iterator[Problem]:
    bound = {var.name for atom in rule.all_ for var in atom.bind.values()}
    local = Counter(name for atom in rule.none for name in {var.name for var in atom.bind.values()} - bound)
    wanted = {value.name for value in rule.values.values() if isinstance(value, Var)}
    wanted |= {name for atom in rule.all_ for name in _tested(atom)}
    wanted |= {n for atom in rule.none for n in _tested(atom) - {var.name for var in atom.bind.values()}}
    for name in sorted(wanted - bound):
        yield Problem(
            "unbound-variable", f"rule '{rule.id}': no fact in 'all' gives ?{name} a value", rule.at,
            expected=", ".join(f"?{known}" for known in sorted(bound)), hint=did_you_mean(name, bound),
        )  # fmt: skip
    for name in sorted(name for name, times in local.items() if times > 1):
        yield Problem(
            "unbound-variable", f"rule '{rule.id}': ?{name} stands in several facts of 'none' and in none of 'all'",
            rule.at, hint="each fact of 'none' is looked for by itself; derive the pair first by a rule of its own",
        )  # fmt: skip


def _tested(atom: Atom) -> set[str]:
    return {test.value.name for test in atom.tests if isinstance(test.value, Var)}


def _kinds(program: Program, rule: InferenceRule) -> Iterator[Problem]:
    properties = {type: {p.name: p for p in columns} for type, columns in program.facts.items()}
    kinds: dict[str, str] = {}

    def disagree(name: str, property: Property) -> Iterator[Problem]:
        known = kinds.setdefault(name, property.kind)
        if known != property.kind:
            yield Problem(
                "kind-mismatch", f"rule '{rule.id}': ?{name} is of kind {known}, '{property.name}' is {property.kind}",
                rule.at,
            )  # fmt: skip

    atoms = (*rule.all_, *rule.none)
    binds = chain.from_iterable(((atom.fact, *bind) for bind in atom.bind.items()) for atom in atoms)
    for fact, name, var in binds:
        yield from disagree(var.name, properties[fact][name])
    for atom in atoms:
        for test in atom.tests:
            property = properties[atom.fact][test.property]
            if test.op not in ("eq", "ne") and property.kind not in _ORDERED:
                yield Problem(
                    "kind-mismatch", f"rule '{rule.id}': '{test.op}' compares numbers and dates, "
                    f"'{property.name}' is of kind {property.kind}", rule.at,
                )  # fmt: skip
            yield from (
                _constant(rule, property, test.value)
                if not isinstance(test.value, Var)
                else disagree(test.value.name, property)
            )
    for name, value in rule.values.items():
        property = properties[rule.then][name]
        yield from _constant(rule, property, value) if not isinstance(value, Var) else disagree(value.name, property)


def _constant(rule: InferenceRule, property: Property, value: int | bool | str) -> Iterator[Problem]:
    if property.kind == "id":
        yield Problem(
            "constant-id", f"rule '{rule.id}': '{property.name}' is an id and can't be compared with {value!r}", rule.at,
            hint="ids belong to one CRM: select the records in the fact's 'when' instead",
        )  # fmt: skip
        return
    wanted = {"boolean": bool, "name": str}.get(property.kind, int)
    if type(value) is not wanted:
        yield Problem(
            "kind-mismatch", f"rule '{rule.id}': {value!r} is not a value of '{property.name}'", rule.at,
            expected={bool: "true or false", str: "one of its names"}.get(wanted, f"a whole number ({property.kind})"),
        )  # fmt: skip
    elif wanted is int and not -(2**63) <= int(value) < 2**63:
        yield Problem("number-too-large", f"rule '{rule.id}': {value} takes more than 64 bits", rule.at)
    elif property.names and value not in property.names:
        yield Problem(
            "unknown-name", f"rule '{rule.id}': '{value}' is not a name of '{property.name}'", rule.at,
            expected=", ".join(property.names), hint=did_you_mean(str(value), property.names),
        )  # fmt: skip
