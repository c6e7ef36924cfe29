"""What was hidden is shown nowhere, however it was quoted; everything else is left as it is."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmrules.errors import ConnectorError, Location, Problem
from crmrules.redaction import forget, hide, redact

SECRET = "p@ss/w0rd+\"<秘密>\\%&'ü=="


@pytest.fixture(autouse=True)
def nothing_hidden() -> Iterator[None]:
    forget()
    yield
    forget()


QUOTED = {
    "as it is": lambda secret: secret,
    "in a path": quote,
    "in a query": lambda secret: quote(secret, safe=""),
    "in a form": quote_plus,
    "in a URL, by others": lambda secret: quote(secret, safe="").lower(),
    "in JSON": json.dumps,
    "in JSON with its letters": lambda secret: json.dumps(secret, ensure_ascii=False),
    "in HTML": html.escape,
    "in Python": repr,
    "in bytes": lambda secret: repr(secret.encode()),
    "in base64": lambda secret: base64.b64encode(secret.encode()).decode(),
    "in base64 for URLs": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("how", QUOTED)
def test_it_is_found_however_it_was_quoted(how: str) -> None:
    secret = SECRET.lower() if "others" in how else SECRET
    written = QUOTED[how](secret)
    hide([secret])
    shown = redact(f"before {written} after")
    assert "***" in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")
    assert len(shown) <= len("before '***' after") + 4


@pytest.mark.parametrize("outer", ["in a query", "in JSON", "in Python", "in HTML", "in base64"])
@pytest.mark.parametrize("inner", ["in a query", "in JSON", "in JSON with its letters", "in HTML"])
def test_it_is_found_in_a_quote_of_a_quote(inner: str, outer: str) -> None:
    hide([SECRET])
    written = QUOTED[outer](QUOTED[inner](f"a {SECRET} b"))
    assert "***" in redact(written)
    assert not any(part in redact(written) for part in ("w0rd", QUOTED["in base64"]("w0rd")[:4]))


@pytest.mark.parametrize("login", ["", "a", "me", "you", "api-user"])
def test_it_is_found_within_a_basic_login(login: str) -> None:
    secret = "correct-horse-battery"
    hide([secret])
    shown = redact("Basic " + base64.b64encode(f"{login}:{secret}".encode()).decode())
    assert "***" in shown
    left = shown.removeprefix("Basic ").partition("***")[0]
    assert secret[:3].encode() not in base64.b64decode(left + "A" * (-len(left) % 4))


secrets = st.text(min_size=8, max_size=40).filter(lambda text: text.strip() == text and "\x00" not in text)
around = st.text(max_size=20)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(secrets, around, around, st.sampled_from(["as it is", "in a query", "in JSON", "in HTML", "in base64"]))
def test_no_hidden_secret_is_left_in_any_text(secret: str, before: str, after: str, how: str) -> None:
    if secret in "***":
        return
    written = QUOTED[how](secret)
    try:
        hide([secret])
        assert written not in redact(before + written + after)
    finally:
        forget()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text())
def test_without_secrets_a_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_each_line_and_long_word_of_it_is_hidden_too() -> None:
    hide(["-----BEGIN KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n", "Bearer 1000.abcdef"])
    assert redact("parse error at 'BgkqhkiG9w0B'") == "parse error at '***'"
    assert redact("token=1000.abcdef; Bearer of news") == "token=***; Bearer of news"


def test_a_longer_secret_is_hidden_as_a_whole() -> None:
    hide(["abcdefgh"])
    hide(["abcdefghijklm"])
    assert redact("abcdefghijklm abcdefgh") == "*** ***"


def test_a_short_one_is_hidden_only_where_it_stands_alone_and_a_tiny_one_never() -> None:
    hide(["zh", "", "1234", "eu-1"])
    assert redact("zh: 1234, 12345, x1234, eu-1.") == "zh: ***, 12345, x1234, ***."


def test_every_expected_error_is_without_them() -> None:
    hide([SECRET])
    error = ConnectorError(
        [Problem("code", f"no {SECRET}", Location(f"https://{SECRET}@host"), expected=SECRET, hint=f"use {SECRET}")]
    )
    assert SECRET not in f"{error} {error!r} {error.problems}"
    assert error.problems[0].code == "code"


def log_of(what: str) -> str:
    stream = io.StringIO()
    logger = logging.getLogger("somebody.elses")
    handler = logging.StreamHandler(stream)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        if what == "message":
            logger.debug("token " + SECRET)
        elif what == "arguments":
            logger.debug("token %s of %d", SECRET, 3)
        elif what == "exception":
            try:
                raise RuntimeError(SECRET)
            except RuntimeError:
                logger.exception("failed")
        else:
            logger.debug("here", stack_info=True)
    finally:
        logger.removeHandler(handler)
    return stream.getvalue()


@pytest.mark.parametrize("what", ["message", "arguments", "exception"])
def test_no_log_record_of_anybody_holds_them(what: str) -> None:
    hide([SECRET])
    log = log_of(what)
    assert "***" in log
    assert SECRET not in log
    assert "RuntimeError" in log or what != "exception"


def test_where_nothing_is_hidden_logs_are_as_ever() -> None:
    hide(["something else"])
    forget()
    assert SECRET in log_of("exception")
    assert "Traceback" in log_of("exception")
    assert "Stack (most recent call last)" in log_of("stack")
