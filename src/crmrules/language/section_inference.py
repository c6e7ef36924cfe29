"""``inference``: facts and the rules that join them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from crmrules.errors import Location, RulesetError
from crmrules.language.condition_reader import read_condition
from crmrules.language.document import Node
from crmrules.language.reading import Reader
from crmrules.language.ruleset import FactSource
from crmrules.language.schema import a
from crmrules.language.strata import strata
from crmrules.model.program import Atom, InferenceRule, Program, Property, Test, Var

Constant = Var | int | bool | str
Facts = Mapping[str, tuple[Property, ...]]

_KINDS = ("id", "integer", "boolean", "name", "date")
_WANTS = {"id": "text", "integer": "integer", "boolean": "boolean", "name": "text", "date": "date"}


def read_inference(reader: Reader, section: Node) -> tuple[tuple[FactSource, ...], Program]:
    """Read ``inference``: the sources of base facts, and the program with its strata."""
    facts: dict[str, tuple[Property, ...]] = {}
    sources = []
    entries = section.get("facts")
    for name, node in entries.items() if entries is not None else ():
        assert entries is not None
        of, frame = node.get("of"), ""
        if of is not None:
            source, frame = reader.source(of)
            when = read_condition(reader, frame, node.get("when"))
            sources.append(FactSource(fact=name, of=source, when=when, at=entries.where(name)))
        elif node.get("when") is not None:
            reader.complain(
                "unused-key", "'when' means nothing in a fact that rules derive", node.where("when"), "of: a frame"
            )
        facts[name] = tuple(_property(reader, frame, key, inner) for key, inner in node.value["with"].items())
    rules = []
    rules_node = section.get("rules")
    for id, node in rules_node.items() if rules_node is not None else ():
        assert rules_node is not None
        rules.append(_rule(reader, facts, id, node, rules_node.where(id)))
    derived = {source.fact for source in sources}
    for rule in rules:
        if rule.then in derived:
            reader.complain(
                "inference",
                f"'{rule.then}' is made from records; no rule may add to it",
                rule.at,
                "a fact without 'of'",
            )
    program = Program(facts=facts, rules=tuple(rules))
    try:
        ordered = strata(program)
    except RulesetError as error:
        reader.problems.extend(error.problems)
        ordered = ()
    return tuple(sources), replace(program, strata=ordered)


def _property(reader: Reader, frame: str, name: str, node: Node) -> Property:
    if name in ("account_id", "rule"):
        reader.complain("name-taken", f"every fact has '{name}' already", node.at, "another name")
    if isinstance(node.value, str):
        kind, path = node.value, None
        if kind not in _KINDS:
            reader.unknown("kind", kind, _KINDS, node.at)
            kind = "id"
    else:
        kinds = [key for key, _ in node.items() if key in _KINDS]
        if len(kinds) != 1:
            reader.complain(
                "inference", f"the property '{name}' has {len(kinds)} kinds", node.at, f"one of {', '.join(_KINDS)}"
            )
            return Property(name=name, kind="id")
        kind, path = kinds[0], node.value[kinds[0]]
    if path is not None and not frame and kind != "name":
        reader.complain(
            "inference", f"'{name}' is read from a field, but the fact has no 'of'", path.at, f"{name}: {kind}"
        )
    if path is None and frame:
        reader.complain(
            "inference", f"'{name}' does not say which field it is read from", node.at, f"{name}: {{{kind}: field}}"
        )
    names = _names(reader, name, node, path) if kind == "name" else ()
    source = reader.use(frame, path, _WANTS[kind]) if frame and path is not None and isinstance(path.value, str) else ""
    return Property(name=name, kind=kind, source=source, names=names)  # type: ignore[arg-type]


def _names(reader: Reader, property: str, node: Node, path: Node | None) -> tuple[str, ...]:
    listed = path if path is not None and isinstance(path.value, list) else node.get("one_of")
    if listed is None:
        reader.complain("inference", f"the names that '{property}' may have are not listed", node.at, "one_of: [a, b]")
        return ()
    return tuple(str(inner.value) for inner in listed)


def _rule(reader: Reader, facts: Facts, id: str, node: Node, at: Location) -> InferenceRule:
    all_ = tuple(_atom(reader, facts, inner) for inner in node.value["all"])
    none_node = node.get("none")
    none = tuple(_atom(reader, facts, inner) for inner in none_node) if none_node is not None else ()
    bound = {variable for atom in all_ for variable in atom.bind.values()}
    for atom, inner in zip((*all_, *none), (*node.value["all"], *(none_node or ())), strict=True):
        for test in atom.tests:
            if isinstance(test.value, Var) and test.value not in bound:
                reader.complain("unbound-variable", f"?{test.value.name} has no value here", inner.at, _bound(bound))
    then, values_node = next(iter(node.value["then"].items()))
    place = node.value["then"].where(then)
    values = {key: _constant(inner) for key, inner in values_node.items()}
    properties = _properties(reader, facts, then, place)
    for key, value in values.items():
        property = next((p for p in properties if p.name == key), None)
        if property is None:
            if then in facts:
                reader.unknown("property", key, tuple(p.name for p in properties), values_node.where(key))
        elif isinstance(value, Var):
            if value not in bound:
                reader.complain(
                    "unbound-variable", f"?{value.name} has no value here", values_node.value[key].at, _bound(bound)
                )
        else:
            _check_constant(reader, property, value, values_node.value[key].at)
    for property in properties:
        if property.name not in values:
            reader.complain(
                "missing-key", f"'{then}' has no '{property.name}' here", place, "a value for every property"
            )
    _check_kinds(reader, facts, (*all_, *none), then, values, at)
    return InferenceRule(id=id, all_=all_, none=none, then=then, values=values, why=reader.text(node.get("why")), at=at)


def _bound(bound: set[Var]) -> str:
    names = ", ".join(sorted(f"?{variable.name}" for variable in bound))
    return f"a variable that 'all' binds: {names}" if names else "'all' binds no variable"


def _properties(reader: Reader, facts: Facts, fact: str, at: Location) -> tuple[Property, ...]:
    if fact not in facts:
        reader.unknown("fact", fact, facts, at)
    return facts.get(fact, ())


def _atom(reader: Reader, facts: Facts, node: Node) -> Atom:
    fact, tests_node = next(iter(node.items()))
    properties = {p.name: p for p in _properties(reader, facts, fact, node.where(fact))}
    bind: dict[str, Var] = {}
    tests: list[Test] = []
    for key, inner in tests_node.items():
        property = properties.get(key)
        if property is None and fact in facts:
            reader.unknown("property", key, tuple(properties), tests_node.where(key))
        for op, value_node in inner.items() if isinstance(inner.value, dict) else (("", inner),):
            value = _constant(value_node)
            if not op and isinstance(value, Var):
                bind[key] = value
                continue
            tests.append(Test(property=key, op=op or "eq", value=value))  # type: ignore[arg-type]
            if property is None:
                continue
            if op in ("lt", "lte", "gt", "gte") and property.kind not in ("integer", "date"):
                reader.complain(
                    "inference", f"'{key}' is {a(property.kind)}: it has no order", inner.where(op), "eq or ne"
                )
            if not isinstance(value, Var):
                _check_constant(reader, property, value, value_node.at)
    return Atom(fact=fact, bind=bind, tests=tuple(tests))


def _constant(node: Node) -> Constant:
    if isinstance(node.value, str) and node.value.startswith("?"):
        return Var(node.value[1:])
    value: Constant = node.value
    return value


def _check_constant(reader: Reader, property: Property, value: Constant, at: Location) -> None:
    match property.kind, value:
        case "integer", int() if not isinstance(value, bool):
            return
        case "boolean", bool():
            return
        case "name", str():
            if value not in property.names:
                reader.unknown("name", value, property.names, at)
            return
    expected: dict[str, str] = {
        "id": "a ?variable: an id is no constant", "date": "a ?variable: a date is no constant", "integer": "an integer",
        "boolean": "true or false", "name": "a text",
    }  # fmt: skip
    reader.complain("wrong-type", f"'{property.name}' is {a(property.kind)}", at, expected[property.kind])


def _check_kinds(
    reader: Reader, facts: Facts, atoms: tuple[Atom, ...], then: str, values: Mapping[str, Constant], at: Location
) -> None:
    """A variable stands for one kind of value wherever it stands."""
    kinds: dict[Var, tuple[str, str]] = {}
    places = [(atom.fact, name, variable) for atom in atoms for name, variable in atom.bind.items()]
    places += [(atom.fact, t.property, t.value) for atom in atoms for t in atom.tests if isinstance(t.value, Var)]
    places += [(then, name, value) for name, value in values.items() if isinstance(value, Var)]
    for fact, name, variable in places:
        kind: Literal["id", "integer", "boolean", "name", "date"] | None
        kind = next((p.kind for p in facts.get(fact, ()) if p.name == name), None)
        if kind is None:
            continue
        first_kind, first = kinds.setdefault(variable, (kind, f"{fact}.{name}"))
        if first_kind != kind:
            reader.complain("wrong-type", f"?{variable.name} is {a(first_kind)} in {first} and {a(kind)} in {fact}.{name}", at,
                            "one kind for a variable")  # fmt: skip
