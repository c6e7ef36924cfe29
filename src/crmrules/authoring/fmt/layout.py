"""Lay a YAML document out: keys of entries in their schema's order, two spaces a level, comments where they were.

Scalars are copied as they are spelled; a value that spans lines moves as a whole. Nothing is parsed and written anew,
so nothing can be lost that a YAML writer does not know about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeGuard

import yaml

from crmrules.authoring.yaml_text import Comment, comments_of, compose, events_of, last_line
from crmrules.language.key_order import Shape, in_order, inside, item

STEP = 2


class NotLaidOut(ValueError):
    """The document uses what this layout leaves alone: anchors, directives, keys of several lines."""


def laid_out(text: str, shape: Shape) -> str:
    """Return *text* in its canonical layout. Raises NotLaidOut, yaml.YAMLError."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    _refuse(text)
    root = compose(text)
    lines = text.split("\n")
    layout = _Layout(lines, comments_of(text))
    if root is None or not _is_block(root):
        return "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"
    made = layout.block(root, 0, shape)
    made += layout.gap(len(lines), 0)
    return "\n".join(_without_double_blanks(made)).strip("\n") + "\n"


def _refuse(text: str) -> None:
    for event in events_of(text):
        if getattr(event, "anchor", None):
            raise NotLaidOut("it uses anchors")
        if isinstance(event, yaml.DocumentStartEvent) and event.explicit:
            raise NotLaidOut("it begins with '---' or a directive")
        if isinstance(event, yaml.DocumentEndEvent) and event.explicit:
            raise NotLaidOut("it ends with '...'")


@dataclass(frozen=True)
class _Line:
    text: str
    fixed: bool = False  # inside of a value that spans lines: not ours to touch


def _without_double_blanks(lines: Sequence[_Line]) -> list[str]:
    kept: list[str] = []
    for line in lines:
        text = line.text if line.fixed else line.text.rstrip()
        if text or line.fixed or (kept and kept[-1]):
            kept.append(text)
    return kept


class _Layout:
    def __init__(self, lines: Sequence[str], comments: Sequence[Comment]) -> None:
        self.lines = lines
        self.comments = {comment.line: comment for comment in comments}
        self.done = -1  # the last line that was taken

    def gap(self, until: int, indent: int, column: int = 0) -> list[_Line]:
        """Take the comments and blank lines before line *until*, whose content stands in *column*."""
        taken = []
        for number in range(self.done + 1, until):
            comment = self.comments.get(number)
            if comment is None:
                taken.append(_Line(""))
            else:
                deeper = STEP if comment.column > column else 0
                taken.append(_Line(" " * (indent + deeper) + comment.text))
        self.done = max(self.done, until - 1)
        return taken

    def block(self, node: yaml.MappingNode | yaml.SequenceNode, indent: int, shape: Shape) -> list[_Line]:
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, indent, shape)
        return self.sequence(node, indent, shape)

    def mapping(self, node: yaml.MappingNode, indent: int, shape: Shape) -> list[_Line]:
        entries: dict[str, list[_Line]] = {}
        top: list[_Line] = []
        for key, value in node.value:
            if key.start_mark.line != key.end_mark.line or not isinstance(key, yaml.ScalarNode):
                raise NotLaidOut("it has a key of several lines")
            before = self.gap(key.start_mark.line, indent, key.start_mark.column)
            if not entries:
                top, before = before, []  # what stands above the first key is about the whole
            entries[key.value] = before + self.entry(key, value, indent, inside(shape, key.value))
        made = [line for key in in_order(shape, entries) for line in entries[key]]
        while made and not made[0].text:
            made = made[1:]
        return top + made

    def entry(self, key: yaml.Node, value: yaml.Node, indent: int, shape: Shape) -> list[_Line]:
        self.done = key.start_mark.line
        head = " " * indent + self.source(key) + ":"
        if _is_block(value):
            head += self.end_comment(key.start_mark.line)
            return [_Line(head), *self.block(value, indent + STEP, shape)]
        return self.value(head, value, key.start_mark.line, key.start_mark.column, indent, shape)

    def sequence(self, node: yaml.SequenceNode, indent: int, shape: Shape) -> list[_Line]:
        made: list[_Line] = []
        for value in node.value:
            dash = value.start_mark.line
            while not self.lines[dash].lstrip().startswith("-") or dash > value.start_mark.line:
                dash -= 1
            made += self.gap(dash, indent, len(self.lines[dash]) - len(self.lines[dash].lstrip()))
            if _is_block(value):
                if dash != value.start_mark.line:
                    raise NotLaidOut("an item does not begin beside its '-'")
                inner = self.block(value, indent + STEP, item(shape))
                first = next(
                    n for n, line in enumerate(inner) if line.text.strip() and not line.text.lstrip().startswith("#")
                )
                heads = [_Line(line.text[STEP:]) for line in inner[:first]]
                made += [*heads, _Line(" " * indent + "- " + inner[first].text[indent + STEP :]), *inner[first + 1 :]]
            else:
                column = len(self.lines[dash]) - len(self.lines[dash].lstrip())
                made += self.value(" " * indent + "-", value, dash, column, indent, item(shape))
        return made

    def value(self, head: str, value: yaml.Node, line: int, column: int, indent: int, shape: Shape) -> list[_Line]:
        """Return a scalar or flow collection after *head*, which stood on *line* from *column* on."""
        start, last = value.start_mark, last_line(value)
        if value.start_mark.index == value.end_mark.index:  # nothing there
            return [_Line(head + self.end_comment(line))]
        above: list[_Line] = []
        if start.line != line:  # it begins below its key, and stays there
            above = [_Line(head + self.end_comment(line)), *self.gap(start.line, indent + STEP, start.column)]
            line, column, indent, head = start.line, start.column, indent + STEP, " " * (indent + STEP - 1)
        if last == start.line:
            return self.take(line, [*above, _Line(f"{head} {self.flow(value, shape)}{self.end_comment(line)}")])
        shift = indent - column
        moved = [*above, _Line(f"{head} {self.lines[line][start.column :].rstrip()}", fixed=True)]
        for number in range(start.line + 1, last + 1):
            said = self.lines[number]
            room = len(said) - len(said.lstrip(" "))
            moved.append(_Line(" " * max(room + shift, 0) + said[room:] if said.strip() else said, fixed=True))
        return self.take(last, moved)

    def take(self, line: int, made: list[_Line]) -> list[_Line]:
        self.done = max(self.done, line)
        return made

    def end_comment(self, line: int) -> str:
        comment = self.comments.get(line)
        return f"  {comment.text}" if comment is not None else ""

    def flow(self, node: yaml.Node, shape: Shape) -> str:
        """Return a node of one line, its keys in order and its spaces even."""
        source = self.source(node)
        if isinstance(node, yaml.MappingNode) and source.startswith("{"):
            said = {}
            for key, value in node.value:
                if value.start_mark.index == value.end_mark.index:
                    return source
                said[key.value] = f"{self.source(key)}: {self.flow(value, inside(shape, key.value))}"
            return "{" + ", ".join(said[key] for key in in_order(shape, said)) + "}"
        if isinstance(node, yaml.SequenceNode) and source.startswith("["):
            return "[" + ", ".join(self.flow(value, item(shape)) for value in node.value) + "]"
        return source

    def source(self, node: yaml.Node) -> str:
        start, end = node.start_mark, node.end_mark
        return self.lines[start.line][start.column : end.column].rstrip()


def _is_block(node: yaml.Node) -> TypeGuard[yaml.MappingNode | yaml.SequenceNode]:
    return isinstance(node, (yaml.MappingNode, yaml.SequenceNode)) and not node.flow_style and bool(node.value)
