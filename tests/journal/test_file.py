"""What can be wrong with the journal's file, and how an old one is brought up."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from crmrules.errors import StoreError
from crmrules.model.changes import Dissent
from crmrules.stores.journal import open_journal, sqlite

from .test_journal import HERE, NOW, fill, intent, written

VERSION_1 = Path(__file__).parent / "version_1.sql"


def damage(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    path = tmp_path / "state" / "journal.sqlite"
    fill(path)
    return path


class TestBroken:
    def test_locked(self, filled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sqlite, "WAIT_SECONDS", 0.05)
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


class TestOfVersion1:
    @pytest.fixture
    def old(self, tmp_path: Path) -> Path:
        path = tmp_path / "journal.sqlite"
        with sqlite3.connect(path) as con:
            con.executescript(VERSION_1.read_text(encoding="utf-8"))
        con.close()
        return path

    def check(self, path: Path, *, read_only: bool) -> None:
        with open_journal(path, read_only=read_only) as journal:
            assert [(run.id, run.kind, run.status) for run in journal.runs()] == [
                (2, "apply", "interrupted"),
                (1, "apply", "done"),
            ]
            assert journal.written_many([HERE]) == {HERE: intent(1).after}
            assert journal.last_touches([HERE]) == {HERE: 1}
            [step] = journal.steps(1)
            assert (step.intent.change, step.receipt) == (intent(1).change, written())
            assert [open_.change.id for open_ in journal.unfinished()] == [2]
            assert [(label.human, label.ours) for label in journal.labels()] == [
                (None, "high"),
                ("", "high"),
                ("low", None),
            ]

    def test_it_is_brought_up_when_it_is_opened(self, old: Path) -> None:
        self.check(old, read_only=False)
        self.check(old, read_only=False)
        with open_journal(old) as journal:
            again = Dissent(target=HERE, account_id="a1", human="", ours="high", rule="r")
            journal.label(2, [again], NOW)
            assert len(journal.labels()) == 3
            [kept] = journal.intend(2, [intent(3, new="low")], NOW)
            assert kept.id == 3
            journal.receive([(kept, written("low"))], NOW)
            assert journal.held() == {"held:account": 1, "tag:account:seg.value=low": 1}

    def test_reading_only_leaves_it_as_it_is(self, old: Path) -> None:
        before = old.read_bytes()
        self.check(old, read_only=True)
        assert old.read_bytes() == before

    def test_a_failure_on_the_way_leaves_it_as_it_was(self, old: Path) -> None:
        with sqlite3.connect(old) as con:
            con.execute("CREATE TABLE label_2 (x)")  # the step will want to make it
        con.close()
        with pytest.raises(sqlite3.OperationalError, match="label_2"), open_journal(old):
            pass
        with sqlite3.connect(old) as con:
            con.execute("DROP TABLE label_2")
        con.close()
        self.check(old, read_only=False)

    def test_it_has_then_the_tables_of_a_new_one(self, old: Path, filled: Path) -> None:
        def columns(path: Path) -> dict[str, list[object]]:
            with open_journal(path):
                pass
            con = sqlite3.connect(path)
            tables = [row[0] for row in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            found = {table: con.execute(f"PRAGMA table_info({table})").fetchall() for table in tables}
            con.close()
            return {table: [(c[1], c[2], c[3] or c[5], c[5]) for c in rows] for table, rows in found.items()}

        assert columns(old) == columns(filled)
