"""A loopback proxy in front of a real server, on which things go wrong as they do on a simulated one."""

from __future__ import annotations

import json
from collections.abc import Callable

import requests

from simulators.faults import Kind
from simulators.server import Request, Response, Simulator, json_response

_NOT_HANDED_ON = {"host", "connection", "content-length", "transfer-encoding", "content-encoding", "date", "server"}


class Proxy(Simulator):
    """Hands requests on to *target* (``http://127.0.0.1:8123``) and answers back.

    *name* gives the name under which a request is counted; *expired* kills the login that a request carries.
    """

    def __init__(
        self,
        target: str,
        *,
        name: Callable[[Request], str] = lambda request: request.path,
        expired: Callable[[Request], None] = lambda request: None,
    ) -> None:
        super().__init__()
        self._target = target
        self._name = name
        self._expired = expired
        self._session = requests.Session()

    def handle(self, request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _NOT_HANDED_ON}
        answer = self._session.request(
            request.method, self._target + request.target, data=request.body, headers=headers, timeout=60
        )
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_HANDED_ON}
        return Response(status=answer.status_code, body=answer.content, headers=kept)

    def endpoint(self, request: Request) -> str:
        return self._name(request)

    def expire(self, request: Request) -> None:
        self._expired(request)

    def refusal(self, kind: Kind, request: Request) -> Response:
        return json_response(503 if kind == "500" else 429, {"message": "try again later"})


def rpc_method(request: Request) -> str:
    """The method of a JSON-RPC call, '' for anything else."""
    try:
        return str(json.loads(request.body)["method"])
    except (ValueError, TypeError, KeyError):
        return ""
