"""The document as Markdown with Mermaid diagrams, for a wiki or a repository."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crmrules.authoring.doc.content import Cell, Document, Part, Table
from crmrules.authoring.doc.diagram import Flow

_SPECIAL = re.compile(r"([\\`*_\[\]|#~])")


def to_markdown(document: Document) -> str:
    """Return the document as text."""
    return "\n".join(_document(document)) + "\n"


def _document(document: Document) -> Iterator[str]:
    yield f"# {_text(document.title)}: {_text(document.subtitle)}"
    yield ""
    yield _text(document.intro)
    yield ""
    for name, value in document.facts:
        yield f"- {_text(name)}: `{value}`"
    for name, n in document.counts:
        yield f"- {_text(name)}: {n}"
    for section in document.sections:
        yield from ("", f"## {_text(section.title)}", "", _text(section.lead))
        for part in section.parts:
            yield from _part(part)


def _part(part: Part) -> Iterator[str]:
    if part.title:
        yield from ("", f"### {_text(part.title)}")
    about = [f"{_text(name)}: {_text(value)}" for name, value in part.facts]
    about += [f"`{part.id}` ({part.source})"] if part.source else []
    if about:
        yield from ("", " · ".join(about))
    if part.chips:
        yield from ("", " · ".join(f"**{_text(chip)}**" for chip in part.chips))
    for line in part.lines:
        yield from ("", _text(line))
    if part.flow is not None:
        yield from ("", *_mermaid(part.flow))
    if part.table is not None:
        yield from ("", *_table(part.table))


def _table(table: Table) -> Iterator[str]:
    yield "| " + " | ".join(map(_text, table.heads)) + " |"
    yield "|" + "---|" * len(table.heads)
    for row in table.rows:
        yield "| " + " | ".join(map(_cell, row)) + " |"


def _cell(cell: Cell) -> str:
    said = "<br>".join(map(_text, cell.lines))
    return f"{said}<br>`{cell.id}`" if cell.id and said else f"`{cell.id}`" if cell.id else said


def _mermaid(flow: Flow) -> Iterator[str]:
    names = {box.id: f"n{n}" for n, box in enumerate(flow.boxes)}
    yield "```mermaid"
    yield "flowchart LR"
    for box in flow.boxes:
        label = "<br/>".join(_label(line) for line in (box.text, box.note) if line)
        yield f'  {names[box.id]}["{label}"]'
    for start, end in flow.links:
        yield f"  {names[start]} --> {names[end]}"
    yield "```"


def _label(text: str) -> str:
    return " ".join(text.split()).replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace("`", "#96;")


def _text(text: str) -> str:
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;")
    return _SPECIAL.sub(r"\\\1", plain)
