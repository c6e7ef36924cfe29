"""Merging: the files of one ruleset into sections, and a ruleset into those that it extends.

A ruleset that extends another gives the same section and the same id again. Keys that it gives
replace, keys that it does not give stay, ``null`` takes the entry out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmrules.errors import Location, Problem
from crmrules.language.document import Node
from crmrules.language.section_features import KINDS

# Levels of keys that merge; below them a value replaces.
DEPTH: Mapping[str, int] = {
    "parameters": 2, "requires": 3, "sets": 2, "features": 3, "classes": 2, "lexicons": 3, "phrases": 3, "roles": 3,
    "inference": 3, "flags": 2, "guards": 2, "playbook": 3, "write": 2,
}  # fmt: skip
SECTIONS = tuple(name for name in DEPTH if name not in ("parameters", "requires"))

# Level of keys on which the entries of a section stand: ids that one ruleset may give only once.
ENTRIES: Mapping[str, int] = {
    "sets": 1, "features": 2, "classes": 1, "lexicons": 1, "phrases": 2, "roles": 2, "inference": 2, "flags": 1,
    "guards": 1, "playbook": 2, "write": 1,
}  # fmt: skip

# Keys that say the same thing in different ways: one of them given replaces the others.
_ALTERNATIVES: Mapping[str, tuple[str, ...]] = {"features": KINDS, "classes": ("rules", "table")}


def join_files(first: Node, second: Node, level: int, problems: list[Problem]) -> Node:
    """Return two files of one section of one ruleset as one; an entry that stands in both is a problem."""
    if not isinstance(first.value, dict) or not isinstance(second.value, dict):
        return second if first.value is None else first
    joined = Node(dict(first.value), first.at, dict(first.keys))
    for key, node in second.items():
        old = first.value.get(key)
        if old is None:
            joined.value[key], joined.keys[key] = node, second.keys[key]
        elif level > 1 and isinstance(old.value, dict) and isinstance(node.value, dict):
            joined.value[key] = join_files(old, node, level - 1, problems)
        else:
            problems.append(Problem("repeated-key", f"'{key}' stands in two files", second.keys[key], "every entry once",
                                    f"it stands at {first.keys[key]} already"))  # fmt: skip
    return joined


def override(section: str, parent: Node, child: Node, problems: list[Problem]) -> Node:
    """Return *section* of a ruleset merged over that of the one that it extends."""
    return _merge(section, parent, child, DEPTH[section], problems)


def start(section: str, node: Node, problems: list[Problem]) -> Node:
    """Return a section that overrides nothing; a ``null`` in it has nothing to take out."""
    return _merge(section, Node({}, node.at), node, DEPTH[section], problems) if isinstance(node.value, dict) else node


def _merge(section: str, parent: Node, child: Node, depth: int, problems: list[Problem]) -> Node:
    if depth == 0 or not isinstance(parent.value, dict) or not isinstance(child.value, dict):
        return child
    merged = Node(dict(parent.value), child.at, dict(parent.keys))
    if depth == 1:
        _drop_alternatives(section, merged, child)
    is_entry = DEPTH[section] - depth < ENTRIES.get(section, 1)
    for key, node in child.items():
        old = merged.value.get(key)
        if node.value is None and (is_entry or old is not None):
            if old is None:
                problems.append(Problem("nothing-to-remove", f"there is no '{key}' to take out", child.where(key),
                                        "an entry, or null for one of a ruleset that this one extends"))  # fmt: skip
            merged.value.pop(key, None)
            merged.keys.pop(key, None)
        elif depth == 1 and section == "classes" and key == "override":
            _override_rules(merged, node, problems)
        else:
            if section == "lexicons" and key == "exceptions" and depth == 2 and old is not None:
                node = _exceptions_first(old, node)
            if section == "playbook" and key == "forbidden" and depth == DEPTH[section] and old is not None:
                node = _both(old, node)
            above = Node({}, node.at) if old is None else old
            merged.value[key] = _merge(section, above, node, depth - 1, problems)
            merged.keys[key] = child.keys[key]
    # The first sentence that holds is said: one that is new is more particular than those of the parent.
    return _new_first(merged, parent) if section == "playbook" and depth == 2 else merged


def with_settings(parameters: Node) -> Node:
    """Spell every parameter out: ``window_days: 365`` is ``window_days: {value: 365}``."""
    if not isinstance(parameters.value, dict):
        return parameters
    spelled = {
        name: node if isinstance(node.value, dict) or node.value is None else Node({"value": node}, node.at, {"value": node.at})
        for name, node in parameters.items()
    }  # fmt: skip
    return Node(spelled, parameters.at, parameters.keys)


def _drop_alternatives(section: str, merged: Node, child: Node) -> None:
    """What the child says in another way goes; a parameter's new value is meant everywhere, whatever cases there were."""
    alternatives = _ALTERNATIVES.get(section, ())
    if section == "parameters" and "value" in child.value:
        alternatives = ("by", "cases")
    elif section == "features" and any(key in child.value and key not in merged.value for key in KINDS):
        alternatives = tuple(
            key for key in merged.value if key not in ("label", "unit")
        )  # the old kind's keys mean nothing
    elif not any(key in child.value for key in alternatives):
        return
    for key in alternatives:
        merged.value.pop(key, None)
        merged.keys.pop(key, None)


def _override_rules(merged: Node, rules: Node, problems: list[Problem]) -> None:
    """Change single rules of a class by their ids."""
    old = merged.value.get("rules")
    if old is None or not isinstance(old.value, list) or not isinstance(rules.value, dict):
        problems.append(
            Problem("override", "there are no rules to override", rules.at, "a class that has rules already")
        )
        return
    changed: list[Node] = []
    ids = {_id(rule) for rule in old}
    for id in rules.value:
        if id not in ids:
            problems.append(Problem("unknown-rule", f"unknown rule '{id}'", rules.where(id), ", ".join(sorted(ids))))
    for rule in old:
        change = rules.value.get(_id(rule))
        if change is None:
            changed.append(rule)
        elif isinstance(change.value, dict):
            changed.append(Node(rule.value | change.value, change.at, rule.keys | change.keys))
    merged.value["rules"] = Node(changed, old.at)


def _id(rule: Node) -> str:
    id = rule.get("id")
    return str(id.value) if id is not None else ""


def _new_first(merged: Node, parent: Node) -> Node:
    """Order the entries: those that *parent* does not have, then its own, each in their own order."""
    order = sorted(merged.value, key=lambda entry: entry in parent.value)
    return Node({id: merged.value[id] for id in order}, merged.at, {id: merged.keys[id] for id in order})


def _exceptions_first(old: Node, node: Node) -> Node:
    """Exceptions of a lexicon come before those that stand there; one with the same id takes its place."""
    given = {_id(inner) for inner in node}
    return Node([*node, *(inner for inner in old if _id(inner) not in given)], node.at) if given else node


def _both(old: Node, node: Node) -> Node:
    """What must not be said stays forbidden in every ruleset that extends this one."""
    if not isinstance(old.value, list) or not isinstance(node.value, list):
        return node
    known = {inner.value for inner in old}
    return Node([*old, *(inner for inner in node if inner.value not in known)], node.at)


def plain_node(value: Any, at: Location) -> Node:
    """Return plain data as nodes that all stand at one place."""
    if isinstance(value, Mapping):
        return Node({str(k): plain_node(v, at) for k, v in value.items()}, at, {str(k): at for k in value})
    return Node([plain_node(v, at) for v in value] if isinstance(value, (list, tuple)) else value, at)
