"""A small CRM that is real: it keeps its records, tags and notes in a SQLite file.

People work in it through `set_field`, `add_tag` and so on, crmrules through the connector's calls.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from crmrules.contracts.connector import (
    Capabilities,
    Connector,
    NativeObject,
    NativeReceipt,
    NativeWrite,
    Page,
    ReadRequest,
)
from crmrules.language.mapping import FieldMap, Mapping_, ObjectMap
from crmrules.model.changes import AUTHOR, Result, tag_text, tag_value
from crmrules.model.objects import OBJECTS, Field, FieldType

_TABLES = """
CREATE TABLE IF NOT EXISTS record (object, id, field, value, PRIMARY KEY (object, id, field));
CREATE TABLE IF NOT EXISTS tag (object, id, name, PRIMARY KEY (object, id, name));
CREATE TABLE IF NOT EXISTS note (object, id, title, body, author, PRIMARY KEY (object, id, title, author));
CREATE TABLE IF NOT EXISTS traffic (number INTEGER PRIMARY KEY, object, id, kind, name, value);
"""


class Crm(Connector):
    """The connector, and the doors through which people come."""

    def __init__(self, path: Path | str = ":memory:", batch: int = 3, cut: int | None = None) -> None:
        self.capabilities = Capabilities(batch=batch)
        self.cut = cut  # the CRM keeps only so many characters of a field
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(_TABLES)

    # ---- people

    def add_record(self, object: str, id: str, **fields: str | None) -> None:
        self._db.execute("INSERT INTO record VALUES (?,?,'',NULL)", (object, id))
        for name, value in fields.items():
            self.set_field(object, id, name, value)

    def set_field(self, object: str, id: str, name: str, value: str | None) -> None:
        self._db.execute("INSERT OR REPLACE INTO record VALUES (?,?,?,?)", (object, id, name, value))

    def add_tag(self, object: str, id: str, name: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO tag VALUES (?,?,?)", (object, id, name))

    def remove_tag(self, object: str, id: str, name: str) -> None:
        self._db.execute("DELETE FROM tag WHERE object = ? AND id = ? AND name = ?", (object, id, name))

    def set_note(self, object: str, id: str, title: str, body: str | None, author: str = AUTHOR) -> None:
        where = (object, id, title, author)
        self._db.execute("DELETE FROM note WHERE object = ? AND id = ? AND title = ? AND author = ?", where)
        if body is not None:
            self._db.execute("INSERT INTO note VALUES (?,?,?,?,?)", (object, id, title, body, author))

    # ---- looking in

    def records(self, object: str) -> dict[str, dict[str, str | None]]:
        found: dict[str, dict[str, str | None]] = {}
        for id, field, value in self._db.execute("SELECT id, field, value FROM record WHERE object = ?", (object,)):
            found.setdefault(id, {})[field] = value
        return found

    def tags(self, object: str, id: str) -> set[str]:
        return {n for (n,) in self._db.execute("SELECT name FROM tag WHERE object = ? AND id = ?", (object, id))}

    def all_tags(self) -> list[tuple[str, str, str]]:
        return self._db.execute("SELECT object, id, name FROM tag ORDER BY 1, 2, 3").fetchall()

    def all_notes(self) -> list[tuple[str, str, str, str, str]]:
        return self._db.execute("SELECT object, id, title, body, author FROM note ORDER BY 1, 2, 3, 5").fetchall()

    def traffic(self) -> int:
        """How many single writes ever came through the connector and changed something."""
        return int(self._db.execute("SELECT count(*) FROM traffic").fetchone()[0])

    def contents(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that stands in the CRM (empty fields are no content)."""
        fields = self._db.execute("SELECT * FROM record WHERE value IS NOT NULL ORDER BY 1, 2, 3").fetchall()
        return {"fields": fields, "tags": self.all_tags(), "notes": self.all_notes()}

    # ---- the connector

    def describe(self) -> Sequence[NativeObject]:
        return ()

    def read(self, request: ReadRequest) -> Iterator[Page]:
        raise NotImplementedError  # the tests take their snapshot straight from the file

    def ids(self, object: str, key: tuple[str, ...]) -> Iterator[Any]:
        raise NotImplementedError

    def current(self, wanted: Sequence[NativeWrite]) -> Sequence[str | None]:
        return [self._current(w) for w in wanted]

    def write(self, writes: Sequence[NativeWrite]) -> Sequence[NativeReceipt]:
        assert len(writes) <= self.capabilities.batch
        return [self._write(w) for w in writes]

    def close(self) -> None:
        self._db.close()

    def _current(self, w: NativeWrite) -> str | None:
        id = "|".join(w.record_id.values())
        if w.kind == "tag":
            return tag_value(w.name, self.tags(w.object, id))
        if w.kind == "field":
            return self.records(w.object).get(id, {}).get(w.name)
        found = self._db.execute(
            "SELECT body FROM note WHERE object = ? AND id = ? AND title = ? ORDER BY author <> ?, author",
            (w.object, id, w.name, AUTHOR),
        ).fetchone()
        return found[0] if found else None

    def _write(self, w: NativeWrite) -> NativeReceipt:
        id = "|".join(w.record_id.values())
        if id not in self.records(w.object):
            return NativeReceipt(result=Result.refused, message="no such record")
        standing = self._current(w)
        if standing != w.expected:
            return NativeReceipt(result=Result.stale, echo=standing, message="changed meanwhile")
        value = w.value[: self.cut] if w.value is not None and w.kind == "field" else w.value
        with self._db:
            self._db.execute("BEGIN")
            if w.kind == "field":
                self.set_field(w.object, id, w.name, value)
            elif w.kind == "note":
                self.set_note(w.object, id, w.name, value)
            else:
                if w.expected is not None:
                    self.remove_tag(w.object, id, tag_text(w.name, w.expected))
                if w.value is not None:
                    self.add_tag(w.object, id, tag_text(w.name, w.value))
            self._db.execute(
                "INSERT INTO traffic (object, id, kind, name, value) VALUES (?,?,?,?,?)",
                (w.object, id, w.kind, w.name, w.value),
            )
        return NativeReceipt(result=Result.written, echo=value)


def mapping() -> Mapping_:
    """Chinese names and values in the CRM, so that forgotten translation shows."""

    def object(name: str, native: str, *fields: FieldMap) -> ObjectMap:
        keys = [FieldMap(field=Field(name=k), native=f"K_{k}") for k in OBJECTS[name].key]
        return ObjectMap(object=name, native=native, fields=(*keys, *fields))

    def lock(name: str, native: str) -> FieldMap:
        return FieldMap(field=Field(name=name, type=FieldType.boolean), native=native)

    tier = FieldMap(
        field=Field(name="tier"), native="客户等级", values={"高": "high", "中": "medium", "低": "low", "高级": "high"}
    )
    spend = FieldMap(field=Field(name="spend", type=FieldType.money), native="消费")
    role = FieldMap(field=Field(name="role"), native="角色", values={"决策者": "decision_maker", "使用者": "user"})
    return Mapping_(
        sources=(
            object("account", "客户", tier, spend),
            object("contact", "联系人", lock("role_locked", "角色锁定")),
            object("deal_contact", "商机联系人", role, lock("locked", "锁定")),
        )
    )
