"""The open connection: the calls of the contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from crmrules_tryton.api import Api
from crmrules_tryton.checks import Doctor
from crmrules_tryton.config import Settings
from crmrules_tryton.costs import estimate
from crmrules_tryton.current import Looker, Standing, record_of
from crmrules_tryton.describe import Models
from crmrules_tryton.parties import Parties
from crmrules_tryton.reader import Reader
from crmrules_tryton.tags import Categories
from crmrules_tryton.writer import Batch

if TYPE_CHECKING:
    import pyarrow as pa


class TrytonCrm(Connector):
    """A database of a Tryton server."""

    capabilities = Capabilities(
        since="microsecond",
        timezone="UTC",
        deletes="difference",
        tags="many",
        tag_bumps_modified=True,
        notes="plain",
        notes_editable=False,
        roles="none",
        unknown_field="error",
        batch=100,
        conflict="token",
        resumes=True,
    )

    def __init__(self, settings: Settings, home: Home) -> None:
        self._settings = settings
        self._api = Api(settings, home)
        self._models = Models(self._api)
        self._parties = Parties(self._api, settings, self._models)
        self._categories = Categories(self._api)
        self._looker = Looker(api=self._api, models=self._models, categories=self._categories)
        self._seen: tuple[frozenset[tuple[str, str, str]], Standing] = (frozenset(), Standing())

    @classmethod
    def open(cls, given: Mapping[str, Any], home: Home) -> TrytonCrm:
        """Open the database that the settings *given* name. Nothing is asked of it yet."""
        return cls(Settings.of(given), home)

    def describe(self) -> Sequence[NativeObject]:
        """Return the objects of a CRM and the models that the settings name further."""
        return self._models.describe(self._settings.models)

    def read(self, request: ReadRequest) -> Iterator[Page]:
        """Yield the records of one object, by growing id."""
        return self._reader().read(request)

    def ids(self, object: str, key: tuple[str, ...]) -> Iterator[pa.Table]:
        """Yield the keys of every record."""
        return self._reader().ids(object, key)

    def current(self, wanted: Sequence[NativeWrite]) -> Sequence[str | None]:
        """Return what stands at these places now; their records' versions are remembered for :meth:`write`."""
        standing = self._looker.look(wanted)
        self._seen = frozenset(map(_place, wanted)), standing
        return [self._looker.value(standing, write) for write in wanted]

    def write(self, writes: Sequence[NativeWrite]) -> Sequence[NativeReceipt]:
        """Execute a batch under the versions that :meth:`current` saw; answer each, in order."""
        places, standing = self._seen
        self._seen = frozenset(), Standing()  # what we write has other versions
        if not {_place(write) for write in writes} <= places:
            standing = self._looker.look(writes)
        return Batch(self._api, self._models, self._categories, self._looker, writes, standing).run()

    def count(self, object: str) -> int | None:
        """Return how many records there are."""
        return self._reader().count(object)

    def estimate(self, request: ReadRequest, records: int) -> Usage:
        """Return what reading *records* records costs, in calls."""
        return estimate(request, records, self._settings.page)

    def usage(self) -> Usage:
        """Return the calls of this connection, logins left out."""
        return self._api.usage

    def clock(self) -> datetime | None:
        """Return the server's time by its last answer."""
        return self._api.clock

    def check(self, targets: Sequence[WriteTarget] = ()) -> Sequence[Check]:
        """Return the doctor's lines about server, login, permissions, persons and *targets*."""
        return Doctor(self._api, self._settings, self._models, self._parties).run(targets)

    def close(self) -> None:
        """Release the connections; the session goes on for the next run."""
        self._api.close()

    def _reader(self) -> Reader:
        return Reader(
            api=self._api, settings=self._settings, models=self._models, parties=self._parties,
            categories=self._categories,
        )  # fmt: skip


def _place(write: NativeWrite) -> tuple[str, str, str]:
    return record_of(write), write.kind, write.name
