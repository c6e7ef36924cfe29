"""The outcomes of two decisions side by side, in columns: how many moved from where to where, and by which rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import duckdb

from crmrules.authoring.diff_scope import Scope
from crmrules.evaluation.sql import literal, quote
from crmrules.evaluation.stages import SUBJECT_KEYS
from crmrules.language.ruleset import Ruleset

Kind = Literal["class", "role", "flag"]
Cause = Literal["rules", "data"]
RAISED, ABSENT = "raised", "absent"
_ROLE_COLUMNS = {"role": "role", "role_band": "band", "stance": "stance"}


@dataclass(frozen=True, kw_only=True)
class Item:
    """An outcome that is compared: a class, a flag, or one of role, role_band, stance."""

    kind: Kind
    name: str
    of: str  # account | contact | deal | part


@dataclass(frozen=True, kw_only=True)
class Cell:
    """So many records had ``old`` and have ``new``."""

    old: str
    new: str
    count: int
    share: float  # of all records compared, 0..1


@dataclass(frozen=True, kw_only=True)
class RuleMove:
    """Records that moved because another rule won; '' stands for none (the class's ``otherwise``)."""

    old: str
    new: str
    old_rule: str
    new_rule: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Move:
    """One record that moved. ``id`` of a part is contact|deal; ``name`` is safe to print."""

    item: str
    of: str
    id: str
    name: str
    cause: Cause
    old: str
    new: str
    old_rule: str
    new_rule: str


@dataclass(frozen=True, kw_only=True)
class Transitions:
    """The transition matrix of one outcome, for one cause."""

    item: Item
    cause: Cause
    records: int
    moved: int
    cells: tuple[Cell, ...]  # biggest first, those that stayed among them
    rules: tuple[RuleMove, ...]  # biggest first

    @property
    def share(self) -> float:
        """Share of the records that moved, 0..1."""
        return self.moved / self.records if self.records else 0.0


@dataclass(frozen=True, kw_only=True)
class Split:
    """Why records of one outcome moved between two decisions; a record may move by both and come back."""

    item: Item
    by_data: int
    by_rules: int
    both: int  # moved by the data, then by the rules; counted in the two above
    net: int  # other now than at the last decision
    appeared: int  # records that the last decision did not know
    gone: int


def items(old: Ruleset, new: Ruleset, scope: Scope) -> tuple[Item, ...]:
    """Return what *scope* compares, classes first, in definition order.

    A class that one ruleset does not have, or has about another object, can't be compared; a flag that
    one does not have is raised nowhere.
    """
    flags = {**new.flags, **old.flags}
    both = [n for n in scope.classes if n in old.classes and n in new.classes]
    found = [Item(kind="class", name=n, of=old.classes[n].of) for n in both if old.classes[n].of == new.classes[n].of]
    if scope.roles and old.roles is not None and new.roles is not None:
        found += [Item(kind="role", name=n, of="contact") for n in _ROLE_COLUMNS]
    return (*found, *(Item(kind="flag", name=n, of=flags[n].of) for n in scope.flags))


def said_by(ruleset: Ruleset, catalog: str, item: Item) -> str:
    """Return a SELECT of id, value and rule of *item*, as decided by *ruleset* in *catalog*."""
    match item.kind:
        case "class":
            return _class(ruleset, catalog, item)
        case "flag":
            return _flag(ruleset, catalog, item)
        case "role":
            return _role(catalog, item)


def line_up(con: duckdb.DuckDBPyConnection, old: str, new: str, since: str = "") -> None:
    """Make the temporary table ``lined_up``: a row per record with what each of the SELECTs says.

    ``was`` is what *since* says of it; without *since* it is what *old* says.
    """
    columns = "o.id, o.value AS old, o.rule AS old_rule, n.value AS new, n.rule AS new_rule"
    with_new = f"SELECT {columns} FROM ({old}) o JOIN ({new}) n ON n.id = o.id"
    if old == new:
        with_new = f"SELECT {columns.replace('n.', 'o.')} FROM ({old}) o"
    if not since:
        sql = f"SELECT *, old AS was, old_rule AS was_rule, TRUE AS knew, TRUE AS knows FROM ({with_new})"
    else:
        sql = (
            "SELECT coalesce(n.id, s.id) AS id, n.* EXCLUDE (id), s.value AS was, s.rule AS was_rule,"
            f" s.id IS NOT NULL AS knew, n.id IS NOT NULL AS knows FROM ({with_new}) n FULL JOIN ({since}) s ON s.id = n.id"
        )
    con.execute(f"CREATE OR REPLACE TEMP TABLE lined_up AS {sql}")


def transitions(con: duckdb.DuckDBPyConnection, item: Item, cause: Cause) -> Transitions:
    """Count in ``lined_up`` the moves that *cause* made."""
    old, new, where = _sides(cause)
    counted = con.execute(
        f"SELECT {old}, {new}, count(*) FROM lined_up WHERE {where} GROUP BY ALL ORDER BY 3 DESC, 1 NULLS FIRST, 2 NULLS FIRST"
    ).fetchall()
    total = sum(n for *_, n in counted)
    cells = tuple(Cell(old=a, new=b, count=n, share=n / total) for a, b, n in counted)
    moved = con.execute(
        f"SELECT {old}, {new}, coalesce({old}_rule, ''), coalesce({new}_rule, ''), count(*) FROM lined_up"
        f" WHERE {where} AND {old} IS DISTINCT FROM {new} GROUP BY ALL"
        " ORDER BY 5 DESC, 1 NULLS FIRST, 2 NULLS FIRST, 3, 4"
    ).fetchall()
    rules = tuple(RuleMove(old=a, new=b, old_rule=r, new_rule=s, count=n) for a, b, r, s, n in moved)
    return Transitions(
        item=item, cause=cause, records=total, moved=sum(r.count for r in rules), cells=cells, rules=rules
    )


def movers(con: duckdb.DuckDBPyConnection, item: Item, cause: Cause, most: int) -> tuple[Move, ...]:
    """Return the first *most* records that *cause* moved, by id; their names are not looked up yet."""
    old, new, where = _sides(cause)
    rows = con.execute(
        f"SELECT id, {old}, {new}, coalesce({old}_rule, ''), coalesce({new}_rule, '') FROM lined_up"
        f" WHERE {where} AND {old} IS DISTINCT FROM {new} ORDER BY id LIMIT {most}"
    ).fetchall()
    return tuple(
        Move(item=item.name, of=item.of, id=id, name="", cause=cause, old=a, new=b, old_rule=r, new_rule=s)
        for id, a, b, r, s in rows
    )


def split(con: duckdb.DuckDBPyConnection, item: Item) -> Split:
    """Count in ``lined_up`` what moved by the data, by the rules, and in the end."""
    row = con.execute(
        """SELECT count(*) FILTER (both_there AND by_data), count(*) FILTER (knows AND by_rules),
            count(*) FILTER (both_there AND by_data AND by_rules), count(*) FILTER (both_there AND was IS DISTINCT FROM new),
            count(*) FILTER (NOT knew), count(*) FILTER (NOT knows)
        FROM (SELECT *, knew AND knows AS both_there, was IS DISTINCT FROM old AS by_data,
            old IS DISTINCT FROM new AS by_rules FROM lined_up)"""
    ).fetchone()
    assert row is not None
    by_data, by_rules, both, net, appeared, gone = row
    return Split(item=item, by_data=by_data, by_rules=by_rules, both=both, net=net, appeared=appeared, gone=gone)


def _sides(cause: Cause) -> tuple[str, str, str]:
    return ("old", "new", "knows") if cause == "rules" else ("was", "old", "knew AND knows")


def _key(of: str, alias: str = "") -> str:
    return " || '|' || ".join(f"{alias}{quote(k)}" for k in SUBJECT_KEYS[of])


def _class(ruleset: Ruleset, catalog: str, item: Item) -> str:
    value = quote(item.name)
    shown = f"array_to_string({value}, ', ')" if ruleset.classes[item.name].hit == "collect" else value
    return (
        f"SELECT {_key(item.of)} AS id, {shown} AS value, {quote(item.name + '.rule')} AS rule"
        f" FROM {catalog}.{item.of}_outcome"
    )


def _flag(ruleset: Ruleset, catalog: str, item: Item) -> str:
    if item.name not in ruleset.flags:  # then it is raised nowhere
        return f"SELECT id, {literal(ABSENT)} AS value, CAST(NULL AS VARCHAR) AS rule FROM snapshot.{quote(item.of)}"
    raised = f"SELECT DISTINCT record_id FROM {catalog}.flag WHERE flag = {literal(item.name)} AND object = {literal(item.of)}"
    return (
        f"SELECT s.id, CASE WHEN f.record_id IS NULL THEN {literal(ABSENT)} ELSE {literal(RAISED)} END AS value,"
        f" CASE WHEN f.record_id IS NOT NULL THEN {literal(item.name)} END AS rule"
        f" FROM {catalog}.{item.of}_outcome s LEFT JOIN ({raised}) f ON f.record_id = s.id"
    )


def _role(catalog: str, item: Item) -> str:
    """The rule of a role is its strongest piece of evidence, or ``manual``."""
    column = _ROLE_COLUMNS[item.name]
    table, about = ("stance_evidence", "stance") if item.name == "stance" else ("evidence", "role")
    favour = "" if item.name == "stance" else " WHERE NOT against"
    strongest = (
        f"SELECT contact_id, {about} AS about, item FROM {catalog}.{table}{favour}"
        f" QUALIFY row_number() OVER (PARTITION BY contact_id, {about} ORDER BY decayed DESC, item) = 1"
    )
    return (
        f"SELECT r.contact_id AS id, r.{column} AS value, CASE WHEN r.source = 'manual' THEN 'manual' ELSE e.item END AS rule"
        f" FROM {catalog}.contact_role r LEFT JOIN ({strongest}) e ON e.contact_id = r.contact_id AND e.about = r.{about}"
    )


def locations(ruleset: Ruleset) -> Mapping[str, str]:
    """Return rule id -> file:line of every class rule, flag and piece of evidence."""
    found = {rule.id: str(rule.at) for d in ruleset.classes.values() for rule in d.rules}
    found |= {flag.id: str(flag.at) for flag in ruleset.flags.values()}
    return found | {i.id: str(i.at) for i in (ruleset.roles.items if ruleset.roles else ())}
