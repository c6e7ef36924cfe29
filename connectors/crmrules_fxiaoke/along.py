"""What is read along with records: their tags, and the contacts of a talk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crmrules.contracts.connector import Page, ReadRequest
from crmrules_fxiaoke.config import Settings
from crmrules_fxiaoke.describe import (
    ID,
    LINKS,
    MODIFIED,
    PEOPLE_COLUMNS,
    PEOPLE_OF,
    TAG_COLUMNS,
    TAGS,
    Metadata,
    links,
)
from crmrules_fxiaoke.reader import Record
from crmrules_fxiaoke.tags import TagFunction, names_in

if TYPE_CHECKING:
    import pyarrow as pa

Rows = list[Mapping[str, Any]]


@dataclass(frozen=True)
class Along:
    """Makes the pages of children of one request."""

    request: ReadRequest
    metadata: Metadata
    settings: Settings
    function: TagFunction

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of the records that the children are made of."""
        wanted = {child.object for child in self.request.children}
        names = []
        if TAGS in wanted and self.settings.tags == "field":
            names.append(self.settings.tag_field)
        if PEOPLE_OF in wanted:
            names.append(LINKS)
        return tuple(names)

    def pages(self, records: Sequence[Record]) -> Iterator[Page]:
        """Yield a page per wanted child object of *records*."""
        makers: Mapping[str, Callable[[Sequence[Record]], Page]] = {
            TAGS: self._tags, PEOPLE_OF: self._people,
        }  # fmt: skip
        for child in self.request.children:
            if records and child.object in makers:
                yield makers[child.object](records)

    def tags_of(self, ids: Sequence[str]) -> Page:
        """Return a page of the CRM's own tags of the records *ids*."""
        object = self.request.object
        found = self.function.read(object, ids)
        rows: Rows = [
            {"object": object, "record_id": id, "name": name} for id in ids for name in dict.fromkeys(found.get(id, ()))
        ]
        return self._page(TAGS, TAG_COLUMNS, rows, [{"object": object, "record_id": id} for id in ids])

    def _tags(self, records: Sequence[Record]) -> Page:
        ids = [str(r[ID]) for r in records]
        if self.settings.tags == "function":
            return self.tags_of(ids)
        object, name = self.request.object, self.settings.tag_field
        info = self.metadata.fields(object).get(name)
        rows: Rows = [
            {"object": object, "record_id": str(r[ID]), "name": tag}
            for r in records
            for tag in names_in(info, r.get(name))
        ]
        return self._page(TAGS, TAG_COLUMNS, rows, [{"object": object, "record_id": id} for id in ids])

    def _people(self, records: Sequence[Record]) -> Page:
        rows: Rows = [
            {"activity_id": str(r[ID]), "contact_id": contact} for r in records for contact in links(r, "ContactObj")
        ]
        return self._page(PEOPLE_OF, PEOPLE_COLUMNS, rows, [{"activity_id": str(r[ID])} for r in records])

    def _page(self, object: str, columns: Sequence[str], rows: Rows, covers: Rows) -> Page:
        wanted = next(c.fields for c in self.request.children if c.object == object)
        return Page(
            rows=table([c for c in columns if c in wanted], rows), object=object, source=self.request.object,
            covers=table(list(covers[0]), covers) if covers else None,
        )  # fmt: skip


def table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return rows of texts, and of a modified time, as a table."""
    import pyarrow as pa

    types = {c: pa.timestamp("ms", tz="UTC") if c == MODIFIED else pa.string() for c in columns}
    return pa.table({c: pa.array([row.get(c) for row in rows], types[c]) for c in columns})
