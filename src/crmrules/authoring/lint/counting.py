"""How many real records a finding concerns: all questions about a frame in one scan of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any

from crmrules.authoring.lint.columns import Known
from crmrules.authoring.lint.findings import Finding, Hits, Question, finding
from crmrules.authoring.lint.rules import in_order, switched_off
from crmrules.errors import Location, RulesetError
from crmrules.evaluation.classes import outputs
from crmrules.evaluation.dependencies import own_record
from crmrules.evaluation.rewriting import renamed
from crmrules.evaluation.sql import condition_sql, quote
from crmrules.language.conditions import Condition, fields_of
from crmrules.language.ruleset import Dimension, Rule

if TYPE_CHECKING:
    import duckdb

Relation = Callable[[str, Sequence[str]], str]


def can_shadow(dimension: Dimension) -> bool:
    """Whether an earlier rule of *dimension* can take a record from a later one."""
    return dimension.hit in ("first", "highest") and len(dimension.rules) > 1


def question_paths(known: Known, question: Question) -> set[str]:
    """Return the paths that *question* reads, seen from a row of its frame."""
    names = _names(known, question.inside)
    conditions = [_named(known, c, question.inside) for c in (*question.true, *question.untrue)]
    found = {path for condition in conditions for path in fields_of(condition)}
    return found | {names.get(path, path) for path in question.present}


def _names(known: Known, inside: str) -> dict[str, str]:
    return dict(own_record(known.frames, known.ruleset.classes[inside])) if inside else {}


def _named(known: Known, condition: Condition, inside: str) -> Condition:
    return renamed(condition, _names(known, inside))


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
        """Yield rules that hold for real records and never win one; each frame is scanned once for who wins, and once
        more for the rules that never do."""
        asked = [dimension for dimension in dimensions if can_shadow(dimension)]
        for frame, group in groupby(
            sorted(asked, key=lambda dimension: dimension.of), key=lambda dimension: dimension.of
        ):
            losing = [
                (rule, Question(frame=frame, true=(rule.when,), inside=dimension.name))
                for dimension, rule in self._losing(frame, list(group))
                if rule.at not in unreachable and not switched_off(rule.when)
            ]
            for number, hits in self._ask(frame, list(enumerate(question for _, question in losing))):
                if hits.matched:
                    rule = losing[number][0]
                    yield finding(
                        "shadowed-rule",
                        f"rule '{rule.id}' holds for {hits.matched} records and wins none: earlier rules take them",
                        rule.at, hint="move it up, or narrow the earlier ones", hits=hits,
                    )  # fmt: skip

    def _losing(self, frame: str, dimensions: Sequence[Dimension]) -> Iterator[tuple[Dimension, Rule]]:
        """Yield the rules of these classes of *frame* that win no record; none of a class that is not computed."""
        computed = [d for d in dimensions if self._source(frame, [outputs(d)[1]]) is not None]
        source = self._source(frame, [outputs(d)[1] for d in computed]) if computed else None
        if source is None:
            return
        won = self._row(
            f"SELECT {', '.join(f'list(DISTINCT {quote(outputs(d)[1])})' for d in computed)} FROM ({source})"
        )
        for dimension, winners in zip(computed, won, strict=True):
            yield from ((dimension, rule) for rule in in_order(dimension) if rule.id not in (winners or ()))

    def _ask(self, frame: str, asked: Sequence[tuple[int, Question]]) -> Iterator[tuple[int, Hits]]:
        """Yield the answers of the questions about *frame* that the records can answer."""
        able = [(n, q) for n, q in asked if self._source(frame, self._paths(q)) is not None]
        source = self._source(frame, sorted({path for _, q in able for path in self._paths(q)})) if able else None
        if source is None:
            return
        tests = [self._sql(q) for _, q in able]
        total, *counts = self._row(
            f"SELECT count(*), {', '.join(f'count(*) FILTER ({t})' for t in tests)} FROM ({source})"
        )
        first = [f"min({self._key(frame)}) FILTER ({t})" for t, count in zip(tests, counts, strict=True) if count]
        records = iter(self._row(f"SELECT {', '.join(first)} FROM ({source})") if first else ())
        for (number, _), count in zip(able, counts, strict=True):
            record = str(next(records)) if count else ""
            yield number, Hits(matched=int(count), total=int(total), object=frame, record=record)

    def _sql(self, question: Question) -> str:
        true = [condition_sql(_named(self.known, c, question.inside), self.as_of) for c in question.true]
        untrue = [
            f"NOT coalesce({condition_sql(_named(self.known, c, question.inside), self.as_of)}, FALSE)"
            for c in question.untrue
        ]
        names = _names(self.known, question.inside)
        present = [f"{quote(names.get(path, path))} IS NOT NULL" for path in question.present]
        return " AND ".join((*true, *untrue, *present)) or "TRUE"

    def _paths(self, question: Question) -> list[str]:
        return sorted({*question_paths(self.known, question), *self._keys(question.frame)})

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
