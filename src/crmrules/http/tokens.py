"""One token for all threads and processes of a profile, and never a storm of requests for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from crmrules.errors import Problem, RetryLater
from crmrules.http.token_cache import Record, Token, TokenCache, open_cache
from crmrules.redaction import hide

__all__ = ["Token", "TokenCache", "TokenSource", "open_cache"]

_NOT_THROTTLED = ("http-unreachable", "http-500", "http-502", "http-503", "http-504", "budget-spent", "credits-used-up")


class TokenSource:
    """Gives the current token; fetches one at a time, at most *most* in *per* seconds, over all processes.

    *fetch* asks the CRM once. Where it raises RetryLater because the CRM refuses more tokens, nobody
    asks again for *per* seconds. A token is replaced *early* seconds before it expires (but lives
    half of its life at least), and used to its end where no other can be had. Shared by threads.
    """

    def __init__(
        self,
        *,
        cache: TokenCache,
        name: str,
        fetch: Callable[[], Token],
        early: float = 300,
        most: int = 8,
        per: float = 600,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cache = cache
        self._name = name
        self._fetch = fetch
        self._early = timedelta(seconds=early)
        self._most = most
        self._per = timedelta(seconds=per)
        self._now = now
        self._seen = Record()

    def get(self) -> Token:
        """Return a token that is good by the clock.

        Raises RetryLater while none may be asked for, and what *fetch* raises.
        """
        token = self._seen.token
        return token if token and self._is_fresh(self._seen) else self._replaced(None)

    def renew(self, rejected: Token) -> Token:
        """Return a token that is not *rejected*: another's, if somebody replaced it meanwhile."""
        return self._replaced(rejected)

    def _replaced(self, rejected: Token | None) -> Token:
        with self._cache.held(self._name):
            record = self._on_our_clock(self._cache.load(self._name))
            token = None if rejected and record.token and record.token.access == rejected.access else record.token
            if not token or not self._is_fresh(record):
                try:
                    record = self._fetched(record)
                except RetryLater:
                    if not token or token.expires <= self._now():
                        raise
            self._seen = record
            assert record.token
            hide([record.token.access])
            return record.token

    def _fetched(self, record: Record) -> Record:
        self._check_rest(record)
        record = replace(record, fetches=(*record.fetches, self._now()), rest=None)
        self._cache.save(self._name, record)  # before the call: one that is never answered counts too
        try:
            token = self._fetch()
        except RetryLater as error:
            if all(problem.code not in _NOT_THROTTLED for problem in error.problems):
                now = self._now()
                self._cache.save(self._name, replace(record, rest=(now, now + self._per)))
            raise
        record = replace(record, token=token, kept=record.fetches[-1])
        self._cache.save(self._name, record)
        return record

    def _check_rest(self, record: Record) -> None:
        if record.rest:
            raise RetryLater(_resting("token-throttled", "the CRM refuses to give more tokens", record.rest[1]))
        if len(record.fetches) >= self._most:
            what = f"{self._most} tokens were asked for in {self._per.total_seconds():g} s"
            raise RetryLater(_resting("token-limit", what, record.fetches[-self._most] + self._per))

    def _on_our_clock(self, record: Record) -> Record:
        """Drop what is over. What lies in the future was written before the clock stepped back: it begins now."""
        now = self._now()
        fetches = tuple(sorted(min(instant, now) for instant in record.fetches if now - instant < self._per))
        rest = record.rest
        if rest and rest[0] > now:
            rest = (now, now + (rest[1] - rest[0]))
        ours = replace(record, fetches=fetches, rest=rest if rest and now < rest[1] else None)
        if max([*record.fetches, *(record.rest or ())[:1]], default=now) > now:
            self._cache.save(self._name, ours)  # or it would begin anew each time
        return ours

    def _is_fresh(self, record: Record) -> bool:
        if not record.token or not record.kept:
            return False
        now, expires = self._now(), record.token.expires
        early = min(self._early, (expires - record.kept) / 2)
        return record.kept - self._early <= now < expires - early  # kept long after now: the clock stepped back


def _resting(code: str, what: str, until: datetime) -> Problem:
    return Problem(code, what, hint=f"try again after {until:%H:%M:%S} UTC; what was done is kept")
