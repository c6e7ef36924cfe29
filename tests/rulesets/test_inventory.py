"""docs/inventory.md: every row of the trade's inventory, with what decides it."""

from __future__ import annotations

import re
from pathlib import Path

from crmrules.language.loader import load_ruleset
from crmrules.language.ruleset import Ruleset

ROOT = Path(__file__).resolve().parents[2]
ROWS = {"A": 34, "B": 16, "C": 32, "D": 8, "E": 16, "F": 13, "G": 12, "H": 5, "I": 9, "J": 28, "K": 12, "L": 8}
_ROW = re.compile(r"^\| ([A-L]\d+) \| (.+?) \| (.+?) \| (.*?) ?\|$", re.MULTILINE)


def _rows() -> list[tuple[str, str, str, str]]:
    return _ROW.findall((ROOT / "docs" / "inventory.md").read_text(encoding="utf-8"))


def _names(ruleset: Ruleset) -> set[str]:
    assert ruleset.roles is not None
    assert ruleset.inference is not None
    assert ruleset.phrases is not None
    assert ruleset.playbook is not None
    named = {*ruleset.classes, *ruleset.features, *ruleset.flags, *ruleset.parameters, *ruleset.lexicons, *ruleset.sets}
    named |= {rule.id for dimension in ruleset.classes.values() for rule in dimension.rules}
    named |= {guard.id for guard in ruleset.guards} | {item.id for item in ruleset.roles.items}
    named |= {sentence.id for sentence in ruleset.playbook.sentences} | {cue.id for cue in ruleset.phrases.cues}
    return named | set(ruleset.inference.facts) | {rule.id for rule in ruleset.inference.rules}


def test_every_row_of_the_inventory_is_there_once() -> None:
    wanted = [f"{letter}{number}" for letter, count in ROWS.items() for number in range(1, count + 1)]
    assert [row[0] for row in _rows()] == wanted


def test_every_rule_named_exists() -> None:
    names = _names(load_ruleset(ROOT / "rulesets" / "b2b-core"))
    missing = {(id, name) for id, _, by, _ in _rows() for name in re.findall(r"`([^`]+)`", by) if name not in names}
    assert not missing


def test_a_row_names_a_rule_or_says_why_not() -> None:
    assert not [
        id for id, _, by, remark in _rows() if not (re.search(r"`[^`]+`", by) or (by == "—" and remark.strip()))
    ]
