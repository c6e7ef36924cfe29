"""How long to wait before asking again; all in seconds."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests


def backoff(attempt: int, first: float, longest: float) -> float:
    """Return the pause after try number *attempt* (from 0): doubling, and up to half of it by chance."""
    full = min(longest, first * 2.0**attempt)
    return full * random.uniform(0.5, 1)  # noqa: S311 (chance keeps clients apart, it guards nothing)


def retry_after(response: requests.Response) -> float | None:
    """Return what the ``Retry-After`` of an answer asks for; None where it has none that can be read.

    A date is taken relative to the answer's own ``Date``: the clocks of the two machines may differ.
    """
    asked = response.headers.get("Retry-After", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked)
    until, sent = _instant(asked), _instant(response.headers.get("Date", ""))
    if until is None:
        return None
    return max(0.0, (until - (sent or datetime.now(UTC))).total_seconds())


def _instant(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
