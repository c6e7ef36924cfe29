"""The rules as generated Python: one function per dimension, an if per rule."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.peers.classify_rows import Answer, Row, Task
from benchmarks.peers.classify_sql import ordered
from crmrules.language.conditions import AllOf, Among, AnyOf, Between, Compare, Condition, Missing, Not
from crmrules.language.ruleset import Dimension, Rule

_OPERATORS = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def run(task: Task) -> list[Answer]:
    rules = {rule.id: rule for rule in task.rules}
    functions = [_compiled(d, [rules[rule.id] for rule in ordered(d)]) for d in task.dimensions]
    return [tuple(function(row) for function in functions) for row in task.rows]


def _compiled(dimension: Dimension, rules: list[Rule]) -> Callable[[Row], tuple[str, ...]]:
    collect = dimension.hit == "collect"
    lines = ["def classify(row):", "    get = row.get", "    found = []"]
    for rule in rules:
        lines.append(f"    if {source(rule.when)}:")
        lines.append(f"        found.append({rule.id!r})" if collect else f"        return ({rule.id!r},)")
    lines.append("    return tuple(found)")
    scope: dict[str, Callable[[Row], tuple[str, ...]]] = {}
    exec("\n".join(lines), {}, scope)
    return scope["classify"]


def source(condition: Condition, *, wanted: bool = True) -> str:
    """Return Python that is true where *condition* is *wanted* (true, or false: unknown is neither)."""
    match condition:
        case Not(part):
            return source(part, wanted=not wanted)
        case AllOf(parts) | AnyOf(parts):
            together = isinstance(condition, AllOf) is wanted
            return f"({(' and ' if together else ' or ').join(source(part, wanted=wanted) for part in parts)})"
        case Missing(field):
            return f"(get({field!r}) is None) is {wanted}"
        case Compare(field, op, value):
            test = f"(v {_OPERATORS[op]} {value!r})"
        case Between(field, low, high):
            test = f"({low!r} <= v <= {high!r})"
        case Among(field, values):
            test = f"(v in {set(values)!r})"
        case _:
            raise NotImplementedError(condition)
    return f"((v := get({field!r})) is not None and {'' if wanted else 'not '}{test})"
