"""A journal on PostgreSQL: shared by profiles and machines, one run at a time, and clear when it can't."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crmrules.errors import StoreError
from crmrules.stores.journal import Journal, copy_journal, database_lock, open_journal
from writeback.test_crash import IDS, WANTED, Faulty, Killed, assert_all_there_once
from writeback.world import Crm, World

from .cluster import Cluster
from .test_journal import HERE, NOW, fill, intent, written


def test_a_run_that_dies_is_completed_and_can_be_undone(database: str, tmp_path: Path) -> None:
    world = World(tmp_path, Crm(tmp_path / "crm.sqlite", batch=4))
    world.journal_path = database  # type: ignore[assignment]
    for id in IDS:
        world.crm.add_record("客户", id)
    before, plan = world.crm.contents(), world.plan(WANTED)
    world.wrap = lambda crm: Faulty(crm, 2, Killed(), arrived=True, calls=["write"])
    with pytest.raises(Killed):
        world.apply(plan)
    world.wrap = lambda crm: crm
    world.apply(plan)
    assert_all_there_once(world)
    world.undo_ours()
    assert world.crm.contents() == before


def test_each_profile_sees_only_its_own(database: str) -> None:
    kept = {}
    for profile in ("north", "south"):
        with open_journal(database, profile=profile) as journal:
            run = journal.begin_run("apply", profile, NOW)
            [made, _] = journal.intend(run, [intent(1, new=profile), intent(2)], NOW)
            journal.receive([(made, written(profile))], NOW)
            journal.end_run(run, NOW, "done", {"written": 1})
            kept[profile] = run
    for profile, other in (("north", "south"), ("south", "north")):
        with open_journal(database, profile=profile, read_only=True) as journal:
            assert [run.profile for run in journal.runs()] == [profile]
            assert journal.written_many([HERE])[HERE].value == profile
            assert journal.held() == {"held:account": 1, f"tag:account:seg.value={profile}": 1}
            assert {step.intent.run for step in journal.history()} == {kept[profile]}
            assert list(journal.steps(kept[other])) == []
            with pytest.raises(StoreError, match="unknown-run"):
                journal.run(kept[other])


def test_a_rehearsal_works_on_a_copy_of_the_profiles_own_part(database: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.sqlite"
    copy_journal(database, copy, profile="p")
    assert not copy.exists()  # of nothing
    with open_journal(database, profile="other") as journal:
        run = journal.begin_run("apply", "other", NOW)
        journal.receive([(made, written("x")) for made in journal.intend(run, [intent(1, new="x")], NOW)], NOW)
    with open_journal(database, profile="p") as journal:
        for kind in ("apply", "pull", "apply"):
            run = journal.begin_run(kind, "p", NOW)  # type: ignore[arg-type]
            if kind == "apply":
                done, _ = journal.intend(run, [intent(1, new="a\0b"), intent(2)], NOW)
                journal.receive([(done, written("a\0b"))], NOW)
            journal.end_run(run, NOW, "interrupted", {})
    copy_journal(database, copy, profile="p")
    with open_journal(database, profile="p", read_only=True) as journal, open_journal(copy) as copied:
        assert copied.runs() == journal.runs()
        assert copied.unfinished() == journal.unfinished()
        assert len(journal.unfinished()) == 2
        assert copied.written_many([HERE]) == journal.written_many([HERE])
        assert copied.held() == journal.held()
        assert copied.results(journal.runs()[0].id) == {"written": 1}
        copied.begin_run("pull", "p", NOW)
        assert len(copied.runs()) == len(journal.runs()) + 1


def test_reading_makes_nothing(database: str, cluster: Cluster) -> None:
    with open_journal(database, read_only=True) as journal:
        assert journal.runs() == []
    fill(database)
    with open_journal(database, read_only=True) as journal:
        assert [run.id for run in journal.runs()] == [1]


def cut(journal: Journal, cluster: Cluster) -> None:
    """Work on a journal whose connection is lost in the middle, and try to say how the run ended."""
    pid = journal._connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
    try:
        cluster.execute(f"SELECT pg_terminate_backend({pid})")
        journal.begin_run("apply", "p", NOW)
    finally:
        journal.end_run(1, NOW, "done", {})


class TestBroken:
    def test_tables_of_somebody_else(self, database: str, cluster: Cluster) -> None:
        schema = database.rpartition("%3D")[2]
        cluster.execute(f"CREATE TABLE {schema}.run (id integer)")
        with pytest.raises(StoreError, match="journal-foreign"), open_journal(database):
            pass

    def test_a_newer_version(self, database: str, cluster: Cluster) -> None:
        fill(database)
        cluster.execute(f"UPDATE {database.rpartition('%3D')[2]}.crmrules_journal SET version = 99")
        with pytest.raises(StoreError, match="journal-newer"), open_journal(database):
            pass

    def test_no_answer_and_no_password_in_what_is_said(self, tmp_path: Path) -> None:
        url = f"postgresql://me:hunter2secret@/x?host={tmp_path}"
        with pytest.raises(StoreError, match="journal-unreachable") as error, open_journal(url):
            pass
        assert "hunter2secret" not in str(error.value)

    def test_no_url(self) -> None:
        with pytest.raises(StoreError, match="journal-url") as error, open_journal("mysql://me:hunter3secret@x/y"):
            pass
        assert "hunter3secret" not in str(error.value)

    def test_a_connection_that_is_cut(self, database: str, cluster: Cluster) -> None:
        with pytest.raises(StoreError, match="journal-unreachable"), open_journal(database) as journal:
            cut(journal, cluster)

    def test_nothing_of_a_failed_batch_stays(self, database: str) -> None:
        fill(database)
        with open_journal(database) as journal:
            [made] = journal.intend(1, [intent(2)], NOW)
            with pytest.raises(Exception, match="receipt_pkey"):
                journal.receive([(made, written("low")), (made, written("low"))], NOW)
            assert journal.written_many([HERE])[HERE].value == "high"
            assert journal.unfinished() == []  # the run has ended


HOLD = """
import sys, time
from crmrules.stores.journal import database_lock
with database_lock(sys.argv[1], "p", command="crmrules sync"):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def holder(url: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, url], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_run_on_another_machine_is_named_and_a_dead_ones_lock_is_taken_over(database: str, cluster: Cluster) -> None:
    with holder(database) as process:
        with pytest.raises(StoreError, match="run-in-progress") as error, database_lock(database, "p", command="x"):
            pass
        message = error.value.problems[0].message
        assert f"`crmrules sync` (process {process.pid} on {os.uname().nodename[:30]}" in message
        with database_lock(database, "another profile", command="x"):
            pass
        with database_lock(cluster.new(), "p", command="x"):  # another journal in the same database
            pass
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        for _ in range(100):  # the server sees the closed connection a moment later
            try:
                with database_lock(database, "p", command="x"):
                    return
            except StoreError:
                pass
        pytest.fail("the lock of a killed process is still held")
