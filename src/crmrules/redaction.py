"""Secrets that this process has looked up, and texts without them.

Who looks a secret up hides it; from then on ``***`` stands in its place in every error, log record
and traceback, however it was quoted there: as it is, for a URL, in JSON, in HTML, as a Python
literal, or in base64, also with something before and after it (``Basic`` logins). A value of fewer
than 8 characters is only replaced where it stands alone, one of fewer than 3 never.
"""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, unquote

if TYPE_CHECKING:
    import logging

HIDDEN = "***"
_SHORTEST, _SHORTEST_ANYWHERE = 3, 8  # characters

_lock = threading.Lock()
_forms: frozenset[str] = frozenset()
_finder: Any = None  # an automaton that finds all of them at once; None: there are none
_logs_are_watched = False


def hide(secrets: Iterable[str]) -> None:
    """Let none of *secrets* be shown any more, nor the lines and words of a long one, by any thread."""
    global _forms, _finder
    with _lock:
        forms = _forms.union(form for secret in secrets for part in _parts(secret) for form in _written(part))
        if forms != _forms:
            _forms, _finder = forms, _finder_of(forms)
            _watch_logs()


def forget() -> None:
    """Hide nothing any more: another command begins."""
    global _forms, _finder
    with _lock:
        _forms, _finder = frozenset(), None


def redact(text: str) -> str:
    """Return *text* with ``***`` in place of every hidden secret."""
    finder = _finder
    if finder is None:
        return text
    shown, end = "", 0
    for start, after in _merged(_found(finder, text)):
        shown += text[end:start] + HIDDEN
        end = after
    return shown + text[end:] if end else text


def _found(finder: Any, text: str) -> Iterator[tuple[int, int]]:
    for last, length in finder.iter(text):
        start, after = last + 1 - length, last + 1
        if length >= _SHORTEST_ANYWHERE or not (_is_word(text[start - 1 : start]) or _is_word(text[after : after + 1])):
            yield start, after


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield *spans* with those that overlap as one."""
    start = after = -1
    for begins, ends in sorted(spans):
        if begins >= after:
            if after > 0:
                yield start, after
            start = begins
        after = max(after, ends)
    if after > 0:
        yield start, after


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _finder_of(forms: Iterable[str]) -> Any:
    import ahocorasick

    finder = ahocorasick.Automaton()
    for form in forms:
        finder.add_word(form, len(form))
    finder.make_automaton()
    return finder


def _parts(secret: str) -> Iterator[str]:
    yield secret
    yield secret.strip()
    yield unquote(secret)  # a password in a URL
    yield from (part for part in secret.split() if len(part) >= _SHORTEST_ANYWHERE)


def _written(secret: str) -> Iterator[str]:
    if len(secret) < _SHORTEST:
        return
    plain = {secret}
    for _ in range(2):  # a JSON in a JSON, a URL in a URL
        plain |= {form for known in plain for form in _quoted(known)}
    yield from plain
    for form in plain:
        yield from _packed(form.encode())


def _quoted(text: str) -> Iterator[str]:
    for form in (quote(text), quote(text, safe=""), quote_plus(text)):
        yield form
        yield re.sub("%..", lambda found: found[0].lower(), form)
    yield html.escape(text)
    yield repr(text)[1:-1]
    yield repr(text.encode())[2:-1]
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]


def _packed(plain: bytes) -> Iterator[str]:
    for before in range(3):  # bytes before it decide how its bits fall into characters
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            own = encode(bytes(before) + plain).decode()[-(-before * 8 // 6) : (before + len(plain)) * 8 // 6]
            if len(own) >= _SHORTEST_ANYWHERE:
                yield own


def _watch_logs() -> None:
    """Make every record of :mod:`logging` without secrets; it keeps its traceback as text only."""
    global _logs_are_watched
    if _logs_are_watched:
        return
    import logging
    import traceback

    make = logging.getLogRecordFactory()

    def make_redacted(*given: Any, **more: Any) -> logging.LogRecord:
        record = make(*given, **more)
        if _finder is None:
            return record
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info:
            record.exc_text = redact("".join(traceback.format_exception(*record.exc_info)).rstrip("\n"))
            record.exc_info = None
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return record

    logging.setLogRecordFactory(make_redacted)
    _logs_are_watched = True
