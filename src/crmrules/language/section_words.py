"""``lexicons`` and ``phrases``: patterns in titles and in what people write."""

from __future__ import annotations

import unicodedata
from typing import Literal

import re2

from crmrules.errors import Location
from crmrules.language.document import Node
from crmrules.language.reading import Reader, pattern_error
from crmrules.language.ruleset import Cue, Lexicon, LexiconBlock, Modifier, Pattern, Phrases
from crmrules.model.objects import OBJECTS

WHO = "{who}"  # stands in a cue's pattern where a person is named


def read_lexicons(reader: Reader, section: Node) -> dict[str, Lexicon]:
    """Read ``lexicons``; each exception's and pattern's example must match."""
    found: dict[str, Lexicon] = {}
    for name, node in section.items():
        of = node.value["of"]
        if of.value not in OBJECTS:
            reader.unknown("object", str(of.value), OBJECTS, of.at)
        lexicon = _lexicon(reader, name, node, section.where(name))
        twin = next((o for o in found.values() if (o.of, o.prefix) == (lexicon.of, lexicon.prefix)), None)
        if twin is not None:
            reader.complain("name-taken", f"the prefix '{lexicon.prefix}' belongs to the lexicon '{twin.name}' already",
                            node.value["prefix"].at, "a prefix of its own")  # fmt: skip
        found[name] = lexicon
    return found


def _lexicon(reader: Reader, name: str, node: Node, at: Location) -> Lexicon:
    of = str(node.value["of"].value)
    levels = _texts(node.get("levels"))
    exceptions = [_exception(reader, inner) for inner in node.get("exceptions") or ()]
    _check_unique(reader, [(p.id, p.at) for p in exceptions])
    blocks = (
        [LexiconBlock(name="exceptions", gives="", patterns=tuple(exceptions), exception=True)] if exceptions else []
    )
    for block in ("level", "function"):
        inner = node.get(block)
        if inner is not None:
            blocks.append(LexiconBlock(name=block, gives=block, patterns=tuple(_patterns(reader, name, block, inner))))
    for pattern in (p for block in blocks for p in block.patterns):
        level = pattern.gives.get("level")
        if level is not None and level not in levels:
            reader.unknown("level", level, levels, pattern.at)
    modifiers = node.get("modifiers")
    return Lexicon(
        name=name, of=of, field=reader.use(of, node.get("field"), "text"), prefix=str(node.value["prefix"].value),
        split=_texts(node.get("split")), levels=levels,
        modifiers=tuple(_modifier(reader, key, inner, modifiers) for key, inner in modifiers.items()) if modifiers else (),
        blocks=tuple(blocks), fallback_field=reader.use(of, node.get("fallback_field"), "text"), at=at,
    )  # fmt: skip


def _texts(node: Node | None) -> tuple[str, ...]:
    return tuple(str(inner.value) for inner in node) if node is not None else ()


def _check_unique(reader: Reader, ids: list[tuple[str, Location]]) -> None:
    first: dict[str, Location] = {}
    for id, at in ids:
        if id in first:
            reader.complain(
                "repeated-id", f"the id '{id}' stands twice", at, "every id once", f"it stands at {first[id]} already"
            )
        first.setdefault(id, at)


def _exception(reader: Reader, node: Node) -> Pattern:
    match = node.value["match"]
    gives = {key: str(inner.value) for key in ("level", "function") if (inner := node.get(key)) is not None}
    if not gives:
        reader.complain(
            "missing-key", "the exception gives neither a level nor a function", node.at, "level, function or both"
        )
    pattern = reader.pattern(match)
    example = _example(reader, node, pattern)
    return Pattern(id=str(node.value["id"].value), pattern=pattern, literal=False, gives=gives, example=example,
                   why=reader.text(node.get("why")), at=node.at)  # fmt: skip


def _patterns(reader: Reader, lexicon: str, block: str, node: Node) -> list[Pattern]:
    found = []
    for value, entries in node.items():
        for number, inner in enumerate(entries, 1):
            literal = isinstance(inner.value, str)
            pattern = inner.value if literal else reader.pattern(inner.value["re"])
            example = "" if literal else _example(reader, inner, pattern)
            found.append(Pattern(id=f"{lexicon}.{block}.{value}.{number}", pattern=pattern, literal=literal,
                                 gives={block: value}, example=example, at=inner.at))  # fmt: skip
    return found


def _modifier(reader: Reader, id: str, node: Node, all: Node) -> Modifier:
    shift = node.get("shift")
    return Modifier(id=id, patterns=reader.patterns(node.get("patterns")), shift=shift.value if shift is not None else 0,
                    except_=reader.patterns(node.get("except")), at=all.where(id))  # fmt: skip


def _example(reader: Reader, node: Node, *patterns: str, who: str = WHO) -> str:
    example = node.get("example")
    if example is None:
        return ""
    if not any(_found(pattern.replace(WHO, who), str(example.value)) for pattern in patterns):
        reader.complain("example", f"the example '{example.value}' does not match", example.at, " or ".join(patterns))
    return str(example.value)


def _found(pattern: str, text: str) -> bool:
    """A broken pattern is complained about elsewhere; texts are matched as written and as normalised."""
    if pattern_error(pattern):
        return True
    plain = unicodedata.normalize("NFKC", text)
    return any(re2.search(pattern, form) is not None for form in (text, plain, plain.casefold()))


def read_phrases(reader: Reader, section: Node) -> Phrases:
    """Read ``phrases``; each cue's example must hold the cue."""
    cues, nicknames = section.get("cues"), section.get("nicknames")
    return Phrases(
        cues=tuple(_cue(reader, id, inner, cues.where(id)) for id, inner in cues.items()) if cues is not None else (),
        negations=reader.patterns(section.get("negations")), honorifics=_texts(section.get("honorifics")),
        nicknames={key: str(inner.value) for key, inner in nicknames.items()} if nicknames is not None else {},
        speech_verbs=_texts(section.get("speech_verbs")),
    )  # fmt: skip


def _cue(reader: Reader, id: str, node: Node, at: Location) -> Cue:
    about, match = node.get("about"), node.value["match"]
    for inner in match:
        reader.check_pattern(str(inner.value).replace(WHO, "(?:someone)"), inner.at)
    patterns = _texts(match)
    who: Literal["speaker", "named", "actor"] = about.value if about is not None else "speaker"
    if who == "named" and not any(WHO in pattern for pattern in patterns):
        reader.complain(
            "cue", f"the cue '{id}' is about a named person, but no pattern names one", match.at, f"{WHO} in a pattern"
        )
    return Cue(
        id=id, patterns=patterns, about=who, unless=reader.patterns(node.get("unless")),
        example=_example(reader, node, *patterns, who="(?:.{1,20}?)"), at=at,
    )  # fmt: skip
