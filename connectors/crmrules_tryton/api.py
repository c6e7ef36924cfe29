"""Calls: where they go, the login, and what an error means."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from crmrules.contracts.connector import Home, Usage
from crmrules.errors import ConnectorError, Location, Problem, RetryLater
from crmrules.http.budget import Budget
from crmrules.http.limits import Limiter
from crmrules.http.session import AuthorisedSession, HttpSettings, Session, json_of, redacted, refusal
from crmrules.http.tokens import Token, TokenSource, open_cache
from crmrules.model.text import clean
from crmrules_tryton.config import Settings

_LIFE = timedelta(hours=4)  # of a session, before we ask anew who we are and in which company
_LOGIN_TIMEOUT = 60  # seconds
_BUSY_SERVER = ("DatabaseOperationalError", "OperationalError", "database is locked", "TimeOut", "timeout")


class Fault(ConnectorError):
    """Tryton answered with an error: ``kind`` is UserError, UserWarning, ConcurrencyException, or '' for a bug's traceback."""

    def __init__(self, kind: str, message: str, method: str) -> None:
        self.kind = kind
        self.said = message
        code = {"UserError": "refused", "UserWarning": "warning", "ConcurrencyException": "changed-meanwhile"}
        super().__init__(Problem(code.get(kind, "server-error"), message, Location(method)))


@dataclass(frozen=True, kw_only=True)
class Login:
    """Who we are there."""

    url: str  # where calls go
    series: str  # 8.2
    user: int
    context: Mapping[str, Any]  # the user's preferences, which every call carries
    own: frozenset[int]  # parties that are the company itself and its employees


class Api:
    """Calls of one connection, by a session that is shared with other processes of the profile."""

    def __init__(self, settings: Settings, home: Home) -> None:
        self._settings = settings
        self.budget = Budget(calls=settings.budget)
        http = HttpSettings(
            connect_timeout=settings.connect_timeout, read_timeout=settings.read_timeout, retries=settings.retries,
            first_pause=settings.first_pause, longest_pause=settings.longest_pause, ca_bundle=settings.ca_bundle,
            proxy=settings.proxy,
        )  # fmt: skip
        limiter = Limiter()
        self._session = Session(http, limiter=limiter, budget=self.budget)
        # Logins are no part of a run's budget, and Tryton answers them late on purpose after wrong ones.
        patient = replace(http, read_timeout=max(http.read_timeout, _LOGIN_TIMEOUT))
        self._entrance = Session(patient, limiter=limiter)
        secret = "\0".join((settings.url, settings.database, settings.login, settings.password))
        cache = open_cache(home.state, secret, settings.token_cache)
        self._tokens = TokenSource(cache=cache, name="tryton-session", fetch=self._enter)
        self._authorised = AuthorisedSession(self._session, self._tokens, _header, _expired)
        self._date = ""  # of the last answer

    @property
    def login(self) -> Login:
        """Who we are; logs in where nobody has. Raises ConnectorError."""
        said = self._tokens.get().extra
        own = frozenset(map(int, json.loads(said["own"])))
        return Login(
            url=said["url"], series=said["series"], user=int(said["user"]), context=json.loads(said["context"]), own=own
        )

    @property
    def usage(self) -> Usage:
        return self.budget.usage

    @property
    def clock(self) -> datetime | None:
        """The server's time by its last answer."""
        try:
            return parsedate_to_datetime(self._date).astimezone(UTC)
        except (ValueError, TypeError):
            return None

    def call(self, method: str, *parameters: Any) -> Any:
        """Call ``model.<method>`` that reads, as often as it takes.

        Raises Fault where Tryton refuses, RetryLater where it stays busy or unreachable.
        """
        return self._call(method, parameters, repeatable=True)

    def change(self, method: str, *parameters: Any, stamps: Mapping[str, str] | None = None) -> Any:
        """Call ``model.<method>`` that writes: once, unless Tryton surely has not looked at it.

        *stamps* are the versions (``party.party,12`` -> stamp) that must still stand. Raises Fault
        (``ConcurrencyException`` where one does not), RetryLater where nobody knows what became of it.
        """
        return self._call(method, parameters, repeatable=False, stamps=stamps)

    def close(self) -> None:
        self._session.close()
        self._entrance.close()

    def _call(
        self, method: str, parameters: Sequence[Any], *, repeatable: bool, stamps: Mapping[str, str] | None = None
    ) -> Any:
        login = self.login
        context = {**login.context, "_timestamp": dict(stamps)} if stamps else login.context
        body = {"id": 1, "method": f"model.{method}", "params": [*parameters, context]}
        for _ in range(1 if repeatable else self._settings.retries + 1):
            response = self._authorised.send(
                "POST", login.url, json=body, repeatable=repeatable, endpoint="rpc", check=False
            )
            if response.status_code != 429:  # which is said before anything is done; the limiter waits
                break
        self._date = response.headers.get("Date", "")
        return _result(response, method)

    def _enter(self) -> Token:
        url, series = self._found()
        settings = self._settings
        response = self._ask(url, "common.db.login", settings.login, {"password": settings.password}, "en")
        if response.status_code in (401, 403, 404, 429):
            raise _no_entrance(response.status_code, url, settings)
        user, secret, *_ = _result(response, "login")
        token = base64.b64encode(f"{settings.login}:{user}:{secret}".encode()).decode()
        said = _Once(self._entrance, url, token)
        context = said.call("res.user.get_preferences", True, {})
        context.pop("locale", None)
        own = [row["party"] for name in ("company.company", "company.employee") for row in said.parties(name, context)]
        extra = {
            "url": url, "series": series, "user": str(user), "context": json.dumps(context), "own": json.dumps(own),
        }  # fmt: skip
        return Token(access=token, expires=datetime.now(UTC) + _LIFE, extra=extra)

    def _found(self) -> tuple[str, str]:
        """Return where calls go, and the series: since 8.0 everything has /rpc/ at its end."""
        base = self._settings.url
        for root, ending in ((f"{base}/rpc/", "rpc/"), (f"{base}/", "")):
            response = self._ask(root, "common.server.version")
            if response.status_code in (404, 405, 401, 500):
                continue
            said = json_of(response)
            if isinstance(said, dict) and isinstance(said.get("result"), str):
                series = ".".join(said["result"].split(".")[:2])
                return f"{base}/{self._settings.database}/{ending}", series
        raise ConnectorError(
            Problem(
                "no-tryton", "no Tryton server answers there", Location(redacted(base)),
                hint="check the address: without the database's name, with the path of a proxy if there is one",
            )
        )  # fmt: skip

    def _ask(self, url: str, method: str, *parameters: Any) -> requests.Response:
        body = {"id": 0, "method": method, "params": list(parameters)}
        return self._entrance.send("POST", url, json=body, check=False)


class _Once:
    """A few calls right after the login."""

    def __init__(self, session: Session, url: str, token: str) -> None:
        self._session, self._url, self._headers = session, url, {"Authorization": f"Session {token}"}

    def call(self, method: str, *parameters: Any) -> Any:
        body = {"id": 1, "method": f"model.{method}", "params": list(parameters)}
        response = self._session.send("POST", self._url, json=body, headers=self._headers, repeatable=True)
        return _result(response, method)

    def parties(self, model: str, context: Mapping[str, Any]) -> list[dict[str, Any]]:
        try:
            return list(self.call(f"{model}.search_read", [], 0, None, [["id", "ASC"]], ["party"], context))
        except Fault:
            return []  # the module is not there, or we may not look


def _header(token: Token) -> Mapping[str, str]:
    return {"Authorization": f"Session {token.access}"}


def _expired(response: requests.Response) -> bool:
    return response.status_code == 401


def _result(response: requests.Response, method: str) -> Any:
    if response.status_code >= 400:
        raise refusal(response)
    said = json_of(response)
    if not isinstance(said, dict) or not {"result", "error"} & set(said):
        raise ConnectorError(Problem("bad-answer", "the answer is not one of Tryton's", Location(method)))
    if "error" not in said:
        return said["result"]
    raise _fault(said["error"], method)


def _fault(error: Any, method: str) -> ConnectorError:
    kind, more = str(error[0]), error[1] if len(error) > 1 else ""
    if kind == "UserError":
        return Fault(kind, clean(" ".join(str(part) for part in more[:2] if part)), method)
    if kind == "UserWarning":
        return Fault(kind, clean(str(more[1])), method)
    if kind == "ConcurrencyException":
        return Fault(kind, clean(str(more)), method)
    what = clean(f"{kind} {str(more).strip().splitlines()[-1] if more else ''}".strip())[:300]
    if any(sign in what for sign in _BUSY_SERVER):
        return RetryLater(Problem("server-busy", what, Location(method)))
    return Fault("", what, method)


def _no_entrance(status: int, url: str, settings: Settings) -> ConnectorError:
    at = Location(redacted(url))
    if status == 429:
        return RetryLater(
            Problem("login-throttled", "Tryton takes no more logins of this user for now", at,
                    hint="wrong passwords were tried; check the password before you try again")
        )  # fmt: skip
    if status == 404:
        return ConnectorError(
            Problem("no-database", f"the server has no database '{settings.database}'", at, hint="check `database`")
        )
    return ConnectorError(
        Problem("wrong-login", f"Tryton does not accept the login '{settings.login}'", at,
                hint="check `login` and `password`, and that the user is active")
    )  # fmt: skip
