"""The state of one simulated org, and what every part of it may ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from ..clock import Clock
from .schema import Field, Module
from .standard import ROLES, parse_field, standard_modules
from .store import Row, Table

_UTC = ZoneInfo("UTC")
_FIRST_ID = 4_150_868_000_100_000_000


@dataclass(frozen=True, kw_only=True)
class User:
    id: int
    name: str
    email: str
    active: bool = True

    @property
    def brief(self) -> dict[str, str]:
        return {"name": self.name, "id": str(self.id)}

    @property
    def short(self) -> dict[str, str]:
        return {**self.brief, "email": self.email}


@dataclass(kw_only=True)
class Tag:
    id: int
    name: str
    color: str | None
    created: int
    modified: int
    by: int

    @property
    def short(self) -> dict[str, Any]:
        return {"name": self.name, "id": str(self.id), "color_code": self.color}


@dataclass(frozen=True, kw_only=True)
class Ran:
    """An automation that a write set off: `kind` is workflow, approval, blueprint, pathfinder or orchestration."""

    kind: str
    module: str
    record_id: str
    action: str  # create, edit, delete


@dataclass(kw_only=True)
class Behaviour:
    """What Zoho's documents leave open, as switches; the defaults are what a careful client must stand."""

    unknown_tag_name: str = "refuse"  # add_tags by a name that isn't there: refuse, or create
    tags_bump_modified: bool = False  # whether tagging moves Modified_Time
    roles_bump_modified: bool = True  # whether a contact role moves the deal's Modified_Time
    not_added_tags: bool = True  # whether the answer is the newest one, which names the tags that did not fit
    zulu: bool = False  # times as 2026-11-20T01:30:00Z instead of in the org's zone
    throttle_status: int = 200  # of the token endpoint's "too many requests" body: 200 or 400
    too_many_records: str = "LIMIT_EXCEEDED"  # or INVALID_DATA, for more than 100 records
    participants_in_lists: int = 2  # a list shows that many of an event's participants
    bulk_states: tuple[str, ...] = ("ADDED", "QUEUED", "IN PROGRESS", "COMPLETED")  # one further at each look
    bulk_page: int = 200_000  # rows of one bulk read page
    token_rows: int = 100_000  # rows that page tokens reach
    page_rows: int = 2_000  # rows that page numbers reach


class Crm:
    """Modules, rows, tags, roles, users and what happened."""

    def __init__(self, clock: Clock, *, zone: str, edition: str) -> None:
        self.clock, self.zone, self.zone_name, self.edition = clock, ZoneInfo(zone), zone, edition
        self.modules: dict[str, Module] = standard_modules()
        self.tables: dict[str, Table] = {name: Table() for name in self.modules}
        self.tags: dict[str, dict[int, Tag]] = {}
        self.deal_roles: dict[int, dict[int, int]] = {}  # deal -> contact -> role
        self.users: dict[int, User] = {}
        self.ran: list[Ran] = []
        self.denied: set[tuple[str, str]] = set()  # (module, action) the profile may not do
        self.states: dict[tuple[str, int], str] = {}  # record -> code with which writes are refused
        self.behaviour = Behaviour()
        self._next = _FIRST_ID
        self.org_id, self.currency = str(self.new_id()), "CNY"
        self.roles: dict[int, str] = {self.new_id(): name for name in ROLES}
        self.me = self.add_user("API 集成", "api@crm.example").id
        self.person = self.add_user("王芳", "wang.fang@crm.example").id

    def new_id(self) -> int:
        return self.new_ids(1)

    def new_ids(self, count: int) -> int:
        """The first of *count* ids in a row; later ones are higher."""
        first = self._next + 1
        self._next += count
        return first

    def now(self) -> int:
        """The time in whole seconds: Zoho knows no finer."""
        return int(self.clock.timestamp())

    def time(self, at: int | None) -> str | None:
        """Seconds as Zoho writes them: ISO 8601 with an offset."""
        if at is None:
            return None
        return _iso(_UTC, at).replace("+00:00", "Z") if self.behaviour.zulu else _iso(self.zone, at)

    def add_user(self, name: str, email: str, *, active: bool = True) -> User:
        user = User(id=self.new_id(), name=name, email=email, active=active)
        self.users[user.id] = user
        return user

    def add_module(self, api_name: str, label: str, fields: str) -> Module:
        """A custom module; *fields* in the notation of `standard.py`, the first is its name field."""
        parsed = [parse_field(text) for text in fields.split()]
        module = Module(
            api_name=api_name,
            label=label,
            singular=label,
            label_field=parsed[0].api_name,
            id=self.new_id(),
            custom=True,
        )
        system = "Owner:ownerlookup Created_By:ownerlookup! Modified_By:ownerlookup! Created_Time:datetime! Modified_Time:datetime! Tag:tags"
        module.add(*parsed, *(parse_field(text) for text in system.split()))
        self.modules[api_name] = module
        self.tables[api_name] = Table()
        return module

    def add_field(self, module: str, field: Field) -> Field:
        """A custom field; its id is given here."""
        field.custom = True
        self.modules[module].add(field)
        field.id = self.new_id()
        return field

    def title(self, module: str, row: Row) -> str | None:
        """What a lookup to *row* shows."""
        name = row.get(self.modules[module].label_field)
        return None if name is None else str(name)

    def living(self, module: str) -> Iterator[Row]:
        """All rows of a module by id."""
        table = self.tables[module]
        for _, id in table.scan():
            row = table.get(id)
            if row is not None:
                yield row

    def tag_named(self, module: str, name: str) -> Tag | None:
        folded = name.casefold()
        return next((tag for tag in self.tags.get(module, {}).values() if tag.name.casefold() == folded), None)


@lru_cache(maxsize=1 << 16)
def _iso(zone: ZoneInfo, at: int) -> str:
    return datetime.fromtimestamp(at, zone).isoformat()


def seconds(text: str) -> int:
    """An ISO 8601 time with its zone as seconds since 1970; raises ValueError without a zone."""
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if at.tzinfo is None:
        raise ValueError(text)
    return int(at.astimezone(UTC).timestamp())
