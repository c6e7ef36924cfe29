"""Composite requests: up to five calls in one, each answered in its place as if it had come alone. References from
one sub-request to another (``@{1:$.data}``) are not followed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from ..server import Request, Response
from .call import Call, answers, success
from .crm import Crm
from .errors import error

MOST = 5
_URI = r"/crm(/.*)?/v[0-9]+([.][0-9]+)?/.*"
_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_]*")


def run(crm: Crm, call: Call, alone: Callable[[Request], Response]) -> Response:
    """``POST /__composite_requests``; *alone* answers one sub-request."""
    done = []
    for n, item in enumerate(call.items("__composite_requests", MOST)):
        try:
            answer = alone(_request(call.request, item, f"$.__composite_requests[{n}]"))
        except BadPart as bad:
            done.append(bad.answer)
            continue
        body = json.loads(answer.body) if isinstance(answer.body, bytes) and answer.body else None
        response = {"headers": dict(answer.headers), "body": body, "status_code": answer.status}
        done.append(success("composite sub request executed successfully", response=response))
    return answers(done, name="__composite_requests")


class BadPart(Exception):
    """A sub-request that can't be one; `answer` stands in its place."""

    def __init__(self, code: str, **details: Any) -> None:
        super().__init__(code)
        self.answer = error(code, **details)


def _request(outer: Request, item: dict[str, Any], path: str) -> Request:
    for name in ("uri", "method"):
        if not isinstance(item.get(name), str):
            raise BadPart("MANDATORY_NOT_FOUND", api_name=name, json_path=f"{path}.{name}")
    if not re.fullmatch(_URI, item["uri"]):
        place = {"api_name": "uri", "json_path": f"{path}.uri"}
        raise BadPart("INVALID_DATA", expected_data_type="text", regex=_URI, **place)
    label = item.get("sub_request_id")
    if label is not None and not _ID.fullmatch(str(label)):
        raise BadPart("PATTERN_NOT_MATCHED", api_name="sub_request_id", json_path=f"{path}.sub_request_id")
    for name in ("params", "headers", "body"):
        if not isinstance(item.get(name) or {}, dict):
            place = {"api_name": name, "json_path": f"{path}.{name}"}
            raise BadPart("INVALID_DATA", expected_data_type="jsonobject", **place)
    parts = urlsplit(item["uri"])
    params = {key: str(value) for key, value in (item.get("params") or {}).items()}
    query = {**dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair), **params}
    headers = {
        "Authorization": outer.headers["Authorization"],
        **{key: str(value) for key, value in (item.get("headers") or {}).items()},
    }
    body = json.dumps(item["body"]).encode() if item.get("body") else b""
    target = f"{parts.path}?{urlencode(query)}" if query else parts.path
    method = item["method"].upper()
    return replace(outer, method=method, path=parts.path, target=target, query=query, headers=headers, body=body)
