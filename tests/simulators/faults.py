"""What goes wrong on purpose: rules that a test adds and that strike the requests they match."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from .server import Request

Kind = Literal[
    "500",  # the vendor's own error body, nothing done
    "html",  # a proxy's HTML page with status 502, nothing done
    "429",  # throttled, with Retry-After
    "429-no-retry-after",
    "slow",  # answered, but only after `seconds`
    "drop-before",  # the connection closes, nothing done
    "drop-after",  # done, and the connection closes without an answer
    "drop-midway",  # done, and the connection closes in the middle of the answer's body
    "expired-token",  # the token of this request dies, then the request is looked at
    "skew",  # answered, with a Date header that is off by `seconds`
]
KINDS: tuple[str, ...] = get_args(Kind)
Match = str | Callable[["Request"], bool]


@dataclass(kw_only=True)
class Fault:
    """One rule. `left` counts down from `times`; `struck` counts up."""

    kind: Kind
    match: Match
    left: int
    after: int = 0  # matching requests to let pass first
    seconds: float = 1.0
    struck: int = field(default=0)

    def fits(self, request: Request) -> bool:
        if callable(self.match):
            return self.match(request)
        return re.search(self.match, f"{request.method} {request.target}") is not None


class Faults:
    """The rules of one simulator, oldest first; the first that fits a request strikes."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rules: list[Fault] = []

    def add(self, kind: Kind, match: Match = "", *, times: int = 1, after: int = 0, seconds: float = 1.0) -> Fault:
        """Add a rule: strike *times* requests that fit *match*, once *after* such have passed.

        *match* is a regular expression searched in ``"METHOD /path?query"`` or a function of the request;
        *seconds* is the delay of ``slow``, the offset of ``skew`` and the Retry-After of ``429``.
        Raises ValueError for an unknown kind.
        """
        if kind not in KINDS:
            raise ValueError(f"no fault is called {kind!r}; there are {', '.join(KINDS)}")
        rule = Fault(kind=kind, match=match, left=times, after=after, seconds=seconds)
        with self._lock:
            self._rules.append(rule)
        return rule

    def strike(self, request: Request) -> Fault | None:
        """The rule that strikes *request*, now used up by one, or None."""
        with self._lock:
            for rule in self._rules:
                if rule.left <= 0 or not rule.fits(request):
                    continue
                if rule.after > 0:
                    rule.after -= 1
                    continue
                rule.left -= 1
                rule.struck += 1
                return rule
        return None

    def clear(self) -> None:
        """Forget every rule."""
        with self._lock:
            self._rules.clear()

    @property
    def pending(self) -> int:
        """How many strikes are left, over all rules: 0 when all that should have gone wrong did."""
        with self._lock:
            return sum(rule.left for rule in self._rules)
