"""Get Records, one record, the count and the deleted ones."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..server import Response, json_response
from .call import EMPTY, UNCHANGED, Call, check_permission, module
from .crm import Crm
from .errors import Refusal
from .render import full_name, listed, whole
from .store import SORTS, Key, Row

_TOKEN_LIFE = 24 * 3600
_UNBOUND = ("page", "page_token")


@dataclass(frozen=True, kw_only=True)
class _Token:
    """Where a page begins: after the row of `key`, with `served` rows before it."""

    user: str
    query: tuple[Any, ...]
    key: Key | None
    served: int
    page: int
    until: int
    before: str | None  # the token of the page before


class Pages:
    """Page tokens given out; each is good for one user and one exact query, for 24 hours."""

    def __init__(self) -> None:
        self._tokens: dict[str, _Token] = {}

    def give(self, token: _Token) -> str:
        name = secrets.token_hex(32)
        self._tokens[name] = token
        return name

    def take(self, crm: Crm, name: str, user: str, query: tuple[Any, ...]) -> _Token:
        token = self._tokens.get(name)
        if token is not None and token.until <= crm.now():
            raise Refusal("EXPIRED_VALUE", api_name="page_token", json_path="$.query.page_token")
        if token is None or token.user != user or token.query != query:
            raise Refusal("TOKEN_BOUND_DATA_MISMATCH", param_name="page_token")
        if token.served >= crm.behaviour.token_rows:
            raise Refusal("PAGINATION_LIMIT_EXCEEDED", param_name="page_token")
        return token


def list_records(crm: Crm, call: Call, pages: Pages) -> Response:
    """``GET /{Module}``"""
    name = module(crm, call.args["module"]).api_name
    check_permission(crm, name, "View")
    names = call.fields()
    if "ids" in call.query:
        return _by_ids(crm, call, name, names)
    per_page = call.number("per_page", 200, 200)
    sort, descending = _sorting(call)
    since = call.time_header("If-Modified-Since")
    converted = _converted(call)
    query = (name, since, *sorted((k, v) for k, v in call.query.items() if k not in _UNBOUND))
    token, page = _place(crm, call, pages, query, per_page)
    keys = crm.tables[name].scan(sort, descending=descending, after=token.key if token else None, since=since)
    rows: list[Row] = []
    last: Key | None = None
    more = False
    skip = 0 if token else (page - 1) * per_page
    for key in keys:
        row = crm.tables[name].get(key[1])
        if row is None or (name == "Leads" and not _wanted(row, converted)):
            continue
        if skip:
            skip -= 1
            continue
        if len(rows) == per_page:
            more = True
            break
        rows.append(row)
        last = key
    if not rows:
        return UNCHANGED if since is not None and page == 1 else EMPTY
    until = crm.now() + _TOKEN_LIFE
    served = (token.served if token else (page - 1) * per_page) + len(rows)
    here = call.query.get("page_token")
    following = _Token(
        user=call.grant.token, query=query, key=last, served=served, page=page + 1, until=until, before=here
    )
    info = {
        "call": False,
        "per_page": per_page,
        "next_page_token": pages.give(following) if more else None,
        "count": len(rows),
        "sort_by": sort,
        "page": page,
        "previous_page_token": token.before if token else None,
        "page_token_expiry": crm.time(until) if more else None,
        "sort_order": "desc" if descending else "asc",
        "email": False,
        "more_records": more,
    }
    return json_response(200, {"data": [listed(crm, name, row, names) for row in rows], "info": info})


def get_record(crm: Crm, call: Call) -> Response:
    """``GET /{Module}/{id}``: whole, with line items; 204 when there is none."""
    name = module(crm, call.args["module"]).api_name
    check_permission(crm, name, "View")
    row = crm.tables[name].get(int(call.args["id"]))
    if row is None:
        return EMPTY
    since = call.time_header("If-Modified-Since")
    if since is not None and row["Modified_Time"] < since:
        return UNCHANGED
    shown = whole(crm, name, row)
    if call.query.get("fields"):
        wanted = {"id", *call.fields()}
        shown = {key: value for key, value in shown.items() if key in wanted}
    return json_response(200, {"data": [shown]})


def count(crm: Crm, call: Call) -> Response:
    """``GET /{Module}/actions/count``"""
    name = module(crm, call.args["module"]).api_name
    check_permission(crm, name, "View")
    return json_response(200, {"count": len(crm.tables[name])})


def deleted(crm: Crm, call: Call) -> Response:
    """``GET /{Module}/deleted``: newest first; rows turn permanent after 60 days in the bin."""
    name = module(crm, call.args["module"]).api_name
    check_permission(crm, name, "View")
    wanted = call.query.get("type", "all")
    if wanted not in ("all", "recycle", "permanent"):
        raise Refusal("PATTERN_NOT_MATCHED", param_name="type")
    per_page, page = call.number("per_page", 200, 200), call.number("page", 1)
    since = call.time_header("If-Modified-Since")
    bin_ends = crm.now() - 60 * 24 * 3600
    found = []
    for id, gone in crm.tables[name].deleted.items():
        kind = "permanent" if gone.permanent or gone.at < bin_ends else "recycle"
        if wanted in ("all", kind) and (since is None or gone.at >= since):
            found.append((gone.at, id, kind, gone))
    found.sort(key=lambda one: one[:2], reverse=True)
    shown = list(islice(found, (page - 1) * per_page, page * per_page))
    if not shown:
        return UNCHANGED if since is not None and page == 1 else EMPTY
    data = []
    for at, id, kind, gone in shown:
        by, made = crm.users.get(gone.by), crm.users.get(gone.row.get("Created_By") or 0)
        known = kind == "recycle"  # of what is gone for good, nothing is
        data.append(
            {
                "deleted_by": by.brief if by and known else None,
                "id": str(id),
                "display_name": gone.name if known and gone.name else None,
                "type": kind,
                "created_by": made.brief if made and known else None,
                "deleted_time": crm.time(at),
            }
        )
    info = {"per_page": per_page, "count": len(data), "page": page, "more_records": len(found) > page * per_page}
    return json_response(200, {"data": data, "info": info})


def display_name(crm: Crm, name: str, row: Row) -> str:
    """What the recycle bin calls a row."""
    return full_name(row) if crm.modules[name].label_field == "Full_Name" else crm.title(name, row) or ""


def _by_ids(crm: Crm, call: Call, name: str, names: list[str]) -> Response:
    asked = [int(id) for id in call.query["ids"].split(",") if id.strip().isdigit()]
    if len(asked) > 100:
        raise Refusal("LIMIT_EXCEEDED", limit=100, param_name="ids")
    rows = [row for row in map(crm.tables[name].get, asked) if row is not None]
    if not rows:
        return EMPTY
    info = {"per_page": 200, "count": len(rows), "page": 1, "more_records": False, "next_page_token": None}
    return json_response(200, {"data": [listed(crm, name, row, names) for row in rows], "info": info})


def _sorting(call: Call) -> tuple[str, bool]:
    if "cvid" in call.query:
        if "sort_by" in call.query:
            raise Refusal(
                "AMBIGUITY_DURING_PROCESSING", ambiguity_due_to=[{"param_name": "cvid"}, {"param_name": "sort_by"}]
            )
        raise Refusal("INVALID_DATA", param_name="cvid")
    sort = call.query.get("sort_by", "id")
    if sort not in SORTS:
        raise Refusal("INVALID_DATA", param_name="sort_by", supported_values=list(SORTS))
    order = call.query.get("sort_order", "desc")
    if order not in ("asc", "desc"):
        raise Refusal("INVALID_DATA", param_name="sort_order", supported_values=["asc", "desc"])
    return sort, order == "desc"


def _converted(call: Call) -> str:
    converted = call.query.get("converted", "false")
    if converted not in ("true", "false", "both"):
        raise Refusal("INVALID_DATA", param_name="converted", supported_values=["true", "false", "both"])
    return converted


def _wanted(row: Row, converted: str) -> bool:
    return converted == "both" or bool(row.get("Converted__s")) == (converted == "true")


def _place(crm: Crm, call: Call, pages: Pages, query: tuple[Any, ...], per_page: int) -> tuple[_Token | None, int]:
    if "page_token" in call.query:
        if "page" in call.query:
            raise Refusal(
                "AMBIGUITY_DURING_PROCESSING", ambiguity_due_to=[{"param_name": "page"}, {"param_name": "page_token"}]
            )
        token = pages.take(crm, call.query["page_token"], call.grant.token, query)
        return token, token.page
    page = call.number("page", 1)
    if page * per_page > crm.behaviour.page_rows:
        raise Refusal("DISCRETE_PAGINATION_LIMIT_EXCEEDED", limit=crm.behaviour.page_rows)
    return None, page
