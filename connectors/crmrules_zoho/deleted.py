"""What was deleted, as Zoho lists it; a record that was restored comes back as a changed one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from crmrules_zoho.api import Refused, Zoho
from crmrules_zoho.costs import DELETED
from crmrules_zoho.modules import NOTES
from crmrules_zoho.values import header_time

_PAGE = 200


def deleted(zoho: Zoho, module: str, since: datetime) -> Iterator[list[str]]:
    """Yield the ids of records of *module* that were deleted at or after *since*.

    That there is such a list of notes stands nowhere; where there is none, nothing is told of them.
    """
    try:
        yield from _listed(zoho, module, since)
    except Refused as error:
        if module != NOTES or error.code not in ("INVALID_MODULE", "INVALID_URL_PATTERN", "INVALID_DATA"):
            raise


def _listed(zoho: Zoho, module: str, since: datetime) -> Iterator[list[str]]:
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
