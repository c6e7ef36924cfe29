"""What was deleted, as Zoho lists it; a record that was restored comes back as a changed one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from crmrules_zoho.api import Zoho
from crmrules_zoho.costs import DELETED
from crmrules_zoho.values import header_time

_PAGE = 200


def deleted(zoho: Zoho, module: str, since: datetime) -> Iterator[list[str]]:
    """Yield the ids of records of *module* that were deleted at or after *since*."""
    page = 1
    params = {"type": "all", "per_page": str(_PAGE)}
    token = ""
    while True:
        place = {"page_token": token} if token else {"page": str(page)}
        body = zoho.get(
            f"/{module}/deleted",
            {**params, **place},
            headers={"If-Modified-Since": header_time(since)},
            credits=DELETED,
        ).body
        if body is None:
            return
        yield [str(row["id"]) for row in body["data"]]
        info = body.get("info") or {}
        if not info.get("more_records"):
            return
        token = str(info.get("next_page_token") or "")
        page += 1
