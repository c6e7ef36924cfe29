"""Reading the rows that conditions and reason texts speak of, out of a decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any

import duckdb

from crmrules.contracts.renderer import Template, Vocabulary
from crmrules.errors import DataError, Problem
from crmrules.evaluation.relations import Relations
from crmrules.evaluation.sql import quote
from crmrules.evaluation.stages import SUBJECT_KEYS, Stage, Stages
from crmrules.explain.show import Labels
from crmrules.language.conditions import Condition, fields_of
from crmrules.language.frames import resolve
from crmrules.language.ruleset import Ruleset
from crmrules.language.vocabulary import parameter_values, value_labels
from crmrules.model.objects import FieldType
from crmrules.model.text import Text
from crmrules.playbook.render import compile_template

Record = dict[str, Any]


def decision_meta(con: duckdb.DuckDBPyConnection, ruleset: Ruleset) -> Record:
    """Return as_of, ruleset, engine and snapshot of the decision.

    Raises DataError where there is none, or where *ruleset* is not the one that decided: its rules
    would explain what others did.
    """
    columns = ("as_of", "ruleset", "engine", "snapshot", "ruleset_digest")
    found = con.execute(f"SELECT {', '.join(columns)} FROM meta").fetchone()
    if found is None:
        raise DataError(Problem("no-decision", "nothing was decided yet", hint="run `crmrules decide` first"))
    meta = dict(zip(columns, found, strict=True))
    if meta["ruleset_digest"] != ruleset.digest:
        raise DataError(
            Problem(
                "ruleset-changed",
                f"the ruleset {ruleset.name} has changed since the last decision ({meta['ruleset']}, {meta['as_of']})",
                hint="run `crmrules decide` again",
            )
        )
    return meta


class Reader:
    """Rows of frames by key, and reason texts filled from them, in one language."""

    def __init__(self, con: duckdb.DuckDBPyConnection, ruleset: Ruleset, as_of: date, language: str) -> None:
        self.con, self.ruleset, self.as_of, self.language = con, ruleset, as_of, language
        self.labels = Labels(ruleset)
        self._templates: dict[str, Template | None] = {}

    @cached_property
    def tables(self) -> frozenset[str]:
        """Names of the decision's own tables."""
        return frozenset(name for (name,) in self.con.execute("SELECT table_name FROM duckdb_tables() "
            "WHERE database_name = current_database() AND schema_name = current_schema()").fetchall())  # fmt: skip

    @cached_property
    def _relations(self) -> Relations:
        made = {}
        for subject, key in SUBJECT_KEYS.items():
            if (table := f"{subject}_outcome") in self.tables:
                columns = [name for name, *_ in self.con.execute(f"DESCRIBE {quote(table)}").fetchall()]
                made[subject] = [Stage(table, {c: "NULL" for c in columns if c not in key})]
        return Relations(self.con, self.ruleset, self.labels.frames, self.as_of, Stages(self.con, made))

    def type(self, frame: str, path: str) -> FieldType | None:
        """Return the type of a dotted path, None where the frame has no such column."""
        return resolve(self.labels.frames, frame, path)

    def paths(self, frame: str, conditions: Iterable[Condition], texts: Iterable[Text]) -> tuple[str, ...]:
        """Return every path that *conditions* and *texts* read on *frame* and that exists there, sorted."""
        found = {path for condition in conditions for path in fields_of(condition)}
        for text in texts:
            template = self._template(text)
            found.update(template.paths if template is not None else ())
        return tuple(sorted(path for path in found if self.type(frame, path) is not None))

    def rows(self, frame: str, paths: Sequence[str], keys: Sequence[Sequence[str]]) -> dict[tuple[str, ...], Record]:
        """Return the rows of *frame* with these *keys* (in the order of the frame's key columns), by key."""
        key = self.labels.frames[frame].key
        found = self.matching(frame, paths, key, keys)
        return {tuple(str(record[column]) for column in key): record for record in found}

    def matching(
        self, frame: str, paths: Sequence[str], columns: Sequence[str], keys: Sequence[Sequence[str]]
    ) -> list[Record]:
        """Return every row of *frame* whose *columns* (dotted paths) hold one of *keys*, in a fixed order."""
        if not keys:
            return []
        wanted = tuple(dict.fromkeys((*columns, *paths)))
        one = f"({', '.join('?' for _ in columns)})"
        shown, mine = ", ".join(map(quote, wanted)), ", ".join(map(quote, columns))
        sql = (
            f"SELECT {shown} FROM ({self._relations.relation(frame, wanted)}) AS r"
            f" WHERE ({mine}) IN (VALUES {', '.join(one for _ in keys)}) ORDER BY ALL"
        )
        return self.select(sql, [value for key in keys for value in key])

    def select(self, sql: str, values: Sequence[object] = ()) -> list[Record]:
        """Return the rows of a query as mappings of column to value."""
        cursor = self.con.execute(sql, list(values))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def fill(self, text: Text, row: Mapping[str, object]) -> str:
        """Return *text* with the fields of *row* filled in; '' where there is no text or it can't be filled."""
        template = self._template(text)
        if template is None:
            return ""
        try:
            return template({**self._parameters, **row})
        except ValueError:
            return ""

    def _template(self, text: Text) -> Template | None:
        source = text.of(self.language)
        if source not in self._templates:
            self._templates[source] = compile_template(source, self._vocabulary) if source else None
        return self._templates[source]

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(language=self.language, labels=value_labels(self.ruleset, self.language))

    @cached_property
    def _parameters(self) -> Mapping[str, object]:
        return parameter_values(self.ruleset)
