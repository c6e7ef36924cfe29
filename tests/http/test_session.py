"""HTTP against a real server on this machine: patience, its limits, and silence about secrets."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from crmrules.errors import ConnectorError, RetryLater
from crmrules.http.session import HttpSettings, Session, redacted

QUICK = HttpSettings(retries=3, first_pause=0.01, longest_pause=0.2, connect_timeout=2, read_timeout=1)


@dataclass
class Seen:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Server:
    """A server that answers from a list of (status, headers, body), then 200."""

    url: str = ""
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            state.seen.append(Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status, headers, said = state.answers.pop(0) if state.answers else (200, {}, b'{"ok": true}')
            if status == 0:  # hang up without an answer
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PUT = answer

        def log_message(self, format: str, *args: object) -> None: ...

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{httpd.server_port}"
    yield state
    httpd.shutdown()
    httpd.server_close()
    thread.join()


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


def test_an_untrusted_certificate_is_named_and_a_private_ca_is_trusted(tmp_path: object) -> None:
    import ssl
    import subprocess

    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", f"{tmp_path}/key.pem", "-out", f"{tmp_path}/ca.pem"],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl can't make a certificate here")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{tmp_path}/ca.pem", f"{tmp_path}/key.pem")
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    url = f"https://localhost:{httpd.server_port}/"
    try:
        with Session(HttpSettings(retries=0)) as session, pytest.raises(ConnectorError, match="not trusted"):
            session.send("GET", url)
        with Session(HttpSettings(retries=0, ca_bundle=f"{tmp_path}/ca.pem")) as session:
            assert session.send("GET", url).status_code == 204
    finally:
        httpd.shutdown()
        httpd.server_close()
