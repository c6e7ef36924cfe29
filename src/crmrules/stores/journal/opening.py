"""Open a journal, wherever it lies, or copy it for a rehearsal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Select, Table, insert, select

from crmrules.stores.journal import postgres, sqlite
from crmrules.stores.journal.journal import Journal
from crmrules.stores.journal.records import Place
from crmrules.stores.journal.tables import INTENT, LABEL, RECEIPT, RUN, WRITTEN

_AT_ONCE = 5_000  # rows that are copied at a time


@contextmanager
def open_journal(place: Place, *, profile: str = "", read_only: bool = False) -> Iterator[Journal]:
    """Open the journal at *place*, a file or a PostgreSQL URL, for the *profile* that is at work.

    It is created unless *read_only* (then a missing one is an empty one). A file belongs to one
    profile, whatever its name; in a database each sees only its own.

    Raises StoreError: locked, truncated, not a journal of ours, of a newer crmrules, not answering.
    """
    if isinstance(place, Path):
        connection = sqlite.open_file(place, read_only=read_only)
        with closing(connection), sqlite.explained(place):
            yield Journal(connection, str(place))
        return
    shown = postgres.shown_place(place)
    found = postgres.open_database(place, read_only=read_only)
    if found is None:
        with closing(sqlite.open_memory()) as nothing:
            yield Journal(nothing, shown, profile)
        return
    with closing(found), postgres.explained(shown):
        yield Journal(found, shown, profile)


def copy_journal(place: Place, to: Path, *, profile: str = "") -> None:
    """Copy what a plan needs of the journal at *place* into a new file: for a rehearsal, which writes nothing here.

    Of a database only the profile's own part is taken, and of its writes only those since the last
    pull and those without an answer. A missing journal makes no copy. Raises StoreError.
    """
    if isinstance(place, Path):
        if place.exists():
            sqlite.back_up(place, to)
        return
    found = postgres.open_database(place, read_only=True)
    if found is None:
        return
    copy = sqlite.open_file(to, read_only=False)
    with closing(found), closing(copy), postgres.explained(postgres.shown_place(place)):
        found.exec_driver_sql("BEGIN ISOLATION LEVEL REPEATABLE READ")
        copy.exec_driver_sql("BEGIN")
        for table, rows in _needed(profile):
            _copy(found, copy, table, rows)
        copy.exec_driver_sql("COMMIT")


def _needed(profile: str) -> Iterator[tuple[Table, Select[tuple[object, ...]]]]:
    mine = select(RUN.c.id).where(RUN.c.profile == profile)
    last_pull = select(RUN.c.id).where(RUN.c.profile == profile, RUN.c.kind == "pull").order_by(RUN.c.id.desc())
    yield RUN, select(RUN).where(RUN.c.profile == profile).order_by(RUN.c.id)
    since = INTENT.c.run > last_pull.limit(1).scalar_subquery()
    open_ = ~select(RECEIPT.c.intent).where(RECEIPT.c.intent == INTENT.c.id).exists()
    intents = select(INTENT.c.id).where(INTENT.c.run.in_(mine), since | open_)
    yield INTENT, select(INTENT).where(INTENT.c.id.in_(intents))
    yield RECEIPT, select(RECEIPT).where(RECEIPT.c.intent.in_(intents))
    yield WRITTEN, select(WRITTEN).where(WRITTEN.c.profile == profile)
    yield LABEL, select(LABEL).where(LABEL.c.profile == profile)


def _copy(found: Connection, copy: Connection, table: Table, rows: Select[tuple[object, ...]]) -> None:
    # a file has one owner, who has no name in it
    whose = {"profile": ""} if table in (WRITTEN, LABEL) else {}
    result = found.execution_options(yield_per=_AT_ONCE).execute(rows)
    for some in result.mappings().partitions():
        copy.execute(insert(table), [{**row, **whose} for row in some])
