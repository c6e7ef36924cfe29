"""Keeping one secret text where nobody else reads it: sealed in what we store, or in the system's keyring."""

from __future__ import annotations

import base64
import os
from typing import Protocol

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from crmrules import system_keyring
from crmrules.errors import ConnectorError, Problem

_SALT = 16  # bytes
_COST = 2**14  # scrypt's n: 16 MiB and about 50 ms, once per process; the secret is a random one already


class Vault(Protocol):
    """What :meth:`put` returns is stored in clear; :meth:`take` makes the text of it again."""

    def put(self, name: str, text: str) -> str: ...

    def take(self, name: str, stored: str) -> str | None:
        """Return the text; None where it is gone or can't be opened."""


class SealedVault:
    """Seals with a key derived from a secret: ``salt.sealed``, each URL-safe base64."""

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ConnectorError(Problem("missing-secret", "an empty client secret can't seal the token cache"))
        self._secret = secret.encode()
        self._keys: dict[bytes, Fernet] = {}
        self._salt = os.urandom(_SALT)

    def put(self, name: str, text: str) -> str:
        sealed = self._key(self._salt).encrypt(text.encode())
        return f"{base64.urlsafe_b64encode(self._salt).decode()}.{sealed.decode()}"

    def take(self, name: str, stored: str) -> str | None:
        salt, _, sealed = stored.partition(".")
        try:
            text = self._key(base64.urlsafe_b64decode(salt)).decrypt(sealed.encode()).decode()
        except (ValueError, InvalidToken):
            return None
        self._salt = base64.urlsafe_b64decode(salt)  # what this process writes, the others open without a new key
        return text

    def _key(self, salt: bytes) -> Fernet:
        if salt not in self._keys:
            key = Scrypt(salt=salt, length=32, n=_COST, r=8, p=1).derive(self._secret)
            self._keys = {salt: Fernet(base64.urlsafe_b64encode(key))}
        return self._keys[salt]


class KeyringVault:
    """The system's keyring, under the service ``crmrules``; nothing is stored in clear."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        system_keyring.check()

    def put(self, name: str, text: str) -> str:
        system_keyring.write("crmrules", f"{self._owner}:{name}", text)
        return ""

    def take(self, name: str, stored: str) -> str | None:
        return system_keyring.read("crmrules", f"{self._owner}:{name}")
