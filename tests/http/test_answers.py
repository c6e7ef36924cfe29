"""What an answer holds: JSON, nothing, or something that should not be there."""

from __future__ import annotations

import pytest
from loopback import Server

from crmrules.errors import ConnectorError, RetryLater
from crmrules.http.session import HttpSettings, Session, json_of

PAGE = """<!DOCTYPE html><html><head><title>系统维护</title><style>p {color: red}</style>
<script>if (1 < 2) alert("x")</script></head><body><h1>502 Bad&nbsp;Gateway</h1>\x1b[31m</body></html>""".encode()


def ask(server: Server, status: int, headers: dict[str, str], body: bytes) -> object:
    server.answers = [(status, headers, body)]
    with Session(HttpSettings(retries=0)) as session:
        return json_of(session.send("GET", f"{server.url}/x?token=s3cret", check=False))


@pytest.mark.parametrize("text", ['{"名": "李😀", "id": 123456789012345678901234567890}', "[]", "null", '"x"'])
def test_json_is_read_whatever_type_it_claims_to_be(server: Server, text: str) -> None:
    import json

    assert ask(server, 200, {"Content-Type": "text/plain"}, text.encode()) == json.loads(text)


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_never_has_a_body_holds_nothing(server: Server, status: int) -> None:
    assert ask(server, status, {}, b"") is None


@pytest.mark.parametrize(("status", "later"), [(200, False), (404, False), (502, True)])
def test_a_page_where_json_should_be_is_quoted_without_its_markup(server: Server, status: int, later: bool) -> None:
    with pytest.raises(ConnectorError) as caught:
        ask(server, status, {"Content-Type": "text/html"}, PAGE)
    assert isinstance(caught.value, RetryLater) is later
    (problem,) = caught.value.problems
    assert problem.code == "not-json"
    assert "系统维护 502 Bad Gateway" in problem.message
    assert not any(mark in str(caught.value) for mark in ("<", "alert", "color", "\x1b", "s3cret"))


@pytest.mark.parametrize("body", [b"", b'{"a": 1', b"\xff\xfe\x00", b"[" * 100_000, b"<" * 100_000])
def test_what_is_no_json_at_all_is_an_error_too(server: Server, body: bytes) -> None:
    with pytest.raises(ConnectorError, match="not JSON") as caught:
        ask(server, 200, {}, body)
    assert len(str(caught.value)) < 1000


def test_an_error_page_is_quoted_without_its_markup_as_well(server: Server) -> None:
    server.answers = [(503, {}, PAGE)]
    with Session(HttpSettings(retries=0)) as session, pytest.raises(RetryLater, match=r"503.*系统维护") as caught:
        session.send("GET", server.url)
    assert "<" not in str(caught.value)
