"""Make writes: read before, record the intent, write, check what came of it, record the receipt.

The one way to the CRM for apply, undo and resume. A row is written only if what stands there now
is what the change expects; whatever is in doubt is read again, never written again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from crmrules.contracts.connector import Connector, NativeReceipt, NativeWrite
from crmrules.errors import ConnectorError, Problem
from crmrules.model.changes import Change, Receipt, Result
from crmrules.pipeline.translate import Translation, Untranslatable
from crmrules.redaction import redact
from crmrules.stores.journal import Intent, Journal

Clock = Callable[[], datetime]
Progress = Callable[[int, int], None]  # (done, all)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What every write needs: the CRM, its names, the journal, and the time for the journal."""

    connector: Connector
    translation: Translation
    journal: Journal
    now: Clock
    stopping: Callable[[], bool] = lambda: False  # asked between batches: whether the run is to end


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of a run. ``counts`` has every :class:`Result` that occurred, ``already`` (it
    stood there before), ``later`` (undo: a later run wrote there), ``left`` (not tried)."""

    run: int
    counts: Mapping[str, int]
    not_written: tuple[tuple[Change, Receipt], ...]  # every change that was tried and not made
    error: ConnectorError | None = None  # what stopped the run before its end
    stopped: bool = False  # somebody asked it to end

    def count(self, result: str) -> int:
        return self.counts.get(result, 0)

    @property
    def exit_code(self) -> int:
        """The CRM's refusal, or 1 where a write was not made."""
        return self.error.exit_code if self.error else 1 if self.not_written else 0


class Execution:
    """A run's writes, batch by batch. After a ConnectorError it takes no more."""

    def __init__(self, around: Surroundings, run: int, may_write: Callable[[Intent], bool] = lambda _: True) -> None:
        self._around = around
        self._run = run
        self._may_write = may_write
        self.counts: Counter[str] = Counter()
        self.not_written: list[tuple[Change, Receipt]] = []
        self.error: ConnectorError | None = None
        self.stopped = False

    def carry_out(self, intents: Iterable[Intent], total: int, progress: Progress | None = None) -> None:
        """Write *intents* (*total* in number) in order; what is not tried is counted as ``left``."""
        done, counted = 0, self.counts.total()
        for batch in _batches(intents, max(1, self._around.connector.capabilities.batch)):
            if self._around.stopping():
                self.stopped = True
                break
            self._batch(batch)
            if self.error:
                break
            done += len(batch)
            if progress:
                progress(done, total)
        if left := total - (self.counts.total() - counted):
            self.counts["left"] = left

    def _batch(self, batch: Sequence[Intent]) -> None:
        around, answered = self._around, list[tuple[Intent, Receipt]]()
        sent: list[tuple[Intent, NativeWrite]] = []
        for intent in batch:
            try:
                sent.append((intent, around.translation.write(intent.change)))
            except Untranslatable as reason:
                answered.append((intent, _receipt(intent, Result.refused, None, str(reason))))
        try:
            standing = _current(around, sent)
        except ConnectorError as error:
            self.error = error
            return
        due: list[tuple[Intent, NativeWrite]] = []
        for (intent, write), (raw, now) in zip(sent, standing, strict=True):
            if now == intent.change.new:
                self.counts["already"] += 1
            elif now == intent.change.old and self._may_write(intent):
                due.append((intent, replace(write, expected=raw)))
            else:
                answered.append((intent, _receipt(intent, Result.stale, now, "somebody changed it since")))
        if answered:
            kept = around.journal.intend(self._run, [intent for intent, _ in answered], around.now())
            self._record([(intent, receipt) for intent, (_, receipt) in zip(kept, answered, strict=True)])
        if due:
            self._write(due)

    def _write(self, due: Sequence[tuple[Intent, NativeWrite]]) -> None:
        around = self._around
        intents = around.journal.intend(self._run, [intent for intent, _ in due], around.now())
        sent = [(intent, write) for intent, (_, write) in zip(intents, due, strict=True)]
        try:
            receipts = _answers(around.connector, [write for _, write in sent])
        except ConnectorError as error:
            self.error = error
            self._settle(sent)
            return
        answers, doubtful = [], []
        for (intent, write), native in zip(sent, receipts, strict=True):
            answer = _judge(intent, native, around.translation.value(intent.change.target, native.echo))
            if answer is None:
                doubtful.append((intent, write))
            else:
                answers.append((intent, answer))
        self._record(answers)
        self._settle(doubtful)

    def _settle(self, sent: Sequence[tuple[Intent, NativeWrite]]) -> None:
        if not sent:
            return
        try:
            self._record(settle(self._around, sent))
        except ConnectorError as error:  # they stay without a receipt; the next run reads again
            self.error = self.error or error
            self.counts[Result.unknown] += len(sent)
            self.not_written += [(i.change, _receipt(i, Result.unknown, None, "no answer")) for i, _ in sent]

    def _record(self, answers: Sequence[tuple[Intent, Receipt]]) -> None:
        if not answers:
            return
        self._around.journal.receive(answers, self._around.now())
        for intent, receipt in answers:
            self.counts[receipt.result] += 1
            if receipt.result is not Result.written or (receipt.echo is None and intent.change.new is not None):
                self.not_written.append((intent.change, receipt))


def settle(around: Surroundings, sent: Sequence[tuple[Intent, NativeWrite]]) -> list[tuple[Intent, Receipt]]:
    """Find out by reading what became of writes that nobody answered. Raises ConnectorError."""
    answers = []
    for (intent, _), (_, now) in zip(sent, _current(around, sent), strict=True):
        if now == intent.change.new:
            answers.append((intent, _receipt(intent, Result.written, now, "found written")))
        elif now == intent.change.old:
            answers.append((intent, _receipt(intent, Result.failed, now, "it did not arrive")))
        elif now is None and intent.change.target.kind == "tag" and intent.change.new is not None:
            # Taken off by us, and the other one never came: what stands there after our write is nothing.
            answers.append((intent, _receipt(intent, Result.written, None, "only the old tag was taken off")))
        else:
            answers.append((intent, _receipt(intent, Result.stale, now, "something else stands there")))
    return answers


def _answers(connector: Connector, writes: Sequence[NativeWrite]) -> Sequence[NativeReceipt]:
    receipts = connector.write(writes)
    if len(receipts) != len(writes):
        raise ConnectorError(Problem("bad-answer", f"the connector answered {len(receipts)} of {len(writes)} writes"))
    return receipts


def _judge(intent: Intent, native: NativeReceipt, echo: str | None) -> Receipt | None:
    """Turn the CRM's answer into a receipt; None: it is not clear what stands there now."""
    if native.result is Result.unknown:
        return None
    if native.result is not Result.written or echo == intent.change.new:
        return _receipt(intent, native.result, echo, native.message)
    if echo is None:
        return None  # no echo given
    if echo == intent.change.old:
        return _receipt(intent, Result.refused, echo, "the CRM accepted it and kept the old value")
    return _receipt(intent, Result.written, echo, f"the CRM made of it: {echo}")


def _current(around: Surroundings, sent: Sequence[tuple[Intent, NativeWrite]]) -> list[tuple[str | None, str | None]]:
    """Return what stands there now, in the CRM's words and in ours."""
    if not sent:
        return []
    raw = around.connector.current([write for _, write in sent])
    if len(raw) != len(sent):
        raise ConnectorError(Problem("bad-answer", f"the connector read {len(raw)} of {len(sent)} places"))
    return [
        (text, around.translation.value(intent.change.target, text))
        for (intent, _), text in zip(sent, raw, strict=True)
    ]


def _receipt(intent: Intent, result: Result, echo: str | None, message: str) -> Receipt:
    return Receipt(target=intent.change.target, result=result, echo=echo, message=redact(message))


def _batches(intents: Iterable[Intent], size: int) -> Iterator[list[Intent]]:
    rest = iter(intents)
    while batch := list(islice(rest, size)):
        yield batch
