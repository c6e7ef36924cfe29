"""A mapping: which native object and field of a CRM stands for which canonical one.

Fields with personal data (e-mail, phone) are dropped here unless the mapping's ``personal``
names them, so nothing later can pull them by accident.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmrules.errors import NOWHERE, Location, Problem, RulesetError, did_you_mean
from crmrules.language.document import Node
from crmrules.language.schema import read_document
from crmrules.model.objects import OBJECTS, CustomField, Field, FieldType
from crmrules.model.text import Text

# Key columns that a CRM may not have, because a default is meant (stores.schema.DEFAULTS).
NUMBER_FORMATS = ("1,234.56", "1.234,56")  # how grouped numbers may be spelled in the CRM
_KEYS_WITH_DEFAULT = frozenset({("activity_contact", "part")})


@dataclass(frozen=True, kw_only=True)
class FieldMap:
    """Where one canonical field comes from, and how its native values are read."""

    field: Field
    native: str
    values: Mapping[str, str | None] = dataclasses.field(
        default_factory=dict
    )  # native -> canonical; others stay as they are
    format: str = ""  # strptime pattern of dates; 1,234.56 or 1.234,56 of numbers; separator of a list
    default: str | None = None  # where the native value is blank
    at: Location = NOWHERE

    def to_canonical(self, native: str | None) -> str | None:
        """Return the canonical text of a native one; blank is None."""
        if native is None or not native.strip():
            return None
        return self.values.get(native, native)

    def to_native(self, canonical: str | None) -> str | None:
        """Return the native text of a canonical one: the first native value that is read as it."""
        return next((n for n, c in self.values.items() if c == canonical), canonical)


@dataclass(frozen=True, kw_only=True)
class ObjectMap:
    """Where one canonical object comes from."""

    object: str
    native: str
    fields: tuple[FieldMap, ...]
    at: Location = NOWHERE

    def field(self, name: str) -> FieldMap | None:
        """Return the map of the canonical or custom field *name*, None where it is not mapped."""
        return next((f for f in self.fields if f.field.name == name), None)

    @property
    def digest(self) -> str:
        """Hash of everything that changes what is read; another digest means reading all again."""
        said = [
            (f.field.name, f.field.type, f.native, dict(f.values), f.format, f.default)
            for f in sorted(self.fields, key=lambda f: f.field.name)
        ]
        return hashlib.sha256(json.dumps([self.native, said], ensure_ascii=False).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Mapping_:  # noqa: N801  (`Mapping` is Python's)
    """All objects of one CRM in canonical words."""

    objects: Mapping[str, ObjectMap]  # canonical name -> its map
    timezone: str = "UTC"  # of times that carry no zone
    personal: frozenset[str] = frozenset()  # "contact.email" ... that may be pulled

    @property
    def custom(self) -> tuple[CustomField, ...]:
        """The CRM's own fields that become columns."""
        return tuple(
            CustomField(object=o.object, field=f.field)
            for o in self.objects.values()
            for f in o.fields
            if OBJECTS[o.object].field(f.field.name) is None
        )

    def canonical_object(self, native: str) -> str | None:
        """Return the canonical name of a native object."""
        return next((o.object for o in self.objects.values() if o.native == native), None)


def load_mapping(source: Path | Node | None, *, default: Mapping[str, Any] | None = None) -> Mapping_:
    """Load a mapping-v1 file, or the mapping that stands in a profile (a node that has been checked), or only *default*.

    *default* is the connector's own mapping document: its objects are used where the source has none.
    Raises RulesetError with every problem: shape, unknown objects and fields, unmapped keys.
    """
    if isinstance(source, Path):
        source = read_document(source, "mapping-v1").root
    return _Loader(default or {}).load(source or Node({}, Location("<the connector's default mapping>")))


class _Loader:
    def __init__(self, default: Mapping[str, Any]) -> None:
        self.default = default
        self.problems: list[Problem] = []

    def load(self, document: Node) -> Mapping_:
        personal = self._personal(document.get("personal"))
        objects: dict[str, ObjectMap] = {}
        given = document.get("objects")
        for name, node in given.items() if given else ():
            assert given is not None
            if name not in OBJECTS:
                self._complain("unknown-object", f"there is no object '{name}'", given.where(name), name, OBJECTS)
            else:
                objects[name] = self._object(name, node, personal)
        for name, said in self.default.get("objects", {}).items():
            if name not in objects:
                objects[name] = _from_default(name, said, personal)
        timezone = str(document.data.get("timezone", self.default.get("timezone", "UTC")))
        if timezone not in zoneinfo.available_timezones():
            self._complain(
                "unknown-timezone", f"there is no time zone '{timezone}'", document.find(["timezone"]).at,
                timezone, zoneinfo.available_timezones(), "an IANA name such as Asia/Shanghai",
            )  # fmt: skip
        if self.problems:
            raise RulesetError(self.problems)
        ordered = {name: objects[name] for name in OBJECTS if name in objects}
        return Mapping_(objects=ordered, timezone=timezone, personal=personal)

    def _personal(self, node: Node | None) -> frozenset[str]:
        possible = {f"{o.name}.{f.name}" for o in OBJECTS.values() for f in o.fields if f.personal}
        wanted = set()
        for entry in node or ():
            if str(entry.value) in possible:
                wanted.add(str(entry.value))
            else:
                message = f"'{entry.value}' is no personal field"
                self._complain(
                    "unknown-field", message, entry.at, str(entry.value), possible, ", ".join(sorted(possible))
                )
        return frozenset(wanted)

    def _object(self, name: str, node: Node, personal: frozenset[str]) -> ObjectMap:
        native = node.get("from")
        fields = node.get("fields")
        custom = node.get("custom")
        maps = []
        for column, entry in fields.items() if fields else ():
            assert fields is not None
            known = OBJECTS[name].field(column)
            if known is None:
                self._complain(
                    "unknown-field", f"{name} has no field '{column}'", fields.where(column), column,
                    [f.name for f in OBJECTS[name].fields], hint="a CRM's own field goes under `custom`",
                )  # fmt: skip
            elif not known.personal or f"{name}.{column}" in personal:
                maps.append(self._field(known, entry))
        for column, entry in custom.items() if custom else ():
            assert custom is not None
            if OBJECTS[name].field(column) is not None:
                self._complain(
                    "not-custom", f"'{column}' is a field of {name} already", custom.where(column),
                    hint="move it under `fields`, or give it another name",
                )  # fmt: skip
            else:
                maps.append(self._field(_custom_field(column, entry), entry))
        missing = [
            k for k in OBJECTS[name].key
            if (name, k) not in _KEYS_WITH_DEFAULT and all(m.field.name != k for m in maps)
        ]  # fmt: skip
        if missing:
            self._complain(
                "missing-key", f"{name} is mapped without its key", node.at, expected=f"fields: {', '.join(missing)}"
            )
        return ObjectMap(object=name, native=str(native.value) if native else name, fields=tuple(maps), at=node.at)

    def _field(self, known: Field, node: Node) -> FieldMap:
        said = node.data if isinstance(node.value, dict) else {"from": node.data}
        result = _said(known, said, node.at)
        if said.get("type", known.type) != known.type:
            self._complain(
                "wrong-type", f"{known.name} is {known.type}, not {said['type']}", node.find(["type"]).at,
                expected=f"type: {known.type}, or no type at all",
            )  # fmt: skip
        if result.format and known.type.is_numeric and result.format not in NUMBER_FORMATS:
            self._complain(
                "unknown-format", f"a number can't be read as '{result.format}'", node.find(["format"]).at,
                expected=" or ".join(NUMBER_FORMATS),
            )  # fmt: skip
        return result

    def _complain(
        self, code: str, message: str, at: Location, given: str = "", known: Sequence[str] | Any = (),
        expected: str = "", hint: str = "",
    ) -> None:  # fmt: skip
        self.problems.append(
            Problem(code, message, at, expected, " ".join(filter(None, (did_you_mean(given, known), hint))))
        )


def _said(known: Field, said: Mapping[str, Any], at: Location) -> FieldMap:
    default = said.get("default")
    return FieldMap(
        field=known, native=str(said.get("from", known.name)), format=str(said.get("format", "")), at=at,
        values={n: None if c is None else _text(c) for n, c in said.get("values", {}).items()},
        default=None if default is None else _text(default),
    )  # fmt: skip


def _custom_field(name: str, node: Node) -> Field:
    said = node.data if isinstance(node.value, dict) else {}
    label = said.get("label", {})
    return Field(
        name=name, type=FieldType(said.get("type", "text")), unit=str(said.get("unit", "")),
        label=Text({"en": label, "zh": label} if isinstance(label, str) else dict(label)),
    )  # fmt: skip


def _from_default(name: str, said: Mapping[str, Any], personal: frozenset[str]) -> ObjectMap:
    known = {f.name: f for f in OBJECTS[name].fields}
    at = Location("<the connector's default mapping>")
    entries = {c: e if isinstance(e, dict) else {"from": e} for c, e in said["fields"].items()}
    return ObjectMap(
        object=name, native=said["from"], at=at,
        fields=tuple(
            _said(known[c], e, at) for c, e in entries.items() if not known[c].personal or f"{name}.{c}" in personal
        ),
    )  # fmt: skip


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
