"""What a run may ask of the CRM, and what it has asked."""

from __future__ import annotations

import math
import threading

from crmrules.contracts.connector import Usage
from crmrules.errors import BudgetSpent, Problem


class Budget:
    """Counts each call before it is sent, retries included; shared by threads. None: no limit.

    ``credits`` are the CRM's own money. Once the CRM has told how many are left, each call is
    counted off from that too, until it tells anew.
    """

    def __init__(self, *, calls: int | None = None, credits: float | None = None) -> None:
        self._most_calls = math.inf if calls is None else calls
        self._most_credits = math.inf if credits is None else credits
        self._usage = Usage()
        self._lock = threading.Lock()

    @property
    def usage(self) -> Usage:
        """What was spent until now."""
        return self._usage

    def spend(self, credits: float = 1, calls: int = 1) -> None:
        """Count *calls* that cost *credits* together.

        Raises BudgetSpent, and counts nothing, where that is more than the run may or the CRM has left.
        """
        with self._lock:
            was = self._usage
            if was.calls + calls > self._most_calls:
                raise BudgetSpent(_spent(f"this run may make {self._most_calls:g} calls and has made {was.calls}"))
            if was.credits + credits > self._most_credits:
                raise BudgetSpent(
                    _spent(f"this run may spend {self._most_credits:g} credits and has spent {was.credits:g}")
                )
            if was.left is not None and credits > was.left:
                raise BudgetSpent(
                    Problem(
                        "credits-used-up", f"the CRM has {was.left:g} credits left, the next call costs {credits:g}",
                        hint="run again when the CRM grants new ones; other apps spend of them as well",
                    )
                )  # fmt: skip
            left = None if was.left is None else was.left - credits
            self._usage = Usage(calls=was.calls + calls, credits=was.credits + credits, left=left)

    def report_left(self, left: float) -> None:
        """Take over what the CRM says is left (a header, or a call that asks for it)."""
        with self._lock:
            was = self._usage
            self._usage = Usage(calls=was.calls, credits=was.credits, left=left)


def _spent(what: str) -> Problem:
    return Problem("budget-spent", what, hint="run again to go on from here, or allow more in the profile")
