"""What a module is to us: its fields, and which of them mean something special."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from crmrules.contracts.connector import NativeField, NativeObject
from crmrules.model.objects import FieldType

ID = "id"
MODIFIED = "Modified_Time"
TAG = "Tag"
SE_MODULE = "$se_module"  # names the module of the record in What_Id
PARTICIPANTS = "Participants"

# Objects of ours that are no modules.
USERS, NOTES = "Users", "Notes"
TAGS, ROLES, PEOPLE = "Tags", "Contact_Roles", "Participants"

# Columns that we make: what Zoho says with two fields, or nowhere in the record.
CURRENCY, DEAL, ACCOUNT, DIRECTION = "$currency", "$deal", "$account", "$direction"
STATUS, CLOSED_ON = "$status", "$closed_on"

ACTIVITIES = ("Events", "Calls", "Tasks")

TAG_FIELDS = ("object", "record_id", "name")
PEOPLE_FIELDS = ("Activity", "Contact")
OF_ACTIVITY = "Activity."  # before a field of the activity that somebody took part in
NOTE_FIELDS = ("id", "object", "record_id", "title", "body", "author", MODIFIED)
USER_FIELDS = ("id", "full_name", "email", "status")

_TYPES: Mapping[str, FieldType] = {
    "integer": FieldType.integer, "bigint": FieldType.integer, "double": FieldType.number, "percent": FieldType.number,
    "currency": FieldType.money, "boolean": FieldType.boolean, "date": FieldType.date, "datetime": FieldType.timestamp,
    "multiselectpicklist": FieldType.list, "multiselectlookup": FieldType.list, "multiuserlookup": FieldType.list,
}  # fmt: skip
_COMPUTED = frozenset({"formula", "rollup_summary", "autonumber", "fileupload", "imageupload", "profileimage"})
_NOT_IN_QUERIES = frozenset(
    {"subform", "multiselectlookup", "multiuserlookup", "multiselectpicklist", "textarea", "richtext", "formula",
     "rollup_summary", "fileupload", "imageupload", "profileimage", "event_reminder", "RRULE", "ALARM"}
)  # fmt: skip


@dataclass(frozen=True)
class Module:
    """A module by the metadata that Zoho gives (only the keys that we use are kept)."""

    api_name: str
    label: str
    said: tuple[Mapping[str, Any], ...]  # fields
    in_bulk: bool = True

    @cached_property
    def fields(self) -> Mapping[str, NativeField]:
        """The fields that can be read, by API name; ``id`` among them."""
        found = {ID: NativeField(name=ID, type=FieldType.text, label="Id", writable=False)}
        for one in self.said:
            name = str(one["api_name"])
            if one["data_type"] == "subform" or name.startswith("$") or name in (TAG, PARTICIPANTS, ID):
                continue
            found[name] = _field(one)
        return found

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(str(one["api_name"]) for one in self.said)

    @cached_property
    def data_types(self) -> Mapping[str, str]:
        return {str(one["api_name"]): str(one["data_type"]) for one in self.said}

    @property
    def has_tags(self) -> bool:
        return TAG in self.names

    @property
    def has_modified(self) -> bool:
        return MODIFIED in self.names

    @property
    def has_people(self) -> bool:
        return "Who_Id" in self.names or PARTICIPANTS in self.names

    def in_queries(self, name: str) -> bool:
        """Whether COQL is documented to select the field."""
        return name == ID or (name in self.fields and self.data_types[name] not in _NOT_IN_QUERIES)

    @property
    def virtual(self) -> tuple[NativeField, ...]:
        """The columns that we make."""
        found = []
        if any(kind == "currency" for kind in self.data_types.values()):
            found.append(_made(CURRENCY, "Currency, or the org's"))
        if "What_Id" in self.names:
            found.append(_made(DEAL, "Deal that it is about", "Deals"))
            found.append(_made(ACCOUNT, "Account that it is about, or of its deal", "Accounts"))
        if "Call_Type" in self.names:
            found.append(_made(DIRECTION, "in, out, both (an outgoing call that was answered) or missed"))
        if {"Stage", "Closing_Date"} <= self.names:
            found.append(_made(STATUS, "open, won or lost, by the stage's name"))
            found.append(_made(CLOSED_ON, "Closing date of a deal that is won or lost", type=FieldType.date))
        return tuple(found)

    def described(self) -> NativeObject:
        return NativeObject(name=self.api_name, label=self.label, fields=(*self.fields.values(), *self.virtual))


def kept(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a field's metadata that we use."""
    lookup = said.get("lookup") if isinstance(said.get("lookup"), dict) else {}
    module = (lookup or {}).get("module")
    formula = said.get("formula")
    return {
        "api_name": str(said["api_name"]),
        "label": str(said.get("field_label") or ""),
        "data_type": str(said.get("data_type") or "text"),
        "length": said.get("length") or None,
        "read_only": bool(said.get("read_only") or said.get("field_read_only")),
        "required": bool(said.get("system_mandatory")),
        "custom": bool(said.get("custom_field")),
        "choices": [
            str(v["actual_value"]) for v in said.get("pick_list_values") or () if v.get("actual_value") is not None
        ],
        "refers_to": str(module.get("api_name") or "") if isinstance(module, dict) else str(module or ""),
        "returns": str(formula.get("return_type") or "") if isinstance(formula, dict) else "",
    }  # fmt: skip


def _field(said: Mapping[str, Any]) -> NativeField:
    kind = str(said["data_type"])
    people = kind in ("ownerlookup", "userlookup")
    shape = said["returns"] if kind == "formula" else kind
    type = FieldType.number if kind == "rollup_summary" else _TYPES.get(shape, FieldType.text)
    return NativeField(
        name=str(said["api_name"]), type=type, label=str(said["label"]), choices=tuple(said["choices"]),
        writable=not said["read_only"] and kind not in _COMPUTED, required=bool(said["required"]),
        custom=bool(said["custom"]),
        length=int(said["length"]) if said["length"] and type is FieldType.text and not said["refers_to"] else None,
        refers_to=USERS if people else str(said["refers_to"]) if kind == "lookup" else "",
    )  # fmt: skip


def _made(name: str, label: str, refers_to: str = "", type: FieldType = FieldType.text) -> NativeField:
    return NativeField(name=name, type=type, label=label, writable=False, refers_to=refers_to)


def _texts(*names: str, **refers: str) -> tuple[NativeField, ...]:
    return tuple(
        NativeField(
            name=name, type=FieldType.timestamp if name == MODIFIED else FieldType.text, writable=False,
            refers_to=refers.get(name, ""),
        )
        for name in names
    )  # fmt: skip


def own_objects(modules: Mapping[str, Module]) -> list[NativeObject]:
    """Return the objects that are no modules, as far as the modules that they hang on exist."""
    tagged = tuple(name for name, module in modules.items() if module.has_tags)
    people = tuple(name for name in ACTIVITIES if name in modules and modules[name].has_people)
    roles = NativeField(name="Contact_Role", type=FieldType.text, label="Contact Role")
    found = [
        NativeObject(name=NOTES, label="Notes", fields=_texts(*NOTE_FIELDS)),
        NativeObject(name=USERS, label="Users", fields=_texts(*USER_FIELDS)),
    ]
    if tagged:
        found.append(NativeObject(name=TAGS, label="Tags", fields=_texts(*TAG_FIELDS), within=tagged))
    if people:
        said = (one for name in people for one in modules[name].said if one["custom"] or one["choices"])
        more = dict.fromkeys(f"{OF_ACTIVITY}{one['api_name']}" for one in said)
        fields = _texts(*PEOPLE_FIELDS, *more, Contact="Contacts")
        found.append(NativeObject(name=PEOPLE, label="Participants", fields=fields, within=people))
    if "Deals" in modules and "Contacts" in modules:
        fields = (*_texts("Deal", "Contact", Deal="Deals", Contact="Contacts"), roles)
        found.append(NativeObject(name=ROLES, label="Contact roles", fields=fields, within=("Deals",)))
    return found
