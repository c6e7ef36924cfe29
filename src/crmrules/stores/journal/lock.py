"""One run at a time per profile, also from two machines: a lock in the database that the journal lies in."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import Connection, text

from crmrules.errors import StoreError
from crmrules.stores.journal.postgres import connect, explained, shown_place
from crmrules.stores.lock import in_progress

_KEY = 0x63726D72  # "crmr": whose advisory lock it is
_NAME = 63  # bytes of an application's name that PostgreSQL keeps


@contextmanager
def database_lock(url: str, profile: str, *, command: str) -> Iterator[None]:
    """Hold the lock of *profile* in the database at *url* while the block runs.

    It belongs to a connection of its own, so it ends with this process, however it dies; where the
    machine or the network is gone the server gives the connection up within a minute.
    Raises StoreError ``run-in-progress`` naming command, process, host and start.
    """
    place = shown_place(url)
    with closing(connect(url)) as connection:
        with explained(place):
            schema = connection.exec_driver_sql("SELECT current_schema()").scalar()
            digest = hashlib.sha256(f"{schema}:{profile}".encode()).digest()
            mine = {"one": _KEY, "two": int.from_bytes(digest[:4], "big", signed=True)}
            taken = connection.execute(text("SELECT pg_try_advisory_lock(:one, :two)"), mine).scalar()
            if taken:
                name = f"{command} {os.getpid()}@{socket.gethostname()}".encode()[:_NAME].decode("utf-8", "ignore")
                connection.execute(text("SELECT set_config('application_name', :name, false)"), {"name": name})
            said = {} if taken else _holder(connection, mine)
        if not taken:
            raise StoreError(in_progress(place, said))
        yield


def _holder(connection: Connection, lock: dict[str, int]) -> dict[str, object]:
    query = """
        SELECT a.application_name, a.backend_start::text FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND l.classid::bigint = :one AND l.objid::bigint = :two
    """
    row = connection.execute(text(query), {**lock, "two": lock["two"] % 2**32}).fetchone()
    command, _, process = (row[0] or "" if row else "").rpartition(" ")
    if row is None or not command:  # it is just starting or ending, or of a user whose sessions we may not see
        return {}
    pid, _, host = process.partition("@")
    return {"command": command, "pid": pid, "host": host, "since": row[1]}
