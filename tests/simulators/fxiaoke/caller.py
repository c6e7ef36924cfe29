"""A client that sends exactly what it is told, and the fixtures of the simulator's own tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from ..clock import Clock
from .crm import FxiaokeSim
from .world import seed

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)  # noon in China


class Caller:
    """A client that sends exactly what it is told."""

    def __init__(self, sim: FxiaokeSim, *, old: bool = False) -> None:
        self.sim = sim
        self.http = requests.Session()
        self.old = old
        self.headers: dict[str, str] = {}
        self.fields: dict[str, str] = {}

    def login(self) -> Caller:
        app = self.sim.app
        body = {"appId": app.app_id, "appSecret": app.app_secret, "permanentCode": app.permanent_code}
        if self.old:
            said = self.raw("/cgi/corpAccessToken/get/V2", body)
            self.fields = {"corpAccessToken": said["corpAccessToken"], "corpId": said["corpId"]}
            self.fields["currentOpenUserId"] = "FSUID_ADMIN"
        else:
            said = self.raw("/oauth2.0/token", {**body, "grantType": "app_secret"})
            self.headers = {
                "authorization": f"Bearer {said['accessToken']}",
                "x-fs-ea": said["ea"],
                "x-fs-userid": "1000",
            }
        return self

    def raw(self, path: str, body: Any) -> dict[str, Any]:
        reply = self.http.post(f"{self.sim.url}{path}", json=body, headers=self.headers, timeout=10)
        assert reply.status_code == 200  # errors too
        return dict(reply.json())

    def call(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return self.raw(f"/cgi/crm/{path}", {**self.fields, **(body or {})})

    def query(self, object: str = "AccountObj", *, top: Mapping[str, Any] | None = None, **info: Any) -> dict[str, Any]:
        switch = {k: info.pop(k) for k in ("find_explicit_total_num", "returnTotalNum") if k in info}
        data = {"dataObjectApiName": object, **switch, "search_query_info": {"limit": 100, "offset": 0, **info}}
        family = "custom/v2" if object.endswith("__c") else "v2"
        return self.call(f"{family}/data/query", {**(top or {}), "data": data})

    def ids(self, *filters: tuple[str, str, list[str]], object: str = "AccountObj") -> list[str]:
        said = [{"field_name": f, "operator": o, "field_values": v} for f, o, v in filters]
        reply = self.query(object, filters=said)
        assert reply["errorCode"] == 0, reply
        return [r["_id"] for r in reply["data"]["dataList"]]

    def update(self, object: str, id: str, **values: Any) -> dict[str, Any]:
        data = {"object_data": {"dataObjectApiName": object, "_id": id, **values}}
        family = "custom/v2" if object.endswith("__c") else "v2"
        return self.call(
            f"{family}/data/update", {"triggerWorkFlow": False, "triggerApprovalFlow": False, "data": data}
        )


@pytest.fixture
def sim() -> Iterator[FxiaokeSim]:
    with FxiaokeSim(clock=Clock(NOON, ticking=False)) as sim:
        yield sim


@pytest.fixture
def ids(sim: FxiaokeSim) -> dict[str, str]:
    return seed(sim)


@pytest.fixture(params=["headers", "body"])
def caller(sim: FxiaokeSim, ids: dict[str, str], request: pytest.FixtureRequest) -> Caller:
    return Caller(sim, old=request.param == "body").login()


def code(reply: Mapping[str, Any]) -> int:
    return int(reply["errorCode"])
