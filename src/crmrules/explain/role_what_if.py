"""What would change a role's confidence: one more item of evidence, or time without any.

The arithmetic is domain.md 2.4 and 2.5: the strongest item of a family counts, families combine
by noisy-OR, contrary families multiply by (1 - weight), caps bound one-sided evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

from crmrules.evaluation.evidence import SAME_ROLE
from crmrules.explain.explanation import EvidenceLine
from crmrules.explain.show import Labels
from crmrules.explain.words import word
from crmrules.language.ruleset import UNKNOWN, RoleModel

HORIZON = 3 * 365  # days looked ahead for decay


@dataclass(frozen=True)
class Strength:
    """The evidence for one role of one person: strongest item per family, for and against."""

    favour: Mapping[str, float]
    contrary: Mapping[str, float]


def strength(items: Iterable[EvidenceLine], model: RoleModel, *, later: int = 0) -> Strength:
    """Return the strongest weight of each family, decayed by *later* more days."""
    favour: dict[str, float] = {}
    contrary: dict[str, float] = {}
    for item in items:
        family = model.families.get(item.family)
        half_life = family.half_life if family is not None and item.date else None
        weight = item.decayed * (0.5 ** (later / half_life) if half_life else 1.0)
        side = contrary if item.against else favour
        side[item.family] = max(side.get(item.family, 0.0), weight)
    return Strength(favour, contrary)


def score(evidence: Strength, model: RoleModel) -> float:
    """Return the role's score, 0..1."""
    if not evidence.favour:
        return 0.0
    gained = 1 - prod(1 - w for w in evidence.favour.values())
    caps = [cap.max for cap in model.caps if set(evidence.favour) <= set(cap.only)]
    return round(min((gained, *caps)) * prod(1 - w for w in evidence.contrary.values()), 6)


def band(value: float, families: Iterable[str], model: RoleModel) -> str:
    """Return the highest band whose score and evidence requirement are met, else ``unknown``."""
    present = set(families)
    for name, least in sorted(model.bands.items(), key=lambda entry: -entry[1]):
        if value >= least and _enough(present, name, model):
            return name
    return UNKNOWN


def role_changes(
    items: tuple[EvidenceLine, ...], role: str, now: str, model: RoleModel, labels: Labels, language: str
) -> tuple[str, ...]:
    """Return, in words, how far *role* is from its next band and when it would lose the one it has."""
    evidence = strength(items, model)
    found: list[str] = []
    ranked = sorted(model.bands.items(), key=lambda entry: -entry[1])
    names = [name for name, _ in ranked]
    better = names[: names.index(now)] if now in names else names
    if better:
        found += _towards(better[-1], model.bands[better[-1]], evidence, role, model, labels, language)
    if now in names and (days := _falls_after(items, now, model)):
        lower = band(score(later := strength(items, model, later=days), model), later.favour, model)
        found.append(word("flip.decay", language, days=days, band=labels.band(lower, language)))
    return tuple(found)


def _towards(
    target: str, least: float, evidence: Strength, role: str, model: RoleModel, labels: Labels, language: str
) -> list[str]:
    found = []
    label = labels.band(target, language)
    if (gap := least - score(evidence, model)) > 1e-9:
        found.append(word("flip.gap", language, gap=f"{gap:.2f}", band=label))
    giving = {item.family for item in model.items if {role, SAME_ROLE} & item.gives.keys()}
    absent = [name for name in model.families if name in giving and name not in evidence.favour]
    if not _enough(set(evidence.favour), target, model):
        needed, present = model.minimum[target].families, len(evidence.favour)
        found.append(word("flip.families", language, band=label, needed=needed, present=present))
        if absent:
            missing = ", ".join(model.families[name].label.of(language) or name for name in absent)
            found.append(word("flip.missing", language, families=missing))
    for family, weight in _helpful(target, absent, evidence, role, model):
        reached = score(Strength({**evidence.favour, family: weight}, evidence.contrary), model)
        found.append(
            word(
                "flip.band",
                language,
                family=model.families[family].label.of(language) or family,
                weight=f"{weight:.2f}",
                score=f"{reached:.2f}",
                band=label,
            )
        )
    return found


def _helpful(
    target: str, absent: list[str], evidence: Strength, role: str, model: RoleModel
) -> list[tuple[str, float]]:
    """Return up to three families, each with the least weight of its items that would reach *target* alone."""
    found: dict[str, float] = {}
    for item in model.items:
        weight = item.gives.get(role, item.gives.get(SAME_ROLE, 0.0))
        if item.family not in absent or weight <= 0:
            continue
        favour = {**evidence.favour, item.family: weight}
        reached = score(Strength(favour, evidence.contrary), model)
        if reached >= model.bands[target] and _enough(set(favour), target, model):
            found[item.family] = min(weight, found.get(item.family, 1.0))
    return sorted(found.items(), key=lambda entry: (entry[1], entry[0]))[:3]


def _enough(families: set[str], band: str, model: RoleModel) -> bool:
    need = model.minimum.get(band)
    return need is None or len(families) >= need.families or bool(families & set(need.or_any))


def _falls_after(items: tuple[EvidenceLine, ...], now: str, model: RoleModel) -> int | None:
    """Return the first day (1 .. HORIZON) on which a role held as *now* is no longer kept if nothing is added."""
    kept_from = model.bands[now] - model.keep_margin
    days = range(1, HORIZON + 1)
    return next((day for day in days if score(strength(items, model, later=day), model) < kept_from), None)
