"""What the tenant has: objects and fields as the CRM describes them, and those that we add to read them by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crmrules.contracts.connector import NativeField, NativeObject
from crmrules.model.objects import FieldType
from crmrules_fxiaoke import paths
from crmrules_fxiaoke.api import Api, Refused
from crmrules_fxiaoke.config import DEFAULT_MAPPING, Settings
from crmrules_fxiaoke.values import TYPES

ID, MODIFIED, STATUS, DELETED, LINKS = "_id", "last_modified_time", "life_status", "is_deleted", "related_object_data"
TAGS, NOTES, PEOPLE_OF = "Tags", "Notes", "ActivityContacts"
TAG_COLUMNS = ("object", "record_id", "name")
NOTE_COLUMNS = ("id", "object", "record_id", "title", "body", "author", MODIFIED)
PEOPLE_COLUMNS = ("activity_id", "contact_id")

_SYSTEM = {
    ID: "text", "name": "text", "owner": "employee", "create_time": "date_time", MODIFIED: "date_time",
    "created_by": "employee",
}  # fmt: skip
_USUAL = (
    "AccountObj", "ContactObj", "LeadsObj", "NewOpportunityObj", "OpportunityObj", "NewOpportunityLinesObj",
    "NewOpportunityContactsObj", "NewOpportunityContactRelationshipObj", "ProductObj", "SalesOrderObj",
    "SalesOrderProductObj", "InvoiceApplicationObj", "PaymentObj", "SaleContractObj", "ActiveRecordObj", "ScheduleObj",
    "CheckinsObj", "ServiceRecordObj", "CasesObj", "QuoteObj", "PersonnelObj",
)  # fmt: skip
_READ_ONLY = frozenset({"auto_number", "formula", "count", "quote", "rollup", "what_list", "record_type"})
_NOT_READ = frozenset({"image", "file_attachment", "big_file_attachment", "signature", "group", "embedded_object_list",
                       "embedded_object", "what"})  # fmt: skip
_WITH_NAME = frozenset({"select_one", "select_many", "employee", "department", "object_reference", "master_detail"})
LINKED = ("AccountObj", "ContactObj", "NewOpportunityObj")
_LINK_FIELDS = {"AccountObj": "account_id", "NewOpportunityObj": "new_opportunity_id", "ContactObj": "contact_id"}


@dataclass(frozen=True, kw_only=True)
class FieldInfo:
    """A field as the CRM has it. ``kind`` is its native type; ``labels`` maps option values to labels."""

    name: str
    kind: str
    label: str = ""
    labels: Mapping[str, str]
    writable: bool = True
    required: bool = False
    length: int | None = None
    target: str = ""


class Metadata:
    """The objects and fields of the tenant, asked for when needed and remembered."""

    def __init__(self, api: Api, settings: Settings) -> None:
        self._api = api
        self._settings = settings
        self._listed: dict[str, str] | None = None
        self._fields: dict[str, dict[str, FieldInfo]] = {}

    @property
    def listed(self) -> Mapping[str, str]:
        """Api name -> label of every active object that we may see."""
        if self._listed is None:
            said = self._api.read(paths.LIST, {}).get("data") or {}
            self._listed = {
                str(o["describeApiName"]): str(o.get("describeDisplayName") or "")
                for o in said.get("objects") or ()
                if isinstance(o, dict) and o.get("describeApiName") and o.get("isActive", True)
            }
        return self._listed

    def fields(self, object: str) -> Mapping[str, FieldInfo]:
        """Return the fields of *object* that the tenant has; none where it has no such object. Raises Refused."""
        if object not in self._fields:
            if object not in self.listed:
                return {}
            said = self._api.read(paths.DESCRIBE, {"includeDetail": True, "data": {"apiName": object}})
            described = ((said.get("data") or {}).get("describe") or {}).get("fields") or {}
            found = {
                name: _field(name, f)
                for name, f in described.items()
                if isinstance(f, dict) and f.get("is_active", True)
            }
            for name, kind in _SYSTEM.items():
                found.setdefault(name, FieldInfo(name=name, kind=kind, labels={}, writable=False))
            self._fields[object] = found
        return self._fields[object]

    def info(self, object: str, name: str) -> FieldInfo | None:
        """Return the field *name*; of a companion, how it is read."""
        there = self.fields(object)
        if name in there:
            return there[name]
        base, _, linked = name.partition(".")
        if linked and base == LINKS and LINKS in there:
            return FieldInfo(name=name, kind="text", labels={}, writable=False)
        if name.endswith("__r") and name[:-3] in there and there[name[:-3]].kind in _WITH_NAME:
            kind = "select_many" if there[name[:-3]].kind == "select_many" else "text"
            return FieldInfo(name=name, kind=kind, labels={}, writable=False)
        return None

    def describe(self) -> list[NativeObject]:
        """Return what can be read: usual and own objects, and what comes along with them."""
        promised = _promised()
        wanted = dict.fromkeys(
            (*promised, *_USUAL, *self._settings.objects, *(o for o in self.listed if o.endswith("__c")))
        )
        found = [
            self._object(name, promised.get(name, ())) for name in wanted if name in self.listed or name in promised
        ]
        return [*found, *self._along(found)]

    def missing(self) -> list[tuple[str, str]]:
        """Return (object, field) of the default mapping that this tenant does not have; field '' for the object."""
        result = []
        for object, names in _promised().items():
            if object not in self.listed:
                result.append((object, ""))
            else:
                result += [(object, n) for n in names if self._readable(object, n) is None]
        return result

    def _readable(self, object: str, name: str) -> FieldInfo | None:
        try:
            return self.info(object, name)
        except Refused:
            return None

    def _object(self, name: str, promised: tuple[str, ...]) -> NativeObject:
        try:
            there = self.fields(name)
        except Refused as refused:
            if refused.code not in (15002, 15003, 32000):
                raise
            there = {}  # listed, but not for us
        fields = {f.name: _native(f) for f in there.values() if f.kind not in _NOT_READ and f.name != LINKS}
        for f in there.values():
            if f.kind in _WITH_NAME:
                fields[f"{f.name}__r"] = NativeField(
                    name=f"{f.name}__r", type=FieldType.list if f.kind == "select_many" else FieldType.text,
                    label=f.label, choices=tuple(f.labels.values()), writable=False,
                )  # fmt: skip
        if LINKS in there:
            for target in LINKED:
                linked = f"{LINKS}.{target}"
                fields[linked] = NativeField(name=linked, type=FieldType.text, writable=False, refers_to=target)
        for absent in promised:
            fields.setdefault(absent, NativeField(name=absent, writable=False, label="(not there)"))
        return NativeObject(name=name, label=self.listed.get(name, ""), fields=tuple(fields.values()))

    def _along(self, found: list[NativeObject]) -> list[NativeObject]:
        settings, names = self._settings, [o.name for o in found]
        tagged = tuple(n for n in names if n in LINKED) if settings.tags != "none" else ()
        meetings = tuple(n for n in names if LINKS in self._fields.get(n, {}))
        return [
            NativeObject(name=TAGS, fields=_columns(TAG_COLUMNS), within=tagged),
            NativeObject(name=NOTES, fields=_columns(NOTE_COLUMNS)),
            NativeObject(name=PEOPLE_OF, fields=_columns(PEOPLE_COLUMNS), within=meetings),
        ]


def link(record: Mapping[str, Any], target: str) -> str | None:
    """Return the id of the (first) record of *target* that *record* is about: its own reference, or a link."""
    own = record.get(_LINK_FIELDS.get(target, ""))
    return str(own) if own else next(iter(links(record, target)), None)


def links(record: Mapping[str, Any], target: str) -> list[str]:
    """Return the ids of the records of *target* that *record* is linked to, each once."""
    found = record.get(LINKS)
    said = found if isinstance(found, list) else []
    return list(
        dict.fromkeys(
            str(x["id"]) for x in said if isinstance(x, dict) and x.get("describe_api_name") == target and x.get("id")
        )
    )


def link_fields(fields: Mapping[str, FieldInfo]) -> tuple[str, ...]:
    """Return the fields that say what a record is about."""
    return tuple(f for f in (LINKS, *_LINK_FIELDS.values()) if f in fields)


def _promised() -> dict[str, tuple[str, ...]]:
    """Return object -> fields that the default mapping names."""
    found: dict[str, dict[str, None]] = {}
    for sources in DEFAULT_MAPPING["objects"].values():
        for source in sources if isinstance(sources, list) else [sources]:
            names = found.setdefault(source["from"], {})
            for field in source["fields"].values():
                native = field if isinstance(field, str) else field.get("from")
                if native:
                    names[native] = None
    return {o: tuple(names) for o, names in found.items() if o not in (TAGS, NOTES, PEOPLE_OF)}


def _field(name: str, said: Mapping[str, Any]) -> FieldInfo:
    kind = str(said.get("type") or "text")
    options = said.get("options") or ()
    length = said.get("max_length")
    return FieldInfo(
        name=name, kind=kind, label=str(said.get("label") or ""),
        labels={str(o["value"]): str(o.get("label") or o["value"]) for o in options if isinstance(o, dict) and "value" in o},
        writable=not (said.get("is_readonly") or kind in _READ_ONLY or name == ID),
        required=bool(said.get("is_required")), length=length if isinstance(length, int) and length > 0 else None,
        target=str(said.get("target_api_name") or ""),
    )  # fmt: skip


def _native(field: FieldInfo) -> NativeField:
    return NativeField(
        name=field.name, type=TYPES.get(field.kind, FieldType.text), label=field.label, choices=tuple(field.labels),
        writable=field.writable, required=field.required, custom=field.name.endswith("__c"), length=field.length,
        refers_to=field.target,
    )  # fmt: skip


def _columns(names: tuple[str, ...]) -> tuple[NativeField, ...]:
    return tuple(
        NativeField(name=n, type=FieldType.timestamp if n == MODIFIED else FieldType.text, writable=False)
        for n in names
    )
