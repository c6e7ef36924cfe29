"""Notes: the chosen sentences of each subject, filled, joined, and checked for forbidden words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import re2

from crmrules.contracts.renderer import RendererPlugin, Template, Vocabulary
from crmrules.errors import Problem, RulesetError
from crmrules.language.ruleset import Playbook

MOST_SENTENCES = 3


@dataclass(frozen=True, kw_only=True)
class NoteRow:
    """A subject, the sentence chosen for each of its blocks (in block order), and its fields."""

    account_id: str
    object: str  # account | contact
    record_id: str
    sentences: tuple[str, ...]  # sentence ids; at most MOST_SENTENCES
    fields: Mapping[str, Any]  # dotted path -> value


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """A sentence that was not said, and why."""

    sentence: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Note:
    """The text for one subject in one language; ``body`` is '' where nothing may be said."""

    account_id: str
    object: str
    record_id: str
    language: str
    body: str
    sentences: tuple[str, ...]  # those that are in the body
    dropped: tuple[Dropped, ...] = field(default=())


def render_notes(
    rows: Iterable[NoteRow], playbook: Playbook, vocabularies: Mapping[str, Vocabulary], renderer: RendererPlugin
) -> Iterator[Note]:
    """Yield the note of each row, in its order, in the language of its object's vocabulary.

    ``vocabularies`` has one per object ("account", "contact"). A sentence that comes out empty,
    can't be filled, or holds a forbidden pattern is left out and reported in ``dropped``. Raises
    RulesetError, with every problem, where a template or a forbidden pattern is wrong.
    """
    templates = _templates(playbook, vocabularies, renderer)
    forbidden = _forbidden(playbook.forbidden)
    for row in rows:
        language = vocabularies[row.object].language
        said: list[tuple[str, str]] = []
        dropped: list[Dropped] = []
        for sentence in row.sentences[:MOST_SENTENCES]:
            text, reason = _say(templates[sentence], row.fields, forbidden)
            if reason:
                dropped.append(Dropped(sentence=sentence, reason=reason))
            elif text:
                said.append((sentence, text))
        yield Note(
            account_id=row.account_id,
            object=row.object,
            record_id=row.record_id,
            language=language,
            body=join_sentences([text for _, text in said], language),
            sentences=tuple(sentence for sentence, _ in said),
            dropped=tuple(dropped),
        )


def note_paths(
    playbook: Playbook, vocabularies: Mapping[str, Vocabulary], renderer: RendererPlugin
) -> Mapping[str, tuple[str, ...]]:
    """Return, per object, every field path that its sentences read: what a row must offer."""
    templates = _templates(playbook, vocabularies, renderer)
    paths: dict[str, set[str]] = {object: set() for object in vocabularies}
    for sentence in playbook.sentences:
        paths[sentence.of].update(templates[sentence.id].paths)
    return {object: tuple(sorted(found)) for object, found in paths.items()}


def join_sentences(texts: Sequence[str], language: str) -> str:
    """Join sentences as the language does, each closed by a full stop."""
    stop, gap = ("。", "") if language == "zh" else (".", " ")
    return gap.join(text if text[-1] in "。！？.!?…" else text + stop for text in texts if text)


def _templates(
    playbook: Playbook, vocabularies: Mapping[str, Vocabulary], renderer: RendererPlugin
) -> dict[str, Template]:
    problems: list[Problem] = []
    templates: dict[str, Template] = {}
    for sentence in playbook.sentences:
        vocabulary = vocabularies[sentence.of]
        try:
            templates[sentence.id] = renderer.compile(sentence.say.of(vocabulary.language), vocabulary)
        except ValueError as error:
            problems.append(Problem("bad-template", f"sentence {sentence.id!r}: {error}", sentence.at))
    if problems:
        raise RulesetError(problems)
    return templates


def _forbidden(patterns: Sequence[str]) -> list[tuple[str, Any]]:
    problems: list[Problem] = []
    compiled: list[tuple[str, Any]] = []
    for pattern in patterns:
        try:
            compiled.append((pattern, re2.compile(pattern)))
        except re2.error as error:
            problems.append(Problem("bad-pattern", f"forbidden {pattern!r} is not RE2: {error}"))
    if problems:
        raise RulesetError(problems)
    return compiled


def _say(template: Template, fields: Mapping[str, Any], forbidden: list[tuple[str, Any]]) -> tuple[str, str]:
    try:
        text = template(fields)
    except ValueError as error:
        return "", str(error)
    found = next((pattern for pattern, compiled in forbidden if compiled.search(text)), None)
    return ("", f"holds the forbidden {found!r}") if found is not None else (text, "")
