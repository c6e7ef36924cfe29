"""Who is meant: the names under which a text may speak of the contacts of one account.

Chinese: the full name, surname + title word (``王主任``), ``老王``, the given name; Latin: the full
name, first or last name (with a capital letter), nicknames (``Bob``); both: a title alone when one
active contact bears it. Longest name first; a name that fits several means the one who takes
part in the activity, else the only active one, else nobody. Weak names (given name, ``老王``, a
title word that the contact's title does not hold) only ever mean a participant.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from crmrules.evaluation.normalise import is_letter, normalise, tidy_all

_HAN_NAME = re.compile("[\u3400-\u9fff]{2,4}")
_TWO_SURNAMES = frozenset(
    [
        "欧阳",
        "上官",
        "司马",
        "诸葛",
        "司徒",
        "东方",
        "皇甫",
        "尉迟",
        "公孙",
        "慕容",
        "令狐",
        "长孙",
        "宇文",
        "夏侯",
        "端木",
        "百里",
        "呼延",
        "南宫",
    ]
)
_BETWEEN_NAMES = re.compile("[ .]+")
_COMPOUND = re.compile("[、/;,兼]|\\(|\\)")
# A title alone names somebody only after a word of grammar: 请院长, but neither 副院长 nor 李院长.
_BEFORE_TITLE = frozenset(
    "请由让找见和与跟对向给被经报是为及同把叫需须要待等问听到过们的个说求约陪事后终都也还得目案块"
)
_AFTER_TITLE = frozenset("办助秘室会")  # 院长办公会, 院长助理 are something else
_FORMS_OF_ADDRESS = frozenset({"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "herr", "frau"})

_MOST = 200  # names in one clause that are looked at; more is no sentence


class Honorifics:
    """How people are called: title words after a surname, and short forms of names and titles; all folded."""

    def __init__(self, words: Sequence[str], nicknames: Mapping[str, str] | None = None) -> None:
        """*nicknames*: short form -> name, or title of several words (cio -> chief information officer)."""
        self.nicknames: dict[str, list[str]] = {}
        self.short_titles: dict[str, str] = {}
        for nick, full in (nicknames or {}).items():
            self.nicknames.setdefault(full.casefold(), []).append(nick.casefold())
            if " " in full:
                self.short_titles[full.casefold()] = nick.casefold()
        self.words = frozenset(normalise(word) for word in words) - {""}
        self._titles = sorted(word for word in self.words if len(word) > 1)
        self._latin_titles = [word for word in self._titles if word.isascii()]
        ordered = sorted(self.words, key=lambda word: (-len(word), word))
        self.pattern = re.compile("|".join(map(re.escape, ordered)) or r"(?!)")

    def titles_in(self, text: str) -> list[str]:
        """Return the title words of several characters that stand in the folded *text*."""
        return [word for word in (self._latin_titles if text.isascii() else self._titles) if word in text]


class Person(NamedTuple):
    """A contact of the account; the texts are normalised."""

    id: str
    name: str
    title: str
    department: str
    active: bool


class Named(NamedTuple):
    """``text[start:end]`` speaks of this contact; ``contact_id`` is None when it can't be said whom."""

    start: int
    end: int
    contact_id: str | None
    is_person: bool  # else a department that stands for its only contact


@dataclass(frozen=True, slots=True)
class _Meant:
    ids: tuple[str, ...]
    weak: bool = False
    alone: bool = False  # a title without a name
    capital: bool = False  # one Latin word: only with a capital letter
    is_person: bool = True


class Directory:
    """The names of one account's contacts, as far as they stand in its texts."""

    def __init__(self, people: Sequence[Person], honorifics: Honorifics, said: str) -> None:
        """``honorifics``: those of the phrases, compiled once for all accounts; ``said``: the texts to come, folded."""
        # NOTE: most contacts are in none of the texts; making all their names would take longer than reading the texts
        self._honorifics = honorifics
        self._active = frozenset(p.id for p in people if p.active)
        self._departments = {p.id: p.department for p in people if len(p.department) > 1}
        self._surnames: dict[str, list[tuple[str, str]]] = {}
        names: dict[str, list[_Meant]] = {}
        for person in sorted(people):
            for name, meant in _names(person, honorifics, said):
                if name in said:
                    names.setdefault(name, []).append(meant)
            surname = surname_of(person, honorifics)
            if surname and surname in said:
                self._surnames.setdefault(surname, []).append((person.id, person.title))
        self._names = {name: _merged(found) for name, found in names.items()}
        for title, ids in _titles_alone(people, honorifics, said).items():
            self._names.setdefault(title, _Meant(ids, alone=True))
        for department, ids in _departments(people, said).items():
            self._names.setdefault(department, _Meant(ids, capital=is_letter(department[0]), is_person=False))

    def find(self, cased: str, folded: str, participants: Collection[str]) -> list[Named]:
        """Return who is named in a clause, in order, without overlaps.

        ``cased`` is the tidied clause, ``folded`` the same in lower case, of the same length.
        """
        found: list[tuple[int, int, _Meant]] = []
        for name, meant in self._names.items():
            for start in _places(name, folded):
                if _stands(cased, folded, start, start + len(name), meant):
                    found.append((start, start + len(name), meant))
        for surname, bearers in self._surnames.items():
            for start in _places(surname, folded):
                found += self._addressed(folded, start, start + len(surname), bearers)
        found.sort(key=lambda f: (f[0] - f[1], f[0]))
        kept: list[Named] = []
        for start, end, meant in found[:_MOST]:
            if all(end <= other.start or other.end <= start for other in kept):
                kept.append(Named(start, end, self._resolve(meant, participants), meant.is_person))
        return sorted(kept, key=lambda named: named.start)

    def _addressed(
        self, folded: str, start: int, end: int, bearers: Sequence[tuple[str, str]]
    ) -> Iterator[tuple[int, int, _Meant]]:
        """Yield ``王主任`` and ``老王`` where the surname stands at ``folded[start:end]``."""
        word = self._honorifics.pattern.match(folded, end)
        if word is not None:
            fitting = tuple(id for id, title in bearers if not title or _fits(word.group(), title))
            yield start, word.end(), _Meant(fitting or tuple(id for id, _ in bearers), weak=not fitting)
        elif start and folded[start - 1] in "老小":
            yield start - 1, end, _Meant(tuple(id for id, _ in bearers), weak=True)

    def of_department(self, folded: str, participants: Collection[str]) -> tuple[str, ...]:
        """Return the participants whose own department is named in the clause."""
        return tuple(id for id in sorted(participants) if self._departments.get(id, "\0") in folded)

    def _resolve(self, meant: _Meant, participants: Collection[str]) -> str | None:
        here = [id for id in meant.ids if id in participants]
        if len(here) == 1:
            return here[0]
        if here or meant.weak:
            return None
        active = [id for id in meant.ids if id in self._active]
        choice = active or list(meant.ids)
        return choice[0] if len(choice) == 1 else None


def _places(name: str, text: str) -> Iterator[int]:
    start = text.find(name)
    while start >= 0:
        yield start
        start = text.find(name, start + 1)


def _stands(cased: str, folded: str, start: int, end: int, meant: _Meant) -> bool:
    before, after = folded[start - 1 : start], folded[end : end + 1]
    if (before and is_letter(before) and is_letter(folded[start])) or (
        after and is_letter(after) and is_letter(folded[end - 1])
    ):
        return False
    if meant.capital and not cased[start].isupper():
        return False
    if meant.alone and not is_letter(folded[start]):
        return (before in _BEFORE_TITLE or not before.isalpha()) and after not in _AFTER_TITLE
    return True


def _merged(found: Sequence[_Meant]) -> _Meant:
    """Prefer the readings that are not weak; several contacts may share a name."""
    if len(found) == 1:
        return found[0]
    strong = [meant for meant in found if not meant.weak]
    chosen = strong or list(found)
    ids = tuple(sorted({id for meant in chosen for id in meant.ids}))
    return _Meant(ids, weak=not strong, capital=any(meant.capital for meant in chosen))


def _names(person: Person, honorifics: Honorifics, said: str) -> list[tuple[str, _Meant]]:
    name = person.name
    if not name or name in honorifics.words:  # 老板, 前台: a placeholder, not a name
        return []
    ids = (person.id,)
    if is_letter(name[0]):
        return _latin_names(name, honorifics, ids, said)
    given = name[len(surname_of(person, honorifics)) :] if _HAN_NAME.fullmatch(name) else ""
    is_name = len(given) == 2 and given not in honorifics.words
    return [(name, _Meant(ids)), (given, _Meant(ids, weak=True))] if is_name else [(name, _Meant(ids))]


def surname_of(person: Person, honorifics: Honorifics) -> str:
    """Return the surname of a Chinese name, else ''."""
    name = person.name
    if not _HAN_NAME.fullmatch(name) or name in honorifics.words:
        return ""
    return name[:2] if name[:2] in _TWO_SURNAMES and len(name) > 2 else name[0]


def _fits(word: str, title: str) -> bool:
    """``总工`` fits 研发总工程师, ``总助`` fits 总经理助理: the characters stand in the title in this order."""
    rest = iter(title)
    return all(character in rest for character in word)


def _latin_names(name: str, honorifics: Honorifics, ids: tuple[str, ...], said: str) -> list[tuple[str, _Meant]]:
    words = [word for word in _BETWEEN_NAMES.split(name) if word and word not in _FORMS_OF_ADDRESS]
    if len(words) < 2:
        return [(name, _Meant(ids, capital=True))]
    first, last = words[0], words[-1]
    short = honorifics.nicknames.get(first, [])
    if not any(word in said for word in (first, last, *short)):  # one of them is part of every name
        return []
    full = {name, " ".join(words), *(f"{one} {last}" for one in (first, *short)), f"{last} {first}"}
    single = {word for word in (first, last, *short) if len(word) > 1}
    return [(alias, _Meant(ids)) for alias in full] + [(word, _Meant(ids, capital=True)) for word in single]


def _titles_alone(people: Sequence[Person], honorifics: Honorifics, said: str) -> Mapping[str, tuple[str, ...]]:
    """Return title words and whole titles that stand in ``said`` and that exactly one active contact bears."""
    words = honorifics.titles_in(said)
    bearers: dict[str, set[str]] = {}
    exact: dict[str, set[str]] = {}
    for person in people:
        if not (person.active and person.title):
            continue
        for part in (part.strip() for part in _COMPOUND.split(person.title)):
            for form in {part, honorifics.short_titles.get(part, part)} - {""}:
                if form in said:
                    exact.setdefault(form, set()).add(person.id)
            for word in words:
                if part.endswith(word) and part[: -len(word)][-1:] != "副":
                    bearers.setdefault(word, set()).add(person.id)
    found = {word: tuple(ids) for word, ids in bearers.items() if len(ids) == 1}
    return found | {part: tuple(ids) for part, ids in exact.items() if len(ids) == 1 and len(part) > 1}


def _departments(people: Sequence[Person], said: str) -> Mapping[str, tuple[str, ...]]:
    """Return the departments in ``said`` that have exactly one active contact."""
    members: dict[str, list[str]] = {}
    for person in people:
        name = person.department
        if person.active and len(name) > (3 if name[:1] and is_letter(name[0]) else 1) and name in said:
            members.setdefault(name, []).append(person.id)
    return {name: tuple(ids) for name, ids in members.items() if len(ids) == 1}


def shown(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Return each raw text tidied, and the same in lower case, of equal length; in order."""
    return [
        (cased, folded) if len(folded) == len(cased) else (folded, folded)
        for cased in tidy_all(texts)
        for folded in [cased.lower()]
    ]
