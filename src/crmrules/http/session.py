"""One way to speak HTTP: patient, bounded in time, and silent about secrets.

- A call that may be repeated (GET, PUT, DELETE ..., or ``repeatable=True``) is retried with
  growing, jittered pauses on lost connections, 429 and 5xx, and honours ``Retry-After`` up to
  ``longest_pause``. Any other call is retried only where the connection was never made.
- Nothing follows a redirect to another host, nor one that would drop a body: credentials and
  records go where the admin said, or nowhere.
- A private CA and a proxy come from the settings, else from the environment (``HTTPS_PROXY``,
  ``REQUESTS_CA_BUNDLE``). ``~/.netrc`` is not read.
- ``crmrules.http`` logs at DEBUG: method, host, path, status, milliseconds; never a query value,
  a header or a body.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3 import BaseHTTPResponse
from urllib3.util import Retry

from crmrules.errors import ConnectorError, Location, Problem, RetryLater
from crmrules.model.text import clean

_LOG = logging.getLogger("crmrules.http")
_BUSY = (429, 500, 502, 503, 504)
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_EXCERPT = 300  # characters of an answer that an error message quotes


@dataclass(frozen=True, kw_only=True)
class HttpSettings:
    """How long to wait and which way to go; times in seconds."""

    connect_timeout: float = 10
    read_timeout: float = 60
    retries: int = 4
    first_pause: float = 0.5  # doubles with each retry
    longest_pause: float = 120  # also of a Retry-After that is honoured
    ca_bundle: str = ""
    proxy: str = ""
    user_agent: str = "crmrules"


class Session:
    """A pool of connections with one policy; not shared between threads."""

    def __init__(self, settings: HttpSettings | None = None) -> None:
        self.settings = settings or HttpSettings()
        proxy = self.settings.proxy
        self._proxies = {"http": proxy, "https": proxy} if proxy else None
        self._patient = self._open(_Patience(settings=self.settings, any_method=True))
        self._once = self._open(_Patience(settings=self.settings, any_method=False))

    def send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | Mapping[str, str] | None = None,
        repeatable: bool = False,
        check: bool = True,
    ) -> requests.Response:
        """Send one request and return the answer, its body read.

        ``repeatable`` says that sending it twice does no harm. With ``check`` an answer of 400 or
        more raises; without, the caller reads the status. Raises RetryLater where the host stays
        unreachable or busy, ConnectorError for everything that a retry can't mend.
        """
        method = method.upper()
        session = self._patient if repeatable or method in _REPEATABLE else self._once
        started = time.monotonic()
        try:
            response = session.request(
                method, url, params=params, headers=headers, json=json, data=data,
                timeout=(self.settings.connect_timeout, self.settings.read_timeout),
                # NOTE: requests lets the environment overrule what is set on a session, but not this
                verify=self.settings.ca_bundle or None, proxies=self._proxies,
            )  # fmt: skip
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            _LOG.debug("%s %s failed: %s", method, redacted(url), type(error).__name__)
            raise _unreachable(method, url, error) from error
        except requests.RequestException as error:
            raise ConnectorError(_problem("http-request", method, url, type(error).__name__)) from error
        _LOG.debug("%s %s %d %.0f ms", method, redacted(url), response.status_code, (time.monotonic() - started) * 1e3)
        if check and response.status_code >= 400:
            raise refusal(response)
        return response

    def close(self) -> None:
        self._patient.close()
        self._once.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _open(self, retry: Retry) -> requests.Session:
        session = _SameHost()
        session.auth = _no_netrc
        session.headers["User-Agent"] = self.settings.user_agent
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=retry))
        return session


def refusal(response: requests.Response) -> ConnectorError:
    """Return the error for an answer of 400 or more: RetryLater where waiting may help."""
    status = response.status_code
    said = clean(response.text[:_EXCERPT]).strip()
    problem = _problem(
        f"http-{status}", response.request.method or "", response.request.url or "",
        f"{status} {response.reason}" + (f": {said}" if said else ""), hint=_HINTS.get(status, ""),
    )  # fmt: skip
    return RetryLater(problem) if status in _BUSY else ConnectorError(problem)


def redacted(url: str) -> str:
    """Return *url* without user, password and the values of its query."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    names = "&".join(f"{name}=***" for name, _ in parse_qsl(parts.query, keep_blank_values=True))
    return f"{parts.scheme}://{host}{port}{parts.path}" + (f"?{names}" if names else "")


class _SameHost(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        target = super().get_redirect_target(resp)
        if target is None:
            return None
        url, method = resp.request.url or "", resp.request.method or ""
        there, here = urlsplit(urljoin(url, target)), urlsplit(url)
        same_place = there.hostname == here.hostname and (there.scheme, there.port) in (
            (here.scheme, here.port),
            ("https", None),
        )
        if not same_place:
            raise ConnectorError(_problem("http-redirect", method, url, f"redirects to {redacted(there.geturl())}"))
        if method not in ("GET", "HEAD") and resp.status_code not in (307, 308):
            raise ConnectorError(_problem("http-redirect", method, url, f"{resp.status_code} would drop the body"))
        return target


class _Patience(Retry):
    """Retries with jitter; a Retry-After beyond the longest pause is not waited for."""

    def __init__(self, *, settings: HttpSettings | None = None, any_method: bool = True, **options: Any) -> None:
        self._longest = settings.longest_pause if settings else options.pop("longest", 120.0)
        if settings:
            options = {
                "total": settings.retries, "read": None if any_method else False, "other": 0,
                "redirect": 0, "status_forcelist": _BUSY if any_method else (),
                "allowed_methods": None,
                "backoff_factor": settings.first_pause, "backoff_jitter": settings.first_pause,
                "backoff_max": settings.longest_pause, "raise_on_status": False, "respect_retry_after_header": True,
            }  # fmt: skip
        super().__init__(**options)

    def new(self, **kw: Any) -> _Patience:
        return super().new(longest=self._longest, **kw)

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:
        return super().is_retry(method, status_code, False)  # only the statuses that we name

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, self._longest)


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stand where requests would put a login from ``~/.netrc`` over our own header."""
    return request


def _unreachable(method: str, url: str, error: requests.RequestException) -> ConnectorError:
    if isinstance(error, requests.exceptions.SSLError):
        return ConnectorError(
            _problem("http-tls", method, url, "the certificate is not trusted", hint="set ca_bundle to your CA's file")
        )
    reason = getattr(error.args[0], "reason", error) if error.args else error
    refused = isinstance(reason, urllib3.exceptions.NewConnectionError)  # which urllib3 calls a timeout
    late = not refused and isinstance(reason, (requests.Timeout, urllib3.exceptions.TimeoutError))
    what = "no answer in time" if late else "can't be reached"
    return RetryLater(
        _problem("http-unreachable", method, url, what, hint="check the address, the proxy and the network")
    )


def _problem(code: str, method: str, url: str, what: str, hint: str = "") -> Problem:
    return Problem(code, f"{method}: {what}", Location(redacted(url)), hint=hint)


_HINTS = {
    401: "the login is wrong or has expired",
    403: "this login may not do that",
    404: "check the address",
    429: "too many calls; try again later",
}
