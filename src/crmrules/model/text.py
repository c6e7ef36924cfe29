"""Text that a person reads: one meaning in several languages."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

LANGUAGES = ("zh", "en")  # what everything that we ship exists in


@dataclass(frozen=True)
class Text:
    """A sentence or label per language code."""

    by_language: Mapping[str, str] = field(default_factory=dict)

    def of(self, language: str) -> str:
        """Return the text in *language*, else in English, else in whatever there is, else ''."""
        texts = self.by_language
        return texts.get(language) or texts.get("en") or next(iter(texts.values()), "")

    def __bool__(self) -> bool:
        return bool(self.by_language)


def text(zh: str, en: str) -> Text:
    """Shorthand for the two languages that everything we ship exists in."""
    return Text({"zh": zh, "en": en})


def clean(text: str) -> str:
    """Return *text* without what could act on a reader's screen.

    Control characters (terminal escapes among them) and bidirectional overrides go, line breaks
    and tabs become spaces. What comes from a CRM is hostile until it went through here.
    """
    if text.isprintable():
        return text
    return "".join(_plain(character) for character in text)


def _plain(character: str) -> str:
    if character in "\n\r\t\v\f\u0085\u2028\u2029":
        return " "
    if unicodedata.category(character) in ("Cc", "Cs") or character in _BIDI:
        return ""
    return character


_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
