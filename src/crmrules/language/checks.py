"""What a ruleset means: do the fields exist, do the tests fit their types, can every value occur, does nothing go in a circle?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from crmrules.errors import did_you_mean
from crmrules.language.circles import check_circles
from crmrules.language.conditions import Among, Choice, Compare, FieldRef, Has, Op
from crmrules.language.domains import Domain, domains
from crmrules.language.expressions import Name
from crmrules.language.frames import DERIVED_BY, Frame, frames, reach, source_frame
from crmrules.language.reading import Calculation, Reader, Source, Use
from crmrules.language.retype import type_inside
from crmrules.language.ruleset import Aggregate, Ruleset
from crmrules.language.schema import a, listed
from crmrules.language.section_features import DECIDED
from crmrules.language.typing_rules import NUMERIC, TEMPORAL, TypeOf, complaint, expression_type, operands, values_of
from crmrules.model.objects import OBJECTS, FieldType

Frames = Mapping[str, Frame]

_WANTED = {
    "text": (FieldType.text,), "number": NUMERIC, "integer": (FieldType.integer,), "boolean": (FieldType.boolean,),
    "date": TEMPORAL, "text or integer": (FieldType.text, FieldType.integer),
}  # fmt: skip
_OUTCOMES = "class.<name>, feature.<name>, role, role.<name>, stance, flag.<id>, flags or note"


def check_meaning(reader: Reader, ruleset: Ruleset, *, complete: bool) -> Ruleset:
    """Note every problem of meaning; return the ruleset with the types of its features settled.

    Unless *complete* (a section could not be read), names are not looked up: they may stand there.
    """
    ruleset = _settled(reader, ruleset)
    if not complete:
        return ruleset
    known = frames(ruleset)
    _check_names(reader, ruleset, known)
    for source in reader.sources:
        _check_source(reader, ruleset, known, source)
    found = domains(ruleset)
    for use in reader.uses:
        _check_use(reader, known, found, use)
    for calculation in reader.calculations:
        _check_calculation(reader, known, calculation)
    _check_write(reader, ruleset, known)
    check_circles(reader, ruleset, known)
    return ruleset


def _settled(reader: Reader, ruleset: Ruleset) -> Ruleset:
    """Give features without a type that of what they are computed from, until nothing changes."""
    for _ in range(len(reader.untyped) + 1):
        known, changed = frames(ruleset), {}
        for name in reader.untyped & ruleset.features.keys():
            feature = ruleset.features[name]
            expression = feature.value if isinstance(feature, Aggregate) else getattr(feature, "expr", None)
            frame = source_frame(ruleset, feature.from_) if isinstance(feature, Aggregate) else feature.of
            if expression is None:
                continue
            type = expression_type(expression, _types(known, frame, ""), lambda *_: None)
            takes_it = isinstance(expression, Name) or (type is not None and type not in NUMERIC)
            if type is not None and takes_it and type is not feature.type:
                changed[name] = replace(feature, type=type)
        if not changed:
            break
        ruleset = replace(ruleset, features={**ruleset.features, **changed})
    return ruleset


def _types(known: Frames, frame: str, inside: str) -> TypeOf:
    return lambda path: type_inside(known, frame, path, inside)


def _check_names(reader: Reader, ruleset: Ruleset, known: Frames) -> None:
    """A derived value must not hide a field; a class may have the name of the field that it refines."""
    for name, feature in ruleset.features.items():
        record = OBJECTS.get(feature.of)
        if record is not None and record.field(name) is not None:
            reader.complain(
                "name-taken", f"{feature.of} has a field '{name}' already", feature.at, "another name for the feature"
            )
        if name in ruleset.classes:
            reader.complain(
                "name-taken", f"'{name}' is a feature and a class", feature.at, "names that are unique over both"
            )
    for name in (*ruleset.features, *ruleset.classes):
        if name in ruleset.parameters:
            continue
        if name in known and name in OBJECTS:
            at = ruleset.features[name].at if name in ruleset.features else ruleset.classes[name].at
            reader.complain("name-taken", f"'{name}' is an object already", at, "another name")


def _check_source(reader: Reader, ruleset: Ruleset, known: Frames, source: Source) -> None:
    frame = known.get(source_frame(ruleset, source.name))
    if frame is None:
        section = DERIVED_BY.get(source.name.partition(".")[0])
        if section and not (section == "inference" and ruleset.inference is not None):
            reader.complain(
                "unknown-frame",
                f"there is no '{source.name}' here",
                source.at,
                hint=f"the section '{section}' makes it",
            )
        else:
            reader.unknown("frame", source.name, {**known, **ruleset.sets}, source.at)
        return
    if source.of and not source.via and source.of not in frame.links:
        reader.complain("no-link", f"nothing says to which {source.of} a row of {source.name} belongs", source.at,
                        f"via: a path to the {source.of}'s id")  # fmt: skip
    if source.dated and not frame.date_field:
        reader.complain("no-date", f"rows of {source.name} have no date", source.at, f"one of {listed(_dated(known))}")


def _dated(known: Frames) -> list[str]:
    return [name for name, frame in known.items() if frame.date_field]


def _check_use(reader: Reader, known: Frames, found: Mapping[tuple[str, str], Domain], use: Use) -> None:
    if use.frame not in known:
        return  # complained about where the frame is named
    type = _type(reader, known, use.frame, use.path, use)
    if use.leaf is not None:
        for operand in operands(use.leaf):
            if isinstance(operand, Choice):  # the field of a FieldRef is a use of its own
                _type(reader, known, use.frame, operand.field, use)
    if type is None:
        return
    if use.wants and type not in _WANTED[use.wants]:
        reader.complain("wrong-type", f"'{use.path}' is {a(type)}", use.at, f"{a(use.wants)} field")
    if use.leaf is None:
        return
    at = use.value_at or use.at
    if wrong := complaint(use.leaf, type, _types(known, use.frame, use.inside)):
        reader.complain("wrong-type", wrong[0], at, wrong[1])
        return
    target, column = reach(known, use.frame, use.path)
    domain = found.get((target.name, column)) if target is not None and use.path != use.inside else None
    if domain is not None:
        _check_values(reader, use, domain)


def _check_values(reader: Reader, use: Use, domain: Domain) -> None:
    match use.leaf:
        case Compare(_, Op.eq | Op.ne, value) if not isinstance(value, FieldRef):
            given = values_of(value)
        case Among(_, values):
            given = values
        case Has(_, item):
            given = (item,)
        case _:
            return
    for value in given:
        if value not in domain.values:
            reader.unknown(domain.what, str(value), dict.fromkeys(domain.values), use.value_at or use.at)


def _type(reader: Reader, known: Frames, frame: str, path: str, use: Use) -> FieldType | None:
    type = type_inside(known, frame, path, use.inside)
    if type is None and path.rpartition(".")[2] not in reader.broken:
        _unknown_field(reader, known, frame, path, use)
    return type


def _unknown_field(reader: Reader, known: Frames, frame: str, path: str, use: Use) -> None:
    here, walked = known[frame], ""
    *steps, column = path.split(".")
    for step in steps:
        if step not in here.relations:
            place = f"'{walked.rstrip('.')}'" if walked else f"{a(frame)}"
            reader.complain("unknown-field", f"'{path}': {place} has no relation '{step}'", use.at,
                            f"one of {listed(here.relations)}" if here.relations else "a field of its own",
                            did_you_mean(step, here.relations))  # fmt: skip
            return
        here, walked = known[here.relations[step][1]], f"{walked}{step}."
    hint = did_you_mean(column, here.columns)
    if column in here.relations:
        hint = f"'{column}' is a relation: name a field of it, e.g. {walked}{column}.{next(iter(known[here.relations[column][1]].columns))}"
    if not hint:
        owners = [
            name for name, other in known.items() if column in other.columns and name in (*DECIDED, *here.relations)
        ]
        hint = f"{listed(owners)} has it" if owners else ""
    reader.complain(
        "unknown-field", f"unknown field '{path}' of {frame}", use.at, f"one of {listed(here.columns)}", hint
    )


def _check_calculation(reader: Reader, known: Frames, calculation: Calculation) -> None:
    if calculation.frame not in known:
        return
    said: list[tuple[str, str]] = []
    type = expression_type(
        calculation.expression, _types(known, calculation.frame, ""), lambda *wrong: said.append(wrong)
    )
    for message, expected in said:
        reader.complain("wrong-type", message, calculation.at, expected)
    if not said and calculation.wants == "number" and type is not None and type not in NUMERIC:
        reader.complain("wrong-type", f"this is {a(type)}", calculation.at, "a number")


def _check_write(reader: Reader, ruleset: Ruleset, known: Frames) -> None:
    for write in ruleset.write:
        kind, _, name = write.outcome.partition(".")
        owner: str | None = None
        match kind, name:
            case "class", _ if name:
                entry = ruleset.classes.get(name)
                owner = entry.of if entry is not None else None
                unknown: Mapping[str, object] = {} if entry is not None else ruleset.classes
                missing = entry is None
            case "feature", _ if name:
                feature = ruleset.features.get(name)
                owner = feature.of if feature is not None else None
                unknown, missing = ruleset.features, feature is None
            case "flag", _ if name:
                flag = ruleset.flags.get(name)
                owner = flag.of if flag is not None else None
                unknown, missing = ruleset.flags, flag is None
            case "role", _ if name:
                roles = ruleset.roles.roles if ruleset.roles is not None else {}
                unknown, missing = roles, name not in roles
            case (("role" | "stance" | "note" | "flags"), ""):
                needed = {
                    "role": ruleset.roles,
                    "stance": ruleset.roles,
                    "note": ruleset.playbook,
                    "flags": ruleset.flags,
                }
                if not needed[kind]:
                    section = {"role": "roles", "stance": "roles", "note": "playbook", "flags": "flags"}[kind]
                    reader.complain(
                        "unknown-outcome",
                        f"there is no {kind} here",
                        write.at,
                        hint=f"the section '{section}' makes it",
                    )
                continue
            case _:
                reader.complain("unknown-outcome", f"unknown outcome '{write.outcome}'", write.at, _OUTCOMES)
                continue
        if missing:
            reader.unknown(kind, name, unknown, write.at)
        elif owner is not None and owner != write.of and kind != "flag":
            reader.complain("wrong-subject", f"'{write.outcome}' is about {a(owner)}", write.at, f"of: {owner}")
