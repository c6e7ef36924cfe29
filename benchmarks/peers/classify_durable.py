"""The rules in durable_rules by its C extension, as raw as it goes: a ruleset per dimension, no host, no actions.

Where one rule wins, a customer is an event: the firing rule of the best priority uses it up. Where
several do, it is a fact. It is helped where it would otherwise fail: whole numbers only, no
patterns, no comparison of two fields, short property names, only the fields that a ruleset reads, each
session deleted when it is done. Messages are written beforehand, which costs it nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.peers.classify_rows import Answer, Row, Task, as_number, numbered
from benchmarks.peers.classify_sql import ordered
from crmrules.inference.durable_driver import load_engine
from crmrules.language.conditions import (
    AllOf,
    Among,
    AnyOf,
    Between,
    Compare,
    Condition,
    Missing,
    Not,
    Op,
    fields_of,
)
from crmrules.language.ruleset import Dimension, Rule

_OPERATORS = {Op.lt: "$lt", Op.lte: "$lte", Op.gt: "$gt", Op.gte: "$gte", Op.ne: "$neq"}
_NEGATED = {Op.lt: Op.gte, Op.lte: Op.gt, Op.gt: Op.lte, Op.gte: Op.lt, Op.eq: Op.ne, Op.ne: Op.eq}
_Json = dict[str, Any]


def prepare(task: Task) -> list[list[str]]:
    """Return each customer's message for each dimension."""
    short = _short(task)
    missing = sorted({c.field for rule in task.rules for c in _missing(rule.when)})
    reads = [sorted({f for rule in _rules(task, d) for f in fields_of(rule.when)}) for d in task.dimensions]
    return [[_message(row, fields, missing, short) for fields in reads] for row in task.rows]


def run(task: Task, messages: list[list[str]]) -> list[Answer]:
    engine, short = load_engine(), _short(task)
    handles = [_ruleset(engine, d.name, _rules(task, d), short) for d in task.dimensions]
    kinds = [engine.assert_facts if d.hit == "collect" else engine.assert_events for d in task.dimensions]
    # An alternative of which both sides hold fires twice.
    answers = [
        tuple(tuple(dict.fromkeys(_fire(engine, *asked))) for asked in zip(handles, kinds, mine, strict=True))
        for mine in messages
    ]
    for handle in handles:
        engine.delete_ruleset(handle)
    return answers


def _short(task: Task) -> dict[str, str]:
    return {field: f"p{n}" for n, field in enumerate(sorted({f for r in task.rules for f in fields_of(r.when)}))}


def _rules(task: Task, dimension: Dimension) -> list[Rule]:
    rules = {rule.id: rule for rule in task.rules}
    return [rules[rule.id] for rule in ordered(dimension)]


def _message(row: Row, fields: list[str], missing: list[str], short: Mapping[str, str]) -> str:
    given = "".join(f',"{short[field]}":{value}' for field, value in numbered(row, set(fields)).items())
    given += "".join(f',"no_{short[field]}":1' for field in missing if field in fields and field not in row)
    return f'[{{"k":1,"id":"0","sid":"a"{given}}}]'


def _ruleset(engine: Any, name: str, rules: list[Rule], short: Mapping[str, str]) -> int:
    definition: _Json = {
        rule.id: {"all": [{"m": {"$and": [{"k": 1}, *_terms(rule.when, short)]}}], "count": 1, "pri": n}
        for n, rule in enumerate(rules, 1)
    }
    definition["w"] = {"all": [{"m": {"$and": [{"k": 0}]}}], "count": 1}
    handle: int = engine.create_ruleset(name, json.dumps(definition))
    _fire(engine, handle, engine.assert_facts, '[{"k":0,"id":"0","sid":"a"}]')  # a first session must have fired
    return handle


def _fire(engine: Any, handle: int, tell: Callable[[int, str], tuple[int, int]], message: str) -> list[str]:
    fired = []
    _, state = tell(handle, message)
    started = engine.start_action_for_state(handle, state)
    firing = started[1] if started else None
    while firing:
        fired.append(firing[2 : firing.index('"', 2)])
        firing = engine.complete_and_start_action(handle, state)
    engine.delete_state(handle, "a")
    return fired


def _missing(condition: Condition) -> list[Missing]:
    match condition:
        case AllOf(parts) | AnyOf(parts):
            return [found for part in parts for found in _missing(part)]
        case Not(part):
            return _missing(part)
        case Missing():
            return [condition]
        case _:
            return []


def _terms(condition: Condition, short: Mapping[str, str]) -> list[_Json]:
    return (
        [_term(part, short) for part in condition.parts] if isinstance(condition, AllOf) else [_term(condition, short)]
    )


def _term(condition: Condition, short: Mapping[str, str], *, wanted: bool = True) -> _Json:
    match condition:
        case Not(part):
            return _term(part, short, wanted=not wanted)
        case AllOf(parts) | AnyOf(parts):
            together = isinstance(condition, AllOf) is wanted
            return {"$and" if together else "$or": [_term(part, short, wanted=wanted) for part in parts]}
        case Missing(field):
            return {f"no_{short[field]}": 1} if wanted else {"$ex": {short[field]: 1}}
        case Compare(field, op, value):
            return _compare(short[field], op if wanted else _NEGATED[op], as_number(field, value))
        case Between(field, low, high):
            ends = (Op.gte, Op.lte) if wanted else (Op.lt, Op.gt)
            both = [_compare(short[field], op, as_number(field, v)) for op, v in zip(ends, (low, high), strict=True)]
            return {"$and" if wanted else "$or": both}
        case Among(field, values):
            tests = [_compare(short[field], Op.eq if wanted else Op.ne, as_number(field, value)) for value in values]
            return tests[0] if len(tests) == 1 else {"$or" if wanted else "$and": tests}
        case _:
            raise NotImplementedError(condition)


def _compare(field: str, op: Op, value: int) -> _Json:
    if op is Op.eq:
        return {field: value}
    test = {_OPERATORS[op]: {field: value}}
    return {"$and": [{"$ex": {field: 1}}, test]} if op is Op.ne else test  # the others are false without a value
