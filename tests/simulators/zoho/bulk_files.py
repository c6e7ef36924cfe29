"""The zip of a bulk read page: written at once when the module is small, else in the background while the job is looked at."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Event, RLock, Thread
from typing import Any

from .coql import Condition
from .coql_run import least, matcher
from .crm import Crm
from .render import csv_writer
from .schema import Field
from .store import Key

_AT_ONCE = 5_000  # rows of a module that are written without a thread
_CHUNK = 2_000  # rows between which other requests are answered


@dataclass(kw_only=True)
class Job:
    """One bulk read job, and its page once it is written."""

    id: str
    query: dict[str, Any]
    module: str
    fields: list[Field]
    where: Condition | None
    page: int
    after: Key | None
    created: int
    by: int
    looked: int = 0
    failed: bool = False
    file: Path | None = None
    count: int = 0
    last: Key | None = None
    more: bool = False
    token: str | None = None
    done: Event = field(default_factory=Event)


class Writer:
    """Writes the pages of jobs; what breaks in the background goes to *broken*."""

    def __init__(self, lock: RLock, broken: list[Exception]) -> None:
        self._lock, self._broken = lock, broken
        self._stopping = Event()
        self._threads: list[Thread] = []

    def begin(self, crm: Crm, job: Job, file: Path) -> None:
        """Write the page of *job* to *file*; `job.done` says when it is there."""
        job.file = file
        table = crm.tables[job.module]
        if len(table.rows) + (table.crowd.count if table.crowd else 0) <= _AT_ONCE:
            self._write(crm, job, file)
            return
        thread = Thread(target=self._guarded, args=(crm, job, file), name=f"bulk {job.id}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Leave off writing."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _guarded(self, crm: Crm, job: Job, file: Path) -> None:
        try:
            self._write(crm, job, file)
        except Exception as bug:
            self._broken.append(bug)
            job.failed = True
            job.done.set()

    def _write(self, crm: Crm, job: Job, file: Path) -> None:
        most = crm.behaviour.bulk_page
        skip = (job.page - 1) * most if job.after is None else 0
        with (
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
            packed.open(f"{job.id}.csv", "w", force_zip64=True) as raw,
            io.TextIOWrapper(raw, encoding="utf-8", newline="") as text,
        ):
            out = csv.writer(text, lineterminator="\n")
            out.writerow("Id" if field.api_name == "id" else field.api_name for field in job.fields)
            for key, values in self._rows(crm, job):
                if skip:
                    skip -= 1
                    continue
                if job.count == most:
                    job.more = True
                    break
                out.writerow(values)
                job.count += 1
                job.last = key
        job.done.set()

    def _rows(self, crm: Crm, job: Job) -> Iterator[tuple[Key, list[Any]]]:
        """Matching rows by id, read in chunks, between which the CRM may change."""
        table = crm.tables[job.module]
        writers = [csv_writer(crm, job.module, field) for field in job.fields]
        matches = matcher(crm, job.module, job.where) if job.where else None
        since = least(job.where, "Modified_Time") if job.where else None
        after = job.after
        while not self._stopping.is_set():
            chunk = []
            with self._lock:
                keys = list(islice(table.scan("id", after=after, since=since), _CHUNK))
                for key in keys:
                    row = table.get(key[1])
                    if row is None or (job.module == "Leads" and row.get("Converted__s")):
                        continue
                    if matches is None or matches(row):
                        chunk.append((key, [write(row) for write in writers]))
            yield from chunk
            if len(keys) < _CHUNK:
                return
            after = keys[-1]
