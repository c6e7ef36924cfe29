"""Calls: addresses, both forms of login, the throttle, and every answer judged by its error code."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import uuid4

import requests

from crmrules.contracts.connector import Home, Usage
from crmrules.errors import ConnectorError, Location, Problem, RetryLater
from crmrules.http.budget import Budget
from crmrules.http.limits import Limiter, Window
from crmrules.http.session import AuthorisedSession, HttpSettings, Session, json_of
from crmrules.http.tokens import Token, TokenSource, open_cache
from crmrules.model.text import clean
from crmrules_fxiaoke.codes import OK, THROTTLED, meaning
from crmrules_fxiaoke.config import Settings

_EARLY = 600  # seconds before its end that a token is replaced; until then asking gives the same one
_TOKENS, _TOKENS_PER = 8, 600  # the vendor allows 10 a minute, and never two at once
_SAID = 200  # characters of the CRM's words that a message quotes


class Refused(ConnectorError):
    """The CRM answered with an error code; ``code`` is it."""

    def __init__(self, code: int, problem: Problem) -> None:
        self.code = code
        super().__init__(problem)


class Busy(RetryLater, Refused):
    """The same with a code that will pass."""


class Api:
    """The open API of one tenant. Not shared between threads."""

    def __init__(self, settings: Settings, home: Home) -> None:
        self._settings = settings
        http = HttpSettings(
            read_timeout=settings.timeout, retries=settings.retries, first_pause=settings.pause, proxy=settings.proxy,
            ca_bundle=settings.ca_bundle,
        )  # fmt: skip
        window = Window(calls=int(settings.window["calls"]), seconds=settings.window["seconds"], per="endpoint")
        self._budget = Budget(calls=settings.budget)
        self._session = Session(http, limiter=Limiter([window]), budget=self._budget)
        self._login = Session(http)  # tokens are not counted as calls
        self._tokens = TokenSource(
            cache=open_cache(home.state, settings.app_secret, settings.token_cache),
            name=f"fxiaoke-{_fingerprint(settings)}", fetch=self._fetch, early=_EARLY, most=_TOKENS,
            per=_TOKENS_PER,
        )  # fmt: skip
        self._calls = AuthorisedSession(
            self._session, self._tokens, self._headers, _rejected, body=self._body if settings.auth == "body" else None
        )
        self._date: datetime | None = None
        self.skew: timedelta | None = None  # how far the CRM's clock is before ours

    @property
    def usage(self) -> Usage:
        """What was spent until now."""
        return self._budget.usage

    @property
    def date(self) -> datetime | None:
        """The CRM's time as its last answer told it, UTC."""
        return self._date

    def login(self) -> None:
        """Make sure that there is a token. Raises Refused, RetryLater."""
        self._tokens.get()

    def read(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make a call that changes nothing; return the answer. Raises Refused, RetryLater, ConnectorError."""
        return self._call(path, body, repeatable=True)

    def write(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Make a call that changes something; it is sent once. As :meth:`read`; Refused 50009 may have been done."""
        flows = {"triggerWorkFlow": self._settings.workflows, "triggerApprovalFlow": self._settings.approvals}
        return self._call(path, {**flows, **body}, repeatable=False)

    def close(self) -> None:
        self._session.close()
        self._login.close()

    def _call(self, path: str, body: Mapping[str, Any], *, repeatable: bool) -> dict[str, Any]:
        response = self._calls.send(
            "POST", f"{self._settings.url}{path}", params={"thirdTraceId": str(uuid4())}, json=dict(body),
            repeatable=repeatable, endpoint=path, retry_on=self._patience(repeatable),
        )  # fmt: skip
        return self._answer(response, path)

    def _patience(self, repeatable: bool) -> Callable[[requests.Response], float | None]:
        """Return what says how long to wait before a call is sent again: longer each time, and by chance."""
        tries = 0

        def pause(response: requests.Response) -> float | None:
            nonlocal tries
            code = _code(response)
            action = meaning(code).action if code is not None else "fix"
            if action != "retry" and not (action == "unsure" and repeatable):
                return None
            first = self._settings.pause
            if code in THROTTLED:  # somebody else calls as well: wait for the window to move on
                first = max(first, self._settings.window["seconds"] / 4)
            tries += 1
            return first * 2.0 ** (tries - 1) * random.uniform(0.75, 1.25)  # noqa: S311 (guards nothing)

        return pause

    def _answer(self, response: requests.Response, path: str) -> dict[str, Any]:
        self._note_date(response)
        said = json_of(response)
        code = said.get("errorCode") if isinstance(said, dict) else None
        if not isinstance(code, int):
            raise ConnectorError(Problem("bad-answer", "the answer has no errorCode", Location(path)))
        if code != OK:
            raise refusal(code, said, path)
        return said  # type: ignore[no-any-return]

    def _note_date(self, response: requests.Response) -> None:
        try:
            self._date = parsedate_to_datetime(response.headers.get("Date", "")).astimezone(UTC)
        except (ValueError, TypeError):
            return
        self.skew = self._date - datetime.now(UTC)

    # Login

    def _fetch(self) -> Token:
        s = self._settings
        body = {"appId": s.app_id, "appSecret": s.app_secret, "permanentCode": s.permanent_code}
        if s.auth == "headers":
            said = self._ask("/oauth2.0/token", {**body, "grantType": "app_secret"})
            tenant = str(said.get("ea") or s.tenant)
            if not tenant:
                raise ConnectorError(
                    Problem(
                        "no-tenant",
                        "the login does not name the tenant",
                        hint="set `tenant` to the enterprise account (ea)",
                    )
                )
            return _token(said, "accessToken", {"ea": tenant})
        said = self._ask("/cgi/corpAccessToken/get/V2", body)
        corp = {"corpAccessToken": said.get("corpAccessToken"), "corpId": said.get("corpId")}
        return _token(
            said, "corpAccessToken", {"corpId": str(corp["corpId"]), "user": s.open_user_id or self._user(corp)}
        )

    def _user(self, login: Mapping[str, Any]) -> str:
        said = self._ask("/cgi/user/getByMobile", {**login, "mobile": self._settings.mobile})
        found = said.get("empList") or [{}]
        user = found[0].get("openUserId") if isinstance(found[0], dict) else None
        if not user:
            raise ConnectorError(
                Problem("no-user", "nobody has this mobile", hint="check `mobile`, or set `open_user_id`")
            )
        return str(user)

    def _ask(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._answer(self._login.send("POST", f"{self._settings.url}{path}", json=dict(body)), path)

    def _headers(self, token: Token) -> Mapping[str, str]:
        if self._settings.auth == "body":
            return {}
        return {
            "authorization": f"Bearer {token.access}", "x-fs-ea": token.extra["ea"], "x-fs-userid": self._settings.user_id,
        }  # fmt: skip

    def _body(self, token: Token, body: Any) -> Any:
        login = {
            "corpAccessToken": token.access, "corpId": token.extra["corpId"], "currentOpenUserId": token.extra["user"],
        }  # fmt: skip
        return {**login, **body}


def _fingerprint(settings: Settings) -> str:
    """Return a name for this login, so that another one never finds its token."""
    s = settings
    said = "\0".join((s.url, s.auth, s.app_id, s.permanent_code, s.tenant, s.open_user_id, s.mobile))
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def refusal(code: int, said: Mapping[str, Any], path: str) -> Refused:
    """Return the error for an answer with *code*; its words are quoted, never judged."""
    known = meaning(code)
    words = clean(str(said.get("errorMessage") or ""))[:_SAID]
    family = Busy if known.action in ("retry", "unsure", "tomorrow") else Refused
    hint = known.hint.of("en")
    if "white list" in words:
        hint = "add this machine's address to the app's IP whitelist in the open platform"
    trace = clean(str(said.get("traceId") or ""))[:80]
    what = f"{known.text.of('en')} ({code}: {words}" + (f", trace {trace})" if trace else ")")
    return family(code, Problem(f"fxiaoke-{code}", what, Location(path), hint=hint))


def _token(said: Mapping[str, Any], name: str, extra: Mapping[str, str]) -> Token:
    try:
        lives = timedelta(seconds=float(said["expiresIn"]))
        return Token(access=str(said[name]), expires=datetime.now(UTC) + lives, extra=extra)
    except (KeyError, TypeError, ValueError):
        raise ConnectorError(Problem("bad-answer", f"the login's answer has no {name} or expiresIn")) from None


def _code(response: requests.Response) -> int | None:
    try:
        said = response.json()
    except ValueError:
        return None
    code = said.get("errorCode") if isinstance(said, dict) else None
    return code if isinstance(code, int) else None


def _rejected(response: requests.Response) -> bool:
    code = _code(response)
    return code is not None and meaning(code).action == "token"
