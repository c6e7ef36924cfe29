"""A profile: one connection to one CRM, what decides about it, and how carefully we write.

Secrets stand in it as references, see :mod:`crmrules.language.secrets`; they are looked up when the
connection is opened, and never kept in the profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmrules.errors import Location
from crmrules.language.document import Node
from crmrules.language.schema import read_document
from crmrules.language.secrets import resolved


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A loaded profile; relative paths in it start at its folder."""

    name: str
    path: Path
    connector: str
    settings: Mapping[str, Any]  # as written: secrets are still references
    mapping: Path | Node | None  # a file, the mapping itself, or the connector's default; see load_mapping
    rulesets: tuple[str, ...]  # names or folders
    parameters: Mapping[str, Any] = field(default_factory=dict)  # override the rulesets'
    language: str = "zh"
    engine: str = ""  # inference engine; '' is the default one
    state: Path  # folder of snapshot, decision, plans and journal
    journal: str | Mapping[str, Any] | None = None  # a PostgreSQL URL, or a reference to it; None: in the state folder
    bands: tuple[str, ...] | None = None  # role bands that are written; None: as the ruleset says
    brakes: Mapping[str, float] = field(default_factory=dict)  # share, tag_share, note_deletes
    export: tuple[Mapping[str, Any], ...] = ()  # exporter, to, tables, settings
    alerts: tuple[Mapping[str, Any], ...] = ()  # to (an address, or a reference to it), on (kinds of alerts)

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self.path.parent


def load_profile(path: Path) -> Profile:
    """Load a profile-v1 file, or the ``crmrules.yaml`` of the folder *path*. Raises RulesetError."""
    file = path / "crmrules.yaml" if path.is_dir() else path
    root = read_document(file, "profile-v1").root
    said = root.data
    folder = file.parent
    mapping = root.get("mapping")
    write = said.get("write", {})
    return Profile(
        name=said["name"],
        path=file,
        connector=said["connector"],
        settings=said.get("settings", {}),
        mapping=folder / mapping.value if mapping and isinstance(mapping.value, str) else mapping,
        rulesets=tuple(said.get("rulesets", ())),
        parameters=said.get("parameters", {}),
        language=said.get("language", "zh"),
        engine=said.get("engine", ""),
        state=folder / said.get("state", f".crmrules/{said['name']}"),
        journal=said.get("journal"),
        bands=tuple(write["bands"]) if "bands" in write else None,
        brakes=write.get("brakes", {}),
        export=tuple(said.get("export", ())),
        alerts=tuple(said.get("alerts", ())),
    )


def resolved_settings(profile: Profile) -> dict[str, Any]:
    """Return the connector's settings with every secret looked up. Raises RulesetError, see :func:`resolved`."""
    return resolved(profile.settings, "settings", profile.folder, Location(str(profile.path)))


def journal_url(profile: Profile) -> str | None:
    """Return the URL of the database that keeps the journal; None: a file does. Raises RulesetError."""
    if profile.journal is None:
        return None
    said = resolved({"journal": profile.journal}, "profile", profile.folder, Location(str(profile.path)))
    return str(said["journal"])
