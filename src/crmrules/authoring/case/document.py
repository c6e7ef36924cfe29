"""Rows as a case: the inverse of :func:`crmrules.testing.records.rows_of`, and its YAML, one record a line."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from crmrules.authoring.case.outcomes import Outcomes
from crmrules.language.ruleset import UNKNOWN
from crmrules.language.schema import definition
from crmrules.model.objects import OBJECTS, CustomField
from crmrules.testing.records import RENAMED, Rows

_LISTS = {"contact": "contacts", "deal": "deals", "activity": "activities", "order": "orders"}
_NEEDED = {"activity": ("id", "date"), "order": ("date",)}
_PARTS = {"participant": "who", "introduced": "introduced"}
_DIRECTIONS = ("in", "out", "both", None)
_PLAIN = re.compile(r"[A-Za-z\u3400-\u9fff](?:[\w\u3400-\u9fff .%/()+-]*[\w\u3400-\u9fff%)])?")
_DEEPEST = 4  # blanks before a line; what stands deeper stands on one line
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"})


def case_of(rows: Rows, account: str, custom: Sequence[CustomField]) -> dict[str, Any]:
    """Return the record keys of a case of *account*; what they can't say stands under ``records``."""
    own = {(c.object, c.field.name) for c in custom}
    rest: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    case: dict[str, Any] = {"account": {}, "contacts": [], "deals": [], "activities": [], "orders": []}
    talks: dict[str, dict[str, Any]] = {}
    for object, some in rows.items():
        for row in some:
            record = _record(object, row, own)
            if object == "account" and row["id"] == account and record is not None:
                case["account"] = record
            elif object in _LISTS and row.get("account_id") == account and record is not None:
                case[_LISTS[object]].append(record)
                if object == "activity":
                    talks[row["id"]] = record | {"who": []}
                    case["activities"][-1] = talks[row["id"]]
            elif (
                object == "activity_contact" and _part(row) in _PARTS and row["activity_id"] in talks and len(row) <= 3
            ):
                talks[row["activity_id"]].setdefault(_PARTS[_part(row)], []).append(row["contact_id"])
            else:
                rest[object].append(_apart(object, row, own))
    if rest:
        case["records"] = {object: rest[object] for object in OBJECTS if object in rest}
    return case


def expectations(found: Outcomes, account: str) -> dict[str, Any]:
    """Return *found* as the ``expected`` of a case."""
    contacts: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    deals: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    classes: dict[str, Any] = {}
    flags: set[str] = set()
    for what, value in found.items():
        match what.kind:
            case "class" if what.object == "account":
                classes[what.name] = value
            case "class" if what.object == "contact":
                contacts[what.id].setdefault("classes", {})[what.name] = value
            case "class" if isinstance(value, str):
                deals[what.id][what.name] = value
            case "flag" if what.object == "account" and what.id == account:
                flags.add(what.name)
            case "role":
                said = "none" if what.name == "confidence" and value == UNKNOWN else value
                contacts[what.id][what.name] = said
            case "part" if value != UNKNOWN:
                deals[what.name].setdefault("roles", {})[what.id] = value
    whole = {id: wanted for id, wanted in sorted(contacts.items()) if {"role", "confidence"} <= wanted.keys()}
    expected: dict[str, Any] = {"account": {"classes": classes, "flags": sorted(flags)}}
    return expected | ({"deals": dict(sorted(deals.items()))} if deals else {}) | ({"contacts": whole} if whole else {})


def as_yaml(case: Mapping[str, Any], comment: str) -> str:
    """Return *case* as the text of a file: lists one record a line, mappings of mappings likewise."""
    return "".join([f"# {comment}\n", *_lines(case, "")])


def _record(object: str, row: Mapping[str, Any], own: set[tuple[str, str]]) -> dict[str, Any] | None:
    """Return *row* under a case's own keys, None where they can't say it."""
    keys = {field: key for key, field in RENAMED.get(object, {}).items()}
    named: dict[str, Any] = {}
    for field, value in row.items():
        if field != "account_id" and (object, field) not in own and value is not None:
            named[keys.get(field, field)] = plain(value)
    custom = {field: plain(value) for field, value in row.items() if (object, field) in own and value is not None}
    if object in _LISTS or object == "account":
        known = definition(f"case-v1#/$defs/{object}")["properties"]
        if not named.keys() <= known.keys() or any(row.get(f) is None for f in _NEEDED.get(object, ())):
            return None
    if object == "activity" and row.get("direction") not in _DIRECTIONS:
        return None
    if object == "order":
        named.setdefault("amount", None)
    return named | ({"custom": custom} if custom else {})


def _apart(object: str, row: Mapping[str, Any], own: set[tuple[str, str]]) -> dict[str, Any]:
    custom = {field: plain(value) for field, value in row.items() if (object, field) in own}
    named = {field: plain(value) for field, value in row.items() if (object, field) not in own and value is not None}
    return named | ({"custom": custom} if custom else {})


def _part(row: Mapping[str, Any]) -> str:
    return str(row.get("part") or "participant")


def plain(value: Any) -> Any:
    """Return a value of DuckDB as YAML has it: amounts as numbers, days as texts."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case float() if math.isfinite(value) and value.is_integer() and abs(value) < 2**53:
            return int(value)
        case datetime():
            return value.isoformat(sep=" ")
        case date():
            return value.isoformat()
    return value


def _lines(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, inner in value.items():
        if isinstance(inner, Mapping) and _is_deep(inner) and len(indent) < _DEEPEST:
            yield f"{indent}{_text(key)}:\n"
            yield from _lines(inner, indent + "  ")
        elif isinstance(inner, list) and inner and isinstance(inner[0], Mapping):
            yield f"{indent}{_text(key)}:\n"
            yield from (f"{indent}  - {_flow(item)}\n" for item in inner)
        else:
            yield f"{indent}{_text(key)}: {_flow(inner)}\n"


def _is_deep(value: Mapping[str, Any]) -> bool:
    return any(
        isinstance(v, Mapping) or (isinstance(v, list) and v and isinstance(v[0], Mapping)) for v in value.values()
    ) and ("id" not in value)


def _flow(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{_text(str(k))}: {_flow(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
    return _text(str(value))


def _text(text: str) -> str:
    if _is_day(text) or (_PLAIN.fullmatch(text) and text.lower() not in _WORDS):
        return text
    return json.dumps(text, ensure_ascii=False)


def _is_day(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) is not None
