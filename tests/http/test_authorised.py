"""Calls with a token: what happens when the CRM does not like it any more."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from loopback import Answer, Seen, Server

from crmrules.errors import BudgetSpent, ConnectorError
from crmrules.http.budget import Budget
from crmrules.http.session import AuthorisedSession, HttpSettings, Session
from crmrules.http.tokens import Token, TokenSource, open_cache


@dataclass
class Crm:
    """Knows one good token; gives a new one when asked, which makes the old one bad."""

    good: int = 0
    stubborn: bool = False  # gives tokens and takes none
    done: list[Seen] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, seen: Seen) -> Answer:
        with self.lock:
            if seen.path == "/token":
                self.good += 1
                return 200, {}, json.dumps({"access": f"t{self.good}"}).encode()
            if self.stubborn or seen.headers.get("authorization") != f"Zoho-oauthtoken t{self.good}":
                return 401, {"Content-Type": "application/json"}, b'{"code": "INVALID_TOKEN"}'
            self.done.append(seen)
            return 200, {"Content-Type": "application/zip"}, b"done"


@pytest.fixture
def crm(server: Server) -> Crm:
    crm = Crm()
    server.otherwise = crm.answer
    return crm


@pytest.fixture
def session() -> Iterator[Session]:
    with Session(HttpSettings(retries=0)) as session:
        yield session


def tokens(server: Server, session: Session) -> TokenSource:
    def fetch() -> Token:
        said = session.send("POST", f"{server.url}/token").json()
        return Token(access=said["access"], expires=datetime.now(UTC) + timedelta(hours=1))

    return TokenSource(cache=open_cache(Path(), "", "none"), name="crm", fetch=fetch)


def header(token: Token) -> Mapping[str, str]:
    return {"Authorization": f"Zoho-oauthtoken {token.access}"}


def rejected(answer: requests.Response) -> bool:
    return answer.status_code == 401


def test_every_call_carries_the_token_and_the_callers_headers(server: Server, crm: Crm, session: Session) -> None:
    authorised = AuthorisedSession(session, tokens(server, session), header, rejected)
    for _ in range(3):
        authorised.send("GET", f"{server.url}/x", headers={"If-Modified-Since": "2026-11-22T02:00:00+00:00"})
    assert crm.good == 1
    assert len(crm.done) == 3
    assert crm.done[0].headers["if-modified-since"] == "2026-11-22T02:00:00+00:00"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_token_that_dies_in_between_is_replaced_and_the_call_made_once(
    server: Server, crm: Crm, session: Session, method: str
) -> None:
    authorised = AuthorisedSession(session, tokens(server, session), header, rejected)
    authorised.send("GET", f"{server.url}/page1")
    crm.good += 1  # somebody else asked for a token
    authorised.send(method, f"{server.url}/page2", json={"名": "李"})
    assert [seen.path for seen in crm.done] == ["/page1", "/page2"]
    assert json.loads(crm.done[1].body) == {"名": "李"}
    assert crm.good == 3


def test_a_download_survives_it_too(server: Server, crm: Crm, session: Session, tmp_path: Path) -> None:
    authorised = AuthorisedSession(session, tokens(server, session), header, rejected)
    authorised.send("GET", f"{server.url}/page1")
    crm.good += 1
    assert authorised.download("GET", f"{server.url}/all.zip", tmp_path / "all.zip") == 4
    assert (tmp_path / "all.zip").read_bytes() == b"done"


def test_who_takes_no_token_at_all_is_not_asked_for_ever(
    server: Server, crm: Crm, session: Session, tmp_path: Path
) -> None:
    crm.stubborn = True
    authorised = AuthorisedSession(session, tokens(server, session), header, rejected)
    with pytest.raises(ConnectorError, match="INVALID_TOKEN") as caught:
        authorised.send("GET", f"{server.url}/x?secret=s3cret")
    assert caught.value.problems[0].code == "not-authorised"
    assert "s3cret" not in str(caught.value)
    assert [seen.path for seen in server.seen if seen.path != "/token"] == ["/x?secret=s3cret"] * 2
    assert crm.good == 2
    with pytest.raises(ConnectorError, match="a new token was rejected too"):
        authorised.download("GET", f"{server.url}/x", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_a_token_may_stand_in_the_body(server: Server, session: Session) -> None:
    def answer(seen: Seen) -> Answer:
        if seen.path == "/token":
            return 200, {}, b'{"access": "t1"}'
        return 200, {}, seen.body

    def body(token: Token, said: Any) -> Any:
        return {"corpAccessToken": token.access, **(said or {})}

    server.otherwise = answer
    authorised = AuthorisedSession(session, tokens(server, session), lambda _: {}, rejected, body=body)
    assert authorised.send("POST", f"{server.url}/x", json={"limit": 1}).json() == {"corpAccessToken": "t1", "limit": 1}
    assert authorised.send("POST", f"{server.url}/x").json() == {"corpAccessToken": "t1"}


def test_other_refusals_are_what_they_are(server: Server, crm: Crm, session: Session) -> None:
    authorised = AuthorisedSession(session, tokens(server, session), header, rejected)
    authorised.send("GET", f"{server.url}/x")
    server.answers = [(403, {}, b"NO_PERMISSION")] * 2
    assert authorised.send("GET", f"{server.url}/x", check=False).status_code == 403
    with pytest.raises(ConnectorError, match="NO_PERMISSION"):
        authorised.send("GET", f"{server.url}/x")
    assert crm.good == 1


def test_the_repeated_call_is_paid_as_well(server: Server, crm: Crm) -> None:
    budget = Budget(calls=4)
    with Session(HttpSettings(retries=0), budget=budget) as session:
        authorised = AuthorisedSession(session, tokens(server, session), header, rejected)
        crm.stubborn = True
        with pytest.raises(ConnectorError):
            authorised.send("GET", f"{server.url}/x")
        assert budget.usage.calls == len(server.seen) == 4
        with pytest.raises(BudgetSpent):
            authorised.send("GET", f"{server.url}/x")
        assert len(server.seen) == 4


def test_threads_share_the_new_token(server: Server, crm: Crm, session: Session) -> None:
    source = tokens(server, session)
    source.get()
    crm.good += 1

    def work() -> None:
        with Session(HttpSettings(retries=0)) as own:
            authorised = AuthorisedSession(own, source, header, rejected)
            for _ in range(5):
                authorised.send("GET", f"{server.url}/x")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(crm.done) == 40
    assert crm.good == 3  # the first, somebody else's, and one for all
