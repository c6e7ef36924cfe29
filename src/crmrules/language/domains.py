"""Which values a column can have where the ruleset itself says so: classes, roles, bands, cues, flags, levels ...

A rule that compares such a column with anything else would silently never fire.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crmrules.language.ruleset import UNKNOWN, Lexicon, RoleModel, Ruleset


@dataclass(frozen=True)
class Domain:
    """What the values are called, and all of them."""

    what: str
    values: frozenset[str]


def domains(ruleset: Ruleset) -> Mapping[tuple[str, str], Domain]:
    """Return (frame, column) -> its possible values, for every column whose values the ruleset names."""
    found: dict[tuple[str, str], Domain] = {}
    for dimension in ruleset.classes.values():
        found[dimension.of, dimension.name] = _domain("value", dimension.values, UNKNOWN)
    for lexicon in ruleset.lexicons.values():
        found |= {(lexicon.of, f"{lexicon.prefix}_{output}"): domain for output, domain in _of_lexicon(lexicon).items()}
    if ruleset.phrases is not None:
        found["mention", "cue"] = _domain("cue", (cue.id for cue in ruleset.phrases.cues))
    if ruleset.flags:
        found["flag", "flag"] = _domain("flag", ruleset.flags)
    if ruleset.roles is not None:
        found |= _of_roles(ruleset.roles)
    if ruleset.inference is not None:
        for fact, properties in ruleset.inference.facts.items():
            found |= {(f"fact.{fact}", p.name): _domain("name", p.names) for p in properties if p.kind == "name"}
    return found


def _domain(what: str, *values: Iterable[str] | str) -> Domain:
    return Domain(what, frozenset(v for given in values for v in ((given,) if isinstance(given, str) else given)))


def _of_lexicon(lexicon: Lexicon) -> dict[str, Domain]:
    given = [pattern.gives for block in lexicon.blocks for pattern in block.patterns]
    functions = _domain("function", (gives["function"] for gives in given if "function" in gives))
    return {
        "level": _domain("level", lexicon.levels), "function": functions, "functions": functions,
        "modifiers": _domain("modifier", (modifier.id for modifier in lexicon.modifiers)),
    }  # fmt: skip


def _of_roles(roles: RoleModel) -> dict[tuple[str, str], Domain]:
    role, band = _domain("role", roles.roles, UNKNOWN), _domain("band", roles.bands, UNKNOWN)
    stance = _domain("stance", roles.stance.order, UNKNOWN)
    found = {
        ("contact", "role"): role,
        ("contact", "roles"): role,
        ("contact", "role_band"): band,
        ("contact", "stance"): stance,
    }
    for part in ("part", "candidate"):
        found |= {(part, "role"): role, (part, "roles"): role, (part, "band"): band, (part, "stance"): stance}
        found[part, "source"] = _domain("source", ("inferred", "manual"))
    found["evidence", "role"] = found["question", "role"] = role
    found["evidence", "family"] = _domain("family", roles.families)
    found["evidence", "item"] = _domain("item", (item.id for item in roles.items))
    return found
