"""Rows as they leave: JSON of lists, JSON of single records, CSV of bulk read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .crm import Crm
from .schema import Field
from .store import Row


def listed(crm: Crm, module: str, row: Row, names: Iterable[str]) -> dict[str, Any]:
    """A record of a list: the fields asked for that exist; line items are left out, participants are cut."""
    fields = crm.modules[module].fields
    out: dict[str, Any] = {"id": str(row["id"])}
    more: dict[str, bool] = {}
    for name in names:
        field = fields.get(name)
        if field is None or not field.visible or field.data_type == "subform":
            continue
        value = shown(crm, module, field, row)
        if field.data_type == "participants" and value is not None:
            most = crm.behaviour.participants_in_lists
            if len(value) > most:
                more[name] = True
            value = value[:most]
        out[name] = value
    if more:
        out["$has_more"] = more
    return out


def whole(crm: Crm, module: str, row: Row) -> dict[str, Any]:
    """A record alone: every visible field, line items included."""
    fields = crm.modules[module].fields.values()
    out = {field.api_name: shown(crm, module, field, row) for field in fields if field.visible}
    return {"id": str(row["id"]), **out, "$approval_state": "approved", "$editable": True}


def shown(crm: Crm, module: str, field: Field, row: Row) -> Any:
    """One value as JSON shows it."""
    value = row.get(field.api_name)
    kind = field.data_type
    if kind == "tags":
        known = crm.tags.get(module, {})
        return [known[id].short for id in value or () if id in known]
    if field.api_name == "Full_Name":
        return full_name(row)
    if value is None:
        return [] if kind in ("subform", "multiselectpicklist") else None
    if kind == "datetime":
        return crm.time(value)
    if kind in ("ownerlookup", "userlookup"):
        user = crm.users.get(value)
        return user.short if user else {"name": None, "id": str(value), "email": None}
    if kind == "lookup":
        return _reference(crm, field, row, value)
    if kind == "parent":
        parent, id = value
        there = crm.tables[parent].get(id)
        module_id = str(crm.modules[parent].id)
        name = _name(crm, parent, there)
        return {"module": {"api_name": parent, "id": module_id}, "name": name, "id": str(id)}
    if kind == "participants":
        return [_participant(crm, one) for one in value]
    if kind == "subform":
        return [_item(crm, field, item) for item in value]
    if kind == "bigint":
        return str(value)
    return value


def csv_writer(crm: Crm, module: str, field: Field) -> Callable[[Row], Any]:
    """What bulk read hands to the CSV writer for one field: bare ids, comma names of tags, ``;`` between choices."""
    name, kind = field.api_name, field.data_type
    if kind == "tags":
        known = crm.tags.get(module, {})
        return lambda row: ",".join(known[id].name for id in row.get(name) or () if id in known)
    if name == "Full_Name":
        return full_name
    if kind == "datetime":
        return lambda row: crm.time(row.get(name))
    if kind == "boolean":
        return lambda row: "" if row.get(name) is None else str(row[name]).lower()
    if kind == "multiselectpicklist":
        return lambda row: ";".join(row.get(name) or ())
    return lambda row: row.get(name)


def full_name(row: Row) -> str:
    """First and last name, as Zoho joins them."""
    return " ".join(part for part in (row.get("First_Name"), row.get("Last_Name")) if part)


def _name(crm: Crm, module: str, row: Row | None) -> str | None:
    if row is None:
        return None
    return full_name(row) if crm.modules[module].label_field == "Full_Name" else crm.title(module, row)


def _reference(crm: Crm, field: Field, row: Row, value: int) -> dict[str, Any] | None:
    targets = (field.lookup, "Accounts", "Leads") if field.api_name == "What_Id" else (field.lookup,)
    for target in targets:
        there = crm.tables[target].get(value)
        if there is not None:
            return {"name": _name(crm, target, there), "id": str(value)}
    return None  # what it pointed at was deleted


def _participant(crm: Crm, one: dict[str, Any]) -> dict[str, Any]:
    kind, id = one["type"], one["participant"]
    name, email = None, None
    if kind == "user":
        name, email = crm.users[id].name, crm.users[id].email
    elif kind in ("contact", "lead"):
        row = crm.tables["Contacts" if kind == "contact" else "Leads"].get(id)
        name, email = (full_name(row), row.get("Email")) if row else (None, None)
    else:
        email = id
    return {"type": kind, "participant": str(id), "name": name, "Email": email, "status": "not_known", "invited": False}


def _item(crm: Crm, field: Field, item: Row) -> dict[str, Any]:
    values = {column.api_name: shown(crm, "", column, item) for column in field.rows}
    return {"id": str(item["id"]), **values}
