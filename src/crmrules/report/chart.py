"""The buying group of an account as a picture: who reports to whom, drawn as an org chart.

Only geometry is computed here; the template draws it. People who neither report to anybody we
know nor have anybody reporting to them stand in rows below the trees.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 208, 122  # of a card, px
GAP_X, GAP_Y = 18, 44
PER_ROW = 4  # loose people beside each other
MOST_PEOPLE = 40
MARGIN = 8


@dataclass(frozen=True, kw_only=True)
class Card:
    """Where a person's card stands."""

    contact_id: str
    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class Line:
    """An elbow from a manager's card down to a report's."""

    path: str  # SVG path data


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A drawn chart."""

    width: int
    height: int
    cards: tuple[Card, ...]
    lines: tuple[Line, ...]
    loose_y: int | None  # where the heading of the loose people stands
    left_out: int  # people beyond MOST_PEOPLE


def lay_out(people: Sequence[str], managers: Mapping[str, str]) -> Layout:
    """Place *people* (ids, in the order in which siblings stand); *managers* maps a person to a manager.

    A reporting line that leads out of *people* or round in a circle is not drawn.
    """
    shown = list(people[:MOST_PEOPLE])
    above = _without_circles({p: m for p, m in managers.items() if p in shown and m in shown and p != m}, shown)
    below: dict[str, list[str]] = {p: [] for p in shown}
    for person in shown:
        if person in above:
            below[above[person]].append(person)
    roots = [p for p in shown if p not in above and below[p]]
    loose = [p for p in shown if p not in above and not below[p]]
    spots: dict[str, tuple[float, int]] = {}
    left = 0.0
    for root in roots:
        left = _place(root, left, 0, below, spots)
    levels = max((depth for _, depth in spots.values()), default=-1) + 1
    cards = [
        Card(contact_id=p, x=MARGIN + x * (WIDTH + GAP_X), y=MARGIN + depth * (HEIGHT + GAP_Y))
        for p, (x, depth) in spots.items()
    ]
    bottom = MARGIN + levels * (HEIGHT + GAP_Y)
    loose_y = bottom + 8 if loose else None
    for n, person in enumerate(loose):
        row, column = divmod(n, max(PER_ROW, int(left)))
        y = bottom + 24 + row * (HEIGHT + GAP_X)
        cards.append(Card(contact_id=person, x=MARGIN + column * (WIDTH + GAP_X), y=y))
    place = {card.contact_id: card for card in cards}
    return Layout(
        width=int(max((c.x for c in cards), default=0) + WIDTH + MARGIN),
        height=int(max((c.y for c in cards), default=0) + HEIGHT + MARGIN),
        cards=tuple(cards),
        lines=tuple(_elbow(place[manager], place[person]) for person, manager in above.items()),
        loose_y=loose_y,
        left_out=len(people) - len(shown),
    )


def fit(value: str, width: float, size: float, narrow: float = 0.6) -> str:
    """Cut *value* so that it is about *width* px wide in a font of *size* px (CJK one em, others *narrow*)."""
    room = width
    for n, character in enumerate(value):
        room -= size * (1.0 if unicodedata.east_asian_width(character) in "WF" else narrow)
        if room < 0:
            return value[: max(n - 1, 0)].rstrip() + "…"
    return value


def _without_circles(above: Mapping[str, str], order: Sequence[str]) -> dict[str, str]:
    kept: dict[str, str] = {}
    for person in order:
        manager = above.get(person)
        seen, here = {person}, manager
        while here is not None and here not in seen:
            seen.add(here)
            here = kept.get(here)
        if manager is not None and here != person:
            kept[person] = manager
    return kept


def _place(
    person: str, left: float, depth: int, below: Mapping[str, list[str]], spots: dict[str, tuple[float, int]]
) -> float:
    """Place a person above the middle of the reports; return where the next subtree may begin (in cards)."""
    right = left
    for report in below[person]:
        right = _place(report, right, depth + 1, below, spots)
    if not below[person]:
        spots[person] = (left, depth)
        return left + 1
    first, last = spots[below[person][0]][0], spots[below[person][-1]][0]
    spots[person] = ((first + last) / 2, depth)
    return right


def _elbow(manager: Card, person: Card) -> Line:
    x1, y1 = manager.x + WIDTH / 2, manager.y + HEIGHT
    x2, y2 = person.x + WIDTH / 2, person.y
    middle = y1 + GAP_Y / 2
    return Line(path=f"M{x1:g} {y1:g}V{middle:g}H{x2:g}V{y2:g}")
