"""What people do in the CRM while we look away, and what a test may look at. Nothing here costs a call."""

from __future__ import annotations

from collections.abc import Mapping
from threading import RLock
from typing import Any

from .crm import Crm
from .notes import add_note, notes_of
from .render import whole
from .roles import play, role_id
from .schema import LOOKUPS
from .store import Row
from .synthetic import contacts
from .tagging import new_tag
from .writing import Rejected, remove, write_row

Id = str | int


class People:
    """Acts of a person, at the time of the clock; each raises AssertionError when the CRM would refuse it."""

    crm: Crm
    lock: RLock

    def person_creates(self, module: str, values: Mapping[str, Any]) -> str:
        """A new record; values as the API takes them. Gives its id."""
        with self.lock:
            return str(self._write(module, None, values)["id"])

    def person_edits(self, module: str, id: Id, values: Mapping[str, Any]) -> None:
        """Change fields; values as the API takes them."""
        with self.lock:
            self._write(module, self._row(module, id), values)

    def person_touches(self, module: str, ids: range | list[Id], values: Mapping[str, Any]) -> None:
        """The same change to many records."""
        with self.lock:
            for id in ids:
                self._write(module, self._row(module, id), values)

    def drifts(self, module: str, id: Id, values: Mapping[str, Any]) -> None:
        """Values change without anybody's doing: a formula, a roll-up, an old import. Nothing is checked, and
        Modified_Time stays as it is."""
        with self.lock:
            self.crm.tables[module].put({**self._row(module, id), **values})

    def person_deletes(self, module: str, id: Id, *, permanent: bool = False) -> None:
        with self.lock:
            remove(self.crm, module, self._row(module, id), self.crm.person, permanent=permanent)

    def person_restores(self, module: str, id: Id) -> None:
        """Take a record out of the recycle bin: it comes back as changed, with its id."""
        with self.lock:
            row = self.crm.tables[module].restore(int(id))
            self._store(module, row)

    def person_merges(self, module: str, master: Id, *others: Id) -> None:
        """Merge *others* into *master*: what points at them points at the master, and they are deleted."""
        with self.lock:
            kept = self._row(module, master)
            gone = {int(id) for id in others}
            tags = list(kept.get("Tag") or ())
            for id in others:
                row = self._row(module, id)
                kept = {**{key: value for key, value in row.items() if value not in (None, "")}, **kept}
                tags += [tag for tag in row.get("Tag") or () if tag not in tags]
                remove(self.crm, module, row, self.crm.person)
            self._store(module, {**kept, "Tag": tuple(tags)})
            self._redirect(module, gone, int(master))

    def person_tags(self, module: str, id: Id, *names: str) -> None:
        """Add tags, made when they aren't there; whether that moves Modified_Time is up to `behaviour`."""
        with self.lock:
            row = self._row(module, id)
            tags = [(self.crm.tag_named(module, name) or new_tag(self.crm, module, name, None, self.crm.person)).id
                    for name in names]  # fmt: skip
            old = row.get("Tag") or ()
            self._retag(module, row, (*old, *(tag for tag in tags if tag not in old)))

    def person_untags(self, module: str, id: Id, *names: str) -> None:
        with self.lock:
            row = self._row(module, id)
            off = {tag.id for name in names if (tag := self.crm.tag_named(module, name))}
            self._retag(module, row, tuple(tag for tag in row.get("Tag") or () if tag not in off))

    def person_notes(self, module: str, id: Id, title: str, content: str) -> str:
        """Write a note on a record; gives the note's id."""
        with self.lock:
            item = {"Note_Title": title, "Note_Content": content}
            return str(add_note(self.crm, item, 0, self.crm.person, (module, int(id)))["id"])

    def person_sets_role(self, deal: Id, contact: Id, role: str | None) -> None:
        """Let a contact play a role of the org's list in a deal; None takes the contact off it."""
        with self.lock:
            play(self.crm, int(deal), int(contact), role_id(self.crm, role) if role else None, self.crm.person)

    def person_converts(self, lead: Id) -> None:
        """Convert a lead: it vanishes from plain lists."""
        with self.lock:
            self._store("Leads", {**self._row("Leads", lead), "Converted__s": True, "Lead_Status": "已转换"})

    # What an admin sets

    def deny(self, module: str, action: str) -> None:
        """Take a right from the profile of the API user: view, create, edit or delete."""
        self.crm.denied.add((module, action.lower()))

    def hide_field(self, module: str, field: str) -> None:
        """Take a field out of the profile's sight."""
        self.crm.modules[module].fields[field].visible = False

    def refuse_writes(self, module: str, id: Id, code: str | None) -> None:
        """Refuse each write to a record with RECORD_LOCKED, NOT_APPROVED, NOT_REVIEWED, RECORD_IN_BLUEPRINT, ..; None lifts it."""
        self.crm.states.pop((module, int(id)), None)
        if code:
            self.crm.states[(module, int(id))] = code

    def add_crowd(self, count: int, *, seed: int = 1) -> range:
        """Many contacts, made when they are looked at; gives their ids."""
        with self.lock:
            crowd = contacts(self.crm, count, seed)
            self.crm.tables["Contacts"].crowd = crowd
            return range(crowd.first, crowd.first + count)

    # What a test looks at

    def ids(self, module: str) -> list[str]:
        """Ids of the living records of a module, oldest first; not for crowds."""
        with self.lock:
            return [str(row["id"]) for row in self.crm.living(module)]

    def record(self, module: str, id: Id) -> dict[str, Any]:
        """A living record as a single GET shows it; raises KeyError."""
        with self.lock:
            return whole(self.crm, module, self._row(module, id))

    def tags(self, module: str, id: Id) -> set[str]:
        """Names of a record's tags."""
        return {tag["name"] for tag in self.record(module, id)["Tag"]}

    def notes(self, module: str, id: Id) -> list[dict[str, Any]]:
        """Notes of a record, oldest first."""
        with self.lock:
            return [whole(self.crm, "Notes", row) for row in notes_of(self.crm, module, int(id))]

    def roles(self, deal: Id) -> dict[str, str]:
        """Contact id -> role name of a deal; "" for a contact without a role."""
        with self.lock:
            played = self.crm.deal_roles.get(int(deal), {})
            return {str(contact): self.crm.roles.get(role, "") for contact, role in played.items()}

    def _row(self, module: str, id: Id) -> Row:
        row = self.crm.tables[module].get(int(id))
        if row is None:
            raise KeyError(f"{module} {id}")
        return row

    def _write(self, module: str, row: Row | None, values: Mapping[str, Any]) -> Row:
        try:
            return write_row(self.crm, self.crm.modules[module], dict(values), 0, self.crm.person, row)
        except Rejected as rejected:
            raise AssertionError(f"the CRM would refuse this: {rejected.answer}") from None

    def _store(self, module: str, row: Row) -> None:
        stamp = {"Modified_Time": self.crm.now(), "Modified_By": self.crm.person}
        self.crm.tables[module].put({**row, **stamp})

    def _retag(self, module: str, row: Row, tags: tuple[int, ...]) -> None:
        if self.crm.behaviour.tags_bump_modified:
            self._store(module, {**row, "Tag": tags})
        else:
            self.crm.tables[module].put({**row, "Tag": tags})

    def _redirect(self, module: str, gone: set[int], master: int) -> None:
        for name, target in self.crm.modules.items():
            lookups = [f.api_name for f in target.fields.values() if f.data_type in LOOKUPS and f.lookup]
            for row in list(self.crm.tables[name].rows.values()):
                moved = {field: master for field in lookups if row.get(field) in gone}
                if row.get("Parent_Id") and row["Parent_Id"][0] == module and row["Parent_Id"][1] in gone:
                    moved["Parent_Id"] = (module, master)  # type: ignore[assignment]
                if moved:
                    self.crm.tables[name].put({**row, **moved})
        for deal, played in list(self.crm.deal_roles.items()):
            if module == "Deals" and deal in gone:
                self.crm.deal_roles.setdefault(master, {}).update(self.crm.deal_roles.pop(deal))
            elif module == "Contacts":
                for contact in gone & set(played):
                    played.setdefault(master, played.pop(contact))
