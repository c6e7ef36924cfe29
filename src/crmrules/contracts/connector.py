"""What a connector is: facts about itself as data, and a handful of calls.

A connector speaks its CRM's own (native) names; the mapping translates. It imports
``crmrules.contracts``, ``crmrules.model``, ``crmrules.errors`` and ``crmrules.http`` only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from crmrules.errors import ConnectorError, Problem
from crmrules.model.changes import Kind, Result
from crmrules.model.objects import FieldType
from crmrules.model.text import Text

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What the CRM can and can't do, as data; the core plans with it."""

    since: Literal["microsecond", "millisecond", "second", "minute", "none"] = "none"  # grain of modified times
    timezone: str = ""  # IANA zone of times that carry none; '' where the mapping has to say
    page: int = 0  # most records that one call answers; 0: no cap
    # How deletions are learned: `deleted()` lists them; `read(since)` tells them in Page.gone; by the
    # difference to `ids()`; not at all.
    deletes: Literal["feed", "delta", "difference", "none"] = "difference"
    # How tags are kept: one by one; as one list, replaced whole; by calls of their own; not at all.
    tags: Literal["many", "list", "native", "none"] = "many"
    tag_bumps_modified: bool = False  # adding a tag makes the record a modified one
    notes: Literal["plain", "html", "markdown", "base64", "none"] = "plain"
    notes_editable: bool = True  # False: a note is deleted and made anew, so its id changes
    roles: Literal["deal", "contact", "field", "none"] = (
        "deal"  # where a buying role stands: per deal, per person, own field
    )
    unknown_field: Literal["error", "silent"] = "error"  # silent: only the echo shows whether it was taken
    batch: int = 100  # writes per call
    # How a write over somebody's edit is refused: the CRM compares a token (a version, a modified time) or
    # an ETag; the connector compares values right before; not at all.
    conflict: Literal["token", "etag", "compare", "none"] = "compare"
    creates_fields: bool = False  # `create()` can make a missing field
    resumes: bool = False  # a read can go on behind any page that carries a cursor, for some hours


@dataclass(frozen=True, kw_only=True)
class NativeField:
    """A field as the CRM has it; ``type`` None where the CRM does not say (a CSV)."""

    name: str
    type: FieldType | None = None
    label: str = ""  # as people see it in the CRM
    choices: tuple[str, ...] = ()  # of a picklist; as they are written
    writable: bool = True
    required: bool = False
    custom: bool = False  # made by this client
    length: int | None = None  # most characters of a text
    refers_to: str = ""  # native object whose id stands here


@dataclass(frozen=True, kw_only=True)
class NativeObject:
    """An object (module, table) as the CRM has it.

    ``within`` names the objects with whose records it comes along (the tags of Accounts and
    Contacts, the participants of Events): it is read with them, as :attr:`ReadRequest.children`,
    and never by itself.
    """

    name: str
    fields: tuple[NativeField, ...]
    label: str = ""
    within: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReadRequest:
    """Ask for records; only ``fields`` are wanted (others must not be returned)."""

    object: str  # native name
    fields: tuple[str, ...]
    key: tuple[str, ...]  # native names of the key columns
    since: datetime | None = None  # records modified at or after (UTC); None reads all
    modified_field: str = ""  # native name of the modified time, '' where there is none
    children: tuple[ReadRequest, ...] = ()  # objects ``within`` this one that are wanted along with its records
    most: int | None = None  # a sample of so many records is enough
    after: str = ""  # go on behind the page that carried this cursor; '' begins


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some records, columns named natively.

    Columns are texts as a CSV would hold them, or typed (timestamps in UTC, lists); the snapshot
    casts and complains. A page of a child object names it in ``object``; its ``covers`` are the
    parents of which it holds all children there are, so that those gone are noticed.
    """

    rows: pa.Table
    object: str = ""  # '' is the requested one
    source: str = ""  # file or endpoint, for messages
    first_row: int = 0  # number of the first row in the source, where rows are numbered
    total: int | None = None  # how many there will be in all, for a progress bar
    cursor: str = ""  # hand it back in ReadRequest.after to go on behind this page; '' where that can't be
    covers: pa.Table | None = None  # key columns of a child that name its parent (object, record_id; deal_id)
    gone: pa.Table | None = None  # with `deletes="delta"`: keys of records that were deleted


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What was, or will be, asked of the CRM."""

    calls: int = 0  # HTTP requests, retries included
    credits: float = 0  # in the CRM's own money, where it counts any
    left: float | None = None  # credits (or calls) left in the CRM's present period, where it says so

    def __add__(self, other: Usage) -> Usage:
        left = other.left if other.left is not None else self.left
        return Usage(calls=self.calls + other.calls, credits=self.credits + other.credits, left=left)


@dataclass(frozen=True, kw_only=True)
class WriteTarget:
    """A place that rulesets will write to: a field, a tag, a note, on any record of an object."""

    object: str  # native name
    kind: Kind
    name: str  # field, tag prefix, or note title
    type: FieldType = FieldType.text
    values: tuple[str, ...] = ()  # every value that may be written, where that is known
    longest: int = 0  # characters of the longest value that will be written
    label: Text = Text()  # for a field that is made


@dataclass(frozen=True, kw_only=True)
class Check:
    """A line of ``crmrules doctor``."""

    code: str  # "credentials", "permission", "data-centre", "tag-quota" ...
    state: Literal["ok", "warning", "error"]
    message: Text
    hint: Text = Text()  # what to do


@dataclass(frozen=True, kw_only=True)
class NativeWrite:
    """One write in the CRM's names. ``expected`` is what must stand there now.

    Value None empties the field, removes the tag, deletes the note. A tag's ``name`` is its prefix
    and the values are suffixes: the tag ``tag_text(name, expected)`` is replaced by
    ``tag_text(name, value)``, no other tag is touched, and what stands there is
    ``tag_value(name, tags of the record)``. A note is found by its title on the record (ours, by
    :data:`~crmrules.model.changes.AUTHOR`, before anybody's); it is updated in place.
    """

    object: str
    record_id: Mapping[str, str]  # key column -> value
    kind: Kind
    name: str  # field, tag, or note title
    value: str | None
    expected: str | None


@dataclass(frozen=True, kw_only=True)
class NativeReceipt:
    """The answer to one :class:`NativeWrite`, in the same order."""

    result: Result
    echo: str | None = None
    message: str = ""


@runtime_checkable
class Connector(Protocol):
    """An open connection to one CRM.

    A connector subclasses this: the calls with a body below are for what it can't do or needs not.
    Calls raise RetryLater (busy, throttled, unreachable: asking again later may help) or
    ConnectorError, never anything else. One thread uses a connector at a time.
    """

    capabilities: Capabilities

    def describe(self) -> Sequence[NativeObject]:
        """Return the objects and fields that the CRM has and we may see."""
        raise NotImplementedError

    def read(self, request: ReadRequest) -> Iterator[Page]:
        """Yield pages of records; complete, each record once (the newest where it changed while we read), any order."""
        raise NotImplementedError

    def ids(self, object: str, key: tuple[str, ...]) -> Iterator[pa.Table]:
        """Yield the keys of every record that exists now (to notice deletions)."""
        raise NotImplementedError

    def deleted(self, object: str, key: tuple[str, ...], since: datetime) -> Iterator[pa.Table]:
        """With ``deletes="feed"``: yield the keys of records deleted at or after *since*."""
        raise NotImplementedError

    def current(self, wanted: Sequence[NativeWrite]) -> Sequence[str | None]:
        """Return what stands in the CRM at these places now, in the same order.

        With ``conflict`` token or etag the connector remembers the tokens of these records for the
        :meth:`write` that follows.
        """
        raise NotImplementedError

    def write(self, writes: Sequence[NativeWrite]) -> Sequence[NativeReceipt]:
        """Execute a batch (at most ``capabilities.batch``); answer each, in order, never raise for one.

        A write whose answer was lost is ``unknown``; one that the CRM refused for being stale is ``stale``.
        """
        raise NotImplementedError

    def count(self, object: str) -> int | None:
        """Return how many records there are, None where the CRM does not say cheaply."""
        return None

    def estimate(self, request: ReadRequest, records: int) -> Usage:
        """Return what reading *records* records by *request* will cost; ``since`` tells a first from a nightly run."""
        return Usage()

    def usage(self) -> Usage:
        """Return what this connection has cost until now."""
        return Usage()

    def clock(self) -> datetime | None:
        """Return the CRM's own time (UTC) as its last answer told it, None where it tells none."""
        return None

    def check(self, targets: Sequence[WriteTarget] = ()) -> Sequence[Check]:
        """Return what only the connector can tell about its login, permissions, region, quotas and *targets*.

        That the fields of *targets* exist, are writable and long enough is checked by the core, from
        :meth:`describe`. Never raises for what it is there to report.
        """
        return ()

    def create(self, target: WriteTarget) -> None:
        """Make the field or tag that is missing. Raises ConnectorError where the CRM can't or we may not."""
        raise ConnectorError(
            Problem(
                "cant-create", f"{target.kind} '{target.name}' of {target.object} has to be made by hand in the CRM"
            )
        )

    def close(self) -> None:
        """Release whatever is held."""
        return


@dataclass(frozen=True, kw_only=True)
class Home:
    """Where a profile lives on this machine."""

    folder: Path  # relative paths in settings start here
    state: Path  # private to the profile: token caches, downloads being read; made when first used


@dataclass(frozen=True, kw_only=True)
class Question:
    """Something ``crmrules init`` asks the admin, to fill a setting."""

    setting: str
    text: Text
    choices: tuple[str, ...] = ()
    default: str = ""
    secret: bool = False  # kept in a file that only its owner may read; the profile refers to it
    lasting: bool = True  # False: only `finish` needs it (a grant code); it is stored nowhere


@dataclass(frozen=True, kw_only=True)
class ConnectorPlugin:
    """What a plugin registers: a name, its settings' JSON Schema, and how to open it.

    ``open`` is called with the checked settings and the profile's :class:`Home`; secrets have been
    resolved. ``finish`` turns the answers to ``questions`` into settings where that takes a call
    (a grant code becomes a refresh token); it may raise ConnectorError.
    """

    name: str
    label: str
    settings_schema: Mapping[str, Any]
    open: Callable[[Mapping[str, Any], Home], Connector]
    default_mapping: Mapping[str, Any] = field(default_factory=dict)  # a mapping-v1 document
    guide: Text = Text()  # how to get the credentials, step by step; shown by `init`
    questions: tuple[Question, ...] = ()
    finish: Callable[[Mapping[str, str], Home], Mapping[str, str]] | None = None
