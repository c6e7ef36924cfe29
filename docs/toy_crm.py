"""A small CRM with an API, to write a connector for: the one of docs/writing-a-connector.md.

    POST   /login               {"user", "password"}     -> {"token"}
    GET    /companies           ?after=ID &since=TIME    -> {"rows": [...], "more": true}   50 a page, by id
    GET    /companies/ids                                -> {"ids": [...]}
    GET    /companies/ID                                 -> {"id", "name", "tier", "beds", "labels", "modified", "version"}
    PATCH  /companies/ID        If-Match: VERSION        -> the company; 412 if somebody was faster
    GET    /memos               ?company=ID              -> {"rows": [{"id", "company", "title", "text", "by"}]}
    POST   /memos               {"company", "title", "text"}        PATCH, DELETE /memos/ID

Calls but /login carry ``Authorization: Bearer TOKEN``; 401 means that the token is no longer good,
429 comes with Retry-After. Unknown fields are refused with 422.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 50
USER = ("crmrules", "open sesame")
Row = dict[str, Any]


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class ToyCrm:
    """The CRM and its server: ``crm = ToyCrm(); crm.url``. People use `companies` and `memos`, with `save`."""

    def __init__(self) -> None:
        self.companies: dict[str, Row] = {}
        self.memos: dict[str, Row] = {}
        self.tokens: set[str] = set()
        self.faults: list[tuple[str, bool]] = []  # what goes wrong in the next calls; True: in those that write
        self.skip = 0  # calls that go well before
        self.calls = 0
        self.logins = 0
        self._lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def save(self, id: str = "", **values: Any) -> Row:
        """Make a company, or change one, as a person does."""
        with self._lock:
            id = id or f"{len(self.companies) + 1:06}"
            empty: Row = {"id": id, "name": "", "tier": None, "beds": None, "labels": [], "version": 0}
            row = {**self.companies.get(id, empty), **values}
            self.companies[id] = {**row, "version": row["version"] + 1, "modified": datetime.now(UTC).isoformat()}
            return self.companies[id]

    # ------------------------------------------------------------ the API

    def answer(self, method: str, path: str, query: Row, headers: Any, body: Row) -> Row:
        with self._lock:
            if path == "/login":
                if (body.get("user"), body.get("password")) != USER:
                    raise Refused(403, "wrong user or password")
                self.logins += 1
                token = secrets.token_urlsafe(8)
                self.tokens.add(token)
                return {"token": token}
            if str(headers.get("Authorization", "")).removeprefix("Bearer ") not in self.tokens:
                raise Refused(401, "log in")
            kind, _, id = path.strip("/").partition("/")
            if kind == "companies":
                return self._companies(method, id, query, headers, body)
            if kind == "memos":
                return self._memos(method, id, query, body)
            raise Refused(404, "no such path")

    def _companies(self, method: str, id: str, query: Row, headers: Any, body: Row) -> Row:
        if method == "GET" and id == "ids":
            return {"ids": sorted(self.companies)}
        if method == "GET" and not id:
            due = [r for i, r in sorted(self.companies.items()) if i > query.get("after", "")]
            due = [r for r in due if r["modified"] >= query.get("since", "")]
            return {"rows": due[:PAGE], "more": len(due) > PAGE}
        if id not in self.companies:
            raise Refused(404, "no such company")
        if method == "PATCH":
            if unknown := set(body) - {"name", "tier", "beds", "labels"}:
                raise Refused(422, f"no such field: {', '.join(sorted(unknown))}")
            if headers.get("If-Match") != str(self.companies[id]["version"]):
                raise Refused(412, "somebody was faster")
            return self.save(id, **body)
        return self.companies[id]

    def _memos(self, method: str, id: str, query: Row, body: Row) -> Row:
        if method == "GET":
            return {"rows": [m for m in self.memos.values() if query.get("company") in (None, m["company"])]}
        if method == "POST":
            id = f"M{len(self.memos) + 1}"
            self.memos[id] = {"id": id, "by": USER[0], **body}
        elif id not in self.memos:
            raise Refused(404, "no such memo")
        elif method == "PATCH":
            self.memos[id] |= body
        else:
            return self.memos.pop(id)
        return self.memos[id]

    def fault(self, writes: bool) -> str:
        """Return what goes wrong with this call, '' for nothing."""
        with self._lock:
            self.calls += 1
            if self.faults and self.faults[0][1] == writes:
                if self.skip:
                    self.skip -= 1
                    return ""
                return self.faults.pop(0)[0]
            return ""


def _handler(crm: ToyCrm) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            parts = urlsplit(self.path)
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            fault = "" if parts.path == "/login" else crm.fault(self.command != "GET")
            if fault == "lost-call":
                self.close_connection = True
                return
            if fault == "slow":
                time.sleep(4)
            if fault == "expired-token":
                crm.tokens.clear()
            early: dict[str, Callable[[], None]] = {
                "busy": lambda: self._send(503, {"error": "busy"}),
                "html": lambda: self._send(502, "<html><body><h1>Bad gateway</h1></body></html>"),
                "throttled": lambda: self._send(429, {"error": "slower"}, retry_after="1"),
                "throttled-silently": lambda: self._send(429, {"error": "slower"}),
            }
            if fault in early:
                early[fault]()
                return
            try:
                status, found = 200, crm.answer(self.command, parts.path, query, self.headers, body)
            except Refused as refusal:
                status, found = refusal.status, {"error": str(refusal)}
            if fault == "lost-answer":
                self.close_connection = True
                return
            self._send(status, found)

        do_GET = do_POST = do_PATCH = do_DELETE = _do  # noqa: N815

        def _send(self, status: int, content: Row | str, retry_after: str = "") -> None:
            data = (content if isinstance(content, str) else json.dumps(content)).encode()
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if isinstance(content, str) else "application/json")
            self.send_header("Content-Length", str(len(data)))
            if retry_after:
                self.send_header("Retry-After", retry_after)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
