"""The pool of connections: no netrc, no foreign redirects, one try per call, silent about queries."""

from __future__ import annotations

import logging
import re
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

from crmrules.errors import ConnectorError
from crmrules.http.answers import problem, redacted


def open_pool(user_agent: str) -> requests.Session:
    """Return a requests session that tries once: who repeats a call has to count it."""
    session = _SameHost()
    session.auth = _no_netrc
    session.headers["User-Agent"] = user_agent
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=0))
    return session


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
            raise ConnectorError(problem("http-redirect", method, url, f"redirects to {redacted(there.geturl())}"))
        if method not in ("GET", "HEAD") and resp.status_code not in (307, 308):
            raise ConnectorError(problem("http-redirect", method, url, f"{resp.status_code} would drop the body"))
        return target


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stand where requests would put a login from ``~/.netrc`` over our own header."""
    return request


class _WithoutQueries(logging.Filter):
    """urllib3 logs whole request targets at DEBUG; the values of their queries may be secrets."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = re.sub(r"\?[^\s\"]+", "?***", record.getMessage()), None
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_WithoutQueries())
