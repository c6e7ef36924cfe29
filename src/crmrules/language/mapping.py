"""A mapping: which native object and field of a CRM stands for which canonical one.

Several native objects may be one of ours (events, calls and tasks are activities), as long as we
do not write to it: a record's id does not say which of them it is.

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
from crmrules.language.document import Node, node_of
from crmrules.language.schema import read_document
from crmrules.model.objects import OBJECTS, CustomField, Field, FieldType
from crmrules.model.text import Text

# Key columns that a CRM may not have, because a default is meant (stores.schema.DEFAULTS).
NUMBER_FORMATS = ("1,234.56", "1.234,56")  # how grouped numbers may be spelled in the CRM
_KEYS_WITH_DEFAULT = frozenset({("activity_contact", "part")})
_WRITTEN = frozenset({"account", "contact", "deal", "deal_contact"})  # these have one source
_DEFAULT = Location("<the connector's default mapping>")


@dataclass(frozen=True, kw_only=True)
class FieldMap:
    """Where one canonical field comes from, and how its native values are read."""

    field: Field
    native: str  # '' where `default` is a constant that the CRM need not say
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

    sources: tuple[ObjectMap, ...]  # in the order of the canonical objects
    timezone: str = "UTC"  # of times that carry no zone
    personal: frozenset[str] = frozenset()  # "contact.email" ... that may be pulled

    @property
    def objects(self) -> Mapping[str, tuple[ObjectMap, ...]]:
        """Every canonical object that is mapped, with its sources."""
        found: dict[str, tuple[ObjectMap, ...]] = {}
        for source in self.sources:
            found[source.object] = (*found.get(source.object, ()), source)
        return found

    @property
    def custom(self) -> tuple[CustomField, ...]:
        """The CRM's own fields that become columns."""
        found = {
            (o.object, f.field.name): CustomField(object=o.object, field=f.field)
            for o in reversed(self.sources)
            for f in o.fields
            if OBJECTS[o.object].field(f.field.name) is None
        }
        return tuple(reversed(found.values()))

    def object(self, name: str) -> ObjectMap | None:
        """Return the first source of the canonical object *name* (the only one of those that are written to)."""
        return next(iter(self.objects.get(name, ())), None)

    def field(self, object: str, name: str) -> FieldMap | None:
        """Return the map of a canonical or custom field, of the first source that has it."""
        return next((f for source in self.objects.get(object, ()) if (f := source.field(name))), None)


def load_mapping(source: Path | Node | None, *, default: Mapping[str, Any] | None = None) -> Mapping_:
    """Load a mapping-v1 file, or the mapping that stands in a profile (a node that has been checked), or only *default*.

    *default* is the connector's own mapping document: its objects are used where the source has none.
    Raises RulesetError with every problem: shape, unknown objects and fields, unmapped keys.
    """
    if isinstance(source, Path):
        source = read_document(source, "mapping-v1").root
    return _Loader(default or {}).load(source or Node({}, _DEFAULT))


class _Loader:
    def __init__(self, default: Mapping[str, Any]) -> None:
        self.default = default
        self.problems: list[Problem] = []

    def load(self, document: Node) -> Mapping_:
        personal = self._personal(document.get("personal"))
        objects: dict[str, tuple[ObjectMap, ...]] = {}
        for given in (document.get("objects"), node_of(self.default.get("objects", {}), _DEFAULT)):
            for name, node in given.items() if given else ():
                assert given is not None
                if name not in OBJECTS:
                    self._complain("unknown-object", f"there is no object '{name}'", given.where(name), name, OBJECTS)
                elif name not in objects:
                    objects[name] = self._sources(name, node, personal)
        timezone = str(document.data.get("timezone", self.default.get("timezone", "UTC")))
        if timezone not in zoneinfo.available_timezones():
            self._complain(
                "unknown-timezone", f"there is no time zone '{timezone}'", document.find(["timezone"]).at,
                timezone, zoneinfo.available_timezones(), "an IANA name such as Asia/Shanghai",
            )  # fmt: skip
        if self.problems:
            raise RulesetError(self.problems)
        ordered = tuple(source for name in OBJECTS for source in objects.get(name, ()))
        return Mapping_(sources=ordered, timezone=timezone, personal=personal)

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

    def _sources(self, name: str, node: Node, personal: frozenset[str]) -> tuple[ObjectMap, ...]:
        given = list(node) or [node]
        sources = tuple(self._object(name, each, personal) for each in given)
        if len(sources) > 1 and name in _WRITTEN:
            self._complain(
                "many-sources", f"{name} is written to, so it has one source", given[1].at,
                hint="map the other objects in a profile of their own",
            )  # fmt: skip
        types: dict[str, FieldType] = {}
        for source in sources:
            for f in source.fields:
                if types.setdefault(f.field.name, f.field.type) is not f.field.type:
                    self._complain(
                        "wrong-type", f"{f.field.name} is {types[f.field.name]} in another source", f.at,
                        expected=f"type: {types[f.field.name]}",
                    )  # fmt: skip
        return sources

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
            if (name, k) not in _KEYS_WITH_DEFAULT and all(m.field.name != k or not m.native for m in maps)
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
    default = said.get("constant", said.get("default"))
    return FieldMap(
        field=known, native=str(said.get("from", "")), format=str(said.get("format", "")), at=at,
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


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
