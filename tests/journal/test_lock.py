"""Two runs at once: the second stops and says who is at work; the dead hold nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crmrules.errors import StoreError
from crmrules.stores.lock import run_lock

NOW = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)

HOLD = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from crmrules.stores.lock import run_lock
with run_lock(Path(sys.argv[1]), command="crmrules sync", now=datetime(2026, 11, 21, 3, 0, tzinfo=UTC)):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_run_is_told_who_works_since_when(tmp_path: Path) -> None:
    process = holder(tmp_path)
    try:
        with pytest.raises(StoreError) as error, run_lock(tmp_path, command="crmrules apply", now=NOW):
            pass
    finally:
        process.kill()
        process.wait()
    [problem] = error.value.problems
    assert problem.code == "run-in-progress"
    for part in ("crmrules sync", str(process.pid), socket.gethostname(), "2026-11-21T03:00:00"):
        assert part in problem.message


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    process = holder(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with run_lock(tmp_path, command="crmrules apply", now=NOW):
        pass


def test_a_lock_is_free_again_after_its_run_also_after_a_failed_one(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_lock(tmp_path, command="crmrules apply", now=NOW):
        _ = 1 / 0
    with run_lock(tmp_path, command="crmrules apply", now=NOW):
        with pytest.raises(StoreError, match="run-in-progress"), run_lock(tmp_path, command="second", now=NOW):
            pass
        with pytest.raises(StoreError, match="crmrules apply"), run_lock(tmp_path, command="third", now=NOW):
            pass
