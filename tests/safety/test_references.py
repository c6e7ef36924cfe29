"""References to secrets in a profile: where they lead, and what is said when they lead nowhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring

from crmrules.errors import RulesetError
from crmrules.language.profile import load_profile, resolved_settings
from crmrules.language.secrets import hide_what_is_at_hand
from crmrules.redaction import forget, redact


class Memory(KeyringBackend):
    """A keyring as anybody can write one."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture(autouse=True)
def memory() -> Iterator[Memory]:
    before, memory = keyring.get_keyring(), Memory()
    memory.set_password("crm", "me/admin", "r1ng-s3cret")
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)
    forget()


def settings(folder: Path, said: str) -> object:
    (folder / "crmrules.yaml").write_text(f"schema: profile-v1\nname: a\nconnector: c\nsettings: {{x: {said}}}\n")
    return resolved_settings(load_profile(folder))["x"]


def complaint(folder: Path, said: str) -> str:
    with pytest.raises(RulesetError) as caught:
        settings(folder, said)
    return str(caught.value)


def test_a_keyring_is_asked_by_service_and_name(tmp_path: Path) -> None:
    assert settings(tmp_path, "{keyring: crm/me/admin}") == "r1ng-s3cret"
    assert redact("r1ng-s3cret") == "***"


def test_an_entry_that_is_not_there_is_named_with_the_command_that_makes_it(tmp_path: Path) -> None:
    said = complaint(tmp_path, "{keyring: crm/nobody}")
    assert "[missing-secret] settings.x: the keyring has no crm/nobody" in said
    assert "hint: keyring set crm nobody" in said


@pytest.mark.parametrize("reference", ["crm", "crm/", "/me"])
def test_half_an_entry_is_none(tmp_path: Path, reference: str) -> None:
    assert "write {keyring: service/name}" in complaint(tmp_path, f"{{keyring: {reference}}}")


def test_without_the_package_or_a_keyring_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring.set_keyring(NoKeyring())
    assert "settings.x: the system's keyring can't be used: NoKeyringError" in complaint(tmp_path, "{keyring: a/b}")
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert "pip install 'crmrules[keyring]'" in complaint(tmp_path, "{keyring: a/b}")


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o666])
def test_a_file_that_others_may_read_is_refused_and_its_content_not_shown(tmp_path: Path, mode: int) -> None:
    (tmp_path / "key").write_text("f1le-s3cret")
    (tmp_path / "key").chmod(mode)
    said = complaint(tmp_path, "{file: key}")
    assert f"[open-secret] settings.x: key may be read or written by others than its owner (mode {mode:04o})" in said
    assert "hint: chmod 600 key" in said
    assert "f1le-s3cret" not in said


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_a_file_that_only_its_owner_may_read_is_read(tmp_path: Path, mode: int) -> None:
    (tmp_path / "key").write_text("f1le-s3cret\n")
    (tmp_path / "key").chmod(mode)
    assert settings(tmp_path, "{file: key}") == "f1le-s3cret"
    assert redact("f1le-s3cret") == "***"


def test_a_password_in_a_url_is_hidden_and_left_where_it_is(tmp_path: Path) -> None:
    assert settings(tmp_path, "'https://me:url%2Fpassw0rd@crm.example'") == "https://me:url%2Fpassw0rd@crm.example"
    assert redact("url%2Fpassw0rd or url/passw0rd") == "*** or ***"


def test_a_mapping_that_only_looks_like_a_reference_is_left_alone(tmp_path: Path) -> None:
    assert settings(tmp_path, "{env: HOME, file: x}") == {"env": "HOME", "file": "x"}
    assert settings(tmp_path, "{env: {a: 1}}") == {"env": {"a": 1}}


def test_commands_that_need_no_crm_hide_what_they_can_without_asking_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: Memory
) -> None:
    monkeypatch.setenv("A_SECRET", "env-s3cret")
    (tmp_path / "key").write_text("f1le-s3cret\n")
    said = [{"a": {"env": "A_SECRET"}, "b": [{"file": "key"}, {"file": "none"}, {"env": "NONE"}]}]
    hide_what_is_at_hand([*said, {"keyring": "crm/me/admin"}, "https://me:passw0rd@h"], tmp_path)
    assert redact("env-s3cret f1le-s3cret passw0rd r1ng-s3cret") == "*** *** *** r1ng-s3cret"
    assert memory.asked == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_left_for_who_needs_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    ours = os.open(tmp_path / "pipe", os.O_RDWR)  # so that opening it to read does not wait
    try:
        os.write(ours, b"p1pe-s3cret")
        hide_what_is_at_hand({"file": "pipe"}, tmp_path)
        assert os.read(ours, 99) == b"p1pe-s3cret"
    finally:
        os.close(ours)
