"""What a simulator counted, so that a test can hold a client to its budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from threading import Lock


class Counters:
    """Named sums and named peaks, safe between threads. A name never counted is 0."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sums: Counter[str] = Counter()
        self._peaks: dict[str, int] = {}

    def add(self, name: str, amount: int = 1) -> None:
        """Add *amount* to the sum called *name*."""
        with self._lock:
            self._sums[name] += amount

    def peak(self, name: str, value: int) -> None:
        """Keep the highest *value* seen under *name*."""
        with self._lock:
            self._peaks[name] = max(value, self._peaks.get(name, 0))

    def __getitem__(self, name: str) -> int:
        with self._lock:
            return self._sums.get(name) or self._peaks.get(name, 0)

    def total(self, prefix: str = "") -> int:
        """The sum over all names that start with *prefix*."""
        with self._lock:
            return sum(amount for name, amount in self._sums.items() if name.startswith(prefix))

    def items(self, prefix: str = "") -> Mapping[str, int]:
        """Sums and peaks whose names start with *prefix*, by name."""
        with self._lock:
            both = {**self._sums, **self._peaks}
        return {name: both[name] for name in sorted(both) if name.startswith(prefix)}

    def reset(self) -> None:
        """Forget everything counted."""
        with self._lock:
            self._sums.clear()
            self._peaks.clear()
