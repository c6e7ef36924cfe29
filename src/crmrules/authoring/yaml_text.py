"""YAML as text: where its comments stand, and how a value is written so that it is read back the same."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_VARIABLE = re.compile(r"(?<=[\s\[{,:])\?(?=\w)")  # as in language/document.py: libyaml knows no ?x in {}
_BARE = re.compile(r"\$?[A-Za-z_\u4e00-\u9fff](?:[\w.\-\u4e00-\u9fff]| (?=[\w\u4e00-\u9fff]))*")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})  # YAML 1.1's words too, for editors


@dataclass(frozen=True)
class Comment:
    """A comment; ``line`` and ``column`` count from 0, ``text`` begins with ``#``."""

    line: int
    column: int
    text: str


def comments_of(text: str) -> tuple[Comment, ...]:
    """Return every comment of a YAML document in writing order. Raises yaml.YAMLError."""
    taken: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for token in yaml.scan(_VARIABLE.sub("\ue000", text), Loader=_LOADER):
        if isinstance(token, yaml.ScalarToken):
            start, end = token.start_mark, token.end_mark
            for line in range(start.line, end.line + 1):
                first = start.column if line == start.line else 0
                taken[line].append((first, end.column if line == end.line else float("inf")))
    found = []
    for number, shown in enumerate(text.split("\n")):
        for match in re.finditer(r"(?:^|(?<=\s))#", shown):
            if not any(first <= match.start() < last for first, last in taken[number]):
                found.append(Comment(number, match.start(), shown[match.start() :].rstrip()))
                break
    return tuple(found)


def last_line(node: yaml.Node) -> int:
    """Return the last line (from 0) that *node* itself stands on: block collections end where the next token begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return last_line(last[1] if isinstance(last, tuple) else last)
    line: int = node.end_mark.line
    return line - 1 if node.end_mark.column == 0 and line > node.start_mark.line else line


def compose(text: str) -> yaml.Node | None:
    """Return the nodes of a YAML document with their marks. Raises yaml.YAMLError."""
    found: yaml.Node | None = yaml.compose(_VARIABLE.sub("\ue000", text), Loader=_LOADER)
    return found


def events_of(text: str) -> Iterator[yaml.Event]:
    """Yield the parser's events of a YAML document. Raises yaml.YAMLError."""
    yield from yaml.parse(_VARIABLE.sub("\ue000", text), Loader=_LOADER)


def flow(value: Any) -> str:
    """Return plain data on one line, spelled as the loader of rulesets reads it back."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case date():
            return flow(value.isoformat())
        case str():
            bare = _BARE.fullmatch(value) and value.lower() not in _WORDS
            return value if bare else json.dumps(value, ensure_ascii=False)
        case Mapping():
            return "{" + ", ".join(f"{flow(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
        case Sequence():
            return "[" + ", ".join(map(flow, value)) + "]"
    raise TypeError(f"no YAML for {value!r}")
