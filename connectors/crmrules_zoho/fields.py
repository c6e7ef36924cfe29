"""Fields of records: read a hundred records a call, written a hundred a call under one lock.

The lock is the header ``If-Unmodified-Since``, which a call has once: it is set to the newest
modified time that was read of the records in the call. Whatever is saved after we read them has a
later time (or the same second, which is the hole that Zoho's grain leaves), so one header guards
all of them without any clock but Zoho's. A record that is refused for it is read again: where
only another field changed, it is written again under its new time; else it is stale.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmrules.contracts.connector import NativeReceipt, NativeWrite
from crmrules.errors import CrmrulesError
from crmrules.model.changes import Result
from crmrules_zoho.api import Refused, Zoho, words_of
from crmrules_zoho.codes import meaning_of
from crmrules_zoho.describe import Metadata
from crmrules_zoho.modules import ID, MODIFIED, TAG
from crmrules_zoho.notes import receipt_of
from crmrules_zoho.values import Value, header_time, instant, json_of_text, names_of, row_value, text_of
from crmrules_zoho.wanted import FIELDS

BATCH = 100  # records of a call
_ROUNDS = 3  # times that a record is written again because somebody changed another field of it

Key = tuple[str, str]  # module, record
Row = dict[str, Any]


@dataclass
class Records:
    """Records as they stand, and how their fields are written."""

    zoho: Zoho
    metadata: Metadata
    _rows: dict[Key, Row | None] = field(default_factory=dict)  # as read last; None: there is no such record

    def look(self, module: str, ids: Iterable[str], names: Iterable[str]) -> None:
        """Read records by their ids; what was asked for is remembered until :meth:`forget`."""
        wanted = list(dict.fromkeys(ids))
        blank = dict.fromkeys(names)  # what Zoho leaves out is empty, or no field at all
        there = self.metadata.module(module).names
        columns = [MODIFIED, *sorted((blank.keys() & there) - {MODIFIED, ID})]
        groups = [columns[start : start + FIELDS - 1] for start in range(0, len(columns), FIELDS - 1)]
        for start in range(0, len(wanted), BATCH):
            part = wanted[start : start + BATCH]
            found: dict[str, Row] = {}
            for group in groups:
                fields = group if MODIFIED in group else [MODIFIED, *group]
                params = {"ids": ",".join(part), "fields": ",".join(fields), "per_page": str(2 * BATCH)}
                if module == "Leads":
                    params["converted"] = "both"
                for row in (self.zoho.get(f"/{module}", params).body or {}).get("data", ()):
                    found.setdefault(str(row[ID]), {}).update(row)
            for id in part:
                self._rows[(module, id)] = {**blank, **found[id]} if id in found else None

    def row(self, key: Key) -> Row | None:
        return self._rows.get(key)

    def knows(self, write: NativeWrite) -> bool:
        """Whether the place of *write* was read and not written since."""
        key = key_of(write)
        if key not in self._rows:
            return False
        row = self._rows[key]
        return row is None or (TAG if write.kind == "tag" else write.name) in row

    def value(self, write: NativeWrite) -> str | None:
        """Return what stands at a field."""
        row = self._rows.get(key_of(write))
        if row is None:
            return None
        field = self.metadata.module(write.object).fields.get(write.name)
        value: Value = row_value(row, field) if field else text_of(row.get(write.name))
        return ";".join(value) or None if isinstance(value, list) else value

    def tags(self, key: Key) -> list[str]:
        """Return the tags of a record as Zoho spells them."""
        return names_of((self._rows.get(key) or {}).get(TAG))

    def forget(self, writes: Iterable[NativeWrite]) -> None:
        for write in writes:
            self._rows.pop(key_of(write), None)

    def write(self, writes: Mapping[int, NativeWrite]) -> dict[int, NativeReceipt]:
        """Write fields of records that were looked at and stand as expected. Each is answered."""
        receipts: dict[int, NativeReceipt] = {}
        by_module: dict[str, dict[str, dict[int, NativeWrite]]] = {}
        for number, write in writes.items():
            module, id = key_of(write)
            by_module.setdefault(module, {}).setdefault(id, {})[number] = write
        for module, records in sorted(by_module.items()):
            ids = sorted(records)
            for start in range(0, len(ids), BATCH):
                part = {id: records[id] for id in ids[start : start + BATCH]}
                receipts.update(self._write(module, part))
        return receipts

    def _write(self, module: str, records: Mapping[str, Mapping[int, NativeWrite]]) -> dict[int, NativeReceipt]:
        receipts: dict[int, NativeReceipt] = {}
        data: dict[str, Row] = {}
        for id, writes in records.items():
            for number, write in writes.items():
                try:
                    value = self._native(module, write)
                except ValueError as error:
                    receipts[number] = NativeReceipt(result=Result.refused, message=str(error))
                else:
                    data.setdefault(id, {ID: id})[write.name] = value
        for _ in range(_ROUNDS):
            if not data:
                break
            try:
                said = self._put(module, list(data.values()))
            except CrmrulesError as error:
                if not (isinstance(error, Refused) and error.code == "ALREADY_MODIFIED"):
                    lost = [n for id in data for n in records[id] if n not in receipts]
                    return {**receipts, **dict.fromkeys(lost, receipt_of(error))}
                said = {id: {"status": "error", "code": error.code} for id in data}  # the call as a whole
            data = self._answered(module, said, data, records, receipts)
        for id in data:
            again = NativeReceipt(result=Result.stale, message="somebody keeps changing this record")
            receipts.update({n: again for n in records[id] if n not in receipts})
        return receipts

    def _answered(
        self, module: str, said: Mapping[str, Row], data: Mapping[str, Row],
        records: Mapping[str, Mapping[int, NativeWrite]], receipts: dict[int, NativeReceipt],
    ) -> dict[str, Row]:  # fmt: skip
        """Answer what is clear, and return the records that are to be written again."""
        names = {w.name for id in data for w in records[id].values()}
        again = [id for id in data if meaning_of(str(said.get(id, {}).get("code")), 200).action == "stale"]
        good = [id for id in data if said.get(id, {}).get("status") == "success"]
        for id in data:
            if id not in again and id not in good:
                self._refuse(said.get(id), [(n, w) for n, w in records[id].items() if n not in receipts], receipts)
        try:
            self.look(module, [*good, *again], names)
        except CrmrulesError as error:
            why = NativeReceipt(result=Result.unknown, message=str(error))
            receipts.update({n: why for id in (*good, *again) for n in records[id] if n not in receipts})
            return {}
        left: dict[str, Row] = {}
        for id in (*good, *again):
            for number, write in records[id].items():
                if number in receipts:
                    continue
                now = self.value(write)
                if id in good or same(now, write.value):  # a lost answer's second try is refused by our own first one
                    receipts[number] = NativeReceipt(result=Result.written, echo=now)
                elif same(now, write.expected):
                    left.setdefault(id, {ID: id})[write.name] = data[id][write.name]
                else:
                    receipts[number] = NativeReceipt(
                        result=Result.stale, echo=now, message="somebody changed it meanwhile"
                    )
        return left

    def _refuse(
        self, said: Row | None, writes: Sequence[tuple[int, NativeWrite]], receipts: dict[int, NativeReceipt]
    ) -> None:
        if said is None:
            receipts.update(
                {n: NativeReceipt(result=Result.unknown, message="this record was not answered") for n, _ in writes}
            )
            return
        result = Result.failed if meaning_of(str(said.get("code")), 200).action == "retry" else Result.refused
        for number, write in writes:
            receipts[number] = NativeReceipt(result=result, echo=self.value(write), message=words_of(said))

    def _put(self, module: str, data: list[Row]) -> dict[str, Row]:
        times = [time for row in data if (time := instant((self._rows.get((module, row[ID])) or {}).get(MODIFIED)))]
        headers = {"If-Unmodified-Since": header_time(max(times))} if times else {}
        settings = self.zoho.settings
        json: dict[str, Any] = {"data": data, "trigger": list(settings.trigger)}
        if settings.skip_feature_execution:
            json["skip_feature_execution"] = [{"name": name} for name in settings.skip_feature_execution]
        body = self.zoho.call("PUT", f"/{module}", json=json, headers=headers, credits=-(-len(data) // 10)).body
        answers = list((body or {}).get("data", ()))
        return {str(row[ID]): one for row, one in zip(data, answers, strict=False)}

    def _native(self, module: str, write: NativeWrite) -> Any:
        known = self.metadata.module(module).fields.get(write.name)
        if known is None:
            raise ValueError(f"{module} has no field '{write.name}', or we may not see it")
        if not known.writable:
            raise ValueError(f"'{write.name}' of {module} can't be written")
        if write.value is not None and known.length and len(write.value) > known.length:
            raise ValueError(f"'{write.name}' of {module} has at most {known.length} characters")
        if write.value is not None and known.choices and not known.type == "list" and write.value not in known.choices:
            raise ValueError(f"'{write.value}' is no choice of '{write.name}' of {module}")
        return json_of_text(known, write.value)


def same(one: str | None, other: str | None) -> bool:
    """Whether two texts are the same value: blank is none, and a time is the same in any zone."""
    if (one or None) == (other or None):
        return True
    if one and other and len(one) > 10 and len(other) > 10:
        first, second = instant(one), instant(other)
        return first is not None and first == second
    return False


def key_of(write: NativeWrite) -> Key:
    return write.object, next(iter(write.record_id.values()))
