"""The rows of one customer that a case holds: its own, and what they refer to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb

from crmrules.authoring.case.uses import Uses
from crmrules.authoring.whatif_records import BASE
from crmrules.errors import DataError, Location, Problem
from crmrules.model.objects import OBJECTS
from crmrules.stores.schema import quote
from crmrules.testing.records import Rows

MOST = 5_000  # rows that make a case; more is no test that anybody reads
_NOT_OWN = ("account", "user", "note", "tag")


def account_of(con: duckdb.DuckDBPyConnection, account: str, contact: str, deal: str) -> str:
    """Return the account's id: *account*, else that of *contact* or *deal*. Raises DataError."""
    for object, id in (("account", account), ("contact", contact), ("deal", deal)):
        if not id:
            continue
        column = "id" if object == "account" else "account_id"
        rows = con.execute(f"SELECT {column} FROM {BASE}.{quote(object)} WHERE id = ?", [id]).fetchall()
        if not rows:
            raise DataError(
                Problem("unknown-record", f"there is no {object} {id!r} in the snapshot", Location(f"--{object}"),
                        hint="ids are those of the CRM")
            )  # fmt: skip
        found = rows[0][0]
        if found is None or (account and found != account):
            raise DataError(
                Problem(
                    "foreign-record", f"the {object} {id!r} does not belong to the account", Location(f"--{object}")
                )
            )
        account = str(found)
    return account


def rows_around(con: duckdb.DuckDBPyConnection, account: str, read: Uses, *, wide: bool) -> Rows:
    """Return the rows of *account*, and with them every row that they refer to; *wide*: all that ``snapshot`` holds.

    Only objects that the outcomes read. Raises DataError where that is more than a case should hold.
    """
    objects = {object for object, _ in read}
    everything = {name: _rows(con, name) for name in OBJECTS}
    rows: Rows = {name: [] for name in OBJECTS}
    for name, some in everything.items():
        if wide and (name in objects or name == "account"):
            rows[name] = some
    if not wide:
        _own(rows, everything, account, objects)
        _referred(rows, everything, read)
    total = sum(map(len, rows.values()))
    if total > MOST:
        raise DataError(
            Problem("too-many-records", f"the case of {account!r} would hold {total} records", expected=f"at most {MOST}",
                    hint="choose a smaller customer")
        )  # fmt: skip
    return rows


def _own(rows: Rows, everything: Rows, account: str, objects: set[str]) -> None:
    rows["account"] = [row for row in everything["account"] if row["id"] == account]
    belongs: dict[str, set[str]] = {"account": {account}}
    for name, object in OBJECTS.items():  # in the model's order, an object stands after those that it refers to
        if name in _NOT_OWN or name not in objects:
            continue
        references = [(f.name, f.refers_to) for f in object.fields if f.refers_to not in ("", "user", name)]
        direct = [column for column, there in references if there == "account"]
        columns = [(c, t) for c, t in references if t == "account"] if direct else references
        rows[name] = [row for row in everything[name] if any(row[c] in belongs.get(t, ()) for c, t in columns)]
        if direct:  # a talk with a contact, an order in a deal: the account may not be said
            rows[name] += [
                row for row in everything[name]
                if row["account_id"] is None and any(row[c] in belongs.get(t, ()) for c, t in references)
            ]  # fmt: skip
        if "id" in object.key:
            belongs[name] = {row["id"] for row in rows[name]}


def _referred(rows: Rows, everything: Rows, read: Uses) -> None:
    """Add what the rows refer to, as far as the reference is read; again for what was added."""
    known = {name: {row["id"]: row for row in some} for name, some in everything.items() if "id" in OBJECTS[name].key}
    todo = [(name, row) for name, some in rows.items() for row in some]
    have = {(name, row["id"]) for name, some in rows.items() for row in some if "id" in row}
    while todo:
        name, row = todo.pop()
        for there, id in _references(name, row, read):
            if (there, id) not in have and id in known[there]:
                have.add((there, id))
                rows[there].append(known[there][id])
                todo.append((there, known[there][id]))
    for name in rows:
        rows[name].sort(key=lambda row: tuple(str(row[column]) for column in OBJECTS[name].key))


def _references(name: str, row: dict[str, Any], read: Uses) -> Iterator[tuple[str, str]]:
    for field in OBJECTS[name].fields:
        there = field.refers_to == "account" or any(object == field.refers_to for object, _ in read)
        if there and (name, field.name) in read and row[field.name] is not None:
            yield field.refers_to, row[field.name]


def _rows(con: duckdb.DuckDBPyConnection, name: str) -> list[dict[str, Any]]:
    """Return the rows of a table of ``snapshot`` by key."""
    key = ", ".join(map(quote, OBJECTS[name].key))
    found = con.execute(f"SELECT * FROM snapshot.{quote(name)} ORDER BY {key}")
    columns = [column[0] for column in found.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]
