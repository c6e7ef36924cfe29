"""An unofficial Python client that others wrote drives the simulator: it knows nothing of us."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from requests.adapters import HTTPAdapter

from .fxiaoke import FxiaokeSim, Limits
from .fxiaoke.world import seed

fxiaoke_api = pytest.importorskip("fxiaoke.api", reason="the client fxiaoke-python is not installed")


class _ToLoopback(HTTPAdapter):
    """Its hosts are hard coded; this sends their calls to *url*."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        request.url = request.url.replace("https://open.fxiaoke.com", self._url)
        return super().send(request, *args, **kwargs)


@pytest.fixture
def sim() -> Iterator[FxiaokeSim]:
    with FxiaokeSim(limits=Limits(calls=1000)) as sim:
        seed(sim)
        yield sim


@pytest.fixture
def client(sim: FxiaokeSim) -> Any:
    api = fxiaoke_api.FxiaokeApi.init(
        sim.app.app_id, sim.app.app_secret, sim.app.permanent_code, open_user_id="FSUID_ADMIN", timeout=10
    )
    api._session.requests.mount("https://open.fxiaoke.com", _ToLoopback(sim.url))
    return api


def _query(name: str, **options: Any) -> Any:
    from fxiaoke.op_query import queryObj

    return queryObj(dataObjectApiName=name).execute(**options)


def test_it_reads_all_pages_by_the_total_that_it_never_asked_for(sim: FxiaokeSim, client: Any) -> None:
    for n in range(230):
        sim.people.create("AccountObj", {"name": f"客户{n}"})
    cursor = _query("AccountObj", orders=[{"fieldName": "_id", "isAsc": True}], fieldProjection=["_id", "name"])
    rows = list(cursor)
    assert (cursor.total(), len({r["_id"] for r in rows})) == (234, 234)
    assert sim.counters["calls /cgi/crm/v2/data/query"] == 3
    assert sim.tokens.issued == 1


def test_it_is_told_that_an_offset_is_too_far(client: Any) -> None:
    with pytest.raises(RuntimeError, match="10013"):
        _query("AccountObj", offset=10_100)


def test_it_describes_filters_gets_and_creates(sim: FxiaokeSim, client: Any) -> None:
    from fxiaoke.baseObj import baseObj
    from fxiaoke.op_create import createObj
    from fxiaoke.op_get import getObj

    fields = baseObj(dataObjectApiName="NewOpportunityObj").describe()["describe"]["fields"]
    assert fields["sales_stage"]["type"] == "select_one"
    school = _query(
        "AccountObj", filters=[{"field_name": "industry_level1", "field_values": ["school"], "operator": "EQ"}]
    )
    assert [r["industry_level1__r"] for r in school] == ["学校"]
    made = createObj(dataObjectApiName="crmrules_note__c").execute({"name": "笔记 😀"})
    [note] = list(_query("crmrules_note__c"))
    assert made["dataId"] == note["_id"]
    assert getObj(dataObjectApiName="crmrules_note__c").execute(note["_id"])["name"] == "笔记 😀"
    assert sim.workflows == [("crmrules_note__c", note["_id"], "create")]  # it does not say no


def test_its_body_without_a_token_is_refused_as_the_vendor_does(sim: FxiaokeSim, client: Any) -> None:
    client._session.fresh_token = dict
    with pytest.raises(RuntimeError, match="20017"):
        _query("AccountObj")
