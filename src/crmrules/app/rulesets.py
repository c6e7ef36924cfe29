"""Rulesets: find, start, check and show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crmrules.app.setup import find_ruleset, load_rules
from crmrules.errors import Location, Problem, RulesetError, did_you_mean
from crmrules.plugins.host import installed
from crmrules.resources import packaged

if TYPE_CHECKING:
    from crmrules.language.ruleset import Ruleset


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A ruleset that loads and whose templates hold, and how much there is in it."""

    ruleset: Ruleset
    counts: Mapping[str, int]  # part of the language -> entries


def ruleset_folder(name: str) -> Path:
    """Return the folder of a ruleset given by name or path. Raises RulesetError."""
    return find_ruleset(name, (Path(), *installed().search_folders()), Location(name))


def validate(name: str) -> Checked:
    """Load a ruleset and check every template in it; raises RulesetError with every problem."""
    from crmrules.playbook.check import check_texts

    ruleset = load(name)
    if problems := check_texts(ruleset):
        raise RulesetError(problems)
    return Checked(ruleset=ruleset, counts=counts(ruleset))


def load(name: str) -> Ruleset:
    """Load a ruleset given by name or path. Raises RulesetError."""
    return load_rules(ruleset_folder(name), installed())


def counts(ruleset: Ruleset) -> dict[str, int]:
    """Return how many entries each part of *ruleset* has, in the order of the language."""
    return {
        "parameters": len(ruleset.parameters),
        "features": len(ruleset.features),
        "classes": len(ruleset.classes),
        "rules": sum(len(dimension.rules) for dimension in ruleset.classes.values()),
        "patterns": sum(len(b.patterns) for lexicon in ruleset.lexicons.values() for b in lexicon.blocks),
        "cues": len(ruleset.phrases.cues) if ruleset.phrases else 0,
        "evidence": len(ruleset.roles.items) if ruleset.roles else 0,
        "inference": len(ruleset.inference.rules) if ruleset.inference else 0,
        "flags": len(ruleset.flags),
        "guards": len(ruleset.guards),
        "sentences": len(ruleset.playbook.sentences) if ruleset.playbook else 0,
        "write": len(ruleset.write),
    }


def new(folder: Path, name: str = "") -> tuple[Path, ...]:
    """Start a ruleset in *folder*, which must not exist or be empty; return its files. Raises RulesetError."""
    from crmrules.language.scaffold import new_ruleset

    return tuple(new_ruleset(folder, name or folder.resolve().name))


def schema(name: str) -> str:
    """Return the text of the JSON Schema called *name* (``ruleset-v1`` or ``ruleset``). Raises RulesetError."""
    folder = packaged("schemas")
    known = schema_names()
    wanted = name if name in known else f"{name}-v1"
    if wanted not in known:
        hint = did_you_mean(wanted, known)
        raise RulesetError(
            Problem("unknown-schema", f"there is no schema {name!r}", Location(name), ", ".join(known), hint)
        )
    return (folder / f"{wanted}.schema.json").read_text(encoding="utf-8")


def schema_names() -> tuple[str, ...]:
    """Return the names of all schemas."""
    return tuple(sorted(file.name.removesuffix(".schema.json") for file in packaged("schemas").glob("*.schema.json")))
