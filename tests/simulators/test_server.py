"""The loopback server under every simulator: what goes wrong goes wrong on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import requests

from .clock import Clock
from .faults import KINDS
from .server import Request, Response, Simulator, json_response


class Echo(Simulator):
    """Answers what it was asked and remembers what arrived."""

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]
        self.arrived: list[str] = []
        self.dead: set[str] = set()

    def handle(self, request: Request) -> Response:
        self.arrived.append(request.path)
        if request.headers.get("Authorization") in self.dead:
            return json_response(401, {"message": "expired"})
        if request.path == "/stream":
            return Response(body=iter([b"a" * 10, b"b" * 5]))
        return json_response(200, {"body": request.body.decode(), "query": dict(request.query)})

    def expire(self, request: Request) -> None:
        self.dead.add(request.headers["Authorization"])


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as sim:
        yield sim


def test_requests_arrive_whole_and_answers_are_streamed(echo: Echo) -> None:
    reply = requests.post(f"{echo.url}/x?a=1&b=中", data="好".encode() * 1_000_000, timeout=5)
    assert reply.json() == {"body": "好" * 1_000_000, "query": {"a": "1", "b": "中"}}
    assert requests.get(f"{echo.url}/stream", timeout=5).content == b"aaaaaaaaaabbbbb"
    assert echo.counters.items("calls ") == {"calls GET /stream": 1, "calls POST /x": 1}


@pytest.mark.parametrize(
    ("kind", "status", "arrives"), [("500", 500, 0), ("html", 502, 0), ("429", 429, 0), ("429-no-retry-after", 429, 0)]
)
def test_refusing_faults_leave_the_state_alone(echo: Echo, kind: str, status: int, arrives: int) -> None:
    echo.fault(kind, r"^GET /a\?x", seconds=7)  # type: ignore[arg-type]
    reply = requests.get(f"{echo.url}/a?x=1", timeout=5)
    assert (reply.status_code, len(echo.arrived)) == (status, arrives)
    assert reply.headers.get("Retry-After") == ("7" if kind == "429" else None)
    assert requests.get(f"{echo.url}/a?x=1", timeout=5).status_code == 200


@pytest.mark.parametrize(("kind", "arrives"), [("drop-before", 0), ("drop-after", 1), ("drop-midway", 1)])
def test_dropped_answers_are_lost_on_the_wire(echo: Echo, kind: str, arrives: int) -> None:
    echo.fault(kind, "POST")  # type: ignore[arg-type]
    with pytest.raises(requests.RequestException):
        requests.post(f"{echo.url}/a", data="x", timeout=5)
    assert len(echo.arrived) == arrives


def test_a_token_expires_under_a_request(echo: Echo) -> None:
    echo.fault("expired-token", after=1)
    token = {"Authorization": "T1"}
    assert [requests.get(echo.url, headers=token, timeout=5).status_code for _ in range(3)] == [200, 401, 401]


def test_a_slow_answer_and_overlapping_requests() -> None:
    with Echo(latency=0.1) as echo, ThreadPoolExecutor(4) as pool:
        echo.fault("slow", seconds=0.2)
        replies = list(pool.map(lambda _: requests.get(echo.url, timeout=5), range(4)))
        assert sum(reply.elapsed.total_seconds() >= 0.3 for reply in replies) == 1
        assert echo.counters["at once"] == 4


def test_the_clock_stands_advances_and_shows_in_the_date_header() -> None:
    clock = Clock(datetime(2026, 5, 1, 8, tzinfo=UTC), ticking=False)
    with Echo(clock=clock) as echo:
        clock.advance(30)
        assert requests.get(echo.url, timeout=5).headers["Date"] == "Fri, 01 May 2026 08:00:30 GMT"
        echo.fault("skew", seconds=-3600)
        assert requests.get(echo.url, timeout=5).headers["Date"] == "Fri, 01 May 2026 07:00:30 GMT"


def test_an_unknown_fault_is_refused(echo: Echo) -> None:
    with pytest.raises(ValueError, match="drop-after"):
        echo.fault("explode")  # type: ignore[arg-type]
    assert "drop-after" in KINDS
