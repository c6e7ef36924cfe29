"""Ruleset → document, section by section."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from crmrules.authoring.doc.content import Document, Part, Section, Table, cell
from crmrules.authoring.doc.diagram import Box, Flow, by_depth, columns
from crmrules.authoring.doc.role_sections import roles_parts
from crmrules.authoring.doc.wording import NamedLabels, Wording
from crmrules.errors import Location
from crmrules.evaluation.dependencies import Needs, graph
from crmrules.explain.show import show_value
from crmrules.explain.words import word as fixed
from crmrules.language.ruleset import UNKNOWN, Dimension, Parameter, Ruleset, Write
from crmrules.model.objects import OBJECTS


def document(ruleset: Ruleset, language: str) -> Document:
    """Return the document of *ruleset* in *language* (zh or en)."""
    say = Wording(NamedLabels(ruleset), language)
    made = (
        ("flow", _flow_parts(ruleset, say)),
        ("policies", _policies(ruleset, say)),
        ("classes", [_class(ruleset, d, say) for d in ruleset.classes.values()]),
        ("roles", roles_parts(ruleset, say)),
        ("flags", _flags(ruleset, say)),
        ("guards", _guards(ruleset, say)),
        ("playbook", _playbook(ruleset, say)),
        ("write", _write(ruleset, say)),
        ("features", _features(ruleset, say)),
        ("needs", _needs(ruleset, say)),
    )
    sections = tuple(
        Section(id=key, title=say.word(key), lead=say.word(f"{key}.lead"), parts=tuple(parts))
        for key, parts in made
        if parts
    )
    facts = [("version", ruleset.version), ("digest", ruleset.digest[:12]), ("extends", ", ".join(ruleset.extends))]
    return Document(
        language=language, title=ruleset.label.of(language) or ruleset.name, subtitle=say.word("title"),
        intro=say.word("intro"), facts=tuple((say.word(key), value) for key, value in facts if value),
        counts=tuple((label, n) for label, n in _counts(ruleset, say) if n), sections=sections,
        footer=say.word("footer", name=ruleset.name, version=ruleset.version),
        words={key: say.word(key) for key in ("contents", "source", "other_language")},
    )  # fmt: skip


def object_name(of: str, say: Wording) -> str:
    """Return what a record is called."""
    return OBJECTS[of].label.of(say.language) if of in OBJECTS else of


def place(ruleset: Ruleset, at: Location) -> str:
    """Return where something stands, seen from the ruleset's folder or its name."""
    path, folder = Path(at.file), Path(ruleset.folder)
    shown = path.relative_to(folder) if path.is_relative_to(folder) else Path(*path.parts[-2:])
    return f"{shown.as_posix()}:{at.line}" if at.line else shown.as_posix()


def _counts(ruleset: Ruleset, say: Wording) -> Iterator[tuple[str, int]]:
    rules = sum(len(d.rules) for d in ruleset.classes.values())
    yield say.word("classes"), len(ruleset.classes)
    yield say.word("rules"), rules
    yield say.word("roles"), len(ruleset.roles.roles) if ruleset.roles else 0
    yield say.word("evidence"), len(ruleset.roles.items) if ruleset.roles else 0
    yield say.word("flags"), len(ruleset.flags)
    yield say.word("sentences"), len(ruleset.playbook.sentences) if ruleset.playbook else 0


def _flow_parts(ruleset: Ruleset, say: Wording) -> list[Part]:
    stages = [Box(id="crm", text=say.word("crm"))]
    sizes = {
        "features": len(ruleset.features), "classes": len(ruleset.classes),
        "evidence": len(ruleset.roles.items) if ruleset.roles else 0,
        "roles": len(ruleset.roles.roles) if ruleset.roles else 0, "flags": len(ruleset.flags),
        "playbook": len(ruleset.playbook.sentences) if ruleset.playbook else 0, "write": len(ruleset.write),
    }  # fmt: skip
    boxes = {
        key: Box(id=key, text=say.word("write.box" if key == "write" else key), note=str(n))
        for key, n in sizes.items()
        if n
    }
    order = (["features", "evidence"], ["classes", "roles"], ["flags"], ["playbook"], ["write"])
    levels = [stages, *([boxes[key] for key in keys if key in boxes] for keys in order)]
    arrows = [
        ("crm", "features"), ("crm", "evidence"), ("features", "classes"), ("evidence", "roles"), ("classes", "flags"),
        ("roles", "flags"), ("flags", "playbook"), ("playbook", "write"),
    ]  # fmt: skip
    links = [(a, b) for a, b in arrows if (a == "crm" or a in boxes) and b in boxes]
    parts = [Part(flow=columns(say.word("flow"), [level for level in levels if level], links))]
    depends = _depends(ruleset, say)
    if depends is not None:
        parts.append(Part(title=say.word("depends"), lines=(say.word("depends.lead"),), flow=depends))
    return parts


def _depends(ruleset: Ruleset, say: Wording) -> Flow | None:
    found = graph(ruleset, say.labels.frames)
    wanted = {name: sorted(_classes_below(f"class.{name}", found) - {name}) for name in ruleset.classes}
    boxes = {
        name: Box(id=name, text=d.label.of(say.language) or name, note=object_name(d.of, say))
        for name, d in ruleset.classes.items()
    }
    levels = by_depth(boxes, wanted)
    links = [(need, name) for name, needs in wanted.items() for need in needs]
    return columns(say.word("depends"), levels, links) if links else None


def _classes_below(node: str, found: Mapping[str, Needs]) -> set[str]:
    """Return the classes that *node* reads, directly or through figures."""
    classes: set[str] = set()
    seen: set[str] = set()
    waiting = list(found[node].nodes)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if name.startswith("class."):
            classes.add(name.removeprefix("class."))
        else:
            waiting.extend(found[name].nodes)
    return classes


def _class(ruleset: Ruleset, dimension: Dimension, say: Wording) -> Part:
    def value(code: str) -> str:
        return say.labels.class_value(dimension.name, code, say.language)

    rows = [
        (
            cell(str(n), number=True),
            cell(*say.lines(dimension.of, rule.when), id=rule.id),
            cell(value(rule.then), tone=_tone(dimension, rule.then)),
            cell(say.template(dimension.of, rule.why)),
        )
        for n, rule in enumerate(dimension.rules, 1)
    ]
    if dimension.copy:
        field = say.labels.field(dimension.of, dimension.copy, say.language)
        rows.append((cell(), cell(say.word("copy", field=field)), cell("…"), cell()))
    otherwise = cell(value(dimension.otherwise), tone=_tone(dimension, dimension.otherwise))
    rows.append((cell(), cell(say.word("otherwise")), otherwise, cell()))
    lines = [say.word(f"hit.{dimension.hit}")] if dimension.rules else []
    if dimension.hysteresis is not None:
        field = say.labels.field(dimension.of, dimension.hysteresis.field, say.language)
        lines.append(say.word("hysteresis", field=field, margin=f"{dimension.hysteresis.margin:.0%}"))
    return Part(
        title=dimension.label.of(say.language) or dimension.name, id=dimension.name, chips=tuple(map(value, dimension.values)),
        facts=((say.word("about"), object_name(dimension.of, say)),), lines=tuple(lines),
        table=Table(heads=tuple(map(say.word, ("no", "if", "then", "why"))), rows=tuple(rows)),
        source=place(ruleset, dimension.at),
    )  # fmt: skip


def _tone(dimension: Dimension, value: str) -> str:
    return "unknown" if value == UNKNOWN else f"{list(dimension.values).index(value) % 9 + 1}"


def _policies(ruleset: Ruleset, say: Wording) -> list[Part]:
    rows = tuple(
        (cell(p.label.of(say.language) or p.name, id=p.name), cell(*_policy_value(p, say)))
        for p in ruleset.parameters.values()
    )
    return [Part(table=Table(heads=(say.word("policy"), say.word("value")), rows=rows))] if rows else []


def _policy_value(parameter: Parameter, say: Wording) -> tuple[str, ...]:
    value, unit = parameter.value, f" {_unit(parameter.unit, say)}" if parameter.unit else ""
    if isinstance(value, Mapping):
        return tuple(
            say.word("for", case=key, value=show_value(inner, say.language) + unit) for key, inner in value.items()
        )
    shown = show_value(value, say.language) + unit
    if not parameter.by:
        return (shown,)
    cases = (
        say.word("for", case=say.labels.value("account", parameter.by, case, say.language), value=show_value(then, say.language) + unit)
        for case, then in parameter.cases.items()
    )  # fmt: skip
    field = say.labels.field("account", parameter.by, say.language)
    return (say.word("by", field=field), *cases, say.word("other_case", value=shown))


def _unit(unit: str, say: Wording) -> str:
    return fixed(f"unit.{unit}", say.language) if unit in ("days", "times") else unit


def _flags(ruleset: Ruleset, say: Wording) -> list[Part]:
    order = {"critical": 0, "warning": 1, "info": 2}
    rows = tuple(
        (
            cell(fixed(f"severity.{f.severity}", say.language), tone=f.severity),
            cell(f.label.of(say.language) or f.id, id=f.id),
            cell(object_name(f.of, say)),
            cell(*say.lines(f.of, f.when)),
            cell(say.template(f.of, f.why)),
        )
        for f in sorted(ruleset.flags.values(), key=lambda flag: order[flag.severity])
    )
    heads = tuple(map(say.word, ("severity", "flag", "about", "if", "why")))
    return [Part(table=Table(heads=heads, rows=rows))] if rows else []


def _guards(ruleset: Ruleset, say: Wording) -> list[Part]:
    rows = tuple(
        (
            cell(say.template(g.of, g.why), id=g.id),
            cell(object_name(g.of, say)),
            cell(*say.lines(g.of, g.when)),
            cell(say.word(g.effect)),
        )
        for g in ruleset.guards
    )
    heads = tuple(map(say.word, ("guard", "about", "if", "effect")))
    return [Part(table=Table(heads=heads, rows=rows))] if rows else []


def _playbook(ruleset: Ruleset, say: Wording) -> list[Part]:
    book = ruleset.playbook
    if book is None:
        return []
    found = []
    for subject, blocks in book.blocks.items():
        for block in blocks:
            sentences = [s for s in book.sentences if s.of == subject and s.block == block]
            rows = tuple((cell(*say.lines(s.of, s.when), id=s.id), cell(say.template(s.of, s.say))) for s in sentences)
            if rows:
                table = Table(heads=(say.word("if"), say.word("say")), rows=rows)
                found.append(Part(title=f"{object_name(subject, say)} · {block}", table=table))
    return found


def _write(ruleset: Ruleset, say: Wording) -> list[Part]:
    rows = tuple(
        (
            cell(object_name(w.of, say)),
            cell(_outcome(ruleset, w, say), id=w.id),
            cell(f"{say.word(w.to)} {w.name}"),
            cell(*say.lines(w.of, w.when)),
            cell(", ".join(_skipped(w, say))),
        )
        for w in ruleset.write
    )
    heads = tuple(map(say.word, ("about", "outcome", "to", "if", "skip")))
    return [Part(table=Table(heads=heads, rows=rows))] if rows else []


def _outcome(ruleset: Ruleset, write: Write, say: Wording) -> str:
    kind, _, name = write.outcome.partition(".")
    match kind:
        case "class":
            return ruleset.classes[name].label.of(say.language) or name
        case "role" if name:
            return say.labels.role(name, say.language)
        case "feature":
            return say.labels.field(write.of, name, say.language)
        case "flag":
            return ruleset.flags[name].label.of(say.language) or name
        case "note":
            return say.word("note_of")
        case "role" | "stance" | "flags":
            return say.word(kind)
    return write.outcome


def _skipped(write: Write, say: Wording) -> Sequence[str]:
    kind, _, name = write.outcome.partition(".")
    if kind == "class":
        return [say.labels.class_value(name, value, say.language) for value in write.skip]
    return [say.labels.stance(v, say.language) if kind == "stance" else show_value(v, say.language) for v in write.skip]


def _features(ruleset: Ruleset, say: Wording) -> list[Part]:
    found = []
    for of in dict.fromkeys(feature.of for feature in ruleset.features.values()):
        rows = tuple(
            (cell(f.label.of(say.language) or f.name, id=f.name), cell(say.feature(f)), cell(_unit(f.unit, say)))
            for f in ruleset.features.values()
            if f.of == of
        )
        heads = (say.word("name"), say.word("meaning"), "")
        found.append(Part(title=object_name(of, say), table=Table(heads=heads, rows=rows)))
    return found


def _needs(ruleset: Ruleset, say: Wording) -> list[Part]:
    rows = tuple(
        (
            cell(object_name(r.object, say)),
            cell(r.label.of(say.language) or say.labels.field(r.object, r.field, say.language), id=r.field),
            cell(r.type.value),
            cell(say.word("yes" if r.optional else "no_word")),
        )
        for r in ruleset.requires
    )
    heads = tuple(map(say.word, ("about", "name", "type", "optional")))
    return [Part(table=Table(heads=heads, rows=rows))] if rows else []
