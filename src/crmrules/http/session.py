"""One way to speak HTTP: patient, bounded in time and number, and silent about secrets.

- A call that may be repeated (GET, PUT, DELETE ..., or ``repeatable=True``) is retried with
  growing, jittered pauses on lost connections, 429 and 5xx, and honours ``Retry-After`` up to
  ``longest_pause``. Any other call is retried only where the connection was never made.
- Each try takes a turn from the limiter and is paid from the budget. A 429, or a 503 that says
  when to come back, makes everybody rest who shares the limiter.
- Nothing follows a redirect to another host, nor one that would drop a body: credentials and
  records go where the admin said, or nowhere.
- A private CA and a proxy come from the settings, else from the environment (``HTTPS_PROXY``,
  ``REQUESTS_CA_BUNDLE``). ``~/.netrc`` is not read.
- ``crmrules.http`` logs at DEBUG: method, host, path, status, milliseconds; never a query, a
  header or a body.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TypedDict, Unpack
from urllib.parse import urlsplit

import requests

from crmrules.errors import ConnectorError
from crmrules.http.answers import BUSY, excerpt, json_of, never_sent, place, problem, redacted, refusal, unreachable
from crmrules.http.budget import Budget
from crmrules.http.download import is_file, save
from crmrules.http.limits import Limiter
from crmrules.http.patience import backoff, retry_after
from crmrules.http.tokens import Token, TokenSource
from crmrules.http.transport import open_pool

__all__ = ["AuthorisedSession", "Call", "HttpSettings", "Session", "json_of", "redacted", "refusal"]

_LOG = logging.getLogger("crmrules.http")
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_LOST = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


@dataclass(frozen=True, kw_only=True)
class HttpSettings:
    """How long to wait and which way to go; times in seconds."""

    connect_timeout: float = 10
    read_timeout: float = 60
    retries: int = 4
    first_pause: float = 0.5  # doubles with each retry
    longest_pause: float = 120  # also of a Retry-After that is honoured
    ca_bundle: str = ""
    proxy: str = field(default="", repr=False)  # may hold a password
    user_agent: str = "crmrules"


class Call(TypedDict, total=False):
    """What a request may carry, and how it is counted; everything may be left out.

    ``repeatable`` says that sending it twice does no harm. ``endpoint`` is what the limiter counts
    by (else the path of the URL), ``credits`` the price of one try (else 1). ``retry_on`` looks at
    an answer below 400 and says how many seconds to wait before asking again (whatever the method:
    the caller knows that nothing was done), or None where that answer is to be returned; when
    patience ends, the last one is.
    """

    params: Mapping[str, str]
    headers: Mapping[str, str]
    json: Any
    data: bytes | Mapping[str, str]
    repeatable: bool
    endpoint: str
    credits: float
    retry_on: Callable[[requests.Response], float | None]


class Session:
    """A pool of connections with one policy; not shared between threads, as limiter and budget may be."""

    def __init__(
        self,
        settings: HttpSettings | None = None,
        *,
        limiter: Limiter | None = None,
        budget: Budget | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.settings = settings or HttpSettings()
        self._limiter = limiter
        self._budget = budget
        self._sleep = sleep
        proxy = self.settings.proxy
        self._proxies = {"http": proxy, "https": proxy} if proxy else None
        self._pool = open_pool(self.settings.user_agent)

    def send(self, method: str, url: str, *, check: bool = True, **call: Unpack[Call]) -> requests.Response:
        """Send one request and return the answer, its body read.

        With ``check`` an answer of 400 or more raises; without, the caller reads the status. Raises
        RetryLater where the host stays unreachable or busy, BudgetSpent before a call that can't be
        paid, ConnectorError for everything that a retry can't mend.
        """
        response, _ = self._exchange(method, url, call)
        return _checked(response) if check else response

    def download(self, method: str, url: str, to: Path, **call: Unpack[Call]) -> int:
        """Write the body of the answer to the file *to* and return its length in bytes.

        The file appears when it is whole, readable by its owner only; memory stays flat. Raises as
        :meth:`send` does, ConnectorError ``not-a-file`` for HTML or JSON, StoreError ``cant-write``.
        """
        response, written = self._exchange(method, url, call, to)
        return _written(response, written)

    def close(self) -> None:
        self._pool.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _exchange(
        self, method: str, url: str, call: Call, to: Path | None = None
    ) -> tuple[requests.Response, int | None]:
        """Return the last answer and, where it was written to *to*, its length."""
        method = method.upper()
        patient = call.get("repeatable", False) or method in _REPEATABLE
        tries = 0
        while True:
            lost: requests.RequestException | None = None
            try:
                response, written = self._try(method, url, call, to)
                pause = None if written is not None else self._pause_after(response, tries, patient, call)
            except _LOST as error:
                _LOG.debug("%s %s failed: %s", method, place(url), type(error).__name__)
                lost = error
                mend = (patient and not isinstance(error, requests.exceptions.SSLError)) or never_sent(error)
                pause = self._backoff(tries) if mend else None
            except requests.RequestException as error:
                raise ConnectorError(problem("http-request", method, url, type(error).__name__)) from None
            if pause is None or tries >= self.settings.retries:
                break
            tries += 1
            self._sleep(pause)
        if lost is not None:
            raise unreachable(method, url, lost)  # not `from`: what requests says has the whole URL in it
        return response, written

    def _try(self, method: str, url: str, call: Call, to: Path | None) -> tuple[requests.Response, int | None]:
        if self._budget:
            self._budget.spend(call.get("credits", 1))
        with self._turn(call.get("endpoint", "") or urlsplit(url).path):
            started = time.monotonic()
            response = self._pool.request(
                method, url, params=call.get("params"), headers=call.get("headers"),
                json=call.get("json"), data=call.get("data"), stream=to is not None,
                timeout=(self.settings.connect_timeout, self.settings.read_timeout),
                # NOTE: requests lets the environment overrule what is set on a session, but not this
                verify=self.settings.ca_bundle or None, proxies=self._proxies,
            )  # fmt: skip
            with response:
                written = save(response, to) if to is not None and is_file(response) else None
                if written is None:
                    response.content  # noqa: B018 (reads it, while the connection and the turn are ours)
        _LOG.debug("%s %s %d %.0f ms", method, place(url), response.status_code, (time.monotonic() - started) * 1e3)
        return response, written

    def _turn(self, endpoint: str) -> AbstractContextManager[None]:
        return self._limiter.turn(endpoint) if self._limiter else nullcontext()

    def _pause_after(self, response: requests.Response, tries: int, patient: bool, call: Call) -> float | None:
        """Return how long to wait before this call is tried again; None where it is not."""
        asked = None
        if response.status_code in BUSY:
            asked = retry_after(response)
        elif response.status_code < 400 and "retry_on" in call:
            asked = call["retry_on"](response)
            if asked is None:
                return None
            patient = True
        else:
            return None
        pause = self._backoff(tries) if asked is None else min(asked, self.settings.longest_pause)
        if self._limiter and (asked is not None or response.status_code == 429):
            self._limiter.rest(pause)
        return pause if patient else None

    def _backoff(self, tries: int) -> float:
        return backoff(tries, self.settings.first_pause, self.settings.longest_pause)


class AuthorisedSession:
    """A session whose calls carry a token, and that asks for a new one when the CRM rejects it.

    ``header`` makes headers of a token; ``body``, where given, makes the JSON to send of a token
    and the caller's JSON. ``rejected`` says of an answer that its token was not good; as nothing
    was done then, the call is repeated once, whatever it is.
    """

    def __init__(
        self,
        session: Session,
        tokens: TokenSource,
        header: Callable[[Token], Mapping[str, str]],
        rejected: Callable[[requests.Response], bool],
        *,
        body: Callable[[Token, Any], Any] | None = None,
    ) -> None:
        self._session = session
        self._tokens = tokens
        self._header = header
        self._rejected = rejected
        self._body = body

    def send(self, method: str, url: str, *, check: bool = True, **call: Unpack[Call]) -> requests.Response:
        """As :meth:`Session.send`; ConnectorError ``not-authorised`` where a new token is rejected too."""
        response, _ = self._exchange(method, url, call)
        return _checked(response) if check else response

    def download(self, method: str, url: str, to: Path, **call: Unpack[Call]) -> int:
        """As :meth:`Session.download`; ConnectorError ``not-authorised`` where a new token is rejected too."""
        response, written = self._exchange(method, url, call, to)
        return _written(response, written)

    def _exchange(
        self, method: str, url: str, call: Call, to: Path | None = None
    ) -> tuple[requests.Response, int | None]:
        token = self._tokens.get()
        response, written = self._session._exchange(method, url, self._signed(call, token), to)
        if written is None and self._rejected(response):
            token = self._tokens.renew(token)
            response, written = self._session._exchange(method, url, self._signed(call, token), to)
            if written is None and self._rejected(response):
                raise ConnectorError(
                    problem(
                        "not-authorised", method, url, f"a new token was rejected too: {excerpt(response)}",
                        hint="check the client, its secret, its scopes, and that address and login are of one system",
                    )
                )  # fmt: skip
        return response, written

    def _signed(self, call: Call, token: Token) -> Call:
        signed: Call = {**call, "headers": {**call.get("headers", {}), **self._header(token)}}
        if self._body:
            signed["json"] = self._body(token, call.get("json"))
        return signed


def _checked(response: requests.Response) -> requests.Response:
    if response.status_code >= 400:
        raise refusal(response)
    return response


def _written(response: requests.Response, written: int | None) -> int:
    if written is not None:
        return written
    what = f"{response.status_code} {response.headers.get('Content-Type', '')} instead of a file: {excerpt(response)}"
    raise ConnectorError(
        problem("not-a-file", response.request.method or "", _checked(response).request.url or "", what)
    )
