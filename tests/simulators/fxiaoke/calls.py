"""What each interface does: metadata, reading and writing records, teams."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .query import query
from .refusals import Refusal, missing
from .store import Record

if TYPE_CHECKING:
    from .crm import FxiaokeSim

Call = Callable[[Mapping[str, Any], str], Mapping[str, Any]]


class Calls:
    """Every interface as a function of the body and the employee who calls."""

    def __init__(self, sim: FxiaokeSim) -> None:
        self._sim = sim
        self._store = sim.store
        self._teams: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}

    # Metadata and locks

    def metadata(self, name: str) -> Call | None:
        """The interface `/cgi/crm/v2/object/<name>`."""
        return {"list": self._list, "describe": self._describe, "lock": self._lock, "unlock": self._unlock}.get(name)

    def _list(self, body: Mapping[str, Any], user: str) -> Mapping[str, Any]:
        return {"data": {"objects": [o.listed(self._store.language) for o in self._store.objects.values()]}}

    def _describe(self, body: Mapping[str, Any], user: str) -> Mapping[str, Any]:
        inner = body.get("data")
        name = (inner.get("apiName") if isinstance(inner, dict) else None) or body.get("apiName")
        if not name:
            raise missing("apiName")
        there, language = self._store.object(str(name)), self._store.language
        fields = {f.name: f.described(language) for f in there.fields.values()} if body.get("includeDetail") else {}
        return {"data": {"describe": {"api_name": there.name, "fields": fields}}}

    def _lock(self, body: Mapping[str, Any], user: str) -> Mapping[str, Any]:
        return self._set_lock(body, "1")

    def _unlock(self, body: Mapping[str, Any], user: str) -> Mapping[str, Any]:
        return self._set_lock(body, "0")

    def _set_lock(self, body: Mapping[str, Any], status: str) -> Mapping[str, Any]:
        data = body["data"] if isinstance(body.get("data"), dict) else body
        for id in data.get("dataIds") or ():
            self._store.record(_name(data), str(id))["lock_status"] = status
        return {}

    # Records

    def data(self, action: str, *, custom: bool) -> Call | None:
        """The interface `data/<action>` of preset or *custom* objects."""
        known = {
            "query": self._query, "get": self._get, "create": self._create, "update": self._update,
            "changeOwner": self._change_owner, "invalid": self._invalid, "delete": self._delete,
            "recover": self._recover,
        }  # fmt: skip
        call = known.get(action)
        if call is None:
            return None

        def checked(body: Mapping[str, Any], user: str) -> Mapping[str, Any]:
            data = body.get("data")
            if not isinstance(data, dict):
                raise missing("data")
            named = data["object_data"] if isinstance(data.get("object_data"), dict) else data
            if _name(named).endswith("__c") != custom and self._sim.switches.strict_paths:
                raise Refusal(32000, "对象与接口不匹配")
            return call(body, user)

        return checked

    def _query(self, body: Mapping[str, Any], user: str) -> Mapping[str, Any]:
        data = body["data"]
        there = self._store.object(_name(data))
        return {"data": query(self._store, self._sim.switches, there, data, bool(body.get("includeNull")))}

    def _get(self, body: Mapping[str, Any], user: str) -> Mapping[str, Any]:
        data = body["data"]
        name, id = _name(data), data.get("objectDataId")
        if not id:
            raise missing("objectDataId")
        record = self._visible(name, str(id))
        return {"data": self._store.shown(name, record, None, bool(body.get("includeNull")))}

    def _create(self, body: Mapping[str, Any], user: str) -> Mapping[str, Any]:
        given = _object_data(body)
        name, switches = _name(given), self._sim.switches
        if name == "ActiveRecordObj":
            if not switches.active_record_create:
                raise Refusal(32000, "当前对象不支持执行该操作:新建")
            for field in switches.active_record_requires:
                if given.get(field) in (None, "", []):
                    raise missing(field)
        id = self._store.insert(name, given, user)
        self._automations(body, name, id, "create")
        return {} if name.endswith("__c") and not switches.custom_create_tells_id else {"dataId": id}

    def _update(self, body: Mapping[str, Any], user: str) -> Mapping[str, Any]:
        given = _object_data(body)
        name, id = _name(given), given.get("_id")
        if not id:
            raise missing("_id")
        record = self._visible(name, str(id))
        if name in self._sim.not_editable:
            raise Refusal(32000, "当前对象不支持执行该操作:编辑")
        if record["life_status"] == "invalid":
            raise Refusal(32000, "数据已作废")
        skip = name.endswith("__c") and body["data"].get("skipDataStatusValidate") is True
        if record["lock_status"] == "1" and not skip:
            raise Refusal(32000, "数据已锁定")
        if "owner" in given and given["owner"] != record["owner"]:
            raise Refusal(32000, "负责人请使用更换负责人接口")
        self._store.change(name, str(id), given, user, whole=self._sim.switches.update == "whole")
        self._automations(body, name, str(id), "update")
        return {}

    def _change_owner(self, body: Mapping[str, Any], user: str) -> Mapping[str, Any]:
        data = body["data"]
        for entry in data.get("Data") or ():
            record = self._visible(_name(data), str(entry.get("objectDataId")))
            owner = entry.get("ownerId")
            if not isinstance(owner, list) or not set(owner) <= set(self._sim.employees.values()):
                raise Refusal(30027)
            record["owner"] = owner
            self._store.touch(record, user)
        return {}

    def _invalid(self, body: Mapping[str, Any], user: str) -> Mapping[str, Any]:
        data = body["data"]
        if not data.get("object_data_id"):
            raise missing("object_data_id")
        self.invalidate(_name(data), str(data["object_data_id"]), user)
        return {}

    def invalidate_many(self, body: Mapping[str, Any], user: str) -> Mapping[str, Any]:
        """The batch form, for custom objects."""
        data = body.get("data")
        if not isinstance(data, dict) or not _name(data).endswith("__c"):
            raise Refusal(32000)
        for id in data.get("idList") or ():
            self.invalidate(_name(data), str(id), user)
        return {}

    def invalidate(self, name: str, id: str, by: str) -> None:
        """Set a record aside (作废); a lead loses its owner."""
        record = self._visible(name, id)
        record["life_status"] = "invalid"
        if name == "LeadsObj":
            record.pop("owner", None)
        self._store.touch(record, by)

    def _delete(self, body: Mapping[str, Any], user: str) -> Mapping[str, Any]:
        data = body["data"]
        for id in data.get("idList") or ():
            self.delete(_name(data), str(id), user)
        return {}

    def delete(self, name: str, id: str, by: str) -> None:
        """Delete a record, which must be invalid."""
        record = self._visible(name, id)
        if record["life_status"] != "invalid":
            raise Refusal(32000, "请先作废")
        record["is_deleted"] = True
        self._store.touch(record, by)

    def _recover(self, body: Mapping[str, Any], user: str) -> Mapping[str, Any]:
        data = body["data"]
        for id in data.get("idList") or ():
            record = self._visible(_name(data), str(id))
            record["life_status"] = "normal"
            self._store.touch(record, user)
        return {}

    def _visible(self, name: str, id: str) -> Record:
        record = self._store.record(name, id)
        if record["is_deleted"] and not self._sim.switches.deleted_visible:
            raise Refusal(32000, f"数据[{id}]不存在或已删除")
        return record

    def _automations(self, body: Mapping[str, Any], name: str, id: str, action: str) -> None:
        if body.get("triggerWorkFlow", True) is not False:
            self._sim.workflows.append((name, id, action))
        # Documented for every create and for the update of preset objects only.
        if body.get("triggerApprovalFlow", True) is not False and (action == "create" or not name.endswith("__c")):
            self._sim.approvals.append((name, id, action))

    # Teams

    def team(self, action: str) -> Call | None:
        """The interface `/cgi/crm/team/<action>`."""
        if action not in ("add", "edit", "get", "delete"):
            return None

        def call(body: Mapping[str, Any], user: str) -> Mapping[str, Any]:
            data = body.get("data")
            if not isinstance(data, dict):
                raise missing("data")
            place = _name(data), str(data.get("dataID") or data.get("objectDataId"))
            self._visible(*place)
            team = self._teams.setdefault(place, {})
            for member in data.get("teamMembers") or ():
                for employee in member.get("teamMemberEmployee") or ():
                    if action == "delete":
                        team.pop(employee, None)
                    else:
                        team[employee] = {**member, "teamMemberEmployee": [employee]}
            return {"data": {"teamMembers": list(team.values())}} if action == "get" else {}

        return call


def _name(data: Mapping[str, Any]) -> str:
    name = data.get("dataObjectApiName") or data.get("apiName")
    if not isinstance(name, str) or not name:
        raise missing("apiName")
    return name


def _object_data(body: Mapping[str, Any]) -> Mapping[str, Any]:
    given = body["data"].get("object_data")
    if not isinstance(given, dict):
        raise missing("object_data")
    return given
