"""Whatever a client sends, the simulated Zoho CRM answers in Zoho's words and never breaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .server import Request
from .zoho import ZohoSimulator

NAMES = ("id", "data", "tags", "ids", "name", "Tag", "Last_Name", "Amount", "Quoted_Items", "Participants", "Owner", "What_Id",
         "Contact_Role", "Parent_Id", "module", "api_name", "Note_Title", "select_query", "query", "fields", "criteria",
         "group", "group_operator", "trigger", "skip_feature_execution", "duplicate_check_fields", "$append_values",
         "__composite_requests", "uri", "method", "field_label", "data_type", "pick_list_values", "contact_roles", "page",
         "page_token", "Account_Name", "Stage", "Email", "type", "participant", "length", "params", "headers", "body")  # fmt: skip
TEXTS = ("", "0", "x", "Contacts", "Deals", "2026-11-21", "2026-11-21T10:00:00+08:00", "VIP", "text", "and", "GET",
         "/crm/v8/Contacts", "select id from Contacts where id > 1", "select", "4150868000100000027", "é" * 400)  # fmt: skip
PATHS = (
    ("POST", "/Contacts"), ("PUT", "/Deals"), ("POST", "/Contacts/upsert"), ("PUT", "/Quotes/{Quotes}"), ("PUT", "/Events"),
    ("POST", "/Notes"), ("POST", "/Deals/{Deals}/Notes"), ("POST", "/Accounts/actions/add_tags"),
    ("POST", "/Accounts/{Accounts}/actions/remove_tags"), ("POST", "/settings/tags"), ("POST", "/settings/fields"),
    ("PUT", "/Deals/{Deals}/Contact_Roles"), ("PUT", "/Deals/{Deals}/Contact_Roles/{Contacts}"), ("POST", "/Contacts/roles"),
    ("POST", "/coql"), ("POST", "/read"), ("POST", "/__composite_requests"), ("DELETE", "/Contacts"), ("GET", "/Contacts"),
    ("GET", "/Accounts/deleted"), ("GET", "/Deals/{Deals}/Contact_Roles"), ("GET", "/settings/pipeline"), ("GET", "/users"),
)  # fmt: skip
leaves = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.sampled_from(TEXTS)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=20,
)
queries = st.dictionaries(
    st.sampled_from(("fields", "ids", "page", "per_page", "page_token", "sort_by", "sort_order", "type", "module", "cvid", "layout_id")),
    st.sampled_from((*TEXTS, "-1", "1", "999999999999", "id,Email", "id", "asc")),
    max_size=4,
)  # fmt: skip


@pytest.fixture(scope="module")
def sim() -> ZohoSimulator:
    return ZohoSimulator()


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.sampled_from(PATHS),
    st.sampled_from(("data", "tags", "fields", "contact_roles", "query", "")),
    values,
    queries,
    st.sampled_from(TEXTS),
)
def test_odd_requests_are_answered(
    sim: ZohoSimulator, to: tuple[str, str], wrapped: str, value: Any, query: dict[str, str], since: str
) -> None:
    method, path = to
    base = "/crm/bulk/v8" if path == "/read" else "/crm/v8"
    path = base + path.format(
        **{name: sim.ids(name)[0] for name in ("Quotes", "Deals", "Accounts", "Contacts") if name in path}
    )
    body = {wrapped: value if wrapped == "query" else [value] if wrapped else value}
    headers = {
        "Host": "",
        "Authorization": f"Zoho-oauthtoken {sim.accounts.access_token()}",
        "If-Modified-Since": since,
    }
    reply = sim.handle(
        Request(method=method, path=path, target=path, query=query, headers=headers, body=json.dumps(body).encode())
    )
    assert reply.status in (200, 201, 204, 207, 304, 400, 403, 404, 412)
    if reply.status >= 400:
        assert isinstance(reply.body, bytes)
        shown = json.loads(reply.body)
        (told,) = shown.values() if "code" not in shown else ([shown],)
        errors = told if isinstance(told, list) else [told]
        assert all(one["code"] and one["message"] for one in errors)
