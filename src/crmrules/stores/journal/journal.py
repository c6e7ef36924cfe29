"""An open journal: what can be kept in it and asked of it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, insert, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from crmrules.errors import Location, Problem, StoreError
from crmrules.model.changes import Dissent, Receipt, Result, Target
from crmrules.stores.journal import rows
from crmrules.stores.journal.records import Intent, Origin, Run, RunKind, Status, Step, Written
from crmrules.stores.journal.tables import INTENT, LABEL, RECEIPT, RUN, WRITTEN

_ASKED = 5_000  # places that one query asks about: SQLite takes 32,766 parameters, PostgreSQL 65,535
_AT = (WRITTEN.c.object, WRITTEN.c.record_id, WRITTEN.c.kind, WRITTEN.c.name)


class Journal:
    """An open journal. Every method that writes is one transaction, on disk when it returns.

    With a *profile* it is that profile's part of a journal that several share; '' is all of a file.
    """

    def __init__(self, connection: Connection, place: str, profile: str = "") -> None:
        self._connection = connection  # commits by itself but in a transaction, so that no read holds one open
        self._profile = profile
        self.place = place  # for messages: without a password
        self._sqlite = connection.dialect.name == "sqlite"
        self._of_mine: ColumnElement[bool] = RUN.c.profile == profile if profile else true()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        # SQLite's own BEGIN would wait for the first write, and could then fail for another's
        self._connection.exec_driver_sql("BEGIN IMMEDIATE" if self._sqlite else "BEGIN")
        try:
            yield self._connection
        except BaseException:
            with suppress(SQLAlchemyError):  # where the connection is lost nothing is left to roll back
                self._connection.exec_driver_sql("ROLLBACK")
            raise
        self._connection.exec_driver_sql("COMMIT")

    # ------------------------------------------------------------ runs

    def begin_run(
        self, kind: RunKind, profile: str, now: datetime, origin: Origin | None = None, *, undoes: int | None = None
    ) -> int:
        """Record the start of a run and return its id (1, 2, 3 ...)."""
        said = {
            "kind": kind, "profile": profile, **rows.origin_columns(origin or Origin()), "undoes": undoes,
            "started": rows.iso(now), "status": "running", "counts": "{}",
        }  # fmt: skip
        with self._transaction() as db:
            return int(db.execute(insert(RUN).returning(RUN.c.id), said).scalar_one())

    def end_run(self, run: int, now: datetime, status: Status, counts: Mapping[str, int]) -> None:
        """Record how a run ended."""
        said = json.dumps(dict(sorted(counts.items())))
        with self._transaction() as db:
            db.execute(update(RUN).where(RUN.c.id == run).values(ended=rows.iso(now), status=status, counts=said))

    def runs(self, kinds: Iterable[RunKind] = ()) -> list[Run]:
        """Return all runs (of the *kinds*, if any are given), newest first."""
        query = select(RUN).where(self._of_mine).order_by(RUN.c.id.desc())
        if only := tuple(kinds):
            query = query.where(RUN.c.kind.in_(only))
        return [rows.run(row) for row in self._connection.execute(query)]

    def run(self, id: int) -> Run:
        """Return one run; raises StoreError ``unknown-run``."""
        row = self._connection.execute(select(RUN).where(self._of_mine, RUN.c.id == id)).fetchone()
        if row is None:
            known = [str(r.id) for r in self.runs()[:5]]
            raise StoreError(
                Problem(
                    "unknown-run",
                    f"there is no run {id}",
                    Location(self.place),
                    expected=f"one of the last runs: {', '.join(known)}" if known else "no run was made yet",
                )
            )
        return rows.run(row)

    def last_origin(self) -> Origin | None:
        """Return what the last complete apply came from: against it causes are told apart."""
        query = select(RUN).where(self._of_mine, RUN.c.kind == "apply", RUN.c.status == "done")
        row = self._connection.execute(query.order_by(RUN.c.id.desc()).limit(1)).fetchone()
        return rows.run(row).origin if row else None

    # ------------------------------------------------------------ writes

    def intend(self, run: int, intents: Sequence[Intent], now: datetime) -> list[Intent]:
        """Record writes that are about to be made; they come back with their ids."""
        if not intents:
            return []
        with self._transaction() as db:
            made = db.execute(
                insert(INTENT).returning(INTENT.c.id, sort_by_parameter_order=not self._sqlite),
                [rows.intent_columns(intent, run, now) for intent in intents],
            )
            ids = made.scalars().all()
        if self._sqlite:  # counts up row by row, but says in any order what it gave
            ids = sorted(ids)
        return [replace(intent, id=id, run=run) for intent, id in zip(intents, ids, strict=True)]

    def receive(self, answers: Sequence[tuple[Intent, Receipt]], now: datetime) -> None:
        """Record answers; what was written becomes ours in the same transaction."""
        if not answers:
            return
        ours = {
            intent.change.target: rows.written_columns(intent, receipt, self._profile)
            for intent, receipt in answers
            if receipt.result is Result.written
        }
        with self._transaction() as db:
            db.execute(insert(RECEIPT), [rows.receipt_columns(intent, receipt, now) for intent, receipt in answers])
            if ours:
                written = self._insert(WRITTEN)
                new = {column.name: written.excluded[column.name] for column in WRITTEN.c if not column.primary_key}
                db.execute(
                    written.on_conflict_do_update(index_elements=list(WRITTEN.primary_key), set_=new),
                    list(ours.values()),
                )

    def unfinished(self) -> list[Intent]:
        """Return the intents without a receipt, oldest first."""
        query = rows.steps().where(
            self._of_mine, RUN.c.status.in_(("running", "interrupted")), RECEIPT.c.intent.is_(None)
        )
        return [step.intent for step in self._steps(query.order_by(INTENT.c.id))]

    def steps(self, run: int) -> Iterator[Step]:
        """Yield the writes of a run in the order in which they were made."""
        return self._steps(rows.steps().where(self._of_mine, INTENT.c.run == run).order_by(INTENT.c.id))

    def history(self) -> Iterator[Step]:
        """Yield every write that was made where something is ours now: by place, oldest first."""
        places = (INTENT.c.object, INTENT.c.record_id, INTENT.c.kind, INTENT.c.name)
        query = rows.steps().where(self._of_mine, RECEIPT.c.result == Result.written.value)
        query = query.where(*(a == b for a, b in zip(_AT, places, strict=True)), self._ours_now())
        return self._steps(query.order_by(*places, INTENT.c.id))

    def _steps(self, query: Select[Any]) -> Iterator[Step]:
        for row in self._connection.execute(query):
            yield rows.step(row)

    def results(self, run: int) -> dict[str, int]:
        """Return how many writes of a run had which result."""
        query = select(RECEIPT.c.result, func.count()).join(INTENT, RECEIPT.c.intent == INTENT.c.id)
        query = query.where(INTENT.c.run == run).group_by(RECEIPT.c.result).order_by(RECEIPT.c.result)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    # ------------------------------------------------------------ what is ours

    def written(self, target: Target) -> Written | None:
        """Return what is ours at *target*."""
        return self.written_many([target]).get(target)

    def written_many(self, targets: Iterable[Target]) -> dict[Target, Written]:
        """Return what is ours at each of *targets* where anything is or was; asks a few thousand at a time."""
        columns = [WRITTEN.c[name] for name in rows.OURS]
        return {
            target: Written(**dict(zip(rows.OURS, said, strict=True))) for target, said in self._at(targets, columns)
        }

    def last_touches(self, targets: Iterable[Target]) -> dict[Target, int]:
        """Return the run that last wrote, for each of *targets* where any did."""
        return {target: run for target, (run,) in self._at(targets, [WRITTEN.c.run])}

    def _at(
        self, targets: Iterable[Target], columns: Sequence[ColumnElement[Any]]
    ) -> Iterator[tuple[Target, Sequence[Any]]]:
        # Many records of few places: a list of ids at one place is a question that both databases answer by index.
        by_place: defaultdict[tuple[str, str, str], dict[str, Target]] = defaultdict(dict)
        for target in targets:
            by_place[target.object, target.kind, target.name][target.record_id] = target
        for (object, kind, name), by_id in by_place.items():
            here = select(WRITTEN.c.record_id, *columns).where(
                WRITTEN.c.profile == self._profile, WRITTEN.c.object == object, WRITTEN.c.kind == kind,
                WRITTEN.c.name == name,
            )  # fmt: skip
            ids = iter(by_id)
            while asked := list(islice(ids, _ASKED)):
                for row in self._connection.execute(here.where(WRITTEN.c.record_id.in_(asked))):
                    yield by_id[row[0]], row[1:]

    def places(self) -> list[tuple[str, str, str]]:
        """Return (object, kind, name) of everything that any run wrote on any record."""
        at = (WRITTEN.c.object, WRITTEN.c.kind, WRITTEN.c.name)
        query = select(*at).distinct().where(WRITTEN.c.profile == self._profile).order_by(*at)
        return [(object, kind, name) for object, kind, name in self._connection.execute(query)]

    def held(self) -> dict[str, int]:
        """Count what is ours now.

        ``held:<object>`` records that carry a value of ours, ``tag:<object>:<tag>`` holders of
        each of our tags, ``note:<object>`` notes of ours.
        """
        object, kind, name, value = WRITTEN.c.object, WRITTEN.c.kind, WRITTEN.c.name, WRITTEN.c.value
        ours = self._ours_now()
        records = select(object, func.count(WRITTEN.c.record_id.distinct())).where(ours).group_by(object)
        tags = select(object, name, value, func.count()).where(ours, kind == "tag").group_by(object, name, value)
        notes = select(object, func.count()).where(ours, kind == "note").group_by(object)
        ask = self._connection.execute
        return {
            **{f"held:{o}": count for o, count in ask(records.order_by(object))},
            **{f"note:{o}": count for o, count in ask(notes.order_by(object))},
            **{
                f"tag:{o}:{n}{f'={v}' if v else ''}": count
                for o, n, v, count in ask(tags.order_by(object, name, value))
            },
        }

    def _ours_now(self) -> ColumnElement[bool]:
        return (WRITTEN.c.profile == self._profile) & WRITTEN.c.value.is_not(None)

    # ------------------------------------------------------------ labels

    def label(self, run: int, dissents: Iterable[Dissent], now: datetime) -> None:
        """Record people's values that we respect; the same one is recorded once."""
        seen = [rows.label_columns(dissent, self._profile, run, now) for dissent in dissents]
        if seen:
            with self._transaction() as db:
                db.execute(self._insert(LABEL).on_conflict_do_nothing(), seen)

    def labels(self) -> list[Dissent]:
        """Return all labels, oldest first."""
        query = select(LABEL).where(LABEL.c.profile == self._profile).order_by(LABEL.c.id)
        return [rows.dissent(row) for row in self._connection.execute(query)]

    def _insert(self, table: Any) -> Any:
        return (sqlite if self._sqlite else postgresql).insert(table)
