"""Records of the org: those that were written, and a million more that are made when somebody looks.

A row is a dict of stored values by field: ids and users are integers, times are seconds since 1970, dates
are ISO texts, tags are tuples of tag ids. ``id``, ``Created_Time`` and ``Modified_Time`` are always there.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sortedcontainers import SortedList

Row = dict[str, Any]
Key = tuple[int, int]  # the value sorted by, then the id
SORTS = ("id", "Created_Time", "Modified_Time")


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Rows made on demand: number *n* of *count* has the id ``first + n`` and was last touched at
    ``start + n // per_second``; `make` is a pure function of n that gives the other values."""

    first: int
    count: int
    start: int
    per_second: int
    make: Callable[[int], Row]
    find: Callable[[str, str], int | None] = lambda name, value: None  # id of the row with this value of a field

    def row(self, number: int) -> Row:
        at = self.start + number // self.per_second
        return {"id": self.first + number, "Created_Time": at, "Modified_Time": at, **self.make(number)}

    def number(self, sort: str, key: Key) -> int:
        """How many of the crowd stand before *key* in ascending order."""
        value, id = key
        if sort == "id":
            place = value - self.first
        else:
            begin = (value - self.start) * self.per_second
            place = min(max(id - self.first, begin), begin + self.per_second)
        return min(max(place, 0), self.count)

    def key(self, sort: str, number: int) -> Key:
        id = self.first + number
        return (id if sort == "id" else self.start + number // self.per_second, id)


@dataclass(kw_only=True)
class Deleted:
    """A row in the recycle bin, or gone for good."""

    row: Row
    name: str
    by: int
    at: int
    permanent: bool = False


@dataclass
class Table:
    """The rows of one module, in three orders."""

    crowd: Crowd | None = None
    rows: dict[int, Row] = field(default_factory=dict)
    deleted: dict[int, Deleted] = field(default_factory=dict)
    orders: dict[str, SortedList] = field(default_factory=lambda: {sort: SortedList() for sort in SORTS})

    def __len__(self) -> int:
        untouched = (
            self.crowd.count - sum(self._in_crowd(id) for id in (*self.rows, *self.deleted)) if self.crowd else 0
        )
        return len(self.rows) + untouched

    def get(self, id: int) -> Row | None:
        """The living row of this id."""
        row = self.rows.get(id)
        if row is None and self.crowd and self._in_crowd(id) and id not in self.deleted:
            return self.crowd.row(id - self.crowd.first)
        return row

    def put(self, row: Row) -> None:
        """Write *row* in place of the one of its id."""
        self._drop(row["id"])
        self.rows[row["id"]] = row
        for sort, order in self.orders.items():
            order.add((row[sort], row["id"]))

    def remove(self, gone: Deleted) -> None:
        """Take a row away and keep what is known of it."""
        self._drop(gone.row["id"])
        self.deleted[gone.row["id"]] = gone

    def restore(self, id: int) -> Row:
        """Take a row out of the recycle bin; raises KeyError when it isn't there."""
        if self.deleted[id].permanent:
            raise KeyError(id)
        row = self.deleted.pop(id).row
        self.put(row)
        return row

    def scan(
        self, sort: str = "id", *, descending: bool = False, after: Key | None = None, since: int | None = None
    ) -> Iterator[Key]:
        """Keys in order, strictly beyond *after*, of rows modified at *since* or later."""
        written = self._written(sort, descending=descending, after=after, since=since)
        if self.crowd is None:
            return written
        return heapq.merge(written, self._crowded(sort, descending, after, since), reverse=descending)

    def _written(self, sort: str, *, descending: bool, after: Key | None, since: int | None) -> Iterator[Key]:
        low = (since, -1) if since is not None and sort == "Modified_Time" else None
        high = None
        inclusive = (True, True)
        if after is not None and descending:
            high, inclusive = after, (True, False)
        elif after is not None:
            low, inclusive = max(after, low) if low else after, (False, True)
        keys = self.orders[sort].irange(low, high, inclusive, reverse=descending)
        if since is None or sort == "Modified_Time":
            return iter(keys)
        return (key for key in keys if self.rows[key[1]]["Modified_Time"] >= since)

    def _crowded(self, sort: str, descending: bool, after: Key | None, since: int | None) -> Iterator[Key]:
        crowd = self.crowd
        assert crowd is not None
        low = 0 if since is None else crowd.number("Modified_Time", (since, 0))
        high = crowd.count
        if after is not None and descending:
            high = crowd.number(sort, after)
        elif after is not None:
            low = max(low, crowd.number(sort, (after[0], after[1] + 1) if sort != "id" else (after[0] + 1, 0)))
        numbers = range(high - 1, low - 1, -1) if descending else range(low, high)
        for number in numbers:
            if (id := crowd.first + number) not in self.rows and id not in self.deleted:
                yield crowd.key(sort, number)

    def _in_crowd(self, id: int) -> bool:
        return self.crowd is not None and 0 <= id - self.crowd.first < self.crowd.count

    def _drop(self, id: int) -> None:
        old = self.rows.pop(id, None)
        if old is not None:
            for sort, order in self.orders.items():
                order.remove((old[sort], id))
