"""What the org has: modules and fields, kept for a while because each module costs a call."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from crmrules.contracts.connector import NativeObject
from crmrules.errors import ConnectorError, Location, Problem, did_you_mean
from crmrules_zoho.api import Refused, Zoho
from crmrules_zoho.memory import Memory
from crmrules_zoho.modules import NOTES, USERS, Module, kept, own_objects

_KINDS = ("default", "custom", "linking")
_NO_RECORDS = frozenset({USERS, NOTES, "Activities", "Attachments", "Emails", "Home", "Feeds", "Reports", "Dashboards"})
_NOT_IN_BULK = ("linking",)
_KEY = "metadata"


class Metadata:
    """The org's modules. Asked for when they are first needed, and again after ``metadata_hours`` or a change of the profile."""

    def __init__(self, zoho: Zoho, memory: Memory, profile: Path) -> None:
        self._zoho = zoho
        self._memory = memory
        self._profile = profile
        self._modules: Mapping[str, Module] | None = None
        self._single: dict[str, Module] = {}  # those asked for alone, while nobody wanted all
        self.refused: dict[str, str] = {}  # modules that we may not look at -> why

    @property
    def modules(self) -> Mapping[str, Module]:
        if self._modules is None:
            self._modules = self._remembered() or self._asked()
        return self._modules

    def module(self, name: str) -> Module:
        """Return the module *name*; of one alone, only its fields are asked for. Raises ConnectorError where there is none."""
        if self._modules is None:
            self._modules = self._remembered()
        known = self._single if self._modules is None else self._modules
        if name not in known and self._modules is None:
            fields = self._fields(name)
            if fields:
                self._single[name] = Module(name, name, tuple(fields))
        if name not in known:
            raise ConnectorError(
                Problem(
                    "missing-object", f"Zoho has no module '{name}', or we may not see it", Location(name),
                    f"one of {', '.join(sorted(self.modules))}", did_you_mean(name, self.modules),
                )
            )  # fmt: skip
        return known[name]

    def forget(self) -> None:
        """Ask anew next time."""
        self._modules = None
        self._single = {}
        self._memory.put(_KEY, "")

    def objects(self) -> Sequence[NativeObject]:
        modules = {name: self.modules[name] for name in sorted(self.modules)}
        return [*(module.described() for module in modules.values()), *own_objects(modules)]

    def _remembered(self) -> Mapping[str, Module] | None:
        said = self._memory.get_json(_KEY) if self._zoho.is_known else None
        if not isinstance(said, dict) or said.get("profile") != self._digest() or said.get("v") != 1:
            return None
        age = datetime.now(UTC) - datetime.fromisoformat(said["at"])
        if not timedelta() <= age < timedelta(hours=self._zoho.settings.metadata_hours):
            return None
        return {
            m["api_name"]: Module(m["api_name"], m["label"], tuple(m["fields"]), m["in_bulk"]) for m in said["modules"]
        }

    def _asked(self) -> Mapping[str, Module]:
        self.refused = {}
        found: dict[str, Module] = {}
        for said in self._zoho.get("/settings/modules").body["modules"]:
            name = str(said.get("api_name") or "")
            if not said.get("api_supported") or said.get("viewable") is False or name in _NO_RECORDS:
                continue
            if said.get("generated_type", "default") not in _KINDS:
                continue
            fields = self._fields(name)
            if fields:
                label = str(said.get("plural_label") or name)
                found[name] = Module(name, label, tuple(fields), said.get("generated_type") not in _NOT_IN_BULK)
        self._memory.put_json(
            _KEY,
            {"v": 1, "at": datetime.now(UTC).isoformat(), "profile": self._digest(), "modules": [
                {"api_name": m.api_name, "label": m.label, "in_bulk": m.in_bulk, "fields": list(m.said)}
                for m in found.values()
            ]},
        )  # fmt: skip
        return found

    def _fields(self, module: str) -> list[dict[str, Any]]:
        try:
            body = self._zoho.get("/settings/fields", {"module": module}).body
        except Refused as error:
            if error.code not in ("NO_PERMISSION", "INVALID_MODULE", "INVALID_DATA", "AUTHORIZATION_FAILED"):
                raise
            self.refused[module] = error.code
            return []
        return [kept(one) for one in (body or {}).get("fields", ()) if one.get("visible") is not False]

    def _digest(self) -> str:
        """Hash of the profile's files: whoever changes the mapping wants to see the CRM's new fields at once."""
        if not self._profile.is_dir():
            return ""
        files = sorted(self._profile.glob("*.y*ml"))
        return hashlib.sha256(b"\0".join(f.read_bytes() for f in files if f.is_file())).hexdigest()[:16]
