"""Values of a table as text formats can hold them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any


def json_value(value: Any) -> Any:
    """Return *value* as JSON holds it: exact decimals as text, dates ISO, NaN null."""
    match value:
        case float() if value != value or value in (float("inf"), float("-inf")):
            return None
        case Decimal():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case list() | tuple():
            return [json_value(item) for item in value]
    return value


def csv_value(value: Any) -> str:
    """Return *value* as a CSV cell; a list's items are joined by ``;``.

    Text that a spreadsheet would run as a formula gets an apostrophe in front: it may come from
    a stranger who filled in a web form.
    """
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return csv_value(";".join(str(json_value(item)) for item in value))
        case str():
            return f"'{value}" if value[:1] in _FORMULA else value
    plain = json_value(value)
    return "" if plain is None else str(plain)


_FORMULA = ("=", "+", "-", "@", "\t", "\r")
