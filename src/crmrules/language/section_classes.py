"""``classes``: dimensions, from rules or from decision tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from crmrules.errors import Location, RulesetError
from crmrules.language.condition_reader import read_condition
from crmrules.language.document import Node
from crmrules.language.reading import Reader
from crmrules.language.ruleset import UNKNOWN, Dimension, Hysteresis, Rule
from crmrules.language.table_files import read_lines
from crmrules.language.tables import read_table, rules_of, table_from_lines

# From the place where a table file is named to its path and the name to show; None where it may not be read.
Finder = Callable[[str, Location], tuple[Path, str] | None]


def read_classes(reader: Reader, section: Node, find: Finder) -> dict[str, Dimension]:
    """Read ``classes``; ids of rules are unique over all of them."""
    found = {}
    taken: dict[str, Location] = {}
    for name, node in section.items():
        reader.inside = name
        dimension = _class(reader, name, node, find)
        reader.inside = ""
        found[name] = replace(dimension, at=section.where(name))
        for rule in dimension.rules:
            if rule.id in taken:
                reader.complain("repeated-id", f"the rule id '{rule.id}' stands twice", rule.at, "ids that are unique over all classes",
                                f"it stands at {taken[rule.id]} already")  # fmt: skip
            taken.setdefault(rule.id, rule.at)
    return found


def _class(reader: Reader, name: str, node: Node, find: Finder) -> Dimension:
    of = str(node.value["of"].value)
    values = node.value["values"]
    rules_node, table, copy = node.get("rules"), node.get("table"), node.get("copy")
    if rules_node is not None and table is not None:
        reader.complain("class", f"'{name}' has rules and a table", node.where("table"), "one of the two")
    if rules_node is None and table is None and copy is None:
        reader.complain("class", f"'{name}' does not say how it is decided", node.at, "rules, a table or copy")
    rules: tuple[Rule, ...] = tuple(_rule(reader, of, inner) for inner in rules_node) if rules_node is not None else ()
    if table is not None:
        rules = _table_rules(reader, of, name, table, find)
    if node.get("hysteresis") is not None and node.get("hit") is not None and node.value["hit"].value == "collect":
        reader.complain(
            "class",
            f"'{name}' collects values: hysteresis needs one winner",
            node.where("hysteresis"),
            "another hit policy",
        )
    hit, otherwise, hysteresis = node.get("hit"), node.get("otherwise"), node.get("hysteresis")
    known = {**dict.fromkeys(values.value), UNKNOWN: None}
    for rule in rules:
        if rule.then and rule.then not in known:
            reader.unknown("value", rule.then, known, rule.at)
    default = _value(otherwise) if otherwise is not None else UNKNOWN
    if otherwise is not None and default not in known:
        reader.unknown("value", default, known, otherwise.at)
    return Dimension(
        name=name, of=of, label=reader.text(node.get("label")),
        values={value: reader.text(inner) for value, inner in values.items()},
        hit=hit.value if hit is not None else "first", rules=rules, otherwise=default,
        copy=reader.use(of, copy, "text or integer"), hysteresis=_hysteresis(reader, of, hysteresis) if hysteresis is not None else None,
    )  # fmt: skip


def _rule(reader: Reader, of: str, node: Node) -> Rule:
    score = node.get("score")
    return Rule(
        id=str(node.value["id"].value), when=read_condition(reader, of, node.get("when")), then=_value(node.value["then"]),
        why=reader.text(node.get("why")), score=float(score.value) if score is not None else 0.0, at=node.at,
    )  # fmt: skip


def _value(node: Node) -> str:
    return str(node.value).lower() if isinstance(node.value, bool) else str(node.value)


def _table_rules(reader: Reader, of: str, name: str, node: Node, find: Finder) -> tuple[Rule, ...]:
    if isinstance(node.value, dict):
        return rules_of(reader, of, read_table(reader, node, name))
    place = find(str(node.value), node.at)
    if place is None:
        return ()
    path, file = place
    try:
        lines = read_lines(path, file)
    except RulesetError as error:
        reader.problems.extend(error.problems)
        return ()
    return rules_of(reader, of, table_from_lines(reader, lines, name, Location(file)))


def _hysteresis(reader: Reader, of: str, node: Node) -> Hysteresis:
    margin = node.value["margin"].value
    share = float(margin.removesuffix("%")) / 100 if isinstance(margin, str) else float(margin)
    if not 0 < share < 1:
        reader.complain(
            "wrong-value", f"'margin' can't be {margin}", node.value["margin"].at, "more than 0% and less than 100%"
        )
    return Hysteresis(field=reader.use(of, node.get("field"), "number"), margin=share)
