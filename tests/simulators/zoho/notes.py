"""Notes: written with a parent of some module, listed alone or under it. Updates and deletes are as for records."""

from __future__ import annotations

from typing import Any

from ..server import Response, json_response
from .call import EMPTY, Call, answers, check_permission, module, success
from .crm import Crm, Ran
from .errors import BadValue, error
from .render import listed
from .store import Row
from .values import record_id
from .writing import MOST, Rejected, receipt, triggered, write_row


def create_notes(crm: Crm, call: Call) -> Response:
    """``POST /Notes`` and ``POST /{Module}/{id}/Notes``"""
    implied: tuple[str, int] | None = None
    if "module" in call.args:
        implied = (module(crm, call.args["module"]).api_name, int(call.args["id"]))
    check_permission(crm, "Notes", "Create")
    items = call.items("data", MOST, too_many=crm.behaviour.too_many_records)
    kinds = tuple(kind for kind in triggered(call) if kind == "workflow")  # notes set off nothing else
    done = []
    for n, item in enumerate(items):
        try:
            row = add_note(crm, item, n, crm.me, implied)
        except Rejected as rejected:
            done.append(rejected.answer)
            continue
        crm.ran.extend(Ran(kind=kind, module="Notes", record_id=str(row["id"]), action="create") for kind in kinds)
        done.append(success("record added", **receipt(crm, row)))
    return answers(done, good=201)


def add_note(crm: Crm, item: dict[str, Any], n: int, by: int, implied: tuple[str, int] | None) -> Row:
    """Store one note; raises Rejected."""
    if not item.get("Note_Title") and not item.get("Note_Content"):
        expected = [{"api_name": name, "json_path": f"$.data[{n}].{name}"} for name in ("Note_Title", "Note_Content")]
        message = "should contain either content or title"
        raise Rejected(error("EXPECTED_FIELD_MISSING", message, expected_fields=expected))
    try:
        parent = implied or _parent(crm, item.get("Parent_Id"))
        if crm.tables[parent[0]].get(parent[1]) is None:
            raise BadValue(message="the id given seems to be invalid")
    except BadValue as bad:
        raise Rejected(bad.at("Parent_Id", f"$.data[{n}].Parent_Id")) from None
    given = {key: value for key, value in item.items() if key != "Parent_Id"}
    row = write_row(crm, crm.modules["Notes"], given, n, by, None)
    row["Parent_Id"] = parent
    return row


def related_notes(crm: Crm, call: Call) -> Response:
    """``GET /{Module}/{id}/Notes``: newest first."""
    name = module(crm, call.args["module"]).api_name
    check_permission(crm, "Notes", "View")
    names = call.fields()
    per_page, page = call.number("per_page", 200, 200), call.number("page", 1)
    rows = notes_of(crm, name, int(call.args["id"]))[::-1]
    here = rows[(page - 1) * per_page : page * per_page]
    if not here:
        return EMPTY
    info = {
        "per_page": per_page,
        "next_page_token": None,
        "count": len(here),
        "page": page,
        "previous_page_token": None,
        "more_records": len(rows) > page * per_page,
    }
    return json_response(200, {"data": [listed(crm, "Notes", row, names) for row in here], "info": info})


def notes_of(crm: Crm, module: str, id: int) -> list[Row]:
    """The living notes of a record, oldest first."""
    return [row for row in crm.living("Notes") if row.get("Parent_Id") == (module, id)]


def _parent(crm: Crm, given: Any) -> tuple[str, int]:
    if given is None:
        raise BadValue("MANDATORY_NOT_FOUND")
    if not isinstance(given, dict):
        raise BadValue(expected_data_type="jsonobject")
    if not isinstance(given.get("module"), dict) or given["module"].get("api_name") not in crm.modules:
        raise BadValue("INVALID_DATA", "the module given seems to be invalid")
    return given["module"]["api_name"], record_id(given)
