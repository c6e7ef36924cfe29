"""The rules in CLIPS by clipspy: a template of slots, a rule for each rule; missing is the symbol nil."""

from __future__ import annotations

import clips

from benchmarks.peers.classify_rows import Answer, Task, as_number, numbered
from crmrules.language.conditions import (
    AllOf,
    Among,
    AnyOf,
    Between,
    Compare,
    Condition,
    Missing,
    Not,
    fields_of,
)

_OPERATORS = {"eq": "=", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">="}


def run(task: Task) -> list[Answer]:
    fields = sorted({field for rule in task.rules for field in fields_of(rule.when)})
    environment = clips.Environment()
    slots = " ".join(f"(slot {field})" for field in fields)
    environment.build(f"(deftemplate customer {slots})")
    environment.build("(defglobal ?*fired* = (create$))")
    for rule in task.rules:
        bound = " ".join(f"({field} ?{field})" for field in sorted(fields_of(rule.when)))
        environment.build(
            f"(defrule {rule.id} (customer {bound}) (test {source(rule.when)}) "
            f"=> (bind ?*fired* (create$ ?*fired* {rule.id})))"
        )
    template, fired = environment.find_template("customer"), environment.find_global("fired")
    nothing, wanted = clips.Symbol("nil"), set(fields)
    answers = []
    for row in task.rows:
        environment.reset()
        given = numbered(row, wanted)
        template.assert_fact(**{field: given.get(field, nothing) for field in fields})
        environment.run()
        answers.append(task.answer({str(symbol) for symbol in fired.value}))
    return answers


def source(condition: Condition, *, wanted: bool = True) -> str:
    """Return CLIPS's expression that is true where *condition* is *wanted*."""
    match condition:
        case Not(part):
            return source(part, wanted=not wanted)
        case AllOf(parts) | AnyOf(parts):
            together = isinstance(condition, AllOf) is wanted
            inner = " ".join(source(part, wanted=wanted) for part in parts)
            return f"({'and' if together else 'or'} {inner})"
        case Missing(field):
            return f"(not (integerp ?{field}))" if wanted else f"(integerp ?{field})"
        case Compare(field, op, value):
            test = f"({_OPERATORS[op]} ?{field} {as_number(field, value)})"
        case Between(field, low, high):
            test = f"(<= {as_number(field, low)} ?{field} {as_number(field, high)})"
        case Among(field, values):
            test = f"(or {' '.join(f'(= ?{field} {as_number(field, value)})' for value in values)} FALSE)"
        case _:
            raise NotImplementedError(condition)
    return f"(and (integerp ?{field}) {test if wanted else f'(not {test})'})"
