"""The rules in ZEN (zen-engine, Rust): one expression node with a yes-or-no per rule."""

from __future__ import annotations

import json

import zen

from benchmarks.peers.classify_rows import Answer, Task
from crmrules.language.conditions import AllOf, Among, AnyOf, Between, Compare, Condition, Missing, Not

_OPERATORS = {"eq": "==", "ne": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def run(task: Task) -> list[Answer]:
    expressions = [{"id": rule.id, "key": rule.id, "value": source(rule.when)} for rule in task.rules]
    model = {
        "nodes": [
            {"id": "in", "name": "in", "type": "inputNode", "content": {}},
            {"id": "rules", "name": "rules", "type": "expressionNode", "content": {"expressions": expressions}},
            {"id": "out", "name": "out", "type": "outputNode", "content": {}},
        ],
        "edges": [
            {"id": "1", "type": "edge", "sourceId": "in", "targetId": "rules"},
            {"id": "2", "type": "edge", "sourceId": "rules", "targetId": "out"},
        ],
    }
    decision = zen.ZenEngine().create_decision(json.dumps(model))
    decision.validate()
    fields = {name for row in task.rows[:2000] for name in row}
    keep = {name for name in fields if any(name in e["value"] for e in expressions)}
    answers = []
    for row in task.rows:
        given = {name: row[name] for name in keep if name in row and not hasattr(row[name], "isoformat")}
        given |= {name: "x" for name in keep if name in row and name not in given}
        result = decision.evaluate(given)["result"]
        answers.append(task.answer({name for name, fired in result.items() if fired is True}))
    return answers


def source(condition: Condition, *, wanted: bool = True) -> str:
    """Return ZEN's expression that is true where *condition* is *wanted*; null is guarded, it is no SQL."""
    match condition:
        case Not(part):
            return source(part, wanted=not wanted)
        case AllOf(parts) | AnyOf(parts):
            together = isinstance(condition, AllOf) is wanted
            return f"({(' and ' if together else ' or ').join(source(part, wanted=wanted) for part in parts)})"
        case Missing(field):
            return f"({field} {'==' if wanted else '!='} null)"
        case Compare(field, op, value):
            test = f"({field} {_OPERATORS[op]} {json.dumps(value)})"
        case Between(field, low, high):
            test = f"({field} >= {low} and {field} <= {high})"
        case Among(field, values):
            test = f"({field} in {json.dumps(list(values), ensure_ascii=False)})"
        case _:
            raise NotImplementedError(condition)
    return f"({field} != null and {'' if wanted else 'not '}{test})"
