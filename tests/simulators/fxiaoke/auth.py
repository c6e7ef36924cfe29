"""Both generations of login, and the token rules they share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ..clock import Clock
from ..server import Request
from .refusals import Refusal, missing
from .switches import Switches

LIFE, SAME = 7200, 6600  # seconds a token lives, and during which the same one is given again


@dataclass(frozen=True, kw_only=True)
class App:
    """An app of the open platform as its administrator knows it, with the tenant it works for."""

    app_id: str = "FSAID_5e1f"
    app_secret: str = "secret-of-the-app"
    permanent_code: str = "code-of-the-tenant"
    corp_id: str = "FSCID_0A1B"
    tenant: str = "demo2026"  # `ea`


class Tokens:
    """Gives tokens and knows which are good."""

    def __init__(self, app: App, clock: Clock, switches: Switches) -> None:
        self._app = app
        self._clock = clock
        self._switches = switches
        self._given: dict[str, float] = {}  # token -> when it was first given
        self.issued = 0

    def token(self, body: Mapping[str, Any], *, new: bool) -> dict[str, Any]:
        """Answer a call for a token of the *new* form or the old. Raises Refusal."""
        names = ("appId", "appSecret", "permanentCode", *(("grantType",) if new else ()))
        for name in names:
            if not isinstance(body.get(name), str) or not body[name]:
                raise missing(name)
        if new and body["grantType"] != "app_secret":
            raise missing("grantType")
        if (body["appId"], body["appSecret"]) != (self._app.app_id, self._app.app_secret):
            raise missing("appSecret")
        if body["permanentCode"] != self._app.permanent_code:
            raise Refusal(20014)
        token, left = self._current()
        if not new:
            return {"corpAccessToken": token, "corpId": self._app.corp_id, "expiresIn": left}
        answer = {"openUserId": "FSCID_ADMIN", "accessToken": token, "expiresIn": left, "appId": self._app.app_id}
        return {**answer, "ea": self._app.tenant} if self._switches.reply_names_tenant else answer

    def _current(self) -> tuple[str, int]:
        now = self._clock.timestamp()
        for token, since in self._given.items():
            if now - since < SAME:
                return token, round(LIFE - (now - since))
        token = uuid4().hex.upper()
        self._given[token] = now
        self.issued += 1
        return token, LIFE

    def good(self, token: object) -> bool:
        since = self._given.get(str(token))
        return since is not None and self._clock.timestamp() - since < LIFE

    def kill(self, request: Request) -> None:
        """No longer accept the token that *request* carries."""
        for token in [
            t for t in self._given if t in str(request.headers.get("authorization")) or t.encode() in request.body
        ]:
            del self._given[token]

    def kill_all(self) -> None:
        self._given.clear()

    def user_of(self, request: Request, body: Mapping[str, Any], employees: Mapping[str, str]) -> str:
        """Return the employee who calls; *employees* maps open user id -> employee id. Raises Refusal."""
        header, in_body = request.headers.get("authorization"), body.get("corpAccessToken")
        if not (header and self._switches.header_auth) and not (in_body and self._switches.body_auth):
            raise Refusal(20017)
        if header and in_body:
            raise Refusal(20016)  # never mix the forms
        if header:
            good = header.startswith("Bearer ") and self.good(header.removeprefix("Bearer "))
            if not good or request.headers.get("x-fs-ea") != self._app.tenant:
                raise Refusal(20016)
            user = request.headers.get("x-fs-userid", "")
            if user not in employees.values():
                raise Refusal(30027)
            return user
        if not self.good(in_body) or body.get("corpId") != self._app.corp_id:
            raise Refusal(20016)
        return self.open_user(body, employees)

    def open_user(self, body: Mapping[str, Any], employees: Mapping[str, str]) -> str:
        user = employees.get(str(body.get("currentOpenUserId")))
        if user is None:
            raise Refusal(20012)
        return user
