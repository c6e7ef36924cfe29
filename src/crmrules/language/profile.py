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
from crmrules.language.document import read
from crmrules.language.schemas import check


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A loaded profile; relative paths in it start at its folder."""

    name: str
    path: Path
    connector: str
    settings: Mapping[str, Any]  # as written: secrets are still references
    mapping: Path | None  # None: the connector's default mapping
    rulesets: tuple[str, ...]  # names or folders
    parameters: Mapping[str, Any] = field(default_factory=dict)  # override the rulesets'
    language: str = "zh"
    state: Path  # folder of snapshot, decision and journal
    brakes: Mapping[str, Any] = field(default_factory=dict)
    export: Mapping[str, Any] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from."""
        return self.path.parent


def load_profile(path: Path) -> Profile:
    """Load a profile-v1 file, or the ``crmrules.yaml`` of the folder *path*. Raises RulesetError."""
    file = path / "crmrules.yaml" if path.is_dir() else path
    document = read(file)
    check(document, "profile-v1")
    said = document.data
    folder = file.parent
    mapping = said.get("mapping")
    return Profile(
        name=str(said.get("name") or folder.resolve().name),
        path=file,
        connector=said["connector"],
        settings=said.get("settings", {}),
        mapping=folder / mapping if mapping else None,
        rulesets=tuple(said.get("rulesets", ())),
        parameters=said.get("parameters", {}),
        language=said.get("language", "zh"),
        state=folder / said.get("state", ".crmrules"),
        brakes=said.get("write", {}).get("brakes", {}),
        export=said.get("export", {}),
    )


def resolved_settings(profile: Profile) -> dict[str, Any]:
    """Return the connector's settings with every secret looked up.

    Raises RulesetError naming each variable or file that is missing; a secret's value is in no message.
    """
    problems: list[Problem] = []
    place = Location(str(profile.path))
    result = {key: _resolve(value, f"settings.{key}", profile.folder, place, problems) for key, value in profile.settings.items()}
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
