"""The time a simulated CRM lives in: as real as ours until a test sets, advances or stops it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import Lock


class Clock:
    """A clock in UTC. It goes on by itself (``ticking``) or only when told; it is safe between threads."""

    def __init__(self, at: datetime | None = None, *, ticking: bool = True) -> None:
        self._lock = Lock()
        self._base = (at or datetime.now(UTC)).astimezone(UTC)
        self._since = time.monotonic()
        self._ticking = ticking

    def now(self) -> datetime:
        """The time now, with its zone (UTC)."""
        with self._lock:
            return self._read()

    def timestamp(self) -> float:
        """The time now in seconds since 1970."""
        return self.now().timestamp()

    def set(self, at: datetime) -> None:
        """Put the clock to *at*; it goes on ticking if it did."""
        with self._lock:
            self._base, self._since = at.astimezone(UTC), time.monotonic()

    def advance(self, seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> datetime:
        """Let time pass at once; negative amounts turn it back. Gives the new time."""
        with self._lock:
            self._base += timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days)
            return self._read()

    def freeze(self) -> datetime:
        """Stop the clock; it then moves only by `set` and `advance`. Gives the time it stands at."""
        with self._lock:
            self._base, self._ticking = self._read(), False
            return self._base

    def run(self) -> None:
        """Let a stopped clock tick again from where it stands."""
        with self._lock:
            self._base, self._since, self._ticking = self._read(), time.monotonic(), True

    def _read(self) -> datetime:
        passed = time.monotonic() - self._since if self._ticking else 0.0
        return self._base + timedelta(seconds=passed)
