"""What people do in the CRM's own pages, behind the back of whoever uses the interface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .store import Record

if TYPE_CHECKING:
    from .crm import FxiaokeSim


class People:
    """Every call is made by the employee *by* and holds the simulator's lock."""

    def __init__(self, sim: FxiaokeSim) -> None:
        self._sim = sim
        self.mobiles: dict[str, str] = {"13800000000": "1000"}

    def hire(self, employee: str, name: str, mobile: str = "") -> None:
        """Add an employee, who can then own records and use the interface."""
        with self._sim.lock:
            self._sim.employees[f"FSUID_{employee}"] = employee
            self._sim.store.insert("PersonnelObj", {"name": name, "user_id": employee}, employee)
            if mobile:
                self.mobiles[mobile] = employee

    def create(self, object: str, values: Mapping[str, Any], by: str = "1000", id: str = "") -> str:
        """Make a record and return its `_id`; what is read only can be set too (a history)."""
        with self._sim.lock:
            return self._sim.store.insert(object, values, by, id=id, system=True)

    def edit(self, object: str, id: str, values: Mapping[str, Any], by: str = "1001") -> None:
        """Change fields; None empties."""
        with self._sim.lock:
            store = self._sim.store
            record = store.record(object, id)
            for name, value in store.taken(store.object(object), values, system=True).items():
                if value is None:
                    record.pop(name, None)
                else:
                    record[name] = value
            store.touch(record, by)

    def invalidate(self, object: str, id: str, by: str = "1001") -> None:
        """Set a record aside (作废)."""
        with self._sim.lock:
            self._sim._calls.invalidate(object, id, by)

    def delete(self, object: str, id: str, by: str = "1001") -> None:
        """Delete a record for good, setting it aside first."""
        with self._sim.lock:
            if self._sim.store.record(object, id)["life_status"] != "invalid":
                self._sim._calls.invalidate(object, id, by)
            self._sim._calls.delete(object, id, by)

    def recover(self, object: str, id: str, by: str = "1001") -> None:
        """Take an invalid record back."""
        self.edit(object, id, {"life_status": "normal"}, by)

    def lock(self, object: str, id: str) -> None:
        """Let nobody edit a record."""
        with self._sim.lock:
            self._sim.store.record(object, id)["lock_status"] = "1"

    def tag(self, object: str, id: str, *names: str, group: str = "people") -> None:
        """Hang tags on a record (the CRM's own, not a field)."""
        with self._sim.lock:
            tags = self._sim.tags
            hung = tags.hung.setdefault((object, id), [])
            hung += [t for t in (tags.define(name, group) for name in names) if t not in hung]
            self._sim._tagged(object, id)

    def untag(self, object: str, id: str, name: str) -> None:
        """Take a tag off."""
        with self._sim.lock:
            tags = self._sim.tags
            tags.hung[object, id] = [t for t in tags.hung.get((object, id), ()) if tags.defined[t]["name"] != name]
            self._sim._tagged(object, id)

    def tags(self, object: str, id: str) -> list[str]:
        """The names of the tags on a record."""
        with self._sim.lock:
            return self._sim.tags.names(object, id)

    def record(self, object: str, id: str) -> Record:
        """A record as it is stored, empty fields absent."""
        with self._sim.lock:
            return dict(self._sim.store.record(object, id))

    def records(self, object: str) -> list[Record]:
        """Every record that was not deleted, in the order of ids."""
        with self._sim.lock:
            return [dict(r) for r in self._sim.store.live(object)]
