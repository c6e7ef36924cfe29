"""The sample records in a Tryton server, as a company with a small module of its own keeps them.

A title is the name of the relation to the organisation, what was talked about is a note on the opportunity.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from connectors.main_job import Crm, Ids, Records, Row
from crmrules_tryton.config import DEFAULT_MAPPING
from servers.tryton import Tryton

from .world import add_category, parted

_MODELS = {"account": "party.party", "contact": "party.party", "deal": "sale.opportunity"}
_STATES = {"open": "opportunity", "won": "won", "lost": "lost"}
_MODULE = {"industry": "industry", "demand_type": "nature", "employees": "staff", "nps": "satisfaction"}


class TrytonCompany(Crm):
    """Persons are told by a category, so that every relation may be a title."""

    connector = "tryton"
    ruleset = "for-tryton"
    rules: ClassVar[Mapping[str, str]] = {
        "for-tryton/ruleset.yaml": "schema: ruleset-v1\nname: for-tryton\nversion: 1.0.0\nlanguages: [zh, en]\n"
        "label: {zh: 用于 Tryton, en: For Tryton}\nextends: [b2b-core]\n",
        "for-tryton/write.yaml": "deal.role: null\ndeal.buyclass: null\n",
    }
    # Tryton has no calls, visits and approvals, no credit, shares or contracts, and no role that a person set.
    differing = frozenset(
        {
            "note", "role", "influence", "stance", "buyclass", "need", "seg.loyalty", "seg.risk",
            "flag.credit_review_due", "flag.loss_reason_missing", "flag.multiple_decision_makers",
            "flag.no_access_to_decision_maker", "flag.privacy_restricted", "flag.user_voice_missing",
        }
    )  # fmt: skip

    def __init__(self, server: Tryton, url: str = "") -> None:
        self._server = server
        self._admin = server.person()
        self._url = url or server.address
        self.mapping = self._own_mapping()
        self._ids: dict[tuple[str, str], str] = {}
        self._tagged = "party_category_rel" if server.series == "7.0" else "party_party-party_category"

    def settings(self) -> Mapping[str, Any]:
        return {
            "url": self._url, "database": "crm", "login": "crmrules", "password": "crmrules-password",
            "persons": "category", "person_category": "个人", "reports_to": ["上级"],
        }  # fmt: skip

    # ------------------------------------------------------------ as people filled it

    def load(self, records: Records) -> Ids:
        if self._ids:  # the next job finds the same company
            return self._ids
        ids = self._ids
        self._parties(records, ids)
        self._relations(records["contact"], ids)
        self._opportunities(records, ids)
        self._talks(records, ids)
        self._sales(records["order"], ids)
        for row in records["tag"]:
            add_category(self._admin, int(ids[row["object"], row["record_id"]]), row["name"])
        for row in records["note"]:
            place = f"party.party,{ids[row['object'], row['record_id']]}"
            self._admin.create("ir.note", {"resource": place, "message": f"[{row['title']}]\n{row['body']}"})
        return ids

    def _parties(self, records: Records, ids: dict[tuple[str, str], str]) -> None:
        (person,) = self._admin.create("party.category", {"name": "个人"})
        accounts = [
            {"name": row["name"], **{there: row[ours] for ours, there in _MODULE.items() if row[ours] is not None}}
            for row in records["account"]
        ]
        contacts = [
            {
                "name": row["name"],
                "categories": [["add", [person]]],
                "contact_mechanisms": [["create", [{"type": "email", "value": row["email"]}]]] if row["email"] else [],
            }
            for row in records["contact"]
        ]
        for object, values in (("account", accounts), ("contact", contacts)):
            made = self._admin.create("party.party", *values)
            for row, id in zip(records[object], made, strict=True):
                ids[object, row["id"]] = str(id)
                self._made_on("party_party", id, row["created_at"])

    def _relations(self, contacts: Iterable[Row], ids: Ids) -> None:
        titles = sorted({row["title"] or "员工" for row in contacts} | {"上级"})
        types = dict(
            zip(titles, self._admin.create("party.relation.type", *({"name": t} for t in titles)), strict=True)
        )
        relations: list[dict[str, Any]] = []
        for row in contacts:
            me = int(ids["contact", row["id"]])
            organisation = {
                "from_": me,
                "to": int(ids["account", row["account_id"]]),
                "type": types[row["title"] or "员工"],
            }
            relations.append({**organisation, **({"end_date": _day(row["left_on"])} if row["left_on"] else {})})
            if row["reports_to_id"]:
                relations.append({"from_": me, "to": int(ids["contact", row["reports_to_id"]]), "type": types["上级"]})
        self._admin.create("party.relation.all", *relations)

    def _opportunities(self, records: Records, ids: dict[tuple[str, str], str]) -> None:
        rows = records["deal"]
        made = self._admin.create(
            "sale.opportunity",
            *(
                {
                    "party": int(ids["account", row["account_id"]]), "description": row["name"], "currency": 1,
                    "amount": _amount(row["amount"]), "start_date": _day(row["created_at"]),
                    **({"end_date": _day(row["closed_on"])} if row["closed_on"] else {}),
                }
                for row in rows
            ),
        )  # fmt: skip
        for row, id in zip(rows, made, strict=True):
            ids["deal", row["id"]] = str(id)
            self._server.sql("UPDATE sale_opportunity SET state = ? WHERE id = ?", _STATES[row["status"]], id)

    def _talks(self, records: Records, ids: Ids) -> None:
        present: dict[str, list[str]] = {}
        for row in records["activity_contact"]:
            present.setdefault(row["activity_id"], []).append(row["contact_id"])
        told = [row for row in records["activity"] if row["text"]]
        places = []
        for row in told:
            if row["deal_id"]:
                places.append(f"sale.opportunity,{ids['deal', row['deal_id']]}")
            elif present.get(row["id"]):
                places.append(f"party.party,{ids['contact', present[row['id']][0]]}")
            else:
                places.append(f"party.party,{ids['account', row['account_id']]}")
        notes = ({"resource": place, "message": row["text"]} for row, place in zip(told, places, strict=True))
        for row, id in zip(told, self._admin.create("ir.note", *notes), strict=True):
            self._made_on("ir_note", id, row["date"])

    def _sales(self, orders: Iterable[Row], ids: Ids) -> None:
        values = (
            {
                "party": int(ids["account", row["account_id"]]), "sale_date": _day(row["date"]), "currency": 1,
                "lines": [["create", [_line(row["amount"] - (row["refund"] or 0))]]],
            }
            for row in orders
        )  # fmt: skip
        made = self._admin.create("sale.sale", *values)
        for row, id in zip(orders, made, strict=True):
            self._server.sql("UPDATE sale_sale SET state = ? WHERE id = ?", _sale_state(row["status"]), id)

    def _made_on(self, table: str, id: int, day: date) -> None:
        """Make a record as old as the sample says: nobody can do that through Tryton itself."""
        at = datetime(day.year, day.month, day.day, 9).isoformat(sep=" ")
        self._server.sql(f"UPDATE {table} SET create_date = ?, write_date = NULL WHERE id = ?", at, id)

    def _own_mapping(self) -> Mapping[str, Any]:
        mapping = copy.deepcopy(dict(DEFAULT_MAPPING))
        mapping["personal"] = ["contact.email"]
        mapping["objects"]["account"]["fields"].update(_MODULE)
        return mapping

    # ------------------------------------------------------------ as people see it

    def tags(self, object: str, id: str) -> set[str]:
        return {name for _, name in self._categories("AND r.party = ?", int(id))}

    def notes(self, object: str, id: str) -> list[tuple[str, str]]:
        return sorted(parted(message) for _, message in self._messages("WHERE resource = ?", f"{_MODELS[object]},{id}"))

    def field(self, object: str, id: str, name: str) -> str | None:
        return None  # nothing is written to fields

    def retag(self, object: str, id: str, old: str, new: str) -> None:
        (found,) = self._admin.find("party.category", [["name", "=", old]], "id")
        self._admin.write("party.party", int(id), categories=[["remove", [found["id"]]]])
        add_category(self._admin, int(id), new)

    def dump(self) -> Mapping[str, Any]:
        found: dict[str, list[Any]] = {}
        for id, name in self._categories():
            found.setdefault(f"party {id} tags", []).append(name)
        for place, message in self._messages():
            found.setdefault(f"{place} notes", []).append(parted(message))
        return {place: sorted(values) for place, values in found.items()}

    def _categories(self, which: str = "", *values: Any) -> list[tuple[Any, ...]]:
        return self._server.sql(
            f'SELECT r.party, c.name FROM "{self._tagged}" r JOIN party_category c ON c.id = r.category'
            f" WHERE c.name <> '个人' {which}", *values,
        )  # fmt: skip

    def _messages(self, which: str = "", *values: Any) -> list[tuple[Any, ...]]:
        return self._server.sql(f"SELECT resource, message FROM ir_note {which}", *values)


def _day(day: date) -> dict[str, Any]:
    return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}


def _amount(amount: Decimal) -> dict[str, str]:
    return {"__class__": "Decimal", "decimal": f"{amount:.2f}"}


def _line(amount: Decimal) -> dict[str, Any]:
    return {"type": "line", "description": "goods", "quantity": 1.0, "unit_price": _amount(amount)}


def _sale_state(status: str | None) -> str:
    return {"completed": "done", "delivered": "done", "cancelled": "cancelled", "test": "draft"}.get(
        status or "", "processing"
    )
