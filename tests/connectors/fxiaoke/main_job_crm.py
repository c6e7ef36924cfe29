"""The sample records in a simulated tenant, in its own fields and in custom ones as an admin would have made them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connectors.fxiaoke.world import CHINA, sections, settings
from connectors.main_job import Crm, Ids, Records, Row
from crmrules.model.objects import OBJECTS, FieldType
from crmrules_fxiaoke.config import DEFAULT_MAPPING
from simulators.fxiaoke import FxiaokeSim
from simulators.fxiaoke.functions import merge_tags
from simulators.fxiaoke.objects import f, object_

NATIVE = {"account": "AccountObj", "contact": "ContactObj", "deal": "NewOpportunityObj"}
_OWN: Mapping[str, Mapping[str, str]] = {  # canonical field -> the tenant's own; every other is a custom one
    "account": {"name": "name", "owner_id": "owner", "created_at": "create_time", "modified_at": "last_modified_time"},
    "contact": {
        "name": "name", "account_id": "account_id", "title": "job_title", "email": "email", "phone": "mobile",
        "department": "department", "created_at": "create_time", "modified_at": "last_modified_time",
    },
    "deal": {
        "name": "name", "account_id": "account_id", "amount": "amount", "status": "sales_status", "closed_on": "close_date",
        "owner_id": "owner", "created_at": "create_time", "modified_at": "last_modified_time",
    },
    "order": {
        "account_id": "account_id", "date": "order_time", "amount": "order_amount", "modified_at": "last_modified_time",
    },
    "deal_contact": {"role": "role__c"},
    "activity": {"date": "create_time", "text": "active_record_content", "owner_id": "created_by"},
}  # fmt: skip
_ALL = {
    **NATIVE, "order": "SalesOrderObj", "activity": "ActiveRecordObj", "deal_contact": "NewOpportunityContactsObj",
}  # fmt: skip
_KEYS = ("id", "account_id", "deal_id", "contact_id")
_STATUS = {"open": "1", "won": "2", "lost": "3"}
_KINDS = {
    FieldType.integer: "number", FieldType.number: "number", FieldType.money: "currency", FieldType.date: "date",
    FieldType.boolean: "true_or_false",
}  # fmt: skip


class Fxiaoke(Crm):
    """A tenant whose admin made a field for whatever b2b-core reads; *more* are settings of the connector."""

    connector = "fxiaoke"

    def __init__(self, sim: FxiaokeSim, **more: Any) -> None:
        self.sim = sim
        self.more = more
        self.people = sim.people
        sim.install("crmrules_tag__c", merge_tags)
        sim.tags.define("crmrules", "crmrules")

    def settings(self) -> Mapping[str, Any]:
        return settings(self.sim, **self.more)

    def load(self, records: Records) -> Ids:
        self.mapping = self._prepare(records)
        ids: dict[tuple[str, str], str] = {}
        for user in records["user"]:
            self.people.hire(user["id"], user["name"])
        for object in ("account", "contact", "deal"):
            for row in records[object]:
                ids[object, row["id"]] = self._create(NATIVE[object], object, row, ids)
            for row in records[object]:  # those that refer to one another
                again = {
                    n: self._value(object, n, v, ids)
                    for n, v in row.items()
                    if v is not None and _refers(object, n) == object
                }
                if again:
                    modified = _ms(row["modified_at"])
                    native = {_native(object, n): v for n, v in again.items()}
                    self.people.edit(NATIVE[object], ids[object, row["id"]], native)
                    self.sim.store.record(NATIVE[object], ids[object, row["id"]])["last_modified_time"] = modified
        for n, row in enumerate(records["deal_contact"]):
            at = {"new_opportunity_id": ids["deal", row["deal_id"]], "contact_id": ids["contact", row["contact_id"]]}
            rest = {name: value for name, value in row.items() if name not in ("deal_id", "contact_id")}
            self._create("NewOpportunityContactsObj", "deal_contact", rest, ids, name=str(n), **at)
        self._load_talks(records, ids)
        for row in records["order"]:
            self._create("SalesOrderObj", "order", {**row, "name": row["id"]}, ids)
        for row in records["tag"]:
            self._tag(NATIVE[row["object"]], ids[row["object"], row["record_id"]], row["name"])
        for row in records["note"]:
            self._annotate(NATIVE[row["object"]], ids[row["object"], row["record_id"]], row["title"], row["body"])
        return ids

    # As people see it

    def tags(self, object: str, id: str) -> set[str]:
        if self.more.get("tags") == "function":
            return set(self.people.tags(NATIVE[object], id))
        return set(self._text(NATIVE[object], id, "crmrules_tags__c").splitlines())

    def notes(self, object: str, id: str) -> list[tuple[str, str]]:
        if self.more.get("notes") == "object":
            reference = {"account": "account_id__c", "contact": "contact_id__c", "deal": "deal_id__c"}[object]
            rows = (r for r in self.people.records("crmrules_note__c") if r["life_status"] != "invalid")
            return sorted((r["name"], r["body__c"]) for r in rows if r.get(reference) == id)
        return sections(self._text(NATIVE[object], id, "crmrules_strategy__c"))

    def field(self, object: str, id: str, name: str) -> str | None:
        deal, contact = id.split("|")
        for row in self.people.records("NewOpportunityContactsObj"):
            if (row["new_opportunity_id"], row["contact_id"]) == (deal, contact):
                return row.get(f"{name}__c")
        return None

    def retag(self, object: str, id: str, old: str, new: str) -> None:
        if self.more.get("tags") == "function":
            self.people.untag(NATIVE[object], id, old)
            self.people.tag(NATIVE[object], id, new)
        else:
            lines = [
                new if line == old else line for line in self._text(NATIVE[object], id, "crmrules_tags__c").splitlines()
            ]
            self.people.edit(NATIVE[object], id, {"crmrules_tags__c": "\n".join(lines)})

    def dump(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        for object, native in NATIVE.items():
            for row in self.people.records(native):
                found[f"{object} {row['_id']} tags"] = sorted(self.tags(object, row["_id"]))
                found[f"{object} {row['_id']} notes"] = self.notes(object, row["_id"])
        for row in self.people.records("NewOpportunityContactsObj"):
            found[f"deal_contact {row['new_opportunity_id']}|{row['contact_id']} role"] = row.get("role__c")
        return {place: value for place, value in found.items() if value}

    # How it is filled

    def _prepare(self, records: Records) -> Mapping[str, Any]:
        """Make the custom fields that *records* need, and return the mapping that reads them."""
        objects = {name: said for name, said in DEFAULT_MAPPING["objects"].items() if name != "order_line"}
        for object, own in _OWN.items():
            native = _ALL[object]
            used = {n for row in records[object] for n, v in row.items() if v is not None} - {"id"}
            default = objects[object][0] if object == "activity" else objects[object]
            fields = {n: said for n, said in default["fields"].items() if n in own or n in _KEYS}
            custom = {}
            for name in sorted(used - fields.keys()):
                known = OBJECTS[object].field(name)
                kind = _KINDS.get(known.type, "text") if known else "text"
                self.sim.store.add_fields(native, f(f"{name}__c", kind, name, name, length=500))
                (fields if known else custom)[name] = f"{name}__c" if known else {"from": f"{name}__c", "type": "text"}
            objects[object] = {"from": native, "fields": fields, **({"custom": custom} if custom else {})}
        self.sim.store.add_object(
            object_(
                "introduction__c", "引荐", "Introduction", f("name", "text", "n", "n"),
                f("talk__c", "object_reference", "t", "t", target="ActiveRecordObj"),
                f("contact__c", "object_reference", "c", "c", target="ContactObj"),
            )
        )  # fmt: skip
        introduced = {"activity_id": "talk__c", "contact_id": "contact__c", "part": {"constant": "introduced"}}
        objects["activity_contact"] = [objects["activity_contact"], {"from": "introduction__c", "fields": introduced}]
        return {"schema": "mapping-v1", "timezone": "Asia/Shanghai", "personal": ["contact.email"], "objects": objects}

    def _create(self, native: str, object: str, row: Row, ids: Mapping[tuple[str, str], str], **more: Any) -> str:
        values = {
            _native(object, n): self._value(object, n, v, ids)
            for n, v in row.items()
            if n != "id" and v is not None and _refers(object, n) != object
        }
        return self.people.create(native, {**values, **more})

    def _load_talks(self, records: Records, ids: Mapping[tuple[str, str], str]) -> None:
        talks = {}
        for row in records["activity"]:
            people = [p for p in records["activity_contact"] if p["activity_id"] == row["id"]]
            links = [("AccountObj", ids["account", row["account_id"]])]
            if row["deal_id"]:
                links.append(("NewOpportunityObj", ids["deal", row["deal_id"]]))
            links += [("ContactObj", ids["contact", p["contact_id"]]) for p in people if p["part"] == "participant"]
            said = [{"describe_api_name": o, "id": id} for o, id in links]
            own = {n: v for n, v in row.items() if n not in ("account_id", "deal_id")}
            talk = talks[row["id"]] = self._create("ActiveRecordObj", "activity", own, ids, related_object_data=said)
            for p in people:
                if p["part"] == "introduced":
                    values = {"name": "x", "talk__c": talk, "contact__c": ids["contact", p["contact_id"]]}
                    self.people.create("introduction__c", values)

    def _value(self, object: str, name: str, value: Any, ids: Mapping[tuple[str, str], str]) -> Any:
        if (target := _refers(object, name)) in NATIVE:
            return ids[target, value]
        if (object, name) == ("deal", "status"):
            return _STATUS[value]
        if name == "owner_id":
            return [value]
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float | Decimal):
            return str(value)
        return _ms(value) if isinstance(value, date) else value

    def _tag(self, native: str, id: str, name: str) -> None:
        if self.more.get("tags") == "function":
            self.people.tag(native, id, name)
        else:
            lines = [*self._text(native, id, "crmrules_tags__c").splitlines(), name]
            self.people.edit(native, id, {"crmrules_tags__c": "\n".join(lines)})

    def _annotate(self, native: str, id: str, title: str, body: str) -> None:
        if self.more.get("notes") == "object":
            values = {"name": title, "body__c": body, "account_id__c": id}
            self.people.create("crmrules_note__c", values)
        else:
            self.people.edit(native, id, {"crmrules_strategy__c": f"【{title}】\n{body}"})

    def _text(self, native: str, id: str, field: str) -> str:
        return str(self.people.record(native, id).get(field, ""))


def _native(object: str, name: str) -> str:
    return "name" if name == "name" else _OWN[object].get(name, f"{name}__c")


def _refers(object: str, name: str) -> str:
    known = OBJECTS[object].field(name)
    return known.refers_to if known else ""


def _ms(value: date | datetime) -> int:
    if isinstance(value, datetime):
        return round(value.replace(tzinfo=UTC).timestamp() * 1000)
    return round(datetime(value.year, value.month, value.day, tzinfo=CHINA).timestamp() * 1000)
