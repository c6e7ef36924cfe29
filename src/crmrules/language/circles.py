"""Features, classes, facts, roles and flags that would need themselves, each circle named.

Roles may read facts, and facts may read roles: the pipeline computes roles, then facts, then roles
once more (docs/decisions/0002-facts-are-frames.md). Everything else must come in some order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from crmrules.errors import NOWHERE, Location
from crmrules.language.conditions import Condition, fields_of
from crmrules.language.expressions import names_of
from crmrules.language.frames import Frame, source_frame
from crmrules.language.reading import Reader
from crmrules.language.ruleset import Aggregate, Dimension, Feature, Formula, Ruleset, Score
from crmrules.language.section_features import DECIDED
from crmrules.model.objects import OBJECTS

_PARTS = ("part", "candidate")
_PART_KEYS = {"", "account_id", "contact_id", "deal_id"}
_ROLLUP = ("role", "role_score", "role_band", "roles", "stance")


def check_circles(reader: Reader, ruleset: Ruleset, known: Mapping[str, Frame]) -> None:
    """Note the circle that is found first among those that remain, until there is none."""
    places, needs = _graph(ruleset, known)
    while True:
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as error:
            circle: list[str] = list(reversed(error.args[1]))
            start = circle.index(min(circle))
            circle = [*circle[start:-1], *circle[: start + 1]]
            reader.complain("circle", f"{' -> '.join(circle)}: each needs the next one first", places.get(circle[0], NOWHERE),
                            hint="take one of these out of another's definition")  # fmt: skip
            needs[circle[0]] = needs[circle[0]] - {circle[1]}
        else:
            return


def _graph(ruleset: Ruleset, known: Mapping[str, Frame]) -> tuple[dict[str, Location], dict[str, set[str]]]:
    entries: list[Feature | Dimension] = [*ruleset.features.values(), *ruleset.classes.values()]
    owned = {(entry.of, entry.name): entry.name for entry in entries}
    needs: dict[str, set[str]] = {}
    for entry in entries:
        frame, paths = _reads(ruleset, entry)
        found = set(_nodes(known, owned, frame, paths))
        if isinstance(entry, Dimension) and _has_own_field(ruleset, entry):
            found.discard(entry.name)
        needs[entry.name] = found
    if ruleset.roles is not None:
        needs["roles"] = set()
        for item in ruleset.roles.items:
            frame = source_frame(ruleset, item.of)
            paths = {*fields_of(item.when), item.who, item.deal, item.date, item.role_from, *_of_set(ruleset, item.of)}
            nodes = set(_nodes(known, owned, frame, paths))
            if frame in _PARTS and not {path for path in paths if "." not in path} - _PART_KEYS:
                nodes.discard("roles")  # which contact and deal make a part is known before the roles
            needs["roles"] |= {node for node in nodes if not node.startswith("fact.")}
        if ruleset.roles.questions:
            paths = set().union(*(fields_of(question.when) for question in ruleset.roles.questions))
            needs["questions"] = {"roles", *_nodes(known, owned, "part", paths)}
    if ruleset.flags:
        needs["flags"] = set().union(
            *(_nodes(known, owned, flag.of, fields_of(flag.when)) for flag in ruleset.flags.values())
        )
    if ruleset.inference is not None:
        for source in ruleset.facts:
            properties = ruleset.inference.facts[source.fact]
            paths = {*fields_of(source.when), *(p.source for p in properties), *_of_set(ruleset, source.of)}
            needs[f"fact.{source.fact}"] = set(_nodes(known, owned, source_frame(ruleset, source.of), paths))
        for rule in ruleset.inference.rules:  # chains among facts are what inference is for
            read = {f"fact.{atom.fact}" for atom in (*rule.all_, *rule.none)} - {f"fact.{rule.then}"}
            needs.setdefault(f"fact.{rule.then}", set()).update(f for f in read if f in needs)
    places = {entry.name: entry.at for entry in entries}
    if ruleset.roles is not None:
        places["roles"] = places["questions"] = ruleset.roles.at
    if ruleset.flags:
        places["flags"] = next(iter(ruleset.flags.values())).at
    return places | {f"fact.{source.fact}": source.at for source in ruleset.facts}, needs


def _has_own_field(ruleset: Ruleset, dimension: Dimension) -> bool:
    required = {(r.object, r.field) for r in ruleset.requires}
    standard = OBJECTS[dimension.of].field(dimension.name) is not None
    return standard or (dimension.of, dimension.name) in required or dimension.copy == dimension.name


def _reads(ruleset: Ruleset, entry: Feature | Dimension) -> tuple[str, set[str]]:
    match entry:
        case Aggregate():
            conditions: Iterable[Condition] = [entry.where, *([entry.that] if entry.that is not None else [])]
            paths = set().union(*map(fields_of, conditions), names_of(entry.value) if entry.value is not None else ())
            paths |= {entry.via, entry.money.field if entry.money is not None else ""} | _of_set(ruleset, entry.from_)
            return source_frame(ruleset, entry.from_), paths
        case Formula():
            return entry.of, set(names_of(entry.expr))
        case Score():
            return entry.of, {entry.field, *fields_of(entry.where)}
        case Dimension():
            paths = set().union(*(fields_of(rule.when) for rule in entry.rules), {entry.copy})
            return entry.of, paths | ({entry.hysteresis.field} if entry.hysteresis is not None else set())


def _of_set(ruleset: Ruleset, source: str) -> set[str]:
    return set(fields_of(ruleset.sets[source].where)) if source in ruleset.sets else set()


def _nodes(
    known: Mapping[str, Frame], owned: Mapping[tuple[str, str], str], frame: str, paths: Iterable[str]
) -> Iterator[str]:
    """Yield what must be computed before rows of *frame* show these *paths*."""
    yield from _of_frame(frame)
    for path in paths:
        *steps, column = path.split(".")
        here = known.get(frame)
        for step in steps:
            there = here.relations.get(step) if here is not None else None
            here = known.get(there[1]) if there is not None else None
            if here is not None:
                yield from _of_frame(here.name)
        if here is None:
            continue
        if (here.name, column) in owned:
            yield owned[here.name, column]
        elif here.name == "contact" and column in _ROLLUP and column in here.columns:
            yield "roles"
        elif column == "flags" and here.name in DECIDED:
            yield "flags"


def _of_frame(frame: str) -> Iterator[str]:
    if frame in (*_PARTS, "evidence"):
        yield "roles"
    elif frame == "question":
        yield "questions"
    elif frame == "flag":
        yield "flags"
    elif frame.startswith("fact."):
        yield frame
