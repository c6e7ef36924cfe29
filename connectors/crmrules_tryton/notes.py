"""Notes: Tryton's have one text and no title, so ours begin with it; who wrote it tells whose it is.

A message ``[title]`` + line break + body is a note with that title; any other one has none. A note
that has a title and was made by our user is ours. Tryton 8 lets nobody change a note, so ours is
made anew and the old one deleted after, on every series alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crmrules.model.changes import AUTHOR
from crmrules_tryton.api import Api
from crmrules_tryton.objects import NOTE

_TITLED = re.compile(r"\[([^\n]+)\]\n(.*)", re.DOTALL)
_LIKE_OURS = "[%]\n%"
_FIELDS = ["resource", "message", "create_uid", "create_uid.rec_name", "create_date", "write_date", "_timestamp"]


@dataclass(frozen=True, kw_only=True)
class Note:
    """A note as it stands; ``record`` is its resource, e.g. ``party.party,12``."""

    id: int
    record: str
    title: str
    body: str
    user: int | None
    author: str  # AUTHOR for ours, else the user's name
    stamp: str
    row: Mapping[str, Any]  # the times, as they came

    @property
    def ours(self) -> bool:
        return self.author == AUTHOR


def message_of(title: str, body: str) -> str:
    """Return the text of a note of that title."""
    return f"[{title}]\n{body}"


def parted(message: str) -> tuple[str, str]:
    """Return title ('' for none) and body of a note's text."""
    found = _TITLED.fullmatch(message)
    return (found[1], found[2]) if found else ("", message)


def of_people(user: int) -> list[Any]:
    """Return the domain of notes that are not ours, where we are *user*."""
    return ["OR", ["create_uid", "!=", user], ["message", "not like", _LIKE_OURS]]


def notes_on(api: Api, records: Sequence[str], domain: Sequence[Any] = ()) -> Iterator[Note]:
    """Yield the notes on *records* that fit *domain*, by id.

    Tryton lets only an administrator search among all notes, so they are asked for by their records.
    """
    wanted = [["resource", "in", list(records)], *domain]
    user = api.login.user
    for row in api.call(f"{NOTE}.search_read", wanted, 0, None, [["id", "ASC"]], _FIELDS) if records else ():
        title, body = parted(row["message"] or "")
        mine = bool(title) and row["create_uid"] == user
        name = str((row["create_uid."] or {}).get("rec_name") or "")
        yield Note(
            id=row["id"], record=row["resource"], title=title, body=body, user=row["create_uid"],
            author=AUTHOR if mine else name, stamp=row["_timestamp"], row=row,
        )  # fmt: skip


def standing(notes: Iterable[Note]) -> dict[tuple[str, str], Note]:
    """Return the note that stands for each (record, title): ours before anybody's, the newest of them."""
    found: dict[tuple[str, str], Note] = {}
    for note in notes:
        place = note.record, note.title
        if note.title and (place not in found or note.ours >= found[place].ours):
            found[place] = note
    return found
