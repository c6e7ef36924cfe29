"""A PostgreSQL server of the tests' own: a temporary folder, a socket in it, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg


def programs() -> Path | None:
    """Return the folder of the newest PostgreSQL that is installed here."""
    found = [Path(path).parent for path in (shutil.which("initdb"),) if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return next((folder for folder in found if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


class Cluster:
    """A server at a socket, with a schema per journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._made = 0

    def url(self, *, user: str = "postgres", password: str = "", schema: str = "public") -> str:
        login = f"{user}:{password}" if password else user
        return (
            f"postgresql://{login}@/postgres?host={quote(str(self.folder), safe='')}&options=-csearch_path%3D{schema}"
        )

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url(), autocommit=True) as con:
            con.execute(statement.encode())

    def new(self) -> str:
        """Return the URL of a place without a journal."""
        self._made += 1
        self.execute(f"CREATE SCHEMA s{self._made}")
        return self.url(schema=f"s{self._made}")


@contextmanager
def running(bin: Path) -> Iterator[Cluster]:
    """Run a server while the block runs; as root it runs as the user ``postgres``, which it insists on."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if become:
        shutil.chown(folder, "postgres")
    data, log = folder / "data", folder / "log"

    def run(*command: str | Path) -> None:
        subprocess.run([*become, *map(str, command)], check=True, capture_output=True, cwd=folder)

    try:
        run(bin / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C")
        settings = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c max_connections=30"
        run(bin / "pg_ctl", "-D", data, "-l", log, "-w", "-o", settings, "start")
        try:
            yield Cluster(folder)
        finally:
            run(bin / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
