"""What an HTTP answer says, and the error that it is; quotes are short, clean and without markup."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
import urllib3

from crmrules.errors import ConnectorError, Location, Problem, RetryLater
from crmrules.model.text import clean
from crmrules.redaction import redact

BUSY = frozenset({429, 500, 502, 503, 504})
"""Statuses after which the same call may work later."""

_EXCERPT = 300  # characters of an answer that an error message quotes
_LOOKED_AT = 20_000  # characters of a page of HTML in which they are looked for
_EMPTY = frozenset({204, 205, 304})  # by definition without a body


def json_of(response: requests.Response) -> Any:
    """Return the JSON that an answer holds; None for an answer that by its status has no body.

    Raises ConnectorError ``not-json`` for a page of HTML, broken JSON or nothing at all (RetryLater
    where the status says busy). The answer is quoted, shortened.
    """
    if response.status_code in _EMPTY:
        return None
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        family = RetryLater if response.status_code in BUSY else ConnectorError
        raise family(
            _of(
                response, "not-json", f"the answer ({response.status_code}) is not JSON: {excerpt(response) or 'empty'}",
                hint="check the address, and whether a proxy or a login page stands in between",
            )
        ) from None  # fmt: skip


def refusal(response: requests.Response) -> ConnectorError:
    """Return the error for an answer of 400 or more: RetryLater where waiting may help."""
    status = response.status_code
    said = excerpt(response)
    problem = _of(
        response, f"http-{status}", f"{status} {clean(response.reason or '')}" + (f": {said}" if said else ""),
        hint=_HINTS.get(status, ""),
    )  # fmt: skip
    return RetryLater(problem) if status in BUSY else ConnectorError(problem)


def excerpt(response: requests.Response) -> str:
    """Return the beginning of the text that an answer holds, fit for an error message."""
    try:
        text = response.content.decode()  # requests takes a text that names no encoding for Latin-1
    except UnicodeDecodeError:
        text = response.text
    if "html" in response.headers.get("Content-Type", "").lower() or text.lstrip()[:1] == "<":
        text = _text_of(text[:_LOOKED_AT])
    return " ".join(clean(redact(text)[:_EXCERPT]).split())


def unreachable(method: str, url: str, error: requests.RequestException) -> ConnectorError:
    """Return the error for a call that got no answer: RetryLater, but for an untrusted certificate."""
    if isinstance(error, requests.exceptions.SSLError):
        return ConnectorError(
            problem("http-tls", method, url, "the certificate is not trusted", hint="set ca_bundle to your CA's file")
        )
    reason = cause_of(error)
    late = not never_sent(error) and isinstance(reason, (requests.Timeout, urllib3.exceptions.TimeoutError))
    what = "no answer in time" if late else "can't be reached"
    return RetryLater(
        problem("http-unreachable", method, url, what, hint="check the address, the proxy and the network")
    )


def never_sent(error: requests.RequestException) -> bool:
    """Whether the connection was never made, so that the host can't have acted on the call."""
    reason = cause_of(error)
    if isinstance(reason, urllib3.exceptions.ProxyError):
        reason = reason.original_error
    return isinstance(reason, urllib3.exceptions.ConnectTimeoutError)  # refused and unknown hosts among them


def cause_of(error: requests.RequestException) -> BaseException:
    """Return what urllib3 said, where requests wrapped it."""
    inner = error.args[0] if error.args else error
    reason = getattr(inner, "reason", inner)
    return reason if isinstance(reason, BaseException) else error


def problem(code: str, method: str, url: str, what: str, hint: str = "") -> Problem:
    """Return a problem placed at a URL that shows no secret."""
    return Problem(code, f"{method}: {what}", Location(redacted(url)), hint=hint)


def redacted(url: str) -> str:
    """Return *url* without user, password and the values of its query."""
    names = "&".join(f"{name}=***" for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True))
    return place(url) + (f"?{names}" if names else "")


def place(url: str) -> str:
    """Return scheme, host, port and path of *url*."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def _of(response: requests.Response, code: str, what: str, hint: str) -> Problem:
    return problem(code, response.request.method or "", response.request.url or "", what, hint)


class _Visible(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if self._hidden <= 0:
            self.texts.append(data)


def _text_of(html: str) -> str:
    page = _Visible()
    page.feed(html)
    return " ".join(" ".join(page.texts).split())


_HINTS = {
    401: "the login is wrong or has expired",
    403: "this login may not do that",
    404: "check the address",
    429: "too many calls; try again later",
}
