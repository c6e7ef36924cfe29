"""Fill the generated tables of the pages from code and schemas: ``python docs/generate.py rulesets``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from crmrules.language.schema import definition
from crmrules.model.objects import OBJECTS, Field, ObjectType

PAGE = Path(__file__).with_name("rulesets.md")
SECTIONS = (
    "sets",
    "features",
    "classes",
    "lexicons",
    "phrases",
    "roles",
    "inference",
    "flags",
    "guards",
    "playbook",
    "write",
)


def rulesets(page: str) -> str:
    """Return *page* with its generated tables as they are now."""
    for name, lines in (("keys", _keys()), ("objects", _objects())):
        block = "\n".join((f"<!-- {name}: generated -->", *lines, f"<!-- {name}: end -->"))
        page = re.sub(
            rf"<!-- {name}: generated -->.*?<!-- {name}: end -->", lambda _, text=block: text, page, flags=re.DOTALL
        )
    return page


def _keys() -> Iterator[str]:
    yield from _described("ruleset.yaml", {**definition("ruleset-v1"), "x-required": ["languages"]})
    yield from _described("a parameter", definition("ruleset-v1#/$defs/parameter"))
    for section in SECTIONS:
        schema = definition(f"ruleset-v1#/$defs/{section}")
        if "properties" in schema:
            yield from _described(f"{section}.yaml", schema)
        for name, entry in _entries(section, schema):
            yield from _described(name, entry)
    for name, title in (
        ("score", "a score"),
        ("rule", "a rule of a class"),
        ("table", "an inline table"),
        ("test", "a test"),
    ):
        yield from _described(title, definition(f"ruleset-v1#/$defs/{name}"))


def _entries(section: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    names = {"sets": "a set", "features": "a feature", "classes": "a class", "lexicons": "a lexicon", "flags": "a flag",
             "guards": "a guard", "write": "a write rule"}  # fmt: skip
    inner = {"phrases": ("cues", "a cue"), "roles": ("evidence", "an evidence item"), "inference": ("rules", "an inference rule"),
             "playbook": ("sentences", "a sentence")}  # fmt: skip
    if section in names:
        entry = _followed(schema["additionalProperties"])
        while "additionalProperties" in entry and "properties" not in entry:
            entry = _followed(entry["additionalProperties"])
        yield names[section], entry
    if section == "inference":
        yield "a fact", schema["properties"]["facts"]["additionalProperties"]
    if section == "roles":
        yield "a question", schema["properties"]["questions"]["additionalProperties"]
    if section in inner:
        key, title = inner[section]
        yield title, schema["properties"][key]["additionalProperties"]


def _described(title: str, schema: Mapping[str, Any]) -> Iterator[str]:
    required = {*schema.get("required", ()), *schema.get("x-required", ())}
    yield f"\n### {title}\n"
    yield "| key | what | values |"
    yield "|---|---|---|"
    for key, part in schema["properties"].items():
        known = _followed(part)
        what = part.get("description") or known.get("description") or known.get("title", "")
        name = f"**`{key}`**" if key in required else f"`{key}`"
        yield f"| {name} | {_cell(what)} | {_cell(_values(known))} |"


def _values(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    types = schema.get("type", ())
    named = {"object": "mapping", "array": "list", "string": "text"}
    return ", ".join(named.get(name, name) for name in ([types] if isinstance(types, str) else types))


def _followed(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    file, _, pointer = schema["$ref"].partition("#")
    found: Mapping[str, Any] = definition(f"{file.removesuffix('.schema.json')}#{pointer}")
    return _followed(found)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _objects() -> Iterator[str]:
    for record in OBJECTS.values():
        links = ", ".join(f"{subject} by `{path}`" for subject, path in record.links.items())
        yield f"\n### {record.name} · {record.label.of('zh')}\n"
        yield f"Key {', '.join(f'`{name}`' for name in record.key)}. {f'Rows belong to {links}.' if links else ''}".rstrip()
        yield ""
        yield "| field | type | | |"
        yield "|---|---|---|---|"
        for field in record.fields:
            yield f"| `{field.name}` | {field.type} | {field.label.of('zh')} · {field.label.of('en')} | {_notes(record, field)} |"
        if "." in record.date_field:
            yield f"\n*date*: `{record.date_field}`"


def _notes(record: ObjectType, field: Field) -> str:
    notes = [f"→ {field.refers_to}"] if field.refers_to else []
    notes += ["*date*"] if field.name == record.date_field else []
    notes += [field.unit] if field.unit else []
    notes += ["*personal*"] if field.personal else []
    return ", ".join(notes)


if __name__ == "__main__":
    if sys.argv[1:] != ["rulesets"]:
        sys.exit("usage: python docs/generate.py rulesets")
    PAGE.write_text(rulesets(PAGE.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")
