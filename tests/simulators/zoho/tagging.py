"""Tags: the module's list of them, and which record bears which."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..server import Response, json_response
from .call import EMPTY, Call, answers, asked_module, check_permission, module, success
from .crm import Crm, Tag
from .errors import BadValue, Refusal, Refused, error
from .limits import EDITIONS
from .values import record_id

COLORS = tuple(
    "#" + color
    for color in (
        [
            "F17574",
            "F48435",
            "E7A826",
            "A8C026",
            "63C57E",
            "1DB9B4",
            "57B1FD",
            "879BFC",
            "D297EE",
            "FD87BD",
            "969696",
            "658BA8",
            "B88562",
        ]
    )
)
MOST_RECORDS = 500
MOST_TAGS = 10
NAME_LENGTH = 25
_TAGLESS = ("Notes",)


def list_tags(crm: Crm, call: Call) -> Response:
    """``GET /settings/tags?module=``"""
    name = _module_of(crm, call)
    tags = crm.tags.get(name, {})
    if not tags:
        return EMPTY
    shown = [
        {
            **tag.short,
            "created_time": crm.time(tag.created),
            "modified_time": crm.time(tag.modified),
            "created_by": crm.users[tag.by].brief,
            "modified_by": crm.users[tag.by].brief,
        }
        for tag in tags.values()
    ]
    info = {"count": len(tags), "allowed_count": EDITIONS[crm.edition].tags_per_module}
    return json_response(200, {"tags": shown, "info": info})


def create_tags(crm: Crm, call: Call) -> Response:
    """``POST /settings/tags?module=``"""
    name = _module_of(crm, call)
    done = []
    for n, item in enumerate(call.items("tags", 100)):
        try:
            tag = new_tag(crm, name, item.get("name"), item.get("color_code"), crm.me)
        except BadValue as bad:
            key = "color_code" if "supported_values" in bad.details else "name"
            done.append(bad.at(key, f"$.tags[{n}].{key}"))
            continue
        person, at = crm.users[tag.by].brief, crm.time(tag.created)
        details = {"created_time": at, "modified_time": at, "modified_by": person, "created_by": person, **tag.short}
        done.append(success("tags created successfully", **details))
    return answers(done, name="tags", good=201)


def new_tag(crm: Crm, module: str, name: Any, color: Any, by: int) -> Tag:
    """Make a tag; raises BadValue for a name that is there, too long or one too many."""
    if name is None or name == "":
        raise BadValue("MANDATORY_NOT_FOUND")
    if not isinstance(name, str):
        raise BadValue(expected_data_type="string")
    if len(name) > NAME_LENGTH:
        raise BadValue(maximum_length=NAME_LENGTH)
    if color is not None and color not in COLORS:
        raise BadValue(supported_values=list(COLORS))
    same = crm.tag_named(module, name)
    if same is not None:
        raise BadValue("DUPLICATE_DATA", id=str(same.id))
    tags = crm.tags.setdefault(module, {})
    if len(tags) >= EDITIONS[crm.edition].tags_per_module:
        raise BadValue("LICENSE_LIMIT_EXCEEDED", limit=EDITIONS[crm.edition].tags_per_module)
    now = crm.now()
    tag = Tag(id=crm.new_id(), name=name, color=color, created=now, modified=now, by=by)
    tags[tag.id] = tag
    return tag


def change_tags(crm: Crm, call: Call) -> Response:
    """``POST /{Module}[/{id}]/actions/add_tags`` and ``.../remove_tags``"""
    name = module(crm, call.args["module"]).api_name
    if name in _TAGLESS:
        raise Refusal("INVALID_MODULE", "the given module is not supported for this api", resource_path_index=0)
    check_permission(crm, name, "Edit")
    adding = call.args["action"] == "add_tags"
    body = call.body()
    tags = _tags_meant(crm, call, name, adding=adding)
    ids = [call.args["id"]] if "id" in call.args else body.get("ids")
    if ids is None:
        raise Refusal("MANDATORY_NOT_FOUND", api_name="ids", json_path="$.ids")
    if not isinstance(ids, list) or not ids:
        raise Refusal("INVALID_DATA", api_name="ids", json_path="$.ids", expected_data_type="jsonarray")
    if len(ids) > MOST_RECORDS:
        raise Refusal("LIMIT_EXCEEDED", api_name="ids", json_path="$.ids", limit=MOST_RECORDS)
    over_write = body.get("over_write", call.query.get("over_write", False)) in (True, "true")
    done = [_change(crm, name, n, id, tags, adding=adding, over_write=over_write) for n, id in enumerate(ids)]
    if "id" in call.args and done[0]["status"] == "success":
        at = datetime.fromtimestamp(crm.now(), crm.zone)
        done[0]["details"] |= {"modifiedTime": at.strftime("%a, %d %b %Y %I:%M %p")}  # as a person reads it
    good = sum(item["status"] == "success" for item in done)
    locked = sum(item["code"] == "RECORD_LOCKED" for item in done)
    return answers(done, success_count=str(good), locked_count=str(locked))


def tags_of_body(crm: Crm, module: str, given: Any) -> tuple[int, ...]:
    """The field ``Tag`` of a record that is written: the whole list, by id or name; raises BadValue."""
    if given is None:
        return ()
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise BadValue(expected_data_type="jsonarray")
    if len(given) > EDITIONS[crm.edition].tags_per_record:
        raise BadValue("LICENSE_LIMIT_EXCEEDED")
    return tuple(_meant(crm, module, one, make=True).id for one in given)


def _change(
    crm: Crm, name: str, n: int, given: Any, tags: list[Tag], *, adding: bool, over_write: bool
) -> dict[str, Any]:
    path = f"$.ids[{n}]"
    try:
        id = record_id(given)
    except BadValue as bad:
        return bad.at("ids", path)
    row = crm.tables[name].get(id)
    if row is None:
        return error("INVALID_DATA", "the id given seems to be invalid", id=str(id), api_name="ids", json_path=path)
    if crm.states.get((name, id)) == "RECORD_LOCKED":
        return error("RECORD_LOCKED", id=str(id), action="record_locking")
    old = () if over_write and adding else tuple(tag for tag in row.get("Tag") or () if tag in crm.tags.get(name, {}))
    left_out: list[Tag] = []
    if adding:
        new = [*old, *(tag.id for tag in tags if tag.id not in old)]
        most = EDITIONS[crm.edition].tags_per_record
        left_out = [crm.tags[name][tag] for tag in new[most:]]
        new = new[:most]
    else:
        new = [tag for tag in old if tag not in {one.id for one in tags}]
    changed = {**row, "Tag": tuple(new)}
    if crm.behaviour.tags_bump_modified:
        changed |= {"Modified_Time": crm.now(), "Modified_By": crm.me}
    crm.tables[name].put(changed)
    details: dict[str, Any] = {"id": str(id), "tags": [crm.tags[name][tag].short for tag in new]}
    if crm.behaviour.not_added_tags:
        details["affected_data"] = None
        details["not_added_tags"] = [tag.short for tag in left_out]
    return success("tags updated successfully", **details)


def _tags_meant(crm: Crm, call: Call, name: str, *, adding: bool) -> list[Tag]:
    tags = []
    for n, item in enumerate(call.items("tags", MOST_TAGS)):
        try:
            tags.append(_meant(crm, name, item, make=adding and crm.behaviour.unknown_tag_name == "create"))
        except BadValue as bad:
            key = "id" if "id" in item else "name"
            raise Refused(answers([bad.at(key, f"$.tags[{n}].{key}")], name="tags")) from None
    return tags


def _meant(crm: Crm, module: str, item: dict[str, Any], *, make: bool) -> Tag:
    """The tag that an ``{id, name, color_code}`` means; the id wins."""
    if item.get("id") is not None:
        tag = crm.tags.get(module, {}).get(record_id(item["id"]))
        if tag is None:
            raise BadValue(message="the id given seems to be invalid")
        return tag
    name = item.get("name")
    if not isinstance(name, str) or not name:
        raise BadValue("MANDATORY_NOT_FOUND")
    if len(name) > NAME_LENGTH:
        raise BadValue(maximum_length=NAME_LENGTH)
    tag = crm.tag_named(module, name)
    color = item.get("color_code")
    if tag is not None and color is not None and tag.color is not None and color != tag.color:
        raise BadValue("MAPPING_MISMATCH")
    if tag is None and make:
        return new_tag(crm, module, name, color, crm.me)
    if tag is None:
        raise BadValue(message="the tag name given seems to be invalid")
    return tag


def _module_of(crm: Crm, call: Call) -> str:
    if not call.query.get("module"):
        raise Refusal("REQUIRED_PARAM_MISSING", param="module")
    name = asked_module(crm, call).api_name
    if name in _TAGLESS:
        raise Refusal("INVALID_MODULE", "the given module is not supported for this api", param_name="module")
    return name
