"""The contact roles of deals: five deals in a call where composite requests are allowed, else one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from crmrules.errors import ConnectorError, Location, Problem
from crmrules_zoho.api import Refused, Zoho, error_of

TOGETHER = 5  # calls in a composite request
_CUT = 25  # records that each of them gives
_PAGE = 100  # records that a call by itself gives
_UNKNOWN = ("INVALID_URL_PATTERN", "OAUTH_SCOPE_MISMATCH", "INVALID_REQUEST_METHOD", "NOT_ALLOWED", "NO_PERMISSION")

Role = tuple[str, str | None]  # contact, the role's name


class Roles:
    """Reads who plays which part in a deal, and knows the roles that there are."""

    def __init__(self, zoho: Zoho) -> None:
        self._zoho = zoho
        self._together = zoho.settings.composite
        self._names: dict[str, str] | None = None

    def of(self, deals: Sequence[str]) -> Iterator[tuple[str, list[Role]]]:
        """Yield each deal with its contacts and their roles."""
        for start in range(0, len(deals), TOGETHER):
            part = deals[start : start + TOGETHER]
            if self._together and len(part) > 1:
                try:
                    yield from self._composite(part)
                    continue
                except Refused as error:
                    if error.code not in _UNKNOWN:
                        raise
                    self._together = False  # this login or version has no composite requests
            for deal in part:
                yield deal, self._alone(deal)

    @property
    def calls_per_deal(self) -> float:
        return 1 / TOGETHER if self._together else 1

    def names(self) -> dict[str, str]:
        """Return the roles of the org: name -> id."""
        if self._names is None:
            body = self._zoho.get("/Contacts/roles").body
            self._names = {str(r["name"]): str(r["id"]) for r in (body or {}).get("contact_roles", ())}
        return self._names

    def make(self, names: Sequence[str]) -> None:
        """Make the roles of *names* that there are not. Raises ConnectorError."""
        missing = [{"name": name} for name in names if name not in self.names()]
        if not missing:
            return
        body = self._zoho.call("POST", "/Contacts/roles", json={"contact_roles": missing}).body
        self._names = None
        for said in body["contact_roles"]:
            if said.get("status") != "success":
                raise error_of(str(said.get("code")), said, 400, "/Contacts/roles")

    def _composite(self, deals: Sequence[str]) -> list[tuple[str, list[Role]]]:
        version = self._zoho.settings.version
        body = self._zoho.call(
            "POST", "/__composite_requests", repeatable=True,
            json={"parallel_execution": True, "__composite_requests": [
                {"sub_request_id": f"d{deal}", "method": "GET", "uri": f"/crm/{version}/Deals/{deal}/Contact_Roles",
                 "params": {"fields": "Full_Name"}}
                for deal in deals
            ]},
        ).body  # fmt: skip
        said = body.get("__composite_requests") or body.get("__composite_responses") or ()
        if len(said) != len(deals):
            raise ConnectorError(Problem("bad-answer", f"{len(said)} answers to {len(deals)} calls", Location("/__composite_requests")))  # fmt: skip
        return [(deal, self._inside(deal, one)) for deal, one in zip(deals, said, strict=True)]

    def _inside(self, deal: str, said: dict[str, Any]) -> list[Role]:
        answer = (said.get("details") or {}).get("response") or {}
        status, inside = int(answer.get("status_code") or 0), answer.get("body")
        if status == 204:
            return []
        if status != 200 or not isinstance(inside, dict) or "data" not in inside:
            return self._alone(deal)  # and let that say what is wrong
        found = _roles(inside)
        return self._alone(deal) if len(found) >= _CUT or (inside.get("info") or {}).get("more_records") else found

    def _alone(self, deal: str) -> list[Role]:
        found: list[Role] = []
        page = 1
        while True:
            try:
                body = self._zoho.get(
                    f"/Deals/{deal}/Contact_Roles", {"fields": "Full_Name", "per_page": str(_PAGE), "page": str(page)}
                ).body
            except Refused as error:
                if error.code == "INVALID_DATA":  # the deal has gone meanwhile
                    return found
                raise
            if body is None:
                return found
            found += _roles(body)
            if not (body.get("info") or {}).get("more_records"):
                return found
            page += 1


def _roles(body: dict[str, Any]) -> list[Role]:
    found: list[Role] = []
    for row in body["data"]:
        role = row.get("Contact_Role")
        name = role.get("name") if isinstance(role, dict) else role
        found.append((str(row["id"]), str(name) if name else None))
    return found
