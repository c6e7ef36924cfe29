"""A Tryton server as its people use it, with a proxy before it on which calls go wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from crmrules.contracts.connector import Home
from crmrules.model.objects import FieldType
from crmrules.testing.suite.world import Fault, Names, World
from crmrules_tryton.client import TrytonCrm
from crmrules_tryton.objects import ACCOUNT, MODIFIED
from servers.proxy import Proxy, rpc_method
from servers.tryton import Person, Tryton
from simulators.faults import Kind
from simulators.server import Request

_FAULTS: Mapping[Fault, Kind] = {
    "busy": "500", "html": "html", "throttled": "429", "throttled-silently": "429-no-retry-after", "slow": "slow",
    "lost-call": "drop-before", "lost-answer": "drop-after", "expired-token": "expired-token",
}  # fmt: skip
_OF_A_LOGIN = ("common.", "model.res.user.get_preferences", "model.company.")
_WRITES = (".create", ".write", ".delete")
_PATIENCE = {"read_timeout": 3, "first_pause": 0.05, "longest_pause": 1, "retries": 2}


class TrytonWorld(World):
    """Parties of a server, as organisations."""

    faults = frozenset(_FAULTS)
    most_records = 110
    names = Names(
        object=ACCOUNT, key="id", name="name", text="segment", modified=MODIFIED, read_only="full_name",
        fields={
            FieldType.integer: "staff", FieldType.number: "satisfaction", FieldType.money: "potential",
            FieldType.boolean: "key_account", FieldType.date: "next_visit",
        },
    )  # fmt: skip

    _session: ClassVar[dict[str, bytes]] = {}  # a login of an earlier test, which is good for the next as well

    def __init__(self, server: Tryton, proxy: Proxy, folder: Path) -> None:
        self.server, self.proxy, self._folder = server, proxy, folder
        self._people = server.person()
        self._enter()

    def _enter(self) -> None:
        """Log in as an earlier run of the profile did: the password of a user is slow to check."""
        state = self._folder / "state"
        state.mkdir()
        if not self._session:
            self.connect().count(ACCOUNT)
            self._session.update({file.name: file.read_bytes() for file in state.glob("*.token")})
            self.proxy.counters.reset()
        for name, content in self._session.items():
            (state / name).write_bytes(content)

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return settings of a connection through the proxy."""
        login = {"database": "crm", "login": "crmrules", "password": "crmrules-password"}
        return {"url": self.proxy.url, **login, "page": 40, **_PATIENCE, **more}

    def connect(self, **more: Any) -> TrytonCrm:
        return TrytonCrm.open(self.settings(**more), Home(folder=self._folder, state=self._folder / "state"))

    def create(self, rows: Sequence[Mapping[str, str]]) -> list[str]:
        if len(rows) <= 30 or any(set(row) != {"name"} for row in rows):
            return [str(id) for id in self._people.create("party.party", *rows)]
        before = self.server.sql("SELECT max(id) FROM party_party")[0][0]
        self.server.sql(  # what takes Tryton seconds
            "INSERT INTO party_party (active, code, name, create_uid, create_date)"
            " SELECT 1, 'N' || (? + key), json_extract(value, '$.name'), 1, strftime('%Y-%m-%d %H:%M:%f000', 'now')"
            " FROM json_each(?)", before, json.dumps(list(rows), default=dict),
        )  # fmt: skip
        made = self.server.sql("SELECT id FROM party_party WHERE id > ? ORDER BY id", before)
        return [str(id) for (id,) in made]

    def edit(self, id: str, values: Mapping[str, str | None]) -> None:
        self._people.write("party.party", int(id), **values)

    def remove(self, id: str) -> None:
        self._people.call("party.party.delete", [int(id)])

    def values(self, id: str) -> Mapping[str, str | None]:
        fields = [self.names.name, self.names.text, *self.names.fields.values()]
        (row,) = self._people.find("party.party", [["id", "=", int(id)]], *fields)
        return {name: _text(row[name], boolean=name == "key_account") for name in fields}

    def tags(self, id: str) -> set[str]:
        (row,) = self._people.find("party.party", [["id", "=", int(id)]], "categories")
        return {
            found["rec_name"]
            for found in self._people.find("party.category", [["id", "in", row["categories"]]], "rec_name")
        }

    def tag(self, id: str, name: str) -> None:
        add_category(self._people, int(id), name)

    def notes(self, id: str) -> list[tuple[str, str]]:
        rows = self._people.find("ir.note", [["resource", "=", f"party.party,{id}"]], "message")
        return sorted(parted(row["message"]) for row in rows)

    def annotate(self, id: str, title: str, body: str) -> None:
        self._people.create("ir.note", {"resource": f"party.party,{id}", "message": f"[{title}]\n{body}"})

    def pass_time(self, seconds: float) -> None:
        time.sleep(seconds)

    def fault(self, fault: Fault, *, times: int = 1, writes: bool = False, skip: int = 0) -> None:
        self.proxy.faults.clear()
        if fault == "expired-token":
            self._session.clear()
        if times:
            seconds = 5.0 if fault == "slow" else 1.0
            self.proxy.fault(_FAULTS[fault], _calls(writes), times=times, after=skip, seconds=seconds)

    def calls(self) -> int:
        made = self.proxy.counters.items("calls ")
        return sum(n for name, n in made.items() if not name.removeprefix("calls ").startswith(_OF_A_LOGIN))

    def logins(self) -> int:
        return self.proxy.counters["calls common.db.login"]


def add_category(person: Person, party: int, name: str) -> None:
    """Give a party a category, made where it is missing, as a person would."""
    found = person.find("party.category", [["name", "=", name]], "id")
    id = found[0]["id"] if found else person.create("party.category", {"name": name})[0]
    person.write("party.party", party, categories=[["add", [id]]])


def parted(message: str) -> tuple[str, str]:
    """Title and body of a note, as the README says that they are told apart."""
    head, line, body = message.partition("\n")
    return (head[1:-1], body) if line and head.startswith("[") and head.endswith("]") else ("", message)


def expire_sessions(server: Tryton) -> Callable[[Request], None]:
    """Let the integration's sessions end, as Tryton does after a while."""

    def expired(request: Request) -> None:
        server.sql("DELETE FROM ir_session WHERE create_uid = (SELECT id FROM res_user WHERE login = 'crmrules')")

    return expired


def _calls(writes: bool) -> Callable[[Request], bool]:
    def fits(request: Request) -> bool:
        method = rpc_method(request)
        return not method.startswith(_OF_A_LOGIN) and method.endswith(_WRITES) == writes

    return fits


def _text(value: Any, *, boolean: bool = False) -> str | None:
    if boolean:
        return "true" if value else "false"
    if isinstance(value, dict):
        if value["__class__"] == "Decimal":
            return str(value["decimal"])
        return date(value["year"], value["month"], value["day"]).isoformat()
    return None if value is None or value == "" else str(value)
