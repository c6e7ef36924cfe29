"""Writing: one call per record, right after it was looked at; what stands there afterwards is read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from crmrules.contracts.connector import NativeReceipt, NativeWrite
from crmrules.errors import ConnectorError
from crmrules.model.changes import Result, tag_value
from crmrules_fxiaoke import paths
from crmrules_fxiaoke.api import Api, Refused
from crmrules_fxiaoke.batch import OWNER, Answered, Batch, Stopped
from crmrules_fxiaoke.codes import meaning
from crmrules_fxiaoke.describe import ID
from crmrules_fxiaoke.places import Places
from crmrules_fxiaoke.reader import Record, is_live
from crmrules_fxiaoke.tags import TagsChanged
from crmrules_fxiaoke.values import Unfit

_STALE = "somebody changed it since"
_NOBODY = (30007, 30027)  # in answer to a new owner: it is he who is unknown, not we
_KEPT = frozenset({OWNER, "record_type"})  # never sent: other calls change them
_GONE = "there is no such record any more, or it was set aside (作废)"


@dataclass
class Writer:
    """Executes batches.

    ``_proven`` are the objects of which an update left the other fields alone; ``_stopped`` says
    why this connection writes no more.
    """

    api: Api
    places: Places
    _proven: set[str] = field(default_factory=set)
    _stopped: str = ""

    def write(self, writes: Sequence[NativeWrite]) -> list[NativeReceipt]:
        """Answer each write, in order; see :meth:`crmrules.contracts.connector.Connector.write`."""
        try:
            self.places.look_up(writes)
        except ConnectorError as error:
            return [NativeReceipt(result=Result.failed, message=error.problems[0].message) for _ in writes]
        batch = Batch(self.places, writes, self._stopped)
        for indexes in batch.by_record():
            batch.attempt(indexes, partial(self._how(writes[indexes[0]]), batch))
        batch.read_back()
        self._stopped = batch.lasting
        return batch.receipts()

    def _how(self, write: NativeWrite) -> Callable[[Batch, Sequence[int]], None]:
        if self.places.in_record(write):
            return self._record
        return self._tags if write.kind == "tag" else self._note

    # ------------------------------------------------------------ fields of the record itself

    def _record(self, batch: Batch, indexes: Sequence[int]) -> None:
        object, id = batch.key(indexes[0])
        fresh = self._looked_at(batch, indexes, object, id)
        due, values, copy = list[int](), dict[str, Any](), dict(fresh)
        for i in indexes:
            write = batch.writes[i]
            try:
                value = self.places.changed(write, copy)
            except Unfit as why:
                batch.answer(i, Result.refused, write.expected, str(why))
                continue
            if self.places.standing(write, copy) != write.expected:
                batch.answer(i, Result.stale, self.places.standing(write, fresh), _STALE)
                continue
            name = self.places.fields_of(write)
            values[name] = copy[name] = value
            due.append(i)
        if not due:
            return
        try:
            self._send(object, id, fresh, values)
        except Refused as refused:
            if OWNER in values and refused.code in _NOBODY:
                batch.answer_all(due, Result.refused, refused.problems[0].message)
                return
            if len(due) > 1 and meaning(refused.code).action == "fix":
                for i in due:  # one of them is to blame
                    batch.attempt([i], partial(self._record, batch))
                return
            raise
        finally:
            batch.tried(due)
        if object not in self._proven and OWNER not in values:
            self._prove(batch, due, object, fresh, values)

    def _looked_at(self, batch: Batch, indexes: Sequence[int], object: str, id: str) -> Record:
        fresh = self.places.records.get(object, id) if id else {}
        if not fresh or not is_live(fresh):
            batch.answer_all(indexes, Result.refused, _GONE)
            raise Answered
        return fresh

    def _send(self, object: str, id: str, fresh: Record, values: Mapping[str, Any]) -> None:
        if OWNER in values:  # alone, see Batch.by_record
            data = {"dataObjectApiName": object, "Data": [{"objectDataId": id, "ownerId": values[OWNER]}]}
            self.api.write(paths.data(object, "changeOwner"), {"data": data})
            return
        whole = self._others(object, fresh) if self.places.settings.update == "whole" else {}
        record = {"dataObjectApiName": object, ID: id, **whole, **values}
        self.api.write(paths.data(object, "update"), {"data": {"object_data": record}})

    def _others(self, object: str, record: Record) -> dict[str, Any]:
        there = self.places.records.metadata.fields(object)
        return {n: record[n] for n, f in there.items() if f.writable and n not in _KEPT and record.get(n) is not None}

    def _prove(self, batch: Batch, due: Sequence[int], object: str, before: Record, values: dict[str, Any]) -> None:
        """See that an update of an object leaves its other fields alone; put them back and stop if it did not."""
        id, there = str(before[ID]), self.places.records.metadata.fields(object)
        witnesses = [n for n in self._others(object, before) if n not in values and not there[n].required]
        if not witnesses:
            return  # the next record may have some
        after = self.places.records.get(object, id)
        lost = [n for n in witnesses if after.get(n) in (None, "", [])]
        if not lost:
            self._proven.add(object)
        if not lost or _steps(before, after) > 1:  # a person may have emptied them at the same time
            return
        others = self._others(object, before)
        old = {n: before.get(n) for n in values if n not in others}
        self.api.write(
            paths.data(object, "update"),
            {"data": {"object_data": {"dataObjectApiName": object, ID: id, **others, **old}}},
        )
        message = f"an update emptied {', '.join(sorted(lost)[:5])}; it was put back: set `update: whole`"
        for i in due:
            batch.answer(i, Result.failed, batch.writes[i].expected, message)
        raise Stopped(message)

    # ------------------------------------------------------------ tags by the function, notes as records

    def _tags(self, batch: Batch, indexes: Sequence[int]) -> None:
        object, id = batch.key(indexes[0])
        before = self.places.function.read(object, [id]).get(id, []) if id else []
        due = []
        after = list(before)
        for i in indexes:
            write = batch.writes[i]
            if tag_value(write.name, after) != write.expected:
                batch.answer(i, Result.stale, tag_value(write.name, before), _STALE)
            else:
                after = self.places.tag_writes([write], after)
                due.append(i)
        if not due:
            return
        try:
            batch.tried(due, read_back=False)
            names = self.places.function.merge(object, id, before, after, [batch.writes[i].name for i in due])
        except TagsChanged as changed:
            for i in due:
                batch.answer(i, Result.stale, tag_value(batch.writes[i].name, changed.names), str(changed))
            return
        except Unfit as why:
            if len(due) > 1:
                for i in due:
                    batch.attempt([i], partial(self._tags, batch))
                return
            batch.answer_all(due, Result.refused, str(why))
            return
        for i in due:
            batch.echo(i, tag_value(batch.writes[i].name, names))

    def _note(self, batch: Batch, indexes: Sequence[int]) -> None:
        notes = self.places.notes
        for i in indexes:
            write = batch.writes[i]
            place = self.places.note_place(write)
            there = notes.find([place]).get(place)
            standing = there.body if there else None
            if standing != write.expected:
                batch.answer(i, Result.stale, standing, _STALE)
                continue
            if not there and not is_live(self._parent(batch, i)):
                batch.answer_all([i], Result.refused, _GONE)
                continue
            try:
                batch.tried([i], read_back=False)
                if write.value is None:
                    if there:
                        notes.remove(there)
                elif there:
                    notes.change(there, write.value)
                else:
                    notes.create(place, write.value)
            except Unfit as why:
                batch.answer(i, Result.refused, standing, str(why))
                continue
            found = notes.find([place]).get(place)
            if found or write.value is None:  # else it is not clear what came of it
                batch.echo(i, found.body if found else None)

    def _parent(self, batch: Batch, index: int) -> Record:
        object, id = batch.key(index)
        return self.places.records.get(object, id) if id else {"is_deleted": True}


def _steps(before: Record, after: Record) -> int:
    """Return how many edits lie between two states of a record; 1 where it does not say."""
    try:
        return int(str(after["version"])) - int(str(before["version"]))
    except (KeyError, ValueError):
        return 1
