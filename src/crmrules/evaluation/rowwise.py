"""Formulas, scores and classes of a subject: expressions over its own row, each level reading those before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crmrules.evaluation.classes import CONFLICT, PREVIOUS, Step, conflicting, outputs, steps
from crmrules.evaluation.dependencies import Node, own_record, read_paths
from crmrules.evaluation.patterns import Patterns
from crmrules.evaluation.relations import Relations
from crmrules.evaluation.rewriting import renamed
from crmrules.evaluation.scores import score_sql
from crmrules.evaluation.sql import as_type, expression_sql, literal, quote
from crmrules.evaluation.stages import SUBJECT_KEYS, join_on
from crmrules.language.conditions import Condition
from crmrules.language.ruleset import Aggregate, Dimension, Formula, Score


def store_row_wise(
    relations: Relations, subject: str, levels: Sequence[Sequence[Node]], previous: str | None, cut_points: str | None
) -> None:
    """Compute *levels* of nodes of *subject* in one pass and store their columns."""
    nodes = [node for level in levels for node in level]
    columns = [column for node in nodes for column in _columns(node)]
    base = _paths(relations, nodes).difference(columns)
    patterns = Patterns(relations)
    patterns.prepare(subject, base, [c for node in nodes for c in _conditions(relations, node)])
    fixed = SUBJECT_KEYS[subject] if subject == "account" else (*SUBJECT_KEYS[subject], "account_id")
    sql = patterns.joined(relations.relation(subject, base.union(fixed)))
    sql, kept = _with_previous(relations, sql, subject, nodes, previous)
    for level in levels:
        chains = [_steps(relations, node, patterns, node.name in kept, cut_points) for node in level]
        for depth in range(max(map(len, chains))):
            added = [f"{e} AS {quote(c)}" for chain in chains if depth < len(chain) for c, e in chain[depth].items()]
            sql = f"SELECT *, {', '.join(added)} FROM ({sql})"
    disagreeing = [node for node in nodes if isinstance(node, Dimension) and conflicting(node)]
    selected = ", ".join(map(quote, (*fixed, *columns, *(d.name + CONFLICT for d in disagreeing))))
    account = '"id" AS account_id, ' if subject == "account" else ""
    values = dict.fromkeys(columns, "NULL")
    table = relations.stages.add(subject, values, f"SELECT {account}{selected} FROM ({sql})", whole=True)
    for dimension in disagreeing:
        _take_conflicts(relations, subject, table, dimension)
    patterns.drop()


def _take_conflicts(relations: Relations, subject: str, table: str, dimension: Dimension) -> None:
    """Move the conflicts of *dimension* out of its stage into the table of conflicts."""
    column = quote(dimension.name + CONFLICT)
    record = " || '|' || ".join(map(quote, reversed(SUBJECT_KEYS[subject])))
    relations.con.execute("DELETE FROM conflict WHERE dimension = ?", [dimension.name])
    relations.con.execute(
        f"INSERT INTO conflict SELECT {literal(subject)}, {record}, {literal(dimension.name)}, {column} "
        f"FROM {quote(table)} WHERE {column} IS NOT NULL ORDER BY 2"
    )
    relations.con.execute(f"ALTER TABLE {quote(table)} DROP COLUMN {column}")


def _columns(node: Node) -> tuple[str, ...]:
    return outputs(node) if isinstance(node, Dimension) else (node.name,)


def _paths(relations: Relations, nodes: Iterable[Node]) -> set[str]:
    return set().union(*(read_paths(relations.ruleset, relations.frames, node)[1] for node in nodes))


def _conditions(relations: Relations, node: Node) -> list[Condition]:
    if isinstance(node, Dimension):
        names = own_record(relations.frames, node)
        return [renamed(rule.when, names) for rule in node.rules]
    return [node.where] if isinstance(node, Score) else []


def _steps(
    relations: Relations, node: Node, patterns: Patterns, previous: bool, cut_points: str | None
) -> Sequence[Step]:
    match node:
        case Formula():
            return [{node.name: expression_sql(node.expr, relations.as_of, node.type)}]
        case Score():
            return [{node.name: as_type(score_sql(relations, node, cut_points), node.type)}]
        case Dimension():
            names = own_record(relations.frames, node)
            copied = names.get(node.copy, node.copy)

            def prepare(condition: Condition) -> Condition:
                return patterns.rewritten(renamed(condition, names))

            return steps(node, copied, relations.as_of, prepare, previous=previous)
        case Aggregate():
            raise AssertionError("an aggregate reads other rows")


def _with_previous(
    relations: Relations, sql: str, subject: str, nodes: Iterable[Node], previous: str | None
) -> tuple[str, set[str]]:
    """Return *sql* with the last run's values as ``<name>@previous``, and the names that have one."""
    if previous is None:
        return sql, set()
    tables = relations.con.execute(
        "SELECT column_name FROM duckdb_columns() WHERE database_name = ? AND table_name = ?",
        [previous, f"{subject}_outcome"],
    ).fetchall()
    held = {name for (name,) in tables}
    kept = {n.name for n in nodes if isinstance(n, Dimension) and n.hysteresis is not None and n.name in held}
    if not kept:
        return sql, kept
    added = ", ".join(f"b.{quote(name)} AS {quote(name + PREVIOUS)}" for name in sorted(kept))
    before = f"{quote(previous)}.{quote(f'{subject}_outcome')}"
    return (
        f"SELECT t.*, {added} FROM ({sql}) AS t LEFT JOIN {before} AS b ON {join_on('t', 'b', SUBJECT_KEYS[subject])}",
        kept,
    )
