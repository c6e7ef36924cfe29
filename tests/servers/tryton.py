"""A running Tryton server on loopback, its people, and its way back to the beginning."""

from __future__ import annotations

import base64
import contextlib
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from .tryton_build import CONFIG, DATABASE, SERIES, Built, build, clean

_PATIENCE = 60  # seconds for a server to start on a busy machine
# What a server keeps for itself; everything else that came after the beginning goes in `reset`.
_KEPT = ("ir_session", "ir_session_wizard", "ir_cache", "sqlite_sequence")


class Refused(Exception):
    """What Tryton answered instead of a result: [kind, message, description ...]."""


@dataclass
class Person:
    """Somebody at work in the CRM, by his own login; knows nothing of our connector."""

    url: str
    login: str
    password: str
    _session: requests.Session = field(default_factory=requests.Session)
    _context: dict[str, Any] = field(default_factory=dict)

    def enter(self) -> Person:
        """Log in."""
        user, token, *_ = self._post("common.db.login", self.login, {"password": self.password}, "en")
        secret = base64.b64encode(f"{self.login}:{user}:{token}".encode()).decode()
        self._session.headers["Authorization"] = f"Session {secret}"
        self._context = self._post("model.res.user.get_preferences", True, {})
        return self

    def call(self, method: str, *parameters: Any) -> Any:
        """Call ``model.<method>`` in the person's own context. Raises Refused."""
        return self._post(f"model.{method}", *parameters, self._context)

    def create(self, model: str, *values: Mapping[str, Any]) -> list[int]:
        """Create records; return their ids."""
        return list(self.call(f"{model}.create", [dict(one) for one in values]))

    def write(self, model: str, id: int, **values: Any) -> None:
        """Change one record."""
        self.call(f"{model}.write", [id], values)

    def find(self, model: str, domain: Sequence[Any], *fields: str) -> list[dict[str, Any]]:
        """Return the records that fit *domain*, inactive ones too, by id."""
        wanted = ["AND", list(domain)] if domain else []
        return list(self.call(f"{model}.search_read", wanted, 0, None, [["id", "ASC"]], list(fields)))

    def _post(self, method: str, *parameters: Any) -> Any:
        body = {"id": 1, "method": method, "params": list(parameters)}
        response = self._session.post(self.url, json=body, timeout=60)
        response.raise_for_status()
        answer = response.json()
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]


@dataclass
class Tryton:
    """A server of its own, over its own copy of the database."""

    built: Built
    folder: Path
    address: str  # http://127.0.0.1:8123
    _beginning: dict[str, int] = field(default_factory=dict)  # table -> highest id
    _people: dict[str, Person] = field(default_factory=dict)

    @property
    def series(self) -> str:
        return self.built.series

    @property
    def rpc(self) -> str:
        """Where calls go: /<database>/rpc/ since 8.0."""
        return f"{self.address}/{DATABASE}/" + ("rpc/" if int(self.series.split(".")[0]) >= 8 else "")

    @property
    def file(self) -> Path:
        return self.folder / f"{DATABASE}.sqlite"

    def person(self, login: str = "admin") -> Person:
        """Return somebody who is logged in: ``admin``, ``rep`` or ``guest``."""
        if login not in self._people:
            self._people[login] = Person(self.rpc, login, f"{login}-password").enter()
        return self._people[login]

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run SQL behind the server's back: to look, and to make things older than they are."""
        with contextlib.closing(sqlite3.connect(self.file, timeout=30)) as con, con:
            return con.execute(statement, values).fetchall()

    def remember_beginning(self) -> None:
        """Take what is there now for the beginning."""
        self._beginning = {table: self._highest(table) for table in self._tables()}

    def reset(self) -> None:
        """Remove every record that came after the beginning; ids are never given twice."""
        with contextlib.closing(sqlite3.connect(self.file, timeout=30)) as con, con:
            for table, highest in self._beginning.items():
                con.execute(f'DELETE FROM "{table}" WHERE id > ?', (highest,))

    def _tables(self) -> list[str]:
        names = [name for (name,) in self.sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [name for name in names if name not in _KEPT and self._has_ids(name)]

    def _has_ids(self, table: str) -> bool:
        return any(column[1] == "id" for column in self.sql(f'PRAGMA table_info("{table}")'))

    def _highest(self, table: str) -> int:
        return int(self.sql(f'SELECT coalesce(max(id), 0) FROM "{table}"')[0][0])


@contextmanager
def running(folder: Path, series: str = SERIES) -> Iterator[Tryton]:
    """Run a server in *folder* while the block runs. Raises NotReachable where Tryton can't be installed."""
    built = build(series)
    shutil.copyfile(built.database, folder / built.database.name)
    port = _free_port()
    config = folder / "trytond.conf"
    config.write_text(CONFIG.format(folder=folder, port=port), "utf-8")
    command = [str(built.python), str(built.python.with_name("trytond")), "-c", str(config), "-d", DATABASE]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=clean({}), cwd=folder)
    try:
        server = Tryton(built, folder, f"http://127.0.0.1:{port}")
        _wait(server, process)
        server.remember_beginning()
        yield server
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(server: Tryton, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(requests.RequestException):
            server.person()
            return
        time.sleep(0.1)
    raise RuntimeError(f"Tryton does not start:\n{(server.folder / 'log').read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
