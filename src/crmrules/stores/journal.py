"""The journal: every run, every write before it is made, every answer, and what is ours now.

A SQLite file in WAL mode with ``synchronous=FULL``: what was committed survives a kill and a
power cut, and others may read while a run writes. An intent without a receipt is a write of
which nobody knows whether it arrived; :mod:`crmrules.pipeline.resume` finds out.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast

from crmrules.errors import Location, Problem, StoreError
from crmrules.model.changes import Cause, Change, Dissent, Kind, Receipt, Result, Target
from crmrules.stores.journal_file import explained, open_file

RunKind = Literal["pull", "decide", "apply", "undo", "sync"]
Status = Literal["running", "done", "partial", "stopped", "interrupted"]
Row = tuple[Any, ...]

_TARGET = "object, record_id, kind, name"
_IS_TARGET = "object = ? AND record_id = ? AND kind = ? AND name = ?"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a run's values come from."""

    plan: str = ""  # the plan's id
    ruleset: str = ""  # name@version
    ruleset_digest: str = ""
    as_of: str = ""
    snapshot: str = ""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution. ``interrupted``: it ended (or died) with writes of unknown result."""

    id: int
    kind: RunKind
    profile: str
    origin: Origin
    undoes: int | None  # the run that this one takes back
    started: str
    ended: str | None
    status: Status
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Written:
    """What is ours at a target. ``value`` None: nothing (any more)."""

    value: str | None  # what the CRM made of it, as it stood there after our last write
    wanted: str | None  # what we asked for
    account_id: str = ""
    rule: str = ""
    ruleset_digest: str = ""
    as_of: str = ""


NOTHING = Written(value=None, wanted=None)  # nothing of ours


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A write about to be made: ``change``, what is ours before it and what will be after it."""

    change: Change
    before: Written | None
    after: Written
    id: int = 0  # given by the journal
    run: int = 0


@dataclass(frozen=True, kw_only=True)
class Step:
    """An intent with its answer; ``receipt`` None: not known (yet)."""

    intent: Intent
    receipt: Receipt | None


@contextmanager
def open_journal(path: Path, *, read_only: bool = False) -> Iterator[Journal]:
    """Open the journal at *path*; create it unless *read_only* (then a missing one is an empty one).

    Raises StoreError: locked, truncated, not a journal of ours, or of a newer crmrules.
    """
    connection = open_file(path, read_only=read_only)
    try:
        with explained(path):
            yield Journal(connection, path)
    finally:
        connection.close()


class Journal:
    """An open journal. Every method that writes is one transaction, on disk when it returns."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    # ------------------------------------------------------------ runs

    def begin_run(
        self, kind: RunKind, profile: str, now: datetime, origin: Origin | None = None, *, undoes: int | None = None
    ) -> int:
        """Record the start of a run and return its id (1, 2, 3 ...)."""
        of = origin or Origin()
        with self._transaction() as db:
            cursor = db.execute(
                "INSERT INTO run (kind, profile, plan, ruleset, ruleset_digest, as_of, snapshot, undoes, started,"
                " status, counts) VALUES (?,?,?,?,?,?,?,?,?,'running','{}')",
                (kind, profile, of.plan, of.ruleset, of.ruleset_digest, of.as_of, of.snapshot, undoes, _iso(now)),
            )
        return cast(int, cursor.lastrowid)

    def end_run(self, run: int, now: datetime, status: Status, counts: Mapping[str, int]) -> None:
        """Record how a run ended."""
        with self._transaction() as db:
            db.execute(
                "UPDATE run SET ended = ?, status = ?, counts = ? WHERE id = ?",
                (_iso(now), status, json.dumps(dict(sorted(counts.items()))), run),
            )

    def runs(self, kinds: Iterable[RunKind] = ()) -> list[Run]:
        """Return all runs (of the *kinds*, if any are given), newest first."""
        only = tuple(kinds)
        where = f" WHERE kind IN ({', '.join('?' * len(only))})" if only else ""
        return [_run(row) for row in self._connection.execute(f"{_RUNS}{where} ORDER BY id DESC", only)]

    def run(self, id: int) -> Run:
        """Return one run; raises StoreError ``unknown-run``."""
        row = self._connection.execute(f"{_RUNS} WHERE id = ?", (id,)).fetchone()
        if row is None:
            known = [str(r.id) for r in self.runs()[:5]]
            raise StoreError(
                Problem(
                    "unknown-run",
                    f"there is no run {id}",
                    Location(str(self.path)),
                    expected=f"one of the last runs: {', '.join(known)}" if known else "no run was made yet",
                )
            )
        return _run(row)

    def last_origin(self) -> Origin | None:
        """Return what the last complete apply came from: against it causes are told apart."""
        sql = f"{_RUNS} WHERE kind = 'apply' AND status = 'done' ORDER BY id DESC LIMIT 1"
        row = self._connection.execute(sql).fetchone()
        return _run(row).origin if row else None

    # ------------------------------------------------------------ writes

    def intend(self, run: int, intents: Sequence[Intent], now: datetime) -> list[Intent]:
        """Record writes that are about to be made; they come back with their ids."""
        kept = []
        with self._transaction() as db:
            for intent in intents:
                c, t = intent.change, intent.change.target
                cursor = db.execute(
                    f"INSERT INTO intent (run, change, {_TARGET}, account_id, old, new, rule, reason_zh, reason_en,"
                    " cause, before, after, created) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                    (
                        run, c.id, t.object, t.record_id, t.kind, t.name, c.account_id, c.old, c.new, c.rule,
                        c.reason_zh, c.reason_en, c.cause.value, _dump(intent.before), _dump(intent.after), _iso(now),
                    ),
                )  # fmt: skip
                kept.append(
                    Intent(change=c, before=intent.before, after=intent.after, id=cast(int, cursor.lastrowid), run=run)
                )
        return kept

    def receive(self, answers: Sequence[tuple[Intent, Receipt]], now: datetime) -> None:
        """Record answers; what was written becomes ours in the same transaction."""
        with self._transaction() as db:
            for intent, receipt in answers:
                db.execute(
                    "INSERT INTO receipt (intent, result, echo, message, at) VALUES (?,?,?,?,?)",
                    (intent.id, receipt.result.value, receipt.echo, receipt.message, _iso(now)),
                )
                if receipt.result is Result.written:
                    _own(db, intent, receipt)

    def unfinished(self) -> list[Intent]:
        """Return the intents without a receipt, oldest first."""
        sql = f"{_STEPS} WHERE r.status IN ('running', 'interrupted') AND a.intent IS NULL ORDER BY i.id"
        return [_step(row).intent for row in self._connection.execute(sql)]

    def steps(self, run: int) -> Iterator[Step]:
        """Yield the writes of a run in the order in which they were made."""
        for row in self._connection.execute(f"{_STEPS} WHERE i.run = ? ORDER BY i.id", (run,)):
            yield _step(row)

    def history(self) -> Iterator[Step]:
        """Yield every write that was made where something is ours now: by place, oldest first."""
        ours = " AND ".join(f"w.{column} = i.{column}" for column in _TARGET.split(", "))
        sql = (
            f"{_STEPS} JOIN written w ON {ours} WHERE a.result = 'written' AND w.value IS NOT NULL"
            " ORDER BY i.object, i.record_id, i.kind, i.name, i.id"
        )
        for row in self._connection.execute(sql):
            yield _step(row)

    def results(self, run: int) -> dict[str, int]:
        """Return how many writes of a run had which result."""
        sql = (
            "SELECT a.result, count(*) FROM intent i JOIN receipt a ON a.intent = i.id WHERE i.run = ?"
            " GROUP BY 1 ORDER BY 1"
        )
        return dict(self._connection.execute(sql, (run,)).fetchall())

    def last_touch(self, target: Target) -> int | None:
        """Return the run that last wrote *target*."""
        row = self._connection.execute(f"SELECT run FROM written WHERE {_IS_TARGET}", _key(target)).fetchone()
        return cast(int, row[0]) if row else None

    def written(self, target: Target) -> Written | None:
        """Return what is ours at *target*."""
        row = self._connection.execute(
            f"SELECT value, wanted, account_id, rule, ruleset_digest, as_of FROM written WHERE {_IS_TARGET}",
            _key(target),
        ).fetchone()
        if row is None:
            return None
        return Written(
            value=row[0], wanted=row[1], account_id=row[2], rule=row[3], ruleset_digest=row[4], as_of=row[5]
        )  # fmt: skip

    def places(self) -> list[tuple[str, str, str]]:
        """Return (object, kind, name) of everything that any run wrote on any record."""
        return self._connection.execute("SELECT DISTINCT object, kind, name FROM written ORDER BY 1, 2, 3").fetchall()

    def held(self) -> dict[str, int]:
        """Count what is ours now.

        ``held:<object>`` records that carry a value of ours, ``tag:<object>:<tag>`` holders of
        each of our tags, ``note:<object>`` notes of ours.
        """
        sql = """
            SELECT 'held:' || object, count(DISTINCT record_id) FROM written WHERE value IS NOT NULL GROUP BY 1
            UNION ALL
            SELECT 'tag:' || object || ':' || name || iif(value = '', '', '=' || value), count(*)
            FROM written WHERE kind = 'tag' AND value IS NOT NULL GROUP BY 1
            UNION ALL
            SELECT 'note:' || object, count(*) FROM written WHERE kind = 'note' AND value IS NOT NULL GROUP BY 1
            """
        return dict(self._connection.execute(sql).fetchall())

    # ------------------------------------------------------------ labels

    def label(self, run: int, dissents: Iterable[Dissent], now: datetime) -> None:
        """Record people's values that we respect; the same one is recorded once."""
        with self._transaction() as db:
            db.executemany(
                f"INSERT OR IGNORE INTO label ({_TARGET}, account_id, human, ours, rule, run, seen)"
                " VALUES (?,?,?,?,?,?,?,?,?,?)",
                ((*_key(d.target), d.account_id, d.human, d.ours, d.rule, run, _iso(now)) for d in dissents),
            )

    def labels(self) -> list[Dissent]:
        """Return all labels, oldest first."""
        sql = f"SELECT {_TARGET}, account_id, human, ours, rule FROM label ORDER BY rowid"
        return [
            Dissent(
                target=Target(object=row[0], record_id=row[1], kind=row[2], name=row[3]),
                account_id=row[4], human=row[5], ours=row[6], rule=row[7],
            )
            for row in self._connection.execute(sql)
        ]  # fmt: skip


def _own(db: sqlite3.Connection, intent: Intent, receipt: Receipt) -> None:
    after = intent.after
    # an undo may leave as ours what a person had removed; only what we just wrote takes the CRM's spelling
    value = receipt.echo if after.value == intent.change.new else after.value
    db.execute(
        f"INSERT OR REPLACE INTO written ({_TARGET}, account_id, value, wanted, rule, ruleset_digest, as_of, run)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        (
            *_key(intent.change.target), after.account_id, value, after.wanted, after.rule,
            after.ruleset_digest, after.as_of, intent.run,
        ),
    )  # fmt: skip


_RUNS = (
    "SELECT id, kind, profile, plan, ruleset, ruleset_digest, as_of, snapshot, undoes, started, ended, status, counts"
    " FROM run"
)
_STEPS = (
    "SELECT i.id, i.run, i.change, i.object, i.record_id, i.kind, i.name, i.account_id, i.old, i.new, i.rule,"
    " i.reason_zh, i.reason_en, i.cause, i.before, i.after, a.result, a.echo, a.message"
    " FROM intent i JOIN run r ON r.id = i.run LEFT JOIN receipt a ON a.intent = i.id"
)


def _run(row: Row) -> Run:
    return Run(
        id=row[0], kind=row[1], profile=row[2],
        origin=Origin(plan=row[3], ruleset=row[4], ruleset_digest=row[5], as_of=row[6], snapshot=row[7]),
        undoes=row[8], started=row[9], ended=row[10], status=row[11], counts=json.loads(row[12]),
    )  # fmt: skip


def _step(row: Row) -> Step:
    target = Target(object=row[3], record_id=row[4], kind=cast(Kind, row[5]), name=row[6])
    change = Change(
        id=row[2], target=target, account_id=row[7], old=row[8], new=row[9], rule=row[10], reason_zh=row[11],
        reason_en=row[12], cause=Cause(row[13]),
    )  # fmt: skip
    after = _load(row[15])
    assert after is not None
    intent = Intent(change=change, before=_load(row[14]), after=after, id=row[0], run=row[1])
    answered = row[16] is not None
    return Step(
        intent=intent,
        receipt=Receipt(target=target, result=Result(row[16]), echo=row[17], message=row[18]) if answered else None,
    )


def _dump(written: Written | None) -> str | None:
    return None if written is None else json.dumps(asdict(written), ensure_ascii=False)


def _load(text: str | None) -> Written | None:
    return None if text is None else Written(**json.loads(text))


def _key(target: Target) -> tuple[str, str, str, str]:
    return (target.object, target.record_id, target.kind, target.name)


def _iso(now: datetime) -> str:
    return now.isoformat(timespec="seconds")
