"""Values on the wire, and as the texts that the core reads and writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from crmrules.model.objects import FieldType

if TYPE_CHECKING:
    import pyarrow as pa

# Types of Tryton's fields that hold one value; what is not here (one2many, dict, binary ...) is not offered.
TYPES: Mapping[str, FieldType] = {
    "char": FieldType.text,
    "text": FieldType.text,
    "fullText": FieldType.text,
    "selection": FieldType.text,
    "reference": FieldType.text,
    "many2one": FieldType.text,
    "one2one": FieldType.text,
    "integer": FieldType.integer,
    "bigint": FieldType.integer,
    "biginteger": FieldType.integer,
    "float": FieldType.number,
    "numeric": FieldType.money,
    "boolean": FieldType.boolean,
    "date": FieldType.date,
    "datetime": FieldType.timestamp,
    "timestamp": FieldType.timestamp,
}


def on_the_wire(value: datetime | date) -> dict[str, Any]:
    """Return a time (taken for UTC where it says no zone) or a day as Tryton's JSON has it."""
    if not isinstance(value, datetime):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    at = value.astimezone(UTC) if value.tzinfo else value
    parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{part: getattr(at, part) for part in parts}}


def time_of(value: Any) -> datetime | None:
    """Return the UTC time that a value of the wire is, None for none."""
    if not isinstance(value, dict) or value.get("__class__") != "datetime":
        return None
    at = datetime(value["year"], value["month"], value["day"], value["hour"], value["minute"], value["second"])
    return at.replace(microsecond=value.get("microsecond", 0), tzinfo=UTC)


def later(*times: datetime | None) -> datetime | None:
    """Return the latest of *times*."""
    known = [time for time in times if time]
    return max(known, default=None)


def text_of(value: Any, type: str = "") -> str | None:
    """Return a value of the wire as text: ISO dates, plain numbers, ``true``; None for none."""
    if value is None or value == "":
        return None
    if type == "boolean" or isinstance(value, bool):  # SQLite hands out 0 and 1
        return "true" if value else "false"
    if isinstance(value, dict):
        kind = value.get("__class__")
        if kind == "Decimal":
            return str(value["decimal"])
        if kind == "date":
            return date(value["year"], value["month"], value["day"]).isoformat()
        at = time_of(value)
        return at.replace(tzinfo=None).isoformat(sep=" ") if at else None
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() else repr(value)
    return str(value)


def to_wire(text: str | None, type: str) -> Any:
    """Return *text* as a value of a field of Tryton's *type*. Raises ValueError where it is none."""
    if text is None:
        return False if type == "boolean" else None
    match TYPES.get(type):
        case FieldType.integer:
            return int(text)
        case FieldType.number:
            return float(text)
        case FieldType.money:
            float(text)
            return {"__class__": "Decimal", "decimal": text}
        case FieldType.boolean:
            if text not in ("true", "false"):
                raise ValueError(text)
            return text == "true"
        case FieldType.date:
            return on_the_wire(date.fromisoformat(text))
        case FieldType.timestamp:
            return on_the_wire(datetime.fromisoformat(text))
        case FieldType.text:
            return int(text) if type == "many2one" else text
        case _:
            raise ValueError(type)


def table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], times: frozenset[str] = frozenset()) -> pa.Table:
    """Return *rows* as a page's table: texts, and in the columns *times* instants in UTC."""
    import pyarrow as pa

    kinds = [pa.timestamp("us", "UTC") if name in times else pa.string() for name in columns]
    arrays = [pa.array([row.get(name) for row in rows], kind) for name, kind in zip(columns, kinds, strict=True)]
    return pa.table(arrays, names=list(columns))
