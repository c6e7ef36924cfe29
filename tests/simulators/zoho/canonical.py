"""Rows of our canonical objects, written as Zoho records: a whole CRM for the main job.

`NATIVE` is the truth about where each canonical field stands, and so what a mapping has to say. Fields that Zoho
doesn't have become custom fields of the same name (``demand_type`` is ``Demand_Type``), with the canonical values.
Not kept, because Zoho has no place for it: who set a contact role and when, and in what way somebody took part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from crmrules.model.objects import OBJECTS, FieldType
from crmrules.model.objects import Field as CanonicalField

from .crm import Crm
from .schema import Field
from .simulator import ZohoSimulator
from .store import Row
from .tagging import new_tag

Tables = Mapping[str, Iterable[Mapping[str, Any]]]

MODULES = {
    "account": "Accounts",
    "contact": "Contacts",
    "deal": "Deals",
    "order": "Sales_Orders",
    "response": "Responses",
    "browsing": "Browsing",
}
ACTIVITY_MODULES = ("Events", "Calls", "Tasks")
NATIVE: dict[str, dict[str, str]] = {
    "account": {
        "name": "Account_Name", "industry": "Industry", "employees": "Employees", "annual_revenue": "Annual_Revenue",
        "parent_id": "Parent_Account", "country": "Billing_Country", "province": "Billing_State", "city": "Billing_City",
    },
    "contact": {
        "name": "Last_Name", "title": "Title", "department": "Department", "email": "Email", "phone": "Phone",
        "account_id": "Account_Name", "reports_to_id": "Reporting_To",
    },
    "deal": {
        "name": "Deal_Name", "amount": "Amount", "stage": "Stage", "closed_on": "Closing_Date", "account_id": "Account_Name",
    },
    "order": {
        "amount": "Grand_Total", "status": "Status", "account_id": "Account_Name", "contact_id": "Contact_Name",
        "deal_id": "Deal_Name", "date": "Order_Date",
    },
    "activity": {"type": "Activity_Type", "text": "Description"},
}  # fmt: skip
_COMMON = {"owner_id": "Owner", "created_at": "Created_Time", "modified_at": "Modified_Time"}
_TYPES = {
    FieldType.integer: "integer",
    FieldType.number: "double",
    FieldType.money: "currency",
    FieldType.boolean: "boolean",
    FieldType.date: "date",
    FieldType.timestamp: "datetime",
}
_TITLE = {"Events": "Event_Title", "Calls": "Subject", "Tasks": "Subject"}
_WHEN = {"Events": "Start_DateTime", "Calls": "Call_Start_Time", "Tasks": "Due_Date"}


def native(object: str, name: str) -> str:
    """The field that bears the canonical field *name* of *object*."""
    found = NATIVE.get(object, {}).get(name) or _COMMON.get(name)
    return found or "_".join(part.capitalize() for part in name.removesuffix("_id").split("_"))


@dataclass(kw_only=True)
class Loaded:
    """Zoho ids by canonical object and id; of an activity also its module."""

    ids: dict[tuple[str, str], int] = field(default_factory=dict)
    activity_modules: dict[str, str] = field(default_factory=dict)

    def id(self, object: str, canonical: str) -> str:
        return str(self.ids[(object, canonical)])

    def get(self, object: str, canonical: Any) -> int | None:
        return self.ids.get((object, str(canonical))) if canonical not in (None, "") else None


def load_canonical(sim: ZohoSimulator, tables: Tables) -> Loaded:
    """Write *tables* (canonical object -> rows) into *sim*; a row that points nowhere keeps nothing there."""
    kept = {name: [dict(row) for row in rows] for name, rows in tables.items()}
    loaded = Loaded()
    with sim.lock:
        _users(sim.crm, kept.get("user", []), loaded)
        for name in (*MODULES, "activity"):
            for n, row in enumerate(kept.get(name, [])):
                loaded.ids[(name, str(row.get("id") or n))] = sim.crm.new_id()
        for name, module in MODULES.items():
            if kept.get(name):
                _records(sim.crm, name, module, kept[name], loaded)
        _lines(sim.crm, kept.get("order_line", []), loaded)
        _activities(sim.crm, kept.get("activity", []), kept.get("activity_contact", []), loaded)
        _roles(sim.crm, kept.get("deal_contact", []), loaded)
        _notes_and_tags(sim.crm, kept.get("note", []), kept.get("tag", []), loaded)
    return loaded


def _users(crm: Crm, rows: list[dict[str, Any]], loaded: Loaded) -> None:
    for row in rows:
        user = crm.add_user(row.get("name") or row["id"], row.get("email") or f"{row['id']}@crm.example")
        loaded.ids[("user", row["id"])] = user.id


def _records(crm: Crm, object: str, module: str, rows: list[dict[str, Any]], loaded: Loaded) -> None:
    if module not in crm.modules:
        crm.add_module(module, module, "Name:text*")
    fields = _fields(object, rows, without=("id",))
    for one in fields:
        _ensure(crm, module, one, object)
    for n, row in enumerate(rows):
        new = _stamped(crm, loaded.ids[(object, str(row.get("id") or n))], row, loaded)
        for one in fields:
            name = native(object, one.name)
            if name not in _COMMON.values():
                new[name] = _value(crm, module, name, one, row.get(one.name), loaded)
        label = "Subject" if module == "Sales_Orders" else crm.modules[module].label_field
        if label != "Full_Name" and not new.get(label):
            new[label] = str(row.get("name") or row.get("id") or n)
        crm.tables[module].put(new)


def _fields(object: str, rows: list[dict[str, Any]], *, without: tuple[str, ...]) -> list[CanonicalField]:
    """The fields that some row has: the canonical ones, and custom ones as text."""
    used = {name: None for row in rows for name, value in row.items() if value is not None and name not in without}
    known = {one.name: one for one in OBJECTS[object].fields}
    return [known.get(name) or CanonicalField(name=name) for name in sorted(used)]


def _ensure(crm: Crm, module: str, one: CanonicalField, object: str) -> None:
    name = native(object, one.name)
    if name in crm.modules[module].fields:
        return
    lookup = MODULES.get(one.refers_to, "")
    kind = "lookup" if lookup else _TYPES.get(one.type, "textarea" if one.name == "text" else "text")
    label = one.label.of("en") or name
    crm.add_field(module, Field(api_name=name, label=label, data_type=kind, lookup=lookup, length=0))


def _value(crm: Crm, module: str, name: str, one: CanonicalField, value: Any, loaded: Loaded) -> Any:
    if value is None:
        return None
    if one.refers_to:
        return loaded.get(one.refers_to, value)
    target = crm.modules[module].fields[name]
    if target.data_type == "picklist" and value not in {actual for actual, _ in target.choices}:
        target.choices.append((str(value), str(value)))
    if target.custom and target.data_type == "text":
        return str(value)
    if isinstance(value, list):
        return ";".join(map(str, value))
    if isinstance(value, datetime):
        return _seconds(value)
    if isinstance(value, date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value


def _stamped(crm: Crm, id: int, row: Mapping[str, Any], loaded: Loaded) -> Row:
    """A row with its id, its people and its times."""
    created, modified = row.get("created_at"), row.get("modified_at")
    changed = _seconds(modified) if modified else None
    made = _at(crm, created, time()) if created else min(changed or crm.now(), crm.now())
    owner = loaded.get("user", row.get("owner_id")) or crm.person
    stamp = {"Created_Time": made, "Modified_Time": changed or made}
    return {"id": id, "Owner": owner, "Created_By": crm.person, "Modified_By": crm.person, **stamp}


def _seconds(at: datetime) -> int:
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def _at(crm: Crm, day: date, hour: time) -> int:
    return int(datetime.combine(day, hour, crm.zone).timestamp())


def _lines(crm: Crm, rows: list[dict[str, Any]], loaded: Loaded) -> None:
    products: dict[str, int] = {}
    for row in rows:
        order = loaded.get("order", row.get("order_id"))
        there = crm.tables["Sales_Orders"].get(order or 0)
        if there is None:
            continue
        name = row.get("product") or row.get("category") or "?"
        if name not in products:
            products[name] = crm.new_id()
            made = _stamped(crm, products[name], {}, loaded)
            crm.tables["Products"].put({**made, "Product_Name": name})
        quantity, amount = float(row.get("quantity") or 1), float(row.get("amount") or 0)
        item: Row = {"id": crm.new_id(), "Product_Name": products[name], "Quantity": quantity, "Total": amount}
        item |= {"List_Price": amount / quantity if quantity else 0.0, "Description": row.get("category")}
        crm.tables["Sales_Orders"].put({**there, "Ordered_Items": [*(there.get("Ordered_Items") or ()), item]})


def _activities(crm: Crm, rows: list[dict[str, Any]], parts: list[dict[str, Any]], loaded: Loaded) -> None:
    """Calls and tasks know one contact; whatever had more is an event."""
    people: dict[str, list[int]] = {}
    for part in parts:
        contact = loaded.get("contact", part["contact_id"])
        here = people.setdefault(part["activity_id"], [])
        if contact is not None and contact not in here:
            here.append(contact)
    fields = _fields("activity", rows, without=("id", "account_id", "deal_id", "date", "subject"))
    for module in ACTIVITY_MODULES:
        for one in fields:
            _ensure(crm, module, one, "activity")
    for row in rows:
        who = people.get(row["id"], [])
        module = (
            "Events"
            if len(who) > 1 or row.get("type") == "meeting"
            else "Calls"
            if row.get("type") == "call"
            else "Tasks"
        )
        loaded.activity_modules[row["id"]] = module
        day = row.get("date") or date(2000, 1, 1)
        new = _stamped(crm, loaded.ids[("activity", row["id"])], {"created_at": day, **row}, loaded)
        for one in fields:
            name = native("activity", one.name)
            if name not in _COMMON.values():
                new[name] = _value(crm, module, name, one, row.get(one.name), loaded)
        begin = _at(crm, day, time(9))
        new[_TITLE[module]] = (row.get("subject") or row.get("type") or "-")[:255]
        new[_WHEN[module]] = day.isoformat() if module == "Tasks" else begin
        if module == "Events":
            new |= {
                "End_DateTime": begin + 3600,
                "Participants": [{"type": "contact", "participant": one} for one in who],
            }
        deal, account = loaded.get("deal", row.get("deal_id")), loaded.get("account", row.get("account_id"))
        new |= {"Who_Id": who[0] if who else None, "What_Id": deal or account}
        new["$se_module"] = "Deals" if deal else "Accounts" if account else None
        crm.tables[module].put(new)


def _roles(crm: Crm, rows: list[dict[str, Any]], loaded: Loaded) -> None:
    for row in rows:
        deal, contact = loaded.get("deal", row["deal_id"]), loaded.get("contact", row["contact_id"])
        if deal is None or contact is None:
            continue
        name = row.get("role")
        if name and name not in crm.roles.values():
            crm.roles[crm.new_id()] = name
        role = next((id for id, known in crm.roles.items() if known == name), 0)  # 0: on the deal, without a role
        crm.deal_roles.setdefault(deal, {})[contact] = role


def _notes_and_tags(crm: Crm, notes: list[dict[str, Any]], tags: list[dict[str, Any]], loaded: Loaded) -> None:
    for row in notes:
        parent = loaded.get(row["object"], row["record_id"])
        if parent is not None:
            new = _stamped(crm, crm.new_id(), row, loaded)
            new |= {"Note_Title": row.get("title"), "Note_Content": row.get("body")}
            crm.tables["Notes"].put({**new, "Parent_Id": (MODULES[row["object"]], parent)})
    for row in tags:
        record, module = loaded.get(row["object"], row["record_id"]), MODULES.get(row["object"], "")
        there = crm.tables[module].get(record) if record is not None else None
        if there is not None:
            tag = crm.tag_named(module, row["name"]) or new_tag(crm, module, row["name"], None, crm.person)
            crm.tables[module].put({**there, "Tag": (*(there.get("Tag") or ()), tag.id)})
