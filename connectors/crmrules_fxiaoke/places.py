"""What stands at the places that are written: read for many, and judged in one record as it is this moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from crmrules.contracts.connector import NativeWrite
from crmrules.model.changes import tag_value
from crmrules_fxiaoke import sections
from crmrules_fxiaoke.config import Settings
from crmrules_fxiaoke.describe import ID
from crmrules_fxiaoke.notes import NoteRecords, Place
from crmrules_fxiaoke.reader import Record, Records, filter_, is_live
from crmrules_fxiaoke.tags import TagFunction, names_in, value_of, with_tag
from crmrules_fxiaoke.values import Unfit, native_of, text_of

Key = tuple[str, str]  # object and `_id`


@dataclass
class Places:
    """The places of one tenant."""

    records: Records
    settings: Settings
    function: TagFunction
    notes: NoteRecords
    zone: ZoneInfo
    _ids: dict[tuple[str, tuple[tuple[str, str], ...]], str] = field(default_factory=dict)

    def in_record(self, write: NativeWrite) -> bool:
        """Whether the place is a field of the record itself."""
        if write.kind == "tag":
            return self.settings.tags == "field"
        return write.kind == "field" or self.settings.notes == "field"

    def id_of(self, write: NativeWrite) -> str:
        """Return the `_id` of the record; '' where no record with that key is known (see :meth:`look_up`)."""
        key = tuple(write.record_id.items())
        if len(key) == 1 and key[0][0] == ID:
            return key[0][1]
        return self._ids.get((write.object, key), "")

    def look_up(self, writes: Sequence[NativeWrite]) -> None:
        """Learn the ids of records that are named by other fields (a deal and a contact), many in one query."""
        lacking = [w for w in writes if tuple(w.record_id) != (ID,) and not self.id_of(w)]
        for object, names in dict.fromkeys((w.object, tuple(w.record_id)) for w in lacking):
            mine = [w.record_id for w in lacking if (w.object, tuple(w.record_id)) == (object, names)]
            filters = [filter_(name, "IN", *sorted({key[name] for key in mine})) for name in names]
            for rows, _, _ in self.records.walk(object, names, filters=filters):
                for row in rows:
                    if is_live(row):
                        key = tuple((name, str(row.get(name))) for name in names)
                        self._ids.setdefault((object, key), str(row[ID]))

    def fields_of(self, write: NativeWrite) -> str:
        """Return the field of the record in which the place is."""
        return {"tag": self.settings.tag_field, "note": self.settings.note_field}.get(write.kind, write.name)

    def current(self, wanted: Sequence[NativeWrite]) -> list[str | None]:
        """Return what stands at these places now, in the same order."""
        self.look_up(wanted)
        records = self._records([w for w in wanted if self.in_record(w)])
        tags = self._tags([w for w in wanted if w.kind == "tag" and not self.in_record(w)])
        notes = self.notes.find([self.note_place(w) for w in wanted if w.kind == "note" and not self.in_record(w)])
        found: list[str | None] = []
        for w in wanted:
            if self.in_record(w):
                record = records.get((w.object, self.id_of(w)))
                found.append(None if record is None else self.standing(w, record))
            elif w.kind == "tag":
                found.append(tag_value(w.name, tags.get((w.object, self.id_of(w)), ())))
            else:
                note = notes.get(self.note_place(w))
                found.append(note.body if note else None)
        return found

    def note_place(self, write: NativeWrite) -> Place:
        """Return where a note hangs, as a heading can hold its title."""
        return write.object, self.id_of(write), sections.as_title(write.name)

    def standing(self, write: NativeWrite, record: Record) -> str | None:
        """Return what stands at a place of *record*."""
        name = self.fields_of(write)
        info, value = self.records.metadata.info(write.object, name), record.get(name)
        if write.kind == "tag":
            return tag_value(write.name, names_in(info, value))
        if write.kind == "note":
            return sections.body_of(sections.parse(None if value is None else str(value)), write.name)
        return text_of(info.kind if info else "text", value, self.zone)

    def changed(self, write: NativeWrite, record: Record) -> Any:
        """Return the native value that the field of the place gets, so that *write* is done to *record*.

        Raises Unfit where the field can't hold it, is read only or is not there.
        """
        name = self.fields_of(write)
        info = self.records.metadata.fields(write.object).get(name)
        if info is None:
            raise Unfit(f"{write.object} has no field '{name}'")
        if not info.writable:
            raise Unfit(f"'{name}' of {write.object} is read only")
        value: Any
        if write.kind == "tag":
            value = value_of(info, with_tag(names_in(info, record.get(name)), write.name, write.value))
        elif write.kind == "note":
            old = record.get(name)
            value = sections.replaced(None if old is None else str(old), write.name, write.value)
        else:
            value = native_of(info.kind, write.value, self.zone, self.settings.empty)
        if value in (None, "", []):
            if info.required:
                raise Unfit(f"'{name}' of {write.object} must not be empty")
            return native_of(info.kind, None, self.zone, self.settings.empty)
        if isinstance(value, str) and info.length and len(value) > info.length:
            raise Unfit(f"'{name}' holds {info.length} characters, this needs {len(value)}")
        for choice in value if isinstance(value, list) else [value]:
            if info.kind.startswith("select") and info.labels and choice not in info.labels:
                raise Unfit(f"'{name}' has no option '{choice}'")
        return value

    def tag_writes(self, writes: Iterable[NativeWrite], names: Sequence[str]) -> list[str]:
        """Return a record's tags *names* once *writes* are done to them."""
        result = list(names)
        for write in writes:
            result = with_tag(result, write.name, write.value)
        return result

    def _records(self, wanted: Sequence[NativeWrite]) -> Mapping[Key, Record]:
        found: dict[Key, Record] = {}
        for object in dict.fromkeys(w.object for w in wanted):
            mine = [w for w in wanted if w.object == object]
            ids = [id for w in mine if (id := self.id_of(w))]
            fields = list(dict.fromkeys(self.fields_of(w) for w in mine))
            found.update({(object, id): r for id, r in self.records.by_id(object, ids, fields).items()})
        return found

    def _tags(self, wanted: Sequence[NativeWrite]) -> Mapping[Key, list[str]]:
        found: dict[Key, list[str]] = {}
        for object in dict.fromkeys(w.object for w in wanted):
            ids = [id for w in wanted if w.object == object and (id := self.id_of(w))]
            found.update({(object, id): names for id, names in self.function.read(object, ids).items()})
        return found
