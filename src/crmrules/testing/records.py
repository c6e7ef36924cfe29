"""The records of a case (`case-v1`) as rows of the canonical model.

A case is written for people: references by id, `who` as a list, credit as a block. Here each of
its keys goes to its canonical field; what the model has no field for (`traps`, `title_en`) is for readers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmrules.model.objects import OBJECTS

Rows = dict[str, list[dict[str, Any]]]

_RENAMED: Mapping[str, Mapping[str, str]] = {
    "contact": {"reports_to": "reports_to_id", "org": "organisation", "created": "created_at"},
    "deal": {"created": "created_at", "closed": "closed_on", "repeat_of": "repeat_of_id"},
    "activity": {
        "dir": "direction", "deal": "deal_id", "introduced_by": "introduced_by_id", "approved_by": "approved_by_id",
        "signed_by": "signed_by_id",
    },
    "order": {"deal": "deal_id", "contact": "contact_id"},
}  # fmt: skip


def rows_of(case: Mapping[str, Any]) -> Rows:
    """Return the rows of every canonical object in *case*, in writing order."""
    rows: Rows = {name: [] for name in OBJECTS}
    account = case["account"]["id"]
    _account(rows, case["account"], case.get("orders", ()))
    for other in case.get("more_accounts", ()):
        _account(rows, other, other.get("orders", ()))
    product = case.get("seller", {}).get("sells")
    for contact in case["contacts"]:
        rows["contact"].append({"account_id": account, **_fields("contact", contact)})
        if contact.get("crm_role_deal"):
            rows["deal_contact"].append({
                "deal_id": contact["crm_role_deal"], "contact_id": contact["id"], "role": contact["crm_role"],
                "set_on": contact.get("crm_role_set_on"),
            })  # fmt: skip
            rows["contact"][-1].update({"crm_role": None, "crm_role_set_on": None})
    for deal in case["deals"]:
        rows["deal"].append({"account_id": account, "product": product, **_fields("deal", deal)})
    for activity in case["activities"]:
        rows["activity"].append({"account_id": account, **_fields("activity", activity)})
        for part, contacts in (("participant", activity["who"]), ("introduced", activity.get("introduced", ()))):
            rows["activity_contact"] += [
                {"activity_id": activity["id"], "contact_id": contact, "part": part} for contact in contacts
            ]
    _manual(rows, case.get("manual", ()))
    return rows


def _account(rows: Rows, account: Mapping[str, Any], orders: Any) -> None:
    rows["account"].append({**_fields("account", account), **_fields("account", account.get("credit") or {})})
    rows["browsing"] += [
        {"account_id": account["id"], "category": category, "views_30d": views}
        for category, views in (account.get("browsing_30d") or {}).items()
    ]
    for number, order in enumerate(orders, 1):
        fields = {"id": f"{account['id']}-{number}", **_fields("order", order)}
        if account is not None and "id" in order:
            fields["id"] = order["id"]
        rows["order"].append({"account_id": account["id"], **fields})


def _manual(rows: Rows, decisions: Any) -> None:
    """A person's decision locks the contact's role."""
    contacts = {row["id"]: row for row in rows["contact"]}
    for decision in decisions:
        contacts[decision["contact"]].update({
            "crm_role": decision["role"], "crm_role_set_on": decision.get("set_on"),
            "role_locked": bool(decision.get("lock", True)),
        })  # fmt: skip


def _fields(object: str, record: Mapping[str, Any]) -> dict[str, Any]:
    renamed = _RENAMED.get(object, {})
    known = {field.name for field in OBJECTS[object].fields}
    named = {renamed.get(key, key): value for key, value in record.items()}
    return {name: value for name, value in named.items() if name in known and not isinstance(value, Mapping)}
