"""A CRM, a state folder and a decision, with the steps that a user makes: plan, apply, undo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from crmrules.contracts.connector import Connector
from crmrules.model.changes import Change, Plan, Target
from crmrules.model.decision import TABLES, create
from crmrules.model.objects import OBJECTS
from crmrules.pipeline.apply import apply_plan
from crmrules.pipeline.brakes import Brakes
from crmrules.pipeline.execute import Report, Surroundings
from crmrules.pipeline.plan import make_plan
from crmrules.pipeline.resume import resume
from crmrules.pipeline.translate import Translation
from crmrules.pipeline.undo import undo_ours, undo_run
from crmrules.stores.journal import open_journal

from .crm import Crm, mapping

NOW = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
OPEN = Brakes(share=1, tag_share=1, note_share=1)  # most tests are not about brakes
NATIVE = {"account": "客户", "contact": "联系人", "deal_contact": "商机联系人"}


def tag(record_id: str, name: str = "seg.value", object: str = "account") -> Target:
    return Target(object=object, record_id=record_id, kind="tag", name=name)


def tier(record_id: str) -> Target:
    return Target(object="account", record_id=record_id, kind="field", name="tier")


def note(record_id: str, object: str = "account") -> Target:
    return Target(object=object, record_id=record_id, kind="note", name="crmrules")


class World:
    def __init__(self, folder: Path, crm: Crm | None = None) -> None:
        self.crm = crm or Crm(folder / "crm.sqlite")
        self.journal_path = folder / "state" / "journal.sqlite"
        self.translation = Translation(mapping())
        self.wrap: Callable[[Crm], Connector] = lambda crm: crm

    # ---- what a decision leaves

    def database(self, wanted: Mapping[Target, str | None]) -> duckdb.DuckDBPyConnection:
        """A connection with the CRM as it is now as snapshot, and *wanted* as the decision."""
        con = empty_database()
        for object in NATIVE:
            insert(con, f"snapshot.{object}", self._records(object))
        ours = {native: name for name, native in NATIVE.items()}
        tags = [{"object": ours[o], "record_id": id, "name": name} for o, id, name in self.crm.all_tags()]
        insert(con, "snapshot.tag", tags)
        notes = [
            {"id": str(n), "object": ours[o], "record_id": id, "title": title, "body": body, "author": author}
            for n, (o, id, title, body, author) in enumerate(self.crm.all_notes())
        ]
        insert(con, "snapshot.note", notes)
        rows = [
            (t.object, t.record_id, f"A:{t.record_id}", t.kind, t.name, value, f"rule.{t.name}", "原因", "reason")
            for t, value in wanted.items()
        ]
        insert(con, "desired", [dict(zip(TABLES["desired"], row, strict=True)) for row in rows])
        return con

    def _records(self, object: str) -> list[dict[str, str | None]]:
        key = OBJECTS[object].key
        fields = [f for f in mapping().objects[object][0].fields if f.field.name not in key]
        rows = []
        for id, values in self.crm.records(NATIVE[object]).items():
            row: dict[str, str | None] = dict(zip(key, id.split("|"), strict=True))
            for f in fields:
                target = Target(object=object, record_id=id, kind="field", name=f.field.name)
                row[f.field.name] = self.translation.value(target, values.get(f.native))
            rows.append(row)
        return rows

    # ---- what a user does

    @contextmanager
    def around(self) -> Iterator[Surroundings]:
        with open_journal(self.journal_path) as journal:
            yield Surroundings(
                connector=self.wrap(self.crm), translation=self.translation, journal=journal, now=lambda: NOW
            )

    def plan(self, wanted: Mapping[Target, str | None], **meta: str) -> Plan:
        said = {
            "profile": "p", "ruleset": "r@1", "ruleset_digest": "d1", "engine": "python", "as_of": "2026-11-21",
            "snapshot": "s1", **meta,
        }  # fmt: skip
        with open_journal(self.journal_path, read_only=True) as journal:
            return make_plan(self.database(wanted), journal, **said)

    def apply(self, plan: Plan, **options: Any) -> Report:
        with self.around() as around:
            return apply_plan(plan, around, profile="p", **{"brakes": OPEN, **options})

    def sync(self, wanted: Mapping[Target, str | None], **meta: str) -> Report:
        return self.apply(self.plan(wanted, **meta))

    def sync_with(self, wanted: Mapping[Target, str | None], **options: Any) -> Report:
        return self.apply(self.plan(wanted), **options)

    def undo(self, run: int, **options: Any) -> Report:
        with self.around() as around:
            return undo_run(run, around, profile="p", **options)

    def undo_ours(self, **options: Any) -> Report:
        with self.around() as around:
            return undo_ours(around, profile="p", **options)

    def resume(self) -> Mapping[str, int]:
        with self.around() as around:
            return resume(around)


def short(change: Change) -> tuple[str, str, str | None, str | None]:
    """A change in a test's words: record, place, old, new."""
    return (change.target.record_id, change.target.name, change.old, change.new)


@cache
def _database() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("ATTACH ':memory:' AS snapshot")
    for name, type in OBJECTS.items():
        custom = {"account": ", tier VARCHAR, spend DECIMAL(18,4)"}.get(name, "")
        columns = ", ".join(f'"{f.name}" {f.type.sql}' for f in type.fields) + custom
        con.execute(f'CREATE TABLE snapshot."{name}" ({columns})')
    con.execute(create("desired"))
    return con


def close_database() -> None:
    """Close what the tests share, else DuckDB complains at exit."""
    _database().close()
    _database.cache_clear()


def empty_database() -> duckdb.DuckDBPyConnection:
    con = _database()  # one for all tests: making the tables takes longer than a test
    for table in ("desired", "snapshot.tag", "snapshot.note", *(f"snapshot.{object}" for object in NATIVE)):
        con.execute(f"DELETE FROM {table}")
    return con


def insert(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, str | None]]) -> None:
    if not rows:
        return
    names = list(rows[0])
    con.register("rows", pa.table({n: pa.array([row[n] for row in rows], pa.string()) for n in names}))
    columns = ", ".join(f'"{n}"' for n in names)
    con.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM rows")
    con.unregister("rows")
