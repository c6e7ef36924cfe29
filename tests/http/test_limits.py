"""Turns: never more than a window allows, in order, and none while the CRM wants rest."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loopback import Server

from crmrules.errors import RetryLater
from crmrules.http.limits import Limiter, Window
from crmrules.http.session import HttpSettings, Session


@dataclass
class Clock:
    time: float = 1000.0

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds


windows = st.lists(
    st.builds(Window, calls=st.integers(1, 6), seconds=st.floats(0.1, 30), per=st.sampled_from(["host", "endpoint"])),
    max_size=3,
)
calls = st.lists(
    st.tuples(st.sampled_from("ab"), st.floats(0, 5), st.floats(0, 1), st.floats(0, 20)), max_size=60
)  # endpoint, seconds it takes, share of them until the CRM counts it, seconds idle before


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(windows, calls)
def test_however_long_calls_take_the_crm_never_counts_too_many(
    windows: list[Window], calls: list[tuple[str, float, float, float]]
) -> None:
    clock = Clock()
    limiter = Limiter(windows, clock=clock, sleep=clock.sleep)
    counted: list[tuple[float, str]] = []
    for endpoint, takes, share, idle in calls:
        clock.time += idle
        with limiter.turn(endpoint):
            counted.append((clock.time + takes * share, endpoint))
            clock.time += takes
    for window in windows:
        for key in "ab" if window.per == "endpoint" else ("ab",):
            times = [at for at, endpoint in counted if endpoint in key]
            for start in times:
                inside = bisect_left(times, start + window.seconds * (1 - 1e-9)) - bisect_left(times, start)
                assert inside <= window.calls


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(1, 9), st.floats(0.5, 60), st.integers(1, 40))
def test_nobody_waits_longer_than_he_must(most: int, seconds: float, asked: int) -> None:
    clock = Clock()
    limiter = Limiter([Window(calls=most, seconds=seconds)], clock=clock, sleep=clock.sleep)
    for _ in range(asked):
        with limiter.turn("a"):
            pass
    assert clock.time == pytest.approx(1000 + (asked - 1) // most * seconds)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.floats(0, 500), min_size=1, max_size=5))
def test_everybody_rests_as_long_as_the_longest_rest_asked_for(rests: list[float]) -> None:
    clock = Clock()
    limiter = Limiter([Window(calls=100, seconds=1, per="endpoint")], clock=clock, sleep=clock.sleep)
    for seconds in rests:
        limiter.rest(seconds)
    for endpoint in "abc":
        with limiter.turn(endpoint):
            assert clock.time == pytest.approx(1000 + max(rests))


def test_a_full_endpoint_does_not_hold_up_another() -> None:
    clock = Clock()
    limiter = Limiter([Window(calls=1, seconds=10, per="endpoint")], clock=clock, sleep=clock.sleep)
    for endpoint in "abc":
        with limiter.turn(endpoint):
            assert clock.time == 1000


def test_a_call_that_failed_counts() -> None:
    clock = Clock()
    limiter = Limiter([Window(calls=1, seconds=10)], clock=clock, sleep=clock.sleep)
    with pytest.raises(OSError, match="lost"), limiter.turn("a"):
        raise OSError("lost")
    with limiter.turn("a"):
        assert clock.time == 1010


@pytest.mark.parametrize("wrong", [{"calls": 0, "seconds": 1}, {"calls": 1, "seconds": 0}])
def test_a_window_that_lets_nobody_through_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="window"):
        Window(**wrong)


def test_turns_come_in_the_order_in_which_they_were_asked_for() -> None:
    limiter = Limiter([Window(calls=1, seconds=0.02)], concurrency=1)
    order: list[int] = []
    threads = [threading.Thread(target=lambda n=n: take(n)) for n in range(8)]

    def take(number: int) -> None:
        with limiter.turn("a"):
            order.append(number)

    with limiter.turn("a"):
        for thread in threads:
            thread.start()
            time.sleep(0.01)  # so that they ask one after the other
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_no_more_are_under_way_at_once_than_allowed_and_all_come_through() -> None:
    limiter = Limiter([Window(calls=40, seconds=0.2)], concurrency=3)
    under_way, most, done = 0, 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal under_way, most, done
        for _ in range(10):
            with limiter.turn("a"):
                with lock:
                    under_way += 1
                    most = max(most, under_way)
                time.sleep(0.001)
                with lock:
                    under_way -= 1
                    done += 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (most, done) == (3, 80)


def test_who_gives_up_waiting_leaves_the_queue() -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    limiter = Limiter([Window(calls=1, seconds=60, per="endpoint")], sleep=interrupted)
    with limiter.turn("a"):
        pass
    with pytest.raises(KeyboardInterrupt), limiter.turn("a"):
        pass
    with limiter.turn("b"):
        pass


def test_over_http_no_window_is_ever_overfull_and_retries_count(server: Server) -> None:
    server.answers = [(503, {}, b""), (0, {}, b"")]
    limiter = Limiter([Window(calls=5, seconds=0.3, per="endpoint")], concurrency=2)
    quick = HttpSettings(first_pause=0.001)

    def work() -> None:
        with Session(quick, limiter=limiter) as session:
            for _ in range(4):
                session.send("GET", f"{server.url}/x", endpoint="x")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times = sorted(seen.at for seen in server.seen)
    assert len(times) == 18
    assert all(later - earlier >= 0.3 for earlier, later in zip(times, times[5:], strict=False))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_429_makes_everybody_rest(server: Server, method: str) -> None:
    clock = Clock()
    limiter = Limiter(clock=clock, sleep=clock.sleep)
    server.answers = [(429, {"Retry-After": "30"}, b"")]
    with Session(HttpSettings(retries=0), limiter=limiter) as session:
        with pytest.raises(RetryLater):
            session.send(method, f"{server.url}/x")
        session.send("GET", f"{server.url}/y")
    assert clock.time == 1030
