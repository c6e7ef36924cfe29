"""The records: kept in the form in which they are answered, empty fields absent."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from sortedcontainers import SortedDict

from ..clock import Clock
from .fields import FieldDef, Language, ObjectDef
from .objects import OBJECTS
from .refusals import Refusal, missing
from .switches import Switches

Record = dict[str, Any]


class Store:
    """Every object with its records by `_id`, in the order of the ids."""

    def __init__(self, clock: Clock, switches: Switches, language: Language) -> None:
        self.objects: dict[str, ObjectDef] = dict(OBJECTS)
        self.tables: dict[str, SortedDict] = {name: SortedDict() for name in OBJECTS}
        self.language = language
        self._clock = clock
        self._switches = switches
        self._numbers = itertools.count(1)

    # Objects and fields

    def object(self, name: str) -> ObjectDef:
        """Raises Refusal where there is no such object."""
        found = self.objects.get(name)
        if found is None:
            raise Refusal(32000, f"对象[{name}]不存在")
        return found

    def add_object(self, definition: ObjectDef) -> None:
        self.objects[definition.name] = definition
        self.tables.setdefault(definition.name, SortedDict())

    def add_fields(self, name: str, *fields: FieldDef) -> None:
        self.objects[name] = self.object(name).with_fields(fields)

    def remove_field(self, name: str, field: str) -> None:
        """Take a field away, or hide it from the app: it is neither described nor shown nor taken."""
        there = self.object(name)
        kept = {n: f for n, f in there.fields.items() if n != field}
        self.objects[name] = ObjectDef(name=name, label=there.label, fields=kept)

    # Records

    def record(self, name: str, id: str) -> Record:
        """Raises Refusal where there is no such record."""
        self.object(name)
        found = self.tables[name].get(id)
        if found is None:
            raise Refusal(32000, f"数据[{id}]不存在或已删除")
        return found  # type: ignore[no-any-return]

    def live(self, name: str) -> Iterable[Record]:
        """Records that were not deleted, in the order of their ids."""
        return (r for r in self.tables[name].values() if not r["is_deleted"])

    def insert(self, name: str, values: Mapping[str, Any], by: str, *, id: str = "", system: bool = False) -> str:
        """Make a record and return its `_id`; *system* may also set what is read only. Raises Refusal."""
        there = self.object(name)
        taken = self.taken(there, values, system=system)
        for field in there.fields.values():
            if field.required and taken.get(field.name) is None:
                raise missing(field.name)
        now, number = self.now(), next(self._numbers)
        record: Record = {
            "_id": id or f"{now // 1000:08x}{'a1b2c3d4e5'}{number:06x}",
            "owner": [by], "created_by": [by], "create_time": now, "last_modified_by": [by],
            "last_modified_time": now, "life_status": "normal", "lock_status": "0", "is_deleted": False,
            "record_type": "default__c", "version": "1", **{k: v for k, v in taken.items() if v is not None},
        }  # fmt: skip
        if name == "ActiveRecordObj":
            record.setdefault("name", f"{number:08d}")
        self.tables[name][record["_id"]] = record
        return str(record["_id"])

    def change(self, name: str, id: str, values: Mapping[str, Any], by: str, *, whole: bool = False) -> None:
        """Change fields; *whole* empties every other one that people can fill. Raises Refusal, nothing changed."""
        there, record = self.object(name), self.record(name, id)
        taken = self.taken(there, values)
        if whole:
            kept = {"owner", "record_type", "name"}
            empty = {f.name: None for f in there.fields.values() if not f.read_only and f.name not in kept}
            taken = {**empty, **taken}
        if lacking := [n for n, v in taken.items() if v is None and there.fields[n].required]:
            raise missing(lacking[0])
        for field, value in taken.items():
            if value is not None:
                record[field] = value
            else:
                record.pop(field, None)
        self.touch(record, by)

    def touch(self, record: Record, by: str) -> None:
        """Set who changed the record last, and when."""
        record["last_modified_time"] = self.now()
        record["last_modified_by"] = [by]
        record["version"] = str(int(record["version"]) + 1)

    def taken(self, there: ObjectDef, values: Mapping[str, Any], *, system: bool = False) -> dict[str, Any]:
        """What the object takes of *values*, in stored form. Raises Refusal."""
        result = {}
        for name, value in values.items():
            if name in ("_id", "dataObjectApiName", "object_describe_api_name"):
                continue
            field = there.fields.get(name)
            if field is None:
                if self._switches.unknown_field == "refuse":
                    raise Refusal(32000, f"字段[{name}]不存在")
            elif field.read_only and not system:
                if self._switches.read_only_field == "refuse":
                    raise Refusal(32000, f"字段[{name}]只读")
            elif not (value is None and not self._switches.null_clears and not system):
                result[name] = self._referring(field, field.take(value))
        return result

    def _referring(self, field: FieldDef, value: Any) -> Any:
        if field.target and value is not None and value not in self.tables.get(field.target, {}):
            raise Refusal(32000, f"字段[{field.name}]关联的数据[{value}]不存在")
        return value

    def now(self) -> int:
        """The time in milliseconds, as every date-time is told."""
        return round(self._clock.timestamp() * 1000)

    # Answers

    def shown(self, name: str, record: Record, projection: Iterable[str] | None = None, nulls: bool = False) -> Record:
        """A record as it is answered: asked fields that are filled (or null), and their companions."""
        there = self.object(name)
        asked = [*projection] if projection else list(there.fields)
        if projection and self._switches.id_always:
            asked.insert(0, "_id")
        answer: Record = {}
        for field in dict.fromkeys(asked):
            if field not in there.fields:
                continue
            value = record.get(field)
            if value is None:
                if nulls:
                    answer[field] = None
                continue
            definition = there.fields[field]
            answer[field] = self._links(value) if definition.type == "what_list" else value
            if self._switches.companions or not projection:
                companion = self._companion(definition, value)
                if companion is not None:
                    answer[f"{field}__r"] = companion
        return answer

    def _companion(self, field: FieldDef, value: Any) -> Any:
        if field.type in ("employee", "employee_many"):
            people = [{"id": user, "name": self._user_name(user)} for user in value]
            return people[0] if field.type == "employee" else people
        if field.type == "select_one":
            return field.label_of(value, self.language)
        if field.type == "select_many":
            return ",".join(field.label_of(v, self.language) for v in value)
        if field.target:
            return self.tables[field.target].get(value, {}).get("name")
        return None

    def _links(self, links: list[dict[str, str]]) -> list[dict[str, str]]:
        return [
            {**link, "name": self.tables.get(link["describe_api_name"], {}).get(link["id"], {}).get("name", "")}
            for link in links
        ]

    def _user_name(self, user: str) -> str:
        return next((r["name"] for r in self.tables["PersonnelObj"].values() if r.get("user_id") == user), "")
