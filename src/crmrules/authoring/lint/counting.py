"""How many real records a finding concerns: all questions about a frame in one scan of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from crmrules.authoring.lint.columns import Known
from crmrules.authoring.lint.findings import Finding, Hits, Question, finding
from crmrules.authoring.lint.rules import in_order, switched_off
from crmrules.errors import Location, RulesetError
from crmrules.evaluation.dependencies import own_record
from crmrules.evaluation.rewriting import renamed
from crmrules.evaluation.sql import condition_sql, quote
from crmrules.language.conditions import Condition, fields_of
from crmrules.language.ruleset import Dimension, Rule

if TYPE_CHECKING:
    import duckdb

Relation = Callable[[str, Sequence[str]], str]


@dataclass(frozen=True)
class Counter:
    """Counts over the rows of frames; *relation* is an evaluator's."""

    con: duckdb.DuckDBPyConnection
    known: Known
    relation: Relation
    as_of: date

    def counted(self, findings: Sequence[Finding]) -> list[Finding]:
        """Return *findings* with how many records each concerns, where that can be told."""
        by_frame: dict[str, list[tuple[int, Question]]] = defaultdict(list)
        for number, one in enumerate(findings):
            if one.question is not None:
                by_frame[one.question.frame].append((number, one.question))
        hits = {number: hit for frame, asked in by_frame.items() for number, hit in self._ask(frame, asked)}
        return [replace(one, hits=hits[number]) if number in hits else one for number, one in enumerate(findings)]

    def shadowed(self, dimensions: Sequence[Dimension], unreachable: Container[Location]) -> Iterator[Finding]:
        """Yield rules that hold for real records and never win one."""
        for dimension in dimensions:
            if dimension.hit not in ("first", "highest"):
                continue
            rules = in_order(dimension)
            if len(rules) < 2:
                continue
            for number, (matched, won, record, total) in enumerate(self._fate(dimension, rules)):
                told = rules[number].at in unreachable or switched_off(rules[number].when)
                if matched and not won and not told:
                    hits = Hits(matched=matched, total=total, object=dimension.of, record=record)
                    yield finding(
                        "shadowed-rule", f"rule '{rules[number].id}' holds for {matched} records and wins none: earlier rules take them",
                        rules[number].at, hint="move it up, or narrow the earlier ones", hits=hits,
                    )  # fmt: skip

    def _ask(self, frame: str, asked: Sequence[tuple[int, Question]]) -> Iterator[tuple[int, Hits]]:
        """Yield the answers of the questions about *frame* that the records can answer."""
        able = [(n, q) for n, q in asked if self._source(frame, self._paths(q)) is not None]
        source = self._source(frame, sorted({path for _, q in able for path in self._paths(q)})) if able else None
        if source is None:
            return
        tests = [self._sql(q) for _, q in able]
        columns = ", ".join(f"count(*) FILTER ({t}), min({self._key(frame)}) FILTER ({t})" for t in tests)
        total, *found = self._row(f"SELECT count(*), {columns} FROM ({source})")
        for place, (number, _) in enumerate(able):
            matched, record = found[2 * place : 2 * place + 2]
            yield number, Hits(matched=int(matched), total=int(total), object=frame, record=str(record or ""))

    def _fate(self, dimension: Dimension, rules: Sequence[Rule]) -> Iterator[tuple[int, int, str, int]]:
        """Yield for each rule: records where it holds, records that it wins, one of the former, all records."""
        conditions = [self._named(rule.when, dimension.name) for rule in rules]
        paths = sorted({path for condition in conditions for path in fields_of(condition)})
        source = self._source(dimension.of, [*paths, *self._keys(dimension.of)])
        if source is None:
            return
        tests = [condition_sql(condition, self.as_of) for condition in conditions]
        first = " ".join(f"WHEN {test} THEN {i}" for i, test in enumerate(tests))
        key = self._key(dimension.of)
        columns = ", ".join(
            f"count(*) FILTER ({test}), count(*) FILTER (winner = {i}), min({key}) FILTER ({test})"
            for i, test in enumerate(tests)
        )
        total, *found = self._row(
            f"SELECT count(*), {columns} FROM (SELECT *, CASE {first} END AS winner FROM ({source}))"
        )
        for i in range(len(rules)):
            matched, won, record = found[3 * i : 3 * i + 3]
            yield int(matched), int(won), str(record or ""), int(total)

    def _sql(self, question: Question) -> str:
        true = [condition_sql(self._named(c, question.inside), self.as_of) for c in question.true]
        untrue = [
            f"NOT coalesce({condition_sql(self._named(c, question.inside), self.as_of)}, FALSE)"
            for c in question.untrue
        ]
        names = self._names(question.inside)
        present = [f"{quote(names.get(path, path))} IS NOT NULL" for path in question.present]
        return " AND ".join((*true, *untrue, *present)) or "TRUE"

    def _paths(self, question: Question) -> list[str]:
        conditions = [self._named(c, question.inside) for c in (*question.true, *question.untrue)]
        names = self._names(question.inside)
        found = {path for condition in conditions for path in fields_of(condition)}
        return sorted(found | {names.get(path, path) for path in question.present} | set(self._keys(question.frame)))

    def _names(self, inside: str) -> dict[str, str]:
        return dict(own_record(self.known.frames, self.known.ruleset.classes[inside])) if inside else {}

    def _named(self, condition: Condition, inside: str) -> Condition:
        return renamed(condition, self._names(inside))

    def _keys(self, frame: str) -> tuple[str, ...]:
        return self.known.frames[frame].key

    def _key(self, frame: str) -> str:
        return f"concat_ws('|', {', '.join(map(quote, self._keys(frame)))})"

    def _source(self, frame: str, paths: Sequence[str]) -> str | None:
        """Return the rows of *frame* with *paths*, None where not all of them are there yet."""
        import duckdb

        try:
            sql = self.relation(frame, paths)
            self.con.execute(f"DESCRIBE {sql}").fetchall()
        except (RulesetError, duckdb.Error):
            return None
        return sql

    def _row(self, sql: str) -> tuple[Any, ...]:
        rows: list[tuple[Any, ...]] = self.con.execute(sql).fetchall()
        return rows[0]
