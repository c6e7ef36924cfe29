"""Calls of Zoho's API: signed, counted in credits, and with every refusal as an error that says what to do."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import requests

from crmrules.contracts.connector import Home, Usage
from crmrules.errors import ConnectorError, Location, Problem, RetryLater
from crmrules.http.budget import Budget
from crmrules.http.limits import Limiter
from crmrules.http.session import AuthorisedSession, HttpSettings, Session, json_of, redacted
from crmrules.http.tokens import Token, TokenSource, open_cache
from crmrules.model.text import clean
from crmrules_zoho import auth
from crmrules_zoho.codes import CODES, meaning_of
from crmrules_zoho.config import Settings
from crmrules_zoho.memory import Memory

_SHOWN = 200  # characters of what Zoho said that a message quotes


class Refused(ConnectorError):
    """Zoho said no, and with which code."""

    def __init__(self, problem: Problem, code: str, details: Mapping[str, Any]) -> None:
        super().__init__(problem)
        self.code = code
        self.details = details


@dataclass(frozen=True)
class Answer:
    """A good answer: its HTTP status and its JSON, None where it has no body (204, 304)."""

    status: int
    body: Any


class Zoho:
    """One org, spoken to with one login."""

    def __init__(self, settings: Settings, home: Home, memory: Memory, sleep: Callable[[float], object]) -> None:
        self.settings = settings
        self.sleep = sleep
        self._memory = memory
        self._budget = Budget(
            calls=int(settings.budget["calls"]) if "calls" in settings.budget else None,
            credits=settings.budget.get("credits"),
        )
        http = HttpSettings(
            connect_timeout=settings.connect_timeout, read_timeout=settings.read_timeout, retries=settings.retries,
            first_pause=settings.first_pause, longest_pause=settings.longest_pause, ca_bundle=settings.ca_bundle,
            proxy=settings.proxy,
        )  # fmt: skip
        limiter = Limiter(concurrency=settings.workers, sleep=sleep)
        self._session = Session(http, limiter=limiter, budget=self._budget, sleep=sleep)
        self._login = Session(http, sleep=sleep)  # asking for tokens costs no credits
        self.tokens = TokenSource(
            cache=open_cache(home.state, settings.client_secret, settings.token_cache),
            name=f"zoho-{_fingerprint(settings)}", fetch=self._fetch,
        )  # fmt: skip
        self._calls = AuthorisedSession(self._session, self.tokens, _header, _is_rejected)
        self._now: datetime | None = None

    @property
    def is_known(self) -> bool:
        """Whether this login's org was looked at before, and is ours."""
        # A refresh token belongs to one org for good, so each has to be asked once only.
        return self._memory.get("org-of") == _fingerprint(self.settings)

    @property
    def usage(self) -> Usage:
        return self._budget.usage

    @property
    def now(self) -> datetime | None:
        """Zoho's time when it last answered, UTC."""
        return self._now

    def close(self) -> None:
        self._session.close()
        self._login.close()

    def get(self, path: str, params: Mapping[str, str] | None = None, **how: Any) -> Answer:
        return self.call("GET", path, params=params, **how)

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        credits: float = 1,
        repeatable: bool = False,
    ) -> Answer:
        """Make one call; *path* begins behind the version.

        An answer to single records (``data``, ``tags``) is returned whatever it says of them. Raises
        Refused with the code, RetryLater, BudgetSpent.
        """
        self._check_org()
        return self._call(method, path, params, headers, json, credits, repeatable)

    def download(self, path: str, to: Path) -> int:
        """Write what *path* (from the host's root) answers to the file *to*; return its length."""
        return self._calls.download("GET", self._domain() + path, to, endpoint="download", credits=1)

    def org(self) -> Mapping[str, Any]:
        """Ask who the org is: ``zgid``, ``time_zone``, ``iso_code`` (its currency), ``company_name``."""
        found = self._call("GET", "/org", None, None, None, 1, False).body
        orgs = found.get("org") if isinstance(found, dict) else None
        if not orgs:
            raise ConnectorError(Problem("bad-answer", "Zoho did not say which org this is", Location("/org")))
        return dict(orgs[0])

    def check_org(self, org: Mapping[str, Any]) -> None:
        """Take *org* for ours if none is known yet. Raises ConnectorError where ours is another."""
        zgid, known = str(org.get("zgid") or org.get("id") or ""), self._memory.get("zgid")
        if known and known != zgid:
            raise ConnectorError(
                Problem(
                    "other-org", f"these credentials open the org {zgid}, this profile was made for the org {known}",
                    Location(self.settings.accounts),
                    hint="use the credentials of that org, or make another profile for this one",
                )
            )  # fmt: skip
        self._memory.put("zgid", zgid)
        self._memory.put("currency", str(org.get("iso_code") or ""))
        self._memory.put("org-of", _fingerprint(self.settings))

    def _check_org(self) -> None:
        if not self.is_known:
            self.check_org(self.org())

    def _call(
        self, method: str, path: str, params: Mapping[str, str] | None, headers: Mapping[str, str] | None, json: Any,
        credits: float, repeatable: bool,
    ) -> Answer:  # fmt: skip
        area, rest = ("bulk/", path.removeprefix("/bulk")) if path.startswith("/bulk/") else ("", path)
        url = f"{self._domain()}/crm/{area}{self.settings.version}{rest}"
        for _ in range(self.settings.retries + 1):
            response = self._calls.send(
                method, url, check=False, params=params or {}, headers=headers or {}, json=json, credits=credits,
                repeatable=repeatable, endpoint=_endpoint(method, rest),
            )  # fmt: skip
            self._look_at(response)
            if response.status_code != 429 or repeatable or method != "POST":
                break  # what may be repeated has been; a call that was only put off has done nothing
        return _judged(response)

    def _look_at(self, response: requests.Response) -> None:
        left = response.headers.get("X-API-CREDITS-REMAINING", "")
        if left.isdigit():
            self._budget.report_left(int(left))
        try:
            self._now = parsedate_to_datetime(response.headers.get("Date", "")).astimezone(UTC)
        except (ValueError, TypeError):
            return

    def _domain(self) -> str:
        return self.tokens.get().extra["api_domain"]

    def _fetch(self) -> Token:
        s = self.settings
        return auth.refresh(self._login, s.accounts, s.client_id, s.client_secret, s.refresh_token)


def sleeping(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def error_of(code: str, said: Mapping[str, Any], status: int, at: str) -> ConnectorError:
    """Return the error that a refused call is."""
    meaning = meaning_of(code, status)
    details = said.get("details")
    details = details if isinstance(details, dict) else {}
    words = clean(str(said.get("message", "")))[:_SHOWN]
    problem = Problem(
        f"zoho-{code.lower().replace('_', '-')}", f"{meaning.meaning.of('en')} ({code}: {words}{_where(details)})",
        Location(at), hint=meaning.hint.of("en"),
    )  # fmt: skip
    return RetryLater(problem) if meaning.action == "retry" else Refused(problem, code, details)


def words_of(said: Mapping[str, Any]) -> str:
    """Return what Zoho said of one record, for a receipt: the meaning, the code and the field."""
    code = str(said.get("code", ""))
    details = said.get("details")
    details = details if isinstance(details, dict) else {}
    if code == "MULTIPLE_OR_MULTI_ERRORS" and isinstance(details.get("errors"), list):
        return "; ".join(words_of(one) for one in details["errors"] if isinstance(one, dict))
    meaning = meaning_of(code, 200)
    hint = meaning.hint.of("en")
    return f"{meaning.meaning.of('en')} ({code}{_where(details)})" + (f": {hint}" if hint else "")


def _where(details: Mapping[str, Any]) -> str:
    keys = ("api_name", "param_name", "param", "expected_data_type", "maximum_length", "limit", "permissions", "reason")
    said = [f"{key} {clean(str(details[key]))[:_SHOWN]}" for key in keys if key in details]
    return ", " + ", ".join(said) if said else ""


def _judged(response: requests.Response) -> Answer:
    body = json_of(response)
    status = response.status_code
    if isinstance(body, dict):
        code, failed = body.get("code"), body.get("status") == "error"
        if code and (failed or status >= 400):
            raise error_of(str(code), body, status, redacted(response.request.url or ""))
        if status < 400 or isinstance(body.get("data") or body.get("tags") or body.get("contact_roles"), list):
            return Answer(status, body)
    if status >= 400:
        raise error_of("INTERNAL_ERROR" if status >= 500 else f"HTTP_{status}", {}, status, redacted(response.request.url or ""))  # fmt: skip
    return Answer(status, body)


def _header(token: Token) -> Mapping[str, str]:
    return {"Authorization": f"Zoho-oauthtoken {token.access}"}  # whatever token_type says


def _is_rejected(response: requests.Response) -> bool:
    """Whether a new token would help; a missing scope is a 401 as well, and it would not."""
    if response.status_code != 401:
        return False
    try:
        code = response.json().get("code")
    except (ValueError, AttributeError):
        return True
    known = CODES.get(str(code))
    return known is None or known.action == "renew"


def _endpoint(method: str, path: str) -> str:
    parts = ("{id}" if part.isdigit() else part for part in path.split("/"))
    return f"{method} {'/'.join(parts)}"


def _fingerprint(settings: Settings) -> str:
    said = "\0".join((settings.accounts, settings.client_id, settings.refresh_token))
    return hashlib.sha256(said.encode()).hexdigest()[:12]
