"""One spelling for texts that people typed: what lexicons and cues compare.

``tidy`` brings a text to NFKC (full width to half width), plain quotes and dashes, single
blanks and simplified characters; ``normalise`` folds case as well. Literal patterns are
normalised like the texts; RE2 patterns are taken as written and matched, ignoring case, on
the normalised text, so they are written in simplified characters and half-width punctuation.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Any

_BLANKS = re.compile(r"[\s\x00-\x1f\x7f\ue000-\uf8ff]+")  # private-use characters are ours (evaluation.phrases)
_MARKS = str.maketrans("‘’ʼ`´“”„«»–—―−·", "'''''\"\"\"\"\"----・")
_MARK = re.compile("[‘’ʼ`´“”„«»–—―−·]")
_CJK = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


@cache
def _converter() -> Any:
    import opencc

    return opencc.OpenCC("t2s")


def simplify(text: str) -> str:
    """Return *text* with traditional characters made simplified; the length may change."""
    converted: str = _converter().convert(text) if _CJK.search(text) else text
    return converted


def _without_conversion(text: str) -> str:
    # NOTE: looking first and changing only where there is something to change is five times faster
    if _MARK.search(text):
        text = text.translate(_MARKS)
    if not (text.isascii() or unicodedata.is_normalized("NFKC", text)):
        text = unicodedata.normalize("NFKC", text)
    return _BLANKS.sub(" ", text).strip()


def tidy_all(texts: Iterable[str]) -> list[str]:
    """Return every text tidied, in order; one conversion for all of them together."""
    # NOTE: a tidied text holds no line break, so lines are texts and come back one for one
    plain = [_without_conversion(text) for text in texts]
    return simplify("\n".join(plain)).split("\n") if plain else []


def tidy(text: str) -> str:
    """Return one text tidied: NFKC, plain quotes, single blanks, simplified characters."""
    return simplify(_without_conversion(text))


def normalise(text: str) -> str:
    """Return one text tidied and case-folded."""
    return tidy(text).casefold()


def normalise_all(texts: Iterable[str]) -> list[str]:
    """Return every text normalised, in order."""
    return [text.casefold() for text in tidy_all(texts)]


def is_letter(character: str) -> bool:
    """Return whether it is a letter of a script that puts blanks between words (not Chinese, Japanese, Korean)."""
    return character.isalpha() and ord(character) < 0x2E80
