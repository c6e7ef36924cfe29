"""Patterns of conditions, tried once per distinct text instead of once per row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from crmrules.evaluation.relations import Relations
from crmrules.evaluation.rewriting import rewrite
from crmrules.evaluation.sql import literal, quote
from crmrules.language.conditions import Compare, Condition, Leaf, Matches, Op, leaves

# A text with fewer patterns, or whose values hardly repeat, is matched where it stands.
_SEVERAL = 2
_REPEATED = 2.0  # rows per distinct text


@dataclass
class Patterns:
    """Columns ``<path>~<n>``: whether the n-th pattern is found in the text at *path*."""

    relations: Relations
    columns: dict[tuple[str, str], str] = field(default_factory=dict)  # (path, pattern) -> column
    tables: dict[str, str] = field(default_factory=dict)  # path -> table of its distinct texts

    def prepare(self, frame: str, paths: Iterable[str], conditions: Sequence[Condition]) -> None:
        """Match the patterns of *conditions* on those *paths* of *frame* where it pays."""
        wanted: dict[str, dict[str, None]] = {}
        for condition in conditions:
            for leaf in leaves(condition):
                if isinstance(leaf, Matches):
                    wanted.setdefault(leaf.field, {})[leaf.pattern] = None
        for path in sorted(set(paths).intersection(wanted)):
            if len(wanted[path]) >= _SEVERAL and self._repeats(frame, path):
                self._match(frame, path, list(wanted[path]))

    def rewritten(self, condition: Condition) -> Condition:
        """Return *condition* reading the prepared columns."""

        def leaf(found: Leaf) -> Condition:
            if isinstance(found, Matches) and (found.field, found.pattern) in self.columns:
                return Compare(self.columns[found.field, found.pattern], Op.eq, True)
            return found

        return rewrite(condition, leaf) if self.columns else condition

    def joined(self, relation: str) -> str:
        """Return *relation* with the prepared columns beside its own."""
        joins = "".join(
            f" LEFT JOIN {quote(table)} AS p{i} ON t.{quote(path)} = p{i}.text"
            for i, (path, table) in enumerate(self.tables.items())
        )
        added = "".join(f", p{i}.* EXCLUDE (text)" for i in range(len(self.tables)))
        return f"SELECT t.*{added} FROM ({relation}) AS t{joins}" if joins else relation

    def drop(self) -> None:
        for table in self.tables.values():
            self.relations.con.execute(f"DROP TABLE {quote(table)}")

    def _repeats(self, frame: str, path: str) -> bool:
        column = quote(path)
        relation = self.relations.relation(frame, [path])
        row = self.relations.con.execute(
            f"SELECT count({column}), approx_count_distinct({column}) FROM ({relation})"
        ).fetchone()
        assert row is not None
        return bool(row[0] >= _REPEATED * row[1])

    def _match(self, frame: str, path: str, patterns: Sequence[str]) -> None:
        names = {pattern: f"{path}~{i}" for i, pattern in enumerate(patterns)}
        matched = ", ".join(f"regexp_matches(text, {literal(p)}) AS {quote(name)}" for p, name in names.items())
        texts = f"SELECT DISTINCT {quote(path)} AS text FROM ({self.relations.relation(frame, [path])})"
        table = self.relations.stages.name("texts")
        self.relations.con.execute(
            f"CREATE TABLE {quote(table)} AS SELECT text, {matched} FROM ({texts}) WHERE text IS NOT NULL"
        )
        self.tables[path] = table
        self.columns |= {(path, pattern): name for pattern, name in names.items()}
