"""YAML with places: every node knows its file, line and column.

Scalars follow YAML 1.2's core schema (``no`` and ``on`` are texts; a date is a text that the
field's type turns into a date), so a document is JSON with places. Repeated keys, tags, numbers
that no column can hold, several documents in a file and files that blow up are refused.

The parser is libyaml, through PyYAML's events. NOTE: libyaml follows YAML 1.1, where ``?x`` can't
stand inside ``{}``; the question mark is exchanged for a private character while it parses.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from crmrules.errors import Location, Problem, RulesetError

MAX_BYTES = 8_000_000
MAX_NODES = 400_000  # aliases count each time they are used
MAX_DEPTH = 60

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_VARIABLE = re.compile(r"(?<=[\s\[{,:])\?(?=\w)")
_STANDS_FOR_QUESTION_MARK = "\ue000"
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None, "true": True, "True": True, "TRUE": True,
          "false": False, "False": False, "FALSE": False}  # fmt: skip


class Node:
    """A value and its place. ``value``: None, bool, int, float, str, list of nodes or dict of nodes."""

    __slots__ = ("at", "keys", "value")

    def __init__(self, value: Any, at: Location, keys: dict[str, Location] | None = None) -> None:
        self.value = value
        self.at = at
        self.keys = keys or {}  # of a mapping: where each key stands

    @property
    def data(self) -> Any:
        """The plain value: dicts, lists and scalars, as JSON has them."""
        if isinstance(self.value, dict):
            return {key: node.data for key, node in self.value.items()}
        return [node.data for node in self.value] if isinstance(self.value, list) else self.value

    def items(self) -> Iterator[tuple[str, Node]]:
        """Yield key and node of a mapping; of anything else nothing."""
        yield from self.value.items() if isinstance(self.value, dict) else ()

    def __iter__(self) -> Iterator[Node]:
        """Yield the nodes of a list; of anything else nothing."""
        yield from self.value if isinstance(self.value, list) else ()

    def get(self, key: str) -> Node | None:
        """Return the node at *key* of a mapping, None where there is none or it is null."""
        node = self.value.get(key) if isinstance(self.value, dict) else None
        return node if node is not None and node.value is not None else None

    def find(self, path: Sequence[str | int]) -> Node:
        """Return the node at *path* or the nearest one above it."""
        here = self
        for step in path:
            inside = isinstance(here.value, dict) and step in here.value
            inside = inside or (isinstance(here.value, list) and isinstance(step, int) and step < len(here.value))
            if not inside:
                break
            here = here.value[step]
        return here

    def where(self, key: str) -> Location:
        """Return the place of *key* in a mapping, or of the mapping itself."""
        return self.keys.get(key, self.at)


def node_of(data: Any, at: Location) -> Node:
    """Return plain *data* (dicts, lists, scalars) as nodes that all stand *at* one place."""
    if isinstance(data, Mapping):
        return Node({str(key): node_of(value, at) for key, value in data.items()}, at)
    return Node([node_of(value, at) for value in data] if isinstance(data, (list, tuple)) else data, at)


def parse(text: str, file: str) -> Node:
    """Parse one YAML document; *file* is what the places will say.

    Raises RulesetError with every repeated key, tag and unusable number, or with the first
    syntax error, after which nothing is certain.
    """
    return _Composer(text, file).compose()


def read(path: Path, file: str = "") -> Node:
    """Parse the file at *path* (UTF-8, a byte-order mark is allowed). Raises RulesetError."""
    file = file or str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RulesetError(Problem("unreadable", f"can't be read: {error.strerror}", Location(file))) from None
    if len(raw) > MAX_BYTES:
        raise RulesetError(Problem("too-large", f"{len(raw)} bytes", Location(file), f"at most {MAX_BYTES} bytes"))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = Location(file, raw.count(b"\n", 0, error.start) + 1)
        raise RulesetError(Problem("encoding", "not UTF-8", at, "UTF-8", "save the file as UTF-8")) from None
    return parse(text, file)


class _Composer:
    def __init__(self, text: str, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node] = {}
        self.sizes: dict[int, tuple[int, int]] = {}  # of anchored nodes: values inside, levels inside
        self.deepest = 0
        self.text = text
        self.nodes = 0

    def compose(self) -> Node:
        text = _VARIABLE.sub(_STANDS_FOR_QUESTION_MARK, self.text)
        try:
            self.events = iter(yaml.parse(text, Loader=_LOADER))
            root = self._document()
        except yaml.MarkedYAMLError as error:
            self.problems.append(self._syntax(error))
        except yaml.reader.ReaderError as error:
            line = self.text.count("\n", 0, error.position) + 1
            self.problems.append(
                Problem("yaml", f"character #x{error.character:02x} is not allowed", Location(self.file, line))
            )
        if self.problems:
            raise RulesetError(self.problems)
        return root

    def _syntax(self, error: yaml.MarkedYAMLError) -> Problem:
        mark = error.problem_mark or error.context_mark
        at = Location(self.file, mark.line + 1, mark.column + 1) if mark else Location(self.file)
        text = f"{error.context}: {error.problem}" if error.context else str(error.problem)
        hint = "a text that holds ': ' or ' #', or starts with one of [ { & * ! | > % @ ` needs quotes"
        return Problem("yaml", text.replace(_STANDS_FOR_QUESTION_MARK, "?"), at, hint=hint)

    def _at(self, event: Any) -> Location:
        return Location(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _document(self) -> Node:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    self._complain("yaml", "a second document in one file", event, "one document")
                    break
                root = self._node(next(self.events), 0)
        return root if root is not None else Node(None, Location(self.file, 1, 1))

    def _complain(self, code: str, message: str, event: Any, expected: str = "", hint: str = "") -> None:
        self.problems.append(Problem(code, message, self._at(event), expected, hint))

    def _stop(self, message: str, event: Any, expected: str) -> None:
        raise RulesetError([*self.problems, Problem("too-large", message, self._at(event), expected)])

    def _node(self, event: Any, depth: int) -> Node:
        before, self.nodes = self.nodes, self.nodes + 1
        above, self.deepest = self.deepest, depth
        if depth > MAX_DEPTH:
            self._stop("nested too deeply", event, f"at most {MAX_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        if event.tag is not None and event.tag != "!":
            self._complain("yaml-tag", f"the tag {event.tag} is not allowed", event, "plain YAML", "take the tag out")
        if isinstance(event, yaml.ScalarEvent):
            node = Node(self._scalar(event), self._at(event))
        elif isinstance(event, yaml.SequenceStartEvent):
            node = Node([], self._at(event))
            for inner in iter(lambda: next(self.events), None):
                if isinstance(inner, yaml.SequenceEndEvent):
                    break
                node.value.append(self._node(inner, depth + 1))
        else:
            node = self._mapping(event, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
            self.sizes[id(node)] = self.nodes - before, self.deepest - depth
        self.deepest = max(self.deepest, above)
        return node

    def _alias(self, event: Any, depth: int) -> Node:
        node = self.anchors.get(event.anchor)
        if node is None:  # also an alias inside its own anchor
            self._complain("yaml", f"no finished anchor &{event.anchor} before *{event.anchor}", event)
            return Node(None, self._at(event))
        values, levels = self.sizes[id(node)]
        self.nodes += values
        self.deepest = depth + levels
        if self.nodes > MAX_NODES or self.deepest > MAX_DEPTH:
            self._stop("its aliases unfold too far", event, f"at most {MAX_NODES} values in {MAX_DEPTH} levels")
        return node

    def _mapping(self, event: Any, depth: int) -> Node:
        node = Node({}, self._at(event), {})
        for key in iter(lambda: next(self.events), None):
            if isinstance(key, yaml.MappingEndEvent):
                break
            if not isinstance(key, yaml.ScalarEvent):
                self._complain("yaml-key", "a key must be a text", key, "a text before the colon")
                self._node(key, depth + 1)
                self._node(next(self.events), depth + 1)
                continue
            name = key.value.replace(_STANDS_FOR_QUESTION_MARK, "?")
            value = self._node(next(self.events), depth + 1)
            if name in node.value:
                first = node.keys[name]
                self._complain("repeated-key", f"the key '{name}' stands twice", key, "every key once",
                               f"it stands in line {first.line} already")  # fmt: skip
                continue
            node.value[name] = value
            node.keys[name] = self._at(key)
        return node

    def _scalar(self, event: Any) -> Any:
        text: str = event.value.replace(_STANDS_FOR_QUESTION_MARK, "?")
        if not event.implicit[0] or event.style in ("'", '"', "|", ">"):
            return text
        if text in _WORDS:
            return _WORDS[text]
        if text[0] not in "+-.0123456789":
            return text
        if _INTEGER.fullmatch(text):
            if -(2**63) <= int(text) < 2**63:
                return int(text)
            self._complain("number", f"{text} does not fit a column", event, "a 64-bit integer")
        elif _FLOAT.fullmatch(text):
            number = float(text)
            if math.isfinite(number):
                return number
            self._complain("number", f"{text} is too large", event)
        elif _NOT_FINITE.fullmatch(text):
            self._complain("number", f"{text} is not a number", event, "a finite number")
        return text
