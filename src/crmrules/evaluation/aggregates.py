"""Aggregations: one grouped scan for everything that a subject takes from one kind of rows.

Distinct counts, most frequent values and intervals need a second level and get a pass of their
own. Sums are exact decimals, so that the order of the rows can't show in the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from crmrules.errors import Problem, RulesetError
from crmrules.evaluation.dependencies import read_paths, single_name, subject_paths, subset_condition
from crmrules.evaluation.relations import Relations
from crmrules.evaluation.sql import as_type, condition_sql, day_sql, expression_sql, literal, quote
from crmrules.evaluation.stages import SUBJECT_KEYS
from crmrules.language.conditions import ALWAYS, Condition
from crmrules.language.frames import resolve, source_frame
from crmrules.language.ruleset import Aggregate
from crmrules.model.objects import FieldType

# Doubles are summed as decimals of this type: 23 digits before the point, nine after it.
_EXACT = "DECIMAL(32,9)"

_DEFAULTS = {"count": "0", "sum": "0", "distinct": "0", "any": "FALSE"}  # of no rows; all others are missing


_Aggregated = Sequence[tuple[Aggregate, str]]  # what is computed, and its SQL


@dataclass(frozen=True)
class Pass:
    """One scan: a SELECT of the subject's key and of ``columns`` (name -> default of subjects without rows)."""

    subject: str
    columns: Mapping[str, str]
    select: str


def passes(relations: Relations, nodes: Iterable[Aggregate]) -> Iterator[Pass]:
    """Yield the scans that compute *nodes*, as few as can be."""

    def rows_of(node: Aggregate) -> tuple[str, str, tuple[str, ...]]:
        frame = source_frame(relations.ruleset, node.from_)
        return node.of, frame, subject_paths(relations.frames, relations.frames[frame], node)

    for (subject, frame, links), group in groupby(sorted(nodes, key=lambda n: (rows_of(n), n.name)), rows_of):
        together = list(group)
        rows = _Rows(relations, frame, SUBJECT_KEYS[subject], links)
        rows.paths.update(*(read_paths(relations.ruleset, relations.frames, node)[1] for node in together))
        yield from _group_passes(rows, subject, together)


def _group_passes(rows: _Rows, subject: str, nodes: Sequence[Aggregate]) -> Iterator[Pass]:
    levelled: dict[tuple[str, str, str], list[Aggregate]] = {}
    plain: list[tuple[Aggregate, str]] = []
    for node in nodes:
        build = _TWO_LEVELS.get(node.agg)
        if build is None:
            plain.append((node, _plain(rows, node)))
        else:
            value = rows.day(node) if build is _intervals else rows.value(node)
            levelled.setdefault((build.__name__, rows.filter(node), value), []).append(node)
    if plain:
        yield _pass(subject, plain, f"FROM ({rows.sql()}) GROUP BY {rows.keys}", rows)
    for (_, filter_, value), together in levelled.items():
        aggregated, source = _TWO_LEVELS[together[0].agg](rows, together, filter_, value)
        yield _pass(subject, aggregated, f"FROM ({source}) GROUP BY {rows.keys}", rows)


def _pass(subject: str, aggregated: _Aggregated, rest: str, rows: _Rows) -> Pass:
    columns = ", ".join(f"{as_type(sql, node.type)} AS {quote(node.name)}" for node, sql in aggregated)
    defaults = {
        n.name: f"CAST({_DEFAULTS[n.agg]} AS {n.type.sql})" if n.agg in _DEFAULTS else "NULL" for n, _ in aggregated
    }
    return Pass(subject, defaults, f"SELECT {rows.keys}, {columns} {rest}")


@dataclass
class _Rows:
    """The rows of a scan, with every distinct filter and value computed once under a short name."""

    relations: Relations
    frame: str
    key: tuple[str, ...]
    links: tuple[str, ...]
    paths: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)  # SQL -> its column

    @property
    def keys(self) -> str:
        return ", ".join(map(quote, self.key))

    @property
    def as_of(self) -> date:
        return self.relations.as_of

    def sql(self) -> str:
        date_field = self.relations.frames[self.frame].date_field
        columns = [f"{quote(path)} AS {quote(key)}" for key, path in zip(self.key, self.links, strict=True)]
        columns += [f"{sql} AS {name}" for sql, name in self.names.items()]
        where = [f"{quote(path)} IS NOT NULL" for path in self.links]
        if date_field:
            day = f"CAST({quote(date_field)} AS DATE)"
            where.append(f"({day} <= {literal(self.as_of)} OR {day} IS NULL)")
        relation = self.relations.relation(self.frame, self.paths)
        return f"SELECT {', '.join(columns)} FROM ({relation}) WHERE {' AND '.join(where)}"

    def named(self, sql: str) -> str:
        return self.names.setdefault(sql, f"_{len(self.names)}")

    def filter(self, node: Aggregate, *more: Condition) -> str:
        """Return the column that is true for the rows of *node* where *more* holds too; '' where all count."""
        conditions = [subset_condition(self.relations.ruleset, node) or ALWAYS, node.where, *more]
        parts = [condition_sql(c, self.as_of) for c in conditions if c != ALWAYS]
        if node.within is not None:
            since = day_sql(node.within, self.as_of)
            parts.append(f"{self._day_field(node)} BETWEEN {since} AND {literal(self.as_of)}")
        if node.before is not None:
            parts.append(f"{self._day_field(node)} < {day_sql(node.before, self.as_of)}")
        return self.named(" AND ".join(parts)) if parts else ""

    def value(self, node: Aggregate) -> str:
        assert node.value is not None
        return self.named(self._value_sql(node))

    def value_type(self, node: Aggregate) -> FieldType:
        if node.money is not None:
            return FieldType.money
        name = single_name(node)
        if name and (found := resolve(self.relations.frames, self.frame, name)):
            return found
        return FieldType.number if node.type is FieldType.integer else node.type

    def day(self, node: Aggregate) -> str:
        """Return the column with the day that *node* counts from."""
        value = node.value
        return self.named(self._day_field(node) if value is None else expression_sql(value, self.as_of, FieldType.date))

    def order(self) -> str:
        """Return the column by which the rows of a subject have one order."""
        frame = self.relations.frames[self.frame]
        return self.named(f"row({', '.join(map(quote, filter(None, (frame.date_field, *frame.key))))})")

    def dated(self) -> str:
        """Return the column that is true for rows that have their place in time; '' for timeless rows."""
        date_field = self.relations.frames[self.frame].date_field
        return self.named(f"{quote(date_field)} IS NOT NULL") if date_field else ""

    def _day_field(self, node: Aggregate) -> str:
        date_field = self.relations.frames[self.frame].date_field
        if not date_field:
            raise RulesetError(
                Problem("no-date", f"'{node.name}' needs a day, and a row of '{self.frame}' has none", node.at)
            )
        return f"CAST({quote(date_field)} AS DATE)"

    def _value_sql(self, node: Aggregate) -> str:
        assert node.value is not None
        name = single_name(node)
        sql = quote(name) if name else expression_sql(node.value, self.as_of, self.value_type(node))
        if node.money is None:
            return sql
        money = node.money
        rates = {money.into: 1, **money.rates}
        base = float(rates[money.into])  # type: ignore[arg-type]
        whens = " ".join(f"WHEN {literal(c)} THEN {literal(float(r) / base)}" for c, r in rates.items())  # type: ignore[arg-type]
        rate = f"CASE coalesce({quote(money.field)}, {literal(money.into)}) {whens} END"
        return as_type(f"round(CAST({sql} AS DOUBLE) * {rate}, 4)", FieldType.money)


def _filtered(*filters: str) -> str:
    held = [f for f in filters if f]
    return f" FILTER (WHERE {' AND '.join(held)})" if held else ""


def _plain(rows: _Rows, node: Aggregate) -> str:
    counted = _filtered(rows.filter(node))
    count = f"count(*){counted}"
    match node.agg:
        case "count":
            return count if node.value is None else f"count({rows.value(node)}){counted}"
        case "any" | "all" | "share":
            return _portion(rows, node, count)
        case "days_since":
            day = rows.day(node)
            known = _filtered(rows.filter(node), f"{day} <= {literal(rows.as_of)}")
            return f"date_diff('day', max({day}){known}, {literal(rows.as_of)})"
    value = rows.value(node)
    match node.agg:
        case "sum":
            return f"CASE WHEN {count} = 0 THEN 0 ELSE {_sum(rows, node)}{counted} END"
        case "mean":
            return f"CAST({_sum(rows, node)}{counted} AS DOUBLE) / count({value}){counted}"
        case "min" | "max":
            return f"{node.agg}({value}){counted}"
        case "median" | "quantile":
            q = 0.5 if node.agg == "median" else node.quantile
            return f"quantile_cont(CAST({value} AS DOUBLE), {literal(q)}){counted}"
        case "first" | "last":
            take = "arg_min" if node.agg == "first" else "arg_max"
            return f"{take}({value}, {rows.order()}){_filtered(rows.filter(node), rows.dated())}"
    raise AssertionError(node.agg)


def _portion(rows: _Rows, node: Aggregate, count: str) -> str:
    held = _filtered(rows.filter(node, node.that or ALWAYS))
    if node.agg == "any":
        return f"count(*){held} > 0"
    if node.agg == "all":
        return f"CASE WHEN {count} > 0 THEN count(*){held} = {count} END"
    if node.value is None:
        return f"CAST(count(*){held} AS DOUBLE) / nullif({count}, 0)"
    part, whole = f"{_sum(rows, node)}{held}", f"{_sum(rows, node)}{_filtered(rows.filter(node))}"
    return f"coalesce(CAST({part} AS DOUBLE), 0) / nullif(CAST({whole} AS DOUBLE), 0)"


def _sum(rows: _Rows, node: Aggregate) -> str:
    value, type = rows.value(node), rows.value_type(node)
    if type is FieldType.number:
        return f"sum({rows.named(f'TRY_CAST({rows_sql(rows, value)} AS {_EXACT})')})"
    return f"sum(CAST({value} AS BIGINT))" if type is FieldType.boolean else f"sum({value})"


def rows_sql(rows: _Rows, name: str) -> str:
    """Return the SQL behind a short name."""
    return next(sql for sql, named in rows.names.items() if named == name)


# ---------------------------------------------------------------- two levels

_Levels = tuple[_Aggregated, str]  # what is computed, over which rows


def _where(*conditions: str) -> str:
    return " AND ".join(c for c in conditions if c)


def _distinct(rows: _Rows, nodes: Sequence[Aggregate], filter_: str, value: str) -> _Levels:
    inner = f"SELECT DISTINCT {rows.keys}, {value} FROM ({rows.sql()}) WHERE {_where(filter_, f'{value} IS NOT NULL')}"
    return [(node, "count(*)") for node in nodes], inner


def _tops(rows: _Rows, nodes: Sequence[Aggregate], filter_: str, value: str) -> _Levels:
    where = _where(filter_, f"{value} IS NOT NULL")
    inner = f"SELECT {rows.keys}, {value}, count(*) AS n FROM ({rows.sql()}) WHERE {where} GROUP BY ALL"
    top = {"top": f"arg_min({value}, row(-n, {value}))", "top_share": "CAST(max(n) AS DOUBLE) / sum(n)"}
    return [(node, top[node.agg]) for node in nodes], inner


def _intervals(rows: _Rows, nodes: Sequence[Aggregate], filter_: str, value: str) -> _Levels:
    # A list per subject, sorted and unnested: a window over all rows sorts them all at once and takes 18 times as long.
    day = f"date_diff('day', DATE '1970-01-01', {value})"
    source = f"FROM ({rows.sql()}) WHERE {_where(filter_, f'{value} IS NOT NULL')} GROUP BY {rows.keys}"
    days = f"SELECT {rows.keys}, list_sort(list({day})) AS days {source}"
    inner = f"SELECT {rows.keys}, CAST(unnest(days[2:]) - unnest(days[:len(days) - 1]) AS DOUBLE) AS gap FROM ({days})"
    quantiles = [0.5 if node.agg == "interval_median" else node.quantile for node in nodes]
    return [(node, f"quantile_cont(gap, {literal(q)})") for node, q in zip(nodes, quantiles, strict=True)], inner


_TWO_LEVELS: Mapping[str, Callable[[_Rows, Sequence[Aggregate], str, str], _Levels]] = {
    "distinct": _distinct, "top": _tops, "top_share": _tops,
    "interval_median": _intervals, "interval_quantile": _intervals,
}  # fmt: skip
