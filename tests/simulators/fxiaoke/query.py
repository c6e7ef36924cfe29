"""`data/query`: filters, order, pages and totals, with the limits that the vendor sets them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

from .fields import NUMBERS, TIMES, FieldDef, ObjectDef
from .refusals import Refusal, missing
from .store import Record, Store
from .switches import Switches

MOST, FARTHEST = 100, 10_000
_ONE = frozenset({"EQ", "N", "GT", "GTE", "LT", "LTE", "LIKE", "NLIKE", "STARTWITH", "ENDWITH"})
_TWO = frozenset({"BETWEEN", "NBETWEEN"})
_MANY = frozenset({"IN", "NIN", "HASANYOF", "NHASANYOF", "CONTAINS"})
_NONE = frozenset({"IS", "ISN"})
_NOT_CUSTOM = frozenset({"HASANYOF", "NHASANYOF"})


def query(store: Store, switches: Switches, there: ObjectDef, data: Mapping[str, Any], nulls: bool) -> Record:
    """Answer one query. Raises Refusal."""
    info = data.get("search_query_info")
    if not isinstance(info, dict):
        raise missing("search_query_info")
    limit, offset = _page(info)
    tests = [_test(there, said, switches) for said in _list(info, "filters")]
    projection = _list(info, "fieldProjection")
    if switches.strict_projection and (unknown := [p for p in projection if p not in there.fields]):
        raise Refusal(32000, f"字段{unknown}不存在")
    orders, counted = _list(info, "orders"), _counted(switches, data)
    wanted = _sorted(there, orders)
    behind = next((t.behind for t in tests if t.behind), "")
    matching = (r for r in _records(store, switches, there.name, behind) if all(t.holds(r) for t in tests))
    as_kept = [o.get("fieldName") for o in orders] == ["_id"] and not wanted[0][1]
    found = list(matching if counted or not as_kept else islice(matching, offset + limit))
    if not as_kept:
        for key, reverse in reversed(wanted):
            found.sort(key=key, reverse=reverse)
    rows = [store.shown(there.name, r, projection, nulls) for r in found[offset : offset + limit]]
    return {"dataList": rows, "total": len(found) if counted else 0, "offset": offset, "limit": limit}


class _Test:
    """One filter; `behind` is the id that records must stand behind, where it is that filter."""

    def __init__(self, holds: Callable[[Record], bool], behind: str = "") -> None:
        self.holds = holds
        self.behind = behind


def _records(store: Store, switches: Switches, name: str, behind: str) -> Iterable[Record]:
    table = store.tables[name]
    rows = (table[id] for id in table.irange(behind or None, inclusive=(False, True)))
    return (
        r
        for r in rows
        if (switches.deleted_visible or not r["is_deleted"])
        and (switches.invalid_visible or r["life_status"] != "invalid")
    )


def _page(info: Mapping[str, Any]) -> tuple[int, int]:
    limit, offset = info.get("limit", 20), info.get("offset", 0)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 0 < limit <= MOST:
        raise Refusal(32000, f"limit must be 1 to {MOST}")
    if not isinstance(offset, int) or isinstance(offset, bool) or offset < 0:
        raise missing("offset")
    if offset > FARTHEST:
        raise Refusal(10013)
    if offset % limit:
        raise Refusal(32000, "offset must be a multiple of limit")
    return limit, offset


def _list(info: Mapping[str, Any], name: str) -> list[Any]:
    said = info.get(name) or []
    if not isinstance(said, list):
        raise missing(name)
    return said


def _field(there: ObjectDef, name: object) -> FieldDef:
    if not isinstance(name, str) or name not in there.fields:
        raise Refusal(32000, f"字段[{name}]不存在")
    return there.fields[name]


def _test(there: ObjectDef, said: Any, switches: Switches) -> _Test:
    if not isinstance(said, dict):
        raise missing("filters")
    field, operator, values = _field(there, said.get("field_name")), said.get("operator"), said.get("field_values")
    if operator not in _ONE | _TWO | _MANY | _NONE or (there.custom and operator in _NOT_CUSTOM):
        raise Refusal(32000, f"operator [{operator}] is not supported")
    values = values if values is not None else []
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise missing("field_values")  # numbers and times too are sent as strings
    few = (operator in _ONE and len(values) != 1) or (operator in _TWO and len(values) != 2)
    if few or (operator in _MANY and not values):
        raise missing("field_values")
    try:
        wanted = [_comparable(field, v) for v in values]
    except ArithmeticError:
        raise missing("field_values") from None
    return _Test(
        _holds(field, operator, wanted, switches), values[0] if (field.name, operator) == ("_id", "GT") else ""
    )


def _holds(field: FieldDef, operator: str, wanted: list[Any], switches: Switches) -> Callable[[Record], bool]:
    name = field.name

    def listed(r: Record) -> set[str]:
        value = r.get(name)
        return set(value) if isinstance(value, list) else {str(value)} if value is not None else set()

    def value_of(r: Record) -> Any:
        value = r.get(name)
        if isinstance(value, list):
            value = value[0] if value else None
        return None if value is None else _comparable(field, value)

    def compared(how: Callable[[Any], bool], *, empty: bool = False) -> Callable[[Record], bool]:
        return lambda r: empty if (v := value_of(r)) is None else how(v)

    if operator in _NONE:
        return lambda r: (r.get(name) is None) == (operator == "IS")
    if operator in ("HASANYOF", "CONTAINS"):
        return lambda r: bool(listed(r) & {str(w) for w in wanted})
    if operator == "NHASANYOF":
        return lambda r: not listed(r) & {str(w) for w in wanted}
    first = wanted[0]
    if operator in _TWO:
        low, high = wanted
        inside = compared(lambda v: low <= v <= high if switches.between_includes_end else low <= v < high)
        return inside if operator == "BETWEEN" else lambda r: not inside(r)
    simple: dict[str, Callable[[Record], bool]] = {
        "EQ": compared(lambda v: v == first),
        "N": compared(lambda v: v != first, empty=True),
        "GT": compared(lambda v: v > first),
        "GTE": compared(lambda v: v >= first),
        "LT": compared(lambda v: v < first),
        "LTE": compared(lambda v: v <= first),
        "IN": compared(lambda v: v in wanted),
        "NIN": compared(lambda v: v not in wanted, empty=True),
        "LIKE": compared(lambda v: str(first) in str(v)),
        "NLIKE": compared(lambda v: str(first) not in str(v), empty=True),
        "STARTWITH": compared(lambda v: str(v).startswith(str(first))),
        "ENDWITH": compared(lambda v: str(v).endswith(str(first))),
    }
    return simple[operator]


def _comparable(field: FieldDef, value: Any) -> Any:
    if field.type in NUMBERS | TIMES:
        return Decimal(str(value))
    if field.type == "true_or_false":
        return str(value).lower()
    return str(value)


def _sorted(there: ObjectDef, orders: list[Any]) -> list[tuple[Callable[[Record], Any], bool]]:
    result = []
    for said in orders:
        if not isinstance(said, dict):
            raise missing("orders")
        field = _field(there, said.get("fieldName"))
        result.append((_order(field), str(said.get("isAsc", True)).lower() == "false"))  # seen as a text as well
    return result


def _order(field: FieldDef) -> Callable[[Record], Any]:
    def key(r: Record) -> tuple[bool, Any]:
        value = r.get(field.name)
        return (value is not None, "" if value is None else _comparable(field, _first(value)))

    return key


def _first(value: Any) -> Any:
    return str(value[0]) if isinstance(value, list) and value else value


def _counted(switches: Switches, data: Mapping[str, Any]) -> bool:
    said = data.get(switches.total_switch)
    return switches.total_without_switch if said is None else bool(said)
