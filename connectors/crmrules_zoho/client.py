"""The open connection: the contract's calls, handed on to the modules that carry them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

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
from crmrules.errors import ConnectorError, Location, Problem
from crmrules.model.changes import tag_text
from crmrules_zoho import checks, costs, tags, users
from crmrules_zoho.api import Zoho, sleeping
from crmrules_zoho.config import Settings
from crmrules_zoho.deleted import deleted
from crmrules_zoho.describe import Metadata
from crmrules_zoho.fields import Records
from crmrules_zoho.memory import Memory
from crmrules_zoho.modules import NOTES, PEOPLE, ROLES, TAGS, USERS
from crmrules_zoho.notes import Notes
from crmrules_zoho.parts import Parts
from crmrules_zoho.people import Accounts
from crmrules_zoho.reader import Reader
from crmrules_zoho.roles import Roles
from crmrules_zoho.shaping import table_of
from crmrules_zoho.writer import BATCH, Writer

if TYPE_CHECKING:
    import pyarrow as pa

_CAPABILITIES = Capabilities(
    since="second",
    page=200,
    deletes="feed",
    tags="native",
    tag_bumps_modified=False,
    notes="plain",
    notes_editable=True,
    roles="deal",
    unknown_field="silent",
    batch=BATCH,
    conflict="token",
    creates_fields=False,
    resumes=True,
)


class ZohoCrm(Connector):
    """One org of Zoho CRM."""

    capabilities = _CAPABILITIES

    def __init__(self, settings: Settings, home: Home, sleep: Callable[[float], object] = sleeping) -> None:
        self._memory = Memory(home.state)
        self._zoho = Zoho(settings, home, self._memory, sleep)
        self._metadata = Metadata(self._zoho, self._memory, home.folder)
        self._roles = Roles(self._zoho)
        self._notes = Notes(self._zoho, self._memory)
        self._tags = tags.Tags(self._zoho, self._memory)
        self._reader = Reader(self._zoho, self._memory, home.state / "zoho-exports", Accounts(self._zoho), self._roles)
        self._writer = Writer(
            Records(self._zoho, self._metadata), self._tags, self._notes, Parts(self._zoho, self._roles)
        )

    @classmethod
    def open(cls, given: Mapping[str, Any], home: Home) -> ZohoCrm:
        """Open the org that the settings *given* name. Nothing is asked of it yet."""
        return cls(Settings.of(given), home)

    def describe(self) -> Sequence[NativeObject]:
        """Return the modules that we may see, and what hangs on them."""
        return self._metadata.objects()

    def read(self, request: ReadRequest) -> Iterator[Page]:
        """Yield records, children before the page that they belong to."""
        if request.object == USERS:
            return users.read(self._zoho, request)
        if request.object == NOTES:
            return self._notes.read(request)
        if request.object in (TAGS, ROLES, PEOPLE):
            raise ConnectorError(
                Problem(
                    "only-along",
                    f"'{request.object}' is read along with the records it hangs on",
                    Location(request.object),
                )
            )
        return self._reader.read(self._metadata.module(request.object), request)

    def ids(self, object: str, key: tuple[str, ...]) -> Iterator[pa.Table]:
        """Yield the ids of every record."""
        for page in self.read(ReadRequest(object=object, fields=key, key=key)):
            yield page.rows

    def deleted(self, object: str, key: tuple[str, ...], since: datetime) -> Iterator[pa.Table]:
        """Yield the ids of records that Zoho lists as deleted; of users it lists none."""
        if object != USERS:
            for ids in deleted(self._zoho, object, since):
                if object == NOTES:
                    self._memory.drop_notes(ids)
                yield table_of({key[0]: ids})

    def current(self, wanted: Sequence[NativeWrite]) -> Sequence[str | None]:
        """Return what stands at these places now; the records' modified times are kept for the write."""
        return self._writer.current(wanted)

    def write(self, writes: Sequence[NativeWrite]) -> Sequence[NativeReceipt]:
        """Execute a batch; answer each, in order."""
        return self._writer.write(writes)

    def count(self, object: str) -> int | None:
        """Return how many records a module has, for one credit."""
        return None if object in (USERS, NOTES, TAGS, ROLES, PEOPLE) else self._reader.count(object)

    def estimate(self, request: ReadRequest, records: int) -> Usage:
        """Return what reading will cost by the cheapest way that the settings allow."""
        module = self._metadata.modules.get(request.object)
        in_bulk = self._zoho.settings.bulk == "auto"
        return costs.estimate(module, request, records, self._roles.calls_per_deal, in_bulk)

    def usage(self) -> Usage:
        """Return calls and credits of this connection; those left as far as Zoho said."""
        return self._zoho.usage

    def clock(self) -> datetime | None:
        """Return Zoho's time by its last answer."""
        return self._zoho.now

    def check(self, targets: Sequence[WriteTarget] = ()) -> Sequence[Check]:
        """Return what `doctor` says of login, org, scopes, quotas and clock. Metadata is read anew."""
        self._metadata.forget()
        return checks.check(self._zoho, self._metadata, self._tags, self._roles, targets)

    def create(self, target: WriteTarget) -> None:
        """Make tags, or contact roles; fields have to be made by hand."""
        if target.kind == "tag":
            names = [tag_text(target.name, value) for value in target.values] or [target.name]
            tags.create(self._tags, target.object, names)
        elif target.object == ROLES and target.kind == "field":
            self._roles.make(target.values)
        else:
            super().create(target)

    def close(self) -> None:
        """Close connections and the memory."""
        self._zoho.close()
        self._memory.close()
