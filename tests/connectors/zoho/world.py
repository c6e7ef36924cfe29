"""A simulated Zoho org, used by people, and made to fail, as the contract suite wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crmrules.contracts.connector import Home
from crmrules.model.objects import FieldType
from crmrules.testing.suite.world import Fault, Names, World
from crmrules_zoho.client import ZohoCrm
from crmrules_zoho.notes import title_here
from simulators.faults import Kind
from simulators.server import Request
from simulators.zoho import ZohoSimulator
from simulators.zoho.schema import Field
from simulators.zoho.simulator import ALL_SCOPES

SCOPES = (*ALL_SCOPES, "ZohoCRM.composite_requests.CUSTOM")
QUICK = {"first_pause": 0.01, "longest_pause": 0.05, "retries": 4, "connect_timeout": 5, "read_timeout": 20}
_KINDS: Mapping[Fault, Kind] = {
    "busy": "500",
    "html": "html",
    "throttled": "429",
    "throttled-silently": "429-no-retry-after",
    "slow": "slow",
    "lost-call": "drop-before",
    "lost-answer": "drop-after",
    "expired-token": "expired-token",
}
_WRITING = ("/actions/add_tags", "/actions/remove_tags", "/settings/tags", "/Notes")


def settings(sim: ZohoSimulator, **more: Any) -> dict[str, Any]:
    """Return settings that open *sim* and lose no time with waiting."""
    login = {"client_id": sim.client_id, "client_secret": sim.client_secret, "refresh_token": sim.refresh_token}
    return {"accounts_url": sim.url, **login, **QUICK, **more}


def opened(sim: ZohoSimulator, folder: Path, **more: Any) -> ZohoCrm:
    """Open *sim* as another process would; *folder* is the profile's."""
    return ZohoCrm.open(settings(sim, **more), Home(folder=folder, state=folder / "state"))


def is_write(request: Request) -> bool:
    """Whether a call changes something."""
    if request.path.endswith("/coql") or request.path.startswith(("/oauth", "/crm/bulk")):
        return False
    return request.method in ("PUT", "DELETE") or (request.method == "POST" and request.path.endswith(_WRITING))


class ZohoWorld(World):
    """An empty org whose accounts are looked at."""

    names = Names(
        object="Accounts",
        key="id",
        name="Account_Name",
        text="Description",
        modified="Modified_Time",
        fields={
            FieldType.integer: "Employees",
            FieldType.number: "Score",
            FieldType.money: "Annual_Revenue",
            FieldType.boolean: "Watched",
            FieldType.date: "Reviewed_On",
            FieldType.timestamp: "Seen_At",
            FieldType.list: "Kinds",
        },
        read_only="Created_Time",
    )
    faults = frozenset(_KINDS)

    def __init__(self, sim: ZohoSimulator, folder: Path) -> None:
        self.sim = sim
        self.folder = folder
        add = sim.crm.add_field
        add("Accounts", Field(api_name="Score", label="Score", data_type="double"))
        add("Accounts", Field(api_name="Watched", label="Watched", data_type="boolean"))
        add("Accounts", Field(api_name="Reviewed_On", label="Reviewed", data_type="date"))
        add("Accounts", Field(api_name="Seen_At", label="Seen", data_type="datetime"))
        kinds = [("A", "A"), ("B", "B"), ("丙", "丙")]
        add("Accounts", Field(api_name="Kinds", label="Kinds", data_type="multiselectpicklist", choices=kinds))

    def connect(self) -> ZohoCrm:
        return opened(self.sim, self.folder, read_timeout=1.2)

    def create(self, rows: Sequence[Mapping[str, str]]) -> list[str]:
        return [self.sim.person_creates("Accounts", row) for row in rows]

    def edit(self, id: str, values: Mapping[str, str | None]) -> None:
        self.sim.person_edits("Accounts", id, values)

    def remove(self, id: str) -> None:
        self.sim.person_deletes("Accounts", id)

    def values(self, id: str) -> Mapping[str, str | None]:
        return {name: _text(value) for name, value in self.sim.record("Accounts", id).items()}

    def tags(self, id: str) -> set[str]:
        return set(self.sim.tags("Accounts", id))

    def tag(self, id: str, name: str) -> None:
        self.sim.person_tags("Accounts", id, name)

    def notes(self, id: str) -> list[tuple[str, str]]:
        return sorted((title_here(n["Note_Title"])[0], n["Note_Content"]) for n in self.sim.notes("Accounts", id))

    def annotate(self, id: str, title: str, body: str) -> None:
        self.sim.person_notes("Accounts", id, title, body)

    def pass_time(self, seconds: float) -> None:
        self.sim.clock.advance(seconds)

    def fault(self, fault: Fault, *, times: int = 1, writes: bool = False, skip: int = 0) -> None:
        if not times:
            self.sim.faults.clear()
            return

        def fits(request: Request) -> bool:
            return not request.path.startswith("/oauth") and is_write(request) == writes

        self.sim.fault(_KINDS[fault], fits, times=times, after=skip, seconds=1.8 if fault == "slow" else 0.02)

    def calls(self) -> int:
        counters = self.sim.counters
        return counters["calls"] - counters.total("calls POST /oauth")

    def logins(self) -> int:
        return self.sim.counters["tokens issued"]

    def workflows(self) -> int:
        return len(self.sim.ran)


def _text(value: Any) -> str | None:
    if value is None or value == []:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(str(_text(one)) for one in value)
    return str(value)
