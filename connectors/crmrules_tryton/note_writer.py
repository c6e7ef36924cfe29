"""Notes are made anew, then what stood before is deleted: a broken run leaves one too many, never none.

All of a batch in two calls; where one is refused, note by note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from crmrules.contracts.connector import NativeReceipt, NativeWrite
from crmrules.errors import ConnectorError, RetryLater
from crmrules.model.changes import Result
from crmrules_tryton.api import Api, Fault
from crmrules_tryton.current import Standing, record_of
from crmrules_tryton.notes import Note, message_of, notes_on, standing
from crmrules_tryton.objects import NOTE

_LOST = NativeReceipt(result=Result.unknown, message="no answer: what became of it is looked up")


def write_notes(api: Api, writes: Sequence[NativeWrite], before: Standing) -> list[NativeReceipt]:
    """Execute *writes*, all of notes that stand as expected; answer each, in order."""
    whole = _Notes(api, writes, before)
    fault = whole.run()
    if fault is None or len(writes) == 1:
        return whole.answers(fault)
    receipts: list[NativeReceipt] = []
    for write in writes:
        single = _Notes(api, [write], before)
        receipts += single.answers(single.run())
    return receipts


@dataclass
class _Notes:
    api: Api
    writes: Sequence[NativeWrite]
    before: Standing
    made: list[int] = field(default_factory=list)
    lost: bool = False
    error: ConnectorError | None = None

    def run(self) -> Fault | None:
        """Make the new notes and delete the old ones; after a refusal nothing of it is left."""
        new = [w for w in self.writes if w.value is not None]
        old = [note for write in self.writes for note in self._old(write)]
        try:
            if new:
                self.made = self._create(new)
            if old:
                self.api.change(f"{NOTE}.delete", [n.id for n in old], stamps={f"{NOTE},{n.id}": n.stamp for n in old})
        except Fault as fault:
            self._take_back()
            return fault
        except ConnectorError as error:
            self.error, self.lost = error, isinstance(error, RetryLater)
        return None

    def answers(self, fault: Fault | None) -> list[NativeReceipt]:
        """Return a receipt for each write."""
        if self.lost:
            return [_LOST] * len(self.writes)
        if self.error is not None:
            return [NativeReceipt(result=Result.failed, message=str(self.error))] * len(self.writes)
        if fault is None:
            return [NativeReceipt(result=Result.written, echo=w.value or None) for w in self.writes]
        return [self._refusal(fault, write) for write in self.writes]

    def _refusal(self, fault: Fault, write: NativeWrite) -> NativeReceipt:
        place = record_of(write), write.name
        try:
            note = standing(notes_on(self.api, [place[0]])).get(place)
        except ConnectorError as error:
            return NativeReceipt(result=Result.failed, message=str(error))
        now = note.body if note else None
        result = Result.refused if now == write.expected else Result.stale
        return NativeReceipt(result=result, echo=now, message=fault.said)

    def _old(self, write: NativeWrite) -> list[Note]:
        place = record_of(write), write.name
        note = self.before.notes.get(place)
        return [*([note] if note else []), *self.before.others.get(place, ())]

    def _create(self, new: Sequence[NativeWrite]) -> list[int]:
        values = [{"resource": record_of(w), "message": message_of(w.name, w.value or "")} for w in new]
        try:
            return list(self.api.change(f"{NOTE}.create", values))
        except Fault:
            raise
        except RetryLater:
            made = self._found(new)
            if made is None:
                raise
            return made

    def _found(self, new: Sequence[NativeWrite]) -> list[int] | None:
        """After a lost answer: return the notes that were made, None where they were not, or nobody says."""
        try:
            there = standing(notes_on(self.api, sorted({record_of(w) for w in new})))
        except ConnectorError:
            return None
        known = {note.id for note in self.before.notes.values()}
        found = [there.get((record_of(w), w.name)) for w in new]
        made = [
            note.id
            for note, w in zip(found, new, strict=True)
            if note and note.body == w.value and note.id not in known
        ]
        return made if len(made) == len(new) else None

    def _take_back(self) -> None:
        if self.made:
            try:
                self.api.change(f"{NOTE}.delete", self.made)
            except ConnectorError as error:
                self.error, self.lost = error, isinstance(error, RetryLater)
