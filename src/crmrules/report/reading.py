"""Reading the rows that conditions and reason texts speak of, out of a decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any

import duckdb

from crmrules.contracts.renderer import Template, Vocabulary
from crmrules.evaluation.evaluator import Evaluator
from crmrules.evaluation.sql import quote
from crmrules.language.conditions import Condition, fields_of
from crmrules.language.frames import resolve
from crmrules.language.ruleset import Ruleset
from crmrules.model.objects import FieldType
from crmrules.model.text import Text
from crmrules.playbook.render import compile_template
from crmrules.report.show import Labels

Record = dict[str, Any]


class Reader:
    """Rows of frames by key, and reason texts filled from them, in one language."""

    def __init__(self, con: duckdb.DuckDBPyConnection, ruleset: Ruleset, as_of: date, language: str) -> None:
        self.con, self.ruleset, self.as_of, self.language = con, ruleset, as_of, language
        self.labels = Labels(ruleset)
        self._evaluator = Evaluator(con, ruleset, as_of)
        self._templates: dict[str, Template | None] = {}

    @cached_property
    def tables(self) -> frozenset[str]:
        """Names of the decision's own tables."""
        return frozenset(name for (name,) in self.con.execute("SELECT table_name FROM duckdb_tables() "
            "WHERE database_name = current_database() AND schema_name = current_schema()").fetchall())  # fmt: skip

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
        if not keys or frame not in self.labels.frames:
            return {}
        key = self.labels.frames[frame].key
        columns = tuple(dict.fromkeys((*key, *paths)))
        wanted = ", ".join(f"({', '.join('?' for _ in key)})" for _ in keys)
        mine = ", ".join(quote(column) for column in key)
        relation = self._evaluator.relation(frame, columns)
        sql = f"SELECT {', '.join(map(quote, columns))} FROM ({relation}) AS r WHERE ({mine}) IN (VALUES {wanted})"
        records = self.select(sql, [value for one in keys for value in one])
        return {tuple(str(record[column]) for column in key): record for record in records}

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
        ruleset, language = self.ruleset, self.language
        labels = {name: _said(dimension.values, language) for name, dimension in ruleset.classes.items()}
        if ruleset.roles is not None:
            labels["role"] = labels["roles"] = _said(ruleset.roles.roles, language)
            labels["stance"] = _said(ruleset.roles.stance.labels, language)
        return Vocabulary(language=language, labels=labels)

    @cached_property
    def _parameters(self) -> Mapping[str, object]:
        return {f"parameters.{name}": parameter.value for name, parameter in self.ruleset.parameters.items()}


def _said(values: Mapping[str, Text], language: str) -> dict[str, str]:
    return {value: label.of(language) for value, label in values.items()}
