"""COQL: two thousand records a call, by a key that survives many records of one second."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from crmrules_zoho.api import Refused, Zoho
from crmrules_zoho.modules import ID, MODIFIED, Module
from crmrules_zoho.values import header_time, instant

LIMIT = 2_000  # records of one query
_LONG_AGO = "1970-01-01T00:00:00+00:00"

Row = dict[str, Any]


@dataclass(frozen=True)
class Key:
    """The last record that was read: the next one was modified later, or has a larger id."""

    time: str = _LONG_AGO
    id: str = ""  # '' = all of that time are still to come


def price(limit: int) -> int:
    """Return the credits that a query with that limit costs."""
    return 1 if limit <= 200 else 2 if limit <= 1000 else 3


def pages(zoho: Zoho, module: Module, names: Sequence[str], key: Key) -> Iterator[tuple[list[Row], Key]]:
    """Yield the records behind *key* by their modified time, and how far they reach."""
    lookups = {name for name in names if name in module.fields and module.fields[name].refers_to}
    columns = [ID, *dict.fromkeys((MODIFIED, *(n for n in names if n not in (ID, MODIFIED))))]
    selected = ", ".join(f"{name}.id" if name in lookups else name for name in columns)
    while True:
        where = f"{MODIFIED} >= '{key.time}'"
        if key.id:
            where = f"({MODIFIED} > '{key.time}' or ({MODIFIED} = '{key.time}' and id > {key.id}))"
        rows, more = select(
            zoho, f"select {selected} from {module.api_name} where {where} order by {MODIFIED} asc, id asc", LIMIT
        )
        if rows:
            last = rows[-1]
            time = instant(str(last.get(MODIFIED)))
            key = Key(header_time(time) if time else key.time, str(last[ID]))
            yield [_named(row, lookups) for row in rows], key
        if not more or not rows:
            return


def count_since(zoho: Zoho, module: str, time: str) -> int | None:
    """Return how many records were modified at or after *time*, None where no query can tell."""
    try:
        rows, _ = select(zoho, f"select COUNT(id) from {module} where {MODIFIED} >= '{time}'", 200)
    except Refused:
        return None
    numbers = [value for row in rows for value in row.values() if str(value).isdigit()]
    return int(numbers[0]) if numbers else None


def select(zoho: Zoho, query: str, limit: int) -> tuple[list[Row], bool]:
    """Return what *query* finds, and whether there is more."""
    body = zoho.call(
        "POST", "/coql", json={"select_query": f"{query} limit 0, {limit}"}, credits=price(limit), repeatable=True
    ).body
    if body is None:
        return [], False
    return list(body["data"]), bool((body.get("info") or {}).get("more_records"))


def _named(row: Row, lookups: set[str]) -> Row:
    """A lookup comes as ``Name.id``, or as an object."""
    found = {name: value for name, value in row.items() if not name.endswith(".id")}
    for name in lookups:
        if f"{name}.id" in row:
            id = row[f"{name}.id"]
            found[name] = None if id is None else {"id": id}
    return found
