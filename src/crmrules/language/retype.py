"""Give every constant of a checked ruleset the type of the field that it is compared with.

So a date is a date, and money is compared exactly. Nothing else changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from crmrules.language.conditions import (
    AllOf,
    Among,
    AnyOf,
    Between,
    Choice,
    Compare,
    Condition,
    FieldRef,
    Not,
    Operand,
    Scalar,
)
from crmrules.language.frames import Frame, frames, resolve, source_frame
from crmrules.language.ruleset import Aggregate, Feature, Ruleset, Score
from crmrules.language.typing_rules import typed_value
from crmrules.model.objects import OBJECTS, FieldType


def typed(ruleset: Ruleset) -> Ruleset:
    """Return *ruleset* with typed constants in all its conditions."""
    known = frames(ruleset)

    def condition(frame: str, given: Condition) -> Condition:
        return _typed(known, frame, given, "")

    def source(name: str, given: Condition) -> Condition:
        return condition(source_frame(ruleset, name), given)

    def feature(given: Feature) -> Feature:
        if isinstance(given, Aggregate):
            that = source(given.from_, given.that) if given.that is not None else None
            return replace(given, where=source(given.from_, given.where), that=that)
        return replace(given, where=condition(given.of, given.where)) if isinstance(given, Score) else given

    roles, playbook = ruleset.roles, ruleset.playbook
    return replace(
        ruleset,
        sets={n: replace(s, where=condition(s.from_, s.where)) for n, s in ruleset.sets.items()},
        features={n: feature(f) for n, f in ruleset.features.items()},
        classes={
            n: replace(d, rules=tuple(replace(r, when=_typed(known, d.of, r.when, n)) for r in d.rules))
            for n, d in ruleset.classes.items()
        },
        roles=replace(
            roles,
            items=tuple(replace(i, when=source(i.of, i.when)) for i in roles.items),
            questions=tuple(replace(q, when=condition("part", q.when)) for q in roles.questions),
        ) if roles else None,
        facts=tuple(replace(f, when=source(f.of, f.when)) for f in ruleset.facts),
        flags={n: replace(f, when=condition(f.of, f.when)) for n, f in ruleset.flags.items()},
        guards=tuple(replace(g, when=condition(g.of, g.when)) for g in ruleset.guards),
        playbook=replace(playbook, sentences=tuple(replace(s, when=condition(s.of, s.when)) for s in playbook.sentences))
        if playbook else None,
        write=tuple(replace(w, when=condition(w.of, w.when)) for w in ruleset.write),
    )  # fmt: skip


def type_inside(known: Mapping[str, Frame], frame: str, path: str, inside: str) -> FieldType | None:
    """Return the type of *path*; in the definition of the class *inside*, that name is the record's own field."""
    if path == inside and frame in OBJECTS:
        field = OBJECTS[frame].field(path)
        return field.type if field is not None else None
    return resolve(known, frame, path)


def _typed(known: Mapping[str, Frame], frame: str, condition: Condition, inside: str) -> Condition:
    def operand(value: Operand, type: FieldType) -> Operand:
        if isinstance(value, Choice):
            cases = {case: scalar(then, type) for case, then in value.cases.items()}
            return Choice(value.field, cases, scalar(value.default, type))
        return value if isinstance(value, FieldRef) else scalar(value, type)

    def scalar(value: Scalar, type: FieldType) -> Scalar:
        typed = typed_value(value, type)
        return value if typed is None else typed

    match condition:
        case AllOf(parts):
            return AllOf(tuple(_typed(known, frame, part, inside) for part in parts))
        case AnyOf(parts):
            return AnyOf(tuple(_typed(known, frame, part, inside) for part in parts))
        case Not(part):
            return Not(_typed(known, frame, part, inside))
        case Compare() | Among() | Between():
            type = type_inside(known, frame, condition.field, inside)
            assert type is not None, f"{frame}.{condition.field} was checked"
            match condition:
                case Compare(field, op, value):
                    return Compare(field, op, operand(value, type))
                case Among(field, values):
                    return Among(field, tuple(scalar(value, type) for value in values))
                case Between():
                    return replace(condition, low=operand(condition.low, type), high=operand(condition.high, type))
    return condition
