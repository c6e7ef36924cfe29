"""Functions (APL) that an administrator installed, with the tag API they can use: `Fx.tag`."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from .refusals import Refusal

MOST_CALLS = 100  # of Fx.tag in one run


class Tags:
    """The tags of a tenant: groups, definitions, and which records carry them."""

    def __init__(self) -> None:
        self.groups: dict[str, str] = {}  # group id -> name
        self.defined: dict[str, dict[str, Any]] = {}  # tag id -> its definition
        self.hung: dict[tuple[str, str], list[str]] = {}  # object and record -> tag ids
        self._numbers = itertools.count(1)

    def define(self, name: str, group: str = "crmrules", objects: tuple[str, ...] = ()) -> str:
        """Make a tag, and its group; with *objects* only those can carry it. Gives its id."""
        if group not in self.groups.values():
            self.groups[f"group{len(self.groups) + 1:03d}"] = group
        for id, tag in self.defined.items():
            if tag["name"] == name:
                return id
        id = f"tag{next(self._numbers):05d}"
        self.defined[id] = {"name": name, "group": group, "objects": objects}
        return id

    def names(self, object: str, id: str) -> list[str]:
        return [self.defined[t]["name"] for t in self.hung.get((object, id), ())]


class FxTag:
    """`Fx.tag` within one run of a function; `update` replaces the whole set."""

    def __init__(self, tags: Tags, hung: Callable[[str, str], None]) -> None:
        self._tags = tags
        self._hung = hung
        self._calls = 0

    def _call(self) -> None:
        self._calls += 1
        if self._calls > MOST_CALLS:
            raise Refusal(32000, "Fx.tag can be called at most 100 times in a function")

    def find_tag_define(self, object: str) -> list[dict[str, str]]:
        self._call()
        groups = {name: id for id, name in self._tags.groups.items()}
        return [
            {"tagGroup": t["group"], "tagGroupId": groups[t["group"]], "tagId": id, "name": t["name"]}
            for id, t in self._tags.defined.items()
            if not t["objects"] or object in t["objects"]
        ]

    def find_tag_by_id(self, object: str, id: str) -> list[dict[str, str]]:
        self._call()
        return [{"tagId": t, "name": self._tags.defined[t]["name"]} for t in self._tags.hung.get((object, id), ())]

    def update(self, object: str, id: str, tag_ids: list[str]) -> None:
        self._call()
        for tag in tag_ids:
            objects = self._tags.defined.get(tag, {"objects": ("",)})["objects"]
            if objects and object not in objects:
                raise Refusal(32000, "Error in bulkHangTagForData")
        self._tags.hung[object, id] = list(tag_ids)
        self._hung(object, id)

    def create_tag(self, description: str, group_id: str, api_name: str, name: str) -> str:
        self._call()
        if group_id not in self._tags.groups or not re.fullmatch(r"[a-zA-Z]\w*__c", api_name):
            raise Refusal(32000, "tag group or api name")
        return self._tags.define(name, self._tags.groups[group_id])


Function = Callable[[FxTag, Mapping[str, Any]], Mapping[str, Any]]


def merge_tags(fx: FxTag, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the function `crmrules_tag__c` does that the connector ships: read many records, or merge one's tags."""
    object = payload["object"]
    if payload["op"] == "read":
        return {"ok": True, "tags": {id: [t["name"] for t in fx.find_tag_by_id(object, id)] for id in payload["ids"]}}
    defines, before = fx.find_tag_define(object), fx.find_tag_by_id(object, payload["id"])
    defined = {t["name"]: t["tagId"] for t in defines}
    group = next((t["tagGroupId"] for t in reversed(defines) if t["tagGroup"] == payload["group"]), "")
    standing = [t["name"] for t in before]
    ours = [n for n in standing if n.split("=")[0] in payload["prefixes"]]
    kept = [t["tagId"] for t in before if t["name"] not in payload["remove"]]
    if sorted(ours) != sorted(payload["seen"]):
        return {"ok": False, "error": "stale", "tags": standing}
    for name in payload["add"]:
        if name not in defined:
            if not payload["create"]:
                return {"ok": False, "error": "unknown-tag", "name": name, "tags": standing}
            if not group:
                return {"ok": False, "error": "no-group", "name": payload["group"], "tags": standing}
            defined[name] = fx.create_tag("", group, payload["api_names"][name], name)
        if defined[name] not in kept:
            kept.append(defined[name])
    fx.update(object, payload["id"], kept)
    return {"ok": True, "tags": [t["name"] for t in fx.find_tag_by_id(object, payload["id"])]}


def arguments(data: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """What a call hands to its function: `data.parameters` is a list of {name, type, value}. Raises Refusal."""
    given = data.get("parameters")
    if not isinstance(given, list):
        raise Refusal(32000, "parameters")
    for parameter in given:
        value = parameter.get("value") if isinstance(parameter, dict) else None
        if isinstance(parameter, dict) and parameter.get("name") == "payload":
            right = isinstance(value, str) if kind == "String" else isinstance(value, dict)
            if parameter.get("type") != kind or not right:
                raise Refusal(32000, f"the parameter payload is of type {kind}")
            return json.loads(value) if isinstance(value, str) else dict(value or {})
    raise Refusal(32000, "the parameter payload is missing")
