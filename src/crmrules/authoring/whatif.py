"""What would be decided if one record were otherwise: everything that flips, with the rules before and after.

What only the records around it decide is decided over those; what ranks it among all records, over
all. Both ways are the pipeline's own, so that an answer is what a change in the CRM would bring.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import duckdb

from crmrules.authoring.diff_records import Ground, names
from crmrules.authoring.diff_scope import Scope, by_population, difference, pruned, whole
from crmrules.authoring.diff_tables import Kind, items, line_up, movers, said_by
from crmrules.authoring.whatif_goal import Goal, ways
from crmrules.authoring.whatif_records import Values, bring_near, change, show_all
from crmrules.contracts.engine import EnginePlugin
from crmrules.errors import Location, Problem, RulesetError, did_you_mean
from crmrules.explain.reading import Reader
from crmrules.explain.show import short
from crmrules.language.frames import frames, resolve
from crmrules.language.ruleset import UNKNOWN, Dimension, Ruleset
from crmrules.pipeline.decide import find_outcomes

MOST = 10_000  # flips that are read at all; whoever ranks among a million may move many


@dataclass(frozen=True, kw_only=True)
class Flip:
    """An outcome that is another one after the change. ``id`` of a part is contact|deal; ``name`` is safe to print."""

    of: str
    id: str
    name: str
    kind: Kind
    what: str
    before: str
    after: str
    rule_before: str  # '' = no rule won
    rule_after: str


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """What a change of one record brings; its own flips first."""

    object: str
    id: str
    name: str
    ruleset: str
    as_of: date
    before: Values  # field -> value, for the changed fields
    after: Values
    flips: tuple[Flip, ...]
    others: int  # flips of further records that are not listed


def what_if(ground: Ground, object: str, id: str, values: Values, *, most: int = 50) -> WhatIf:
    """Decide with and without *values* set on one record of what :func:`set_aside` put aside.

    Raises DataError where there is no such record.
    """
    con, (ruleset, *_) = ground.con, ground.rulesets
    far = by_population(ruleset)
    near = difference(whole(ruleset), far)
    bring_near(con, object, id, values)
    before = _decide(con, ruleset, "near_before", near, ground.as_of, ground.engine)
    name = names(con, object, {id}).get(id, "")
    columns = ", ".join(f'"{field}"' for field in values)
    row = con.execute(f'SELECT {columns} FROM snapshot."{object}" WHERE id = ?', [id]).fetchall()[0]
    change(con, object, id, values)
    after = _decide(con, ruleset, "near_after", near, ground.as_of, ground.engine)
    flips = _flips(con, ruleset, near, before, after)
    if far:
        show_all(con, object, id, {})
        before = _decide(con, ruleset, "far_before", far, ground.as_of, ground.engine)
        show_all(con, object, id, values)
        after = _decide(con, ruleset, "far_after", far, ground.as_of, ground.engine)
        flips += _flips(con, ruleset, far, before, after)
    flips.sort(key=lambda f: f.of != object or f.id != id)
    return WhatIf(
        object=object, id=id, name=short(name), ruleset=f"{ruleset.name}@{ruleset.version}", as_of=ground.as_of,
        before=dict(zip(values, row, strict=True)), after=values, flips=tuple(flips[:most]), others=len(flips[most:]),
    )  # fmt: skip


def how_to(
    ground: Ground,
    object: str,
    id: str,
    name: str,
    wanted: str,
    language: str,
    *,
    fields: Sequence[str] = (),
    most: int = 5,
) -> Goal:
    """Find the smallest realistic changes of one record that give the class *name* the value *wanted*.

    Raises RulesetError for an unknown class, value or field, DataError where there is no such record.
    """
    ruleset = ground.rulesets[0]
    dimension = _class(ruleset, object, name, wanted)
    _check_fields(ruleset, object, fields)
    scope = Scope(classes=(name,), flags=(), roles=False)
    far = name in by_population(ruleset).classes
    bring_near(ground.con, object, id, {})
    if far:
        show_all(ground.con, object, id, {})
    _decide(ground.con, ruleset, "decided", scope, ground.as_of, ground.engine)
    reader = Reader(ground.con, pruned(ruleset, scope), ground.as_of, language)
    return ways(reader, dimension, id, wanted, fields, most)


def _class(ruleset: Ruleset, object: str, name: str, wanted: str) -> Dimension:
    at = Location("--want")
    known = {d.name: d for d in ruleset.classes.values() if d.of == object}
    if name not in known:
        hint = did_you_mean(name, known)
        raise RulesetError(Problem("unknown-class", f"{object} has no class {name!r}", at, ", ".join(known), hint))
    values = (*known[name].values, UNKNOWN)
    if wanted not in values:
        hint = did_you_mean(wanted, values)
        raise RulesetError(Problem("unknown-value", f"{name} has no value {wanted!r}", at, ", ".join(values), hint))
    return known[name]


def _check_fields(ruleset: Ruleset, object: str, fields: Sequence[str]) -> None:
    known = frames(ruleset)
    at = Location("--field")
    problems = [
        Problem("unknown-field", f"{object} has no field {field!r}", at, hint=did_you_mean(field, known[object].columns))
        for field in fields if resolve(known, object, field) is None
    ]  # fmt: skip
    if problems:
        raise RulesetError(problems)


def _decide(
    con: duckdb.DuckDBPyConnection, ruleset: Ruleset, catalog: str, scope: Scope, as_of: date, engine: EnginePlugin
) -> str:
    con.execute(f"ATTACH ':memory:' AS {catalog}")
    con.execute(f"USE {catalog}")
    find_outcomes(con, pruned(ruleset, scope), as_of=as_of, engine=engine)
    return catalog


def _flips(con: duckdb.DuckDBPyConnection, ruleset: Ruleset, scope: Scope, before: str, after: str) -> list[Flip]:
    found = []
    for item in items(ruleset, ruleset, scope):
        line_up(con, said_by(ruleset, before, item), said_by(ruleset, after, item))
        found += [
            Flip(of=m.of, id=m.id, name="", kind=item.kind, what=m.item, before=m.old, after=m.new,
                 rule_before=m.old_rule, rule_after=m.new_rule)
            for m in movers(con, item, "rules", MOST)
        ]  # fmt: skip
    known = {of: names(con, "contact" if of == "part" else of, {_record(f) for f in found if f.of == of})
             for of in sorted({f.of for f in found})}  # fmt: skip
    return [replace(f, name=short(known[f.of].get(_record(f), ""))) for f in found]


def _record(flip: Flip) -> str:
    return flip.id.partition("|")[0] if flip.of == "part" else flip.id
