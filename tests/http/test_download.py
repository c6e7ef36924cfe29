"""Files from a CRM: streamed, whole or not there, and their owner's only."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from loopback import Server

from crmrules.errors import ConnectorError, RetryLater, StoreError
from crmrules.http.budget import Budget
from crmrules.http.session import HttpSettings, Session

QUICK = HttpSettings(retries=2, first_pause=0.01, read_timeout=0.3)
ZIP = {"Content-Type": "application/zip"}


def test_the_body_becomes_the_file(server: Server, tmp_path: Path) -> None:
    body = os.urandom(200_000)
    server.answers = [(200, ZIP, body)]
    with Session(QUICK) as session:
        assert session.download("GET", f"{server.url}/x", tmp_path / "all.zip") == len(body)
    assert (tmp_path / "all.zip").read_bytes() == body
    assert [file.name for file in tmp_path.iterdir()] == ["all.zip"]
    assert os.name != "posix" or (tmp_path / "all.zip").stat().st_mode & 0o777 == 0o600


def test_a_body_that_breaks_off_is_fetched_again_and_paid_again(server: Server, tmp_path: Path) -> None:
    server.answers = [(200, {**ZIP, "Content-Length": "100"}, b"half"), (503, {}, b""), (200, ZIP, b"whole")]
    budget = Budget()
    with Session(QUICK, budget=budget) as session:
        assert session.download("GET", f"{server.url}/x", tmp_path / "all.zip") == 5
    assert (tmp_path / "all.zip").read_bytes() == b"whole"
    assert budget.usage.calls == 3


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((200, {**ZIP, "Content-Length": "100"}, b"half"), "http-unreachable"),
        ((200, {"Content-Type": "text/html; charset=utf-8"}, b"<p>please log in</p>"), "not-a-file"),
        ((200, {"Content-Type": "application/json"}, b'{"code": "NOT_READY"}'), "not-a-file"),
        ((404, ZIP, b"no such job"), "http-404"),
        ((500, ZIP, b""), "http-500"),
    ],
)
def test_what_is_not_the_whole_file_never_bears_its_name(
    server: Server, tmp_path: Path, answer: tuple[int, dict[str, str], bytes], code: str
) -> None:
    (tmp_path / "all.zip").write_bytes(b"older")
    server.answers = [answer] * 9
    with Session(QUICK) as session, pytest.raises(ConnectorError) as caught:
        session.download("GET", f"{server.url}/x", tmp_path / "all.zip")
    assert caught.value.problems[0].code == code
    assert isinstance(caught.value, RetryLater) is (code in ("http-unreachable", "http-500"))
    assert (tmp_path / "all.zip").read_bytes() == b"older"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_answer_that_the_file_is_not_ready_may_be_waited_for(server: Server, tmp_path: Path) -> None:
    server.answers = [(200, {"Content-Type": "application/json"}, b'{"state": "queued"}'), (200, ZIP, b"whole")]
    pauses: list[float] = []
    with Session(sleep=pauses.append) as session:
        assert session.download("GET", f"{server.url}/x", tmp_path / "all.zip", retry_on=lambda _: 7) == 5
    assert pauses == [7]


def test_a_folder_that_is_not_there_is_named(server: Server, tmp_path: Path) -> None:
    server.answers = [(200, ZIP, b"x")]
    with Session(QUICK) as session, pytest.raises(StoreError, match="can't be written"):
        session.download("GET", f"{server.url}/x", tmp_path / "none" / "all.zip")


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts KiB on Linux only")
def test_memory_stays_flat(server: Server, tmp_path: Path) -> None:
    size = 150 << 20
    server.otherwise = lambda seen: (200, ZIP, bytes(size))
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from crmrules.http.session import Session\n"
        "def most(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = most()\n"
        "print(Session().download('GET', sys.argv[1], Path(sys.argv[2])), most() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"{server.url}/x", str(tmp_path / "big")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    written, grown = map(int, done.stdout.split())
    assert written == size
    assert grown < 20 << 10  # KiB
