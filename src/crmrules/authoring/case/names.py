"""Other names for everybody, the same for the same: surnames, given names, companies, ids, addresses.

Equal surnames stay equal and different ones different, so that ``王主任`` means one person afterwards
as before. No name that is given is one that somebody in the records bears.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, count

from crmrules.authoring.case.phrasebook import Span, blank
from crmrules.evaluation.normalise import tidy
from crmrules.evaluation.persons import Honorifics, Person, surname_of
from crmrules.language.ruleset import Phrases

_SURNAMES = "沈韩魏蒋唐冯邓曹彭曾萧董袁潘蔡杜苏吕卢姚崔钟谭陆汪范廖贾邹熊孟秦阎薛侯郝邵龚黎贺"
_COMPOUND = ("尉迟", "慕容", "令狐", "宇文", "夏侯", "端木", "百里", "呼延", "南宫", "皇甫")
_GIVEN = "雨桐思远浩然梓涵俊逸诗景行书瑶云帆知夏怀瑾清越辰慕白轩岚峥琪玥炜璐颖昊彬婷"
_PAIRS = [_GIVEN[i] + _GIVEN[(i + k) % len(_GIVEN)] for k in range(1, len(_GIVEN)) for i in range(len(_GIVEN))]
_FIRST = ("Adrian", "Bianca", "Conrad", "Daphne", "Edgar", "Felicia", "Gordon", "Harriet", "Ivor", "Juliet", "Kendra",
          "Lionel", "Miriam", "Norbert", "Olive", "Percy", "Quentin", "Rosalind", "Stella", "Tobias", "Ursula",
          "Vernon", "Wilma", "Xavier", "Yvette", "Zora")  # fmt: skip
_LAST = ("Ashdown", "Birchall", "Coldwell", "Dunmore", "Eastlake", "Farnham", "Greenhill", "Hartwell", "Ironside",
         "Jesmond", "Kirkland", "Larkspur", "Marlowe", "Norwood", "Oakden", "Pemberton", "Quarmby", "Redfern",
         "Stanmore", "Thornbury", "Underhill", "Varley", "Westbrook", "Yardley")  # fmt: skip
_TOKEN = re.compile("[\u3400-\u9fff]+|[^\\W\\d_\u3400-\u9fff]+|\\d|.", re.DOTALL)
_ADDRESS = re.compile(  # e-mails, links, numbers of phones and the like, codes such as SO-2201
    r"[a-z0-9_.+-]+@[a-z0-9_-]+(?:\.[a-z0-9_-]+)+|(?:https?://|www\.)[^\s,;,。;)】]+|\+?\d[\d \-()/]{4,}\d|(?<!\d)\d{5,}"
    r"|(?<![a-z0-9])[a-z]{1,6}[-_]?\d{2,}[a-z0-9_-]*",
    re.IGNORECASE,
)
_SHORTEST_ID = 3  # a shorter id may be any word of a text


class Names:
    """Who is called what instead; asked for people in the order of their new ids."""

    def __init__(self, phrases: Phrases | None, avoid: Iterable[str]) -> None:
        """*avoid*: the real names of everybody, tidied."""
        empty = Phrases(cues=(), negations=(), honorifics=(), nicknames={}, speech_verbs=())
        self._phrases = phrases or empty
        self._honorifics = sorted({tidy(w) for w in self._phrases.honorifics} - {""}, key=lambda w: (-len(w), w))
        real = "\n".join(avoid)
        words = set(re.findall(r"\w+", real.casefold()))
        self._surnames = _unused(_SURNAMES, real)
        self._compound = _unused(_COMPOUND, real)
        self._givens = {1: _unused(_GIVEN, real), 2: _unused(_PAIRS, real)}
        self._first = _latin(_FIRST, words)
        self._last = _latin(_LAST, words)
        self.known: dict[str, str] = {}  # tidied -> instead
        self._by_surname: dict[str, str] = {}
        self._compiled: tuple[int, re.Pattern[str], dict[str, str]] | None = None

    def person(self, name: str) -> str:
        """Return another name for a person called *name*, and remember every form of it."""
        plain = tidy(name)
        if plain in self._honorifics:  # 前台: a placeholder, not a name
            return plain
        tokens = _TOKEN.findall(plain)
        latin = [token for token in tokens if token[0].isalpha() and token[0] < "\u2e80"]
        made = []
        for token in tokens:
            if token in latin:
                made.append(self._latin(token, first=token is latin[0] and len(latin) > 1))
            elif token[0] >= "\u2e80":
                made.append(self._chinese(token))
            else:
                made.append("0" if token.isdigit() else token)
        if len(latin) < 2 or len(tokens) > 1:
            self.known[plain] = "".join(made)
        return "".join(made)

    def called(self, name: str, instead: str) -> None:
        """Remember that the company, department or id *name* is to be called *instead*."""
        plain = tidy(name)
        if plain:
            self.known.setdefault(plain, instead)

    def spans(self, text: str, *, addresses: bool) -> list[Span]:
        """Return where a tidied *text* names somebody or something known; with *addresses* also e-mails, links, numbers."""
        if self._compiled is None or self._compiled[0] != len(self.known):
            self._compiled = len(self.known), self._pattern(), self._folded()
        _, pattern, folded = self._compiled
        taken = [Span(m.start(), m.end(), blank(m.group())) for m in _ADDRESS.finditer(text)] if addresses else []
        for match in pattern.finditer(text):
            if all(match.end() <= span.start or span.end <= match.start() for span in taken):
                taken.append(Span(match.start(), match.end(), _as_cased(match.group(), folded)))
        return sorted(taken)

    def _pattern(self) -> re.Pattern[str]:
        parts = [_whole(name) for name in sorted(self.known, key=lambda n: (-len(n), n))]
        if self._by_surname:
            surnames = "|".join(sorted(self._by_surname, key=lambda n: (-len(n), n)))
            titles = "|".join(map(re.escape, self._honorifics)) or "(?!)"
            parts.append(f"(?:{surnames})(?={titles})|(?<=[老小])(?:{surnames})")
        return re.compile("|".join(parts) or "(?!)", re.IGNORECASE)

    def _folded(self) -> dict[str, str]:
        return {name.lower(): instead for name, instead in (*self._by_surname.items(), *self.known.items())}

    def _chinese(self, name: str) -> str:
        surname = surname_of(Person("", name, "", "", True), Honorifics(()))
        if not surname:  # not a person's name, as far as anybody can tell
            return "某" * len(name)
        if surname not in self._by_surname:
            self._by_surname[surname] = next(self._compound if len(surname) > 1 else self._surnames)
        given = name[len(surname) :]
        if given not in self.known:
            made = "".join(next(self._givens[min(len(given), 2)]) for _ in range(max(1, len(given) // 2)))
            if len(given) < 2:
                return self._remember_single(name, surname, made)
            self.known[given] = made
        self.known[name] = self._by_surname[surname] + self.known[given]
        return self.known[name]

    def _remember_single(self, name: str, surname: str, made: str) -> str:
        """A given name of one character is no word by itself: only the whole name is replaced."""
        self.known.setdefault(name, self._by_surname[surname] + made)
        return self.known[name]

    def _latin(self, word: str, *, first: bool) -> str:
        folded = word.casefold()
        if folded in ("mr", "mrs", "ms", "miss", "dr", "prof", "sir", "herr", "frau") or len(word) == 1:
            return word if len(word) > 1 else "X"
        known = {name.casefold(): instead for name, instead in self.known.items()}
        if folded not in known:
            self.known[word] = next(self._first if first else self._last)
            for nick, full in self._phrases.nicknames.items():
                if full.casefold() == folded:
                    self.known.setdefault(nick.capitalize(), self.known[word])
            return self.known[word]
        return known[folded]


def _as_cased(surface: str, folded: Mapping[str, str]) -> str:
    instead = folded.get(surface.lower(), blank(surface))
    return instead.lower() if surface.islower() and instead.isascii() else instead


def _unused(names: Iterable[str], real: str) -> Iterator[str]:
    """Yield *names*, then single characters: many people may work for one customer."""
    return (name for name in chain(names, map(chr, range(0x4E00, 0x9FA5))) if name not in real)


def _latin(names: Sequence[str], taken: set[str]) -> Iterator[str]:
    for number in count():
        yield from (name + "son" * number for name in names if (name + "son" * number).casefold() not in taken)


def _whole(name: str) -> str:
    before = r"(?<![^\W\d_\u2e80-\U0010ffff])" if name[0].isalpha() and name[0] < "\u2e80" else ""
    after = r"(?![^\W\d_\u2e80-\U0010ffff])" if name[-1].isalpha() and name[-1] < "\u2e80" else ""
    if name[0].isdigit() or name[-1].isdigit():
        before, after = r"(?<![^\W_\u2e80-\U0010ffff])", r"(?![^\W_\u2e80-\U0010ffff])"
    return f"{before}{re.escape(name)}{after}"


def ids_worth_hiding(ids: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the ids that may stand in a text as what they are, with the new ones."""
    return ((old, new) for old, new in ids.items() if len(old) >= _SHORTEST_ID)
