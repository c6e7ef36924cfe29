"""References to secrets in a profile, ``{env: NAME}``, ``{file: path}``, ``{keyring: service/name}``, and their values.

Every value that is looked up is hidden (:mod:`crmrules.redaction`), and so is a password that
stands in the URL of a setting.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from crmrules import system_keyring
from crmrules.errors import ConnectorError, Location, Problem, RulesetError
from crmrules.redaction import hide

_OTHERS = stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH


def resolved(said: Mapping[str, Any], where: str, folder: Path, place: Location) -> dict[str, Any]:
    """Return *said* with every reference in it looked up; relative paths start at *folder*.

    Raises RulesetError naming, under *where*, each variable, file or entry that is missing, and each
    file that others than its owner may read or write; no value is in any message.
    """
    lookup = _Lookup(folder=folder, place=place)
    result = {key: lookup.value(value, f"{where}.{key}") for key, value in said.items()}
    if lookup.problems:
        raise RulesetError(lookup.problems)
    return result


def hide_what_is_at_hand(said: Any, folder: Path) -> None:
    """Hide the secrets that *said* refers to as far as nobody has to be asked: not those in a keyring."""
    _Lookup(folder=folder, place=Location(""), ask=False).value(said, "")


@dataclass(frozen=True, kw_only=True)
class _Lookup:
    folder: Path
    place: Location
    ask: bool = True  # whether a keyring may be unlocked, and a pipe read, which can be done once only
    problems: list[Problem] = field(default_factory=list)

    def value(self, said: Any, where: str) -> Any:
        if isinstance(said, list | tuple):
            return [self.value(item, f"{where}[{i}]") for i, item in enumerate(said)]
        if isinstance(said, str):
            _hide_password(said)
            return said
        if not isinstance(said, Mapping):
            return said
        if len(said) == 1:
            ((kind, reference),) = said.items()
            if kind in ("env", "file", "keyring") and isinstance(reference, str):
                return self._secret(kind, reference, where)
        return {key: self.value(item, f"{where}.{key}") for key, item in said.items()}

    def _secret(self, kind: str, reference: str, where: str) -> str | None:
        look = {"env": self._variable, "file": self._file, "keyring": self._entry}[kind]
        secret = look(reference, where)
        if secret:
            hide([secret])
            _hide_password(secret)
        return secret

    def _variable(self, name: str, where: str) -> str | None:
        secret = os.environ.get(name)
        if secret is None:
            hint = "set it in the shell or service that runs crmrules"
            self._miss(f"{where}: the environment variable {name} is not set", hint)
        return secret

    def _file(self, path: str, where: str) -> str | None:
        try:
            with (self.folder / path).open(encoding="utf-8") as file:
                mode = os.fstat(file.fileno()).st_mode
                if not stat.S_ISREG(mode):
                    return file.read().strip() if self.ask else None
                if os.name == "posix" and mode & _OTHERS:
                    what = f"{where}: {path} may be read or written by others than its owner (mode {mode & 0o777:04o})"
                    self._miss(what, f"chmod 600 {path}", "open-secret")
                return file.read().strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8"
            self._miss(f"{where}: {path} can't be read: {why}", "")
            return None

    def _entry(self, reference: str, where: str) -> str | None:
        if not self.ask:
            return None
        service, _, name = reference.partition("/")
        if not service or not name:
            self._miss(f"{where}: {reference!r} names no entry of a keyring", "write {keyring: service/name}")
            return None
        try:
            secret = system_keyring.read(service, name)
        except ConnectorError as error:
            self.problems.extend(
                replace(problem, message=f"{where}: {problem.message}", at=self.place) for problem in error.problems
            )
            return None
        if secret is None:
            self._miss(f"{where}: the keyring has no {reference}", f"keyring set {service} {name}")
        return secret

    def _miss(self, what: str, hint: str, code: str = "missing-secret") -> None:
        self.problems.append(Problem(code, what, self.place, hint=hint))


def _hide_password(said: str) -> None:
    if "://" in said and "@" in said:
        try:
            password = urlsplit(said).password
        except ValueError:  # no URL after all
            return
        if password:
            hide([password])
