"""From Zoho's records to pages: the record's own columns, and the children that came along."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crmrules.contracts.connector import NativeField, Page, ReadRequest
from crmrules.model.objects import FieldType
from crmrules_zoho import modules, people
from crmrules_zoho.memory import Memory
from crmrules_zoho.modules import ID, PEOPLE, ROLES, TAG, TAGS
from crmrules_zoho.roles import Roles
from crmrules_zoho.values import Value, instant, names_of, row_value, split, text_of
from crmrules_zoho.wanted import Wanted, needs

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]

_WON = re.compile(r"\bwon\b|赢单|成交|中标", re.IGNORECASE)
_LOST = re.compile(r"\blost\b|输单|丢单|流失|取消", re.IGNORECASE)


class Shaper:
    """Makes pages of what was read. Children come before their records, whose page carries the cursor."""

    def __init__(self, wanted: Wanted, memory: Memory, accounts: people.Accounts, roles: Roles) -> None:
        self._wanted = wanted
        self._memory = memory
        self._accounts = accounts
        self._roles = roles
        self._fields = {f.name: f for f in (*wanted.module.fields.values(), *wanted.module.virtual)}
        self._name = wanted.module.api_name

    def of_rows(self, rows: Sequence[Row], cursor: str = "", total: int | None = None) -> Iterator[Page]:
        """Yield pages of JSON records."""
        ids = [str(row[ID]) for row in rows]
        if self._wanted.tags:
            names = [names_of(row.get(TAG)) for row in rows]
            yield self._tags(self._wanted.tags, ids, names)
        yield from self._roles_of(ids)
        if self._wanted.people:
            yield self._people(self._wanted.people, rows)
        self._learn(ids, [text_of(row.get("Account_Name")) for row in rows])
        columns = {name: self._column(self._fields[name], rows) for name in self._wanted.request.fields}
        yield Page(rows=self._table(columns), source=self._name, cursor=cursor, total=total)

    def of_csv(
        self, table: pa.Table, tags: Sequence[list[str]], cursor: str = "", total: int | None = None
    ) -> Iterator[Page]:
        """Yield pages of records of an export; *tags* are those of each row."""
        ids = table.column(ID).to_pylist() if self._wanted.tags or self._wanted.roles else []
        if self._wanted.tags:
            yield self._tags(self._wanted.tags, ids, tags)
        yield from self._roles_of(ids)
        if "Account_Name" in table.column_names and self._name in ("Deals", "Contacts"):
            self._learn(table.column(ID).to_pylist(), table.column("Account_Name").to_pylist())
        columns: dict[str, Any] = {}
        for name in self._wanted.request.fields:
            if name.startswith("$"):
                needed = table.select([column for column in needs(name) if column in table.column_names])
                columns[name] = self._column(self._fields[name], needed.to_pylist() or [{}] * table.num_rows)
            elif name not in table.column_names:
                columns[name] = [None] * table.num_rows
            elif self._fields[name].type is FieldType.list:
                columns[name] = [None if cell is None else split(cell) for cell in table.column(name).to_pylist()]
            else:
                columns[name] = table.column(name)
        yield Page(rows=self._table(columns), source=self._name, cursor=cursor, total=total)

    def _roles_of(self, deals: Sequence[str]) -> Iterator[Page]:
        if self._wanted.roles and deals:
            known: dict[str, list[Any]] = {"Deal": [], "Contact": [], "Contact_Role": []}
            for deal, contacts in self._roles.of(deals):
                for contact, role in contacts:
                    known["Deal"].append(deal)
                    known["Contact"].append(contact)
                    known["Contact_Role"].append(role)
            yield _child(ROLES, self._wanted.roles, known, {"Deal": list(deals)})

    def _tags(self, request: ReadRequest, ids: Sequence[str], tags: Sequence[list[str]]) -> Page:
        long = self._memory.long_tags()
        known: dict[str, list[str]] = {"object": [], "record_id": [], "name": []}
        for id, names in zip(ids, tags, strict=True):
            for name in dict.fromkeys(names):
                known["object"].append(self._name)
                known["record_id"].append(id)
                known["name"].append(long.get(name, name))
        return _child(TAGS, request, known, {"object": [self._name] * len(ids), "record_id": list(ids)})

    def _people(self, request: ReadRequest, rows: Sequence[Row]) -> Page:
        more = [name for name in request.fields if name.startswith(modules.OF_ACTIVITY)]
        known: dict[str, list[Any]] = {name: [] for name in (*modules.PEOPLE_FIELDS, *more)}
        for row in rows:
            for contact in people.participants(row):
                known["Activity"].append(str(row[ID]))
                known["Contact"].append(contact)
                for name in more:
                    known[name].append(text_of(row.get(name.removeprefix(modules.OF_ACTIVITY))))
        return _child(PEOPLE, request, known, {"Activity": [str(row[ID]) for row in rows]})

    def _column(self, field: NativeField, rows: Sequence[Row]) -> list[Value]:
        match field.name:
            case modules.CURRENCY:
                return [text_of(row.get("Currency")) or self._home_currency() for row in rows]
            case modules.DEAL:
                return [people.about(row, "Deals") for row in rows]
            case modules.ACCOUNT:
                return list(people.accounts_of(list(rows), self._accounts))
            case modules.DIRECTION:
                return [people.direction(row) for row in rows]
            case modules.STATUS:
                return [status(text_of(row.get("Stage"))) for row in rows]
            case modules.CLOSED_ON:
                return [closed_on(text_of(row.get("Stage")), text_of(row.get("Closing_Date"))) for row in rows]
            case _:
                return [row_value(row, field) for row in rows]

    def _learn(self, ids: Sequence[str], accounts: Sequence[str | None]) -> None:
        if self._name in ("Deals", "Contacts") and "Account_Name" in self._wanted.names:
            self._accounts.learn(self._name, zip(ids, accounts, strict=True))

    def _home_currency(self) -> str | None:
        return self._memory.get("currency") or None

    def _table(self, columns: Mapping[str, Any]) -> pa.Table:
        return table_of(columns, {name: self._fields[name].type for name in columns})


def status(stage: str | None) -> str | None:
    """Return whether a deal in *stage* is open, won or lost: the stage's name says it."""
    if not stage:
        return None
    return "won" if _WON.search(stage) else "lost" if _LOST.search(stage) else "open"


def closed_on(stage: str | None, closing: str | None) -> str | None:
    """Return the closing date of a deal that is over; before, it is only what somebody hopes for."""
    return closing if status(stage) in ("won", "lost") else None


def table_of(columns: Mapping[str, Any], types: Mapping[str, FieldType | None] | None = None) -> pa.Table:
    """Return columns as times in UTC or lists where *types* says so, else as texts."""
    return _pa().table({name: _array(values, (types or {}).get(name)) for name, values in columns.items()})


def _array(values: Any, type: FieldType | None) -> Any:
    pa = _pa()
    if type is FieldType.list:
        return pa.array(values, pa.list_(pa.string()))
    texts = values if isinstance(values, pa.ChunkedArray) else pa.array(values, pa.string())
    if type is not FieldType.timestamp:
        return texts
    try:
        return texts.cast(_utc())
    except pa.ArrowInvalid:  # some odd one among them
        return pa.array([instant(text) for text in texts.to_pylist()], _utc())


def _utc() -> Any:
    return _pa().timestamp("us", tz="UTC")


def _pa() -> Any:
    import pyarrow

    return pyarrow


def _child(object: str, request: ReadRequest, known: Mapping[str, list[Any]], covers: Mapping[str, list[str]]) -> Page:
    wanted = [name for name in known if name in request.fields]
    return Page(
        rows=table_of({name: known[name] for name in wanted}), object=object, source=object,
        covers=table_of({name: covers[name] for name in covers if name in request.fields}),
    )  # fmt: skip
