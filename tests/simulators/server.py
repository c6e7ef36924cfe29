"""A loopback HTTP server around one function from request to response, with faults, delays and counts.

Requests are handled one after the other in the server's thread (a simulated CRM needs no finer locks); answers
wait, are streamed and are lost side by side. A simulator derives from :class:`Simulator`.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from threading import Event, RLock, Thread
from typing import Any, Self
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from .clock import Clock
from .counters import Counters
from .faults import Fault, Faults, Kind, Match

_HTML = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What came in. `query` keeps the last value of a repeated name; header names have no case."""

    method: str
    path: str
    target: str  # the path with its query, as sent
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at_once: int = 1  # requests being answered when this one came, itself included
    lane_at_once: int = 1  # those of the same lane, itself included

    def json(self) -> Any:
        """The body as JSON; raises ValueError when it isn't."""
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        """The body as an HTML form's fields."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass(kw_only=True)
class Response:
    """What goes out; a body of several chunks is streamed."""

    status: int = 200
    body: bytes | Iterator[bytes] = b""
    headers: dict[str, str] = field(default_factory=dict)


def json_response(status: int, content: object, **headers: str) -> Response:
    """*content* as JSON in UTF-8; header names are given with underscores (``Retry_After="3"``)."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, body=body, headers={"Content-Type": "application/json;charset=utf-8", **named})


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request as the log keeps it; `status` 0 means that its answer was lost."""

    method: str
    target: str
    status: int
    body: bytes


class Simulator:
    """A CRM on loopback: ``with MyCrm() as sim: requests.get(sim.url + "/...")``.

    A subclass answers in `handle`, names a request for the counters in `endpoint` and says in `refusal` how its
    vendor words a fault. `latency` (seconds) delays every answer, so that requests overlap. Counted are
    ``calls``, ``calls <endpoint>``, ``status <n>``, ``fault <kind>`` and the peaks ``at once`` and
    ``at once <lane>``.
    """

    def __init__(self, *, clock: Clock | None = None, latency: float = 0.0) -> None:
        self.clock = clock or Clock()
        self.faults = Faults()
        self.counters = Counters()
        self.latency = latency
        self.lock = RLock()  # held while a request is handled and by whatever a test changes from outside
        self.log: deque[Seen] = deque(maxlen=5_000)
        self.url = ""
        self.broken: list[Exception] = []  # the simulator's own errors: `stop` raises the first
        self._in_flight: Counter[str] = Counter()  # by lane
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread: Thread | None = None

    # What a subclass gives

    def handle(self, request: Request) -> Response:
        """Answer *request*; called with `lock` held."""
        raise NotImplementedError

    def endpoint(self, request: Request) -> str:
        """The name under which *request* is counted, without ids."""
        return f"{request.method} {request.path}"

    def lane(self, request: Request) -> str:
        """The kind of request that is counted apart in ``at once <lane>``, and that may have a limit of its own."""
        return ""

    def refusal(self, kind: Kind, request: Request) -> Response:
        """The vendor's answer for the faults ``500``, ``429`` and ``429-no-retry-after``."""
        return json_response(500 if kind == "500" else 429, {"message": "fault"})

    def expire(self, request: Request) -> None:
        """Kill the token that *request* carries."""
        raise NotImplementedError

    # What a test uses

    def fault(self, kind: Kind, match: Match = "", *, times: int = 1, after: int = 0, seconds: float = 1.0) -> Fault:
        """Let something go wrong; see :meth:`simulators.faults.Faults.add`."""
        return self.faults.add(kind, match, times=times, after=after, seconds=seconds)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen on a free port of 127.0.0.1; `url` says where."""
        ready = Event()
        failed: list[BaseException] = []

        def run() -> None:
            try:
                asyncio.run(self._serve(ready))
            except BaseException as problem:  # handed to the thread that waits below
                failed.append(problem)
                ready.set()

        self._thread = Thread(target=run, name=type(self).__name__, daemon=True)
        self._thread.start()
        ready.wait()
        if failed:
            raise failed[0]

    def stop(self) -> None:
        """Stop listening; state and counters stay readable. Raises what broke inside the simulator."""
        if self._loop is not None and self._stopping is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
            self._loop = self._stopping = self._thread = None
        if self.broken:
            raise self.broken[0]

    # How it works

    async def _serve(self, ready: Event) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=0.2)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        ready.set()
        await self._stopping.wait()
        await runner.cleanup()

    async def _answer(self, raw: web.BaseRequest) -> web.StreamResponse:
        request = Request(
            method=raw.method,
            path=raw.path,
            target=raw.path_qs,
            query=dict(raw.query),
            headers=CIMultiDictProxy(CIMultiDict(raw.headers)),
            body=await raw.content.read(),
        )
        lane = self.lane(request)
        self._in_flight[lane] += 1
        try:
            request = replace(request, at_once=self._in_flight.total(), lane_at_once=self._in_flight[lane])
            self.counters.peak("at once", request.at_once)
            if lane:
                self.counters.peak(f"at once {lane}", request.lane_at_once)
            return await self._respond(raw, request)
        finally:
            self._in_flight[lane] -= 1

    async def _respond(self, raw: web.BaseRequest, request: Request) -> web.StreamResponse:
        self.counters.add("calls")
        self.counters.add(f"calls {self.endpoint(request)}")
        fault = self.faults.strike(request)
        kind = fault.kind if fault else None
        if kind:
            self.counters.add(f"fault {kind}")
        response = self._undisturbed(request, fault)
        lost = kind in ("drop-before", "drop-after")
        if not lost:
            self.counters.add(f"status {response.status}")
        self.log.append(
            Seen(method=raw.method, target=raw.path_qs, status=0 if lost else response.status, body=request.body)
        )
        delay = self.latency + (fault.seconds if fault and kind == "slow" else 0.0)
        if delay:
            await asyncio.sleep(delay)
        if lost:
            return _cut(raw)
        skew = fault.seconds if fault and kind == "skew" else 0.0
        date = format_datetime((self.clock.now() + timedelta(seconds=skew)).replace(microsecond=0), usegmt=True)
        headers = {"Date": date, **response.headers}
        if kind == "drop-midway" or not isinstance(response.body, bytes):
            return await _stream(raw, response, headers, midway=kind == "drop-midway")
        return web.Response(status=response.status, body=response.body or None, headers=headers)

    def _undisturbed(self, request: Request, fault: Fault | None) -> Response:
        """The answer of the CRM, unless the fault stands before it."""
        if fault is not None:
            if fault.kind in ("500", "429", "429-no-retry-after"):
                response = self.refusal(fault.kind, request)
                if fault.kind == "429":
                    response.headers["Retry-After"] = str(max(0, round(fault.seconds)))
                return response
            if fault.kind == "html":
                return Response(status=502, body=_HTML, headers={"Content-Type": "text/html"})
            if fault.kind == "drop-before":
                return Response()
        with self.lock:
            if fault is not None and fault.kind == "expired-token":
                self.expire(request)
            try:
                return self.handle(request)
            except Exception as bug:
                self.broken.append(bug)
                return Response(status=500, body=b"the simulator is broken")


def _cut(raw: web.BaseRequest) -> web.StreamResponse:
    if raw.transport is not None:
        raw.transport.abort()
    return web.Response()


async def _stream(
    raw: web.BaseRequest, response: Response, headers: dict[str, str], *, midway: bool
) -> web.StreamResponse:
    out = web.StreamResponse(status=response.status, headers=headers)
    body = response.body
    if isinstance(body, bytes):
        out.content_length = len(body)
        body = iter((body[: len(body) // 2], body[len(body) // 2 :]))
    await out.prepare(raw)
    for chunk in body:
        await out.write(chunk)
        if midway:
            return _cut(raw)
    await out.write_eof()
    return out
