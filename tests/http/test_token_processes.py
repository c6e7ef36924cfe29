"""The same across processes: real ones, a real token endpoint, and one that dies at the worst moment."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from loopback import Answer, Seen, Server

from crmrules.http.tokens import open_cache

WORKER = """
import json, sys, threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from crmrules.errors import CrmrulesError, Problem, RetryLater
from crmrules.http.session import HttpSettings, Session, json_of
from crmrules.http.tokens import Token, TokenSource, open_cache

url, folder, threads, rounds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])

def fetch():
    with Session(HttpSettings(retries=0)) as session:
        said = json_of(session.send("POST", url + "/token", data={"client_secret": "s3cret"}))
    if "error" in said:
        raise RetryLater(Problem("token-refused", said["error"]))
    return Token(access=said["access_token"], expires=datetime.now(UTC) + timedelta(seconds=said["expires_in"]))

tokens = TokenSource(cache=open_cache(folder, "s3cret"), name="crm", fetch=fetch)
seen = []

def work():
    token = tokens.get()
    seen.append(token.access)
    for _ in range(rounds):
        try:
            token = tokens.renew(token)
            seen.append(token.access)
        except CrmrulesError as error:
            seen.append(error.problems[0].code)

print("ready", flush=True)
sys.stdin.readline()
workers = [threading.Thread(target=work) for _ in range(threads)]
for worker in workers: worker.start()
for worker in workers: worker.join()
print(json.dumps(seen))
"""


class TokenEndpoint:
    def __init__(self, takes: float = 0.02) -> None:
        self.given = 0
        self.under_way = 0
        self.most = 0
        self.refuses_after = 10**9
        self._takes = takes
        self._lock = threading.Lock()

    def __call__(self, seen: Seen) -> Answer:
        with self._lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        time.sleep(self._takes)
        with self._lock:
            self.under_way -= 1
            self.given += 1
            if self.given > self.refuses_after:
                return 200, {}, b'{"error": "Access Denied", "status": "failure"}'
            return 200, {}, json.dumps({"access_token": f"t{self.given}", "expires_in": 3600}).encode()


def start(server: Server, folder: Path, threads: int, rounds: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, server.url, str(folder), str(threads), str(rounds)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def go(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()


def together(processes: list[subprocess.Popen[str]]) -> list[list[str]]:
    go(processes)
    return [json.loads(process.communicate(timeout=60)[0]) for process in processes]


def test_processes_that_start_together_fetch_one_token(server: Server, tmp_path: Path) -> None:
    server.otherwise = endpoint = TokenEndpoint(takes=0.3)
    seen = together([start(server, tmp_path, threads=8, rounds=0) for _ in range(2)])
    assert seen == [["t1"] * 8] * 2
    assert endpoint.given == 1


def test_in_a_storm_of_rejections_one_asks_at_a_time_and_seldom(server: Server, tmp_path: Path) -> None:
    server.otherwise = endpoint = TokenEndpoint()
    seen = together([start(server, tmp_path, threads=8, rounds=4) for _ in range(3)])
    assert endpoint.most == 1
    assert endpoint.given == 8
    assert {one for some in seen for one in some} == {f"t{n}" for n in range(1, 9)} | {"token-limit"}


def test_a_throttled_process_makes_the_others_rest(server: Server, tmp_path: Path) -> None:
    server.otherwise = endpoint = TokenEndpoint()
    endpoint.refuses_after = 2
    seen = together([start(server, tmp_path, threads=4, rounds=4) for _ in range(2)])
    assert endpoint.given == 3
    assert {one for some in seen for one in some} == {"t1", "t2", "token-refused", "token-throttled"}


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is not known here")
def test_a_process_that_dies_while_it_fetches_holds_nobody_up(server: Server, tmp_path: Path) -> None:
    server.otherwise = endpoint = TokenEndpoint(takes=30)
    victim = start(server, tmp_path, threads=1, rounds=0)
    go([victim])
    while not endpoint.under_way:
        time.sleep(0.01)
    server.otherwise = TokenEndpoint()
    heir = start(server, tmp_path, threads=1, rounds=0)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    began = time.monotonic()
    assert together([heir]) == [["t1"]]
    assert time.monotonic() - began < 10
    assert len(open_cache(tmp_path, "s3cret").load("crm").fetches) == 2  # that of the dead counts
