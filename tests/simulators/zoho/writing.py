"""Create, update, upsert and delete: one answer per record, in the order sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..server import Response
from .call import Call, answers, check_permission, module, success
from .crm import Crm, Ran
from .errors import BadValue, Refusal, error
from .reading import display_name
from .schema import Module
from .store import Deleted, Row
from .subforms import written_rows
from .tagging import tags_of_body
from .values import record_id, stored

AUTOMATIONS = ("workflow", "approval", "blueprint", "pathfinder", "orchestration")
_SKIPPABLE = ("assignment_rules", "cadences", "connected_workflows")
MOST = 100
_BAD_ID = "the id given seems to be invalid"


def create(crm: Crm, call: Call) -> Response:
    """``POST /{Module}``"""
    target, items, kinds = _begin(crm, call, "Create")
    done = [_one_created(crm, target, item, n, call, kinds) for n, item in enumerate(items)]
    return answers(done, good=201)


def update(crm: Crm, call: Call) -> Response:
    """``PUT /{Module}`` and ``PUT /{Module}/{id}``"""
    target, items, kinds = _begin(crm, call, "Edit")
    if "id" in call.args:
        if len(items) > 1:
            raise Refusal("INVALID_DATA", api_name="data", json_path="$.data", maximum_length=1)
        items = [{**items[0], "id": call.args["id"]}]
    until = call.time_header("If-Unmodified-Since")
    done = [_one_updated(crm, target, item, n, crm.me, kinds, until) for n, item in enumerate(items)]
    return answers(done)


def upsert(crm: Crm, call: Call) -> Response:
    """``POST /{Module}/upsert``: by ``duplicate_check_fields`` of the body, else by the module's own."""
    target, items, kinds = _begin(crm, call, "Edit")
    check_permission(crm, target.api_name, "Create")
    asked = call.body().get("duplicate_check_fields")
    if asked is not None and (not isinstance(asked, list) or any(target.field(str(name)) is None for name in asked)):
        raise Refusal("INVALID_DATA", api_name="duplicate_check_fields", json_path="$.duplicate_check_fields")
    unique = [field.api_name for field in target.fields.values() if field.unique]
    checks = [str(name) for name in asked] if asked else [*target.duplicates, *unique]
    done = []
    for n, item in enumerate(items):
        try:
            same, by = _same(crm, target, item, checks)
        except BadValue as bad:
            done.append(bad.at("id", f"$.data[{n}].id"))
            continue
        if same is not None:
            answer = _one_updated(crm, target, {**item, "id": str(same)}, n, crm.me, kinds, None)
        else:
            answer = _one_created(crm, target, item, n, call, kinds)
        if answer["status"] == "success":
            answer["action"] = "insert" if same is None else "update"
            answer["duplicate_field"] = by
            answer["message"] = "record added" if same is None else "record updated"
        done.append(answer)
    return answers(done)


def delete(crm: Crm, call: Call) -> Response:
    """``DELETE /{Module}?ids=`` and ``DELETE /{Module}/{id}``"""
    target = module(crm, call.args["module"])
    check_permission(crm, target.api_name, "Delete")
    ids = [call.args["id"]] if "id" in call.args else [id.strip() for id in call.required("ids").split(",")]
    if len(ids) > MOST:
        raise Refusal("LIMIT_EXCEEDED", limit=MOST, param_name="ids")
    kinds = () if call.query.get("wf_trigger") == "false" else ("workflow",)
    done = []
    for id in ids:
        row = crm.tables[target.api_name].get(int(id)) if id.isascii() and id.isdigit() else None
        if row is None:
            done.append(error("INVALID_DATA", "record not deleted", id=id))
            continue
        if refused := _refused(crm, target, row, ""):
            done.append(refused)
            continue
        remove(crm, target.api_name, row, crm.me)
        _ran(crm, kinds, target, row["id"], "delete")
        done.append(success("record deleted", id=id))
    return answers(done)


def remove(crm: Crm, name: str, row: Row, by: int, *, permanent: bool = False) -> None:
    """Put a row into the recycle bin, or beyond it."""
    gone = Deleted(row=row, name=display_name(crm, name, row), by=by, at=crm.now(), permanent=permanent)
    crm.tables[name].remove(gone)


def write_row(crm: Crm, target: Module, item: dict[str, Any], n: int, by: int, row: Row | None) -> Row:
    """The row that *item* makes of *row* (None: a new one), stored. Raises Rejected with the answer."""
    values, problems = _checked(crm, target, item, n, row)
    problems += _duplicates(crm, target, values, n, row["id"] if row else None)
    if problems:
        raise Rejected(problems[0] if len(problems) == 1 else error("MULTIPLE_OR_MULTI_ERRORS", errors=problems))
    now = crm.now()
    fresh: Row = {"id": crm.new_id(), "Owner": by, "Created_By": by, "Created_Time": now}
    new: Row = {**(row or fresh), **values, "Modified_By": by, "Modified_Time": now}
    if target.api_name == "Tasks" and new.get("Status") == "Completed" and not new.get("Closed_Time"):
        new["Closed_Time"] = now
    crm.tables[target.api_name].put(new)
    return new


class Rejected(Exception):
    """One record is refused; `answer` is its place in the list of answers."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(answer["code"])
        self.answer = answer


def receipt(crm: Crm, row: Row) -> dict[str, Any]:
    """The ``details`` of a successful write."""

    return {
        "Modified_Time": crm.time(row["Modified_Time"]),
        "Modified_By": crm.users[row["Modified_By"]].brief,
        "Created_Time": crm.time(row["Created_Time"]),
        "id": str(row["id"]),
        "Created_By": crm.users[row.get("Created_By") or crm.person].brief,
    }


def _refused(crm: Crm, target: Module, row: Row, path: str) -> dict[str, Any] | None:
    """Why this record may not be written now, or None."""
    code = "ID_ALREADY_CONVERTED" if row.get("Converted__s") else crm.states.get((target.api_name, row["id"]))
    if code is None:
        return None
    details: dict[str, Any] = {"api_name": "id", "json_path": path}
    if code == "RECORD_LOCKED":
        details = (
            {**details, "action": "record_locking"} if path else {"action": "record_locking", "id": str(row["id"])}
        )
    elif code in ("NOT_APPROVED", "NOT_REVIEWED"):
        details = {"resource_path_index": 1} if code == "NOT_APPROVED" else {}
    return error(code, **details)


def _begin(crm: Crm, call: Call, action: str) -> tuple[Module, list[dict[str, Any]], tuple[str, ...]]:
    target = module(crm, call.args["module"])
    check_permission(crm, target.api_name, action)
    items = call.items("data", MOST, too_many=crm.behaviour.too_many_records)
    skipped = call.body().get("skip_feature_execution") or []
    if not isinstance(skipped, list) or any(
        not isinstance(one, dict) or one.get("name") not in _SKIPPABLE for one in skipped
    ):
        place = {"api_name": "name", "json_path": "$.skip_feature_execution[0].name"}
        raise Refusal("INVALID_DATA", supported_values=list(_SKIPPABLE), **place)
    return target, items, triggered(call)


def triggered(call: Call) -> tuple[str, ...]:
    """The automations that the body lets run: all when it says nothing; raises Refusal."""
    trigger = call.body().get("trigger", list(AUTOMATIONS))
    if not isinstance(trigger, list) or any(kind not in AUTOMATIONS for kind in trigger):
        raise Refusal("INVALID_DATA", api_name="trigger", json_path="$.trigger", supported_values=list(AUTOMATIONS))
    return tuple(trigger)


def _one_created(
    crm: Crm, target: Module, item: dict[str, Any], n: int, call: Call, kinds: tuple[str, ...]
) -> dict[str, Any]:
    try:
        row = write_row(crm, target, item, n, crm.me, None)
    except Rejected as rejected:
        return rejected.answer
    _ran(crm, kinds, target, row["id"], "create")
    return success("record added", **receipt(crm, row))


def _one_updated(
    crm: Crm, target: Module, item: dict[str, Any], n: int, by: int, kinds: tuple[str, ...], until: int | None
) -> dict[str, Any]:
    path = f"$.data[{n}].id"
    if item.get("id") is None:
        return error("MANDATORY_NOT_FOUND", api_name="id", json_path=path)
    try:
        id = record_id(item["id"])
    except BadValue as bad:
        return bad.at("id", path)
    row = crm.tables[target.api_name].get(id)
    if row is None:
        return error("INVALID_DATA", _BAD_ID, api_name="id", json_path=path, id=str(id))
    if refused := _refused(crm, target, row, path):
        return refused
    if until is not None and row["Modified_Time"] > until:
        return error("ALREADY_MODIFIED", **receipt(crm, row))
    try:
        row = write_row(crm, target, item, n, by, row)
    except Rejected as rejected:
        return rejected.answer
    _ran(crm, kinds, target, id, "edit")
    return success("record updated", **receipt(crm, row))


def _checked(
    crm: Crm, target: Module, item: dict[str, Any], n: int, row: Row | None
) -> tuple[Row, list[dict[str, Any]]]:
    values: Row = {}
    problems: list[dict[str, Any]] = []
    append = item.get("$append_values")
    append = append if isinstance(append, dict) else {}
    for name, given in item.items():
        field = target.fields.get(name)
        if field is None or not field.visible or field.read_only:
            continue  # Zoho passes over what it does not know or keeps itself
        path = f"$.data[{n}].{name}"
        try:
            if field.field_read_only:
                raise BadValue("NO_PERMISSION", "permission denied to edit this field")
            if field.mandatory and given in (None, ""):
                raise BadValue("MANDATORY_NOT_FOUND")
            if field.data_type == "tags":
                values[name] = tags_of_body(crm, target.api_name, given)
            elif field.data_type == "subform":
                values[name], total = written_rows(crm, field, given, (row or {}).get(name) or [])
                values["Grand_Total"] = total
            else:
                values[name] = stored(crm, field, given, target.api_name)
            if append.get(name) and isinstance(values[name], list):
                old = (row or {}).get(name) or []
                values[name] = [*old, *(one for one in values[name] if one not in old)]
        except BadValue as bad:
            problems.append(bad.at(name, path))
    if row is None:
        for field in target.fields.values():
            if field.mandatory and field.api_name not in item:
                place = {"api_name": field.api_name, "json_path": f"$.data[{n}].{field.api_name}"}
                problems.append(error("MANDATORY_NOT_FOUND", **place))
    return values, problems


def _duplicates(crm: Crm, target: Module, values: Row, n: int, own: int | None) -> Iterator[dict[str, Any]]:
    for field in target.fields.values():
        if not field.unique or values.get(field.api_name) in (None, ""):
            continue
        found = _find(crm, target, field.api_name, values[field.api_name], own)
        if found is not None:
            owner = crm.users[found.get("Owner") or crm.person]
            named = {"api_name": target.api_name, "id": str(target.id)}
            twin = {"id": str(found["id"]), "Owner": owner.brief, "module": named}
            yield error(
                "DUPLICATE_DATA",
                api_name=field.api_name,
                json_path=f"$.data[{n}].{field.api_name}",
                id=str(found["id"]),
                duplicate_record=twin,
                more_records=False,
            )


def _same(crm: Crm, target: Module, item: dict[str, Any], checks: list[str]) -> tuple[int | None, str | None]:
    """The record that an upsert means, and the field that told."""
    if item.get("id") is not None:
        return record_id(item["id"]), None
    for name in checks:
        if item.get(name) not in (None, ""):
            found = _find(crm, target, name, item[name], None)
            if found is not None:
                return found["id"], name
    return None, None


def _find(crm: Crm, target: Module, name: str, value: Any, own: int | None) -> Row | None:
    table = crm.tables[target.api_name]
    wanted = str(value).casefold()
    for id, row in table.rows.items():
        if id != own and row.get(name) is not None and str(row[name]).casefold() == wanted:
            return row
    found = table.crowd.find(name, str(value)) if table.crowd else None
    return table.get(found) if found is not None and found != own and found not in table.rows else None


def _ran(crm: Crm, kinds: tuple[str, ...], target: Module, id: int, action: str) -> None:
    crm.ran.extend(Ran(kind=kind, module=target.api_name, record_id=str(id), action=action) for kind in kinds)
