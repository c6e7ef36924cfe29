"""What the edition of the org allows: credits in a rolling day, calls at once, tags."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from ..clock import Clock

_DAY = 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Edition:
    credits: int
    credits_per_user: int
    most_credits: int | None
    at_once: int
    tags_per_record: int
    tags_per_module: int


EDITIONS = {
    "free": Edition(
        credits=5_000, credits_per_user=0, most_credits=5_000, at_once=5, tags_per_record=5, tags_per_module=20
    ),
    "standard": Edition(
        credits=50_000, credits_per_user=250, most_credits=100_000, at_once=10, tags_per_record=5, tags_per_module=20
    ),
    "professional": Edition(
        credits=50_000, credits_per_user=500, most_credits=3_000_000, at_once=15, tags_per_record=10, tags_per_module=60
    ),
    "enterprise": Edition(
        credits=50_000,
        credits_per_user=1_000,
        most_credits=5_000_000,
        at_once=20,
        tags_per_record=10,
        tags_per_module=100,
    ),
    "ultimate": Edition(
        credits=50_000, credits_per_user=2_000, most_credits=None, at_once=25, tags_per_record=10, tags_per_module=200
    ),
}
HEAVY_AT_ONCE = 10  # COQL, composite, updates of more than 10 records


@dataclass(kw_only=True)
class Credits:
    """Credits of the last 24 hours; `daily` is how many there are."""

    clock: Clock
    daily: int
    used: int = 0
    _spent: deque[tuple[float, int]] = field(default_factory=deque)

    @property
    def remaining(self) -> int:
        self._forget()
        return max(0, self.daily - self.used)

    def spend(self, price: int) -> bool:
        """Take *price*; False, and nothing taken, when there is too little left."""
        if price > self.remaining:
            return False
        self._spent.append((self.clock.timestamp(), price))
        self.used += price
        return True

    def _forget(self) -> None:
        horizon = self.clock.timestamp() - _DAY
        while self._spent and self._spent[0][0] <= horizon:
            self.used -= self._spent.popleft()[1]
