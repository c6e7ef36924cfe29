"""Who said what about whom in the text of one activity.

The speaker of a clause is, first that applies: who "said" (``X说``, ``X said``; until the end of
the sentence), who stands before a colon (``王主任:``; until the end of the line or the next such
prefix), else the activity's only participant where it came in or went both ways. A prefix or
"said" of somebody who is no contact of the account makes the speaker nobody.

``he`` and ``她`` mean the person named first in the same clause or the nearest earlier one of the
line; in our own notes of a talk (direction ``both``), failing that, the speaker.

About whom a cue is: ``named``: its ``{who}``; ``speaker``: the speaker; ``actor``: the speaker
where the cue's words hold ``我`` or ``I``; else the person named last before the cue in the clause,
else first in an earlier clause of the sentence, else the speaker, else all participants whose
department the clause names (``采购部负责…``). A department with one active contact names that contact.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from crmrules.evaluation.clauses import Clause, clauses
from crmrules.evaluation.cues import CueReader, Fired
from crmrules.evaluation.normalise import is_letter, normalise
from crmrules.evaluation.persons import Directory, Honorifics, Named
from crmrules.language.ruleset import Cue, Phrases

_PRONOUN = re.compile(r"(?<![其吉])[他她](?![们人])|\b(?:he|she|him)\b|\bher(?=\s*$|\s+(?:and|or|to|first|directly)\b)")
_ADDRESSED = frozenset("对跟向和与给让请告问")  # 对王主任说: it is not he who speaks
_OURSELVES = frozenset({"我", "我方", "我司", "我们", "销售", "me", "i", "us", "we"})
_SURNAMES = frozenset(
    "王李张刘陈杨黄赵周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾"
)
_LATIN_NAME = re.compile(r"[A-Z][a-z]+(?: [A-Z][a-z.]*){0,2}")
_NO_NAMES = frozenset({"I", "He", "She", "They", "We", "It", "You", "Who", "The", "This", "That"})
_MOST_PRONOUNS = 20  # in one clause; more is no sentence
_FIRST_PERSON = re.compile(r"我(?![们司方行院校厂])|本人|\b(?:i|me|my|mine|myself)\b")


class Attribution(NamedTuple):
    """In ``clause`` the cue speaks of ``contact_id``; ``speaker_id`` says it (None: nobody known)."""

    contact_id: str
    speaker_id: str | None
    cue: str
    clause: str


class Talk(NamedTuple):
    """An activity as far as its text is concerned."""

    cased: str  # its readable part, tidied
    folded: str  # the same in lower case, of equal length
    direction: str
    present: frozenset[str]  # contacts who take part in whatever way
    sole: str | None  # the only one who takes part himself


class _Heard(NamedTuple):
    clause: Clause
    named: tuple[Named, ...]


class TextReader:
    """Reads texts under one ruleset's phrases; built once."""

    def __init__(self, phrases: Phrases) -> None:
        self.phrases = phrases
        self.honorifics = Honorifics(phrases.honorifics, phrases.nicknames)
        self._cues = CueReader(phrases)
        verbs = sorted({normalise(verb) for verb in phrases.speech_verbs} - {""}, key=lambda v: (-len(v), v))
        latin = [re.escape(verb) for verb in verbs if is_letter(verb[0])]
        han = [re.escape(verb) for verb in verbs if not is_letter(verb[0])]
        nothing = r"(?!)"
        said_latin = rf"\s(?:\w+\s){{0,2}}?(?:{'|'.join(latin)})\b" if latin else nothing
        said_han = rf"[^他她我]{{0,4}}?(?:{'|'.join(han)})" if han else nothing
        self._said = re.compile(f"{said_latin}|{said_han}")
        titles = self.honorifics.pattern.pattern
        self._stranger = re.compile(f"[\u3400-\u9fff](?:{titles})(?:{said_han})")
        self._latin_stranger = re.compile(f"({_LATIN_NAME.pattern})(?:{said_latin})")
        self._title_at_end = re.compile(f"(?:{titles})$")

    def read(self, talk: Talk, directory: Directory) -> list[Attribution]:
        """Return what the text says, in the text's order, each contact and cue once."""
        usual = talk.sole if talk.direction in ("in", "both") else None
        speaker, prefix = usual, usual
        heard: list[_Heard] = []
        found: dict[tuple[str, str], Attribution] = {}
        for clause in clauses(talk.cased):
            here = talk.folded[clause.start : clause.start + len(clause.text)]
            line_starts = not heard or heard[-1].clause.line != clause.line
            sentence_starts = not heard or heard[-1].clause.sentence != clause.sentence
            if line_starts:
                speaker = prefix = usual
            elif sentence_starts:
                speaker = prefix
            named = self._named(clause, here, heard, talk, directory, speaker)
            if clause.introduces and sentence_starts:
                speaker = prefix = self._introduced(clause, named, prefix)
            else:
                speaker = self._who_said(clause, here, named, speaker)
            heard.append(_Heard(clause, named))
            for fired in self._cues.fired(clause, here, named):
                for contact in self._about(fired, heard, speaker, here, directory, talk.present):
                    attribution = Attribution(contact, speaker, fired.cue.id, clause.text)
                    found.setdefault((contact, fired.cue.id), attribution)
        return list(found.values())

    def _named(
        self,
        clause: Clause,
        folded: str,
        heard: Sequence[_Heard],
        talk: Talk,
        directory: Directory,
        speaker: str | None,
    ) -> tuple[Named, ...]:
        named = directory.find(clause.text, folded, talk.present)
        spans = [(n.start, n.end) for n in named]
        for match in islice(_PRONOUN.finditer(folded), _MOST_PRONOUNS):
            if any(start < match.end() and match.start() < end for start, end in spans):
                continue
            before = [n for n in named if n.end <= match.start() and n.is_person]
            line = [h for h in reversed(heard) if h.clause.line == clause.line]
            earlier = next((n for h in line for n in h.named if n.is_person), None)
            meant = before[0] if before else earlier  # a department is nobody's "she"
            fallback = speaker if talk.direction == "both" else None
            named.append(Named(match.start(), match.end(), meant.contact_id if meant else fallback, True))
            named.sort()
        return tuple(named)

    def _introduced(self, clause: Clause, named: Sequence[Named], prefix: str | None) -> str | None:
        people = [n for n in named if n.is_person]
        if people:
            return people[0].contact_id
        text = clause.text
        is_somebody = (
            text.lower() in _OURSELVES
            or self._title_at_end.search(text.lower())
            or (len(text) in (2, 3) and text[0] in _SURNAMES)
            or _LATIN_NAME.fullmatch(text)
        )
        return None if is_somebody else prefix

    def _who_said(self, clause: Clause, folded: str, named: Sequence[Named], speaker: str | None) -> str | None:
        for person in named:
            addressed = folded[person.start - 1 : person.start] in _ADDRESSED
            if person.is_person and not addressed and self._said.match(folded, person.end):
                return person.contact_id
        spans = [(n.start, n.end) for n in named]
        for match in (*self._stranger.finditer(folded), *self._latin_stranger.finditer(clause.text)):
            known = any(start < match.end() and match.start() < end for start, end in spans)
            if not known and match.group().split(" ")[0] not in _NO_NAMES:
                return None
        return speaker

    def _about(
        self, fired: Fired, heard: Sequence[_Heard], speaker: str | None, folded: str, directory: Directory,
        present: Collection[str],
    ) -> tuple[str, ...]:  # fmt: skip
        if fired.cue.about == "named":
            return (fired.who,) if fired.who is not None else ()
        if fired.cue.about == "actor" and not _FIRST_PERSON.search(fired.words):
            now = heard[-1]
            before = [n for n in now.named if n.end <= fired.start and (fired.who is None or n.contact_id != fired.who)]
            if not before:
                same = (h for h in heard[:-1] if h.clause.sentence == now.clause.sentence and not h.clause.introduces)
                earlier = (n for h in reversed(list(same)) for n in h.named if n.is_person)
                before = list(islice(earlier, 1))
            if before:
                return (before[-1].contact_id,) if before[-1].contact_id is not None else ()
            if speaker is None:
                return directory.of_department(folded, present)
        return (speaker,) if speaker is not None else ()


def text_reader(phrases: Phrases) -> TextReader:
    """Return the reader of *phrases*; the last ones are kept, because compiling takes longer than reading a case."""
    nicknames = tuple(sorted(phrases.nicknames.items()))
    return _text_reader(phrases.cues, phrases.negations, phrases.honorifics, nicknames, phrases.speech_verbs)


@lru_cache(maxsize=4)
def _text_reader(
    cues: tuple[Cue, ...], negations: tuple[str, ...], honorifics: tuple[str, ...],
    nicknames: tuple[tuple[str, str], ...], speech_verbs: tuple[str, ...],
) -> TextReader:  # fmt: skip
    return TextReader(
        Phrases(
            cues=cues, negations=negations, honorifics=honorifics, nicknames=dict(nicknames), speech_verbs=speech_verbs
        )
    )
