"""Frames: what ``of:`` and ``from:`` may name, which columns they have and how they refer to each other.

A frame is a canonical object, a subject, or a derived table (``mention``, ``evidence``, ``part``,
``candidate``, ``question``, ``flag``, ``fact.<name>``). Which columns it has depends on the ruleset: features,
classes, lexicon outputs, required custom fields and roles are columns like any other.
Derived frames exist only where the ruleset has the section that fills them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from crmrules.language.ruleset import Ruleset
from crmrules.model.objects import OBJECTS, FieldType
from crmrules.model.program import Property, Var

_T = FieldType
_LINKS = {"account": "account_id", "contact": "contact_id", "deal": "deal_id"}
_RELATIONS = {name: (column, name) for name, column in _LINKS.items()}

# Section of a ruleset that makes a derived frame exist, for error messages.
DERIVED_BY: Mapping[str, str] = {
    "mention": "phrases", "evidence": "roles", "part": "roles", "candidate": "roles", "question": "roles", "flag": "flags",
    "fact": "inference",
}  # fmt: skip

LEXICON_OUTPUTS: Mapping[str, FieldType] = {
    "level": _T.text, "function": _T.text, "functions": _T.list, "modifiers": _T.list, "rule": _T.text,
    "matched": _T.boolean,
}  # fmt: skip

_ROLLUP = {"role": _T.text, "role_score": _T.number, "role_band": _T.text, "roles": _T.list, "stance": _T.text}
_PART = {
    "account_id": _T.text, "contact_id": _T.text, "deal_id": _T.text, "specific": _T.boolean, "role": _T.text,
    "score": _T.number, "band": _T.text, "roles": _T.list, "stance": _T.text, "source": _T.text,
}  # fmt: skip
_MENTION = {
    "activity_id": _T.text, "account_id": _T.text, "deal_id": _T.text, "date": _T.date, "direction": _T.text,
    "type": _T.text, "contact_id": _T.text, "speaker_id": _T.text, "cue": _T.text, "clause": _T.text,
}  # fmt: skip
_EVIDENCE = {
    "account_id": _T.text, "contact_id": _T.text, "deal_id": _T.text, "item": _T.text, "family": _T.text,
    "role": _T.text, "against": _T.boolean, "weight": _T.number, "decayed": _T.number, "date": _T.date,
    "source_object": _T.text, "source_id": _T.text,
}  # fmt: skip
_FLAG = {
    "account_id": _T.text, "contact_id": _T.text, "deal_id": _T.text, "object": _T.text, "record_id": _T.text,
    "flag": _T.text,
}  # fmt: skip
_QUESTION = {
    "account_id": _T.text, "deal_id": _T.text, "place": _T.integer, "account_place": _T.integer, "question": _T.text,
    "role": _T.text, "ask_contact_id": _T.text, "about_contact_id": _T.text, "question_zh": _T.text,
    "question_en": _T.text, "gain": _T.number, "knows": _T.number,
}  # fmt: skip
_MENTION_KEY = ("activity_id", "contact_id", "cue", "clause")
_EVIDENCE_KEY = ("contact_id", "deal_id", "item", "role", "source_object", "source_id", "date")
_KINDS = {"id": _T.text, "integer": _T.integer, "boolean": _T.boolean, "name": _T.text, "date": _T.date}


@dataclass(frozen=True)
class Frame:
    """A table that rules may read, as it looks under one ruleset."""

    name: str
    columns: Mapping[str, FieldType]
    relations: Mapping[str, tuple[str, str]]  # name -> (foreign-key column here, frame there)
    key: tuple[str, ...]
    links: Mapping[str, str]  # subject -> dotted path to its id
    date_field: str = ""  # dotted path to the day on which a row happened; '' = timeless


def frames(ruleset: Ruleset) -> Mapping[str, Frame]:
    """Return every frame that exists under *ruleset*, by name."""
    found = {
        o.name: Frame(o.name, {f.name: f.type for f in o.fields}, o.relations, o.key, o.links, o.date_field)
        for o in OBJECTS.values()
    }
    if ruleset.phrases is not None:
        relations = {**_RELATIONS, "activity": ("activity_id", "activity"), "speaker": ("speaker_id", "contact")}
        found["mention"] = Frame("mention", _MENTION, relations, _MENTION_KEY, _LINKS, "date")
    if ruleset.flags:
        found["flag"] = Frame("flag", _FLAG, _RELATIONS, ("object", "record_id", "flag"), _LINKS)
    if ruleset.roles is not None:
        scores = dict.fromkeys(ruleset.roles.roles, _T.number)
        for name in ("part", "candidate"):
            found[name] = Frame(name, _PART | scores, _RELATIONS, ("contact_id", "deal_id"), _LINKS)
        found["evidence"] = Frame("evidence", _EVIDENCE, _RELATIONS, _EVIDENCE_KEY, _LINKS, "date")
        if ruleset.roles.questions:
            found["question"] = _question_frame()
    for name, added in _added_columns(ruleset).items():
        if name in found:
            found[name] = replace(found[name], columns={**found[name].columns, **added})
    if "part" in found:  # a candidate is a part of an open deal, with whatever was derived about the part
        found["candidate"] = replace(found["candidate"], columns=found["part"].columns)
    found.update(_fact_frames(ruleset, found))
    return MappingProxyType(found)


def resolve(frames: Mapping[str, Frame], frame: str, path: str) -> FieldType | None:
    """Return the type of the dotted *path* seen from *frame*, or None where there is no such column."""
    target, column = reach(frames, frame, path)
    return target.columns.get(column) if target is not None else None


def reach(frames: Mapping[str, Frame], frame: str, path: str) -> tuple[Frame | None, str]:
    """Follow the relations of *path*; return the frame where it ends (None: nowhere) and the column's name."""
    here = frames.get(frame)
    *steps, column = path.split(".")
    for step in steps:
        if here is None or step not in here.relations:
            return None, column
        here = frames.get(here.relations[step][1])
    return here, column


def source_frame(ruleset: Ruleset, source: str) -> str:
    """Return the name of the frame behind ``from:``, which may name one of the ruleset's sets."""
    return ruleset.sets[source].from_ if source in ruleset.sets else source


def _question_frame() -> Frame:
    people = {"ask_contact": ("ask_contact_id", "contact"), "about_contact": ("about_contact_id", "contact")}
    relations = {"account": _RELATIONS["account"], "deal": _RELATIONS["deal"], **people}
    links = {**_LINKS, "contact": "ask_contact_id"}
    return Frame("question", _QUESTION, relations, ("account_id", "deal_id", "question"), links)


def _added_columns(ruleset: Ruleset) -> dict[str, dict[str, FieldType]]:
    added: dict[str, dict[str, FieldType]] = {}
    for required in ruleset.requires:
        added.setdefault(required.object, {})[required.field] = required.type
    for lexicon in ruleset.lexicons.values():
        outputs = {f"{lexicon.prefix}_{name}": type for name, type in LEXICON_OUTPUTS.items()}
        added.setdefault(lexicon.of, {}).update(outputs)
    if ruleset.roles is not None:
        added.setdefault("contact", {}).update(_ROLLUP)
    if ruleset.flags:
        for subject in _LINKS:
            added.setdefault(subject, {})["flags"] = _T.list
    for feature in ruleset.features.values():
        added.setdefault(feature.of, {})[feature.name] = feature.type
    for dimension in ruleset.classes.values():
        added.setdefault(dimension.of, {})[dimension.name] = _T.list if dimension.hit == "collect" else _T.text
    return added


def _fact_frames(ruleset: Ruleset, known: Mapping[str, Frame]) -> Iterator[tuple[str, Frame]]:
    if ruleset.inference is None:
        return
    references = _references(ruleset, known)
    for fact, properties in ruleset.inference.facts.items():
        columns = {"account_id": _T.text, **{p.name: _KINDS[p.kind] for p in properties}, "rule": _T.text}
        relations = {"account": ("account_id", "account")}
        relations |= {p.name.removesuffix("_id"): (p.name, references[fact, p.name])
                      for p in properties if (fact, p.name) in references}  # fmt: skip
        links = {"account": "account_id"}
        for subject in ("contact", "deal"):
            columns_there = [column for column, there in relations.values() if there == subject]
            if len(columns_there) == 1:  # with two of them the ruleset must say which (`via`)
                links[subject] = columns_there[0]
        key = ("account_id", *(p.name for p in properties))
        yield f"fact.{fact}", Frame(f"fact.{fact}", columns, relations, key, links)


def _references(ruleset: Ruleset, known: Mapping[str, Frame]) -> dict[tuple[str, str], str]:
    """Return (fact, property) -> frame that an id refers to: base facts know, derived ones learn it by their rules."""
    assert ruleset.inference is not None
    program, origin = ruleset.inference, {source.fact: source.of for source in ruleset.facts}
    found = {}
    for fact, properties in program.facts.items():
        for property in properties:
            there = _referred(known, origin[fact], property) if fact in origin and property.kind == "id" else ""
            if there:
                found[fact, property.name] = there
    learning = True
    while learning:
        learning = False
        for rule in program.rules:
            meant = {var: found[atom.fact, name] for atom in rule.all_ for name, var in atom.bind.items()
                     if (atom.fact, name) in found}  # fmt: skip
            for name, value in rule.values.items():
                if isinstance(value, Var) and value in meant and (rule.then, name) not in found:
                    found[rule.then, name] = meant[value]
                    learning = True
    return found


def _referred(known: Mapping[str, Frame], frame: str, property: Property) -> str:
    target, column = reach(known, frame, property.source)
    if target is None:
        return ""
    if target.key == (column,):
        return target.name
    return next((there for fk, there in target.relations.values() if fk == column), "")
