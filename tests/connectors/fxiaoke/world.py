"""A simulated tenant, used by people, and made to fail, as the contract suite wants."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from crmrules.contracts.connector import Home
from crmrules.model.objects import FieldType
from crmrules.testing.suite.world import Fault, Names, World
from crmrules_fxiaoke.client import FxiaokeCrm
from simulators.faults import Kind
from simulators.fxiaoke import FxiaokeSim
from simulators.fxiaoke.functions import merge_tags
from simulators.server import Request

CHINA = ZoneInfo("Asia/Shanghai")
QUICK = {"window": {"calls": 10_000, "seconds": 0.01}, "pause": 0.01, "timeout": 0.8, "token_cache": "none"}
_KINDS: Mapping[Fault, Kind] = {
    "busy": "500",
    "html": "html",
    "throttled-silently": "429-no-retry-after",
    "slow": "slow",
    "lost-call": "drop-before",
    "lost-answer": "drop-after",
    "expired-token": "expired-token",
}
_WRITES = re.compile(r"/data/(create|update|invalid|delete|recover|changeOwner)$")


def settings(sim: FxiaokeSim, **more: Any) -> dict[str, Any]:
    """Return settings that open *sim* and lose no time with waiting."""
    app = sim.app
    login = {"app_id": app.app_id, "app_secret": app.app_secret, "permanent_code": app.permanent_code}
    return {"url": sim.url, **login, "user_id": "1000", "open_user_id": "FSUID_ADMIN", **QUICK, **more}


def opened(sim: FxiaokeSim, folder: Path, **more: Any) -> FxiaokeCrm:
    """Open *sim* as another process would; *folder* is the profile's."""
    return FxiaokeCrm.open(settings(sim, **more), Home(folder=folder, state=folder / "state"))


def is_write(request: Request) -> bool:
    """Whether a call changes something."""
    if request.path.endswith("/special/function"):
        return b'"merge' in request.body or b'\\"merge' in request.body
    return _WRITES.search(request.path) is not None


class FxiaokeWorld(World):
    """A tenant without records, whose accounts are looked at; *more* are settings of the connector."""

    names = Names(
        object="AccountObj",
        key="_id",
        name="name",
        text="summary__c",
        modified="last_modified_time",
        fields={
            FieldType.integer: "beds__c",
            FieldType.number: "share__c",
            FieldType.money: "revenue__c",
            FieldType.boolean: "blacklisted__c",
            FieldType.date: "contract_end__c",
            FieldType.timestamp: "met_at__c",
            FieldType.list: "areas__c",
        },
        read_only="last_followed_time",
    )
    faults = frozenset(_KINDS)
    most_records = 230

    def __init__(self, sim: FxiaokeSim, folder: Path, **more: Any) -> None:
        self.sim = sim
        self.folder = folder
        self.more = more
        sim.people.hire("1001", "林晓")
        sim.install("crmrules_tag__c", merge_tags)
        sim.tags.define("crmrules", "crmrules")

    def connect(self) -> FxiaokeCrm:
        return opened(self.sim, self.folder, **self.more)

    def create(self, rows: Sequence[Mapping[str, str]]) -> list[str]:
        return [self.sim.people.create("AccountObj", self._typed(row), "1001") for row in rows]

    def edit(self, id: str, values: Mapping[str, str | None]) -> None:
        self.sim.people.edit("AccountObj", id, self._typed(values))

    def remove(self, id: str) -> None:
        self.sim.people.invalidate("AccountObj", id)

    def values(self, id: str) -> Mapping[str, str | None]:
        fields = self.sim.store.object("AccountObj").fields
        return {n: _text(fields[n].type, v) for n, v in self.sim.people.record("AccountObj", id).items()}

    def tags(self, id: str) -> set[str]:
        if self.more.get("tags") == "function":
            return set(self.sim.people.tags("AccountObj", id))
        return set(self._field(id, "crmrules_tags__c").splitlines()) - {""}

    def tag(self, id: str, name: str) -> None:
        if self.more.get("tags") == "function":
            self.sim.people.tag("AccountObj", id, name)
        else:
            text = "\n".join([*self._field(id, "crmrules_tags__c").splitlines(), name])
            self.sim.people.edit("AccountObj", id, {"crmrules_tags__c": text})

    def notes(self, id: str) -> list[tuple[str, str]]:
        kind = self.more.get("notes", "field")
        if kind == "object":
            rows = (r for r in self._live("crmrules_note__c") if r.get("account_id__c") == id)
            return sorted((r["name"], r["body__c"]) for r in rows)
        if kind == "record":
            rows = (r for r in self._live("ActiveRecordObj") if id in [x["id"] for x in r["related_object_data"]])
            texts = [r["active_record_content"] for r in rows]
        else:
            texts = [self._field(id, "crmrules_strategy__c")]
        return sorted(pair for text in texts for pair in sections(text))

    def annotate(self, id: str, title: str, body: str) -> None:
        kind = self.more.get("notes", "field")
        if kind == "object":
            self.sim.people.create("crmrules_note__c", {"name": title, "body__c": body, "account_id__c": id}, "1001")
        elif kind == "record":
            link = {"describe_api_name": "AccountObj", "id": id}
            values = {"active_record_content": f"【{title}】\n{body}", "related_object_data": [link]}
            self.sim.people.create("ActiveRecordObj", values, "1001")
        else:
            text = f"{self._field(id, 'crmrules_strategy__c')}\n【{title}】\n{body}".lstrip("\n")
            self.sim.people.edit("AccountObj", id, {"crmrules_strategy__c": text})

    def pass_time(self, seconds: float) -> None:
        self.sim.clock.advance(seconds)

    def fault(self, fault: Fault, *, times: int = 1, writes: bool = False, skip: int = 0) -> None:
        if not times:
            self.sim.faults.clear()
            return

        def fits(request: Request) -> bool:
            return self.sim.lane(request) != "token" and is_write(request) == writes

        self.sim.fault(_KINDS[fault], fits, times=times, after=skip, seconds=1.2)

    def calls(self) -> int:
        return self.sim.counters["calls"] - self.sim.counters["calls /oauth2.0/token"]

    def logins(self) -> int:
        return self.sim.tokens.issued

    def workflows(self) -> int:
        return len(self.sim.workflows) + len(self.sim.approvals)

    def _field(self, id: str, name: str) -> str:
        return str(self.sim.people.record("AccountObj", id).get(name, ""))

    def _live(self, object: str) -> list[dict[str, Any]]:
        return [r for r in self.sim.people.records(object) if r["life_status"] != "invalid"]

    def _typed(self, values: Mapping[str, str | None]) -> dict[str, Any]:
        fields = self.sim.store.object("AccountObj").fields
        return {n: _native(fields[n].type, v) for n, v in values.items()}


def sections(text: str) -> list[tuple[str, str]]:
    """Take a long text apart as a person sees it: headings in 【】, and what stands below."""
    parts = re.split(r"^【(?:crmrules\|)?([^【】\n]*)】\n?", text, flags=re.MULTILINE)
    return [(title, body.strip("\n")) for title, body in zip(parts[1::2], parts[2::2], strict=True)]


def _native(type: str, text: str | None) -> Any:
    if text is None:
        return None
    if type == "true_or_false":
        return text == "true"
    if type in ("date", "date_time"):
        moment = datetime.fromisoformat(text)
        return round((moment if moment.tzinfo else moment.replace(tzinfo=CHINA)).timestamp() * 1000)
    return text.split(";") if type == "select_many" else text


def _text(type: str, value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if type in ("date", "date_time"):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)
        return moment.astimezone(CHINA).date().isoformat() if type == "date" else moment.isoformat(sep=" ")
    return ";".join(map(str, value)) if isinstance(value, list) else str(value)
