"""COQL over the rows: which match, in which order, and what is shown of them."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

from ..server import Response, json_response
from .call import EMPTY, Call, check_permission
from .coql import Condition, Pair, Query, Single, parse
from .crm import Crm, seconds
from .errors import Refusal
from .render import full_name, shown
from .schema import LOOKUPS, NUMBERS, Field
from .store import Key, Row

Predicate = Callable[[Row], bool]
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ORDERED = frozenset({"<", "<=", ">", ">=", "between", "not between"})
_TEXTUAL = frozenset({"like", "not like"})
_UNSEARCHABLE = frozenset({"subform", "textarea", "richtext", "multiselectlookup", "participants", "tags", "parent"})
_ID = Field(api_name="id", label="id", data_type="bigint", length=19)
_USER = {
    "name": Field(api_name="name", label="name", data_type="text"),
    "email": Field(api_name="email", label="email", data_type="email"),
}


def price(call: Call) -> int:
    """1, 2 or 3 credits by the rows asked for."""
    try:
        query = parse(str(call.body().get("select_query", "")))
    except Refusal:
        return 1
    return 1 if query.limit <= 200 else 2 if query.limit <= 1000 else 3


def run(crm: Crm, call: Call) -> Response:
    """``POST /coql``"""
    text = call.body().get("select_query")
    if not isinstance(text, str) or not text.strip():
        raise Refusal("MANDATORY_NOT_FOUND", "mandatory key not found", api_name="select_query")
    query = parse(text)
    if query.module not in crm.modules:
        raise Refusal("INVALID_MODULE", "the given module is not supported in api")
    module = crm.modules[query.module]
    if not (call.grant.allows(f"modules.{module.scope}.READ") or call.grant.allows("modules.READ")):
        raise Refusal("OAUTH_SCOPE_MISMATCH")
    check_permission(crm, query.module, "View")
    rows = _grouped(crm, query) if any(item.function for item in query.items) else _plain(crm, query)
    page = list(islice(rows, query.offset, query.offset + query.limit + 1))
    if not page:
        return EMPTY
    more = len(page) > query.limit
    data = page[: query.limit]
    return json_response(200, {"data": data, "info": {"count": len(data), "more_records": more}})


@dataclass(frozen=True, kw_only=True)
class _Column:
    """A path resolved: the field at its end, and how to get there from a row."""

    field: Field
    module: str
    row: Callable[[Row], Row | None]

    def value(self, row: Row) -> Any:
        """What comparisons see: numbers, seconds, folded text."""
        there = self.row(row)
        if there is None:
            return None
        if self.field.api_name == "Full_Name":
            return full_name(there).casefold()
        value = there.get(self.field.api_name)
        return value.casefold() if isinstance(value, str) else value


def _column(crm: Crm, module: str, path: str) -> _Column:
    first, _, rest = path.partition(".")
    field = _ID if first == "id" else crm.modules[module].field(first)
    if field is None or (rest and field.data_type not in LOOKUPS):
        raise Refusal("INVALID_QUERY", "unsupported column", column_name=path)
    if not rest:
        return _Column(field=field, module=module, row=lambda row: row)
    if field.data_type != "lookup":
        return _user_column(crm, first, rest, path)
    inner = _column(crm, field.lookup, rest)
    table = crm.tables[field.lookup]

    def follow(row: Row) -> Row | None:
        there = table.get(row.get(first) or 0)
        return inner.row(there) if there is not None else None

    return _Column(field=inner.field, module=inner.module, row=follow)


def _user_column(crm: Crm, first: str, rest: str, path: str) -> _Column:
    field = _ID if rest == "id" else _USER.get(rest)
    if field is None:
        raise Refusal("INVALID_QUERY", "unsupported column", column_name=path)

    def follow(row: Row) -> Row | None:
        user = crm.users.get(row.get(first) or 0)
        return {"id": user.id, "name": user.name, "email": user.email} if user else None

    return _Column(field=field, module="", row=follow)


def _plain(crm: Crm, query: Query) -> Iterator[dict[str, Any]]:
    if query.group:
        raise Refusal("INVALID_QUERY", "Invalid query formed", reason="group by without aggregate")
    columns = [(item.name, _column(crm, query.module, item.path)) for item in query.items]
    for row in _ordered(crm, query):
        out: dict[str, Any] = {"id": str(row["id"])}
        for name, column in columns:
            there = column.row(row)
            if column.field is _ID:
                out[name] = str(there["id"]) if there else None
            else:
                out[name] = shown(crm, column.module, column.field, there) if there else None
        yield out


def _grouped(crm: Crm, query: Query) -> Iterator[dict[str, Any]]:
    keys = [_column(crm, query.module, path) for path in query.group]
    plain = [item for item in query.items if not item.function]
    for item in plain:
        if item.path not in query.group:
            raise Refusal(
                "INVALID_QUERY", "Invalid query formed", reason="column not in group by", column_name=item.path
            )
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in _matching(crm, query, crm.tables[query.module].scan()):
        groups.setdefault(tuple(column.value(row) for column in keys), []).append(row)
    answers = []
    for rows in groups.values():
        out: dict[str, Any] = {}
        for item in query.items:
            column = _column(crm, query.module, item.path)
            if not item.function:
                there = column.row(rows[0])
                out[item.name] = shown(crm, column.module, column.field, there) if there else None
                continue
            values = [value for row in rows if (value := column.value(row)) is not None]
            out[item.name] = _aggregate(item.function, values, item.path)
        answers.append(out)
    for path, descending in reversed(query.order):
        answers.sort(key=lambda out: (out.get(path) is not None, str(out.get(path))), reverse=descending)
    return iter(answers)


def _aggregate(function: str, values: list[Any], path: str) -> Any:
    if function == "count":
        return len(values)
    if any(isinstance(value, (str, list)) for value in values):
        raise Refusal("INVALID_QUERY", "Invalid query formed", reason="invalid aggregate", column_name=path)
    if not values:
        return None
    return {"sum": sum(values), "min": min(values), "max": max(values), "avg": sum(values) / len(values)}[function]


def _ordered(crm: Crm, query: Query) -> Iterator[Row]:
    """Matching rows; read in the order of an index and no further than needed when the query allows it."""
    order = query.order or (("id", True),)
    table = crm.tables[query.module]
    first, descending = order[0]
    indexed = first in ("id", "Modified_Time", "Created_Time") and (
        first == "id" or len(order) == 1 or (len(order) == 2 and order[1] == ("id", descending))
    )
    since = least(query.where, "Modified_Time")
    if indexed:
        after: Key | None = None
        low = least(query.where, first)
        if low is not None and not descending:
            after = (low - 1, 0) if first == "id" else (low, 0)
        yield from _matching(crm, query, table.scan(first, descending=descending, after=after, since=since))
        return
    rows = list(_matching(crm, query, table.scan(since=since)))
    for path, down in reversed(order):
        column = _column(crm, query.module, path)
        rows.sort(key=lambda row: _sortable(column.value(row)), reverse=down)
    yield from rows


def _sortable(value: Any) -> tuple[bool, Any]:
    return (value is not None, value if value is not None else 0)


def _matching(crm: Crm, query: Query, keys: Iterator[Key]) -> Iterator[Row]:
    table = crm.tables[query.module]
    matches = matcher(crm, query.module, query.where)
    for _, id in keys:
        row = table.get(id)
        if row is not None and not (query.module == "Leads" and row.get("Converted__s")) and matches(row):
            yield row


def matcher(crm: Crm, module: str, condition: Condition) -> Predicate:
    """The function that tells whether a row meets *condition*; raises Refusal for columns or values that can't be."""
    if isinstance(condition, Single):
        return _predicate(crm, module, condition)
    left, right = matcher(crm, module, condition.left), matcher(crm, module, condition.right)
    if condition.all:
        return lambda row: left(row) and right(row)
    return lambda row: left(row) or right(row)


def _predicate(crm: Crm, module: str, one: Single) -> Predicate:
    column = _column(crm, module, one.path)
    kind = column.field.data_type
    textual = kind not in NUMBERS | LOOKUPS | {"date", "datetime", "boolean"}
    wrong = (one.operator in _ORDERED and (textual or kind == "boolean" or kind in LOOKUPS)) or (
        one.operator in _TEXTUAL and not textual
    )
    if kind in _UNSEARCHABLE:
        value = one.values[0] if one.values else "${EMPTY}"
        raise Refusal(
            "INVALID_QUERY",
            "unsupported column in criteria",
            cv_criteria=False,
            column_name=one.path,
            value=value,
            operator=one.operator,
        )
    if wrong:
        raise _invalid("invalid operator found", one)
    if one.operator == "is null":
        return lambda row: column.value(row) in (None, "")
    if one.operator == "is not null":
        return lambda row: column.value(row) not in (None, "")
    values = [_literal(column.field, value, one) for value in one.values]
    if one.operator in _TEXTUAL:
        pattern = re.compile(re.escape(str(values[0])).replace("%", ".*"), re.DOTALL)
        positive = one.operator == "like"
        return lambda row: (value := column.value(row)) is not None and bool(pattern.fullmatch(value)) == positive
    if one.operator in ("in", "not in"):
        inside = one.operator == "in"
        return lambda row: (value := column.value(row)) is not None and (value in values) == inside
    if one.operator in ("between", "not between"):
        low, high = values
        within = one.operator == "between"
        return lambda row: (value := column.value(row)) is not None and (low <= value <= high) == within
    compare, wanted = _COMPARE[one.operator], values[0]
    return lambda row: (value := column.value(row)) is not None and bool(compare(value, wanted))


def _invalid(reason: str, one: Single) -> Refusal:
    return Refusal("INVALID_QUERY", "Invalid query formed", reason=reason, column_name=one.path, operator=one.operator)


def _literal(field: Field, value: str | bool, one: Single) -> Any:
    kind = field.data_type
    try:
        if kind == "boolean":
            return {"true": True, "false": False}[str(value).lower()]
        if isinstance(value, bool):
            raise ValueError(value)
        if kind == "datetime":
            return seconds(value)
        if kind == "date":
            return date.fromisoformat(value).isoformat()
        if kind in LOOKUPS or kind == "bigint":
            return int(value)
        if kind in NUMBERS:
            return float(value)
    except (ValueError, KeyError):
        raise _invalid("invalid value", one) from None
    return value.casefold()


def least(condition: Condition, path: str) -> int | None:
    """A bound below which *path* cannot lie in a match, or None."""
    if isinstance(condition, Pair):
        bounds = [bound for part in (condition.left, condition.right) if (bound := least(part, path)) is not None]
        if condition.all:
            return max(bounds, default=None)
        return min(bounds) if len(bounds) == 2 else None
    if condition.path != path or condition.operator not in ("=", ">", ">=", "between"):
        return None
    try:
        return int(str(condition.values[0])) if path == "id" else seconds(str(condition.values[0]))
    except ValueError:
        return None
