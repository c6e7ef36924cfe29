"""The words of a ruleset in one language: what a value of a field is called."""

from __future__ import annotations

from collections.abc import Mapping

from crmrules.contracts.renderer import Vocabulary
from crmrules.language.frames import frames
from crmrules.language.ruleset import UNKNOWN, Ruleset
from crmrules.model.text import Text, text

PARAMETERS = "parameters."  # how a template reads a parameter
BANDS: Mapping[str, Text] = {
    "high": text("高", "high"),
    "medium": text("中", "medium"),
    "low": text("低", "low"),
    UNKNOWN: text("未知", "unknown"),
}
_UNKNOWN = BANDS[UNKNOWN]


def value_labels(ruleset: Ruleset, language: str) -> Mapping[str, Mapping[str, str]]:
    """Return field -> {value: label} for classes, roles, stances, bands and flags."""
    labels: dict[str, dict[str, str]] = {}
    for dimension in ruleset.classes.values():
        labels[dimension.name] = _in(language, dimension.values)
    if ruleset.roles:
        roles = _in(language, ruleset.roles.roles)
        labels.update({"role": roles, "roles": roles, "crm_role": roles})
        labels["stance"] = _in(language, ruleset.roles.stance.labels)
        bands = {band: BANDS.get(band, Text({language: band})) for band in ruleset.roles.bands}
        labels.update({"band": _in(language, bands), "role_band": _in(language, bands)})
    labels["flag"] = labels["flags"] = {flag.id: flag.label.of(language) for flag in ruleset.flags.values()}
    return labels


def vocabulary(ruleset: Ruleset, of: str, language: str) -> Vocabulary:
    """Return what a template about *of* may say in *language*."""
    known = frames(ruleset)
    names = set(known[of].columns) | {f"{PARAMETERS}{name}" for name in ruleset.parameters}
    for relation, (_, there) in known[of].relations.items():
        names |= {f"{relation}.{column}" for column in known[there].columns}
    return Vocabulary(language=language, labels=value_labels(ruleset, language), names=frozenset(names))


def parameter_values(ruleset: Ruleset) -> dict[str, object]:
    """Return ``parameters.<name>`` -> value, as templates read them."""
    return {f"{PARAMETERS}{p.name}": p.value for p in ruleset.parameters.values()}


def _in(language: str, texts: Mapping[str, Text]) -> dict[str, str]:
    return {UNKNOWN: _UNKNOWN.of(language), **{value: label.of(language) for value, label in texts.items()}}
