"""Metadata: modules, fields, layouts, related lists, pipelines, users, the org."""

from __future__ import annotations

from typing import Any

from ..server import Response, json_response
from .call import EMPTY, Call, answers, asked_module, module, success
from .crm import Crm, User
from .errors import Refusal, error
from .schema import Field

_TYPES = ("text", "textarea", "picklist", "multiselectpicklist", "integer", "bigint", "double", "currency", "percent",
          "boolean", "date", "datetime", "email", "phone", "website")  # fmt: skip
_RELATED = {
    "Accounts": ("Notes", "Contacts", "Deals", "Tasks", "Events", "Calls", "Quotes", "Sales_Orders", "Invoices"),
    "Contacts": ("Notes", "Deals", "Tasks", "Events", "Calls"),
    "Deals": ("Notes", "Contact_Roles", "Tasks", "Events", "Calls", "Quotes", "Sales_Orders"),
}


def list_modules(crm: Crm, call: Call) -> Response:
    """``GET /settings/modules``"""
    return json_response(200, {"modules": [one.metadata() for one in crm.modules.values()]})


def get_module(crm: Crm, call: Call) -> Response:
    """``GET /settings/modules/{module}``"""
    return json_response(200, {"modules": [module(crm, call.args["module"]).metadata()]})


def list_fields(crm: Crm, call: Call) -> Response:
    """``GET /settings/fields?module=``: those that the profile may see."""
    fields = [field.metadata(crm.modules) for field in asked_module(crm, call).fields.values() if field.visible]
    return json_response(200, {"fields": fields})


def get_field(crm: Crm, call: Call) -> Response:
    """``GET /settings/fields/{id}?module=``"""
    return json_response(200, {"fields": [_field(crm, call).metadata(crm.modules)]})


def field_choices(crm: Crm, call: Call) -> Response:
    """``GET /settings/fields/{id}/pick_list_values?module=``"""
    choices = _field(crm, call).metadata(crm.modules)["pick_list_values"]
    return json_response(200, {"pick_list_values": choices}) if choices else EMPTY


def create_fields(crm: Crm, call: Call) -> Response:
    """``POST /settings/fields?module=``: custom fields, named after their label, at most five a call."""
    target = asked_module(crm, call)
    done = []
    for n, item in enumerate(call.items("fields", 5)):
        label, kind = item.get("field_label"), item.get("data_type")
        path = f"$.fields[{n}]"
        if not isinstance(label, str) or not label:
            done.append(error("MANDATORY_NOT_FOUND", api_name="field_label", json_path=f"{path}.field_label"))
            continue
        name = str(item.get("api_name") or "_".join(label.split()))
        if kind not in _TYPES:
            place = {"api_name": "data_type", "json_path": f"{path}.data_type"}
            done.append(error("INVALID_DATA", supported_values=list(_TYPES), **place))
        elif name in target.fields:
            done.append(error("DUPLICATE_DATA", api_name="field_label", json_path=f"{path}.field_label"))
        else:
            given, length = item.get("pick_list_values"), item.get("length")
            choices = [
                (str(one.get("actual_value") or one.get("display_value")), str(one.get("display_value")))
                for one in (given if isinstance(given, list) else ())
                if isinstance(one, dict)
            ]
            length = length if isinstance(length, int) and length > 0 else 0
            made = Field(api_name=name, label=label, data_type=str(kind), length=length, choices=choices)
            crm.add_field(target.api_name, made)
            done.append(success("field created", id=str(made.id)))
    return answers(done, name="fields", good=201)


def list_layouts(crm: Crm, call: Call) -> Response:
    """``GET /settings/layouts?module=``: one standard layout with every field."""
    target = asked_module(crm, call)
    fields = [
        {"api_name": field.api_name, "id": str(field.id), "required": field.mandatory, "data_type": field.data_type}
        for field in target.fields.values()
        if field.visible
    ]
    section = {"api_name": target.singular, "display_label": target.singular, "sequence_number": 1, "fields": fields}
    layout = {
        "id": str(target.id + 900),
        "api_name": "Standard",
        "name": "Standard",
        "display_label": "Standard",
        "status": "active",
        "visible": True,
        "sections": [section],
    }
    return json_response(200, {"layouts": [layout]})


def related_lists(crm: Crm, call: Call) -> Response:
    """``GET /settings/related_lists?module=``"""
    target = asked_module(crm, call)
    names = _RELATED.get(target.api_name, ("Notes",))
    shown = [
        {
            "id": str(target.id + 950 + n),
            "api_name": name,
            "name": name,
            "display_label": name,
            "sequence_number": str(n),
            "module": {"api_name": "Contacts" if name == "Contact_Roles" else name},
            "type": "default",
        }
        for n, name in enumerate(names, 1)
    ]
    return json_response(200, {"related_lists": shown})


def pipelines(crm: Crm, call: Call) -> Response:
    """``GET /settings/pipeline?layout_id=``: one pipeline with every stage of the deals."""
    deals = crm.modules["Deals"]
    if call.required("layout_id") != str(deals.id + 900):
        raise Refusal("INVALID_DATA", "the id given seems to be invalid", param_name="layout_id")
    stages = []
    for n, value in enumerate(deals.fields["Stage"].metadata(crm.modules)["pick_list_values"], 1):
        won = value["actual_value"] in ("Closed Won", "赢单")
        lost = value["actual_value"] in ("Closed Lost", "输单")
        kind = "Closed Won" if won else "Closed Lost" if lost else "Open"
        stages.append({**value, "sequence_number": n, "forecast_type": kind, "forecast_category": {"name": kind}})
    shown = {"id": str(deals.id + 990), "display_value": "Standard", "actual_value": "Standard", "default": True}
    return json_response(200, {"pipeline": [{**shown, "maps": stages}]})


def list_users(crm: Crm, call: Call) -> Response:
    """``GET /users?type=AllUsers|ActiveUsers|DeactiveUsers|CurrentUser``"""
    kind = call.query.get("type", "AllUsers")
    chosen = {
        "AllUsers": list(crm.users.values()),
        "ActiveUsers": [user for user in crm.users.values() if user.active],
        "ActiveConfirmedUsers": [user for user in crm.users.values() if user.active],
        "DeactiveUsers": [user for user in crm.users.values() if not user.active],
        "CurrentUser": [crm.users[crm.me]],
    }.get(kind)
    if chosen is None:
        raise Refusal("PATTERN_NOT_MATCHED", api_name="type")
    per_page, page = call.number("per_page", 200, 200), call.number("page", 1)
    here = chosen[(page - 1) * per_page : page * per_page]
    if not here:
        return EMPTY
    more = len(chosen) > page * per_page
    info = {"per_page": per_page, "count": len(here), "page": page, "more_records": more}
    return json_response(200, {"users": [_user(crm, user) for user in here], "info": info})


def get_user(crm: Crm, call: Call) -> Response:
    """``GET /users/{id}``"""
    user = crm.users.get(int(call.args["id"]))
    return json_response(200, {"users": [_user(crm, user)]}) if user else EMPTY


def organisation(crm: Crm, call: Call) -> Response:
    """``GET /org``"""
    org = {
        "id": crm.org_id,
        "zgid": crm.org_id,
        "company_name": "模拟公司 Simulated Ltd.",
        "domain_name": f"org{crm.org_id}",
        "currency": crm.currency,
        "iso_code": crm.currency,
        "currency_symbol": "¥",
        "time_zone": crm.zone_name,
        "country_code": "CN",
        "type": "production",
        "license_details": {"paid": True, "paid_type": crm.edition, "users_license_purchased": len(crm.users)},
    }
    return json_response(200, {"org": [org]})


def _user(crm: Crm, user: User) -> dict[str, Any]:
    return {
        "id": str(user.id),
        "full_name": user.name,
        "last_name": user.name,
        "first_name": None,
        "email": user.email,
        "status": "active" if user.active else "disabled",
        "confirm": True,
        "zuid": str(user.id)[-9:],
        "time_zone": crm.zone_name,
        "locale": "zh_CN",
        "profile": {"name": "Administrator", "id": str(int(crm.org_id) + 1)},
        "role": {"name": "CEO", "id": str(int(crm.org_id) + 2)},
        "Modified_Time": None,
    }


def _field(crm: Crm, call: Call) -> Field:
    target = asked_module(crm, call)
    for field in target.fields.values():
        if str(field.id) == call.args["id"] and field.visible:
            return field
    raise Refusal("INVALID_DATA", "the id given seems to be invalid", resource_path_index=2)
