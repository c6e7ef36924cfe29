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
_hidden: tuple[str, ...] = ()  # longest first: what holds another goes before it
_words: frozenset[str] = frozenset()  # the short ones
_hidden_words: re.Pattern[str] | None = None
_logs_are_watched = False


def hide(secrets: Iterable[str]) -> None:
    """Let none of *secrets* be shown any more, nor the lines and words of a long one, by any thread."""
    global _hidden, _hidden_words, _words
    forms = {form for secret in secrets for part in _parts(secret) for form in _written(part)}
    with _lock:
        long = {form for form in forms if len(form) >= _SHORTEST_ANYWHERE}
        _hidden = tuple(sorted(long.union(_hidden), key=lambda form: (-len(form), form)))
        _words |= forms - long
        if _words:
            _hidden_words = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, _words))})(?!\w)")
        if forms:
            _watch_logs()


def forget() -> None:
    """Hide nothing any more: another command begins."""
    global _hidden, _hidden_words, _words
    with _lock:
        _hidden, _words, _hidden_words = (), frozenset(), None


def redact(text: str) -> str:
    """Return *text* with ``***`` in place of every hidden secret."""
    for form in _hidden:
        text = text.replace(form, HIDDEN)
    return _hidden_words.sub(HIDDEN, text) if _hidden_words else text


def _parts(secret: str) -> Iterator[str]:
    yield secret
    yield secret.strip()
    yield unquote(secret)  # a password in a URL
    yield from (part for part in secret.split() if len(part) >= _SHORTEST_ANYWHERE)


def _written(secret: str) -> Iterator[str]:
    if len(secret) < _SHORTEST:
        return
    quoted = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    yield from quoted
    yield from (re.sub("%..", lambda found: found[0].lower(), form) for form in quoted)
    yield secret
    yield html.escape(secret)
    yield repr(secret)[1:-1]
    yield repr(secret.encode())[2:-1]
    for ascii_only in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
    for before in range(3):  # bytes before it decide how its bits fall into characters
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            data = bytes(before) + secret.encode()
            own = encode(data).decode()[-(-before * 8 // 6) : len(data) * 8 // 6]
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
        if not _hidden and not _hidden_words:
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
