"""Where tokens are kept between runs: sealed in a file, in the system's keyring, or not at all.

The file ``<name>.token`` holds in clear when tokens were asked for and how long to rest, which is
no secret and must be honoured also by who can't open the rest; the token itself stands in it sealed
(Fernet, key by scrypt from the client secret and a salt of the file), or in the keyring.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import quote

from crmrules.errors import Location, Problem, RetryLater, StoreError
from crmrules.http.vaults import KeyringVault, SealedVault, Vault

LOCK_PATIENCE = 300
"""Seconds to wait for another process that is fetching a token."""


@dataclass(frozen=True, kw_only=True)
class Token:
    """What opens the CRM for a while; ``extra`` is what came along (``api_domain``, ``ea``)."""

    access: str = field(repr=False)
    expires: datetime  # UTC
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Record:
    """What the processes of one profile share about one token; times in UTC."""

    token: Token | None = None
    kept: datetime | None = None  # when the token came
    fetches: tuple[datetime, ...] = ()  # when tokens were asked for
    rest: tuple[datetime, datetime] | None = None  # since and until when nobody may ask


class TokenCache(Protocol):
    """Keeps a :class:`Record` per name; who changes one holds it meanwhile."""

    def held(self, name: str) -> AbstractContextManager[None]:
        """Return a block in which no other thread or process holds *name*."""

    def load(self, name: str) -> Record:
        """Return what is kept; what is missing or can't be opened is left empty."""

    def save(self, name: str, record: Record) -> None:
        """Replace what is kept, as a whole."""


def open_cache(folder: Path, secret: str, kind: Literal["file", "keyring", "none"] = "file") -> TokenCache:
    """Return the cache of the state *folder*; ``none`` forgets with the process.

    *secret* is the client's: with another one the token can't be opened and is fetched anew. Raises
    ConnectorError ``missing-secret`` for an empty one, ``keyring-missing`` without that package.
    """
    if kind == "none":
        return MemoryCache()
    if kind == "keyring":
        return FileCache(folder, KeyringVault(str(folder.resolve())))
    return FileCache(folder, SealedVault(secret))


class MemoryCache:
    """Shared by the threads of this process only."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._records: dict[str, Record] = {}

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        with self._lock:
            yield

    def load(self, name: str) -> Record:
        return self._records.get(name, Record())

    def save(self, name: str, record: Record) -> None:
        self._records[name] = record


class FileCache:
    """A file per name, its owner's only, replaced as a whole; a lock beside it that dies with its holder."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder = folder
        self._vault = vault

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        from filelock import FileLock, Timeout

        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._file(name)
        try:
            lock = FileLock(f"{file}.lock")
            lock.acquire(timeout=LOCK_PATIENCE)
        except Timeout:
            raise RetryLater(
                Problem(
                    "token-busy", f"another process has been fetching a token for {LOCK_PATIENCE} s",
                    Location(str(file)), hint="end that process, or wait for it",
                )
            ) from None  # fmt: skip
        try:
            yield
        finally:
            lock.release()

    def load(self, name: str) -> Record:
        try:
            said = json.loads(self._file(name).read_bytes())
            record = Record(fetches=tuple(map(_instant, said["fetches"])), rest=_rest(said["rest"]))
            sealed = str(said["token"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return Record()
        try:
            inside = json.loads(self._vault.take(name, sealed) or "null")
            token = Token(access=inside["access"], expires=_instant(inside["expires"]), extra=inside["extra"])
            return replace(record, token=token, kept=_instant(inside["kept"]))
        except (ValueError, KeyError, TypeError):
            return record

    def save(self, name: str, record: Record) -> None:
        token = record.token
        inside = token and {
            "access": token.access, "expires": token.expires.isoformat(), "extra": dict(token.extra),
            "kept": (record.kept or token.expires).isoformat(),
        }  # fmt: skip
        said = {
            "fetches": [instant.isoformat() for instant in record.fetches],
            "rest": record.rest and [instant.isoformat() for instant in record.rest],
            "token": self._vault.put(name, json.dumps(inside)) if inside else "",
        }
        _replace(self._file(name), json.dumps(said))

    def _file(self, name: str) -> Path:
        return self._folder / f"{quote(name, safe='')}.token"


def _replace(file: Path, text: str) -> None:
    """Write *file* so that nobody ever sees half of it; mode 0600, as mkstemp makes it."""
    part = ""
    try:
        descriptor, part = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
        os.replace(part, file)  # noqa: PTH105 (a str)
    except OSError as error:
        if part:
            Path(part).unlink(missing_ok=True)
        raise StoreError(
            Problem("cant-write", f"the token can't be kept: {error.strerror}", Location(str(file)))
        ) from error


def _instant(text: Any) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time without a zone")
    return found


def _rest(said: Any) -> tuple[datetime, datetime] | None:
    return (_instant(said[0]), _instant(said[1])) if said else None
