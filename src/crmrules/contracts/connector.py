"""What a connector is: facts about itself as data, three calls, nothing else.

A connector speaks its CRM's own (native) names; the mapping translates. It imports
``crmrules.contracts``, ``crmrules.model``, ``crmrules.errors`` and ``crmrules.http`` only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from crmrules.model.changes import Kind, Result
from crmrules.model.objects import FieldType

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What the CRM can and can't do; the core plans with it."""

    since: Literal["microsecond", "second", "minute", "none"] = "none"  # grain of modified times
    deletes: Literal["feed", "difference", "none"] = "difference"
    tags: Literal["many", "list", "none"] = "many"
    tag_bumps_modified: bool = False
    notes: Literal["plain", "html", "markdown", "none"] = "plain"
    unknown_field: Literal["error", "silent"] = "error"
    batch: int = 100  # writes per call
    conflict: Literal["token", "compare", "none"] = "compare"  # how a stale write is noticed


@dataclass(frozen=True, kw_only=True)
class NativeField:
    """A field as the CRM has it; ``type`` None where the CRM does not say (a CSV)."""

    name: str
    type: FieldType | None = None
    choices: tuple[str, ...] = ()
    writable: bool = True


@dataclass(frozen=True, kw_only=True)
class NativeObject:
    name: str
    fields: tuple[NativeField, ...]


@dataclass(frozen=True, kw_only=True)
class ReadRequest:
    """Ask for records; only ``fields`` are wanted (others must not be returned)."""

    object: str  # native name
    fields: tuple[str, ...]
    key: tuple[str, ...]  # native names of the key columns
    since: datetime | None = None  # records modified at or after; None reads all
    modified_field: str = ""  # native name of the modified time, '' where there is none


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some records, columns named natively. Text columns may hold what a CSV held; the snapshot
    casts and complains. ``places`` tells where each row stands (file:line) for error messages."""

    rows: pa.Table
    source: str = ""  # file or endpoint
    first_row: int = 0  # number of the first row in the source, where rows are numbered
    total: int | None = None  # how many there will be in all, for a progress bar


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
    """An open connection to one CRM."""

    capabilities: Capabilities

    def describe(self) -> Sequence[NativeObject]:
        """Return the objects and fields that the CRM has and we may see."""

    def read(self, request: ReadRequest) -> Iterator[Page]:
        """Yield pages of records; complete, each record once, any order."""

    def ids(self, object: str, key: tuple[str, ...]) -> Iterator[pa.Table]:
        """Yield the keys of every record that exists now (to notice deletions)."""

    def current(self, wanted: Sequence[NativeWrite]) -> Sequence[str | None]:
        """Return what stands in the CRM at these places now, in the same order."""

    def write(self, writes: Sequence[NativeWrite]) -> Sequence[NativeReceipt]:
        """Execute a batch (at most ``capabilities.batch``); answer each, in order, never raise for one."""

    def close(self) -> None:
        """Release whatever is held."""


@dataclass(frozen=True, kw_only=True)
class ConnectorPlugin:
    """What a plugin registers: a name, its settings' JSON Schema, and how to open it.

    ``open`` is called with the checked settings and the profile's folder (relative paths start
    there); secrets have been resolved.
    """

    name: str
    label: str
    settings_schema: Mapping[str, Any]
    open: Any  # Callable[[Mapping[str, Any], Path], Connector]; Any keeps import-time light
    default_mapping: Mapping[str, Any] = field(default_factory=dict)  # a mapping-v1 document
