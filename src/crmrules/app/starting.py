"""Starting with a CRM: a profile from an admin's answers, and a mapping proposed from what the CRM has."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmrules.app.setup import check_settings, open_profile, opened, secret_settings
from crmrules.contracts.connector import ConnectorPlugin, Home, Question
from crmrules.errors import ConnectorError, Location, Problem, RulesetError
from crmrules.model.text import clean
from crmrules.plugins.host import installed

if TYPE_CHECKING:
    from crmrules.contracts.connector import Connector
    from crmrules.pipeline.fill import Fill
    from crmrules.pipeline.proposal import Source

PROFILE = "crmrules.yaml"
MAPPING = "mapping.yaml"
_ANSWERS = Location("<answers>")
_HEADINGS: Mapping[str, tuple[str, str]] = {
    "title": (
        "由 crmrules 根据 CRM 的字段提出,请核对;百分比是抽样中有值的比例",
        "Proposed by crmrules from what the CRM has; please check it. Percentages: how many of a sample are filled",
    ),
    "absent": ("CRM 里没有", "the CRM has no"),
    "personal": (
        "个人信息,留在 CRM;规则需要时在顶层 personal 中列出并在此映射",
        "personal data, left in the CRM; where rules need it, list it under `personal` and map it here",
    ),
    "offer": ("CRM 自己的字段,需要时启用", "the CRM's own fields; take those that rules need"),
}


@dataclass(frozen=True, kw_only=True)
class Started:
    """What was written."""

    profile: Path
    mapping: Path | None  # None: the CRM could not be looked at
    secrets: tuple[Path, ...]


def connector_plugin(name: str) -> ConnectorPlugin:
    """Return the connector called *name*; raises PluginError naming those there are."""
    return installed().connector(name)


def connector_names() -> Mapping[str, str]:
    """Return name and label of every connector."""
    return {offer.name: offer.item.label for offer in installed().connectors}


def start(
    folder: Path,
    connector: str,
    answers: Mapping[str, Any],
    *,
    language: str,
    name: str = "",
    ruleset: str = "b2b-core",
) -> Started:
    """Write a profile into *folder*, its secrets into files that only their owner reads, and propose a mapping.

    *answers* are texts, or a reference to a secret that lies elsewhere, as in a profile.
    Raises RulesetError where an answer does not fit or is missing there, or a profile is there already, and ConnectorError
    where a grant can't be exchanged; then nothing was written.
    """
    plugin = connector_plugin(connector)
    profile = folder / PROFILE
    for file in (profile, folder / MAPPING):
        if file.exists():
            raise RulesetError(
                Problem("exists", "there is a profile or a mapping already", Location(str(file)),
                        hint="choose another folder, or run `crmrules doctor` on this one")
            )  # fmt: skip
    name = name or connector
    state = folder / ".crmrules" / name
    settings = _settings(plugin, answers, Home(folder=folder, state=state))
    folder.mkdir(parents=True, exist_ok=True)
    secrets = _keep_secrets(plugin, settings, state)
    shown = {k: {"file": str(secrets[k].relative_to(folder))} if k in secrets else v for k, v in settings.items()}
    profile.write_text(_profile_text(name, connector, shown, language, ruleset), encoding="utf-8")
    try:
        mapping: Path | None = propose_mapping(profile, folder / MAPPING, language)
    except ConnectorError:  # the doctor says what is wrong; the default mapping stands in
        mapping = None
    else:
        with profile.open("a", encoding="utf-8") as lines:
            lines.write(f"mapping: {MAPPING}\n")
    return Started(profile=profile, mapping=mapping, secrets=tuple(secrets.values()))


def propose_mapping(profile: Path, to: Path, language: str) -> Path:
    """Write a mapping proposed from the CRM's metadata and a sample of its records to *to*.

    Raises RulesetError where *to* exists, ConnectorError where the CRM can't be looked at.
    """
    from crmrules.pipeline.proposal import mapping_text, propose

    if to.exists():
        raise RulesetError(Problem("exists", "there is a mapping already", Location(str(to)), hint="name another file"))
    setup = open_profile(profile)
    default = setup.host.connector(setup.profile.connector).default_mapping
    with opened(setup) as connector:
        sources = propose(connector.describe(), default)
        found = {s.native.name: _fills(connector, s) for s in sources if not s.native.within}
        zone = str(default.get("timezone") or connector.capabilities.timezone or "UTC")
    chosen = language != "zh"
    text = mapping_text(sources, found, timezone=zone, heading=lambda key: _HEADINGS[key][chosen])
    to.write_text(text, encoding="utf-8")
    return to


def _fills(connector: Connector, source: Source) -> Mapping[str, Fill]:
    from crmrules.model.objects import OBJECTS
    from crmrules.pipeline.fill import fills

    key = tuple(g.native for g in source.guesses if g.field in OBJECTS[source.object].key and g.native)
    wanted = {g.native for g in source.guesses if g.native} | {f.name for f in source.native.fields if f.custom}
    return fills(connector, source.native, sorted(wanted), key)


def _settings(plugin: ConnectorPlugin, answers: Mapping[str, Any], home: Home) -> dict[str, Any]:
    """Return the settings that the answers make, checked, secrets in clear where they were given so."""
    from crmrules.language.secrets import resolved

    lasting = {q.setting for q in plugin.questions if not q.lasting}
    given = {k: _typed(plugin, k, v) for k, v in answers.items() if v not in ("", None)}
    if plugin.finish is not None:
        answered = resolved(given, "answers", home.folder, _ANSWERS)
        given |= {k: _typed(plugin, k, v) for k, v in plugin.finish(answered, home).items()}
    settings = {k: v for k, v in given.items() if k not in lasting}
    check_settings(plugin.settings_schema, resolved(settings, "answers", home.folder, _ANSWERS), _ANSWERS)
    return settings


def _typed(plugin: ConnectorPlugin, setting: str, value: Any) -> Any:
    """Return an answer, which is a text, as the type that the setting's schema asks for."""
    if not isinstance(value, str):
        return value
    asked = plugin.settings_schema.get("properties", {}).get(setting, {}).get("type", "string")
    if asked == "boolean":
        return value.casefold() in ("true", "yes", "y", "1", "是")
    if asked in ("integer", "number"):
        try:
            return int(value) if asked == "integer" else float(value)
        except ValueError:
            return value  # the schema's check says it better
    return [part.strip() for part in value.split(",")] if asked == "array" else value


def _keep_secrets(plugin: ConnectorPlugin, settings: Mapping[str, Any], state: Path) -> dict[str, Path]:
    """Write secrets given in clear to files of mode 0600; the state folder keeps itself out of git."""
    kept = {}
    state.mkdir(parents=True, exist_ok=True)
    (state.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    for setting in sorted(secret_settings(plugin) & settings.keys()):
        if isinstance(settings[setting], str):
            folder = state / "secrets"
            folder.mkdir(mode=0o700, exist_ok=True)
            path = folder / setting
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(settings[setting])
            kept[setting] = path
    return kept


def _profile_text(name: str, connector: str, settings: Mapping[str, Any], language: str, ruleset: str) -> str:
    lines = [
        "schema: profile-v1", f"name: {name}", f"connector: {connector}", "settings:",
        *(f"  {key}: {json.dumps(value, ensure_ascii=False)}" for key, value in sorted(settings.items())),
        f"rulesets: [{ruleset}]", f"language: {language}",
    ]  # fmt: skip
    return "\n".join(map(clean, lines)) + "\n"


def missing_answers(plugin: ConnectorPlugin, answers: Mapping[str, Any]) -> list[Question]:
    """Return the questions that still have to be asked."""
    return [q for q in plugin.questions if q.setting not in answers]
