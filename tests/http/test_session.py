"""HTTP against a real server on this machine: patience, its limits, and silence about secrets."""

from __future__ import annotations

import json
import logging
import ssl
import threading
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
from loopback import Server

from crmrules.errors import ConnectorError, RetryLater
from crmrules.http.answers import redacted
from crmrules.http.budget import Budget
from crmrules.http.session import HttpSettings, Session

QUICK = HttpSettings(retries=3, first_pause=0.01, longest_pause=0.2, connect_timeout=2, read_timeout=1)


@pytest.mark.parametrize("status", [429, 500, 503, 0])
def test_a_read_is_repeated_until_the_host_is_well_again(server: Server, status: int) -> None:
    server.answers = [(status, {}, b""), (status, {}, b"")]
    with Session(QUICK) as session:
        assert session.send("GET", f"{server.url}/x").json() == {"ok": True}
    assert len(server.seen) == 3


def test_patience_ends(server: Server) -> None:
    server.answers = [(503, {}, b"down for\x1b[31m repair")] * 9
    with Session(QUICK) as session, pytest.raises(RetryLater, match=r"503.*down for.*repair") as caught:
        session.send("GET", f"{server.url}/x")
    assert len(server.seen) == 4  # once and three times more
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("status", [429, 503, 0])
def test_a_write_is_never_repeated_by_itself(server: Server, status: int) -> None:
    server.answers = [(status, {}, b"")]
    with Session(QUICK) as session, pytest.raises(RetryLater):
        session.send("POST", f"{server.url}/x", json={"a": 1})
    assert len(server.seen) == 1


def test_a_write_that_says_it_may_be_repeated_is(server: Server) -> None:
    server.answers = [(503, {}, b""), (0, {}, b"")]
    with Session(QUICK) as session:
        session.send("POST", f"{server.url}/x", json={"名": "李"}, repeatable=True)
    assert [json.loads(seen.body) for seen in server.seen] == [{"名": "李"}] * 3


def test_retry_after_is_honoured_but_not_beyond_the_longest_pause(server: Server) -> None:
    server.answers = [(429, {"Retry-After": "86400"}, b"")]
    with Session(QUICK) as session:
        assert session.send("GET", f"{server.url}/x").status_code == 200


@pytest.mark.parametrize(("status", "family"), [(400, ConnectorError), (401, ConnectorError), (404, ConnectorError)])
def test_a_refusal_is_final_and_quoted(server: Server, status: int, family: type[ConnectorError]) -> None:
    server.answers = [(status, {}, '{"message": "字段不存在"}'.encode())]
    with Session(QUICK) as session, pytest.raises(family, match="字段不存在") as caught:
        session.send("GET", f"{server.url}/x?token=s3cret")
    assert not isinstance(caught.value, RetryLater)
    assert caught.value.problems[0].code == f"http-{status}"
    assert "s3cret" not in str(caught.value)


def test_the_caller_may_read_the_status_himself(server: Server) -> None:
    server.answers = [(404, {}, b"")]
    with Session(QUICK) as session:
        assert session.send("GET", f"{server.url}/x", check=False).status_code == 404


def test_a_write_that_never_reached_the_host_is_repeated() -> None:
    budget = Budget()
    with Session(QUICK, budget=budget) as session, pytest.raises(RetryLater, match="reached"):
        session.send("POST", "http://127.0.0.1:1/x", json={})
    assert budget.usage.calls == 4


def test_nobody_answers() -> None:
    with Session(HttpSettings(retries=0, connect_timeout=0.5)) as session, pytest.raises(RetryLater, match="reached"):
        session.send("GET", "http://127.0.0.1:1/x")


def test_a_slow_host_is_not_waited_for_for_ever(server: Server) -> None:
    server.answers = [(200, {"Content-Type": "text/plain", "X": "y"}, b"")]
    blocked = HttpSettings(retries=0, read_timeout=0.2)
    listener = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)  # accepts, never serves
    try:
        with Session(blocked) as session, pytest.raises(RetryLater, match="in time"):
            session.send("GET", f"http://127.0.0.1:{listener.server_port}/")
    finally:
        listener.server_close()


def test_a_redirect_to_another_host_is_refused_and_nothing_is_sent_there(server: Server) -> None:
    server.answers = [(307, {"Location": "http://localhost:1/steal?q=1"}, b"")]
    with Session(QUICK) as session, pytest.raises(ConnectorError, match="redirects to http://localhost:1/steal"):
        session.send("PUT", f"{server.url}/x", data=b"records", headers={"Authorization": "Bearer t"})


def test_a_redirect_on_the_same_host_is_followed_for_reads(server: Server) -> None:
    server.answers = [(302, {"Location": "/y"}, b"")]
    with Session(QUICK) as session:
        session.send("GET", f"{server.url}/x")
    assert [seen.path for seen in server.seen] == ["/x", "/y"]


def test_a_redirect_that_would_drop_the_body_is_refused(server: Server) -> None:
    server.answers = [(302, {"Location": "/y"}, b"")]
    with Session(QUICK) as session, pytest.raises(ConnectorError, match="drop the body"):
        session.send("POST", f"{server.url}/x", data=b"records")
    assert len(server.seen) == 1


def test_pauses_double_and_are_never_quite_the_same(server: Server) -> None:
    server.answers = [(503, {}, b"")] * 4
    pauses: list[float] = []
    settings = HttpSettings(retries=4, first_pause=10, longest_pause=30)
    with Session(settings, sleep=pauses.append) as session:
        session.send("GET", f"{server.url}/x")
    assert len(set(pauses)) == 4
    assert all(full / 2 <= pause <= full for pause, full in zip(pauses, (10, 20, 30, 30), strict=True))


@pytest.mark.parametrize("skew", [timedelta(0), timedelta(hours=-7), timedelta(days=2)])
def test_a_date_to_come_back_at_is_read_by_the_clock_of_the_host(server: Server, skew: timedelta) -> None:
    there = datetime.now(UTC) + skew
    dates = {"Date": format_datetime(there), "Retry-After": format_datetime(there + timedelta(seconds=9))}
    server.answers = [(503, dates, b"")]
    pauses: list[float] = []
    with Session(sleep=pauses.append) as session:
        session.send("GET", f"{server.url}/x")
    assert pauses == [9]


@pytest.mark.parametrize("said", ["soon", "-5", "Mon, 99 Foo", "²"])
def test_a_retry_after_that_can_not_be_read_is_none(server: Server, said: str) -> None:
    server.answers = [(429, {"Retry-After": said.encode("utf-8").decode("latin-1")}, b"")]
    pauses: list[float] = []
    with Session(HttpSettings(first_pause=4), sleep=pauses.append) as session:
        session.send("GET", f"{server.url}/x")
    assert 2 <= pauses[0] <= 4


def test_an_answer_that_breaks_off_is_asked_for_again(server: Server) -> None:
    server.answers = [(200, {"Content-Length": "999"}, b'{"ok": fal')]
    with Session(QUICK) as session:
        assert session.send("GET", f"{server.url}/x").json() == {"ok": True}


def test_an_error_inside_a_good_answer_is_retried_as_the_caller_says(server: Server) -> None:
    server.answers = [(200, {}, b'{"errorCode": -1}')] * 2
    pauses: list[float] = []
    with Session(sleep=pauses.append) as session:
        answer = session.send("POST", f"{server.url}/x", retry_on=lambda a: 3 if a.json().get("errorCode") else None)
    assert answer.json() == {"ok": True}
    assert pauses == [3, 3]


def test_an_error_inside_a_good_answer_is_returned_when_patience_ends(server: Server) -> None:
    server.answers = [(200, {}, b'{"errorCode": -1}')] * 9
    with Session(HttpSettings(retries=2), sleep=lambda _: None) as session:
        assert session.send("POST", f"{server.url}/x", retry_on=lambda _: 1).json() == {"errorCode": -1}
    assert len(server.seen) == 3


def test_a_proxy_is_used_when_it_is_set(server: Server) -> None:
    with Session(HttpSettings(proxy=server.url, retries=0)) as session:
        session.send("GET", "http://crm.example/x")
    assert server.seen[0].path == "http://crm.example/x"


def test_a_login_in_netrc_does_not_replace_our_own(
    server: Server, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w") as file:  # noqa: PTH123
        file.write("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", netrc)
    with Session(QUICK) as session:
        session.send("GET", f"{server.url}/x", headers={"Authorization": "Bearer ours"})
    assert server.seen[0].headers["authorization"] == "Bearer ours"


def test_the_log_tells_what_was_asked_but_no_secret(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="crmrules.http")
    with Session(QUICK) as session:
        session.send("POST", f"{server.url}/x", params={"token": "s3cret"}, json={"name": "李"}, headers={"K": "k3y"})
    log = "\n".join(record.getMessage() for record in caplog.records if record.name == "crmrules.http")
    assert "POST" in log
    assert "200" in log
    assert not any(secret in log for secret in ("s3cret", "k3y", "李"))
    assert (
        redacted("https://me:pw@crm.example:8443/a?token=s3cret&page=2")
        == "https://crm.example:8443/a?token=***&page=***"
    )


def test_no_log_whatever_shows_a_query_a_header_or_a_body(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)  # of everybody: requests and urllib3 too
    server.answers = [(302, {"Location": "/y?code=s3cret"}, b""), (503, {}, b"b0dy")]
    with Session(QUICK) as session:
        session.send("GET", f"{server.url}/x?token=s3cret", headers={"Authorization": "Bearer k3y"})
    log = "\n".join(record.getMessage() for record in caplog.records)
    assert "/y" in log
    assert not any(secret in log for secret in ("s3cret", "k3y", "b0dy"))


@pytest.mark.parametrize(
    "url",
    ["http://me:pw0rd@127.0.0.1:1/x?token=s3cret", "ftp://me:pw0rd@h/x?token=s3cret", "http://me:pw0rd@/?t=s3cret"],
)
def test_no_error_nor_its_traceback_shows_a_secret(url: str) -> None:
    header, body = {"Authorization": "k3y"}, {"client_secret": "b0dy"}  # a traceback quotes lines of source
    settings = HttpSettings(retries=1, first_pause=0.01, proxy="" if "127" in url else "http://u:pr0xypw@127.0.0.1:1")
    with Session(settings) as session, pytest.raises(ConnectorError) as caught:
        session.send("GET", url, headers=header, data=body)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(settings) + repr(session)
    assert not any(secret in shown for secret in ("pw0rd", "s3cret", "k3y", "b0dy", "pr0xypw"))


def test_an_untrusted_certificate_is_named_and_a_private_ca_is_trusted(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    url = f"https://localhost:{httpd.server_port}/"
    try:
        with Session(HttpSettings(retries=0)) as session, pytest.raises(ConnectorError, match="not trusted"):
            session.send("GET", url)
        with Session(HttpSettings(retries=0, ca_bundle=str(tmp_path / "ca.pem"))) as session:
            assert session.send("GET", url).status_code == 204
    finally:
        httpd.shutdown()
        httpd.server_close()
