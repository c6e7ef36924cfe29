"""Diagrams of the decision flow: boxes in columns, arrows from left to right; geometry only."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HEIGHT, GAP_Y, GAP_X, MARGIN = 44, 14, 44, 6
LEAST_WIDTH, MOST_WIDTH = 96, 220
SIZE = 13  # of the letters, px


@dataclass(frozen=True, kw_only=True)
class Box:
    """A box; ``note`` is its second line."""

    id: str
    text: str
    note: str = ""
    x: float = 0
    y: float = 0
    width: float = 0


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A diagram, laid out. ``arrows`` hold SVG path data; ``links`` the same as pairs of box ids."""

    title: str
    width: int
    height: int
    boxes: tuple[Box, ...]
    arrows: tuple[str, ...]
    links: tuple[tuple[str, str], ...]


def columns(title: str, levels: Sequence[Sequence[Box]], links: Sequence[tuple[str, str]]) -> Flow:
    """Lay *levels* out, each a column, and draw *links* (from, to) as curves."""
    x = float(MARGIN)
    tallest = max(len(level) for level in levels)
    placed: dict[str, Box] = {}
    for level in levels:
        width = max(min(max(_width(box.text), _width(box.note) * 0.85) + 28, MOST_WIDTH) for box in level)
        width = max(width, LEAST_WIDTH)
        top = MARGIN + (tallest - len(level)) * (HEIGHT + GAP_Y) / 2
        for n, box in enumerate(level):
            y = top + n * (HEIGHT + GAP_Y)
            placed[box.id] = Box(id=box.id, text=box.text, note=box.note, x=x, y=y, width=width)
        x += width + GAP_X
    arrows = tuple(_curve(placed[a], placed[b]) for a, b in links)
    height = int(2 * MARGIN + tallest * (HEIGHT + GAP_Y) - GAP_Y)
    return Flow(
        title=title, width=int(x - GAP_X + MARGIN), height=height, boxes=tuple(placed.values()), arrows=arrows, links=tuple(links)
    )  # fmt: skip


def by_depth(boxes: Mapping[str, Box], needs: Mapping[str, Sequence[str]]) -> list[list[Box]]:
    """Return *boxes* in columns: each right of all that it needs. Boxes without any link are left out."""
    depth: dict[str, int] = {}

    def level(id: str) -> int:
        if id not in depth:
            depth[id] = 1 + max((level(need) for need in needs[id]), default=-1)
        return depth[id]

    used = {need for wanted in needs.values() for need in wanted} | {id for id, wanted in needs.items() if wanted}
    levels: list[list[Box]] = []
    for id, box in boxes.items():
        if id in used:
            while len(levels) <= level(id):
                levels.append([])
            levels[level(id)].append(box)
    return _untangled(levels, needs)


def _untangled(levels: list[list[Box]], needs: Mapping[str, Sequence[str]]) -> list[list[Box]]:
    """Order every column by the middle of what its boxes need, so that few arrows cross."""
    place = {box.id: n for level in levels[:1] for n, box in enumerate(level)}
    ordered = levels[:1]
    for level in levels[1:]:
        middle = {box.id: sum(place[n] for n in needs[box.id]) / len(needs[box.id]) for box in level}
        ranked = sorted(level, key=lambda box: middle[box.id])
        place |= {box.id: n for n, box in enumerate(ranked)}
        ordered.append(ranked)
    return ordered


def _curve(a: Box, b: Box) -> str:
    x1, y1, x2, y2 = a.x + a.width, a.y + HEIGHT / 2, b.x - 7, b.y + HEIGHT / 2
    bend = max((x2 - x1) / 2, 24)
    return f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"


def _width(text: str) -> float:
    return sum(SIZE if unicodedata.east_asian_width(c) in "WF" else SIZE * 0.58 for c in text)
