"""What the contract suite needs to know of a CRM, and to do in it behind the connector's back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from crmrules.contracts.connector import Connector
from crmrules.model.objects import FieldType

Fault = Literal[
    "busy",  # 503
    "html",  # a page for people instead of an answer, with status 502
    "throttled",  # too many calls, and it says when to come back (a second)
    "throttled-silently",  # too many calls, and it does not say
    "slow",  # the answer comes after the connector's read timeout (which `connect()` sets short)
    "lost-call",  # the connection breaks before the CRM has read the call
    "lost-answer",  # the CRM did it; the connection breaks before it says so
    "expired-token",  # the login is no longer accepted
]


@dataclass(frozen=True, kw_only=True)
class Names:
    """Native names that the suite uses. ``object`` is one whose records people create, edit, tag and annotate."""

    object: str
    key: str  # its key column
    name: str  # a text field that people fill
    text: str  # a text field that is empty at first and that we may write
    modified: str = ""  # its modified time; '' where there is none
    fields: Mapping[FieldType, str] = field(default_factory=dict)  # a field that we may write, per type
    read_only: str = ""  # a field that nobody may write
    tags: str = "Tags"  # native object of the tags; '' where they can't be read
    notes: str = "Notes"  # native object of the notes; '' where they can't be read


class World(ABC):
    """A CRM as its people use it. Every test gets a fresh one, empty but for what it needs to live."""

    names: Names
    faults: frozenset[Fault] = frozenset()  # those that `fault` can bring about
    most_records: int = 450  # what a test may create; enough to pass every paging limit of the CRM

    @abstractmethod
    def connect(self) -> Connector:
        """Open a new connection, as another process would."""

    @abstractmethod
    def create(self, rows: Sequence[Mapping[str, str]]) -> list[str]:
        """Create records of ``names.object`` (native field -> text) as a person would; return their ids."""

    @abstractmethod
    def edit(self, id: str, values: Mapping[str, str | None]) -> None:
        """Change fields as a person would."""

    @abstractmethod
    def remove(self, id: str) -> None:
        """Delete a record as a person would."""

    @abstractmethod
    def values(self, id: str) -> Mapping[str, str | None]:
        """Return a record's fields as the CRM has stored them, as text; empty ones are None or absent."""

    @abstractmethod
    def tags(self, id: str) -> set[str]:
        """Return the names of a record's tags."""

    @abstractmethod
    def tag(self, id: str, name: str) -> None:
        """Add a tag as a person would."""

    @abstractmethod
    def notes(self, id: str) -> list[tuple[str, str]]:
        """Return (title, body) of a record's notes, as the connector's ``read`` would spell them, sorted."""

    @abstractmethod
    def annotate(self, id: str, title: str, body: str) -> None:
        """Write a note as a person would."""

    @abstractmethod
    def pass_time(self, seconds: float) -> None:
        """Let time pass: move the CRM's clock, or wait."""

    def fault(self, fault: Fault, *, times: int = 1, writes: bool = False, skip: int = 0) -> None:
        """Bring *fault* about in the next *times* calls that read (or write), after *skip* good ones."""
        raise NotImplementedError

    def calls(self) -> int:
        """Return how many calls the CRM has got from all connections, those for a login not counted; -1: unknown."""
        return -1

    def logins(self) -> int:
        """Return how many tokens or sessions the CRM has given out; -1: unknown."""
        return -1

    def workflows(self) -> int:
        """Return how many of the CRM's own automations our writes have started."""
        return 0
