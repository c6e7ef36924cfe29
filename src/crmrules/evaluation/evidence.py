"""Evidence: every item of the role model, looked up in the frames it names.

One row per item, role and source record lands in `evidence` (and, where the item speaks about
the contact's attitude, in `stance_evidence`), with its weight as the ruleset says it and as it
is worth today: ``weight * 0.5 ** (age in days / half-life of the family)``. A row without a
date, or of a family without a half-life, does not decay; a row dated after as_of does not exist.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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


def collect(con: duckdb.DuckDBPyConnection, ruleset: Ruleset, relation: Relation, as_of: date, *, derived: bool) -> int:
    """Append the evidence of all items over given frames (``derived=False``) or over derived facts.

    Needs tables `evidence`, `stance_evidence` and `guarded`; contacts with a `no_role` guard get
    none. Returns the number of rows of evidence added.
    """
    model = ruleset.roles
    assert model is not None
    known = frames(ruleset)
    items = [i for i in model.items if source_frame(ruleset, i.of).startswith("fact.") is derived]
    before = _count(con)
    for frame, group in groupby(
        sorted(items, key=lambda i: (source_frame(ruleset, i.of), i.id)), lambda i: source_frame(ruleset, i.of)
    ):
        _collect_from(con, ruleset, model, known[frame], list(group), relation, as_of)
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
    """Read the frame once, with every column that its items need, then look for each item in it."""
    conditions = {item.id: _condition(ruleset, item) for item in items}
    paths = {p for c in conditions.values() for p in fields_of(c)}
    paths |= {p for i in items for p in (i.who, i.deal, i.date, i.role_from) if p}
    object, source_id = _source(frame)
    paths |= set(source_id)
    con.execute(f"CREATE OR REPLACE TEMP TABLE searched AS {relation(frame.name, sorted(paths))}")
    source = " || '|' || ".join(f"coalesce({quote(p)}, '')" for p in source_id) if source_id else "''"
    for item in items:
        found = _rows(item, model, conditions[item.id], as_of, object, source)
        if weights := _weights(item, model):
            con.execute(_evidence_sql(item, model, found, weights, as_of))
        if item.stance:
            con.execute(_stance_sql(item, model, found, as_of))
    con.execute("DROP TABLE searched")


def _condition(ruleset: Ruleset, item: EvidenceItem) -> Condition:
    subset = ruleset.sets.get(item.of)
    return AllOf((subset.where, item.when)) if subset else item.when


def _rows(item: EvidenceItem, model: RoleModel, condition: Condition, as_of: date, object: str, source: str) -> str:
    """Return SQL for the rows of `searched` that this item counts: one per contact, deal and source."""
    when = quote(item.date) + "::DATE" if item.date else "NULL::DATE"
    deal = f"coalesce({quote(item.deal)}, '')" if item.deal else "''"
    role = _native_role(item.role_from, model) if item.role_from else "NULL"
    counted = f"HAVING count(*) >= {item.at_least}" if item.at_least > 1 else ""
    base = (
        f"SELECT {quote(item.who)} AS contact_id, {deal} AS deal_id, {when} AS date, {source} AS source_id, {role} AS role"
        f" FROM searched WHERE ({condition_sql(condition, as_of)}) AND {quote(item.who)} IS NOT NULL"
    )
    if counted:
        base = (
            "SELECT contact_id, deal_id, max(date) AS date, max(source_id) AS source_id, max(role) AS role"
            f" FROM ({base}) GROUP BY contact_id, deal_id {counted}"
        )
    return (
        f"SELECT DISTINCT c.account_id, r.*, {literal(object)} AS source_object FROM ({base}) r"
        " JOIN snapshot.contact c ON c.id = r.contact_id"
        f" WHERE (r.date IS NULL OR r.date <= {literal(as_of)}) AND NOT EXISTS"
        " (SELECT 1 FROM guarded g WHERE g.object = 'contact' AND g.record_id = c.id AND g.effect = 'no_role')"
    )


def _weights(item: EvidenceItem, model: RoleModel) -> list[tuple[str, bool, float]]:
    return [(role, False, weight) for role, weight in item.gives.items()] + [
        (role, True, weight) for role, weight in item.against.items()
    ]


def _evidence_sql(
    item: EvidenceItem, model: RoleModel, found: str, weights: list[tuple[str, bool, float]], as_of: date
) -> str:
    values = ", ".join(
        f"({literal(role)}, {literal(against)}, {literal(float(weight))})" for role, against, weight in weights
    )
    role = f"CASE WHEN w.role = {literal(SAME_ROLE)} THEN f.role ELSE w.role END"
    return (
        "INSERT INTO evidence SELECT f.account_id, f.contact_id, f.deal_id,"
        f" {literal(item.id)}, {literal(item.family)}, {role}, w.against, w.weight,"
        f" w.weight * {_decay(model.families[item.family].half_life, as_of)}, f.date, f.source_object, f.source_id"
        f" FROM ({found}) f, (VALUES {values}) w(role, against, weight) WHERE {role} IS NOT NULL"
    )


def _stance_sql(item: EvidenceItem, model: RoleModel, found: str, as_of: date) -> str:
    half_life = None if item.stance in model.stance.sticky else model.stance.half_life
    return (
        "INSERT INTO stance_evidence SELECT f.account_id, f.contact_id, f.deal_id,"
        f" {literal(item.id)}, {literal(item.stance)}, {_decay(half_life, as_of)}, f.date, f.source_object, f.source_id"
        f" FROM ({found}) f"
    )


def _decay(half_life: int | None, as_of: date) -> str:
    if half_life is None:
        return "1.0"
    return f"CASE WHEN f.date IS NULL THEN 1.0 ELSE pow(0.5, date_diff('day', f.date, {literal(as_of)}) / {half_life}.0) END"


def _native_role(path: str, model: RoleModel) -> str:
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
