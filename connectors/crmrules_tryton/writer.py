"""Writing: fields and tags of a record in one write under its version, many records in one call.

What Tryton refuses as a whole is tried record by record, then place by place, so that one bad
write harms no other. A version that no longer stands is looked at again: where our place is as we
expected it (somebody edited another field), it is written under the new version, once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmrules.contracts.connector import NativeReceipt, NativeWrite
from crmrules.errors import ConnectorError, RetryLater
from crmrules.model.changes import Result, tag_text
from crmrules_tryton.api import Api, Fault
from crmrules_tryton.current import Looker, Standing, record_of
from crmrules_tryton.describe import Models
from crmrules_tryton.note_writer import write_notes
from crmrules_tryton.objects import PARTY, source_of
from crmrules_tryton.tags import Categories
from crmrules_tryton.values import to_wire

_CHANGED = "somebody changed it since"
_NO_ANSWER = "no answer: what became of it is looked up"


@dataclass
class Batch:
    """Some writes on their way."""

    api: Api
    models: Models
    categories: Categories
    looker: Looker
    writes: Sequence[NativeWrite]
    standing: Standing  # as it was read before
    receipts: dict[int, NativeReceipt] = field(default_factory=dict)  # by position
    stopped: str = ""  # why nothing more is tried

    def run(self) -> list[NativeReceipt]:
        """Execute the writes and answer each, in order."""
        due = [i for i in range(len(self.writes)) if not self._is_answered(i)]
        places = [i for i in due if self.writes[i].kind != "note"]
        by_model: dict[str, list[int]] = {}
        for i in self._with_tags(places):
            by_model.setdefault(source_of(self.writes[i].object).model, []).append(i)
        for model, indexes in by_model.items():
            self._together(model, indexes)
        notes = [i for i in due if self.writes[i].kind == "note"]
        written = [i for i in places if self.receipts.get(i, _LOST).result is Result.written]
        self._echo(written)
        if notes and not self.stopped:
            answers = write_notes(self.api, [self.writes[i] for i in notes], self.standing)
            self.receipts.update(zip(notes, answers, strict=True))
        for i in due:
            self.receipts.setdefault(i, NativeReceipt(result=Result.failed, message=self.stopped))
        return [self.receipts[i] for i in range(len(self.writes))]

    # ------------------------------------------------------------ before

    def _is_answered(self, i: int) -> bool:
        write = self.writes[i]
        why = self._refusal(write)
        if why:
            self.receipts[i] = NativeReceipt(result=Result.refused, message=why)
        elif (now := self.looker.value(self.standing, write)) != write.expected:
            self.receipts[i] = NativeReceipt(result=Result.stale, echo=now, message=_CHANGED)
        elif now == write.value:
            self.receipts[i] = NativeReceipt(result=Result.written, echo=now, message="it stood there before")
        return i in self.receipts

    def _refusal(self, write: NativeWrite) -> str:
        model = source_of(write.object).model
        known = self.models.fields(model)
        if known is None:
            return f"Tryton has no '{model}': its module is not activated"
        if record_of(write) not in self.standing.rows:
            return "there is no such record"
        if write.kind == "tag":
            return "" if model == PARTY else f"Tryton has no tags on '{model}', only on parties"
        if write.kind == "note":
            return ""
        found = known.get(write.name)
        if found is None:
            return f"'{model}' has no field '{write.name}': Tryton has fields of one's own only by a module"
        if not found.writable:
            return f"'{write.name}' of '{model}' can't be written"
        try:
            to_wire(write.value, found.type)
        except ValueError:
            return f"'{write.value}' is no {found.type}"
        return ""

    def _with_tags(self, places: Sequence[int]) -> list[int]:
        """Make the categories that are missing; return the writes that can go on."""
        names = {
            i: tag_text(w.name, w.value) for i in places if (w := self.writes[i]).kind == "tag" and w.value is not None
        }
        try:
            self.categories.ids(names.values(), make=True)
            return list(places)
        except Fault:
            pass
        except ConnectorError as error:
            self.stopped = str(error)
            return []
        good = []
        for i in places:
            try:
                self.categories.ids([names[i]] if i in names else [], make=True)
                good.append(i)
            except Fault as fault:
                self.receipts[i] = NativeReceipt(result=Result.refused, message=fault.said)
        return good

    # ------------------------------------------------------------ sending

    def _together(self, model: str, indexes: Sequence[int]) -> None:
        """Write all in one call; where that is refused, record by record."""
        by_record: dict[str, list[int]] = {}
        for i in indexes:
            by_record.setdefault(record_of(self.writes[i]), []).append(i)
        if len(by_record) > 1 and self._try(model, by_record):
            return
        for record, ours in by_record.items():
            if not self.stopped and not any(i in self.receipts for i in ours):
                self._alone(model, record, ours)

    def _alone(self, model: str, record: str, ours: Sequence[int]) -> None:
        """Write the places of one record; where that is refused, one by one."""
        fault = self._refused(model, {record: ours})
        if fault is None or self.stopped:
            return
        ours = self._still_as_expected(record, ours)
        if fault.kind == "ConcurrencyException":
            again = self._refused(model, {record: ours}) if ours else None
            if again is None or self.stopped:
                return
            fault = again
        for i in ours:
            single = self._refused(model, {record: [i]}) if len(ours) > 1 else fault
            if single is not None and not self.stopped:
                result = Result.stale if single.kind == "ConcurrencyException" else Result.refused
                self.receipts[i] = NativeReceipt(result=result, message=single.said)
            elif len(ours) > 1:
                self._still_as_expected(record, [])  # the record has a new version now

    def _still_as_expected(self, record: str, ours: Sequence[int]) -> list[int]:
        """Look again at a record; answer what is stale, and return the rest."""
        wanted = [w for w in self.writes if record_of(w) == record and w.kind != "note"]
        try:
            found = self.looker.look(wanted)
        except ConnectorError as error:
            self.stopped = str(error)
            return []
        self.standing = Standing(
            rows={**self.standing.rows, **found.rows}, notes=self.standing.notes, others=self.standing.others,
            names={**self.standing.names, **found.names},
        )  # fmt: skip
        good = []
        for i in ours:
            now = self.looker.value(found, self.writes[i])
            if now == self.writes[i].expected and record in found.rows:
                good.append(i)
            else:
                self.receipts[i] = NativeReceipt(result=Result.stale, echo=now, message=_CHANGED)
        return good

    def _try(self, model: str, by_record: Mapping[str, Sequence[int]]) -> bool:
        return self._refused(model, by_record) is None or bool(self.stopped)

    def _refused(self, model: str, by_record: Mapping[str, Sequence[int]]) -> Fault | None:
        """Send one call; answer its writes where it was taken, or where nobody knows."""
        parameters: list[Any] = []
        for record, ours in by_record.items():
            parameters += [[int(record.partition(",")[2])], self._values(record, ours)]
        stamps = {record: self.standing.stamp(record) for record in by_record}
        everything = [i for ours in by_record.values() for i in ours]
        try:
            self.api.change(f"{model}.write", *parameters, stamps=stamps)
        except Fault as fault:
            return fault
        except RetryLater as error:
            self.stopped = str(error)
            self.receipts.update(dict.fromkeys(everything, _LOST))
            return None
        except ConnectorError as error:
            self.stopped = str(error)
            self.receipts.update(dict.fromkeys(everything, NativeReceipt(result=Result.failed, message=str(error))))
            return None
        for i in everything:
            self.receipts[i] = NativeReceipt(result=Result.written, echo=self.writes[i].value)
        return None

    def _values(self, record: str, ours: Sequence[int]) -> dict[str, Any]:
        model = record.partition(",")[0]
        values: dict[str, Any] = {}
        moves: list[Any] = []
        for i in ours:
            write = self.writes[i]
            if write.kind == "field":
                values[write.name] = to_wire(write.value, self.models.type_of(model, write.name))
            else:
                moves += self._moves(write)
        if moves:
            values["categories"] = moves
        return values

    def _moves(self, write: NativeWrite) -> list[Any]:
        moves = []
        for what, value in (("remove", write.expected), ("add", write.value)):
            if value is not None:
                ids = self.categories.ids([tag_text(write.name, value)])
                moves += [[what, list(ids.values())]] if ids else []
        return moves

    # ------------------------------------------------------------ after

    def _echo(self, written: Sequence[int]) -> None:
        """Read what stands there now: Tryton strips texts, rounds numbers."""
        if not written or self.stopped:
            return
        try:
            found = self.looker.look([self.writes[i] for i in written])
        except ConnectorError as error:
            self.stopped = str(error)  # the echo stays what was sent: Tryton took it
            return
        for i in written:
            self.receipts[i] = NativeReceipt(result=Result.written, echo=self.looker.value(found, self.writes[i]))


_LOST = NativeReceipt(result=Result.unknown, message=_NO_ANSWER)
