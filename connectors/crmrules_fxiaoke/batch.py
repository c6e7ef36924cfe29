"""The writes of one batch: which go out together, and what is known of each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crmrules.contracts.connector import NativeReceipt, NativeWrite
from crmrules.errors import BudgetSpent, ConnectorError, RetryLater
from crmrules.model.changes import Result
from crmrules_fxiaoke.api import Refused
from crmrules_fxiaoke.codes import meaning
from crmrules_fxiaoke.places import Key, Places

OWNER = "owner"


class Stopped(Exception):
    """Nothing more can be written by this connection; the message says why."""


class Answered(Exception):
    """These writes have their answers already."""


class Batch:
    """The writes of one batch and what is known of each.

    ``stopped`` says why nothing more of it is sent, ``lasting`` why nothing of later batches either.
    """

    def __init__(self, places: Places, writes: Sequence[NativeWrite], stopped: str) -> None:
        self.writes = writes
        self.stopped = self.lasting = stopped
        self._places = places
        self._answers: dict[int, NativeReceipt] = {}
        self._tried: set[int] = set()
        self._to_read: set[int] = set()
        self._echoes: dict[int, str | None] = {}

    def by_record(self) -> list[list[int]]:
        """Return the writes that go out together: those of one record's own fields, tags or notes."""
        groups: dict[tuple[str, str, str], list[int]] = {}
        for i, write in enumerate(self.writes):
            where: str = "" if self._places.in_record(write) else write.kind
            if write.kind == "field" and write.name == OWNER:
                where = OWNER  # changed by a call of its own
            groups.setdefault((write.object, str(sorted(write.record_id.items())), where), []).append(i)
        return list(groups.values())

    def key(self, index: int) -> Key:
        return self.writes[index].object, self._places.id_of(self.writes[index])

    def attempt(self, indexes: Sequence[int], how: Callable[[Sequence[int]], None]) -> None:
        """Carry out some writes; whatever goes wrong becomes their answer."""
        if self.stopped:
            self.answer_all(indexes, Result.failed, self.stopped)
            return
        try:
            how(indexes)
        except Answered:
            return
        except Stopped as why:
            self.stopped = self.lasting = str(why)
        except BudgetSpent as error:
            self._fail(indexes, error, sent=False)
        except Refused as error:
            action = meaning(error.code).action
            if action == "unsure":
                self._fail(indexes, error, sent=True, stop=False)
            elif action == "fix":
                self.answer_all(indexes, Result.refused, error.problems[0].message)
            else:
                self._fail(indexes, error, sent=False, stop=action != "retry")
        except RetryLater as error:
            self._fail(indexes, error, sent=True, stop=False)
        except ConnectorError as error:
            self._fail(indexes, error, sent=True, stop=False)

    def _fail(self, indexes: Sequence[int], error: ConnectorError, *, sent: bool, stop: bool = True) -> None:
        message = error.problems[0].message
        if stop or not self._tried & set(indexes):  # the next one would only wait as long
            self.stopped = message
        for i in indexes:
            doubtful = sent and i in self._tried and i not in self._echoes
            self._answers.setdefault(
                i, NativeReceipt(result=Result.unknown if doubtful else Result.failed, message=message)
            )
            self._to_read.discard(i)

    def tried(self, indexes: Sequence[int], *, read_back: bool = True) -> None:
        """Note that these were sent."""
        self._tried.update(indexes)
        if read_back:
            self._to_read.update(indexes)

    def answer(self, index: int, result: Result, echo: str | None, message: str) -> None:
        self._answers[index] = NativeReceipt(result=result, echo=echo, message=message)
        self._to_read.discard(index)

    def answer_all(self, indexes: Sequence[int], result: Result, message: str) -> None:
        """Answer those that have no answer yet."""
        for i in indexes:
            if i not in self._answers:
                self.answer(i, result, None, message)

    def echo(self, index: int, standing: str | None) -> None:
        self._echoes[index] = standing

    def read_back(self) -> None:
        """Read what stands now at the places in records that were written."""
        due = sorted(self._to_read - self._answers.keys())
        try:
            standing = self._places.current([self.writes[i] for i in due]) if due else []
        except ConnectorError as error:
            message = f"written, but it can't be read back: {error.problems[0].message}"
            self.answer_all(due, Result.unknown, message)
            return
        self._echoes.update(zip(due, standing, strict=True))

    def receipts(self) -> list[NativeReceipt]:
        return [self._answers.get(i) or self._told(i) for i in range(len(self.writes))]

    def _told(self, index: int) -> NativeReceipt:
        write = self.writes[index]
        if index not in self._echoes:
            return NativeReceipt(result=Result.unknown, message="no answer")
        echo = self._echoes[index]
        if echo == write.expected != write.value:
            return NativeReceipt(result=Result.refused, echo=echo, message="the CRM accepted it and kept the old value")
        return NativeReceipt(result=Result.written, echo=echo)
