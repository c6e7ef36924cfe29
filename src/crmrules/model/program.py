"""The inference program: typed facts, and rules that join them and chain.

This is Datalog with stratified negation over one account's facts, small enough for two engines
(durable_rules and plain Python) to agree on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from crmrules.errors import NOWHERE, Location
from crmrules.model.text import Text


@dataclass(frozen=True, kw_only=True)
class Property:
    """A property of a fact. ``id`` values become small integers before an engine sees them."""

    name: str
    kind: Literal["id", "integer", "boolean", "name", "date"]
    source: str = ""  # dotted path on the frame it is made from; '' for derived facts
    names: tuple[str, ...] = ()  # kind "name": the allowed ones


@dataclass(frozen=True)
class Var:
    """A variable of a rule (``?x``)."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Test:
    """A comparison inside an atom: property against a constant or a bound variable."""

    property: str
    op: Literal["eq", "ne", "lt", "lte", "gt", "gte"]
    value: int | bool | str | Var


@dataclass(frozen=True, kw_only=True)
class Atom:
    """A pattern of one fact; ``bind`` are its ``property: ?x`` entries."""

    fact: str
    bind: Mapping[str, Var]
    tests: tuple[Test, ...] = ()


@dataclass(frozen=True, kw_only=True)
class InferenceRule:
    """If all of ``all_`` and none of ``none`` then assert ``then`` with ``values``."""

    id: str
    all_: tuple[Atom, ...]
    none: tuple[Atom, ...]
    then: str
    values: Mapping[str, Var | int | bool | str]
    why: Text = Text()
    at: Location = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Program:
    """Facts and rules of one account at a time; strata are computed by the loader."""

    facts: Mapping[str, tuple[Property, ...]]  # fact type -> its properties
    rules: tuple[InferenceRule, ...]
    strata: tuple[tuple[str, ...], ...] = ()  # rule ids, evaluated in this order
