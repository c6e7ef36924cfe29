"""Asking no faster than the CRM allows.

A call holds its place in a window from before it is sent until ``seconds`` after its answer came.
The CRM counted it somewhere in between, so whatever its clock, its windows (sliding or fixed) and
the time on the way, it never counts more than ``calls`` in ``seconds``. The price: a window is as
much longer as an answer takes.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Window:
    """At most ``calls`` in any ``seconds``, counted for all calls together or for each endpoint."""

    calls: int
    seconds: float
    per: Literal["host", "endpoint"] = "host"

    def __post_init__(self) -> None:
        if self.calls < 1 or not 0 < self.seconds < math.inf:
            raise ValueError(f"a window holds at least one call and lasts a while: {self}")


class Limiter:
    """Gives turns; one per profile, shared by its threads.

    Turns are given in the order in which they were asked for; who waits for the window of another
    endpoint only does not hold the others up. ``concurrency`` is how many calls may be under way at
    once, 0: any number. *clock* counts seconds and never steps back.
    """

    def __init__(
        self,
        windows: Sequence[Window] = (),
        *,
        concurrency: int = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._windows = tuple(windows)
        self._concurrency = concurrency or math.inf
        self._clock = clock
        self._sleep = sleep
        self._changed = threading.Condition()
        self._queue: list[_Waiter] = []
        self._records: dict[tuple[Window, str], _Record] = {}
        self._under_way = 0
        self._rest_until = -math.inf

    @contextmanager
    def turn(self, endpoint: str) -> Iterator[None]:
        """Wait for a turn at *endpoint* and hold it while the call is under way."""
        records = self._take(_Waiter(endpoint))
        try:
            yield
        finally:
            self._give_back(records)

    def rest(self, seconds: float) -> None:
        """Give no turn for *seconds* from now: the CRM said stop."""
        with self._changed:
            self._rest_until = max(self._rest_until, self._clock() + seconds)

    def _take(self, waiter: _Waiter) -> list[_Record]:
        with self._changed:
            self._queue.append(waiter)
        try:
            while True:
                with self._changed:
                    now = self._clock()
                    wait = self._free_at(waiter, now) - now
                    if wait <= 0 and self._is_first(waiter, now):
                        records = self._records_of(waiter)
                        for record in records:
                            record.under_way += 1
                        self._under_way += 1
                        return records
                    if wait <= 0 or wait == math.inf:  # until somebody's turn begins or ends
                        self._changed.wait()
                        continue
                self._sleep(wait)
        finally:
            with self._changed:
                self._queue.remove(waiter)
                self._changed.notify_all()

    def _give_back(self, records: list[_Record]) -> None:
        with self._changed:
            now = self._clock()
            for record in records:
                record.under_way -= 1
                record.ended.append(now)
            self._under_way -= 1
            self._changed.notify_all()

    def _is_first(self, waiter: _Waiter, now: float) -> bool:
        earlier = self._queue[: self._queue.index(waiter)]
        return not any(self._free_at(other, now) <= now for other in earlier)

    def _free_at(self, waiter: _Waiter, now: float) -> float:
        """Return when the turn can begin; infinite while that hangs on a call under way."""
        if self._under_way >= self._concurrency:
            return math.inf
        return max([self._rest_until, *(record.free_at(now) for record in self._records_of(waiter))])

    def _records_of(self, waiter: _Waiter) -> list[_Record]:
        keys = [(window, waiter.endpoint if window.per == "endpoint" else "") for window in self._windows]
        return [self._records.setdefault(key, _Record(key[0])) for key in keys]


@dataclass(eq=False)
class _Waiter:
    endpoint: str


@dataclass
class _Record:
    """The calls that hold a place in one window of one key."""

    window: Window
    under_way: int = 0
    ended: deque[float] = field(default_factory=deque)  # ascending

    def free_at(self, now: float) -> float:
        while self.ended and self.ended[0] + self.window.seconds <= now:
            self.ended.popleft()
        too_many = self.under_way + len(self.ended) - self.window.calls
        if too_many < 0:
            return now
        return self.ended[too_many] + self.window.seconds if too_many < len(self.ended) else math.inf
