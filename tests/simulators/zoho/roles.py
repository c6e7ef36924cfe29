"""Contact roles: the org's list of them, and who plays which in a deal."""

from __future__ import annotations

from typing import Any

from ..server import Response, json_response
from .call import EMPTY, Call, answers, check_permission, success
from .crm import Crm
from .errors import BadValue, Refusal, error
from .render import listed
from .values import record_id

_BAD_ID = "the id given seems to be invalid"


def list_roles(crm: Crm, call: Call) -> Response:
    """``GET /Contacts/roles``"""
    shown = [{"id": str(id), "name": name, "sequence_number": n} for n, (id, name) in enumerate(crm.roles.items(), 1)]
    return json_response(200, {"contact_roles": shown})


def change_roles(crm: Crm, call: Call) -> Response:
    """``POST /Contacts/roles`` makes, ``PUT`` renames."""
    done = []
    for n, item in enumerate(call.items("contact_roles", 100)):
        name = item.get("name")
        if not isinstance(name, str) or not name:
            done.append(error("MANDATORY_NOT_FOUND", api_name="name", json_path=f"$.contact_roles[{n}].name"))
        elif name in crm.roles.values():
            done.append(error("DUPLICATE_DATA", api_name="name", json_path=f"$.contact_roles[{n}].name"))
        elif call.request.method == "POST":
            id = crm.new_id()
            crm.roles[id] = name
            done.append(success("Contact role created successfully.", id=str(id)))
        elif (renamed := _known(crm, item)) is None:
            done.append(error("INVALID_DATA", _BAD_ID, api_name="id", json_path=f"$.contact_roles[{n}].id"))
        else:
            crm.roles[renamed] = name
            done.append(success("Contact role updated successfully.", id=str(renamed)))
    return answers(done, name="contact_roles", good=201 if call.request.method == "POST" else 200)


def delete_roles(crm: Crm, call: Call) -> Response:
    """``DELETE /Contacts/roles?ids=``: one must remain."""
    done = []
    for text in call.required("ids").split(","):
        id = int(text) if text.strip().isdigit() else 0
        if id not in crm.roles:
            done.append(error("INVALID_DATA", _BAD_ID, id=text))
        elif len(crm.roles) == 1:
            done.append(error("LOWER_LIMIT_REACHED", "the last contact role cannot be deleted", id=text))
        else:
            del crm.roles[id]
            done.append(success("Contact role deleted successfully.", id=text))
    return answers(done, name="contact_roles")


def deal_roles(crm: Crm, call: Call) -> Response:
    """``GET /Deals/{deal}/Contact_Roles[/{contact}]``: the contacts of a deal with their roles; 204 when none."""
    check_permission(crm, "Deals", "View")
    check_permission(crm, "Contacts", "View")
    names = call.fields()
    deal = _deal(crm, call)
    per_page, page = call.number("per_page", 100, 200), call.number("page", 1)
    contacts = [(id, role) for id, role in crm.deal_roles.get(deal, {}).items() if crm.tables["Contacts"].get(id)]
    if "contact" in call.args:
        contacts = [pair for pair in contacts if pair[0] == int(call.args["contact"])]
    here = contacts[(page - 1) * per_page : page * per_page]
    if not here:
        return EMPTY
    data = []
    for id, role in here:
        contact = crm.tables["Contacts"].get(id)
        assert contact is not None
        played = {"name": crm.roles[role], "id": str(role)} if role in crm.roles else None
        data.append({**listed(crm, "Contacts", contact, names), "Contact_Role": played})
    more = len(contacts) > page * per_page
    tokens = {"next_page_token": None, "previous_page_token": None, "page_token_expiry": None}
    info = {"per_page": per_page, "count": len(data), "page": page, "more_records": more, **tokens}
    return json_response(200, {"data": data, "info": info})


def set_deal_roles(crm: Crm, call: Call) -> Response:
    """``PUT /Deals/{deal}/Contact_Roles[/{contact}]``: one role per contact and deal, the last one holds."""
    check_permission(crm, "Deals", "Edit")
    deal = _deal(crm, call)
    items = call.items("data", 100)
    if "contact" in call.args:
        items = [{**items[0], "id": call.args["contact"]}]
    done = []
    for n, item in enumerate(items):
        try:
            contact = record_id(item.get("id"))
            if crm.tables["Contacts"].get(contact) is None:
                raise BadValue(message=_BAD_ID)
        except BadValue as bad:
            done.append(bad.at("id", f"$.data[{n}].id"))
            continue
        given = item.get("Contact_Role")
        if not isinstance(given, dict):
            path = f"$.data[{n}].Contact_Role"
            done.append(error("MANDATORY_NOT_FOUND", api_name="Contact_Role", json_path=path))
        elif (role := _known(crm, given)) is None:
            place = {"api_name": "Contact_Role", "json_path": f"$.data[{n}].Contact_Role"}
            done.append(error("INVALID_DATA", _BAD_ID, **place))
        else:
            play(crm, deal, contact, role, crm.me)
            done.append(success("relation updated", id=str(contact)))
    return answers(done)


def remove_deal_roles(crm: Crm, call: Call) -> Response:
    """``DELETE /Deals/{deal}/Contact_Roles/{contact}`` or ``?ids=``"""
    check_permission(crm, "Deals", "Edit")
    deal = _deal(crm, call)
    ids = [call.args["contact"]] if "contact" in call.args else call.required("ids").split(",")
    done = []
    for text in ids:
        id = int(text) if text.strip().isdigit() else 0
        if id not in crm.deal_roles.get(deal, {}):
            done.append(error("INVALID_DATA", _BAD_ID, id=text))
            continue
        play(crm, deal, id, None, crm.me)
        done.append(success("relation removed", id=text))
    return answers(done)


def play(crm: Crm, deal: int, contact: int, role: int | None, by: int) -> None:
    """Let *contact* play *role* in *deal*; None takes the contact off the deal."""
    played = crm.deal_roles.setdefault(deal, {})
    if role is None:
        played.pop(contact, None)
    else:
        played[contact] = role
    row = crm.tables["Deals"].get(deal)
    if crm.behaviour.roles_bump_modified and row is not None:
        crm.tables["Deals"].put({**row, "Modified_Time": crm.now(), "Modified_By": by})


def role_id(crm: Crm, name: str) -> int:
    """The role of this name; raises KeyError."""
    for id, known in crm.roles.items():
        if known == name:
            return id
    raise KeyError(name)


def _deal(crm: Crm, call: Call) -> int:
    deal = int(call.args["deal"])
    if crm.tables["Deals"].get(deal) is None:
        raise Refusal("INVALID_DATA", "the id given seems to be invalid", resource_path_index=1)
    return deal


def _known(crm: Crm, given: dict[str, Any]) -> int | None:
    if given.get("id") is not None:
        try:
            id = record_id(given["id"])
        except BadValue:
            return None
        return id if id in crm.roles else None
    return next((id for id, name in crm.roles.items() if name == given.get("name")), None)
