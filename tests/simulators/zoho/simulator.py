"""Zoho CRM v8 on loopback: accounts server and API in one, for the tests."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ..clock import Clock
from ..faults import Kind
from ..server import Request, Response, Simulator, json_response
from .auth import Accounts, Grant
from .bulk import BulkRead
from .call import Call
from .composite import run as run_composite
from .crm import Behaviour, Crm, Ran
from .errors import Refusal, Refused
from .limits import EDITIONS, HEAVY_AT_ONCE, Credits
from .people import People
from .reading import Pages, list_records
from .routes import Route, length, routes
from .world import populate

ALL_SCOPES = (
    "ZohoCRM.modules.ALL",
    "ZohoCRM.modules.notes.ALL",
    "ZohoCRM.settings.ALL",
    "ZohoCRM.coql.READ",
    "ZohoCRM.bulk.READ",
    "ZohoCRM.org.READ",
    "ZohoCRM.users.READ",
)
_ID = re.compile(r"/\d{6,}")


class ZohoSimulator(People, Simulator):
    """``with ZohoSimulator() as sim:`` and point a client at `sim.url` for accounts and API alike.

    *world* fills a small seed world; *scopes* are those of the standing refresh token; *edition* sets limits;
    *zone* is the org's time zone; the rest as for :class:`simulators.server.Simulator`.
    """

    def __init__(
        self,
        *,
        world: bool = True,
        scopes: Iterable[str] = ALL_SCOPES,
        edition: str = "enterprise",
        zone: str = "Asia/Shanghai",
        clock: Clock | None = None,
        latency: float = 0.0,
    ) -> None:
        super().__init__(clock=clock, latency=latency)
        self.crm = Crm(self.clock, zone=zone, edition=edition)
        self.accounts = Accounts(self.clock, self.counters, scopes)
        if world:
            populate(self.crm)
        limits = EDITIONS[edition]
        daily = limits.credits + limits.credits_per_user * len(self.crm.users)
        self.credits = Credits(clock=self.clock, daily=min(daily, limits.most_credits or daily))
        self.bulk = BulkRead(self._folder, self.lock, self.broken)
        self.versions = {"v8"}
        self._files: TemporaryDirectory[str] | None = None
        self._pages = Pages()
        self._routes = routes(
            {
                "records": lambda crm, call: list_records(crm, call, self._pages),
                "composite": lambda crm, call: run_composite(crm, call, lambda sub: self._alone(sub, call.grant)),
                "bulk start": self.bulk.start,
                "bulk look": self.bulk.look,
                "bulk result": self.bulk.result,
            }
        )

    # What a client is given

    @property
    def client_id(self) -> str:
        return self.accounts.client_id

    @property
    def client_secret(self) -> str:
        return self.accounts.client_secret

    @property
    def refresh_token(self) -> str:
        return self.accounts.refresh_token

    @property
    def other_host(self) -> str:
        """The same server under a name that is not its own: the accounts server of another data centre, and no API host."""
        return self.url.replace("127.0.0.1", "localhost")

    # What a test looks at

    @property
    def behaviour(self) -> Behaviour:
        """Switches for what the documents leave open."""
        return self.crm.behaviour

    @property
    def ran(self) -> list[Ran]:
        """The automations that writes set off; empty when every write said ``"trigger": []``."""
        return self.crm.ran

    # How it answers

    def stop(self) -> None:
        self.bulk.stop()
        super().stop()
        if self._files is not None:
            self._files.cleanup()
            self._files = None

    def lane(self, request: Request) -> str:
        if request.path.startswith("/oauth/"):
            return "tokens"
        heavy = request.path.endswith(("/coql", "/__composite_requests"))
        if not heavy and (request.method == "PUT" or request.path.endswith("/upsert")):
            heavy = length(request, "data") > 10
        return "heavy" if heavy else ""

    def endpoint(self, request: Request) -> str:
        return f"{request.method} {_ID.sub('/{id}', request.path)}"

    def refusal(self, kind: Kind, request: Request) -> Response:
        return Refusal("INTERNAL_ERROR" if kind == "500" else "TOO_MANY_REQUESTS").response()

    def expire(self, request: Request) -> None:
        self.accounts.expire(request.headers.get("Authorization", "").removeprefix("Zoho-oauthtoken "))

    def handle(self, request: Request) -> Response:
        at_home = request.headers.get("Host") == self.url.removeprefix("http://")
        if request.path.startswith("/oauth/"):
            return self._account(request, at_home=at_home)
        try:
            if not at_home:
                raise Refusal("INVALID_HOST")
            grant = self.accounts.authenticate(request)
            most = EDITIONS[self.crm.edition].at_once
            if request.at_once > most or (self.lane(request) == "heavy" and request.lane_at_once > HEAVY_AT_ONCE):
                raise Refusal("TOO_MANY_REQUESTS")
            response = self._call(request, grant)
        except (Refusal, Refused) as refusal:
            response = refusal.response()
        if self.credits.remaining * 2 <= self.credits.daily:
            response = replace(
                response, headers={**response.headers, "X-API-CREDITS-REMAINING": str(self.credits.remaining)}
            )
        return response

    def _account(self, request: Request, *, at_home: bool) -> Response:
        self.accounts.throttle_status = self.crm.behaviour.throttle_status
        if request.path == "/oauth/serverinfo":
            return json_response(200, {"result": "success", "locations": {"us": self.other_host, "cn": self.url}})
        if not at_home:
            return json_response(200, {"error": "invalid_client"})  # no such client in this data centre
        if request.path == "/oauth/v2/token":
            return self.accounts.token(request, self.url)
        if request.path == "/oauth/v2/token/revoke":
            return self.accounts.revoke(request)
        return json_response(404, {"error": "invalid_url"})

    def _alone(self, request: Request, grant: Grant) -> Response:
        try:
            return self._call(request, grant)
        except (Refusal, Refused) as refusal:
            return refusal.response()

    def _call(self, request: Request, grant: Grant) -> Response:
        route, args = self._route(request)
        call = Call(request=request, grant=grant, args=args)
        self._spend(route.price(call))
        module = self.crm.modules.get(args.get("module", ""))
        if "module" in args and module is None:
            raise Refusal("INVALID_MODULE", resource_path_index=0)
        for scope in route.scopes:
            if not grant.allows(scope.replace("{m}", module.scope if module else "")):
                raise Refusal("OAUTH_SCOPE_MISMATCH")
        return route.handler(self.crm, call)

    def _route(self, request: Request) -> tuple[Route, dict[str, str]]:
        known = False
        for route in self._routes:
            found = route.path.match(request.path)
            if found is None or found["version"] not in self.versions:
                continue
            if route.method == request.method:
                return route, {key: value for key, value in found.groupdict().items() if value and key != "version"}
            known = True
        raise Refusal("INVALID_REQUEST_METHOD" if known else "INVALID_URL_PATTERN")

    def _spend(self, price: int) -> None:
        if not self.credits.spend(price):
            raise Refusal("TOO_MANY_REQUESTS")
        self.counters.add("credits", price)

    def _folder(self) -> Path:
        if self._files is None:
            self._files = TemporaryDirectory(prefix="zoho-simulator-")
        return Path(self._files.name)
