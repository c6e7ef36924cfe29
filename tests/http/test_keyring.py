"""Tokens in the system's keyring, which is an optional package and may be locked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked

from crmrules.errors import ConnectorError
from crmrules.http.tokens import Token, TokenSource, open_cache


class Memory(KeyringBackend):
    """A keyring as anybody can write one."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture
def memory() -> Iterator[Memory]:
    before, memory = keyring.get_keyring(), Memory()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def source(folder: Path, given: list[str]) -> TokenSource:
    def fetch() -> Token:
        given.append(f"acc3ss-{len(given) + 1}")
        return Token(access=given[-1], expires=datetime.now(UTC) + timedelta(hours=1))

    return TokenSource(cache=open_cache(folder, "", "keyring"), name="crm", fetch=fetch)


def test_the_token_is_in_the_keyring_and_nowhere_else(tmp_path: Path, memory: Memory) -> None:
    given: list[str] = []
    assert source(tmp_path, given).get() == source(tmp_path, given).get()
    assert given == ["acc3ss-1"]
    assert ["acc3ss-1" in text for text in memory.kept.values()] == [True]
    assert all(b"acc3ss" not in file.read_bytes() for file in tmp_path.iterdir())


def test_two_profiles_do_not_share_a_token(tmp_path: Path, memory: Memory) -> None:
    given: list[str] = []
    for folder in ("a", "b"):
        source(tmp_path / folder, given).get()
    assert len(given) == len(memory.kept) == 2


def test_somebody_elses_text_in_the_keyring_is_replaced(tmp_path: Path, memory: Memory) -> None:
    given: list[str] = []
    source(tmp_path, given).get()
    (key,) = memory.kept
    memory.kept[key] = "hand-written"
    assert source(tmp_path, given).get().access == "acc3ss-2"


def test_a_locked_keyring_says_what_to_do(tmp_path: Path, memory: Memory) -> None:
    source(tmp_path, []).get()
    memory.locked = True
    with pytest.raises(ConnectorError, match=r"KeyringLocked[\s\S]*unlock it, or use a file"):
        source(tmp_path, []).get()


def test_a_machine_without_one_says_what_to_do(tmp_path: Path, memory: Memory) -> None:
    keyring.set_keyring(NoKeyring())
    with pytest.raises(ConnectorError, match=r"NoKeyringError[\s\S]*use a file"):
        source(tmp_path, []).get()


def test_a_missing_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConnectorError, match=r"pip install 'crmrules\[keyring\]'"):
        open_cache(tmp_path, "", "keyring")
