"""A CRM, a state folder and a decision, with the steps that a user makes: plan, apply, undo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
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
from crmrules.pipeline.undo import undo_run
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
        con = duckdb.connect()
        con.execute("ATTACH ':memory:' AS snapshot")
        for name, type in OBJECTS.items():
            custom = {"account": ", tier VARCHAR, spend DECIMAL(18,4)"}.get(name, "")
            columns = ", ".join(f'"{f.name}" {f.type.sql}' for f in type.fields) + custom
            con.execute(f'CREATE TABLE snapshot."{name}" ({columns})')
        self._fill(con)
        con.execute(create("desired"))
        rows = [
            (t.object, t.record_id, f"A:{t.record_id}", t.kind, t.name, value, f"rule.{t.name}", "原因", "reason")
            for t, value in wanted.items()
        ]
        if rows:
            columns = {name: [row[i] for row in rows] for i, name in enumerate(TABLES["desired"])}
            _insert(con, "desired", columns)
        return con

    def _fill(self, con: duckdb.DuckDBPyConnection) -> None:
        for object in ("account", "contact", "deal_contact"):
            for id, fields in self.crm.records(NATIVE[object]).items():
                keys = dict(zip(OBJECTS[object].key, id.split("|"), strict=True))
                there = mapping().objects[object]
                values = {
                    f.field.name: self.translation.value(
                        Target(object=object, record_id=id, kind="field", name=f.field.name), fields.get(f.native)
                    )
                    for f in there.fields
                    if f.field.name not in keys
                }
                _insert(con, f"snapshot.{object}", {n: [v] for n, v in {**keys, **values}.items()})
        ours = {native: name for name, native in NATIVE.items()}
        for object, id, name in self.crm.all_tags():
            _insert(con, "snapshot.tag", {"object": [ours[object]], "record_id": [id], "name": [name]})
        for number, (object, id, title, body, author) in enumerate(self.crm.all_notes()):
            row = {"id": str(number), "object": ours[object], "record_id": id, "title": title, "body": body}
            _insert(con, "snapshot.note", {n: [v] for n, v in {**row, "author": author}.items()})

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
        with open_journal(self.journal_path, read_only=True) as journal, self.database(wanted) as con:
            return make_plan(con, journal, **said)

    def apply(self, plan: Plan, **options: Any) -> Report:
        with self.around() as around:
            return apply_plan(plan, around, profile="p", **{"brakes": OPEN, **options})

    def sync(self, wanted: Mapping[Target, str | None], **meta: str) -> Report:
        return self.apply(self.plan(wanted, **meta))

    def sync_with(self, wanted: Mapping[Target, str | None], **options: Any) -> Report:
        return self.apply(self.plan(wanted), **options)

    def undo(self, run: int) -> Report:
        with self.around() as around:
            return undo_run(run, around, profile="p")

    def resume(self) -> Mapping[str, int]:
        with self.around() as around:
            return resume(around)


def short(change: Change) -> tuple[str, str, str | None, str | None]:
    """A change in a test's words: record, place, old, new."""
    return (change.target.record_id, change.target.name, change.old, change.new)


def _insert(con: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, list[str | None]]) -> None:
    rows = pa.table({n: pa.array(v, pa.string()) for n, v in columns.items()})
    con.register("rows", rows)
    names = ", ".join(f'"{n}"' for n in columns)
    con.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM rows")
    con.unregister("rows")
