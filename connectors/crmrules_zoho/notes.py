"""Notes: read as a module of their own, told ours from people's by a mark in the title, found again without asking.

The mark survives whatever happens in the CRM but an edit of the title. Where notes are is
remembered from reading them, and brought up to date with one call before the first is written, so
that writing a hundred notes does not take a hundred calls to look for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmrules.contracts.connector import NativeReceipt, NativeWrite, Page, ReadRequest
from crmrules.errors import CrmrulesError, RetryLater
from crmrules.model.changes import AUTHOR, Result
from crmrules_zoho.api import Refused, Zoho, words_of
from crmrules_zoho.codes import meaning_of
from crmrules_zoho.listing import Lister, Place, start_of
from crmrules_zoho.memory import Memory, Note
from crmrules_zoho.modules import MODIFIED, NOTES
from crmrules_zoho.shaping import table_of
from crmrules_zoho.values import header_time, instant, text_of

MARK = f"[{AUTHOR}]"
_FIELDS = ("Note_Title", "Note_Content", "Parent_Id", MODIFIED, "Created_By")
_BATCH = 100
_TITLE, _BODY = 120, 65_535  # characters
_READ_TO, _COMPLETE = "notes read to", "notes known"
_READING, _ALL = "being read", "all"  # of _COMPLETE; only who read all of them knows that there is none

Row = dict[str, Any]


def title_there(name: str) -> str:
    """Return how Zoho shows the title of our note *name*."""
    return MARK if name == AUTHOR else f"{MARK} {name}"


def title_here(title: str) -> tuple[str, bool]:
    """Return a note's title without our mark, and whether it has it."""
    if title == MARK:
        return AUTHOR, True
    if title.startswith(f"{MARK} "):
        return title[len(MARK) + 1 :], True
    return title, False


@dataclass
class Notes:
    """The notes of the org."""

    zoho: Zoho
    memory: Memory
    _bodies: dict[tuple[str, str, str], str | None] = field(default_factory=dict)  # as `current` found them

    def read(self, request: ReadRequest) -> Iterator[Page]:
        """Yield notes; what is ours is remembered."""
        lister = Lister(self.zoho, NOTES, (_FIELDS,))
        place = start_of(request.since)
        if request.after:
            place = Place.of(json.loads(request.after))
        complete = request.since is None and not request.after and request.most is None
        if complete:
            self.memory.forget_notes()
            self.memory.put(_COMPLETE, _READING)
        left = request.most
        for rows, behind in lister.pages(place):
            found = [_note(row) for row in rows[:left]]
            self.memory.put_notes(note for note, _ in found)
            self._remember_time(behind.last)
            cursor = behind.as_json()
            columns = {name: [_cell(note, author, name) for note, author in found] for name in request.fields}
            yield Page(rows=table_of(columns), source=NOTES, cursor=json.dumps(cursor) if cursor else "")
            if left is not None:
                left -= len(found)
                if left <= 0:
                    return
        whole = complete or (request.since is None and request.after and self.memory.get(_COMPLETE) == _READING)
        if whole and request.most is None:
            self.memory.put(_COMPLETE, _ALL)

    def current(self, wanted: Sequence[NativeWrite]) -> list[str | None]:
        """Return the body of the note at each place, remembered for the :meth:`write` that follows."""
        if unknown := [w for w in wanted if self._at(w) is None]:
            self._bring_up_to_date(unknown)
        self._ask_again(wanted)
        if gone := [w for w in wanted if self._at(w) is None and w not in unknown]:
            self._bring_up_to_date(
                gone
            )  # deleted, and perhaps made anew since: by a person, or by a run that was killed
        self._bodies = {_place(w): note.body if (note := self._at(w)) else None for w in wanted}
        return [self._bodies[_place(w)] for w in wanted]

    def write(self, writes: Sequence[NativeWrite]) -> list[NativeReceipt]:
        """Create, update and delete, a hundred at a time; each answered."""
        if any(_place(w) not in self._bodies for w in writes):
            self.current(writes)
        receipts: dict[int, NativeReceipt] = {}
        creates: list[tuple[int, NativeWrite]] = []
        updates: list[tuple[int, NativeWrite, str]] = []
        deletes: list[tuple[int, NativeWrite, str]] = []
        for number, write in enumerate(writes):
            stands, note = self._bodies[_place(write)], self._at(write)
            if why := _too_long(write):
                receipts[number] = NativeReceipt(result=Result.refused, message=why)
            elif (stands or None) != (write.expected or None):
                receipts[number] = NativeReceipt(
                    result=Result.stale, echo=stands, message="something else stands there"
                )
            elif not write.value:
                if note:
                    deletes.append((number, write, note.id))
                else:
                    receipts[number] = NativeReceipt(result=Result.written)
            elif note:
                updates.append((number, write, note.id))
            else:
                creates.append((number, write))
        self._bodies = {}
        for start in range(0, len(creates), _BATCH):
            receipts.update(self._create(creates[start : start + _BATCH]))
        for start in range(0, len(updates), _BATCH):
            receipts.update(self._update(updates[start : start + _BATCH]))
        for start in range(0, len(deletes), _BATCH):
            receipts.update(self._delete(deletes[start : start + _BATCH]))
        return [receipts[number] for number in range(len(writes))]

    def _create(self, part: list[tuple[int, NativeWrite]]) -> dict[int, NativeReceipt]:
        data = [
            {"Note_Title": title_there(w.name), "Note_Content": w.value,
             "Parent_Id": {"module": {"api_name": w.object}, "id": _record(w)}}
            for _, w in part
        ]  # fmt: skip
        numbers = [number for number, _ in part]
        said = self._send("POST", {"data": data, "trigger": list(self.zoho.settings.trigger)}, numbers)
        if isinstance(said, dict):
            return said
        made = {number: str(one["details"]["id"]) for number, one in said if one.get("status") == "success"}
        return self._read_back([(n, w, made[n]) for n, w in part if n in made], said)

    def _update(self, part: list[tuple[int, NativeWrite, str]]) -> dict[int, NativeReceipt]:
        data = [{"id": id, "Note_Content": w.value} for _, w, id in part]
        numbers = [number for number, _, _ in part]
        said = self._send("PUT", {"data": data, "trigger": list(self.zoho.settings.trigger)}, numbers)
        if isinstance(said, dict):
            return said
        good = {number for number, one in said if one.get("status") == "success"}
        return self._read_back([(n, w, id) for n, w, id in part if n in good], said)

    def _delete(self, part: list[tuple[int, NativeWrite, str]]) -> dict[int, NativeReceipt]:
        numbers = [number for number, _, _ in part]
        workflows = "true" if "workflow" in self.zoho.settings.trigger else "false"
        said = self._send("DELETE", None, numbers, {"ids": ",".join(id for _, _, id in part), "wf_trigger": workflows})
        if isinstance(said, dict):
            return said
        there = {note.id for note in self._by_ids([id for (n, _, id), (_, one) in zip(part, said, strict=True) if one.get("status") != "success"])}  # fmt: skip
        receipts = {}
        for (number, write, id), (_, one) in zip(part, said, strict=True):
            if id in there:
                receipts[number] = _refused(one, write.expected)
            else:
                receipts[number] = NativeReceipt(result=Result.written)
                self.memory.drop_notes([id])
        return receipts

    def _send(
        self, method: str, json: Any, numbers: list[int], params: Mapping[str, str] | None = None
    ) -> list[tuple[int, Row]] | dict[int, NativeReceipt]:
        """Return what Zoho said of each note, or receipts where the call as a whole came to nothing."""
        credits = -(-len(numbers) // 10)
        try:
            body = self.zoho.call(method, f"/{NOTES}", json=json, params=params, credits=credits).body
        except CrmrulesError as error:
            return dict.fromkeys(numbers, receipt_of(error))
        said = list((body or {}).get("data", ()))
        if len(said) != len(numbers):
            return dict.fromkeys(numbers, NativeReceipt(result=Result.unknown, message="not every note was answered"))
        return list(zip(numbers, said, strict=True))

    def _read_back(
        self, done: list[tuple[int, NativeWrite, str]], said: list[tuple[int, Row]]
    ) -> dict[int, NativeReceipt]:
        receipts = {number: _refused(one, None) for number, one in said}
        try:
            there = {note.id: note for note in self._by_ids([id for _, _, id in done])}
        except CrmrulesError as error:
            why = NativeReceipt(result=Result.unknown, message=str(error))
            return {**receipts, **{number: why for number, _, _ in done}}
        for number, _, id in done:
            receipts[number] = NativeReceipt(result=Result.written, echo=there[id].body if id in there else None)
        return receipts

    def _at(self, write: NativeWrite) -> Note | None:
        return self.memory.note_at(*_place(write))

    def _ask_again(self, wanted: Sequence[NativeWrite]) -> None:
        """Learn what became of the notes that we know at these places, until one stands there or none is left."""
        asked = set[str]()
        while ids := sorted({note.id for w in wanted if (note := self._at(w))} - asked):
            asked.update(ids)
            self._by_ids(ids)

    def _bring_up_to_date(self, wanted: Sequence[NativeWrite]) -> None:
        """Learn of notes that were written since the last one that we know, else of those of the wanted records."""
        if self.memory.get(_COMPLETE) != _ALL:
            for object, record in dict.fromkeys((w.object, _record(w)) for w in wanted):
                self._look_at(object, record)
            return
        known = instant(self.memory.get(_READ_TO))
        for rows, place in Lister(self.zoho, NOTES, (_FIELDS,)).pages(start_of(known)):
            self.memory.put_notes(_note(row)[0] for row in rows)
            self._remember_time(place.last)

    def _look_at(self, object: str, record: str) -> None:
        try:
            body = self.zoho.get(f"/{object}/{record}/{NOTES}", {"fields": ",".join(_FIELDS)}).body
        except Refused as error:
            if error.code != "INVALID_DATA":  # no such record
                raise
            body = None
        rows = (body or {}).get("data", ())
        place = {"Parent_Id": {"module": {"api_name": object}, "id": record}}
        self.memory.put_notes(_note({**row, **place})[0] for row in rows)

    def _by_ids(self, ids: Sequence[str]) -> list[Note]:
        """Ask for notes by their ids; those that are gone are forgotten."""
        found: list[Note] = []
        for start in range(0, len(ids), _BATCH):
            part = list(ids[start : start + _BATCH])
            body = self.zoho.get(
                f"/{NOTES}", {"ids": ",".join(part), "fields": ",".join(_FIELDS), "per_page": "200"}
            ).body
            notes = [_note(row)[0] for row in (body or {}).get("data", ())]
            self.memory.put_notes(notes)
            self.memory.drop_notes(sorted(set(part) - {note.id for note in notes}))
            found += notes
        return found

    def _remember_time(self, last: str) -> None:
        newest, known = instant(last), instant(self.memory.get(_READ_TO))
        if newest and (known is None or newest > known):
            self.memory.put(_READ_TO, header_time(newest))


def receipt_of(error: CrmrulesError) -> NativeReceipt:
    """Return the receipt for writes whose call came to nothing: nobody knows after a lost answer, else they failed."""
    lost = any(
        problem.code in ("http-unreachable", "not-json") or problem.code.startswith("http-5")
        for problem in error.problems
    )
    busy = any(problem.code == "zoho-internal-error" for problem in error.problems)
    if lost or busy:
        return NativeReceipt(result=Result.unknown, message=str(error))
    return NativeReceipt(result=Result.failed if isinstance(error, RetryLater) else Result.refused, message=str(error))


def _refused(said: Row, echo: str | None) -> NativeReceipt:
    later = meaning_of(str(said.get("code")), 200).action == "retry"
    return NativeReceipt(result=Result.failed if later else Result.refused, echo=echo, message=words_of(said))


def _note(row: Row) -> tuple[Note, str]:
    """Return a note, and who wrote it."""
    parent = row.get("Parent_Id")
    parent = parent if isinstance(parent, dict) else {"id": parent}
    module = parent.get("module")
    object = module.get("api_name") if isinstance(module, dict) else row.get("$se_module") or row.get("se_module")
    title, ours = title_here(str(row.get("Note_Title") or ""))
    note = Note(
        id=str(row["id"]), object=str(object or ""), record_id=text_of(parent.get("id")) or "", title=title, ours=ours,
        body=str(row.get("Note_Content") or ""), modified=str(row.get(MODIFIED) or ""),
    )  # fmt: skip
    writer = row.get("Created_By")
    return note, AUTHOR if ours else str((writer.get("name") if isinstance(writer, dict) else None) or "")


def _cell(note: Note, author: str, name: str) -> str | None:
    values = {
        "id": note.id, "object": note.object, "record_id": note.record_id, "title": note.title, "body": note.body,
        "author": author, MODIFIED: note.modified,
    }  # fmt: skip
    return values.get(name) or None


def _place(write: NativeWrite) -> tuple[str, str, str]:
    return write.object, _record(write), write.name


def _record(write: NativeWrite) -> str:
    return next(iter(write.record_id.values()))


def _too_long(write: NativeWrite) -> str:
    if len(title_there(write.name)) > _TITLE:
        return f"a note's title has at most {_TITLE} characters, the mark {MARK} included"
    if write.value and len(write.value) > _BODY:
        return f"a note has at most {_BODY} characters"
    return ""
