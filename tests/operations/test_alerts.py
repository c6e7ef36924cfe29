"""Alerts arrive, once, over a real HTTP connection, and their addresses are shown nowhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.world import PROFILE, make
from crmrules.app import alerts
from crmrules.app.setup import open_profile
from crmrules.cli.main import exit_code
from crmrules.contracts.connector import Usage
from crmrules.errors import PluginError

TOKEN = "Tok3nOfTheWebhook"
NOW = datetime(2026, 3, 1, 2, tzinfo=UTC)
AS_OF = ("--as-of", "2026-07-01", "--engine", "python", "--lang", "en")
SHARES = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 50))


class Inbox(ThreadingHTTPServer):
    """What posts a JSON document to a webhook's address reaches."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.said: list[str] = []
        self.answer = 200
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.server_port}/{TOKEN}"


class Handler(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.server.answer == 200:
            assert self.path == f"/{TOKEN}"
            self.server.titles.append(json.loads(said)["title"])
            self.server.said.append(said)
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def profile(tmp_path: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ALERT_URL", inbox.address)
    path = make(tmp_path)
    path.write_text(PROFILE + "alerts:\n  - {to: {env: ALERT_URL}}\n", "utf-8")
    return path


def test_a_failed_sync_is_told_once_and_again_when_it_is_another_failure(
    profile: Path, inbox: Inbox, capfd: pytest.CaptureFixture[str]
) -> None:
    people = profile.parent / "crm" / "people.csv"
    good = people.read_text("utf-8")
    sync = ["sync", "--profile", str(profile), *AS_OF]
    people.write_text("id,id\n", "utf-8")
    assert [exit_code(sync), exit_code(sync)] == [4, 4]
    assert inbox.titles == ["crmrules shop: the sync failed"]
    assert "exit code 4 [" in inbox.said[0]
    assert "people" not in inbox.said[0], "what stands in a file or a record stays here"
    people.unlink()
    assert exit_code(sync) == 3
    assert len(inbox.titles) == 2
    people.write_text(good, "utf-8")
    assert exit_code(sync) == 0
    people.write_text("id,id\n", "utf-8")
    assert exit_code(sync) == 4
    assert len(inbox.titles) == 3, "a failure after a success is a new one"
    capture = capfd.readouterr()
    assert TOKEN not in capture.out + capture.err
    kept = [file for file in (profile.parent / "state").rglob("*") if file.is_file()]
    assert not [file for file in kept if TOKEN.encode() in file.read_bytes()]


def test_values_that_people_set_are_told_and_no_customer_is_named(profile: Path, inbox: Inbox) -> None:
    sync = ["sync", "--profile", str(profile), *AS_OF, "--quiet"]
    assert exit_code(sync) == 0
    accounts = profile.parent / "crm" / "accounts.csv"
    accounts.write_text(accounts.read_text("utf-8").replace("宏远科技,low", "宏远科技,platinum"), "utf-8")
    assert exit_code(sync) == 0
    assert inbox.titles == ["crmrules shop: people disagree with the rules"]
    assert "platinum" not in inbox.said[0]
    assert "宏远" not in json.loads(inbox.said[0])["message"]


def test_an_address_hears_only_of_what_it_asked_for(profile: Path, inbox: Inbox) -> None:
    profile.write_text(PROFILE + "alerts:\n  - {to: {env: ALERT_URL}, on: [not_run]}\n", "utf-8")
    (profile.parent / "crm" / "people.csv").write_text("id,id\n", "utf-8")
    assert exit_code(["sync", "--profile", str(profile), *AS_OF]) == 4
    assert inbox.titles == []


def test_the_same_alert_comes_once_a_day_until_it_is_over(profile: Path, inbox: Inbox) -> None:
    setup = open_profile(profile)
    warned: list[str] = []
    hours = [0, 1, 19, 21, 22]
    sent = [alerts.send(setup, [alerts.not_run(30.0 + h)], NOW + timedelta(hours=h), warned.append) for h in hours]
    assert sent == [1, 0, 0, 1, 0]
    alerts.send(setup, [], NOW, warned.append, over=["not_run"])
    assert alerts.send(setup, [alerts.not_run(None)], NOW + timedelta(hours=23), warned.append) == 1
    assert warned == []


def test_what_did_not_arrive_is_said_without_the_address_and_tried_again(profile: Path, inbox: Inbox) -> None:
    profile.write_text(PROFILE + "alerts:\n  - {to: 'nothing://" + TOKEN + "'}\n  - {to: {env: ALERT_URL}}\n", "utf-8")
    setup, warned = open_profile(profile), list[str]()
    inbox.answer = 500
    assert alerts.send(setup, [alerts.not_run(None)], NOW, warned.append) == 0
    assert "alerts[0].to is no address" in warned[0]
    assert "alert-not-sent" in warned[1]
    assert TOKEN not in str(warned)
    inbox.answer = 200
    assert alerts.send(setup, [alerts.not_run(None)], NOW, warned.append) == 1


def test_what_is_no_address_is_found_before_it_is_needed(tmp_path: Path) -> None:
    path = make(tmp_path)
    path.write_text(PROFILE + f"alerts:\n  - to: 'nothing://{TOKEN}'\n", "utf-8")
    with pytest.raises(PluginError, match=r"alerts\[0\]\.to") as found:
        alerts.check(open_profile(path))
    assert TOKEN not in str(found.value)


def test_a_sync_that_did_not_run_is_told_by_status(profile: Path, inbox: Inbox) -> None:
    status = ["status", "--profile", str(profile), "--quiet", "--alert"]
    assert [exit_code(status), exit_code(status)] == [1, 1]
    assert inbox.titles == ["crmrules shop: no good sync in time"]


@given(SHARES, SHARES)
def test_how_much_of_a_distribution_moved(before: dict[str, int], after: dict[str, int]) -> None:
    share = alerts.moved(before, after)
    assert 0 <= share <= 1
    assert share == pytest.approx(alerts.moved(after, before))
    assert alerts.moved(before, {value: 3 * n for value, n in before.items()}) == pytest.approx(0)


def test_a_distribution_is_unusual_from_the_brakes_share_on(tmp_path: Path) -> None:
    setup = open_profile(make(tmp_path))
    classes = {"worth": {"high": 50, "low": 50}, "few": {"a": 10}}
    assert alerts._unusual(setup, classes) == []
    assert alerts._unusual(setup, {"worth": {"high": 75, "low": 25}, "few": {"b": 10}}) == []
    (found,) = alerts._unusual(setup, {"worth": {"high": 35, "low": 65}, "few": {"a": 10}})
    assert "worth: 40%" in found.body.of("en")
    bold = replace(setup, profile=replace(setup.profile, brakes={"share": 0.5}))
    assert alerts._unusual(bold, {"worth": {"high": 75, "low": 25}}) == []


def test_a_quota_is_near_its_end_when_it_would_not_do_for_two_more_rounds() -> None:
    assert [alerts._near_the_end(Usage(calls=1, credits=10, left=left)) for left in (None, 100, 20, 19)] == [
        False, False, False, True,
    ]  # fmt: skip
