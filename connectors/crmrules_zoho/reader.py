"""Reading a module by the cheapest way there is: lists, queries or bulk exports, begun small and changed when it pays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmrules.contracts.connector import Page, ReadRequest
from crmrules_zoho import bulk, costs, people, query
from crmrules_zoho.api import Refused, Zoho
from crmrules_zoho.listing import Lister, Place, Stuck, start_of
from crmrules_zoho.memory import Memory
from crmrules_zoho.modules import ID, TAGS, Module
from crmrules_zoho.roles import Roles
from crmrules_zoho.shaping import Shaper
from crmrules_zoho.values import instant
from crmrules_zoho.wanted import Wanted

if TYPE_CHECKING:
    import pyarrow as pa

_FULL_LOOK, _PART_LOOK = 2, 5  # pages of a list after which another way is thought of
_ROLES_AT_ONCE = 500  # deals of an export whose roles are asked for before they are handed on
_NO_QUERIES = (
    "INVALID_QUERY",
    "SYNTAX_ERROR",
    "INVALID_MODULE",
    "OAUTH_SCOPE_MISMATCH",
    "NO_PERMISSION",
    "LIMIT_EXCEEDED",
)


@dataclass
class Reader:
    """Reads the records of modules; what it learns of one helps with the next."""

    zoho: Zoho
    memory: Memory
    folder: Path  # of exports being read
    accounts: people.Accounts
    roles: Roles

    def read(self, module: Module, request: ReadRequest) -> Iterator[Page]:
        """Yield the records of *module*, children along with them, from the request's cursor on."""
        reading = _Reading(self, Wanted(module, request))
        if request.most is not None:
            yield from reading.sample(request.most)
            return
        if reading.since and reading.wanted.tags and not request.after and self._sweep_due(module.api_name):
            yield from self._all_tags(module, reading.wanted.tags)
        yield from reading.from_cursor(_cursor(request.after))
        if not reading.since and reading.wanted.tags:
            self._swept(module.api_name)

    def _all_tags(self, module: Module, tags: ReadRequest) -> Iterator[Page]:
        """Yield the tags of all records: tagging may leave a record's modified time as it was."""
        everything = ReadRequest(object=module.api_name, fields=(ID,), key=(ID,), children=(tags,))
        for page in _Reading(self, Wanted(module, everything)).from_cursor({}):
            if page.object == TAGS:
                yield page
        self._swept(module.api_name)

    def _sweep_due(self, module: str) -> bool:
        last = instant(self.memory.get(f"tags swept {module}"))
        age = datetime.now(UTC) - last if last else timedelta.max
        return not timedelta() <= age < timedelta(hours=self.zoho.settings.tag_sweep_hours)

    def _swept(self, module: str) -> None:
        self.memory.put(f"tags swept {module}", datetime.now(UTC).isoformat())

    def count(self, module: str) -> int | None:
        """Return how many records there are, None where Zoho does not say."""
        try:
            body = self.zoho.get(f"/{module}/actions/count").body
        except Refused:
            return None
        said = str((body or {}).get("count"))
        return int(said) if said.isdigit() else None


@dataclass
class _Reading:
    reader: Reader
    wanted: Wanted
    total: int | None = None  # records that there will be, once somebody has asked

    def __post_init__(self) -> None:
        reader, module = self.reader, self.wanted.module
        self.zoho, self.since = reader.zoho, self.wanted.request.since
        if not module.has_modified:
            self.since = None
        self.shaper = Shaper(self.wanted, reader.memory, reader.accounts, reader.roles)
        self.lister = Lister(
            self.zoho, module.api_name, self.wanted.groups, sorted_by_time=module.has_modified,
            params={"converted": "both"} if module.api_name == "Leads" else {},
        )  # fmt: skip
        self.in_bulk = self.wanted.in_bulk and self.zoho.settings.bulk == "auto"

    def sample(self, most: int) -> Iterator[Page]:
        for rows, _ in self.lister.pages(start_of(self.since)):
            rows = self._whole_people(rows[:most])
            yield from self.shaper.of_rows(rows)
            most -= len(rows)
            if most <= 0:
                return

    def from_cursor(self, cursor: dict[str, Any]) -> Iterator[Page]:
        match cursor.get("by"):
            case "bulk":
                jobs = [str(id) for id in cursor["jobs"]]
                exports = bulk.Exports.of(
                    self.zoho, self.reader.memory, self.reader.folder, self.wanted, self.since, jobs
                )
                yield from self._exported(exports, None, int(cursor["page"]), int(cursor["row"]))
            case "query":
                yield from self._queried(query.Key(str(cursor["time"]), str(cursor["id"])), start_of(self.since))
            case "list":
                yield from self._listed(Place.of(cursor["place"]), look=0)
            case _:
                yield from self._listed(start_of(self.since), look=_PART_LOOK if self.since else _FULL_LOOK)

    def _listed(self, place: Place, look: int) -> Iterator[Page]:
        """Read lists; behind page *look* (0: never) think of another way. What changes hands then is not read twice."""
        number = 0
        try:
            for rows, behind in self.lister.pages(place):
                number += 1
                said = behind.as_json()
                cursor = _as_cursor(by="list", place=said) if said is not None else ""
                yield from self.shaper.of_rows(self._whole_people(rows), cursor)
                place = behind
                if place.more and self.wanted.in_queries and number == min(look, _FULL_LOOK):
                    # A query gives ten pages at the price of three.
                    if not self.since and self._bulk_pays(place):
                        break
                    yield from self._queried(query.Key(place.last), place)
                    return
                if place.more and number == look and self._bulk_pays(place):
                    break
            else:
                return
        except Stuck:
            if not self.in_bulk:
                raise
        yield from self._in_bulk(place)

    def _bulk_pays(self, place: Place) -> bool:
        if not self.in_bulk or not place.last:
            return False
        if self.since:
            rest = query.count_since(self.zoho, self.wanted.module.api_name, place.last)
        else:
            rest = self.reader.count(self.wanted.module.api_name)
        if rest is None:
            return False
        self.total = rest
        other = costs.by_query(rest) if self.wanted.in_queries else costs.by_list(rest, len(self.wanted.groups))
        return costs.by_bulk(rest) < other

    def _in_bulk(self, place: Place) -> Iterator[Page]:
        # Of a part, what was not listed yet; of everything, everything: a criterion would cost no less.
        since = instant(place.last) if self.since else None
        if since:
            self.wanted = replace(self.wanted, request=replace(self.wanted.request, since=since))
        memory, folder = self.reader.memory, self.reader.folder
        exports = bulk.Exports.begin(self.zoho, memory, folder, self.wanted, since, self.total)
        yield from self._exported(exports, self.total, 0, 0)

    def _exported(self, exports: bulk.Exports, total: int | None, page: int, row: int) -> Iterator[Page]:
        known: list[str] = []
        if self.wanted.tags:
            body = self.zoho.get("/settings/tags", {"module": self.wanted.module.api_name}).body
            known = [str(tag["name"]) for tag in (body or {}).get("tags", ())]
        for table, at_page, at_row in exports.tables(page, row):
            for part, behind in _in_parts(table, _ROLES_AT_ONCE if self.wanted.roles else table.num_rows):
                place = at_row - table.num_rows + behind
                cursor = _as_cursor(by="bulk", jobs=exports.jobs, page=at_page, row=place)
                yield from self.shaper.of_csv(
                    part, bulk.split_tags(part, known) if self.wanted.tags else [], cursor, total
                )

    def _queried(self, key: query.Key, place: Place) -> Iterator[Page]:
        """Read on by queries; where the org has none, by lists from *place* on."""
        try:
            for rows, behind in query.pages(self.zoho, self.wanted.module, self.wanted.names, key):
                yield from self.shaper.of_rows(
                    place.without_seen(rows), _as_cursor(by="query", time=behind.time, id=behind.id)
                )
                key = behind
        except Refused as error:
            if error.code not in _NO_QUERIES:
                raise
            start = place if not key.id else Place(start=key.time, last=key.time)
            yield from self._listed(start, look=0)

    def _whole_people(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Ask for the activities of which a list gave only some participants."""
        if not self.wanted.people:
            return rows
        found: list[dict[str, Any]] = []
        for row in rows:
            found += self.lister.whole(str(row["id"])) if people.is_cut(row) else [row]
        return found


def _in_parts(table: pa.Table, size: int) -> Iterator[tuple[pa.Table, int]]:
    for start in range(0, table.num_rows, max(1, size)):
        part = table.slice(start, size)
        yield part, start + part.num_rows


def _as_cursor(**said: Any) -> str:
    return json.dumps(said, separators=(",", ":"))


def _cursor(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text) if text else {}
    except ValueError:
        said = {}
    return said if isinstance(said, dict) else {}
