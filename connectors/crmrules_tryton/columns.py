"""The columns that we make: modified times, addresses, where a person stands, whose an opportunity is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crmrules_tryton.api import Api
from crmrules_tryton.objects import (
    ACCOUNT,
    CONTACT,
    DEAL,
    DEAL_CONTACT,
    MODIFIED,
    SALE,
    TAGS,
    USER,
    source_of,
)  # fmt: skip
from crmrules_tryton.parties import Parties, Place
from crmrules_tryton.values import later, time_of

_ADDRESS = frozenset({"city", "province", "country"})
_PLACE = frozenset(vars(Place()))
_SOURCES: Mapping[tuple[str, str], tuple[str, ...]] = {  # fields that a column is made of
    (DEAL, "account"): ("party",), (DEAL, "owner"): ("employee",),
    (SALE, "account"): ("party",), (SALE, "person"): ("contact.party",), (SALE, "opportunity"): ("origin",),
    (DEAL, DEAL_CONTACT): ("contact.party",), (ACCOUNT, TAGS): ("categories",), (CONTACT, TAGS): ("categories",),
}  # fmt: skip


def needed(object: str, columns: Iterable[str], children: Iterable[str], known: Collection[str]) -> list[str]:
    """Return the fields to ask for, so that *columns* and *children* of *object* can be made."""
    computed = source_of(object).computed
    fields = ["id"]
    for column in (*columns, *children):
        if column == MODIFIED:
            fields += ["write_date", "create_date"]
        elif (object, column) in _SOURCES:
            fields += _SOURCES[object, column]
        elif column not in computed and column.partition(".")[0] in known:
            fields.append(column)
    return list(dict.fromkeys(fields))


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Makes the computed columns of one object's records, a page at a time."""

    api: Api
    parties: Parties
    object: str

    def of(self, rows: Sequence[Mapping[str, Any]], wanted: frozenset[str]) -> Mapping[int, Mapping[str, Any]]:
        """Return the computed columns that are *wanted*, by record."""
        made: dict[int, dict[str, Any]] = {row["id"]: {} for row in rows}
        if MODIFIED in wanted:
            for row in rows:
                made[row["id"]][MODIFIED] = later(time_of(row["write_date"]), time_of(row["create_date"]))
        if self.object == ACCOUNT and wanted & _ADDRESS:
            self._addresses(made)
        if self.object == CONTACT and wanted & _PLACE:
            places = self.parties.places(made)
            for id, columns in made.items():
                columns.update(places[id].columns())
        if self.object in (DEAL, SALE):
            self._business(rows, wanted, made)
        return made

    def _addresses(self, made: Mapping[int, dict[str, Any]]) -> None:
        fields = ["party", "city", "subdivision.name", "country.code"]
        order = [["sequence", "ASC NULLS FIRST"], ["id", "ASC"]]
        for columns in made.values():
            columns.update(dict.fromkeys(_ADDRESS))
        found = self.api.call("party.address.search_read", [["party", "in", sorted(made)]], 0, None, order, fields)
        for row in reversed(found):  # the first address of a party comes last, and stays
            made[row["party"]].update(
                city=row["city"] or None, province=(row["subdivision."] or {}).get("name"),
                country=(row["country."] or {}).get("code"),
            )  # fmt: skip

    def _business(
        self, rows: Sequence[Mapping[str, Any]], wanted: frozenset[str], made: Mapping[int, dict[str, Any]]
    ) -> None:
        if "account" in wanted:
            accounts = self.parties.accounts(row["party"] for row in rows if row["party"])
            for row in rows:
                made[row["id"]]["account"] = accounts.get(row["party"])
        if "owner" in wanted:
            users = self._users(row["employee"] for row in rows)
            for row in rows:
                made[row["id"]]["owner"] = users.get(row["employee"])
        if "person" in wanted:
            contacts = {row["id"]: (row["contact."] or {}).get("party") for row in rows}
            kinds = self.parties.kinds(party for party in contacts.values() if party)
            for id, party in contacts.items():
                made[id]["person"] = str(party) if party and kinds[party] == "contact" else None
        if "opportunity" in wanted:
            for row in rows:
                model, _, id = (row["origin"] or "").partition(",")
                made[row["id"]]["opportunity"] = id if model == DEAL and id.isdigit() and int(id) > 0 else None

    def _users(self, employees: Iterable[int | None]) -> Mapping[int | None, str]:
        wanted = sorted({employee for employee in employees if employee})
        if not wanted:
            return {}
        domain = [["employees", "where", [["id", "in", wanted]]]]
        rows = self.api.call(f"{USER}.search_read", domain, 0, None, [["id", "DESC"]], ["employees"])
        return {employee: str(row["id"]) for row in rows for employee in row["employees"]}
