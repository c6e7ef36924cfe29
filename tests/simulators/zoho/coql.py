"""COQL as text: a grammar of the documented subset, and the refusals that need no data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, v_args

from .errors import Refusal

MOST_ROWS, DEFAULT_ROWS, MOST_OFFSET = 2_000, 200, 100_000
MOST_COLUMNS, MOST_ORDERS, MOST_GROUPS, MOST_AGGREGATES, MOST_JOINS = 50, 10, 4, 5, 5
MOST_CRITERIA, MOST_VALUES = 25, 50

# Conditions stand in pairs: a third one needs brackets around two of them.
_GRAMMAR = r"""
query: _SELECT items _FROM PATH where group? order? limit?
items: item ("," item)*
item: column (_AS PATH)?
column: PATH -> plain
      | FUNCTION "(" PATH ")" -> aggregate
where: _WHERE condition
?condition: part | both | either
both: part _AND part
either: part _OR part
?part: "(" condition ")" | single
?single: PATH OPERATOR value -> compare
       | PATH _LIKE STRING -> like
       | PATH _NOT _LIKE STRING -> unlike
       | PATH _IN values -> among
       | PATH _NOT _IN values -> not_among
       | PATH _IS _NULL -> is_null
       | PATH _IS _NOT _NULL -> is_not_null
       | PATH _BETWEEN value _AND value -> between
       | PATH _NOT _BETWEEN value _AND value -> not_between
values: "(" value ("," value)* ")"
value: STRING | NUMBER | TRUE | FALSE
group: _GROUP _BY PATH ("," PATH)*
order: _ORDER _BY by ("," by)*
by: PATH (ASC | DESC)?
limit: _LIMIT bounds
bounds: INT -> only
      | INT "," INT -> offset_first
      | INT _OFFSET INT -> offset_last
_SELECT.3: /select\b/i
_FROM.3: /from\b/i
_WHERE.3: /where\b/i
_GROUP.3: /group\b/i
_ORDER.3: /order\b/i
_BY.3: /by\b/i
_LIMIT.3: /limit\b/i
_OFFSET.3: /offset\b/i
_AND.3: /and\b/i
_OR.3: /or\b/i
_NOT.3: /not\b/i
_IN.3: /in\b/i
_IS.3: /is\b/i
_NULL.3: /null\b/i
_LIKE.3: /like\b/i
_BETWEEN.3: /between\b/i
_AS.3: /as\b/i
ASC.3: /asc\b/i
DESC.3: /desc\b/i
TRUE.3: /true\b/i
FALSE.3: /false\b/i
FUNCTION.4: /(count|sum|min|max|avg)(?=\s*\()/i
OPERATOR: /!=|<=|>=|=|<|>/
PATH: /[$A-Za-z_][$\w]*(\.[$A-Za-z_][$\w]*)*/
STRING: /'(\\.|''|[^'\\])*'/
INT.2: /\d+/
NUMBER: /-?\d+(\.\d+)?/
%ignore /\s+/
"""
_PARSER = Lark(_GRAMMAR, start="query", parser="lalr")


@dataclass(frozen=True, kw_only=True)
class Item:
    path: str
    function: str = ""
    alias: str = ""

    @property
    def name(self) -> str:
        return self.alias or (f"{self.function}({self.path})" if self.function else self.path)


@dataclass(frozen=True, kw_only=True)
class Single:
    """One condition: `operator` is ``= != < <= > >= like, not like, in, not in, is null, is not null, between, ..``"""

    path: str
    operator: str
    values: tuple[str | bool, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pair:
    left: Condition
    right: Condition
    all: bool  # and; else or


Condition = Single | Pair


@dataclass(frozen=True, kw_only=True)
class Query:
    items: tuple[Item, ...]
    module: str
    where: Condition
    group: tuple[str, ...]
    order: tuple[tuple[str, bool], ...]  # path, descending
    offset: int
    limit: int


@lru_cache(maxsize=256)
def parse(text: str) -> Query:
    """The query of *text*; raises Refusal as Zoho words it."""
    try:
        tree = _PARSER.parse(text)
    except UnexpectedInput as wrong:
        if re.search(r"\swhere\s", text, re.IGNORECASE) is None:
            raise Refusal("SYNTAX_ERROR", "missing clause", clause="where") from None
        at = wrong.pos_in_stream or 0
        near = " ".join(text[max(0, at - 10) : at + 10].split())
        line, column = max(wrong.line, 1), max(wrong.column, 1)
        raise Refusal("SYNTAX_ERROR", "unexpected token", line=line, column=column, near=near) from None
    query: Query = _Build().transform(tree)
    _limits(query)
    return query


def singles(condition: Condition) -> tuple[Single, ...]:
    if isinstance(condition, Single):
        return (condition,)
    return singles(condition.left) + singles(condition.right)


def _limits(query: Query) -> None:
    seen: set[str] = set()
    for item in query.items:
        if item.name in seen:
            aggregate: dict[str, Any] = {"aggregate": item.function.upper()} if item.function else {}
            kind = "aggregate function" if item.function else "select column"
            raise Refusal("DUPLICATE_DATA", f"duplicate {kind}", column_name=item.path, **aggregate)
        seen.add(item.name)
    if query.limit == 0:
        raise Refusal("INVALID_DATA", "limit should be greater than 0")
    criteria = singles(query.where)
    paths = [item.path for item in query.items] + [one.path for one in criteria] + [path for path, _ in query.order]
    joins = {path.rpartition(".")[0] for path in paths if "." in path}
    for name, found, most in (
        ("select", len(query.items), MOST_COLUMNS),
        ("order by", len(query.order), MOST_ORDERS),
        ("group by", len(query.group), MOST_GROUPS),
        ("aggregates", sum(bool(item.function) for item in query.items), MOST_AGGREGATES),
        ("joins", len(joins), MOST_JOINS),
        ("where", len(criteria), MOST_CRITERIA),
        ("in", max((len(one.values) for one in criteria), default=0), MOST_VALUES),
        ("limit", query.limit, MOST_ROWS),
        ("offset", query.offset + query.limit, MOST_OFFSET),
    ):
        if found > most:
            raise Refusal("LIMIT_EXCEEDED", clause=name, limit=most)


def _unquote(token: Token) -> str | bool:
    if token.type == "STRING":
        return token[1:-1].replace("''", "'").replace("\\'", "'").replace("\\\\", "\\")
    if token.type in ("TRUE", "FALSE"):
        return token.type == "TRUE"
    return str(token)


@v_args(inline=True)
class _Build(Transformer):  # type: ignore[type-arg]
    """From the tree of the text to a Query."""

    def plain(self, path: Token) -> Item:
        return Item(path=str(path))

    def aggregate(self, function: Token, path: Token) -> Item:
        return Item(path=str(path), function=str(function).lower())

    def item(self, item: Item, alias: Token | None = None) -> Item:
        return item if alias is None else Item(path=item.path, function=item.function, alias=str(alias))

    def value(self, token: Token) -> str | bool:
        return _unquote(token)

    def values(self, *values: str | bool) -> tuple[str | bool, ...]:
        return values

    def compare(self, path: Token, operator: Token, value: str | bool) -> Single:
        return Single(path=str(path), operator=str(operator), values=(value,))

    def like(self, path: Token, pattern: Token) -> Single:
        return Single(path=str(path), operator="like", values=(_unquote(pattern),))

    def unlike(self, path: Token, pattern: Token) -> Single:
        return Single(path=str(path), operator="not like", values=(_unquote(pattern),))

    def among(self, path: Token, values: tuple[str | bool, ...]) -> Single:
        return Single(path=str(path), operator="in", values=values)

    def not_among(self, path: Token, values: tuple[str | bool, ...]) -> Single:
        return Single(path=str(path), operator="not in", values=values)

    def is_null(self, path: Token) -> Single:
        return Single(path=str(path), operator="is null")

    def is_not_null(self, path: Token) -> Single:
        return Single(path=str(path), operator="is not null")

    def between(self, path: Token, low: str | bool, high: str | bool) -> Single:
        return Single(path=str(path), operator="between", values=(low, high))

    def not_between(self, path: Token, low: str | bool, high: str | bool) -> Single:
        return Single(path=str(path), operator="not between", values=(low, high))

    def both(self, left: Condition, right: Condition) -> Pair:
        return Pair(left=left, right=right, all=True)

    def either(self, left: Condition, right: Condition) -> Pair:
        return Pair(left=left, right=right, all=False)

    def by(self, path: Token, direction: Token | None = None) -> tuple[str, bool]:
        return str(path), direction is not None and direction.type == "DESC"

    def only(self, limit: Token) -> tuple[int, int]:
        return 0, int(limit)

    def offset_first(self, offset: Token, limit: Token) -> tuple[int, int]:
        return int(offset), int(limit)

    def offset_last(self, limit: Token, offset: Token) -> tuple[int, int]:
        return int(offset), int(limit)

    def items(self, *items: Item) -> tuple[str, object]:
        return "items", items

    def where(self, condition: Condition) -> tuple[str, object]:
        return "where", condition

    def group(self, *paths: Token) -> tuple[str, object]:
        return "group", tuple(map(str, paths))

    def order(self, *orders: tuple[str, bool]) -> tuple[str, object]:
        return "order", orders

    def limit(self, limit: tuple[int, int]) -> tuple[str, object]:
        return "limit", limit

    def query(self, items: tuple[str, object], module: Token, *clauses: tuple[str, object]) -> Query:
        found = dict([items, *clauses])
        bounds: tuple[int, int] = found.get("limit", (0, DEFAULT_ROWS))  # type: ignore[assignment]
        return Query(
            items=found["items"],  # type: ignore[arg-type]
            module=str(module),
            where=found["where"],  # type: ignore[arg-type]
            group=found.get("group", ()),  # type: ignore[arg-type]
            order=found.get("order", ()),  # type: ignore[arg-type]
            offset=bounds[0],
            limit=bounds[1],
        )
