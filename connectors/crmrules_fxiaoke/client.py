"""The open connection: the calls of the contract, each in a module of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crmrules.contracts.connector import (
    Capabilities,
    Check,
    Connector,
    Home,
    NativeObject,
    NativeReceipt,
    NativeWrite,
    Page,
    ReadRequest,
    Usage,
    WriteTarget,
)
from crmrules_fxiaoke import checks, costs, note_pages, reader
from crmrules_fxiaoke.along import Along
from crmrules_fxiaoke.api import Api
from crmrules_fxiaoke.config import Settings
from crmrules_fxiaoke.describe import ID, NOTES, PEOPLE_OF, TAGS, Metadata
from crmrules_fxiaoke.notes import CONTENT, SALES_RECORD, NoteRecords
from crmrules_fxiaoke.places import Places
from crmrules_fxiaoke.reader import Record, Records
from crmrules_fxiaoke.tags import TagFunction
from crmrules_fxiaoke.writer import Writer

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 50  # writes that are looked at, and read back, together; each record is written by a call of its own


class FxiaokeCrm(Connector):
    """One tenant of Fxiaoke, on behalf of one employee, whose rights count."""

    def __init__(self, settings: Settings, home: Home) -> None:
        self.settings = settings
        self.capabilities = Capabilities(
            since="millisecond",
            timezone=settings.timezone,
            page=reader.PAGE,
            deletes="difference" if settings.deletes == "sweep" else "delta",
            tags="none" if settings.tags == "none" else "list",
            tag_bumps_modified=settings.tags == "field",
            notes="none" if settings.notes == "none" else "plain",
            roles="deal",
            unknown_field="silent",
            batch=_BATCH,
            conflict="compare",
            resumes=True,
        )
        zone = ZoneInfo(settings.timezone)
        self._api = Api(settings, home)
        self._metadata = Metadata(self._api, settings)
        self._records = Records(self._api, self._metadata, zone)
        self._function = TagFunction(self._api, settings)
        self._notes = NoteRecords(self._api, self._records, settings)
        self._places = Places(self._records, settings, self._function, self._notes, zone)
        self._writer = Writer(self._api, self._places)

    @classmethod
    def open(cls, given: Mapping[str, Any], home: Home) -> FxiaokeCrm:
        """Open the tenant that the settings *given* name; nothing is asked yet. Raises ConnectorError."""
        return cls(Settings.of(given), home)

    def describe(self) -> Sequence[NativeObject]:
        """Return usual, custom and named objects with their fields."""
        return self._metadata.describe()

    def read(self, request: ReadRequest) -> Iterator[Page]:
        """Yield the records of one object, children before their parents; invalidated ones as gone."""
        if request.object in (TAGS, PEOPLE_OF):
            return  # they come along
        if request.object == NOTES:
            yield from note_pages.read(self._records, self.settings, self._notes, request)
            return
        along = Along(request, self._metadata, self.settings, self._function)
        ours = request.object == SALES_RECORD  # a note of ours is no talk, whatever the setting is by now
        own = (*along.fields, *((CONTENT,) if ours else ()))
        yield from reader.read(self._records, request, along.pages, own, self._notes.is_ours if ours else _none)
        if (
            request.since
            and self.settings.tags == "function"
            and self.settings.sweep_tags
            and self._wants_tags(request)
        ):
            for rows, _, _ in self._records.walk(request.object, ()):
                if live := [str(row[ID]) for row in rows if reader.is_live(row)]:
                    yield along.tags_of(live)

    def ids(self, object: str, key: tuple[str, ...]) -> Iterator[pa.Table]:
        """Yield the keys of every record that was not set aside."""
        if object == NOTES:
            yield from note_pages.ids(self._records, self.settings, self._notes)
        elif object not in (TAGS, PEOPLE_OF):
            yield from reader.ids(self._records, object, key)

    def current(self, wanted: Sequence[NativeWrite]) -> Sequence[str | None]:
        """Return what stands at these places now, in the same order."""
        return self._places.current(wanted)

    def write(self, writes: Sequence[NativeWrite]) -> Sequence[NativeReceipt]:
        """Execute a batch; a record's fields go out in one call. Answer each write, in order."""
        return self._writer.write(writes)

    def count(self, object: str) -> int | None:
        """Return how many records there are, invalidated ones counted too; None where the CRM does not say."""
        return costs.count(self._records, object)

    def estimate(self, request: ReadRequest, records: int) -> Usage:
        """Return how many calls reading *records* records costs, with the sweeps that belong to a nightly run."""
        return costs.estimate(self._records, self.settings, request, records)

    def usage(self) -> Usage:
        """Return how many calls this connection has made, tokens not counted."""
        return self._api.usage

    def clock(self) -> datetime | None:
        """Return the CRM's time of its last answer, to the second."""
        return self._api.date

    def check(self, targets: Sequence[WriteTarget] = ()) -> Sequence[Check]:
        """Return the lines of doctor; never raises."""
        return checks.check(self._api, self._metadata, self.settings, self._function, self._notes, targets)

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def _wants_tags(self, request: ReadRequest) -> bool:
        return any(child.object == TAGS for child in request.children)


def _none(_: Record) -> bool:
    return False
