"""Facts as the JSON that durable_rules reads, and its answers as rows again."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from crmrules.contracts.engine import Value
from crmrules.inference.durable_rules_json import FIRST_TYPE, Head, SameFact
from crmrules.inference.prepared import Prepared, Row

_KEPT_TEXTS = 50_000  # ids start from 0 in each account, so accounts share most of their texts
_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
}  # fmt: skip


class Names:
    """Numbers the names of a program as they come."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, value: Value) -> int:
        """Return the whole number that stands for *value*; a float is a TypeError."""
        if not isinstance(value, str):
            return operator.index(value)
        known = self._numbers.get(value)
        if known is None:
            known = self._numbers[value] = len(self._names)
            self._names.append(value)
        return known

    def name(self, number: int) -> str:
        return self._names[number]


class Encoding:
    """Writes and reads facts of one program."""

    def __init__(self, prepared: Prepared, names: Names, same_fact: Mapping[int, tuple[SameFact, ...]]) -> None:
        self._numbers = {type: FIRST_TYPE + n for n, type in enumerate(prepared.columns)}
        self._types = tuple(prepared.columns)
        kinds = (tuple(p.kind for p in properties) for properties in prepared.program.facts.values())
        readers: Mapping[str, Callable[[int], Value]] = {"name": names.name, "boolean": bool}
        self._readers = tuple(tuple(readers.get(kind, int) for kind in of_type) for of_type in kinds)
        self._names = names
        self._same_fact = same_fact
        self._texts: dict[Row, tuple[int, str]] = {}

    def text(self, row: Row) -> tuple[int, str]:
        """Return the type of *row* and its JSON object, the end left open."""
        known = self._texts.get(row)
        if known is None:
            if len(self._texts) >= _KEPT_TEXTS:
                self._texts.clear()
            known = self._texts[row] = self._text(row)
        return known

    def made(self, head: Head, matched: Mapping[str, Mapping[str, int]]) -> Row:
        """Return the fact that a firing makes."""
        readers = self._readers[head.type - FIRST_TYPE]
        values = [matched[v[0]][v[1]] if isinstance(v, tuple) else v for v in head.values]
        return head.rule.then, tuple([None if v is None else read(v) for v, read in zip(values, readers, strict=True)])

    def reasons(self, head: Head, matched: Mapping[str, Mapping[str, int]]) -> list[Row]:
        """Return the facts that a firing matched."""
        found: list[Row] = []
        for alias, type in head.atoms:
            values = [matched[alias].get(f"p{n}") for n in range(len(self._readers[type - FIRST_TYPE]))]
            readers = self._readers[type - FIRST_TYPE]
            row = tuple([None if v is None else read(v) for v, read in zip(values, readers, strict=True)])
            found.append((self._types[type - FIRST_TYPE], row))
        return found

    def _text(self, row: Row) -> tuple[int, str]:
        type, number = self._numbers[row[0]], self._names.number
        text = f'{{"t":{type},"o":1' + "".join(
            f',"p{column}":{number(value)}' for column, value in enumerate(row[1]) if value is not None
        )
        for position, same in enumerate(self._same_fact.get(type, ())):
            left, right = row[1][same.left], row[1][same.right]
            if left is not None and right is not None and _OPERATORS[same.op](left, right):
                text += f',"x{position}":1'
        return type, text
