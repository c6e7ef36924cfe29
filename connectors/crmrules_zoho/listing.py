"""Lists: page after page by token, a new window where a query ends, groups of fields joined by id.

Sorted by the modified time, so a record that changes while we read comes again at the end, and
none is skipped. `If-Modified-Since` is inclusive with a grain of a second: a new window begins at
the last second that was seen and leaves out what was seen of it. (A record that changes twice in
one second, and is read in between, is caught by the next run: that one asks for more than the rest.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from crmrules.errors import ConnectorError, Location, Problem
from crmrules_zoho.api import Refused, Zoho
from crmrules_zoho.modules import MODIFIED
from crmrules_zoho.values import header_time, instant

PAGE = 200  # records of a list
WINDOW = 100_000  # records that one query gives
_MOST_SEEN = 2_000  # ids of one second that a cursor carries
_ANEW = frozenset(
    {"EXPIRED_VALUE", "TOKEN_BOUND_DATA_MISMATCH", "PAGINATION_LIMIT_EXCEEDED", "DISCRETE_PAGINATION_LIMIT_EXCEEDED"}
)

Row = dict[str, Any]


class Stuck(ConnectorError):
    """More records of one second than a list gives; another way of reading has to be taken."""


@dataclass(frozen=True)
class Place:
    """How far a list was read. Texts and lists only, so that it can be kept."""

    start: str = ""  # modified at or after, of the present window; '' from the beginning
    tokens: tuple[str, ...] = ()  # of the next page, per group; none: the window begins
    count: int = 0  # records of the present window
    last: str = ""  # newest modified time seen, UTC
    seen: tuple[str, ...] = ()  # ids seen of that second
    more: bool = True
    whole: bool = True  # nothing waits for its other groups

    def as_json(self) -> list[Any] | None:
        """Return what a cursor holds, None where nobody could go on from here."""
        if not self.whole or len(self.seen) > _MOST_SEEN:
            return None
        return [self.start, list(self.tokens), self.count, self.last, list(self.seen)]

    def without_seen(self, rows: list[Row]) -> list[Row]:
        """Return *rows* without those of the last second that were seen."""
        seen, last = set(self.seen), instant(self.last)
        return [row for row in rows if str(row["id"]) not in seen or instant(row.get(MODIFIED)) != last]

    @classmethod
    def of(cls, said: list[Any]) -> Place:
        return cls(str(said[0]), tuple(said[1]), int(said[2]), str(said[3]), tuple(said[4]))


@dataclass
class Lister:
    """Reads one module's list from a place on."""

    zoho: Zoho
    module: str
    groups: tuple[tuple[str, ...], ...]
    sorted_by_time: bool = True
    params: Mapping[str, str] = field(default_factory=dict)
    _waiting: dict[str, dict[int, Row]] = field(default_factory=dict)

    def pages(self, place: Place) -> Iterator[tuple[list[Row], Place]]:
        """Yield records and the place behind them. Raises Stuck."""
        while place.more:
            try:
                rows, place = self._page(place)
            except Refused as error:
                if error.code not in _ANEW or not place.tokens:
                    raise
                place = self._anew(place)
                continue
            yield rows, place
            if place.more and (not place.tokens or place.count >= WINDOW):
                place = self._anew(place)

    def _page(self, place: Place) -> tuple[list[Row], Place]:
        asked = [self._ask(names, place, number) for number, names in enumerate(self.groups)]
        for number, (rows, _, _) in enumerate(asked):
            for row in rows:
                self._waiting.setdefault(str(row["id"]), {})[number] = row
        more = any(more for _, _, more in asked)
        tokens = tuple(token for _, token, _ in asked)
        if any(more and not token for _, token, more in asked):
            tokens = ()
        rows = self._joined(final=not more or not tokens)
        if not place.tokens:
            rows = place.without_seen(rows)
        count = place.count + max(len(rows) for rows, _, _ in asked)
        place = replace(place, tokens=tokens, count=count, more=more, whole=not self._waiting)
        return rows, self._behind(rows, place)

    def _ask(self, names: tuple[str, ...], place: Place, group: int) -> tuple[list[Row], str, bool]:
        """Return a page of a group of fields, the token of the next one, and whether there is one."""
        params = {
            **self.params, "fields": ",".join(names), "per_page": str(PAGE),
            "sort_by": MODIFIED if self.sorted_by_time else "id", "sort_order": "asc",
        }  # fmt: skip
        if place.tokens:
            if not place.tokens[group]:
                return [], "", False
            params["page_token"] = place.tokens[group]
        headers = {"If-Modified-Since": place.start} if place.start else {}
        body = self.zoho.get(f"/{self.module}", params, headers=headers).body
        if body is None:  # 204: nothing there, 304: nothing changed
            return [], "", False
        info = body.get("info") or {}
        more = bool(info.get("more_records"))
        return list(body["data"]), str(info.get("next_page_token") or "") if more else "", more

    def _joined(self, *, final: bool) -> list[Row]:
        """Return the records of which all groups agree; *final*: the others too, asked for one by one."""
        done: list[Row] = []
        for id in list(self._waiting):
            parts = self._waiting[id]
            complete = len(parts) == len(self.groups)
            if complete and len({part.get(MODIFIED) for part in parts.values()}) == 1:
                done.append({key: value for _, part in sorted(parts.items()) for key, value in part.items()})
            elif complete or final:  # it changed between the calls
                done += self.whole(id)
            else:
                continue
            del self._waiting[id]
        return done

    def whole(self, id: str) -> list[Row]:
        """Return a record with all its fields, none where it has gone meanwhile."""
        try:
            body = self.zoho.get(f"/{self.module}/{id}").body
        except Refused as error:
            if error.code == "INVALID_DATA":
                return []
            raise
        return list(body["data"]) if body else []

    def _behind(self, rows: list[Row], place: Place) -> Place:
        """Return *place* with the newest second seen, and the ids seen of it."""
        times = [(time, str(row["id"])) for row in rows if (time := instant(row.get(MODIFIED)))]
        if not times:
            return place
        last, before = max(times)[0], instant(place.last)
        if before and last < before:
            return place
        seen = {id for time, id in times if time == last} | (set(place.seen) if before == last else set())
        return replace(place, last=header_time(last), seen=tuple(sorted(seen)))

    def _anew(self, place: Place) -> Place:
        """Return the beginning of the next window."""
        if not self.sorted_by_time or not place.last or place.last == place.start:
            raise Stuck(
                Problem(
                    "too-many-at-once",
                    f"more than {WINDOW:,} records of '{self.module}' were modified in one second ({place.last or 'unknown'})",
                    Location(self.module), hint="allow bulk exports: setting `bulk: auto`",
                )
            )  # fmt: skip
        self._waiting.clear()
        return Place(start=place.last, last=place.last, seen=place.seen)


def start_of(since: datetime | None) -> Place:
    """Return the place where a list begins."""
    return Place(start=header_time(since.astimezone(UTC))) if since else Place()
