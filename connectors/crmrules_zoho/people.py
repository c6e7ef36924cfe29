"""What stands beside an activity's record: who took part, and which account it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crmrules_zoho.api import Zoho
from crmrules_zoho.modules import PARTICIPANTS, SE_MODULE
from crmrules_zoho.values import text_of

_IDS = 100  # records that are asked for by their ids in one call
_KNOWN = 500_000  # accounts of deals and contacts that are remembered while we read
_LINK = {"Deals": "Account_Name", "Contacts": "Account_Name"}

Row = Mapping[str, Any]


class Accounts:
    """Which account a deal or a contact belongs to: remembered from what was read, asked for where it was not."""

    def __init__(self, zoho: Zoho) -> None:
        self._zoho = zoho
        self._known: dict[tuple[str, str], str | None] = {}

    def learn(self, module: str, pairs: Iterable[tuple[str, str | None]]) -> None:
        """Take in (record, account) that came along."""
        for id, account in pairs:
            if len(self._known) < _KNOWN or (module, id) in self._known:
                self._known[(module, id)] = account

    def of(self, module: str, ids: Iterable[str]) -> Mapping[str, str | None]:
        """Return the account of each record of *module*, asking for those that nobody told us."""
        wanted = list(dict.fromkeys(ids))
        found = {id: self._known[(module, id)] for id in wanted if (module, id) in self._known}
        rest = [id for id in wanted if id not in found]
        for start in range(0, len(rest), _IDS):
            part = rest[start : start + _IDS]
            params = {"ids": ",".join(part), "fields": _LINK[module], "per_page": "200"}
            body = self._zoho.get(f"/{module}", params).body
            told = {str(row["id"]): text_of(row.get(_LINK[module])) for row in (body or {}).get("data", ())}
            answers = {id: told.get(id) for id in part}
            self.learn(module, answers.items())
            found.update(answers)
        return found


def about(row: Row, module: str) -> str | None:
    """Return the id of the record of *module* that the activity *row* is about."""
    return text_of(row.get("What_Id")) if row.get(SE_MODULE) == module else None


def accounts_of(rows: list[Row], accounts: Accounts) -> list[str | None]:
    """Return the account that each activity is about: itself, its deal's, or its contact's."""
    deals = accounts.of("Deals", (id for row in rows if (id := about(row, "Deals"))))
    people = [text_of(row.get("Who_Id")) if not row.get("What_Id") else None for row in rows]
    contacts = accounts.of("Contacts", (id for id in people if id))
    found = []
    for row, person in zip(rows, people, strict=True):
        deal = about(row, "Deals")
        found.append(about(row, "Accounts") or (deals.get(deal) if deal else None) or contacts.get(person or ""))
    return found


def participants(row: Row) -> list[str]:
    """Return the contacts that took part: the one it is with, and those among the participants."""
    found = [text_of(row.get("Who_Id"))]
    for one in row.get(PARTICIPANTS) or ():
        if isinstance(one, dict) and one.get("type") == "contact":
            found.append(text_of(one.get("participant") or one.get("id")))
    return list(dict.fromkeys(id for id in found if id))


def is_cut(row: Row) -> bool:
    """Whether a list gave only some of the participants."""
    more = row.get("$has_more")
    return bool(more.get(PARTICIPANTS)) if isinstance(more, dict) else bool(more)


def direction(row: Row) -> str | None:
    """Return which way a call went; an outgoing one that lasted went both ways."""
    kind = str(row.get("Call_Type") or "").lower()
    if kind.startswith("inbound"):
        return "in"
    if kind.startswith("outbound"):
        length = f"{row.get('Call_Duration_in_seconds') or ''}{row.get('Call_Duration') or ''}"
        return "both" if length.strip("0: ") else "out"
    return kind or None
