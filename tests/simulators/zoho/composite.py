"""Composite requests: up to five calls in one, each answered as if it had come alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from ..server import Request, Response, json_response
from .call import Call, success
from .crm import Crm
from .errors import Refusal

MOST = 5
_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_]*")


def run(crm: Crm, call: Call, alone: Callable[[Request], Response]) -> Response:
    """``POST /__composite_requests``; *alone* answers one sub-request."""
    items = call.items("__composite_requests", MOST)
    done = []
    for n, item in enumerate(items):
        answer = alone(_request(call.request, item, n))
        body = json.loads(answer.body) if isinstance(answer.body, bytes) and answer.body else None
        response = {"status_code": answer.status, "headers": dict(answer.headers), "body": body}
        done.append({**success("success", response=response), "sub_request_id": item.get("sub_request_id")})
    return json_response(200, {"__composite_requests": done})


def _request(outer: Request, item: dict[str, Any], n: int) -> Request:
    path = f"$.__composite_requests[{n}]"
    for name in ("uri", "method"):
        if not isinstance(item.get(name), str):
            raise Refusal("MANDATORY_NOT_FOUND", api_name=name, json_path=f"{path}.{name}")
    label = item.get("sub_request_id")
    if label is not None and not _ID.fullmatch(str(label)):
        raise Refusal("PATTERN_NOT_MATCHED", api_name="sub_request_id", json_path=f"{path}.sub_request_id")
    parts = urlsplit(item["uri"])
    params = {key: str(value) for key, value in (item.get("params") or {}).items()}
    query = {**dict(pair.split("=", 1) for pair in parts.query.split("&") if "=" in pair), **params}
    headers = {"Authorization": outer.headers["Authorization"], **(item.get("headers") or {})}
    body = json.dumps(item["body"]).encode() if item.get("body") else b""
    target = f"{parts.path}?{urlencode(query)}" if query else parts.path
    method = item["method"].upper()
    return replace(outer, method=method, path=parts.path, target=target, query=query, headers=headers, body=body)
