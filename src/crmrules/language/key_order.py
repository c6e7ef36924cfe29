"""The order in which keys of an entry stand: its schema's. What an author orders (entries, tests) stays as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crmrules.language.schema import definition

Shape = Mapping[str, Any]  # a schema, or a part of one

_AUTHORS_OWN = ("condition", "atom")  # nothing in them is ordered


def shape_of(section: str) -> Shape:
    """Return the shape of a section, or of ``ruleset.yaml`` for ''."""
    found: Shape = definition(f"ruleset-v1#/$defs/{section}" if section else "ruleset-v1")
    return _resolved(found)


def inside(shape: Shape, key: str) -> Shape:
    """Return the shape of what stands at *key*."""
    found = shape.get("properties", {}).get(key, shape.get("additionalProperties"))
    return _resolved(found) if isinstance(found, Mapping) else {}


def item(shape: Shape) -> Shape:
    """Return the shape of the items of a list."""
    found = shape.get("items")
    return _resolved(found) if isinstance(found, Mapping) else {}


def in_order(shape: Shape, keys: Iterable[str]) -> list[str]:
    """Return *keys* in the order of *shape* where it lists all that there may be, else as they are."""
    known = list(shape.get("properties", ()))
    if shape.get("additionalProperties") is not False or not known:
        return list(keys)
    return sorted(keys, key=lambda key: known.index(key) if key in known else len(known))


def ordered(data: Any, shape: Shape) -> Any:
    """Return plain *data* with the keys of every entry in order."""
    if isinstance(data, dict):
        return {key: ordered(data[key], inside(shape, key)) for key in in_order(shape, data)}
    return [ordered(inner, item(shape)) for inner in data] if isinstance(data, list) else data


def _resolved(shape: Shape) -> Shape:
    while (reference := shape.get("$ref")) is not None:
        file, _, pointer = reference.partition("#")
        if pointer.rpartition("/")[2] in _AUTHORS_OWN:
            return {}
        shape = definition(
            f"{file.removesuffix('.schema.json')}#{pointer}" if pointer else file.removesuffix(".schema.json")
        )
    return shape
