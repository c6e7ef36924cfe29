"""Make the rows of one customer anonymous: other names, ids and days, and only texts that the ruleset itself says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from crmrules.authoring.case.names import Names, ids_worth_hiding
from crmrules.authoring.case.phrasebook import Phrasebook, blank, readable_text
from crmrules.authoring.case.uses import Use, Uses
from crmrules.evaluation.normalise import tidy
from crmrules.language.ruleset import Ruleset
from crmrules.model.objects import OBJECTS, CustomField, Field, FieldType
from crmrules.stores.schema import fields_of
from crmrules.testing.records import Rows

_LETTERS = {
    "account": "a", "contact": "c", "deal": "d", "activity": "t", "order": "o", "order_line": "l", "response": "r",
    "note": "n", "user": "u",
}  # fmt: skip
_NAMED = {"account": ("客户", "Account"), "deal": ("商机", "Deal")}  # contacts and users get names of people
_PEOPLE = ("contact", "user")
_TALK = ("activity", "text")
_CURRENCY_LETTERS = 3
Ids = Mapping[tuple[str, str], str]  # (object, id) -> new id


@dataclass(frozen=True, kw_only=True)
class Options:
    """How much is hidden. *digits*: (object, field) -> significant digits that are left of its numbers."""

    days: int = 0  # by which all days move
    keep_text: bool = False  # free texts stay, but for names, ids, addresses and numbers
    digits: Mapping[tuple[str, str], int] | None = None
    disguised: bool = True  # False: only what is read is taken, as it stands


def new_ids(rows: Rows) -> Ids:
    """Return ``c1``, ``c2`` ... in the order of the ids, which decides ties; as many digits as the largest needs."""
    found: dict[tuple[str, str], str] = {}
    meant: defaultdict[str, set[str]] = defaultdict(set)
    for object, some in rows.items():
        for field in OBJECTS[object].fields:
            there = object if field.name == "id" else field.refers_to
            meant[there].update(row[field.name] for row in some if there and row.get(field.name) is not None)
    for object, ids in meant.items():
        width = len(str(len(ids)))
        for number, id in enumerate(sorted(ids), 1):
            found[object, id] = f"{_LETTERS[object]}{number:0{width}}"
    return found


def anonymised(
    rows: Rows, ids: Ids, ruleset: Ruleset, read: Uses, custom: Sequence[CustomField], safe: Uses, strangers: Iterable[str],
    options: Options,
) -> Rows:  # fmt: skip
    """Return *rows* with nothing in them but what the outcomes read, nobody recognisable.

    *safe* adds values to *read* that stand in the mapping; *strangers* are names of others that texts may
    speak of.
    """
    return _Disguise(rows, ids, ruleset, read, custom, safe, tuple(strangers), options).rows()


class _Disguise:
    def __init__(
        self, rows: Rows, ids: Ids, ruleset: Ruleset, read: Uses, custom: Sequence[CustomField], safe: Uses,
        strangers: Sequence[str], options: Options,
    ) -> None:  # fmt: skip
        self.raw, self.ids, self.read, self.custom, self.safe, self.options = rows, ids, read, custom, safe, options
        self.books = {key: Phrasebook(use) for key, use in read.items() if use.patterns | use.words | use.literals}
        people = [str(row["name"]) for object in _PEOPLE for row in rows[object] if row.get("name")]
        self.names = Names(ruleset.phrases, [tidy(name) for name in (*people, *strangers)])
        self.new_names: dict[tuple[str, str], str] = {}
        self._name_everybody()
        for stranger in strangers:
            self.names.called(stranger, blank(tidy(stranger)))
        self.plain = self._plain_values()

    def rows(self) -> Rows:
        return {object: [self._row(object, row) for row in some] for object, some in self.raw.items()}

    def _name_everybody(self) -> None:
        for object in ("account", "deal", *_PEOPLE):
            for row in sorted(self.raw[object], key=lambda row: self.ids[object, row["id"]]):
                name = str(row.get("name") or "")
                new = self.ids[object, row["id"]]
                self.new_names[object, row["id"]] = self._new_name(object, name, new) if tidy(name) else name
        for (_, old), new in sorted(self.ids.items()):
            for id, instead in ids_worth_hiding({old: new}):
                self.names.called(id, instead)
        for field in ("department", "title"):  # a text may mean a person by these alone
            said = {tidy(str(row[field])) for row in self.raw["contact"] if row.get(field)}
            if ("contact", field) in self.books:
                self._name_posts(self.books["contact", field], sorted(text for text in said if len(text) > 1))

    def _name_posts(self, book: Phrasebook, posts: Sequence[str]) -> None:
        """Different departments stay different."""
        spans = {post: self.names.spans(post, addresses=False) for post in posts}
        taken: set[str] = set()
        for post in posts:
            reduced = book.reduced(post, spans[post])
            while reduced != post and reduced in (*taken, *posts):
                reduced += "某" if reduced[-1] >= "\u2e80" else "x"
            taken.add(reduced)
            self.names.called(post, reduced)

    def _new_name(self, object: str, name: str, new: str) -> str:
        if object in _PEOPLE:
            return self.names.person(name)
        zh, en = _NAMED[object]
        number = new.lstrip("abcdefghijklmnopqrstuvwxyz")
        made = f"{zh}{number}" if any(c >= "\u2e80" for c in name) else f"{en} {number}"
        book = self.books.get((object, "name"))
        if book is not None:
            plain = tidy(name)
            made = book.reduced(plain, [])
        self.names.called(name, made)
        return made

    def _plain_values(self) -> dict[tuple[str, str], str]:
        """Number the texts that the ruleset does not say: (field, text) -> ``<field> <n>``, in the texts' order."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for object, rows in self.raw.items():
            for field in fields_of(object, self.custom):
                key = object, field.name
                if key not in self.read or key in self.books or field.refers_to or field.name in ("id", "name"):
                    continue
                for row in rows:
                    for text in _texts(row.get(field.name)):
                        if not self._said(key, text):
                            found[field.name].add(text)
        return {
            (name, text): f"{name} {number:0{len(str(len(texts)))}}"
            for name, texts in found.items() for number, text in enumerate(sorted(texts), 1)
        }  # fmt: skip

    def _row(self, object: str, row: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for field in fields_of(object, self.custom):
            value = row.get(field.name)
            wanted = (object, field.name) in self.read or field.name in OBJECTS[object].key or field.refers_to
            if value is not None and (wanted or field.name == "name"):
                made[field.name] = value if not self.options.disguised else self._value(object, field, value, row)
        return made

    def _value(self, object: str, field: Field, value: Any, row: Mapping[str, Any]) -> Any:
        key = object, field.name
        if field.name == "id" or field.refers_to:
            return self.ids[field.refers_to or object, value]
        if object in ("note", "tag") and field.name == "record_id":
            return next((new for (_, old), new in self.ids.items() if old == value), "x")
        if field.name == "name" and (object, row.get("id")) in self.new_names:
            return self.new_names[object, row["id"]]
        if isinstance(value, (date, datetime)):
            return value + timedelta(days=self.options.days)
        if isinstance(value, str):
            return self._text(key, value)
        if isinstance(value, list):
            return [self._text(key, item) for item in value]
        if field.type.is_numeric and key in (self.options.digits or {}):
            return rounded(value, (self.options.digits or {})[key])
        return value

    def _text(self, key: tuple[str, str], text: str) -> str:
        if self._said(key, text):
            return text
        if key not in self.books:
            return self.plain.get((key[1], text), key[1])
        book = self.books[key]
        if key == _TALK:
            whole = readable_text(text)
            spans = self.names.spans(whole, addresses=self.options.keep_text)
            if not self.options.keep_text:
                return book.reduced_talk(whole, spans).replace("¶", "\n")
            for span in reversed(spans):
                whole = whole[: span.start] + span.instead + whole[span.end :]
            return whole.replace("¶", "\n")
        plain = tidy(text)
        if plain in self.names.known:
            return self.names.known[plain]
        return book.reduced(plain, self.names.spans(plain, addresses=False))

    def _said(self, key: tuple[str, str], text: str) -> bool:
        """Whether the ruleset or the mapping says *text* itself, or it is a currency."""
        if key[1] == "currency" and len(text) == _CURRENCY_LETTERS and text.isascii() and text.isupper():
            return True
        return any(text in uses.get(key, Use()).values or text.lower() in uses.get(key, Use()).values
                   for uses in (self.read, self.safe))  # fmt: skip


def rounded(value: Any, digits: int) -> Any:
    """Return a number with *digits* significant digits, of the same type; 0 stays 0."""
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    if not exact:
        return value
    rough = exact.quantize(Decimal(1).scaleb(exact.adjusted() - digits + 1))
    return rough if isinstance(value, Decimal) else type(value)(rough)


def numeric_fields(rows: Rows, read: Uses, custom: Sequence[CustomField]) -> Iterator[tuple[str, str]]:
    """Yield the fields of numbers that are filled, money first."""
    found = [
        (field.type is not FieldType.money, object, field.name)
        for object, some in rows.items() for field in fields_of(object, custom)
        if field.type.is_numeric and (object, field.name) in read and any(row.get(field.name) is not None for row in some)
    ]  # fmt: skip
    return ((object, name) for _, object, name in sorted(found))


def _texts(value: Any) -> Iterator[str]:
    yield from (value,) if isinstance(value, str) else value if isinstance(value, list) else ()
