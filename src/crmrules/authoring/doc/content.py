"""What the document is made of, before it is HTML or Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crmrules.authoring.doc.diagram import Flow


@dataclass(frozen=True)
class Cell:
    """Lines of a cell, said in full; ``id`` is for who looks a rule up, ``tone`` a colour."""

    lines: tuple[str, ...]
    id: str = ""
    tone: str = ""
    number: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Part:
    """A titled part of a section, e.g. one class."""

    title: str = ""
    id: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    chips: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    table: Table | None = None
    flow: Flow | None = None
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Section:
    id: str
    title: str
    lead: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class Document:
    """The whole, in one language."""

    language: str
    title: str
    subtitle: str
    intro: str
    facts: tuple[tuple[str, str], ...]
    counts: tuple[tuple[str, int], ...]
    sections: tuple[Section, ...]
    footer: str
    words: Mapping[str, str] = field(default_factory=dict)


def cell(*lines: str, id: str = "", tone: str = "", number: bool = False) -> Cell:
    """Return a cell of the lines that say something."""
    return Cell(tuple(line for line in lines if line), id, tone, number)
