"""The journal keeps every run, intent and receipt, and says clearly when it can't."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crmrules.errors import StoreError
from crmrules.model.changes import Cause, Change, Dissent, Receipt, Result, Target
from crmrules.stores import journal_file
from crmrules.stores.journal import Intent, Origin, Written, open_journal

NOW = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
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


def damage(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite"


@pytest.fixture
def filled(path: Path) -> Path:
    with open_journal(path) as journal:
        run = journal.begin_run("apply", "p", NOW, Origin(plan="abc", ruleset="r@1", ruleset_digest="d"))
        [kept] = journal.intend(run, [intent(1)], NOW)
        journal.receive([(kept, written())], NOW)
        journal.end_run(run, NOW, "done", {"written": 1})
    return path


def test_a_run_comes_back_as_it_was_recorded(filled: Path) -> None:
    with open_journal(filled) as journal:
        [run] = journal.runs()
        assert journal.run(run.id) == run
        [step] = journal.steps(run.id)
    assert (run.kind, run.status, run.counts, run.origin.plan) == ("apply", "done", {"written": 1}, "abc")
    assert (step.intent.change, step.intent.after) == (intent(1).change, intent(1).after)
    assert step.receipt == written()


def test_what_was_written_is_ours_with_the_crms_spelling(path: Path) -> None:
    with open_journal(path) as journal:
        run = journal.begin_run("apply", "p", NOW)
        [kept] = journal.intend(run, [intent(1)], NOW)
        assert journal.written(HERE) is None
        journal.receive([(kept, written("hi"))], NOW)
        ours = journal.written(HERE)
        assert ours == replace(intent(1).after, value="hi")
        assert journal.last_touch(HERE) == run


@pytest.mark.parametrize("result", [Result.stale, Result.refused, Result.failed])
def test_what_was_not_written_is_not_ours(path: Path, result: Result) -> None:
    with open_journal(path) as journal:
        run = journal.begin_run("apply", "p", NOW)
        [kept] = journal.intend(run, [intent(1)], NOW)
        journal.receive([(kept, written(result=result))], NOW)
        assert journal.written(HERE) is None
        assert journal.results(run) == {result.value: 1}


def test_an_intent_without_a_receipt_is_open(path: Path) -> None:
    other = Target(object="account", record_id="a2", kind="note", name="n")
    with open_journal(path) as journal:
        run = journal.begin_run("apply", "p", NOW)
        first, second = journal.intend(run, [intent(1), intent(2, target=other)], NOW)
        journal.receive([(first, written())], NOW)
    with open_journal(path) as journal:
        assert journal.unfinished() == [second]


def test_what_is_ours_is_counted(filled: Path) -> None:
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


def test_a_label_is_kept_once_and_none_is_not_empty(filled: Path) -> None:
    labels = [Dissent(target=HERE, account_id="a1", human=human, ours="high", rule="r") for human in (None, "", "low")]
    with open_journal(filled) as journal:
        for _ in range(2):
            journal.label(1, labels, NOW)
        assert journal.labels() == labels


def test_a_missing_journal_is_empty_when_only_read(path: Path) -> None:
    with open_journal(path, read_only=True) as journal:
        assert journal.runs() == []
    assert not path.parent.exists()


def test_reading_only_can_not_write(filled: Path) -> None:
    with pytest.raises(StoreError, match="journal-not-writable"), open_journal(filled, read_only=True) as journal:
        journal.begin_run("apply", "p", NOW)


def test_others_read_while_a_run_writes(filled: Path) -> None:
    with open_journal(filled) as journal:
        journal.begin_run("apply", "p", NOW)
        with open_journal(filled, read_only=True) as other:
            assert len(other.runs()) == 2


def test_a_failed_transaction_leaves_nothing(filled: Path) -> None:
    with open_journal(filled) as journal, pytest.raises(sqlite3.IntegrityError):
        journal.intend(77, [intent(1)], NOW)
    with open_journal(filled) as journal:
        assert len(list(journal.steps(77))) == 0


class TestBroken:
    def test_locked(self, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(journal_file, "WAIT_SECONDS", 0.05)
        other = sqlite3.connect(filled, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="journal-locked") as error, open_journal(filled) as journal:
            journal.begin_run("apply", "p", NOW)
        assert "wait" in error.value.problems[0].hint
        other.close()

    @pytest.mark.parametrize("keep", [0, 50, 4096, -4096])
    def test_truncated(self, filled: Path, keep: int) -> None:
        damage(filled, filled.read_bytes()[:keep])
        with pytest.raises(StoreError, match="journal-damaged") as error, open_journal(filled):
            pass
        assert "backup" in error.value.problems[0].hint

    def test_overwritten_in_the_middle(self, filled: Path) -> None:
        content = filled.read_bytes()
        damage(filled, content[:4096] + b"\xff" * (len(content) - 4096))
        with pytest.raises(StoreError, match="journal-damaged"), open_journal(filled) as journal:
            journal.runs()

    def test_another_kind_of_file(self, tmp_path: Path) -> None:
        text = damage(tmp_path / "a", b"id,name\n1,Acme\n" * 20)
        foreign = tmp_path / "b"
        other = sqlite3.connect(foreign)
        other.execute("CREATE TABLE x (y)")
        other.close()
        for path in (text, foreign):
            with pytest.raises(StoreError, match="journal-foreign"), open_journal(path):
                pass

    def test_a_newer_version(self, filled: Path) -> None:
        other = sqlite3.connect(filled)
        other.execute("PRAGMA user_version = 99")
        other.close()
        with pytest.raises(StoreError, match="journal-newer") as error, open_journal(filled):
            pass
        assert "99" in error.value.problems[0].message


KILLED = """
import sys
from tests_journal import intent, written, NOW
from pathlib import Path
from crmrules.stores.journal import open_journal
with open_journal(Path(sys.argv[1])) as journal:
    run = journal.begin_run("apply", "p", NOW)
    for number in range(1, 100_000):
        [kept] = journal.intend(run, [intent(number)], NOW)
        print(f"intent {number}", flush=True)
        journal.receive([(kept, written())], NOW)
        print(f"receipt {number}", flush=True)
"""


@pytest.mark.parametrize("after", [0.02, 0.11, 0.23])
def test_what_was_reported_as_kept_survives_a_kill(path: Path, tmp_path: Path, after: float) -> None:
    (tmp_path / "tests_journal.py").write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert process.stdout is not None
    said = [process.stdout.readline()]  # it is at work
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    said += process.stdout.read().splitlines()
    process.wait()
    intents = sum(line.startswith("intent") for line in said)
    receipts = sum(line.startswith("receipt") for line in said)
    with open_journal(path) as journal:
        steps = list(journal.steps(1))
        assert intents <= len(steps) <= intents + 1
        assert receipts <= sum(s.receipt is not None for s in steps) <= receipts + 1
        assert len(journal.unfinished()) <= 1
