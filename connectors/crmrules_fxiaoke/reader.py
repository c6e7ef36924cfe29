"""Reading: pages behind the last `_id`, within a window of time fixed at the start; ids; one record, many records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from crmrules.contracts.connector import Page, ReadRequest
from crmrules.errors import ConnectorError, Location, Problem
from crmrules_fxiaoke import paths
from crmrules_fxiaoke.api import Api
from crmrules_fxiaoke.describe import DELETED, ID, MODIFIED, STATUS, Metadata, link, link_fields
from crmrules_fxiaoke.values import column, ms

if TYPE_CHECKING:
    import pyarrow as pa

Record = Mapping[str, Any]
PAGE = 100
_SECOND = timedelta(seconds=1)  # to which the CRM tells its time


@dataclass(frozen=True, kw_only=True)
class Window:
    """Milliseconds between which records were modified; ``to`` None until the first answer told the CRM's time."""

    since: int
    to: int | None = None

    def filter(self) -> dict[str, Any]:
        if self.to is None:
            return filter_(MODIFIED, "GTE", str(self.since))
        return filter_(MODIFIED, "BETWEEN", str(self.since), str(self.to))


@dataclass
class Records:
    """Records of the tenant, read page by page or by their ids."""

    api: Api
    metadata: Metadata
    zone: ZoneInfo
    _alive: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def query(
        self, object: str, fields: Sequence[str], filters: Sequence[Mapping[str, Any]] = (), *, limit: int = PAGE,
        order: str = ID, counted: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Ask one query; return its `data`. Fields that the tenant does not have are not asked for."""
        there = self.metadata.fields(object)
        names = dict.fromkeys((ID, *(f for f in fields if f in there), *(f for f in (STATUS, DELETED) if f in there)))
        info = {
            "limit": limit, "offset": 0, "filters": list(filters), "orders": [{"fieldName": order, "isAsc": True}],
            "fieldProjection": list(names),
        }  # fmt: skip
        data: dict[str, Any] = {"dataObjectApiName": object, "search_query_info": info}
        if not counted:
            data["find_explicit_total_num"] = False
        said = self.api.read(paths.data(object, "query"), {"data": data}).get("data")
        if not isinstance(said, dict) or not isinstance(said.get("dataList", []), list):
            raise ConnectorError(Problem("bad-answer", "the query's answer has no dataList", Location(object)))
        return said

    def walk(
        self, object: str, fields: Sequence[str], *, window: Window | None = None, behind: str = "", most: int | None = None,
        filters: Sequence[Mapping[str, Any]] = (),
    ) -> Iterator[tuple[list[Record], str, Window | None]]:  # fmt: skip
        """Yield (records, last id, window) page by page in the order of ids; the last id is '' on the last page.

        Invalidated records are among them. Raises ConnectorError where pages don't advance.
        """
        left, before = most, set[str]()
        while True:
            limit = min(PAGE, left or PAGE)
            asked = [*filters]
            if window:
                asked.append(window.filter())
            if behind:
                asked.append(filter_(ID, "GT", behind))
            rows: list[Record] = self.query(object, fields, asked, limit=limit).get("dataList") or []
            if window and window.to is None and self.api.date:
                window = Window(since=window.since, to=ms(self.api.date + _SECOND))
            ids = [str(r[ID]) for r in rows]
            if before & set(ids) or any(_backwards(a, b) for a, b in pairwise([behind, *ids])):
                raise ConnectorError(
                    Problem(
                        "paging", "the CRM does not page by _id as it should, so records could be missed", Location(object),
                        hint="report this with the CRM's cloud; nothing was stored",
                    )
                )  # fmt: skip
            left = None if left is None else left - len(rows)
            last = len(rows) < limit or left == 0
            yield rows, "" if last else ids[-1], window
            if last:
                return
            behind, before = ids[-1], set(ids)

    def by_id(self, object: str, ids: Sequence[str], fields: Sequence[str] = ()) -> dict[str, Record]:
        """Return records by id, all fields where none are named; those that are invalid or gone are left out."""
        wanted, found = list(dict.fromkeys(ids)), dict[str, Record]()
        names = fields or [f.name for f in self.metadata.fields(object).values()]
        for start in range(0, len(wanted), PAGE):
            some = wanted[start : start + PAGE]
            rows = self.query(object, names, [filter_(ID, "IN", *some)]).get("dataList") or []
            found.update({str(r[ID]): r for r in rows if is_live(r)})
        return found

    def get(self, object: str, id: str) -> Record:
        """Return one record with all its fields, as it is this moment. Raises Refused where it is not there."""
        said = self.api.read(paths.data(object, "get"), {"data": {"dataObjectApiName": object, "objectDataId": id}})
        record = said.get("data")
        if not isinstance(record, dict):
            raise ConnectorError(Problem("bad-answer", "the record's answer has no data", Location(f"{object} {id}")))
        return record

    def table(self, object: str, records: Sequence[Record], names: Sequence[str]) -> pa.Table:
        """Return *records* as a page's rows with just the columns *names*."""
        import pyarrow as pa

        return pa.table({name: self._column(object, records, name) for name in names})

    def base(self, object: str, names: Sequence[str]) -> list[str]:
        """Return the fields to ask for so that the columns *names* can be made."""
        there = self.metadata.fields(object)
        asked: dict[str, None] = {}
        for name in names:
            if name in there:
                asked[name] = None
            elif name.partition(".")[2]:
                asked.update(dict.fromkeys(link_fields(there)))
            elif name.endswith("__r"):
                asked[name[:-3]] = None
        return list(asked)

    def _column(self, object: str, records: Sequence[Record], name: str) -> pa.Array:
        info = self.metadata.info(object, name)
        value = _value_of(name, info is not None and name in self.metadata.fields(object), self._labels(object, name))
        return column(info.kind if info else "text", [value(r) for r in records], self.zone)

    def _labels(self, object: str, name: str) -> Mapping[str, str]:
        base = self.metadata.fields(object).get(name.removesuffix("__r"))
        return base.labels if base else {}


def read(records: Records, request: ReadRequest, along: Callable[[Sequence[Record]], Iterator[Page]],
         own: Sequence[str] = (), skip: Callable[[Record], bool] = lambda _: False) -> Iterator[Page]:  # fmt: skip
    """Yield the pages of a request, each behind the pages of what came *along* with its records.

    *own* are further fields that *along* and *skip* need; records that *skip* names are left out.
    """
    object = request.object
    if object not in records.metadata.listed:
        return  # the tenant does not have it; doctor says so
    names = list(dict.fromkeys(request.fields))
    fields = records.base(object, [*names, *request.key, *own])
    window, behind = _begin(request)
    pages = records.walk(object, fields, window=window, behind=behind, most=request.most)
    for rows, last, at in pages:
        live = [r for r in rows if is_live(r) and not skip(r)]
        dead = [r for r in rows if not is_live(r)]
        yield from along(live)
        yield Page(
            rows=records.table(object, live, names), source=object, cursor=_cursor(at, last) if last else "",
            gone=records.table(object, dead, list(request.key)) if dead and request.since else None,
        )  # fmt: skip


def ids(records: Records, object: str, key: Sequence[str]) -> Iterator[pa.Table]:
    """Yield the keys of every record that is not invalid."""
    if object in records.metadata.listed:
        for rows, _, _ in records.walk(object, records.base(object, key)):
            yield records.table(object, [r for r in rows if is_live(r)], list(key))


def _backwards(first: str, second: str) -> bool:
    """Whether ids are not ascending; how those of different lengths (legacy records) are ordered is the CRM's affair."""
    return len(first) == len(second) and first >= second


def is_live(record: Record) -> bool:
    """Whether a record is neither invalidated (作废) nor deleted; queries may return both."""
    return record.get(STATUS) != "invalid" and record.get(DELETED) not in (True, "true")


def filter_(field: str, operator: str, *values: str) -> dict[str, Any]:
    """Return a filter of a query; values are texts, times too."""
    return {"field_name": field, "operator": operator, "field_values": list(values)}


def _begin(request: ReadRequest) -> tuple[Window | None, str]:
    window = Window(since=ms(request.since)) if request.since else None
    if not request.after:
        return window, ""
    to, _, behind = request.after.partition("|")
    if window and to:
        window = Window(since=window.since, to=int(to))
    return window, behind


def _cursor(window: Window | None, last: str) -> str:
    return f"{window.to if window and window.to is not None else ''}|{last}"


def _value_of(name: str, own: bool, labels: Mapping[str, str]) -> Callable[[Record], Any]:
    if own:
        return lambda r: r.get(name)
    target = name.partition(".")[2]
    if target:
        return lambda r: link(r, target)
    return lambda r: named(r, name, labels)


def named(record: Record, name: str, labels: Mapping[str, str]) -> Any:
    """Return what a companion says; where the CRM sends none, the label of the option."""
    said = record.get(name)
    if said not in (None, ""):
        return said
    value = record.get(name.removesuffix("__r"))
    if isinstance(value, list):
        return [labels.get(str(v), str(v)) for v in value] if labels else None
    return labels.get(str(value)) if value is not None else None
