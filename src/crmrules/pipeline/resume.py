"""After a crash: find out which of the writes without an answer had arrived."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from crmrules.contracts.connector import NativeWrite
from crmrules.model.changes import Receipt, Result
from crmrules.pipeline.execute import Surroundings, settle
from crmrules.pipeline.translate import Untranslatable
from crmrules.stores.journal import Intent


def resume(around: Surroundings) -> Mapping[str, int]:
    """Give every open intent its receipt by reading the CRM, and close the runs that died.

    Writes nothing to the CRM: what had not arrived is counted as failed, and applying the same
    plan again (or a new one) writes it. Returns how many there were per :class:`Result`. Raises
    ConnectorError if the CRM can't be read; then everything stays as it was.
    """
    journal, counts = around.journal, Counter[str]()
    sent: list[tuple[Intent, NativeWrite]] = []
    answers: list[tuple[Intent, Receipt]] = []
    for intent in journal.unfinished():
        try:
            sent.append((intent, around.translation.write(intent.change)))
        except Untranslatable as reason:  # the mapping was changed in between
            target = intent.change.target
            answers.append((intent, Receipt(target=target, result=Result.stale, message=str(reason))))
    size = max(1, around.connector.capabilities.batch)
    for start in range(0, len(sent), size):
        answers += settle(around, sent[start : start + size])
    if answers:
        journal.receive(answers, around.now())
    for _, receipt in answers:
        counts[receipt.result] += 1
    for run in journal.runs():
        if run.status == "running" and run.kind in ("apply", "undo"):
            journal.end_run(run.id, around.now(), "interrupted", journal.results(run.id))
    return counts
