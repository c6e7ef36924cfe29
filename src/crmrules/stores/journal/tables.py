"""The journal's tables, for SQLite and PostgreSQL."""

from __future__ import annotations

from functools import cache

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.schema import CreateIndex, CreateTable

_ESCAPE = "\x1a"


class _PostgresText(TypeDecorator[str]):
    """Text of which every character counts, NUL too, which PostgreSQL can't keep and a CRM may say."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (_ESCAPE not in value and "\0" not in value):
            return value
        return value.replace(_ESCAPE, _ESCAPE + "e").replace("\0", _ESCAPE + "0")

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or _ESCAPE not in value:
            return value
        return value.replace(_ESCAPE + "0", "\0").replace(_ESCAPE + "e", _ESCAPE)


# Compared and ordered by code point in both.
_TEXT = Text().with_variant(_PostgresText(collation="C"), "postgresql")
_ID = BigInteger().with_variant(Integer(), "sqlite")

META = MetaData()


def _said(name: str) -> Column[str]:
    return Column(name, _TEXT, nullable=False)


def _perhaps(name: str) -> Column[str]:
    return Column(name, _TEXT)


def _run_id(name: str = "run", *, nullable: bool = False) -> Column[int]:
    return Column(name, _ID, ForeignKey("run.id"), nullable=nullable)


RUN = Table(
    "run",
    META,
    Column("id", _ID, primary_key=True),
    *map(_said, ("kind", "profile", "plan", "ruleset", "ruleset_digest", "as_of", "snapshot")),
    _run_id("undoes", nullable=True),
    _said("started"),
    _perhaps("ended"),
    *map(_said, ("status", "counts")),
    CheckConstraint("kind IN ('pull', 'decide', 'apply', 'undo', 'sync')"),
    CheckConstraint("status IN ('running', 'done', 'partial', 'stopped', 'interrupted')"),
    sqlite_autoincrement=True,
)
INTENT = Table(
    "intent",
    META,
    Column("id", _ID, primary_key=True),
    _run_id(),
    Column("change", Integer, nullable=False),
    *map(_said, ("object", "record_id", "kind", "name", "account_id")),
    *map(_perhaps, ("old", "new")),
    *map(_said, ("rule", "reason_zh", "reason_en", "cause")),
    _perhaps("before"),
    *map(_said, ("after", "created")),
    Index("intent_of_run", "run"),
    sqlite_autoincrement=True,
)
RECEIPT = Table(
    "receipt",
    META,
    Column("intent", _ID, ForeignKey("intent.id"), primary_key=True, autoincrement=False),
    _said("result"),
    _perhaps("echo"),
    *map(_said, ("message", "at")),
)
_PLACE = ("profile", "object", "record_id", "kind", "name")  # `profile` is '' in a file, which has one owner
WRITTEN = Table(
    "written",
    META,
    *(Column(name, _TEXT, primary_key=True) for name in _PLACE),
    _said("account_id"),
    *map(_perhaps, ("value", "wanted")),
    *map(_said, ("rule", "ruleset_digest", "as_of")),
    _run_id(),
    sqlite_with_rowid=False,
)
LABEL = Table(
    "label",
    META,
    Column("id", _ID, primary_key=True),
    *map(_said, (*_PLACE, "account_id")),
    *map(_perhaps, ("human", "ours")),
    _said("rule"),
    _run_id(),
    *map(_said, ("seen", "digest")),  # digest: of place, human and ours, which may be too long for an index
    UniqueConstraint("profile", "digest"),
    sqlite_autoincrement=True,
)


@cache
def statements(dialect: Dialect) -> tuple[str, ...]:
    """Return the SQL that makes all tables in the words of *dialect*."""
    made = []
    for table in META.sorted_tables:
        made.append(str(CreateTable(table).compile(dialect=dialect)))
        made += [str(CreateIndex(index).compile(dialect=dialect)) for index in sorted(table.indexes, key=str)]
    return tuple(made)
