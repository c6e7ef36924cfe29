"""Reading: pages by growing id, so that nothing is skipped or doubled whatever changes meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from crmrules.contracts.connector import Page, ReadRequest
from crmrules.errors import ConnectorError, Problem
from crmrules.model.objects import FieldType
from crmrules_tryton.api import Api
from crmrules_tryton.columns import Columns, needed
from crmrules_tryton.config import Settings
from crmrules_tryton.describe import Models
from crmrules_tryton.notes import Note, notes_on, of_people
from crmrules_tryton.objects import (
    ACCOUNT,
    ACTIVITY,
    CONTACT,
    DEAL,
    DEAL_CONTACT,
    MEMBER,
    MODIFIED,
    NOTE,
    NOTES,
    PARTICIPANT,
    PARTY,
    TAGS,
    source_of,
)  # fmt: skip
from crmrules_tryton.parties import Domain, Parties
from crmrules_tryton.tags import Categories
from crmrules_tryton.values import TYPES, on_the_wire, table, text_of, time_of

if TYPE_CHECKING:
    import pyarrow as pa

_IDS = 5_000  # ids that one call answers
_RELATED: Mapping[str, tuple[tuple[str, frozenset[str]], ...]] = {
    # What hangs on a party and can change without it, and the columns that come from there.
    ACCOUNT: (
        ("addresses", frozenset({"city", "province", "country"})),
        ("contact_mechanisms", frozenset({"email", "phone", "mobile", "fax", "website"})),
    ),
    CONTACT: (
        ("relations", frozenset({"organisation", "relation", "superior", "status", "left_on"})),
        ("contact_mechanisms", frozenset({"email", "phone", "mobile", "fax", "website"})),
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Reads by one connection."""

    api: Api
    settings: Settings
    models: Models
    parties: Parties
    categories: Categories

    def read(self, request: ReadRequest) -> Iterator[Page]:
        """Yield the records of one object and the wanted children."""
        if self._is_missing(request.object):
            return
        pages = self._notes(request) if request.object in (NOTES, ACTIVITY) else self._records(request)
        left = request.most
        for group in pages:
            yield from group
            if left is not None:
                left -= group[0].rows.num_rows
                if left <= 0:
                    return

    def ids(self, object: str, key: tuple[str, ...]) -> Iterator[pa.Table]:
        """Yield the keys of every record that :meth:`read` would give."""
        if self._is_missing(object):
            return
        if object in (NOTES, ACTIVITY):
            for model, ids in self._annotated():
                notes = self._notes_on(object, model, ids, [])
                yield table(key, [{key[0]: str(note.id)} for note in notes])
            return
        for found in self._ids(source_of(object).model, self._domain(object)):
            yield table(key, [{key[0]: str(id)} for id in found])

    def count(self, object: str) -> int | None:
        """Return how many records there are; None for what hangs on others."""
        if object in (NOTES, ACTIVITY) or source_of(object).within:
            return None
        if self._is_missing(object):
            return 0
        return int(self.api.call(f"{source_of(object).model}.search_count", self._domain(object)))

    # ------------------------------------------------------------ records

    def _records(self, request: ReadRequest) -> Iterator[list[Page]]:
        source = source_of(request.object)
        domain = [*self._domain(request.object), *self._since(request)]
        known = self.models.fields(source.model) or {}
        columns = Columns(api=self.api, parties=self.parties, object=request.object)
        children = {child.object: child for child in request.children}
        fields = needed(request.object, request.fields, children, known)
        last = int(request.after or 0)
        while True:
            most = min(self.settings.page, request.most or self.settings.page)
            rows = self.api.call(
                f"{source.model}.search_read", [["id", ">", last], *domain], 0, most, [["id", "ASC"]], fields
            )
            if not rows:
                return
            last = rows[-1]["id"]
            computed = columns.of(rows, frozenset(request.fields))
            shown = [
                {name: self._cell(source.model, row, name, computed[row["id"]]) for name in request.fields}
                for row in rows
            ]
            page = Page(rows=table(request.fields, shown, self._times(request)), source=source.model, cursor=str(last))
            yield [page, *self._children(request, children, rows)]
            if len(rows) < most:
                return

    def _cell(self, model: str, row: Mapping[str, Any], name: str, computed: Mapping[str, Any]) -> Any:
        if name in computed:
            return computed[name]
        head, _, tail = name.partition(".")
        if tail:
            return text_of((row.get(f"{head}.") or {}).get(tail))
        type = self.models.type_of(model, name)
        return time_of(row[name]) if TYPES.get(type) is FieldType.timestamp else text_of(row[name], type)

    def _times(self, request: ReadRequest) -> frozenset[str]:
        source = source_of(request.object)
        return frozenset(
            name for name in request.fields
            if (source.computed.get(name) or TYPES.get(self.models.type_of(source.model, name))) is FieldType.timestamp
        )  # fmt: skip

    def _children(
        self, request: ReadRequest, children: Mapping[str, ReadRequest], rows: Sequence[Mapping[str, Any]]
    ) -> Iterator[Page]:
        if child := children.get(TAGS):
            names = self.categories.names(id for row in rows for id in row["categories"])
            found = [
                {"object": request.object, "record_id": str(row["id"]), "name": names[id]}
                for row in rows for id in row["categories"]
            ]  # fmt: skip
            owners = [{"object": request.object, "record_id": str(row["id"])} for row in rows]
            yield Page(
                object=TAGS,
                rows=table(child.fields, found),
                covers=table(("object", "record_id"), owners),
                source=PARTY,
            )
        if child := children.get(DEAL_CONTACT):
            contacts = {row["id"]: (row["contact."] or {}).get("party") for row in rows}
            kinds = self.parties.kinds(party for party in contacts.values() if party)
            found = [
                {"opportunity": str(id), "party": str(party)}
                for id, party in contacts.items() if party and kinds[party] == "contact"
            ]  # fmt: skip
            deals = [{"opportunity": str(row["id"])} for row in rows]
            yield Page(
                object=DEAL_CONTACT, rows=table(child.fields, found), covers=table(("opportunity",), deals), source=DEAL
            )

    # ------------------------------------------------------------ notes

    def _notes(self, request: ReadRequest) -> Iterator[list[Page]]:
        changed = [_changed(request.since)] if request.since else []
        children = {child.object: child for child in request.children}
        for model, ids in self._annotated(request.after):
            notes = self._notes_on(request.object, model, ids, changed)
            shown, persons = self._note_rows(request.object, notes)
            page = Page(
                rows=table(request.fields, shown, frozenset({MODIFIED, "create_date"})), source=NOTE,
                cursor=f"{model},{ids[-1]}",
            )  # fmt: skip
            pages = [page]
            if child := children.get(PARTICIPANT):
                owners = [{"note": str(note.id)} for note in notes]
                pages.append(
                    Page(
                        object=PARTICIPANT,
                        rows=table(child.fields, persons),
                        covers=table(("note",), owners),
                        source=NOTE,
                    )
                )
            yield pages

    def _notes_on(self, object: str, model: str, ids: Sequence[int], domain: Domain) -> list[Note]:
        people = [of_people(self.api.login.user)] if object == ACTIVITY else []
        return list(notes_on(self.api, [f"{model},{id}" for id in ids], [*domain, *people]))

    def _note_rows(self, object: str, notes: Sequence[Note]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        records = {note.record: note.record.partition(",") for note in notes}
        deals = {int(id) for model, _, id in records.values() if model == DEAL}
        party_of = {("party.party", int(id)): int(id) for model, _, id in records.values() if model == PARTY}
        if deals and object == ACTIVITY:
            for row in self.api.call(f"{DEAL}.read", sorted(deals), ["party"]):
                if row["party"]:
                    party_of[DEAL, row["id"]] = row["party"]
        kinds = self.parties.kinds(party_of.values())
        accounts = self.parties.accounts(party_of.values()) if object == ACTIVITY else {}
        rows, persons = [], []
        for note in notes:
            model, _, id = records[note.record]
            party = party_of.get((model, int(id)))
            made: dict[str, Any] = {
                "id": str(note.id), MODIFIED: time_of(note.row["write_date"]) or time_of(note.row["create_date"]),
                "create_date": time_of(note.row["create_date"]), "record_id": id,
                "object": {"account": ACCOUNT, "contact": CONTACT}.get(kinds[int(id)]) if model == PARTY else model,
                "title": note.title or None, "body": note.body, "author": note.author,
                "message": note.body, "user": None if note.user is None else str(note.user),
                "account": accounts.get(party) if party else None, "opportunity": id if model == DEAL else None,
            }  # fmt: skip
            rows.append(made)
            if model == PARTY and kinds[int(id)] == "contact":
                persons.append({"note": str(note.id), "party": id})
        return rows, persons

    def _annotated(self, after: str = "") -> Iterator[tuple[str, list[int]]]:
        """Yield chunks of the records on which notes are read: parties, then opportunities."""
        model, _, last = after.partition(",")
        order = [PARTY, *([DEAL] if not self._is_missing(DEAL) else [])]
        for each in order[order.index(model) if model in order else 0 :]:
            domain = self.parties.own_excepted() if each == PARTY else []
            for ids in self._ids(each, domain, self.settings.page, int(last) if each == model else 0):
                yield each, ids

    # ------------------------------------------------------------ domains

    def _domain(self, object: str) -> Domain:
        if object == ACCOUNT:
            return self.parties.organisations()
        if object == CONTACT:
            return self.parties.persons()
        return [list(leaf) for leaf in source_of(object).domain]

    def _since(self, request: ReadRequest) -> Domain:
        if not request.since:
            return []
        own = _changed(request.since)
        wanted = frozenset(request.fields)
        related = [
            [name, "where", [*changed, *([list(MEMBER)] if name == "relations" else [])]]
            for name, columns in _RELATED.get(request.object, ())
            if columns & wanted and (name != "relations" or self.parties.related)
            for changed in _ways(request.since)
        ]
        if any(name == "relations" for name, *_ in related):
            related.append(["relations", "where", [*_ended_since(request.since), list(MEMBER)]])
        return [["OR", own, *related]]

    def _ids(self, model: str, domain: Domain, size: int = _IDS, last: int = 0) -> Iterator[list[int]]:
        while found := self.api.call(f"{model}.search", [["id", ">", last], *domain], 0, size, [["id", "ASC"]]):
            yield list(found)
            last = found[-1]
            if len(found) < size:
                return

    def _is_missing(self, object: str) -> bool:
        model = source_of(object).model
        if self.models.fields(model) is not None:
            return False
        if object in self.settings.models:
            raise ConnectorError(Problem("missing-model", f"Tryton has no model '{model}'", hint="check `models`"))
        return True


def _changed(since: datetime) -> Domain:
    """Return the domain of what was made or changed at or after *since*, on every series."""
    return ["OR", *_ways(since)]


def _ways(since: datetime) -> tuple[Domain, Domain]:
    """The two ways to have changed; inside `where` on relations, Tryton finds nothing by an OR of them."""
    at = on_the_wire(since)
    return [["write_date", ">=", at]], [["write_date", "=", None], ["create_date", ">=", at]]


def _ended_since(since: datetime) -> Domain:
    """A relation whose last day has passed since then: nobody edited it."""
    first, today = since.astimezone(UTC).date(), datetime.now(UTC).date()
    return [["end_date", ">=", on_the_wire(first)], ["end_date", "<=", on_the_wire(today)]]
