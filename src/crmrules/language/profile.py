"""A profile: one connection to one CRM, what decides about it, and how carefully we write.

Secrets stand in it as ``{env: NAME}`` or ``{file: path}``; they are looked up only when the
connection is opened, and never kept in the profile.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmrules.errors import Location, Problem, RulesetError
from crmrules.language.document import Node
from crmrules.language.schema import read_document


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
    bands: tuple[str, ...] | None = None  # role bands that are written; None: as the ruleset says
    brakes: Mapping[str, float] = field(default_factory=dict)  # share, tag_share, note_deletes
    export: tuple[Mapping[str, Any], ...] = ()  # exporter, to, tables, settings

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
        bands=tuple(write["bands"]) if "bands" in write else None,
        brakes=write.get("brakes", {}),
        export=tuple(said.get("export", ())),
    )


def resolved_settings(profile: Profile) -> dict[str, Any]:
    """Return the connector's settings with every secret looked up.

    Raises RulesetError naming each variable or file that is missing; a secret's value is in no message.
    """
    problems: list[Problem] = []
    place = Location(str(profile.path))
    result = {
        key: _resolve(value, f"settings.{key}", profile.folder, place, problems)
        for key, value in profile.settings.items()
    }
    if problems:
        raise RulesetError(problems)
    return result


def _resolve(value: Any, where: str, folder: Path, place: Location, problems: list[Problem]) -> Any:
    if isinstance(value, list):
        return [_resolve(v, f"{where}[{i}]", folder, place, problems) for i, v in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if set(value) == {"env"}:
        secret = os.environ.get(value["env"])
        if secret is None:
            problems.append(
                Problem(
                    "missing-secret", f"{where}: the environment variable {value['env']} is not set", place,
                    hint="set it in the shell or service that runs crmrules",
                )
            )  # fmt: skip
        return secret
    if set(value) == {"file"}:
        try:
            return (folder / value["file"]).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8"
            problems.append(Problem("missing-secret", f"{where}: {value['file']} can't be read: {why}", place))
            return None
    return {k: _resolve(v, f"{where}.{k}", folder, place, problems) for k, v in value.items()}
