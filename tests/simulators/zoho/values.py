"""Which values a field takes, and what is stored of them."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from .crm import Crm, seconds
from .errors import BadValue
from .schema import NUMBERS, Field

_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")
_BAD_ID = "the id given seems to be invalid"


def stored(crm: Crm, field: Field, value: Any, module: str) -> Any:
    """*value* as it is stored; raises BadValue with what the field expects."""
    if value is None:
        return None
    kind = field.data_type
    if kind in NUMBERS:
        return _number(field, value)
    if kind == "boolean":
        return _typed(value, bool, "boolean")
    if kind == "picklist":
        return _choice(field, _typed(value, str, "string"))
    if kind == "multiselectpicklist":
        return [_choice(field, _typed(one, str, "string")) for one in _typed(value, list, "jsonarray")]
    if kind == "date":
        return _date(_typed(value, str, "date"))
    if kind == "datetime":
        return _datetime(_typed(value, str, "datetime"))
    if kind in ("ownerlookup", "userlookup"):
        user = record_id(_typed(value, dict, "jsonobject"))
        if user not in crm.users or not crm.users[user].active:
            raise BadValue(message=_BAD_ID)
        return user
    if kind == "lookup":
        return _lookup(crm, field, _typed(value, dict, "jsonobject"), module)
    if kind == "participants":
        return [_participant(crm, one) for one in _typed(value, list, "jsonarray")]
    return _text(field, _typed(value, str, "string"))


def record_id(value: Any) -> int:
    """The id in ``{"id": ..}`` or a bare one; decimal text or a whole number. Raises BadValue."""
    if isinstance(value, dict):
        value = value.get("id")
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    raise BadValue(message=_BAD_ID, expected_data_type="bigint")


def _typed(value: Any, kind: type, expected: str) -> Any:
    if not isinstance(value, kind):
        raise BadValue(expected_data_type=expected)
    return value


def _text(field: Field, value: str) -> str:
    if field.length and len(value) > field.length:
        raise BadValue(maximum_length=field.length)
    if field.data_type == "email" and not _EMAIL.fullmatch(value):
        raise BadValue(expected_data_type="email")
    return value


def _number(field: Field, value: Any) -> Any:
    whole = field.data_type in ("integer", "bigint")
    if field.data_type == "bigint" and isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise BadValue(expected_data_type="integer" if whole else "double")
    if field.length and len(str(abs(int(value)))) > field.length:
        raise BadValue(maximum_length=field.length)
    return value


def _choice(field: Field, value: str) -> str:
    if value not in {actual for actual, _ in field.choices}:
        raise BadValue(supported_values=[actual for actual, _ in field.choices])
    return value


def _date(value: str) -> str:
    try:
        return date.fromisoformat(value).isoformat() if len(value) == 10 else _refuse_date("date")
    except ValueError:
        return _refuse_date("date")


def _datetime(value: str) -> int:
    try:
        return seconds(value)
    except ValueError:
        raise BadValue(expected_data_type="datetime") from None


def _refuse_date(expected: str) -> str:
    raise BadValue(expected_data_type=expected)


def _lookup(crm: Crm, field: Field, value: dict[str, Any], module: str) -> int:
    id = record_id(value)
    targets = (field.lookup, "Accounts", "Leads") if field.api_name == "What_Id" else (field.lookup,)
    if all(crm.tables[target].get(id) is None for target in targets):
        raise BadValue(message=_BAD_ID)
    return id


def _participant(crm: Crm, value: Any) -> dict[str, Any]:
    entry = _typed(value, dict, "jsonobject")
    kind = entry.get("type")
    if kind not in ("contact", "lead", "user", "email"):
        raise BadValue(supported_values=["contact", "lead", "user", "email"])
    if kind == "email":
        return {"type": kind, "participant": str(entry.get("participant"))}
    id = record_id(entry.get("participant"))
    known = id in crm.users if kind == "user" else crm.tables["Contacts" if kind == "contact" else "Leads"].get(id)
    if not known:
        raise BadValue(message=_BAD_ID)
    return {"type": kind, "participant": id}
