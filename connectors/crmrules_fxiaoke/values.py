"""Values: from the CRM's JSON to the texts and times that a page holds, and from texts back to JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crmrules.model.objects import FieldType

if TYPE_CHECKING:
    import pyarrow as pa

TYPES = {
    "number": FieldType.number, "currency": FieldType.money, "percentile": FieldType.number, "date": FieldType.date,
    "date_time": FieldType.timestamp, "true_or_false": FieldType.boolean, "select_many": FieldType.list,
    "employee_many": FieldType.list, "department_many": FieldType.list,
}  # fmt: skip
"""Canonical type per native one; every other is text."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SEPARATOR = ";"  # of a list in a text


class Unfit(ValueError):
    """A text that a field of that type does not hold; the message says why."""


def ms(time: datetime) -> int:
    """Return the milliseconds since 1970 of *time* (UTC where it carries no zone), rounded down."""
    moment = time if time.tzinfo else time.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def instant(value: Any) -> datetime | None:
    """Return the time that milliseconds mean, None where *value* is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return _EPOCH + timedelta(milliseconds=int(value))
    except (ValueError, OverflowError):
        return None


def text_of(type: str, value: Any, zone: ZoneInfo) -> str | None:
    """Return the text of a native value, None for nothing; what is no such value is shown as it is."""
    if value is None or value == "" or value == []:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if type in ("date", "date_time"):
        moment = instant(value)
        if moment is None:
            return str(value)
        local = moment.astimezone(zone)
        return local.date().isoformat() if type == "date" else moment.isoformat(sep=" ", timespec="milliseconds")
    if isinstance(value, list):
        return f"{_SEPARATOR} ".join(_plain(v) for v in value)
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, dict):  # a companion: {"id": "1000", "name": "..."}
        return str(value.get("name") or value.get("id") or "")
    return str(value)


def native_of(type: str, text: str | None, zone: ZoneInfo, empty: str = "null") -> Any:
    """Return what is sent for *text*; *empty* says what empties a field. Raises Unfit."""
    if text is None:
        return [] if TYPES.get(type) is FieldType.list else None if empty == "null" else ""
    try:
        if type == "true_or_false":
            return {"true": True, "false": False}[text.lower()]
        if type == "date":
            day = date.fromisoformat(text)
            return ms(datetime(day.year, day.month, day.day, tzinfo=zone))
        if type == "date_time":
            time = datetime.fromisoformat(text)
            return ms(time if time.tzinfo else time.replace(tzinfo=zone))
        if type in ("number", "currency", "percentile"):
            float(text)
    except (KeyError, ValueError):
        raise Unfit(f"'{text}' is no {type}") from None
    if TYPES.get(type) is FieldType.list:
        return [part.strip() for part in text.split(_SEPARATOR) if part.strip()]
    return [text] if type in ("employee", "department") else text


def column(type: str, values: Sequence[Any], zone: ZoneInfo) -> pa.Array:
    """Return a column of a page: times in UTC, lists of texts, and texts."""
    import pyarrow as pa

    if type == "date_time":
        return pa.array([instant(v) for v in values], pa.timestamp("ms", tz="UTC"))
    if TYPES.get(type) is FieldType.list:
        lists = [v if isinstance(v, list) else [v] if v not in (None, "") else [] for v in values]
        return pa.array([[_plain(x) for x in v] for v in lists], pa.list_(pa.string()))
    return pa.array([text_of(type, v, zone) for v in values], pa.string())
