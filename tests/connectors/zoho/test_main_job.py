"""The main job on a simulated Zoho org, by the real command line, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from connectors.main_job import Crm, Ids, Records, main_job
from connectors.zoho.world import settings
from crmrules_zoho.config import DEFAULT_MAPPING
from crmrules_zoho.memory import Memory
from crmrules_zoho.notes import title_here
from crmrules_zoho.tags import LONGEST
from simulators.zoho import ZohoSimulator
from simulators.zoho.canonical import MODULES, load_canonical, native

_ROLES = DEFAULT_MAPPING["objects"]["deal_contact"]["fields"]["role"]["values"]


class Zoho(Crm):
    """An org with b2b-core's fields as custom ones, as an admin would have made them."""

    connector = "zoho"
    # A record holds ten tags, in every edition: one account of the sample would get eleven.
    ruleset = "for-zoho"
    rules: ClassVar[Mapping[str, str]] = {
        "for-zoho/ruleset.yaml": "schema: ruleset-v1\nname: for-zoho\nversion: 1.0.0\nlanguages: [zh, en]\n"
        "label: {zh: 用于 Zoho, en: For Zoho}\nextends: [b2b-core]\n",
        "for-zoho/write.yaml": "account.behaviour: null\n",
    }
    # Zoho does not keep when and by whom a contact role was set, so such a role never grows old: people have more of them.
    differing = frozenset({"seg.behaviour", "role", "influence", "note"})

    def __init__(self, sim: ZohoSimulator, folder: Path) -> None:
        self.sim = sim
        self.folder = folder

    def settings(self) -> Mapping[str, Any]:
        return settings(self.sim, tag_sweep_hours=0)  # a person's tag leaves the record's modified time as it was

    def load(self, records: Records) -> Ids:
        for name in _ROLES:
            if name not in self.sim.crm.roles.values():
                self.sim.crm.roles[self.sim.crm.new_id()] = name
        loaded = load_canonical(self.sim, records)
        self.mapping = _mapping(records, self.sim)
        return {key: str(id) for key, id in loaded.ids.items()}

    def tags(self, object: str, id: str) -> set[str]:
        """Return the tags; those that Zoho has no room for are spelled as we mean them."""
        long: dict[str, str] = {}
        for file in self.folder.glob("**/zoho.sqlite"):
            memory = Memory(file.parent)
            long.update(memory.long_tags())
            memory.close()
        shown = self.sim.tags(MODULES[object], id)
        assert all(len(tag) <= LONGEST for tag in shown)
        return {long.get(tag, tag) for tag in shown}

    def notes(self, object: str, id: str) -> list[tuple[str, str]]:
        return sorted((title_here(n["Note_Title"])[0], n["Note_Content"]) for n in self.sim.notes(MODULES[object], id))

    def field(self, object: str, id: str, name: str) -> str | None:
        assert (object, name) == ("deal_contact", "role")
        deal, contact = id.split("|")
        label = self.sim.roles(deal).get(contact)
        return _ROLES.get(label, label) if label else None

    def retag(self, object: str, id: str, old: str, new: str) -> None:
        self.sim.person_untags(MODULES[object], id, old)
        self.sim.person_tags(MODULES[object], id, new)

    def dump(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        for object in ("account", "contact", "deal"):
            for id in self.sim.ids(MODULES[object]):
                found[f"{object} {id} tags"] = sorted(self.sim.tags(MODULES[object], id))
                found[f"{object} {id} notes"] = self.notes(object, str(id))
        for deal in self.sim.ids("Deals"):
            for contact, role in self.sim.roles(deal).items():
                found[f"deal_contact {deal}|{contact} role"] = role
        return {place: value for place, value in found.items() if value}


def _mapping(records: Records, sim: ZohoSimulator) -> Mapping[str, Any]:
    """Return a mapping of the org: the default one, and custom fields where Zoho has none of its own."""
    objects = {
        name: dict(said) if isinstance(said, dict) else said for name, said in DEFAULT_MAPPING["objects"].items()
    }
    for object in ("account", "contact", "deal", "order"):
        fields, custom = {}, {}
        for name in sorted({name for row in records[object] for name, value in row.items() if value is not None}):
            there = "id" if name == "id" else native(object, name)
            known = name in {f.name for f in _fields_of(object)}
            if known:
                fields[name] = there
            else:
                custom[name] = {"from": there, "type": "text"}
        objects[object] = {"from": MODULES[object], "fields": fields, **({"custom": custom} if custom else {})}
    objects["activity"] = [
        {**source, "fields": {**source["fields"], "type": "Activity_Type", "direction": "Direction", **_more(records)}}
        for source in objects["activity"]
    ]
    part = {"from": "Activity.Activity_Type", "values": dict.fromkeys(_kinds(records)) | {"introduction": "introduced"}}
    objects["activity_contact"] = {
        "from": "Participants",
        "fields": {"activity_id": "Activity", "contact_id": "Contact", "part": {**part, "default": "participant"}},
    }
    return {"schema": "mapping-v1", "timezone": "Asia/Shanghai", "personal": ["contact.email"], "objects": objects}


def _kinds(records: Records) -> set[str]:
    return {row["type"] for row in records["activity"]}


def _fields_of(object: str) -> Any:
    from crmrules.model.objects import OBJECTS

    return OBJECTS[object].fields


def _more(records: Records) -> dict[str, str]:
    used = {name for row in records["activity"] for name, value in row.items() if value is not None}
    return {
        n: native("activity", n) for n in used & {"introduced_by_id", "approved_by_id", "signed_by_id", "logins_30d"}
    }


@pytest.mark.parametrize("language", ["zh", "en"])
def test_main_job(sim: ZohoSimulator, tmp_path: Path, language: str) -> None:
    main_job(Zoho(sim, tmp_path), tmp_path, language)
    assert sim.ran == []
