"""What the vendor counts: calls per endpoint in a window, calls per day, token calls per minute."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import timedelta

from ..clock import Clock
from .refusals import Refusal
from .switches import Switches

_CHINA = timedelta(hours=8)  # its days end at midnight there


@dataclass(kw_only=True)
class Limits:
    """The contract of a tenant."""

    calls: int = 100  # in any `seconds`, per endpoint
    seconds: float = 20
    daily: int | None = 100_000  # all endpoints together; None: no package bought
    token_calls: int = 10  # a minute


class Meter:
    """Counts calls against the limits."""

    def __init__(self, limits: Limits, switches: Switches, clock: Clock) -> None:
        self.limits = limits
        self._switches = switches
        self._clock = clock
        self._recent: dict[str, deque[float]] = defaultdict(deque)
        self._day = ""
        self.used_today = 0

    def call(self, endpoint: str) -> None:
        """Count one call of *endpoint*. Raises Refusal; a refused call counts for the day as well."""
        self._new_day()
        if self.limits.daily is None:
            raise Refusal(30003)
        if self.used_today >= self.limits.daily:
            raise Refusal(30002)
        self.used_today += 1
        self._window(endpoint, self.limits.calls, self.limits.seconds)

    def token_call(self, at_once: int) -> None:
        """Count one call for a token, *at_once* of which are under way. Raises Refusal."""
        if at_once > 1:
            raise Refusal(self._switches.throttle_code)
        self._window("token", self.limits.token_calls, 60)

    def _window(self, key: str, calls: int, seconds: float) -> None:
        now, recent = self._clock.timestamp(), self._recent[key]
        while recent and recent[0] <= now - seconds:
            recent.popleft()
        if len(recent) >= calls:
            raise Refusal(self._switches.throttle_code)
        recent.append(now)

    def _new_day(self) -> None:
        day = (self._clock.now() + _CHINA).date().isoformat()
        if day != self._day:
            self._day, self.used_today = day, 0
