"""The system's keyring: Keychain, Credential Locker, Secret Service; through the optional package keyring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crmrules.errors import ConnectorError, Problem


def read(service: str, name: str) -> str | None:
    """Return what is kept under *service* and *name*; None where nothing is. Raises ConnectorError."""
    found = _ask(lambda keyring: keyring.get_password(service, name))
    return None if found is None else str(found)


def write(service: str, name: str, text: str) -> None:
    """Keep *text* under *service* and *name*. Raises ConnectorError."""
    _ask(lambda keyring: keyring.set_password(service, name, text))


def check() -> None:
    """Raise ConnectorError ``keyring-missing`` where the package is not installed."""
    _keyring()


def _ask(what: Callable[[Any], Any]) -> Any:
    keyring = _keyring()
    try:
        return what(keyring)
    except keyring.errors.KeyringError as error:
        raise ConnectorError(
            Problem(
                "keyring-unusable", f"the system's keyring can't be used: {type(error).__name__}",
                hint="unlock it, or use a file or an environment variable instead",
            )
        ) from None  # fmt: skip


def _keyring() -> Any:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise ConnectorError(
            Problem(
                "keyring-missing", "the package keyring is not installed",
                hint="pip install 'crmrules[keyring]', or use a file or an environment variable instead",
            )
        ) from None  # fmt: skip
    return keyring
