"""Bulk Read: exports of 200,000 records, downloaded once, read as a stream.

The jobs of a load are begun together and remembered: who is stopped waits for no export twice.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmrules.errors import Location, Problem, RetryLater
from crmrules.http.limits import Limiter, Window
from crmrules_zoho.api import Refused, Zoho
from crmrules_zoho.memory import Memory
from crmrules_zoho.modules import ID, MODIFIED, TAG
from crmrules_zoho.values import header_time
from crmrules_zoho.wanted import Wanted

if TYPE_CHECKING:
    import pyarrow as pa

PAGE = 200_000  # records of an export
START = 50  # credits that beginning one costs
EACH = START + 2  # with a look at it and the download
_BLOCK = 4 << 20  # bytes of CSV that are parsed at a time
_KEPT = timedelta(hours=20)  # Zoho keeps a result for about a day
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 120.0  # seconds between two looks at a job
_PER_SECOND = 10_000  # records that Zoho may export in a second, at best
_DONE, _FAILED = "COMPLETED", "FAILURE"


@dataclass
class Exports:
    """The exports of one request: pages of up to 200,000 records."""

    zoho: Zoho
    memory: Memory
    folder: Path
    wanted: Wanted
    since: datetime | None
    jobs: list[str]
    turns: Limiter
    expected: int = 0  # records in all, where that is known
    pause: float = 0.0  # before the next look at a job that was not ready: as long as the last one took

    @classmethod
    def begin(
        cls, zoho: Zoho, memory: Memory, folder: Path, wanted: Wanted, since: datetime | None, count: int | None
    ) -> Exports:
        """Begin the jobs, or go on with those that were begun for the same request and are still good."""
        found = cls.of(zoho, memory, folder, wanted, since, [])
        said = memory.get_json(found._key)
        if isinstance(said, dict) and _is_young(said.get("at")):
            found.jobs = [str(id) for id in said["jobs"]]
        found.expected = count or 0
        found.pause = min(max(_FIRST_PAUSE, min(PAGE, found.expected) / _PER_SECOND), _LONGEST_PAUSE)
        if not found.jobs:
            found._tidy()
            for _ in range(max(1, -(-found.expected // PAGE))):
                found._begin_next()
            zoho.sleep(found.pause)  # each look costs a credit
        return found

    @classmethod
    def of(
        cls, zoho: Zoho, memory: Memory, folder: Path, wanted: Wanted, since: datetime | None, jobs: list[str]
    ) -> Exports:
        """Go on with *jobs*."""
        turns = Limiter([Window(calls=10, seconds=60)], sleep=zoho.sleep)  # downloads that Zoho gives
        return cls(zoho, memory, folder, wanted, since, jobs, turns)

    def tables(self, page: int = 0, row: int = 0) -> Iterator[tuple[pa.Table, int, int]]:
        """Yield parts of the exports as texts, with the page and row to go on from behind each."""
        while True:
            while page >= len(self.jobs):
                self._begin_next()
            result, file = self._result(page)
            yield from self._parts(file, page, row)
            file.unlink(missing_ok=True)
            page, row = page + 1, 0
            if page >= len(self.jobs) and not result.get("more_records"):
                self.memory.put(self._key, "")
                return

    def _result(self, page: int) -> tuple[dict[str, Any], Path]:
        """Return what is said of a finished job and the file that came of it."""
        try:
            result = self._finished(self.jobs[page])
            return result, self._file(self.jobs[page], result)
        except Refused as error:
            if error.code != "RESOURCE_NOT_FOUND":
                raise
        self.jobs[page] = self._start(page)  # it was thrown away; that page is read again from its beginning
        self._remember()
        result = self._finished(self.jobs[page])
        return result, self._file(self.jobs[page], result)

    def _finished(self, job: str) -> dict[str, Any]:
        """Wait until *job* is ready; return its result. Each look costs a credit, so there are few of them."""
        pause, waited = self.pause or _FIRST_PAUSE, 0.0
        while True:
            said = self.zoho.get(f"/bulk/read/{job}").body["data"][0]
            if said["state"] == _DONE:
                self.pause = max(self.pause, min(waited, _LONGEST_PAUSE))
                return dict(said.get("result") or {})
            if said["state"] == _FAILED:
                self.memory.put(self._key, "")
                raise RetryLater(_problem("bulk-failed", f"Zoho could not finish the export {job}", job))
            if waited >= self.zoho.settings.bulk_patience:
                raise RetryLater(
                    _problem(
                        "bulk-not-ready", f"the export {job} is not ready after {waited:.0f} s", job,
                        hint="run again later: it is being made meanwhile",
                    )
                )  # fmt: skip
            self.zoho.sleep(pause)
            waited += pause
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _file(self, job: str, result: dict[str, Any]) -> Path:
        file = self.folder / f"{job}.zip"
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            url = str(result.get("download_url") or f"/crm/bulk/{self.zoho.settings.version}/read/{job}/result")
            with self.turns.turn("download"):
                self.zoho.download(url, file)
        return file

    def _parts(self, file: Path, page: int, row: int) -> Iterator[tuple[pa.Table, int, int]]:
        done = 0
        for table in read_csv(file):
            first, done = done, done + table.num_rows
            if done > row:
                yield table.slice(max(0, row - first)), page, done

    def _tidy(self) -> None:
        """Remove what loads left behind that nobody went on with: it is people's data."""
        long_ago = (datetime.now(UTC) - _KEPT).timestamp()
        for file in self.folder.glob("*.zip"):
            if file.stat().st_mtime < long_ago:
                file.unlink(missing_ok=True)

    def _begin_next(self) -> None:
        self.jobs.append(self._start(len(self.jobs)))
        self._remember()

    def _start(self, page: int) -> str:
        query: dict[str, Any] = {
            "module": {"api_name": self.wanted.module.api_name}, "fields": [ID, *self.wanted.names], "page": page + 1,
        }  # fmt: skip
        if self.since:
            query["criteria"] = {
                "field": {"api_name": MODIFIED}, "comparator": "greater_equal", "value": header_time(self.since)
            }  # fmt: skip
        said = self.zoho.call("POST", "/bulk/read", json={"query": query, "file_type": "csv"}, credits=START).body
        return str(said["data"][0]["details"]["id"])

    def _remember(self) -> None:
        self.memory.put_json(self._key, {"at": datetime.now(UTC).isoformat(), "jobs": self.jobs})

    @property
    def _key(self) -> str:
        return f"bulk {self.wanted.digest}"


def read_csv(file: Path) -> Iterator[pa.Table]:
    """Yield the CSV inside the zip *file* in parts, all texts, blanks as null, ``Id`` as ``id``; memory stays flat.

    Raises RetryLater, and removes the file, where it is broken.
    """
    import pyarrow as pa
    from pyarrow import csv

    try:
        with zipfile.ZipFile(file) as packed:
            inside = next(name for name in packed.namelist() if name.lower().endswith(".csv"))
            with packed.open(inside) as first:
                header = _header(first.readline().decode("utf-8-sig"))
            with packed.open(inside) as stream:
                reader = csv.open_csv(
                    stream,
                    read_options=csv.ReadOptions(block_size=_BLOCK, column_names=header, skip_rows=1),
                    parse_options=csv.ParseOptions(newlines_in_values=True),
                    convert_options=csv.ConvertOptions(
                        column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=True, null_values=[""]
                    ),
                )
                for batch in reader:
                    yield pa.Table.from_batches([batch])
    except (zipfile.BadZipFile, StopIteration, pa.ArrowInvalid, EOFError, OSError) as error:
        file.unlink(missing_ok=True)
        raise RetryLater(
            _problem("bulk-broken", f"the export can't be read: {type(error).__name__}", file.name)
        ) from error


def split_tags(table: pa.Table, known: list[str]) -> list[list[str]]:
    """Return the tags of each row: names joined by commas, of which some names of *known* hold one themselves."""
    odd = sorted((name for name in known if "," in name), key=len, reverse=True)
    cells = table.column(TAG).to_pylist() if TAG in table.column_names else [None] * table.num_rows
    return [_names(cell, odd) if cell else [] for cell in cells]


def _names(cell: str, odd: list[str]) -> list[str]:
    found = []
    for name in odd:
        if name in cell:
            found.append(name)
            cell = cell.replace(name, "")
    return [*found, *(part.strip() for part in cell.split(",") if part.strip())]


def _header(line: str) -> list[str]:
    import csv

    return [ID if name == "Id" else name for name in next(csv.reader([line]))]


def _is_young(at: Any) -> bool:
    try:
        return timedelta() <= datetime.now(UTC) - datetime.fromisoformat(str(at)) < _KEPT
    except (ValueError, TypeError):
        return False


def _problem(code: str, what: str, at: str, hint: str = "") -> Problem:
    return Problem(code, what, Location(at), hint=hint)
