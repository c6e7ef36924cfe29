"""One token for everybody: asked for by one at a time, seldom, and kept where nobody else reads it."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crmrules.errors import ConnectorError, Problem, RetryLater
from crmrules.http.tokens import Token, TokenCache, TokenSource, open_cache

SECRET = "client-s3cret-0123456789"
START = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


@dataclass
class Crm:
    """Gives tokens that last *life* seconds, by a clock that the test turns."""

    life: float = 3600
    time: datetime = START
    given: list[datetime] = field(default_factory=list)
    trouble: Exception | None = None
    takes: float = 0  # seconds of real time

    def now(self) -> datetime:
        return self.time

    def fetch(self) -> Token:
        time.sleep(self.takes)
        if self.trouble:
            raise self.trouble
        self.given.append(self.time)
        return Token(
            access=f"acc3ss-{len(self.given)}", expires=self.time + timedelta(seconds=self.life), extra={"ea": "租户"}
        )

    def source(self, cache: TokenCache, **options: float) -> TokenSource:
        return TokenSource(cache=cache, name="zoho", fetch=self.fetch, now=self.now, **options)

    def later(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def throttled(code: str = "token-refused") -> RetryLater:
    return RetryLater(Problem(code, "too many requests continuously"))


@pytest.fixture(params=["file", "none"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> TokenCache:
    return open_cache(tmp_path, SECRET, request.param)


def test_a_token_is_used_until_shortly_before_it_expires(cache: TokenCache) -> None:
    crm = Crm()
    tokens = crm.source(cache)
    assert tokens.get() == Token(access="acc3ss-1", expires=START + timedelta(hours=1), extra={"ea": "租户"})
    crm.later(3600 - 301)
    assert tokens.get().access == "acc3ss-1"
    crm.later(2)
    assert tokens.get().access == "acc3ss-2"


def test_a_short_life_is_half_used_at_least(cache: TokenCache) -> None:
    crm = Crm(life=100)
    tokens = crm.source(cache)
    for _ in range(20):
        tokens.get()
    assert len(crm.given) == 1
    crm.later(51)
    assert tokens.get().access == "acc3ss-2"


def test_a_rejected_token_is_replaced_once_for_all(cache: TokenCache) -> None:
    crm = Crm()
    ours, theirs = crm.source(cache), crm.source(cache)
    rejected = ours.get()
    assert theirs.get() == rejected
    assert ours.renew(rejected).access == "acc3ss-2"
    assert theirs.renew(rejected).access == "acc3ss-2"
    assert ours.get().access == theirs.get().access == "acc3ss-2"


def test_never_more_tokens_than_allowed_are_asked_for_in_any_window(cache: TokenCache) -> None:
    crm = Crm(life=1)
    tokens = crm.source(cache, most=8, per=600)
    refused = []
    for _ in range(400):
        crm.later(7)
        try:
            tokens.get()
        except RetryLater as error:
            refused.append(error.problems[0].code)
    assert len(refused) > 300
    assert set(refused) == {"token-limit"}
    times = crm.given
    assert all((later - earlier).total_seconds() >= 600 for earlier, later in zip(times, times[8:], strict=False))


def test_failures_count_too(cache: TokenCache) -> None:
    crm = Crm(trouble=ConnectorError(Problem("token-refused", "invalid_client_secret")))
    tokens = crm.source(cache, most=3)
    codes = []
    for _ in range(5):
        with pytest.raises(ConnectorError) as caught:
            tokens.get()
        codes.append(caught.value.problems[0].code)
    assert codes == ["token-refused"] * 3 + ["token-limit"] * 2


def test_who_is_throttled_makes_everybody_rest(cache: TokenCache) -> None:
    crm = Crm(trouble=throttled())
    ours, theirs = crm.source(cache), crm.source(cache)
    with pytest.raises(RetryLater, match="too many requests"):
        ours.get()
    crm.trouble = None
    crm.later(599)
    for tokens in (ours, theirs):
        with pytest.raises(RetryLater, match="try again after 02:10:00 UTC") as caught:
            tokens.get()
        assert caught.value.problems[0].code == "token-throttled"
    assert crm.given == []
    crm.later(2)
    assert theirs.get().access == ours.get().access == "acc3ss-1"


@pytest.mark.parametrize("code", ["http-unreachable", "http-503"])
def test_a_host_that_is_down_is_asked_again_as_soon_as_it_is_up(cache: TokenCache, code: str) -> None:
    crm = Crm(trouble=throttled(code))
    tokens = crm.source(cache)
    with pytest.raises(RetryLater):
        tokens.get()
    crm.trouble = None
    assert tokens.get().access == "acc3ss-1"


def test_a_token_is_used_to_its_end_where_no_other_can_be_had(cache: TokenCache) -> None:
    crm = Crm()
    tokens = crm.source(cache)
    first = tokens.get()
    crm.later(3590)
    crm.trouble = throttled()
    assert tokens.get() == first
    with pytest.raises(RetryLater):
        tokens.renew(first)  # but not one that was rejected
    crm.later(11)
    with pytest.raises(RetryLater):
        tokens.get()


@pytest.mark.parametrize("back", [timedelta(seconds=30), timedelta(hours=5), timedelta(days=400)])
def test_a_clock_that_steps_back_neither_blocks_nor_breaks_the_limit(cache: TokenCache, back: timedelta) -> None:
    crm = Crm()
    tokens = crm.source(cache, most=2, per=600)
    rejected = tokens.renew(tokens.get())
    crm.time -= back
    for _ in range(2):
        with pytest.raises(RetryLater, match="tokens were asked for"):
            tokens.renew(rejected)
        crm.later(299)
    crm.later(2)
    assert tokens.renew(rejected).access == "acc3ss-3"


def test_a_rest_does_not_outlast_a_clock_that_steps_back(cache: TokenCache) -> None:
    crm = Crm(trouble=throttled())
    tokens = crm.source(cache)
    with pytest.raises(RetryLater):
        tokens.get()
    crm.trouble = None
    crm.time -= timedelta(days=3)
    with pytest.raises(RetryLater, match="refuses"):
        tokens.get()
    crm.later(601)
    assert tokens.get().access == "acc3ss-1"


def test_a_token_from_the_future_is_not_trusted_for_days(cache: TokenCache) -> None:
    crm = Crm()
    crm.source(cache).get()
    crm.time -= timedelta(days=3)
    assert crm.source(cache).get().access == "acc3ss-2"


def test_threads_fetch_once(cache: TokenCache) -> None:
    crm = Crm(takes=0.05)
    tokens = crm.source(cache)
    got: list[Token] = []
    all_have_one = threading.Barrier(8)

    def work() -> None:
        token = tokens.get()
        all_have_one.wait()
        got.extend([token, tokens.renew(token)])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(token.access for token in got) == ["acc3ss-1"] * 8 + ["acc3ss-2"] * 8
    assert len(crm.given) == 2


def test_the_next_run_finds_the_token(tmp_path: Path) -> None:
    crm = Crm()
    first = crm.source(open_cache(tmp_path, SECRET)).get()
    assert crm.source(open_cache(tmp_path, SECRET)).get() == first
    assert len(crm.given) == 1


def test_without_a_cache_the_next_run_does_not(tmp_path: Path) -> None:
    crm = Crm()
    for _ in range(2):
        crm.source(open_cache(tmp_path, SECRET, "none")).get()
    assert len(crm.given) == 2
    assert list(tmp_path.iterdir()) == []


def test_the_file_shows_neither_secret_nor_token_and_is_its_owners_only(tmp_path: Path) -> None:
    tokens = Crm().source(open_cache(tmp_path / "state", SECRET))
    token = tokens.renew(tokens.get())
    file = tmp_path / "state" / "zoho.token"
    for path in (tmp_path / "state").iterdir():
        content = path.read_bytes()
        assert not any(secret.encode() in content for secret in (SECRET, "acc3ss", "租户"))
    assert os.name != "posix" or file.stat().st_mode & 0o777 == 0o600
    assert "acc3ss" not in f"{token!r} {token} {tokens!r}"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\x00", b"[]", b"{}", b'"x"', b'{"fetches": 3, "rest": null, "token": ""}', b"[" * 100_000,
        b'{"fetches": ["2026-11-22T02:00:00"], "rest": null, "token": ""}',
        b'{"fetches": [], "rest": [1, 2], "token": ""}', b'{"fetches": [], "rest": null, "token": "AAAA.gAAAAAB"}',
        '{"fetches": [], "rest": null, "token": "é.é"}'.encode(),
        b'{"fetches": [], "rest": null, "token": null}',
    ],
)  # fmt: skip
def test_a_broken_file_is_fetched_anew(tmp_path: Path, content: bytes) -> None:
    crm = Crm()
    (tmp_path / "zoho.token").write_bytes(content)
    assert crm.source(open_cache(tmp_path, SECRET)).get().access == "acc3ss-1"
    assert crm.source(open_cache(tmp_path, SECRET)).get().access == "acc3ss-1"


def test_a_file_cut_or_changed_anywhere_is_fetched_anew(tmp_path: Path) -> None:
    Crm().source(open_cache(tmp_path, SECRET)).get()
    file = tmp_path / "zoho.token"
    whole = json.loads(file.read_bytes())
    sealed = whole["token"]
    for broken in (sealed[:-9], sealed[:40] + "A" + sealed[41:], sealed.partition(".")[2]):
        file.write_text(json.dumps({**whole, "token": broken}))
        crm = Crm()
        assert crm.source(open_cache(tmp_path, SECRET)).get().expires == START + timedelta(hours=1)
        assert len(crm.given) == 1


def test_another_secret_does_not_open_it_but_honours_its_rest(tmp_path: Path) -> None:
    crm = Crm()
    crm.source(open_cache(tmp_path, "an older secret"), most=2).get()
    assert crm.source(open_cache(tmp_path, SECRET), most=2).get().access == "acc3ss-2"
    with pytest.raises(RetryLater, match="2 tokens were asked for"):
        crm.source(open_cache(tmp_path, "a third secret"), most=2).get()


def test_an_empty_secret_seals_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConnectorError, match="empty client secret"):
        open_cache(tmp_path, "")


def test_names_are_kept_apart_and_can_not_leave_the_folder(tmp_path: Path) -> None:
    crm = Crm()
    for name in ("../../etc", "a/b", "客户"):
        TokenSource(cache=open_cache(tmp_path / "state", SECRET), name=name, fetch=crm.fetch, now=crm.now).get()
    assert len(crm.given) == 3
    assert len(list((tmp_path / "state").glob("*.token"))) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
