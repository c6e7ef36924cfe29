"""Evidence: every item of the role model, looked up in the frames it names.

One row per item, role and source record lands in `evidence` (and, where the item speaks about
the contact's attitude, in `stance_evidence`), with its weight as the ruleset says it and as it
is worth today: ``weight * 0.5 ** (age in days / half-life of the family)``. A row without a
date, or of a family without a half-life, does not decay; a row dated after as_of does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby

import duckdb

from crmrules.evaluation.sql import condition_sql, literal, quote
from crmrules.language.conditions import AllOf, Condition, fields_of
from crmrules.language.frames import Frame, frames, source_frame
from crmrules.language.ruleset import EvidenceItem, RoleModel, Ruleset

Relation = Callable[[str, Iterable[str]], str]
SAME_ROLE = "same_role"  # in `gives`: the role that the record itself names
ALL_ROLES = "ALL"  # in `against`


def collect(
    con: duckdb.DuckDBPyConnection,
    ruleset: Ruleset,
    relation: Relation,
    as_of: date,
    *,
    derived: bool,
    known: Collection[str] = (),
) -> int:
    """Append the evidence of all items over given frames (``derived=False``) or over derived facts.

    Items whose evidence is *known* already are left out. Needs tables `evidence`, `stance_evidence` and
    `guarded`; contacts with a `no_role` guard get none. Returns the number of rows of evidence added.
    """
    model = ruleset.roles
    assert model is not None
    there = frames(ruleset)
    items = [i for i in model.items if source_frame(ruleset, i.of).startswith("fact.") is derived and i.id not in known]
    before = _count(con)
    for frame, group in groupby(
        sorted(items, key=lambda i: (source_frame(ruleset, i.of), i.id)), lambda i: source_frame(ruleset, i.of)
    ):
        _collect_from(con, ruleset, model, there[frame], list(group), relation, as_of)
    return _count(con) - before


def _collect_from(
    con: duckdb.DuckDBPyConnection,
    ruleset: Ruleset,
    model: RoleModel,
    frame: Frame,
    items: Sequence[EvidenceItem],
    relation: Relation,
    as_of: date,
) -> None:
    """Read the frame once, with every column that its items need, and look for all of them row by row."""
    conditions = {item.id: _condition(ruleset, item) for item in items}
    paths = {p for c in conditions.values() for p in fields_of(c)}
    paths |= {p for i in items for p in (i.who, i.deal, i.date, i.role_from) if p}
    object, source_id = _source(frame)
    paths |= set(source_id)
    con.execute(f"CREATE OR REPLACE TEMP TABLE searched AS {relation(frame.name, sorted(paths))}")
    source = " || '|' || ".join(f"coalesce({quote(p)}, '')" for p in source_id) if source_id else "''"
    for _, group in groupby(sorted(items, key=_columns), key=_columns):
        alike = list(group)
        con.execute(f"CREATE OR REPLACE TEMP TABLE hit AS {_hits(alike, model, conditions, as_of, object, source)}")
        if weights := [row for item in alike for row in _weights(item, model)]:
            con.execute(_EVIDENCE.format(weights=_values(weights), decay=_decay("w", as_of)))
        if stances := [row for item in alike for row in _stances(item, model)]:
            con.execute(_STANCES.format(stances=_values(stances), decay=_decay("s", as_of)))
    con.execute("DROP TABLE IF EXISTS hit")
    con.execute("DROP TABLE searched")


_EVIDENCE = """INSERT INTO evidence
SELECT h.account_id, h.contact_id, h.deal_id, w.item, w.family, coalesce(w.role, h.role), w.against, w.weight,
       w.weight * {decay}, h.date, h.source_object, h.source_id
FROM hit h JOIN (VALUES {weights}) w(item, family, role, against, weight, half_life) ON w.item = h.item
WHERE coalesce(w.role, h.role) IS NOT NULL"""
_STANCES = """INSERT INTO stance_evidence
SELECT h.account_id, h.contact_id, h.deal_id, s.item, s.stance, {decay}, h.date, h.source_object, h.source_id
FROM hit h JOIN (VALUES {stances}) s(item, stance, half_life) ON s.item = h.item"""


def _columns(item: EvidenceItem) -> tuple[str, str, str, str, int]:
    """Items that read the same columns are looked for in one pass."""
    return item.who, item.deal, item.date, item.role_from, item.at_least


def _condition(ruleset: Ruleset, item: EvidenceItem) -> Condition:
    subset = ruleset.sets.get(item.of)
    return AllOf((subset.where, item.when)) if subset else item.when


def _hits(
    items: Sequence[EvidenceItem],
    model: RoleModel,
    conditions: Mapping[str, Condition],
    as_of: date,
    object: str,
    source: str,
) -> str:
    """Return SQL for the rows of `searched` that *items* (alike in their columns) count: one per item, contact,
    deal and source."""
    first = items[0]
    when = f"{quote(first.date)}::DATE" if first.date else "NULL::DATE"
    deal = f"coalesce({quote(first.deal)}, '')" if first.deal else "''"
    role = native_role(first.role_from, model) if first.role_from else "NULL::VARCHAR"
    found = ", ".join(f"CASE WHEN {condition_sql(conditions[i.id], as_of)} THEN {literal(i.id)} END" for i in items)
    rows = (
        f"SELECT {quote(first.who)} AS contact_id, {deal} AS deal_id, {when} AS date, {source} AS source_id,"
        f" {role} AS role, unnest([{found}]) AS item FROM searched WHERE {quote(first.who)} IS NOT NULL"
    )
    if first.at_least > 1:
        rows = (
            "SELECT contact_id, deal_id, max(date) AS date, max(source_id) AS source_id, max(role) AS role, item"
            f" FROM ({rows}) WHERE item IS NOT NULL AND (date IS NULL OR date <= {literal(as_of)})"
            f" GROUP BY contact_id, deal_id, item HAVING count(*) >= {first.at_least}"
        )
    return (
        f"SELECT DISTINCT c.account_id, r.*, {literal(object)} AS source_object FROM ({rows}) r"
        " JOIN snapshot.contact c ON c.id = r.contact_id"
        f" WHERE r.item IS NOT NULL AND (r.date IS NULL OR r.date <= {literal(as_of)}) AND NOT EXISTS"
        " (SELECT 1 FROM guarded g WHERE g.object = 'contact' AND g.record_id = c.id AND g.effect = 'no_role')"
    )


def _weights(item: EvidenceItem, model: RoleModel) -> Iterator[tuple[str, ...]]:
    half_life = _half_life(model.families[item.family].half_life)
    for weights, against in ((item.gives, False), (item.against, True)):
        for role, weight in weights.items():
            named = "NULL::VARCHAR" if role == SAME_ROLE else literal(role)
            yield literal(item.id), literal(item.family), named, literal(against), literal(float(weight)), half_life


def _stances(item: EvidenceItem, model: RoleModel) -> Iterator[tuple[str, ...]]:
    if item.stance:
        fades = item.stance not in model.stance.sticky
        yield literal(item.id), literal(item.stance), _half_life(model.stance.half_life if fades else None)


def _half_life(days: int | None) -> str:
    return "NULL::DOUBLE" if days is None else literal(float(days))


def _values(rows: Iterable[tuple[str, ...]]) -> str:
    return ", ".join(f"({', '.join(row)})" for row in rows)


def _decay(row: str, as_of: date) -> str:
    age = f"date_diff('day', h.date, {literal(as_of)})"
    return f"CASE WHEN h.date IS NULL OR {row}.half_life IS NULL THEN 1.0 ELSE pow(0.5, {age} / {row}.half_life) END"


def native_role(path: str, model: RoleModel) -> str:
    """Translate a CRM's own role label (any case) into ours; an unknown label says nothing."""
    label = f"lower(trim({quote(path)}))"
    known: Mapping[str, str] = {**model.native, **{role: role for role in model.roles}}
    cases = " ".join(f"WHEN {literal(native.lower())} THEN {literal(role)}" for native, role in sorted(known.items()))
    return f"CASE {label} {cases} END"


def _source(frame: Frame) -> tuple[str, tuple[str, ...]]:
    """Return the canonical object that a row of *frame* is evidence from, and the columns of its id."""
    if frame.name in ("mention", "activity_contact"):
        return "activity", ("activity_id",)
    if frame.name == "part":
        return "contact", ("contact_id",)
    if frame.name.startswith("fact."):
        return frame.name, ()
    return frame.name, frame.key


def _count(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute("SELECT (SELECT count(*) FROM evidence) + (SELECT count(*) FROM stance_evidence)").fetchone()
    assert row is not None
    return int(row[0])
