"""The accounts server: grant, refresh and access tokens, and how many of them there may be."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..clock import Clock
from ..counters import Counters
from ..server import Request, Response, json_response
from .errors import Refusal

ACCESS_LIFE = 3600  # seconds
LIVE_ACCESS_TOKENS = 15  # per refresh token; the next kills the oldest
TOKENS_PER_WINDOW = 10  # per refresh token
CODES_PER_WINDOW = 10  # grant tokens per client
REFRESH_TOKENS = 20  # per user and client; the next deletes the first
WINDOW = 600  # seconds
_TOO_MANY = {
    "error": "Access Denied",
    "error_description": "You have made too many requests continuously. Please try again after some time.",
    "status": "failure",
}


@dataclass(kw_only=True)
class Grant:
    """A refresh token: what one user gave to one client."""

    token: str
    scopes: frozenset[str]
    live: deque[str] = field(default_factory=deque)
    issued: deque[float] = field(default_factory=deque)
    blocked_until: float = 0.0

    def allows(self, need: str) -> bool:
        """Whether *need*, e.g. ``modules.accounts.READ``, is covered; alternatives are parted by ``|``."""
        return any(self._covers(one.lower()) for one in need.split("|"))

    def _covers(self, need: str) -> bool:
        *path, operation = need.split(".")
        operations = {operation, "all"} | ({"write"} if operation in ("create", "update") else set())
        places = [".".join(path[: n + 1]) for n in range(len(path))]
        return any(f"zohocrm.{place}.{one}" in self.scopes for place in places for one in operations)


@dataclass(kw_only=True)
class _Code:
    scopes: frozenset[str]
    until: float


class Accounts:
    """Tokens of one data centre. All times are the simulator's clock."""

    def __init__(self, clock: Clock, counters: Counters, scopes: Iterable[str]) -> None:
        self._clock, self._counters = clock, counters
        self.client_id, self.client_secret = "1000.SIMULATED", "not-a-secret-of-anybody"
        self.refresh_token = "1000.refresh.simulated"
        self.throttle_status = 200
        self._grants: dict[str, Grant] = {}
        self._codes: dict[str, _Code] = {}
        self._exchanged: deque[float] = deque()
        self._access: dict[str, tuple[Grant, float]] = {}
        self.grant(self.refresh_token, scopes)

    # What a test does

    def grant(self, refresh_token: str, scopes: Iterable[str]) -> Grant:
        """A refresh token with these scopes, e.g. ``ZohoCRM.modules.READ``; replaces one of that name."""
        grant = Grant(token=refresh_token, scopes=frozenset(scope.lower() for scope in scopes))
        self._grants[refresh_token] = grant
        while len(self._grants) > REFRESH_TOKENS:
            self._revoke(next(iter(self._grants)))
        self._access = {token: kept for token, kept in self._access.items() if kept[0].token != refresh_token}
        return grant

    def code(self, scopes: Iterable[str], *, minutes: float = 3) -> str:
        """A grant token as the API console shows it: for one use, within *minutes*."""
        code = "1000." + secrets.token_hex(16)
        scoped = frozenset(scope.lower() for scope in scopes)
        self._codes[code] = _Code(scopes=scoped, until=self._clock.timestamp() + minutes * 60)
        return code

    def access_token(self) -> str:
        """A live access token of the standing refresh token, without a call and without counting."""
        return self._issue(self._grants[self.refresh_token])

    def expire(self, access_token: str) -> None:
        self._access.pop(access_token, None)

    def expire_all(self) -> None:
        """Kill every access token."""
        self._access.clear()

    # What the API asks

    def authenticate(self, request: Request) -> Grant:
        """Whose call this is; raises Refusal."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Zoho-oauthtoken" or not token.strip():
            raise Refusal("AUTHENTICATION_FAILURE")
        found = self._access.get(token.strip())
        if found is None or found[1] <= self._clock.timestamp():
            raise Refusal("INVALID_TOKEN")
        return found[0]

    # The endpoints

    def token(self, request: Request, base: str) -> Response:
        """``POST /oauth/v2/token``; errors have HTTP status 200 but for the throttle of some data centres."""
        if request.method != "POST":
            return json_response(400, {"error": "invalid_request"})
        asked = {**request.query, **request.form()}
        self._counters.add("tokens asked")
        if asked.get("client_id") != self.client_id:
            return json_response(200, {"error": "invalid_client"})
        if asked.get("client_secret") != self.client_secret:
            return json_response(200, {"error": "invalid_client_secret"})
        kind = asked.get("grant_type")
        if kind == "authorization_code":
            return self._exchange(asked.get("code", ""), base)
        if kind == "refresh_token":
            return self._refresh(asked.get("refresh_token", ""), base)
        return json_response(200, {"error": "unsupported_grant_type"})

    def revoke(self, request: Request) -> Response:
        """``POST /oauth/v2/token/revoke?token=``"""
        token = {**request.query, **request.form()}.get("token", "")
        if token not in self._grants:
            return json_response(400, {"error": "invalid_token"})
        self._revoke(token)
        return json_response(200, {"status": "success"})

    def _revoke(self, refresh_token: str) -> None:
        for live in self._grants.pop(refresh_token).live:
            self.expire(live)

    def _exchange(self, code: str, base: str) -> Response:
        now = self._clock.timestamp()
        self._exchanged = deque(at for at in self._exchanged if at > now - WINDOW)
        if len(self._exchanged) >= CODES_PER_WINDOW:
            return json_response(200, {"error": "access_denied"})
        self._exchanged.append(now)
        found = self._codes.pop(code, None)
        if found is None or found.until <= now:
            return json_response(200, {"error": "invalid_code"})
        grant = self.grant("1000." + secrets.token_hex(16), found.scopes)
        return json_response(200, {"refresh_token": grant.token, **self._answer(grant, base)})

    def _refresh(self, token: str, base: str) -> Response:
        grant = self._grants.get(token)
        if grant is None:
            return json_response(200, {"error": "invalid_code"})
        now = self._clock.timestamp()
        while grant.issued and grant.issued[0] <= now - WINDOW:
            grant.issued.popleft()
        if now < grant.blocked_until or len(grant.issued) >= TOKENS_PER_WINDOW:
            grant.blocked_until = now + WINDOW  # each further try lengthens the block
            self._counters.add("tokens refused")
            return json_response(self.throttle_status, _TOO_MANY)
        grant.issued.append(now)
        return json_response(200, self._answer(grant, base))

    def _answer(self, grant: Grant, base: str) -> dict[str, object]:
        self._counters.add("tokens issued")
        return {
            "access_token": self._issue(grant),
            "scope": " ".join(sorted(grant.scopes)),
            "api_domain": base,
            "token_type": "Bearer",
            "expires_in": ACCESS_LIFE,
        }

    def _issue(self, grant: Grant) -> str:
        token = "1000." + secrets.token_hex(16)
        self._access[token] = (grant, self._clock.timestamp() + ACCESS_LIFE)
        grant.live.append(token)
        if len(grant.live) > LIVE_ACCESS_TOKENS:
            self.expire(grant.live.popleft())
        return token
