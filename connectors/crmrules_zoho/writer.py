"""Writing a batch: what stands there is compared first, then tags, fields, roles and notes go their own ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crmrules.contracts.connector import NativeReceipt, NativeWrite
from crmrules.errors import CrmrulesError
from crmrules.model.changes import Result, tag_value
from crmrules_zoho.fields import Records, key_of, same
from crmrules_zoho.modules import ROLES, TAG
from crmrules_zoho.notes import Notes
from crmrules_zoho.parts import Parts
from crmrules_zoho.tags import Tags

BATCH = 5_000  # writes at once: the more, the more records share a tag's call


@dataclass
class Writer:
    """Compares, writes, and tells what stands there afterwards."""

    records: Records
    tags: Tags
    notes: Notes
    parts: Parts

    def current(self, wanted: Sequence[NativeWrite]) -> list[str | None]:
        """Return what stands at these places, and remember it for the :meth:`write` that follows."""
        self._look(wanted)
        notes = [w for w in wanted if w.kind == "note"]
        bodies = iter(self.notes.current(notes))
        return [next(bodies) if w.kind == "note" else self._value(w) for w in wanted]

    def write(self, writes: Sequence[NativeWrite]) -> list[NativeReceipt]:
        """Execute *writes*; answer each, in order."""
        unknown = [w for w in writes if w.kind != "note" and not self._knows(w)]
        if unknown:
            self._look(unknown)
        receipts: dict[int, NativeReceipt] = {}
        due: dict[str, dict[int, NativeWrite]] = {"tag": {}, "field": {}, "role": {}, "note": {}}
        for number, write in enumerate(writes):
            if write.kind == "note":
                due["note"][number] = write
                continue
            stands = self._value(write)
            if write.object != ROLES and self.records.row(key_of(write)) is None:
                receipts[number] = NativeReceipt(result=Result.refused, message="there is no such record")
            elif stands != write.expected if write.kind == "tag" else not same(stands, write.expected):
                receipts[number] = NativeReceipt(
                    result=Result.stale, echo=stands, message="something else stands there"
                )
            else:
                due["role" if write.object == ROLES else write.kind][number] = write
        stands_tags = {n: self.records.tags(key_of(w)) for n, w in due["tag"].items()}
        receipts.update(
            self.records.write(due["field"])
        )  # before the tags: those may move the time that the lock is on
        receipts.update(self.tags.write(due["tag"], stands_tags))
        receipts.update(self.parts.write(due["role"]))
        receipts.update(self._notes(due["note"]))
        self.records.forget(w for w in writes if w.kind != "note" and w.object != ROLES)
        self.parts.forget()
        return [receipts[number] for number in range(len(writes))]

    def _notes(self, due: dict[int, NativeWrite]) -> dict[int, NativeReceipt]:
        if not due:
            return {}
        try:
            return dict(zip(due, self.notes.write(list(due.values())), strict=True))
        except CrmrulesError as error:  # looking for them came to nothing, so none was sent
            return dict.fromkeys(due, NativeReceipt(result=Result.failed, message=str(error)))

    def _look(self, wanted: Sequence[NativeWrite]) -> None:
        by_module: dict[str, list[NativeWrite]] = {}
        for write in wanted:
            if write.kind != "note" and write.object != ROLES:
                by_module.setdefault(write.object, []).append(write)
        for module, writes in sorted(by_module.items()):
            names = {TAG if w.kind == "tag" else w.name for w in writes}
            self.records.look(module, [key_of(w)[1] for w in writes], names)
        roles = [w for w in wanted if w.object == ROLES and w.kind == "field"]
        if roles:
            self.parts.look(roles)

    def _knows(self, write: NativeWrite) -> bool:
        return self.parts.knows(write) if write.object == ROLES else self.records.knows(write)

    def _value(self, write: NativeWrite) -> str | None:
        if write.object == ROLES:
            return self.parts.value(write)
        if write.kind == "tag":
            return tag_value(write.name, self.tags.here(self.records.tags(key_of(write))))
        return self.records.value(write)
