"""Values between Zoho's JSON, its CSV and ours: text, or a list of texts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from crmrules.contracts.connector import NativeField
from crmrules.model.objects import FieldType

Value = str | list[str] | None

_TRUE = frozenset({"true", "1", "yes", "t", "y"})


def text_of(value: Any) -> str | None:
    """Return a JSON value as a CSV would hold it: a lookup by its id, a list joined by ``;``."""
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else repr(value)
    if isinstance(value, dict):
        return text_of(value["id"]) if "id" in value else text_of(value.get("name"))
    if isinstance(value, list):
        return ";".join(texts_of(value)) or None
    return str(value)


def texts_of(value: Any) -> list[str]:
    """Return a JSON list as texts: ids of lookups, values of a multi-select."""
    if isinstance(value, str):
        return split(value)
    found = []
    for item in value or ():
        text = text_of(item)
        if text is not None:
            found.append(text)
    return found


def names_of(tags: Any) -> list[str]:
    """Return the names of a record's tags."""
    return [str(tag["name"]) if isinstance(tag, dict) else str(tag) for tag in tags or ()]


def split(text: str) -> list[str]:
    """Return the values of a multi-select as a CSV joins them."""
    return [part.strip() for part in re.split(r"[;,]", text) if part.strip()]


def instant(text: str | None) -> datetime | None:
    """Return the UTC time that Zoho wrote, in whatever zone; None where it is none."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def header_time(when: datetime) -> str:
    """Return *when* for a header, a criterion or a query: whole seconds, rounded down, with its offset."""
    return when.astimezone(UTC).replace(microsecond=0).isoformat()


def json_of_text(field: NativeField, text: str | None) -> Any:
    """Return what has to be sent for *text* in *field*. Raises ValueError where it is no such value."""
    if text is None:
        return [] if field.type is FieldType.list else None
    if field.refers_to:
        return {"id": text}
    match field.type:
        case FieldType.integer:
            number = _number(text)
            if number != int(number):
                raise ValueError(f"{text!r} is no whole number")
            return int(number)
        case FieldType.number | FieldType.money:
            number = _number(text)
            return int(number) if number == int(number) else float(number)
        case FieldType.boolean:
            return text.strip().lower() in _TRUE
        case FieldType.list:
            return _list(text)
        case FieldType.date:
            return text.strip()[:10]
        case FieldType.timestamp:
            found = datetime.fromisoformat(text.strip())
            return header_time(found if found.tzinfo else found.replace(tzinfo=UTC))
        case _:
            return text


def _number(text: str) -> Decimal:
    try:
        found = Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        raise ValueError(f"{text!r} is no number") from None
    if not found.is_finite():
        raise ValueError(f"{text!r} is no number")
    return found


def _list(text: str) -> list[str]:
    if text.startswith("["):
        try:
            said = json.loads(text)
        except ValueError:
            said = [part.strip().strip("'\"") for part in text.strip("[]").split(",")]
        return [str(value) for value in said if str(value)]
    return split(text)


def row_value(row: Mapping[str, Any], field: NativeField) -> Value:
    """Return the value of *field* in a JSON record."""
    value = row.get(field.name)
    return texts_of(value) or None if field.type is FieldType.list else text_of(value)
