"""Frames as SQL: a SELECT with exactly the columns asked for, each named by its dotted path.

Only the relations that a path needs are joined. What has been computed (features, classes,
lexicon outputs, roles) is a column like any other. ``<column>@record`` means the record's own
field where a class has taken its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import duckdb

from crmrules.errors import Problem, RulesetError, did_you_mean
from crmrules.evaluation.sql import expression_sql, guarded, quote
from crmrules.evaluation.stages import SUBJECT_KEYS, Stages, join_on, value_sql
from crmrules.language.expressions import names_of
from crmrules.language.frames import LEXICON_OUTPUTS, Frame
from crmrules.language.ruleset import Formula, Lexicon, Ruleset
from crmrules.model.objects import OBJECTS, FieldType

RECORD = "@record"

# Columns of the contact that the roles give it, and where they stand in `contact_role`.
ROLLUP = {"role": "role", "role_score": "score", "role_band": "band", "roles": "roles", "stance": "stance"}

# Subjects that show what was found about them, and how `flag` refers to them. An account shows its deals' and contacts'.
FLAGS = "flags"
FLAGGED = {"account": "account_id", "contact": "contact_id", "deal": "deal_id"}


def subject_of(frame: str) -> str:
    """Return the subject whose outcomes *frame* shows ('' for objects that are no subject)."""
    name = "part" if frame == "candidate" else frame
    return name if name in SUBJECT_KEYS else ""


def lexicon_of(ruleset: Ruleset, frame: str, column: str) -> Lexicon | None:
    """Return the lexicon that gives *frame* its *column*, if one does."""
    outputs = {
        f"{x.prefix}_{output}": x for x in ruleset.lexicons.values() if x.of == frame for output in LEXICON_OUTPUTS
    }
    return outputs.get(column)


def inline_formula(ruleset: Ruleset, frame: str, column: str) -> Formula | None:
    """Return the formula behind *column* of an object that is no subject: it is computed where it is read."""
    feature = ruleset.features.get(column)
    if isinstance(feature, Formula) and feature.of == frame and not subject_of(frame):
        return feature
    return None


@dataclass
class Relations:
    """Builds the SELECT of a frame."""

    con: duckdb.DuckDBPyConnection
    ruleset: Ruleset
    frames: Mapping[str, Frame]
    as_of: date
    stages: Stages
    _held: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def relation(self, frame: str, paths: Iterable[str]) -> str:
        """Return a SELECT of *paths* (sorted, each once) over the rows of *frame*.

        Raises RulesetError for a path that does not exist, or that has not been computed yet.
        """
        wanted = sorted(set(paths))
        formulas = self._formulas(frame, wanted)
        base = {n for f in formulas for n in names_of(f.expr)}.union(wanted).difference(f.name for f in formulas)
        sql = self._joined(self.frames[frame], sorted(base))
        for f in formulas:
            sql = f"SELECT *, {expression_sql(f.expr, self.as_of, f.type)} AS {quote(f.name)} FROM ({sql})"
        return f"SELECT {', '.join(map(quote, wanted)) or '1'} FROM ({sql})" if formulas else sql

    def _formulas(self, frame: str, names: Iterable[str]) -> list[Formula]:
        """Return the formulas behind *names*, each after those that it reads."""
        found: dict[str, Formula] = {}
        for name in names:
            if formula := inline_formula(self.ruleset, frame, name):
                found |= {f.name: f for f in self._formulas(frame, sorted(names_of(formula.expr)))}
                found[name] = formula
        return list(found.values())

    def _joined(self, frame: Frame, paths: Sequence[str]) -> str:
        source, own = _Source(self, frame), []
        nested: dict[str, list[str]] = {}
        for path in paths:
            step, _, rest = path.partition(".")
            if not rest or (rest == "rule" and step in self.ruleset.classes):
                own.append(path)
            else:
                nested.setdefault(step, []).append(rest)
        columns = [f"{source.column(name)} AS {quote(name)}" for name in own]
        for step, rests in nested.items():
            if step not in frame.relations:
                raise _unknown(frame, f"{step}.{rests[0]}", frame.relations)
            foreign, there = frame.relations[step]
            (key,) = self.frames[there].key
            inner = self.relation(there, [*rests, key])
            source.joins.append(
                f"LEFT JOIN ({inner}) AS {quote(step)} ON {source.column(foreign)} = {quote(step)}.{quote(key)}"
            )
            columns += [f"{quote(step)}.{quote(rest)} AS {quote(f'{step}.{rest}')}" for rest in rests]
        return f"SELECT {', '.join(columns) or '1'} FROM {source.table} AS t {' '.join(source.joins)}{source.where}"

    def held(self, table: str) -> Mapping[str, str]:
        """Return column -> DuckDB type of *table*."""
        if table not in self._held:
            described = self.con.execute(f"DESCRIBE {table}").fetchall()
            columns = {name: type for name, type, *_ in described}
            if not table.startswith("snapshot."):  # a derived table may be made anew between two stages
                return columns
            self._held[table] = columns
        return self._held[table]


@dataclass
class _Source:
    """The table of one frame, and the joins that its columns turned out to need."""

    relations: Relations
    frame: Frame
    joins: list[str] = field(default_factory=list)
    _aliases: dict[str, str] = field(default_factory=dict)

    @property
    def table(self) -> str:
        name = self.frame.name
        if name in OBJECTS:
            return f"snapshot.{quote(name)}"
        return quote({"candidate": "part"}.get(name, name.replace("fact.", "fact_")))

    @property
    def where(self) -> str:
        return " WHERE t.\"deal_id\" <> ''" if self.frame.name == "candidate" else ""

    def column(self, name: str) -> str:
        """Return the SQL that reads the frame's own column *name*."""
        ruleset, frame = self.relations.ruleset, self.frame
        if name.endswith(RECORD):
            return self._record(name.removesuffix(RECORD))
        if name not in frame.columns and not name.endswith(".rule"):
            raise _unknown(frame, name, frame.columns)
        subject = subject_of(frame.name)
        if subject and (_is_outcome(ruleset, subject, name)):
            return self._outcome(subject, name)
        if lexicon := lexicon_of(ruleset, frame.name, name):
            return self._lexicon(lexicon, name)
        if frame.name == "contact" and name in ROLLUP and ruleset.roles is not None:
            alias = self._join("contact_role", lambda a: f"LEFT JOIN contact_role AS {a} ON t.id = {a}.contact_id")
            return f"{alias}.{quote(ROLLUP[name])}"
        if name == FLAGS and subject in FLAGGED and ruleset.flags:
            return self._flags(subject)
        return self._record(name)

    def _record(self, name: str) -> str:
        held = self.relations.held(self.table)
        object_ = OBJECTS.get(self.frame.name)
        declared = object_.field(name) if object_ else None
        type = declared.type if declared else self.frame.columns.get(name, FieldType.text)
        if name not in held:  # a field that a rule may ask for and this CRM does not have
            return f"CAST(NULL AS {type.sql})"
        read = f"t.{quote(name)}"
        if held[name] != type.sql:
            read = f"TRY_CAST({read} AS {type.sql})"
        return guarded(read) if type is FieldType.number else read

    def _outcome(self, subject: str, name: str) -> str:
        stage = self.relations.stages.find(subject, name)
        if stage is None:
            raise RulesetError(
                Problem(
                    "not-yet-known",
                    f"{subject} '{name}' is read before it can be computed",
                    hint="it depends, itself or through others, on what is being computed here",
                )
            )
        key = SUBJECT_KEYS[subject]
        table = stage.table
        alias = self._join(table, lambda a: f"LEFT JOIN {quote(table)} AS {a} ON {join_on('t', a, key)}")
        return value_sql(alias, stage, name, key)

    def _lexicon(self, lexicon: Lexicon, name: str) -> str:
        table = quote(f"lexicon_{lexicon.name}")
        texts = [f for f in (lexicon.field, lexicon.fallback_field) if f]

        def join(alias: str) -> str:
            on = " AND ".join(f"t.{quote(f)} IS NOT DISTINCT FROM {alias}.{quote(f)}" for f in texts)
            return f"LEFT JOIN {table} AS {alias} ON {on}"

        return f"{self._join(table, join)}.{quote(name)}"

    def _flags(self, subject: str) -> str:
        found = f"(SELECT {FLAGGED[subject]} AS id, list(DISTINCT flag ORDER BY flag) AS flags FROM flag GROUP BY ALL)"
        alias = self._join("flags", lambda a: f"LEFT JOIN {found} AS {a} ON t.id = {a}.id")
        return f"coalesce({alias}.flags, [])"

    def _join(self, name: str, join: Callable[[str], str]) -> str:
        if name not in self._aliases:
            self._aliases[name] = f"j{len(self._aliases)}"
            self.joins.append(join(self._aliases[name]))
        return self._aliases[name]


def _is_outcome(ruleset: Ruleset, subject: str, name: str) -> bool:
    plain = name.removesuffix(".rule")
    dimension, feature = ruleset.classes.get(plain), ruleset.features.get(name)
    return (dimension is not None and dimension.of == subject) or (feature is not None and feature.of == subject)


def _unknown(frame: Frame, name: str, known: Iterable[str]) -> RulesetError:
    return RulesetError(
        Problem(
            "unknown-field", f"'{frame.name}' has no field '{name}'", hint=did_you_mean(name.partition(".")[0], known)
        )
    )
