"""The journal in a PostgreSQL database that several machines and profiles may share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, PendingRollbackError
from sqlalchemy.pool import NullPool

from crmrules.errors import StoreError
from crmrules.redaction import hide
from crmrules.stores.journal.migrations import VERSION
from crmrules.stores.journal.problems import disk_full, foreign, locked, newer, not_writable, problem, unreachable
from crmrules.stores.journal.tables import META, statements

WAIT_SECONDS = 10  # for another process that is just committing, and for the server to answer at all

_MARK = "crmrules_journal"  # the table that says whose the tables are, and of which version
_KEY = 0x63726D72  # of the lock under which tables are made
# A network that is gone is noticed within a minute, on both sides: the dead hold no lock for long.
_ALIVE = {"keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000}
_SESSION = (
    "SET synchronous_commit = on",
    f"SET lock_timeout = '{WAIT_SECONDS}s'",
    "SET tcp_keepalives_idle = 20",
    "SET tcp_keepalives_interval = 10",
    "SET tcp_keepalives_count = 3",
)


def is_url(place: str) -> bool:
    """Tell whether *place* is a PostgreSQL URL."""
    return place.partition("://")[0].partition("+")[0] in ("postgresql", "postgres")


def connect(url: str) -> Connection:
    """Connect to the database at *url*, by itself committing. Raises StoreError: no URL, no driver, no answer."""
    shown = shown_place(url)
    engine = _engine(url)
    with explained(shown):
        connection = engine.connect()
        try:
            for statement in _SESSION:
                connection.exec_driver_sql(statement)
        except BaseException:
            connection.close()
            raise
    return connection


@lru_cache(maxsize=4)
def _engine(url: str) -> Engine:
    """One per address, because it remembers what it has compiled."""
    try:
        return create_engine(
            _parsed(url), poolclass=NullPool, pool_reset_on_return=None, isolation_level="AUTOCOMMIT",
            connect_args={"connect_timeout": WAIT_SECONDS, **_ALIVE},
        )  # fmt: skip
    except ModuleNotFoundError as error:
        what = "a journal on PostgreSQL needs the package psycopg"
        raise StoreError(
            problem(shown_place(url), "journal-driver", what, "pip install 'crmrules[postgres]'")
        ) from error


def open_database(url: str, *, read_only: bool) -> Connection | None:
    """Open (or make) the journal at *url*; None: there is none, and nothing is to be made."""
    shown = shown_place(url)
    connection = connect(url)
    try:
        with explained(shown):
            there = _is_there(connection, shown)
            if there:
                _check_version(connection, shown)
            elif not read_only:
                _make(connection, shown)
            if read_only:
                connection.exec_driver_sql("SET default_transaction_read_only = on")
    except BaseException:
        connection.close()
        raise
    if read_only and not there:
        connection.close()
        return None
    return connection


@contextmanager
def explained(place: str) -> Iterator[None]:
    """Turn PostgreSQL's complaints about the database into StoreErrors that say what to do."""
    try:
        yield
    except IntegrityError:
        raise  # ours, not the database's
    except PendingRollbackError as error:
        raise StoreError(unreachable(place, "the connection was lost")) from error
    except DBAPIError as error:
        said = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else "no reason given"
        state = getattr(error.orig, "sqlstate", None) or ""
        if state in ("55P03", "40P01"):
            found = locked(place)
        elif state in ("25006", "42501"):
            found = not_writable(place, said)
        elif state == "53100":
            found = disk_full(place)
        elif error.connection_invalidated or not state or state[:2] in ("08", "28", "3D", "53", "57"):
            found = unreachable(place, said)
        else:
            raise
        raise StoreError(found) from error


def shown_place(url: str) -> str:
    """Return *url* as messages may show it: without password and options."""
    return _parsed(url).set(drivername="postgresql", password=None, query={}).render_as_string()


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or not is_url(url):  # never shown: it may hold a password
        what = "the journal's address is no URL of a PostgreSQL database"
        raise StoreError(
            problem("journal", "journal-url", what, "postgresql://user@host:5432/database")
        )  # no `from`: its message may show it
    secret = parsed.query.get("password")
    hide([said for said in (parsed.password, secret) if isinstance(said, str)])
    return parsed.set(drivername="postgresql+psycopg")


def _is_there(connection: Connection, place: str) -> bool:
    """Tell whether our tables are there. Raises StoreError where somebody else's have their names."""
    names = [_MARK, *(table.name for table in META.sorted_tables)]
    query = text("SELECT to_regclass(:name)")
    found = {name for name in names if connection.execute(query, {"name": name}).scalar() is not None}
    if found and _MARK not in found:
        raise StoreError(foreign(place))
    return bool(found)


def _check_version(connection: Connection, place: str) -> None:
    version = connection.exec_driver_sql(f"SELECT version FROM {_MARK}").scalar()
    if not isinstance(version, int):
        raise StoreError(foreign(place))
    if version > VERSION:
        raise StoreError(newer(place, version, VERSION))


def _make(connection: Connection, place: str) -> None:
    connection.exec_driver_sql("BEGIN")
    try:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_KEY})")
        if _is_there(connection, place):  # somebody was faster
            _check_version(connection, place)
        else:
            for statement in statements(connection.dialect):
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"CREATE TABLE {_MARK} (version integer NOT NULL)")
            connection.exec_driver_sql(f"INSERT INTO {_MARK} VALUES ({VERSION})")
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")
