"""The org's users: few, so all of them each time."""

from __future__ import annotations

from collections.abc import Iterator

from crmrules.contracts.connector import Page, ReadRequest
from crmrules_zoho.api import Zoho
from crmrules_zoho.modules import USERS
from crmrules_zoho.shaping import table_of
from crmrules_zoho.values import text_of

_PAGE = 200


def read(zoho: Zoho, request: ReadRequest) -> Iterator[Page]:
    """Yield the users, those who left too: records still name them."""
    page = 1
    while True:
        params = {"type": "AllUsers", "per_page": str(_PAGE), "page": str(page)}
        body = zoho.get("/users", params).body
        if body is None:
            return
        found = body.get("users") or ()
        yield Page(
            rows=table_of({name: [text_of(user.get(name)) for user in found] for name in request.fields}), source=USERS
        )
        if not (body.get("info") or {}).get("more_records"):
            return
        page += 1
