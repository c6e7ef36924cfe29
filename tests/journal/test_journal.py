"""The journal keeps every run, intent and receipt, and says clearly when it can't."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from crmrules.errors import StoreError
from crmrules.model.changes import Cause, Change, Dissent, Receipt, Result, Target
from crmrules.stores.journal import Intent, Origin, Place, Written, open_journal
from crmrules.stores.journal import journal as journal_module

NOW = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
TESTS = Path(__file__).resolve().parents[1]
HERE = Target(object="account", record_id="a1", kind="tag", name="seg.value")


def intent(number: int, new: str | None = "high", target: Target = HERE) -> Intent:
    change = Change(
        id=number, target=target, account_id="a1", old=None, new=new, rule="r", reason_zh="因", reason_en="why",
        cause=Cause.first,
    )  # fmt: skip
    after = Written(value=new, wanted=new, account_id="a1", rule="r", ruleset_digest="d", as_of="2026-11-21")
    return Intent(change=change, before=None, after=after)


def written(echo: str | None = "high", result: Result = Result.written) -> Receipt:
    return Receipt(target=HERE, result=result, echo=echo, message="ok")


def fill(place: Place) -> Place:
    with open_journal(place) as journal:
        run = journal.begin_run("apply", "p", NOW, Origin(plan="abc", ruleset="r@1", ruleset_digest="d"))
        [kept] = journal.intend(run, [intent(1)], NOW)
        journal.receive([(kept, written())], NOW)
        journal.end_run(run, NOW, "done", {"written": 1})
    return place


@pytest.fixture
def filled(place: Place) -> Place:
    return fill(place)


def test_a_run_comes_back_as_it_was_recorded(filled: Place) -> None:
    with open_journal(filled) as journal:
        [run] = journal.runs()
        assert journal.run(run.id) == run
        [step] = journal.steps(run.id)
    assert (run.kind, run.status, run.counts, run.origin.plan) == ("apply", "done", {"written": 1}, "abc")
    assert (step.intent.change, step.intent.after) == (intent(1).change, intent(1).after)
    assert step.receipt == written()


def test_what_was_written_is_ours_with_the_crms_spelling(place: Place) -> None:
    with open_journal(place) as journal:
        run = journal.begin_run("apply", "p", NOW)
        [kept] = journal.intend(run, [intent(1)], NOW)
        assert journal.written(HERE) is None
        journal.receive([(kept, written("hi"))], NOW)
        ours = journal.written(HERE)
        assert ours == replace(intent(1).after, value="hi")
        assert journal.last_touches([HERE]) == {HERE: run}


@pytest.mark.parametrize("result", [Result.stale, Result.refused, Result.failed])
def test_what_was_not_written_is_not_ours(place: Place, result: Result) -> None:
    with open_journal(place) as journal:
        run = journal.begin_run("apply", "p", NOW)
        [kept] = journal.intend(run, [intent(1)], NOW)
        journal.receive([(kept, written(result=result))], NOW)
        assert journal.written(HERE) is None
        assert journal.results(run) == {result.value: 1}


def test_an_intent_without_a_receipt_is_open(place: Place) -> None:
    other = Target(object="account", record_id="a2", kind="note", name="n")
    with open_journal(place) as journal:
        run = journal.begin_run("apply", "p", NOW)
        first, second = journal.intend(run, [intent(1), intent(2, target=other)], NOW)
        journal.receive([(first, written())], NOW)
    with open_journal(place) as journal:
        assert journal.unfinished() == [second]


def test_what_is_ours_is_counted(filled: Place) -> None:
    bare = Target(object="account", record_id="a1", kind="tag", name="flag.x")
    body = Target(object="account", record_id="a2", kind="note", name="n")
    gone = Target(object="contact", record_id="c1", kind="note", name="n")
    with open_journal(filled) as journal:
        run = journal.begin_run("apply", "p", NOW)
        for target, value in ((bare, ""), (body, "text"), (gone, None)):
            [kept] = journal.intend(run, [intent(1, new=value, target=target)], NOW)
            journal.receive([(kept, written(value))], NOW)
        assert journal.held() == {
            "held:account": 2, "note:account": 1, "tag:account:seg.value=high": 1, "tag:account:flag.x": 1,
        }  # fmt: skip
        assert set(journal.places()) == {
            ("account", "tag", "seg.value"), ("account", "tag", "flag.x"), ("account", "note", "n"),
            ("contact", "note", "n"),
        }  # fmt: skip


def test_a_label_is_kept_once_and_none_is_not_empty(filled: Place) -> None:
    labels = [Dissent(target=HERE, account_id="a1", human=human, ours="high", rule="r") for human in (None, "", "low")]
    with open_journal(filled) as journal:
        for _ in range(2):
            journal.label(1, labels, NOW)
        assert journal.labels() == labels


def test_a_missing_journal_is_empty_when_only_read(place: Place) -> None:
    with open_journal(place, read_only=True) as journal:
        assert journal.runs() == []
        assert not journal.held()
    if isinstance(place, Path):
        assert not place.parent.exists()


def test_reading_only_can_not_write(filled: Place) -> None:
    with pytest.raises(StoreError, match="journal-not-writable"), open_journal(filled, read_only=True) as journal:
        journal.begin_run("apply", "p", NOW)


def test_others_read_while_a_run_writes(filled: Place) -> None:
    with open_journal(filled) as journal:
        journal.begin_run("apply", "p", NOW)
        with open_journal(filled, read_only=True) as other:
            assert len(other.runs()) == 2


def test_a_failed_transaction_leaves_nothing(filled: Place) -> None:
    with open_journal(filled) as journal, pytest.raises(IntegrityError):
        journal.intend(77, [intent(1)], NOW)
    with open_journal(filled) as journal:
        assert len(list(journal.steps(77))) == 0


def test_many_places_are_asked_at_once(filled: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "_ASKED", 500)
    targets = [
        Target(object=o, record_id=f"r{n}", kind="tag", name="seg")
        for o, many in (("account", 1_100), ("deal", 3))
        for n in range(many)
    ]
    with open_journal(filled) as journal:
        assert journal.intend(1, [], NOW) == []
        made = journal.intend(1, [intent(n, new=str(n), target=t) for n, t in enumerate(targets)], NOW)
        assert [i.id for i in made] == sorted(i.id for i in made)
        journal.receive([(i, written(i.change.new)) for i in made], NOW)
        assert {t: w.value for t, w in journal.written_many(targets).items()} == {
            t: str(n) for n, t in enumerate(targets)
        }
        assert set(journal.last_touches(targets).values()) == {1}
        assert [s.intent.id for s in journal.steps(1)][1:] == [i.id for i in made]


@pytest.mark.parametrize("text", ["a\0b", "\x1a", "\x1a0", "\x1ae\0\x1a", "客户\U0001f4a3'\"\\"])
def test_every_text_of_a_crm_comes_back_as_it_was(place: Place, text: str) -> None:
    there = Target(object="account", record_id=text, kind="tag", name=text)
    with open_journal(place) as journal:
        run = journal.begin_run("apply", "p", NOW)
        [kept] = journal.intend(run, [intent(1, new=text, target=there)], NOW)
        journal.receive([(kept, written(text))], NOW)
        [step] = journal.steps(run)
        assert (step.intent, step.receipt and step.receipt.echo) == (kept, text)
        assert journal.written_many([there])[there].value == text
        assert journal.held()[f"tag:account:{text}={text}"] == 1


KILLED = """
import sys
from journal.test_journal import intent, written, NOW
from pathlib import Path
from crmrules.stores.journal import open_journal
place = sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1])
with open_journal(place) as journal:
    run = journal.begin_run("apply", "p", NOW)
    for number in range(1, 100_000):
        [kept] = journal.intend(run, [intent(number)], NOW)
        print(f"intent {number}", flush=True)
        journal.receive([(kept, written())], NOW)
        print(f"receipt {number}", flush=True)
"""


@pytest.mark.parametrize("after", [0.02, 0.11, 0.23])
def test_what_was_reported_as_kept_survives_a_kill(place: Place, after: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(place)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(TESTS)},
    )  # fmt: skip
    assert process.stdout is not None
    said = [process.stdout.readline()]  # it is at work
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    said += process.stdout.read().splitlines()
    process.wait()
    intents = sum(line.startswith("intent") for line in said)
    receipts = sum(line.startswith("receipt") for line in said)
    with open_journal(place) as journal:
        steps = list(journal.steps(1))
        assert intents <= len(steps) <= intents + 1
        assert receipts <= sum(s.receipt is not None for s in steps) <= receipts + 1
        assert len(journal.unfinished()) <= 1
