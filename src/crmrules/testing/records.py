"""The records of a case (`case-v1`) as rows of the canonical model.

A case is written for people: references by id, `who` as a list, credit as a block. Here each of
its keys goes to its canonical field; what the model has no field for (`traps`, `title_en`) is for readers.
A ruleset's own fields stand under a record's `custom`; what these forms can't say (responses, order
lines, records of other accounts) stands under `records`, by the model's own names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from crmrules.errors import Problem, RulesetError, did_you_mean
from crmrules.language.ruleset import Ruleset
from crmrules.language.schema import Document, read_document
from crmrules.model.objects import OBJECTS, CustomField, Field, FieldType

Rows = dict[str, list[dict[str, Any]]]

# object -> a case's key -> canonical field
RENAMED: Mapping[str, Mapping[str, str]] = {
    "contact": {"reports_to": "reports_to_id", "org": "organisation", "created": "created_at"},
    "deal": {"created": "created_at", "closed": "closed_on", "repeat_of": "repeat_of_id"},
    "activity": {
        "dir": "direction", "deal": "deal_id", "introduced_by": "introduced_by_id", "approved_by": "approved_by_id",
        "signed_by": "signed_by_id",
    },
    "order": {"deal": "deal_id", "contact": "contact_id"},
}  # fmt: skip
_PLACES: Mapping[str, str] = {
    "contacts": "contact", "deals": "deal", "activities": "activity", "orders": "order", "more_accounts": "account",
}  # fmt: skip
_EXPECTED: Mapping[FieldType, str] = {
    FieldType.text: "a text", FieldType.integer: "a whole number", FieldType.number: "a number", FieldType.money: "a number",
    FieldType.boolean: "true or false", FieldType.date: "a day such as 2025-06-30",
    FieldType.timestamp: "a time such as 2025-06-30 14:00:00", FieldType.list: "a list of texts",
}  # fmt: skip


def read_case(file: Path, rulesets: Iterable[Ruleset]) -> Document:
    """Read a case of one of *rulesets*. Raises RulesetError with every wrong key, and every field that none of them knows."""
    document = read_document(file, "case-v1")
    known = {name: {f.name: f for f in object.fields} for name, object in OBJECTS.items()}
    own: dict[str, dict[str, Field]] = {name: {} for name in OBJECTS}
    for custom in custom_fields(*rulesets):
        own[custom.object][custom.field.name] = custom.field
    problems: list[Problem] = []
    for object, path, values in _custom_blocks(document.data):
        problems += _unfit(document, path, values, own[object], f"no ruleset requires a field of {object} called")
    for object, rows in document.data.get("records", {}).items():
        for number, row in enumerate(rows):
            plain = {name: value for name, value in row.items() if name != "custom"}
            problems += _unfit(document, ("records", object, number), plain, known[object], f"{object} has no field")
            problems += [
                Problem("missing-key", f"a row of {object} needs '{key}'", document.at("records", object, number))
                for key in OBJECTS[object].key if key != "part" and row.get(key) is None
            ]  # fmt: skip
    if problems:
        raise RulesetError(problems)
    return document


def custom_fields(*rulesets: Ruleset) -> tuple[CustomField, ...]:
    """Return the fields that *rulesets* require and no standard CRM has, each once."""
    found = {
        (r.object, r.field): Field(name=r.field, type=r.type, label=r.label)
        for ruleset in rulesets for r in ruleset.requires if OBJECTS[r.object].field(r.field) is None
    }  # fmt: skip
    return tuple(CustomField(object=object, field=field) for (object, _), field in found.items())


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
    for object, more in case.get("records", {}).items():
        rows[object] += [_fields(object, row) for row in more]
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
    renamed = RENAMED.get(object, {})
    known = {field.name for field in OBJECTS[object].fields}
    named = {renamed.get(key, key): value for key, value in record.items()}
    own = {name: value for name, value in named.items() if name in known and not isinstance(value, Mapping)}
    return own | dict(record.get("custom") or {})


def _custom_blocks(case: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str | int, ...], Mapping[str, Any]]]:
    """Yield object, place and fields of every `custom` in *case*."""
    found: list[tuple[str, tuple[str | int, ...], Mapping[str, Any]]] = [("account", ("account",), case["account"])]
    for key, object in _PLACES.items():
        found += [(object, (key, number), record) for number, record in enumerate(case.get(key, ()))]
    for number, other in enumerate(case.get("more_accounts", ())):
        orders = enumerate(other.get("orders", ()))
        found += [("order", ("more_accounts", number, "orders", n), order) for n, order in orders]
    for object, rows in case.get("records", {}).items():
        found += [(object, ("records", object, number), row) for number, row in enumerate(rows)]
    for object, path, record in found:
        yield object, (*path, "custom"), record.get("custom") or {}


def _unfit(
    document: Document,
    path: tuple[str | int, ...],
    values: Mapping[str, Any],
    known: Mapping[str, Field],
    no_field: str,
) -> Iterator[Problem]:
    for name, value in values.items():
        if name not in known:
            hint = did_you_mean(name, known)
            yield Problem("unknown-field", f"{no_field} '{name}'", document.at(*path, name), ", ".join(known), hint)
        elif value is not None and not _fits(known[name].type, value):
            expected = _EXPECTED[known[name].type]
            yield Problem("bad-value", f"'{name}' can't be {value!r}", document.at(*path, name), expected)


def _fits(type: FieldType, value: object) -> bool:
    match type:
        case FieldType.boolean:
            return isinstance(value, bool)
        case FieldType.integer:
            return isinstance(value, int) and not isinstance(value, bool)
        case FieldType.number | FieldType.money:
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case FieldType.list:
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        case FieldType.date | FieldType.timestamp:
            return isinstance(value, str) and _is_time(value, date if type is FieldType.date else datetime)
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def _is_time(text: str, type: type[date]) -> bool:
    try:
        type.fromisoformat(text)
    except ValueError:
        return False
    return True
