"""Check a document against one of ``schemas/*-v1.schema.json`` and say what is wrong, where, and what would do.

The schemas are JSON Schema 2020-12 with one keyword of our own: ``x-required`` names keys that an
entry needs once the rulesets that it overrides are merged into it, so that an editor does not
demand them of a partial override.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from crmrules.errors import Location, Problem, RulesetError, did_you_mean
from crmrules.language.document import Node, read
from crmrules.resources import packaged

_WORDS = {"object": "a mapping", "array": "a list", "string": "a text", "number": "a number", "integer": "an integer",
          "boolean": "true or false", "null": "nothing"}  # fmt: skip


@dataclass(frozen=True)
class Document:
    """A file that has the shape its schema asks for."""

    path: Path
    root: Node

    @property
    def data(self) -> Any:
        """The plain value; dates are texts."""
        return self.root.data

    def at(self, *path: str | int) -> Location:
        """Return the place of the value at *path*, or of the nearest value above it."""
        return self.root.find(path).at


def read_document(path: Path, schema: str, file: str = "") -> Document:
    """Read *path* and check it against *schema* (``profile-v1``); *file* is what places say, default the path.

    Raises RulesetError with every problem of shape.
    """
    root = read(path, file)
    if problems := check(root, schema):
        raise RulesetError(problems)
    return Document(path, root)


def check(root: Node, schema: str) -> list[Problem]:
    """Return every way in which *root* breaks *schema*: ``ruleset-v1`` or ``ruleset-v1#/$defs/flags``."""
    return [problem for _, problem in check_with_paths(root, schema)]


def check_with_paths(root: Node, schema: str) -> list[tuple[tuple[str | int, ...], Problem]]:
    """Do as :func:`check` and tell for each problem the path of the value that has it."""
    validator = _Validator({"$ref": _file(schema)})
    return [
        (tuple(error.absolute_path), problem)
        for error in validator.iter_errors(root.data)
        for problem in _problems(error, root)
    ]


def definition(schema: str) -> Any:
    """Return the schema, or the part of it, that *schema* names as in :func:`check`."""
    file, _, pointer = _file(schema).partition("#")
    here = _load(file)
    for step in pointer.split("/")[1:]:
        here = here[step.replace("~1", "/").replace("~0", "~")]
    return here


def _file(schema: str) -> str:
    name, _, pointer = schema.partition("#")
    return f"{name}.schema.json#{pointer}"


@cache
def _load(file: str) -> Any:
    loaded = json.loads((packaged("schemas") / file).read_text(encoding="utf-8"))
    del loaded["$schema"], loaded["$id"]  # jsonschema would go back to its own validator and resolver
    return _with_whole_references(loaded, file)


def _with_whole_references(value: Any, file: str) -> Any:
    """Name the file in every ``$ref``, so that one lookup by text finds it: faster than resolving addresses."""
    if isinstance(value, dict):
        return {
            key: (
                inner
                if "#" in inner and not inner.startswith("#")
                else file + inner
                if inner[0] == "#"
                else inner + "#"
            )
            if key == "$ref" and isinstance(inner, str)
            else _with_whole_references(inner, file)
            for key, inner in value.items()
        }
    return [_with_whole_references(inner, file) for inner in value] if isinstance(value, list) else value


@cache
def _referenced(reference: str) -> Any:
    file, _, pointer = reference.partition("#")
    return definition(f"{file.removesuffix('.schema.json')}#{pointer}")


def _follow(validator: Any, reference: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    yield from validator.descend(instance, _referenced(reference))


def _required(validator: Any, keys: list[str], instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for key in keys:
            if key not in instance:
                yield ValidationError(key, validator="required", validator_value=keys, instance=instance, schema=schema)


_Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"$ref": _follow, "required": _required, "x-required": _required}
)


def _descend(
    self: Any, instance: Any, schema: Any, path: Any = None, schema_path: Any = None, resolver: Any = None
) -> Iterator[ValidationError]:
    """Do what jsonschema's own does, without a new validator and resolver for each value: a third of the time.

    Ours need neither: references are looked up by their text, and no keyword that we use asks for them.
    """
    for keyword, value in schema.items():
        check_keyword = self.VALIDATORS.get(keyword)
        if check_keyword is None:
            continue
        for error in check_keyword(self, value, instance, schema) or ():
            error._set(
                validator=keyword,
                validator_value=value,
                instance=instance,
                schema=schema,
                type_checker=self.TYPE_CHECKER,
            )
            if keyword not in ("if", "$ref"):
                error.schema_path.appendleft(keyword)
            if path is not None:
                error.path.appendleft(path)
            if schema_path is not None:
                error.schema_path.appendleft(schema_path)
            yield error


_Validator.descend = _descend


def _problems(error: Any, root: Node) -> Iterator[Problem]:
    node = root.find(list(error.absolute_path))
    what = _name(error)
    match error.validator:
        case "additionalProperties":
            known = error.schema.get("properties", {})
            for key in error.instance:
                if key not in known:
                    yield Problem("unknown-key", f"unknown key '{key}'{_inside(error)}", node.where(key),
                                  f"one of {listed(known)}", did_you_mean(key, known))  # fmt: skip
        case "required":
            yield Problem("missing-key", f"the key '{error.message}' is missing{_inside(error)}", node.at,
                          _describes(error.schema.get("properties", {}).get(error.message)))  # fmt: skip
        case "type":
            allowed = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
            yield Problem("wrong-type", f"{what} is {_kind(error.instance)}", node.at,
                          " or ".join(_WORDS[name] for name in allowed if name != "null"), _remedy(error.instance, allowed))  # fmt: skip
        case "enum" | "const":
            allowed = error.validator_value if error.validator == "enum" else [error.validator_value]
            yield Problem("wrong-value", f"{what} can't be {shown(error.instance)}", node.at,
                          f"one of {listed(map(str, allowed))}" if len(allowed) > 1 else shown(allowed[0]),
                          did_you_mean(str(error.instance), map(str, allowed)))  # fmt: skip
        case _ if "propertyNames" in error.absolute_schema_path:
            yield Problem(
                "wrong-name",
                f"'{error.instance}' can't be a name here",
                node.where(str(error.instance)),
                _says(error.schema),
            )
        case "minItems" | "maxItems" | "minProperties" | "maxProperties" | "minLength":
            number = len(error.instance)
            yield Problem(
                "wrong-number",
                f"{what} has {number} {'entry' if number == 1 else 'entries'}" if number else f"{what} is empty",
                node.at,
                _says(error.schema),
            )
        case "dependentRequired":
            yield Problem(
                "missing-key", f"{what} has only one of {listed(error.validator_value)}", node.at, "both or none"
            )
        case _:
            yield Problem("wrong-value", f"{what} can't be {shown(error.instance)}", node.at,
                          _says(error.schema) or f"{error.validator} {error.validator_value}")  # fmt: skip


def _name(error: Any) -> str:
    keys = [step for step in error.absolute_path if isinstance(step, str)]
    if not keys:
        return "the document"
    position = error.absolute_path[-1]
    return f"entry {position + 1} of '{keys[-1]}'" if isinstance(position, int) else f"'{keys[-1]}'"


def _inside(error: Any) -> str:
    return f" in {_name(error)}" if error.absolute_path else ""


def _says(schema: Any) -> str:
    text = schema.get("description") or schema.get("title") if isinstance(schema, Mapping) else ""
    return (text or "").split(". ")[0].rstrip(".")


def _describes(schema: Any) -> str:
    """What a key is for, as its schema describes it or the definition that it refers to."""
    if not isinstance(schema, Mapping):
        return ""
    return _says({"description": schema.get("description", "")}) or (
        _describes(_referenced(schema["$ref"])) if "$ref" in schema else ""
    )


def _remedy(value: Any, allowed: list[str]) -> str:
    if value is None:
        return "take the key out, or give it a value; {is_missing: true} tests for a missing one"
    if "string" in allowed and isinstance(value, (bool, int, float)):
        return f'put it in quotes: "{str(value).lower()}"'
    return ""


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return shown(value) if isinstance(value, (str, int, float)) else _WORDS["null" if value is None else _type(value)]


def _type(value: Any) -> str:
    return "object" if isinstance(value, dict) else "array"


def shown(value: Any) -> str:
    """Write a scalar as a person would in YAML, long ones cut."""
    if isinstance(value, bool) or value is None:
        return "nothing" if value is None else str(value).lower()
    text = f"'{value}'" if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:56] + " ...'"


def a(word: str) -> str:
    """Put the article before *word*."""
    return f"an {word}" if word[:1] in "aeiou" else f"a {word}"


def listed(names: Iterable[str]) -> str:
    """Write names as a sorted list, cut after forty."""
    ordered = sorted(set(names))
    return ", ".join(ordered[:40]) + (f" and {len(ordered) - 40} more" if len(ordered) > 40 else "")
