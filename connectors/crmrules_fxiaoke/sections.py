"""Several notes in one long text: ours under a heading of our own, people's as they wrote them.

::

    whatever people wrote above stays theirs           -> a note without a title
    【crmrules|客户策略】                               -> ours, titled 客户策略
    body ...
    【拜访纪要】                                        -> a person's, titled 拜访纪要
    body ...

A line of ours that would look like a heading is indented by a space, which reading takes off again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from crmrules.model.changes import AUTHOR

_HEADING = re.compile(r"【(?:(crmrules)\|)?([^【】\n]*)】[ \t]*")
_LOOKS_SO = re.compile(r"^( *【)", re.MULTILINE)
_INDENTED = re.compile(r"^ ( *【)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Section:
    """One note: ``raw`` is its whole text, heading included, as it stands."""

    title: str
    author: str
    body: str
    raw: str


def parse(text: str | None) -> list[Section]:
    """Return the notes of a long text, in order."""
    lines = (text or "").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    starts = [n for n, line in enumerate(lines) if _HEADING.fullmatch(line)]
    found = []
    head = "\n".join(lines[: starts[0]] if starts else lines)
    if head.strip():
        found.append(Section(title="", author="", body=head.strip("\n"), raw=head.rstrip("\n")))
    for start, end in pairwise([*starts, len(lines)]):
        heading = _HEADING.fullmatch(lines[start])
        assert heading
        body = "\n".join(lines[start + 1 : end]).rstrip("\n")
        found.append(
            Section(
                title=heading[2], author=AUTHOR if heading[1] else "", body=_INDENTED.sub(r"\1", body),
                raw=f"{lines[start]}\n{body}",
            )
        )  # fmt: skip
    return found


def body_of(sections: Sequence[Section], title: str) -> str | None:
    """Return the body of the note titled *title*: ours before anybody's, None where there is none."""
    found = _found(sections, as_title(title))
    return found.body if found else None


def replaced(text: str | None, title: str, body: str | None) -> str:
    """Return *text* with the note titled *title* written, or with None taken away; nothing else is touched."""
    title = as_title(title)
    sections = parse(text)
    there = _found(sections, title)
    kept = [s.raw for s in sections]
    place = sections.index(there) if there else len(kept)
    kept[place : place + 1] = [] if body is None else [written(title, body, there.author if there else AUTHOR)]
    return "\n\n".join(kept)


def written(title: str, body: str, author: str = AUTHOR) -> str:
    """Return a note as it is written: its heading and its body."""
    mark = f"{AUTHOR}|" if author == AUTHOR else ""
    return f"【{mark}{as_title(title)}】\n" + _LOOKS_SO.sub(r" \1", body.replace("\r\n", "\n"))


def as_title(title: str) -> str:
    """Return *title* as a heading can hold it."""
    return title.replace("【", "[").replace("】", "]").replace("\n", " ")


def _found(sections: Sequence[Section], title: str) -> Section | None:
    same = [s for s in sections if s.title == title]
    return next((s for s in same if s.author == AUTHOR), same[0] if same else None)
