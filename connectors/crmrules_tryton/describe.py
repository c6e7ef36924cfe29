"""What the server has: models, their fields, and the columns that we make of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crmrules.contracts.connector import NativeField, NativeObject
from crmrules_tryton.api import Api, Fault
from crmrules_tryton.config import DEFAULT_MAPPING
from crmrules_tryton.objects import SOURCES, source_of
from crmrules_tryton.values import TYPES

_SHOWN_OF = {"currency.currency": "code"}  # of a record that is referred to; of others their name
_NEVER_WRITTEN = frozenset({("sale.opportunity", "state"), ("sale.sale", "state")})  # a button's work, not a write's


@dataclass(frozen=True, kw_only=True)
class ModelField:
    """A field as ``fields_get`` tells it."""

    type: str
    label: str = ""
    writable: bool = True
    required: bool = False
    size: int | None = None
    choices: tuple[str, ...] = ()
    relation: str = ""


class Models:
    """Fields of the models, asked for once per connection."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[str, Mapping[str, ModelField] | None] = {}

    def fields(self, model: str) -> Mapping[str, ModelField] | None:
        """Return the fields of *model* by name, None where its module is not activated."""
        if model not in self._known:
            try:
                said = self._api.call(f"{model}.fields_get", [])
            except Fault as fault:
                if fault.kind:
                    raise
                said = None  # a KeyError over there: no such model
            self._known[model] = None if said is None else {name: _field(model, name, f) for name, f in said.items()}
        return self._known[model]

    def type_of(self, model: str, name: str) -> str:
        """Return Tryton's type of a field, '' for one that is not there."""
        found = (self.fields(model) or {}).get(name)
        return found.type if found else ""

    def describe(self, further: Sequence[str]) -> list[NativeObject]:
        """Return every object that can be mapped.

        Objects whose module is missing are there as well, with the columns of the default mapping:
        they hold no records, and the doctor says why.
        """
        return [self._object(name) for name in (*SOURCES, *(m for m in further if m not in SOURCES))]

    def _object(self, name: str) -> NativeObject:
        source = source_of(name)
        columns = {
            column: NativeField(name=column, type=type, writable=False) for column, type in source.computed.items()
        }
        if not source.own_columns:
            columns = {**dict(_offered(self.fields(source.model) or {})), **columns}
        for column in _usual(name):
            columns.setdefault(column, NativeField(name=column, writable=False))
        return NativeObject(
            name=name,
            fields=tuple(columns[column] for column in sorted(columns)),
            label=source.label,
            within=source.within,
        )


def _offered(fields: Mapping[str, ModelField]) -> Iterator[tuple[str, NativeField]]:
    for name, field in fields.items():
        if field.type not in TYPES:
            continue
        yield (
            name,
            NativeField(
                name=name, type=TYPES[field.type], label=field.label, choices=field.choices, writable=field.writable,
                required=field.required, length=field.size, refers_to=field.relation,
            ),
        )  # fmt: skip
        if field.relation:
            shown = f"{name}.{_SHOWN_OF.get(field.relation, 'rec_name')}"
            yield shown, NativeField(name=shown, label=field.label, writable=False)


def _field(model: str, name: str, said: Mapping[str, Any]) -> ModelField:
    selection = said.get("selection")
    choices = [value for value, _ in selection if value] if isinstance(selection, list) else []
    return ModelField(
        type=str(said["type"]), label=str(said.get("string", "")), required=bool(said.get("required")),
        writable=not said.get("readonly") and name != "id" and (model, name) not in _NEVER_WRITTEN,
        size=said.get("size") if isinstance(said.get("size"), int) else None, choices=tuple(map(str, choices)),
        relation=str(said.get("relation") or "") if said["type"] == "many2one" else "",
    )  # fmt: skip


def _usual(object: str) -> list[str]:
    """Return the columns that the default mapping reads of *object*."""
    for said in DEFAULT_MAPPING["objects"].values():
        if said["from"] == object:
            natives = (entry.get("from", "") if isinstance(entry, dict) else entry for entry in said["fields"].values())
            return [native for native in natives if native]
    return []
