"""What was decided about one customer, its contacts and its deals, so that two decisions can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from crmrules.authoring.diff_scope import Scope
from crmrules.evaluation.sql import literal, quote
from crmrules.language.ruleset import Ruleset

ROLE = {"role": "role", "confidence": "band", "stance": "stance"}


@dataclass(frozen=True, kw_only=True, order=True)
class What:
    """One outcome of one record. ``kind``: class, role (name: role, confidence, stance), part (name: deal) or flag."""

    object: str
    id: str
    kind: str
    name: str


Outcomes = Mapping[What, Any]  # text, list of texts; a flag that is raised: True


def outcomes(
    con: duckdb.DuckDBPyConnection, catalog: str, ruleset: Ruleset, scope: Scope, records: Mapping[str, Sequence[str]]
) -> dict[What, Any]:
    """Return what *catalog* says about *records* (object -> ids), as far as *scope* goes."""
    found: dict[What, Any] = {}
    for name in scope.classes:
        of = ruleset.classes[name].of
        if records.get(of):
            rows = _rows(
                con, f"SELECT id, {quote(name)} FROM {catalog}.{of}_outcome WHERE id IN ({_listed(records[of])})"
            )
            found |= {What(object=of, id=id, kind="class", name=name): value for id, value in rows}
    if scope.flags and (objects := [object for object in records if records[object]]):
        listed = " OR ".join(f"(object = {literal(o)} AND record_id IN ({_listed(records[o])}))" for o in objects)
        rows = _rows(con, f"SELECT DISTINCT object, record_id, flag FROM {catalog}.flag WHERE {listed}")
        found |= {What(object=o, id=id, kind="flag", name=flag): True for o, id, flag in rows if flag in scope.flags}
    if scope.roles and records.get("contact"):
        those = f"contact_id IN ({_listed(records['contact'])})"
        for name, column in ROLE.items():
            rows = _rows(con, f"SELECT contact_id, {column} FROM {catalog}.contact_role WHERE {those}")
            found |= {What(object="contact", id=id, kind="role", name=name): value for id, value in rows}
        rows = _rows(con, f"SELECT contact_id, deal_id, role FROM {catalog}.part WHERE deal_id <> '' AND {those}")
        found |= {What(object="contact", id=id, kind="part", name=deal): role for id, deal, role in rows}
    return found


def renamed(found: Outcomes, ids: Mapping[tuple[str, str], str]) -> dict[What, Any]:
    """Return *found* with the records' new ids."""
    return {
        What(object=w.object, id=ids[w.object, w.id], kind=w.kind, name=ids["deal", w.name] if w.kind == "part" else w.name): v
        for w, v in found.items()
    }  # fmt: skip


def differing(one: Outcomes, other: Outcomes) -> tuple[What, ...]:
    """Return what the two say differently, in order."""
    return tuple(sorted(w for w in {**one, **other} if one.get(w) != other.get(w)))


def _listed(ids: Iterable[str]) -> str:
    return ", ".join(map(literal, ids))


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return con.execute(sql).fetchall()
