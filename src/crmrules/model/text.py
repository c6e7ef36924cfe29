"""Text that a person reads: one meaning in several languages."""

from __future__ import annotations

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
