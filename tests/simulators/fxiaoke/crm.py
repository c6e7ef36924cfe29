"""The server: who calls, how often, what for; the answers are in the modules beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ..clock import Clock
from ..faults import Kind
from ..server import Request, Response, Simulator, json_response
from .auth import App, Tokens
from .calls import Calls
from .fields import Language
from .functions import Function, FxTag, Tags, arguments
from .limits import Limits, Meter
from .people import People
from .refusals import Refusal, missing
from .store import Store
from .switches import Switches

NEW_TOKEN, OLD_TOKEN = "/oauth2.0/token", "/cgi/corpAccessToken/get/V2"
_PRESET, _CUSTOM = "/cgi/crm/v2/data/", "/cgi/crm/custom/v2/data/"


@dataclass(kw_only=True)
class _Planned:
    code: int
    match: str
    left: int
    after: int


class FxiaokeSim(Simulator):
    """A tenant with one app and some employees. Every answer has HTTP 200; `errorCode` tells."""

    def __init__(
        self,
        *,
        app: App | None = None,
        switches: Switches | None = None,
        limits: Limits | None = None,
        language: Language = "zh",
        clock: Clock | None = None,
        latency: float = 0.0,
    ) -> None:
        super().__init__(clock=clock, latency=latency)
        self.app = app or App()
        self.switches = switches or Switches()
        self.store = Store(self.clock, self.switches, language)
        self.tokens = Tokens(self.app, self.clock, self.switches)
        self.meter = Meter(limits or Limits(), self.switches, self.clock)
        self.tags = Tags()
        self.functions: dict[str, Function] = {}
        self.people = People(self)
        self.employees: dict[str, str] = {"FSUID_ADMIN": "1000"}  # open user id -> employee id
        self.whitelist: set[str] = {"127.0.0.1"}
        self.not_editable: set[str] = set()  # objects that refuse an edit
        self.workflows: list[tuple[str, str, str]] = []  # (object, id, action) whose automations ran
        self.approvals: list[tuple[str, str, str]] = []
        self._calls = Calls(self)
        self._planned: list[_Planned] = []

    def refuse(self, code: int, match: str = "", *, times: int = 1, after: int = 0) -> None:
        """Answer *code* to the next *times* calls whose path fits *match*, once *after* such have passed."""
        self._planned.append(_Planned(code=code, match=match, left=times, after=after))

    def install(self, name: str, function: Function) -> None:
        """Install a function of that api name, as an administrator does."""
        self.functions[name] = function

    # What the loopback server asks

    def endpoint(self, request: Request) -> str:
        return request.path

    def refusal(self, kind: Kind, request: Request) -> Response:
        return _answer(Refusal(50009 if kind == "500" else self.switches.throttle_code))

    def expire(self, request: Request) -> None:
        self.tokens.kill(request)

    def lane(self, request: Request) -> str:
        return "token" if request.path in (NEW_TOKEN, OLD_TOKEN) else ""

    def handle(self, request: Request) -> Response:
        try:
            return _answer(self._handle(request))
        except Refusal as refusal:
            self.counters.add(f"code {refusal.code}")
            return _answer(refusal)

    def _handle(self, request: Request) -> Mapping[str, Any]:
        for planned in self._planned:
            if planned.left > 0 and re.search(planned.match, request.path):
                if planned.after:
                    planned.after -= 1
                    continue
                planned.left -= 1
                raise Refusal(planned.code)
        if "127.0.0.1" not in self.whitelist:
            raise Refusal(self.switches.whitelist_code, "the source ip[127.0.0.1] is not in the ip white list")
        if request.method != "POST":
            raise Refusal(32000, "POST only")
        body = _body(request)
        if request.path in (NEW_TOKEN, OLD_TOKEN):
            self.meter.token_call(request.lane_at_once)
            return self.tokens.token(body, new=request.path == NEW_TOKEN)
        if "thirdTraceId" not in request.query:
            self.counters.add("no trace id")
        if request.path == "/cgi/user/getByMobile":
            return self._by_mobile(body)
        user = self.tokens.user_of(request, body, self.employees)
        self.meter.call(request.path)
        return self._route(request.path)(body, user)

    def _route(self, path: str) -> Callable[[Mapping[str, Any], str], Mapping[str, Any]]:
        calls = self._calls
        if path == "/cgi/crm/v2/special/function":
            return self._run
        if path.startswith("/cgi/crm/v2/object/"):
            found = calls.metadata(path.rpartition("/")[2])
        elif path == "/cgi/crm/custom/data/invalid":  # the batch form has no v2
            found = calls.invalidate_many
        elif path.startswith((_PRESET, _CUSTOM)):
            found = calls.data(path.rpartition("/")[2], custom=path.startswith(_CUSTOM))
        elif path.startswith("/cgi/crm/team/"):
            found = calls.team(path.rpartition("/")[2])
        else:
            found = None
        if found is None:
            raise Refusal(32000, f"no interface {path}")
        return found

    def _by_mobile(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if not self.tokens.good(body.get("corpAccessToken")):
            raise Refusal(20016)
        wanted = self.people.mobiles.get(str(body.get("mobile")))
        return {"empList": [{"openUserId": o} for o, e in self.employees.items() if e == wanted]}

    def _run(self, body: Mapping[str, Any], user: str) -> Mapping[str, Any]:
        data = body.get("data")
        if not isinstance(data, dict) or not data.get("api_name"):
            raise missing("api_name")
        function = self.functions.get(str(data["api_name"]))
        if function is None:
            raise Refusal(32000, f"函数[{data['api_name']}]不存在")
        payload = arguments(data, self.switches.function_parameter)
        result = function(FxTag(self.tags, self._tagged), payload)
        where = self.switches.function_result
        if where == "text":
            return {"data": json.dumps(result, ensure_ascii=False)}
        outer, _, inner = where.partition(".")
        return {outer: {inner: result} if inner else result}

    def _tagged(self, object: str, id: str) -> None:
        if self.switches.tags_bump_modified:
            self.store.touch(self.store.record(object, id), "1000")


def _body(request: Request) -> Mapping[str, Any]:
    try:
        body = request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(32000, "the body is no JSON object")
    return body


def _answer(said: Mapping[str, Any] | Refusal) -> Response:
    if isinstance(said, Refusal):
        head = {"errorCode": said.code, "errorMessage": said.message, "errorDescription": "fail"}
        return json_response(200, {**head, "traceId": f"E-O.8.{uuid4().hex[:12]}"})
    head = {"errorCode": 0, "errorMessage": "OK", "errorDescription": "success"}
    return json_response(200, {**said, **head, "traceId": f"E-O.8.{uuid4().hex[:12]}"})
