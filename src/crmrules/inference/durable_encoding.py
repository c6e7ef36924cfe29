"""Facts as the JSON that durable_rules reads, and its answers as rows again."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from typing import Any

from crmrules.contracts.engine import Value
from crmrules.errors import DataError, Problem
from crmrules.inference.durable_rules_json import FIRST_TYPE, Head, SameFact
from crmrules.inference.prepared import Prepared, Row

# Ids are small numbers that start from 0 in each account, so accounts share most of their texts and firings.
KEPT = 20_000  # of either, from one account to the next
MAX_IDS = 100_000  # "0" to "99999" have distinct 32-bit hashes, by which durable_rules tells facts apart
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


class Texts(dict[Row, tuple[int, str]]):
    """Row -> its type in the engine and its JSON object; filled as rows are asked for.

    A row's ``id`` is its number in this dictionary: an id that the engine makes itself is a 32-bit hash
    of the text, and two facts of one account may share it.
    """

    def __init__(self, prepared: Prepared, names: Names, same_fact: Mapping[int, tuple[SameFact, ...]]) -> None:
        super().__init__()
        self._numbers = {type: FIRST_TYPE + n for n, type in enumerate(prepared.columns)}
        self._names = names
        self._same_fact = same_fact

    def __missing__(self, row: Row) -> tuple[int, str]:
        if len(self) >= MAX_IDS:
            raise DataError(
                Problem(
                    "too-many-facts",
                    f"an account has more than {MAX_IDS - KEPT:,} facts, more than durable_rules can bear",
                    hint="let fewer rows become facts ('when'), or take the engine 'python'",
                )
            )
        type, number = self._numbers[row[0]], self._names.number
        properties = [f',"p{column}":{number(value)}' for column, value in enumerate(row[1]) if value is not None]
        for position, same in enumerate(self._same_fact.get(type, ())):
            left, right = row[1][same.left], row[1][same.right]
            if left is not None and right is not None and _OPERATORS[same.op](left, right):
                properties.append(f',"x{position}":1')
        self[row] = known = type, f'{{"t":{type},"o":1{"".join(properties)},"id":"{len(self)}"}}'
        return known


class Firings(dict[str, tuple[Row, tuple[int, int]]]):
    """What the engine says about a firing -> the fact that it makes, and the rank of the rule."""

    def __init__(self, readers: Mapping[str, Reader]) -> None:
        super().__init__()
        self._readers = readers

    def __missing__(self, message: str) -> tuple[Row, tuple[int, int]]:
        ((rule, matched),) = json.loads(message).items()
        reader = self._readers[rule]
        self[message] = known = reader.made(matched), reader.rank
        return known

    def reasons(self, message: str) -> list[Row]:
        """Return the facts that the firing matched."""
        ((rule, matched),) = json.loads(message).items()
        return self._readers[rule].reasons(matched)


class Reader:
    """Reads what the firings of one rule made, and from what."""

    def __init__(self, prepared: Prepared, names: Names, head: Head) -> None:
        self.rank = prepared.rank[head.rule.id]
        kinds = {type: [p.kind for p in properties] for type, properties in prepared.program.facts.items()}
        readers: Mapping[str, Callable[[int], Value]] = {"name": names.name, "boolean": bool}
        self._then = head.rule.then
        # For each column: alias, property and how to read it ('' and the value where the rule gives it).
        self._columns: list[tuple[str, Any, Callable[[int], Value] | None]] = []
        for value, kind, property in zip(head.values, kinds[self._then], prepared.columns[self._then], strict=True):
            if isinstance(value, tuple):
                self._columns.append((*value, readers.get(kind)))
            else:
                self._columns.append(("", head.rule.values.get(property), None))
        self._atoms = [
            (alias, type, [(f"p{n}", readers.get(kind, int)) for n, kind in enumerate(kinds[type])])
            for alias, type in zip(head.aliases, (atom.fact for atom in head.rule.all_), strict=True)
        ]

    def made(self, matched: Mapping[str, Mapping[str, int]]) -> Row:
        """Return the fact that a firing makes; *matched* are its facts by alias."""
        return self._then, tuple([
            value if not alias else matched[alias][value] if read is None else read(matched[alias][value])
            for alias, value, read in self._columns
        ])  # fmt: skip

    def reasons(self, matched: Mapping[str, Mapping[str, int]]) -> list[Row]:
        """Return the facts that a firing matched."""
        return [
            (type, tuple([read(matched[alias][name]) if name in matched[alias] else None for name, read in columns]))
            for alias, type, columns in self._atoms
        ]
