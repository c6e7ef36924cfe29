"""Modules and fields of the simulated org, and their metadata as the settings endpoints show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_JSON_TYPES = {
    "integer": "integer",
    "bigint": "string",
    "double": "double",
    "currency": "double",
    "percent": "double",
    "boolean": "boolean",
    "lookup": "jsonobject",
    "ownerlookup": "jsonobject",
    "userlookup": "jsonobject",
    "multiselectpicklist": "jsonarray",
    "multiselectlookup": "jsonarray",
    "subform": "jsonarray",
    "participants": "jsonarray",
    "tags": "jsonarray",
}
_LENGTHS = {
    "text": 255,
    "textarea": 32_000,
    "richtext": 50_000,
    "email": 100,
    "phone": 30,
    "website": 450,
    "picklist": 120,
    "integer": 9,
    "bigint": 18,
    "double": 16,
    "currency": 16,
    "percent": 5,
}
# What the metadata calls two types of ours that the vendor files under others.
_SHOWN_TYPES = {"tags": "text", "participants": "bigint"}
NUMBERS = frozenset({"integer", "bigint", "double", "currency", "percent"})
LOOKUPS = frozenset({"lookup", "ownerlookup", "userlookup"})
LISTS = frozenset({"subform", "participants", "multiselectlookup", "multiselectpicklist", "tags"})


@dataclass(kw_only=True)
class Field:
    """A field; `choices` are pairs of actual and display value."""

    api_name: str
    label: str
    data_type: str
    id: int = 0
    length: int = 0
    mandatory: bool = False
    read_only: bool = False  # the system's own: what is written is ignored
    field_read_only: bool = False  # by the profile: what is written is refused
    visible: bool = True  # by the profile
    custom: bool = False
    unique: bool = False
    choices: list[tuple[str, str]] = field(default_factory=list)
    lookup: str = ""  # api name of the module
    rows: list[Field] = field(default_factory=list)  # columns of a subform

    def __post_init__(self) -> None:
        self.length = self.length or _LENGTHS.get(self.data_type, 0)

    @property
    def json_type(self) -> str:
        return _JSON_TYPES.get(self.data_type, "string")

    def metadata(self, modules: Mapping[str, Module]) -> dict[str, Any]:
        """The field as ``/settings/fields`` shows it; *modules* by API name."""
        values = [
            {
                "display_value": shown,
                "actual_value": actual,
                "reference_value": actual,
                "id": str(self.id * 1000 + n + 1),
                "sequence_number": n + 1,
                "type": "used",
            }
            for n, (actual, shown) in enumerate(self.choices)
        ]
        return {
            "api_name": self.api_name,
            "field_label": self.label,
            "display_label": self.label,
            "data_type": _SHOWN_TYPES.get(self.data_type, self.data_type),
            "json_type": self.json_type,
            "length": self.length,
            "decimal_place": 2 if self.data_type in ("double", "currency", "percent") else None,
            "system_mandatory": self.mandatory,
            "read_only": self.read_only,
            "field_read_only": self.read_only or self.field_read_only,
            "custom_field": self.custom,
            "visible": self.visible,
            "unique": {"casesensitive": "false"} if self.unique else {},
            "pick_list_values": values,
            "lookup": _target(modules[self.lookup]) if self.lookup else {},
            "multiselectlookup": {},
            "subform": {"module": self.api_name} if self.data_type == "subform" else None,
            "formula": {"return_type": "double"} if self.data_type == "formula" else {},
            "id": str(self.id),
        }


def _target(module: Module) -> dict[str, Any]:
    named = {"api_name": module.api_name, "id": str(module.id), "module_name": module.api_name}
    return {"module": named, "display_label": module.label, "api_name": None, "id": None}


@dataclass(kw_only=True)
class Module:
    """A module; `label_field` is what a lookup to it shows as its name."""

    api_name: str
    label: str
    singular: str
    label_field: str
    id: int = 0
    custom: bool = False
    in_bulk: bool = True
    duplicates: tuple[str, ...] = ()  # the system's duplicate check fields
    fields: dict[str, Field] = field(default_factory=dict)

    @property
    def scope(self) -> str:
        """The module's name in a scope."""
        return "custom" if self.custom else self.api_name.replace("_", "").lower()

    def add(self, *fields: Field) -> None:
        """Add *fields* and number them."""
        for one in fields:
            one.id = self.id + len(self.fields) + 1
            self.fields[one.api_name] = one

    def field(self, api_name: str) -> Field | None:
        """The field that the API user may see under this name, or None."""
        found = self.fields.get(api_name)
        return found if found is not None and found.visible else None

    def metadata(self) -> dict[str, Any]:
        """The module as ``/settings/modules`` shows it."""
        return {
            "api_name": self.api_name,
            "module_name": self.api_name,
            "singular_label": self.singular,
            "plural_label": self.label,
            "generated_type": "custom" if self.custom else "default",
            "api_supported": True,
            "viewable": True,
            "creatable": True,
            "editable": True,
            "deletable": True,
            "visible": True,
            "show_as_tab": True,
            "status": "visible",
            "id": str(self.id),
            "profiles": [],
            "modified_time": None,
            "modified_by": None,
        }
