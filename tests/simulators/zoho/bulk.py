"""Bulk Read: jobs that pass through their states as they are looked at, and zips of CSV that may be fetched for a day."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from threading import RLock
from typing import Any

from ..server import Response, json_response
from .bulk_files import Job, Writer
from .call import Call, check_permission, success
from .coql import Condition, Pair, Single
from .coql_run import matcher
from .crm import Crm
from .errors import Refusal
from .schema import Field
from .store import Key

_DAY = 24 * 3600
_DOWNLOADS, _MINUTE = 10, 60
_MOST_CRITERIA, _MOST_VALUES, _MOST_PAGES = 25, 200, 500
_CHUNK = 1 << 16
_COMPARATORS = {
    "equal": "=",
    "not_equal": "!=",
    "greater_than": ">",
    "greater_equal": ">=",
    "less_than": "<",
    "less_equal": "<=",
    "in": "in",
    "not_in": "not in",
    "between": "between",
    "not_between": "not between",
}


@dataclass(frozen=True, kw_only=True)
class _Next:
    query: str
    key: Key
    page: int
    until: int


class BulkRead:
    """The jobs of one org; files are kept under *folder*."""

    def __init__(self, folder: Callable[[], Path], lock: RLock, broken: list[Exception]) -> None:
        self._folder = folder
        self._writer = Writer(lock, broken)
        self._jobs: dict[str, Job] = {}
        self._next: dict[str, _Next] = {}
        self._downloads: deque[float] = deque()
        self.fail_next = False  # the next job ends as FAILURE

    def stop(self) -> None:
        """Leave off writing pages."""
        self._writer.stop()

    def start(self, crm: Crm, call: Call) -> Response:
        """``POST /crm/bulk/v8/read``"""
        body = call.body()
        query = body.get("query")
        if not isinstance(query, dict):
            raise Refusal("MANDATORY_NOT_FOUND", api_name="query", json_path="$.query")
        if body.get("file_type", "csv") not in ("csv", "ics"):
            raise Refusal(
                "INVALID_DATA", api_name="file_type", json_path="$.file_type", supported_values=["csv", "ics"]
            )
        job = self._job(crm, call, query)
        self._jobs[job.id] = job
        self._writer.begin(crm, job, self._folder() / f"{job.id}.zip")
        details = {
            "id": job.id,
            "operation": "read",
            "state": crm.behaviour.bulk_states[0],
            "created_by": crm.users[job.by].brief,
            "created_time": crm.time(job.created),
        }
        added = {**success("Added successfully.", **details), "code": "ADDED_SUCCESSFULLY"}
        return json_response(201, {"data": [added], "info": {}})

    def look(self, crm: Crm, call: Call) -> Response:
        """``GET /crm/bulk/v8/read/{id}``: each look takes the job one state further, if its page is written."""
        job = self._known(crm, call)
        states = crm.behaviour.bulk_states
        job.looked = min(job.looked + 1, len(states) - (1 if job.done.is_set() else 2))
        state = "FAILURE" if job.failed and job.looked == len(states) - 1 else states[job.looked]
        shown: dict[str, Any] = {
            "id": job.id,
            "operation": "read",
            "state": state,
            "query": {**job.query, "module": self._module(crm, job), "page": job.page},
            "created_by": crm.users[job.by].brief,
            "created_time": crm.time(job.created),
            "file_type": "csv",
        }
        if state == "FAILURE":
            shown["result"] = {"error_message": {"code": "INTERNAL_ERROR", "message": "Internal Server Error"}}
        if state == "COMPLETED":
            result = {
                "page": job.page,
                "count": job.count,
                "download_url": f"/crm/bulk/v8/read/{job.id}/result",
                "per_page": crm.behaviour.bulk_page,
                "more_records": job.more,
            }
            if token := self._token(crm, job):
                result["next_page_token"] = token
            shown["result"] = result
        return json_response(200, {"data": [shown]})

    def result(self, crm: Crm, call: Call) -> Response:
        """``GET /crm/bulk/v8/read/{id}/result``: a zip, at most ten a minute."""
        job = self._known(crm, call)
        if job.file is None or not job.done.is_set() or job.looked < len(crm.behaviour.bulk_states) - 1:
            raise Refusal("RESOURCE_NOT_FOUND", "the result is not available", resource=job.id)
        now = crm.clock.timestamp()
        while self._downloads and self._downloads[0] <= now - _MINUTE:
            self._downloads.popleft()
        if len(self._downloads) >= _DOWNLOADS:
            raise Refusal("TOO_MANY_REQUESTS")
        self._downloads.append(now)
        headers = {
            "Content-Type": "application/zip",
            "Content-Disposition": f'attachment; filename="{job.id}.zip"',
            "Content-Length": str(job.file.stat().st_size),
        }
        return Response(body=_chunks(job.file), headers=headers)

    def _job(self, crm: Crm, call: Call, query: dict[str, Any]) -> Job:
        of = query.get("module")
        module = crm.modules.get(str(of.get("api_name"))) if isinstance(of, dict) else None
        if module is None or not module.in_bulk:
            path = "$.query.module.api_name"
            raise Refusal(
                "INVALID_MODULE", "the module name given seems to be invalid", api_name="api_name", json_path=path
            )
        if not call.grant.allows(f"modules.{module.scope}.READ"):
            raise Refusal("OAUTH_SCOPE_MISMATCH")
        check_permission(crm, module.api_name, "View")
        page, after = self._place(crm, query)
        id_field = Field(api_name="id", label="Id", data_type="bigint")
        fields = []
        asked = query.get("fields") or []
        if not isinstance(asked, list):
            raise Refusal("INVALID_DATA", api_name="fields", json_path="$.query.fields", expected_data_type="jsonarray")
        for n, one in enumerate(asked):
            field = id_field if one in ("id", "Id") else module.field(str(one))
            if field is None or field.data_type in ("subform", "participants"):
                raise Refusal("INVALID_DATA", api_name="fields", json_path=f"$.query.fields[{n}]")
            fields.append(field)
        if not fields:
            kept = (field for field in module.fields.values() if field.data_type not in ("subform", "participants"))
            fields = [id_field, *(field for field in kept if field.visible)]
        where = _criteria(query.get("criteria"))
        if where is not None:
            matcher(crm, module.api_name, where)  # so that it is refused now
        failed, self.fail_next = self.fail_next, False
        return Job(
            id=str(crm.new_id()),
            query=query,
            module=module.api_name,
            fields=fields,
            where=where,
            page=page,
            after=after,
            created=crm.now(),
            by=crm.me,
            failed=failed,
        )

    def _place(self, crm: Crm, query: dict[str, Any]) -> tuple[int, Key | None]:
        token = query.get("page_token")
        if token is not None:
            found = self._next.get(str(token))
            place: dict[str, Any] = {"api_name": "page_token", "json_path": "$.query.page_token"}
            if found is None:
                raise Refusal("INVALID_DATA", "the given page_token is invalid", **place)
            if found.until <= crm.now():
                raise Refusal("EXPIRED_VALUE", **place)
            if found.query != _bound(query):
                raise Refusal("TOKEN_BOUND_DATA_MISMATCH", **place)
            return found.page, found.key
        page = query.get("page", 1)
        if not isinstance(page, int) or page < 1:
            raise Refusal("INVALID_DATA", api_name="page", json_path="$.query.page", expected_data_type="integer")
        if page > _MOST_PAGES:
            raise Refusal("PAGE_RANGE_EXCEEDED", api_name="page", json_path="$.query.page", limit=_MOST_PAGES)
        return page, None

    def _known(self, crm: Crm, call: Call) -> Job:
        job = self._jobs.get(call.args["id"])
        if job is None or job.created <= crm.now() - _DAY:
            raise Refusal("RESOURCE_NOT_FOUND", resource=call.args["id"])
        return job

    def _module(self, crm: Crm, job: Job) -> dict[str, str]:
        return {"api_name": job.module, "id": str(crm.modules[job.module].id)}

    def _token(self, crm: Crm, job: Job) -> str | None:
        """The token of the page after that of *job*, once it is written."""
        if job.more and job.last is not None and job.token is None:
            job.token = secrets.token_hex(32)
            until = crm.now() + _DAY
            self._next[job.token] = _Next(query=_bound(job.query), key=job.last, page=job.page + 1, until=until)
        return job.token


def _bound(query: dict[str, Any]) -> str:
    """What a page token is bound to."""
    return repr(sorted((key, repr(value)) for key, value in query.items() if key not in ("page", "page_token")))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _criteria(given: Any) -> Condition | None:
    """The criteria as the condition COQL has for them; raises Refusal."""
    if given is None:
        return None
    leaves = _leaves(given)
    if not leaves:
        raise Refusal("INVALID_DATA", api_name="criteria", json_path="$.query.criteria")
    if len(leaves) > _MOST_CRITERIA:
        raise Refusal("CRITERIA_LIMIT_EXCEEDED", limit=_MOST_CRITERIA)
    if any(isinstance(leaf.get("value"), list) and len(leaf["value"]) > _MOST_VALUES for leaf in leaves):
        raise Refusal("VALUE_LIMIT_EXCEEDED_IN_CRITERIA", limit=_MOST_VALUES)
    return _tree(given)


def _leaves(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, dict) or not isinstance(given.get("group", []), list):
        raise Refusal(
            "INVALID_DATA", api_name="criteria", json_path="$.query.criteria", expected_data_type="jsonobject"
        )
    return [leaf for part in given["group"] for leaf in _leaves(part)] if "group" in given else [given]


def _tree(given: dict[str, Any]) -> Condition:
    if "group" in given:
        operator = str(given.get("group_operator", "")).lower()
        if operator not in ("and", "or"):
            raise Refusal("INVALID_DATA", api_name="group_operator", supported_values=["and", "or"])
        if not given["group"]:
            raise Refusal("INVALID_DATA", api_name="group", json_path="$.query.criteria.group")
        return reduce(
            lambda left, right: Pair(left=left, right=right, all=operator == "and"), map(_tree, given["group"])
        )
    field = given.get("field")
    name = str(field.get("api_name")) if isinstance(field, dict) else ""
    comparator = _COMPARATORS.get(str(given.get("comparator")))
    if comparator is None:
        raise Refusal("INVALID_DATA", api_name="comparator", supported_values=sorted(_COMPARATORS))
    value = given.get("value")
    if value in ("${EMPTY}", None):
        return Single(path=name, operator="is null" if comparator == "=" else "is not null")
    values = value if isinstance(value, list) else str(value).split(",") if comparator in ("in", "not in") else [value]
    return Single(path=name, operator=comparator, values=tuple(v if isinstance(v, bool) else str(v) for v in values))
