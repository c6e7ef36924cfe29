"""Pull: read what changed in the CRM, translate it, and merge it into the snapshot, all or nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from crmrules.contracts.connector import Connector, Page, Usage
from crmrules.errors import ConnectorError, Problem
from crmrules.language.mapping import Mapping_, ObjectMap
from crmrules.pipeline.incoming import columns
from crmrules.pipeline.readings import Asked, check_names, children_of, fingerprint, key_of, readings
from crmrules.stores.intake import Counts, Intake, watermark
from crmrules.stores.snapshot import Snapshot
from crmrules.stores.stage import Column, Reading, Stage

Progress = Callable[[str, int, int | None], None]  # object, records so far, how many there will be


@dataclass(frozen=True, kw_only=True)
class PullReport:
    """What a pull did."""

    objects: Mapping[str, Counts]
    warnings: tuple[Problem, ...]
    snapshot: str  # content id afterwards
    usage: Usage = Usage()  # what it cost
    resumed: bool = False  # it went on where an interrupted pull was

    @property
    def quarantined(self) -> int:
        """How many records are in quarantine now."""
        return sum(c.quarantined for c in self.objects.values())


def pull(
    connector: Connector,
    mapping: Mapping_,
    snapshot_path: Path,
    *,
    full: bool = False,
    lenient: bool = False,
    dry: bool = False,
    progress: Progress | None = None,
    now: datetime | None = None,
) -> PullReport:
    """Bring the snapshot at *snapshot_path* up to the CRM.

    Only records modified since the last pull are read where the CRM can tell, unless *full* or the
    mapping of the object changed. *lenient* puts wrong rows into quarantine instead of refusing
    everything. *dry* does and reports the same, but keeps nothing and moves no watermark. *now* is
    the time where the CRM tells none; nothing is taken for read up to a later one. A pull that the
    CRM, or a kill, stopped in the middle is gone on with where the CRM allows it.

    Raises RulesetError where the mapping names what the CRM does not have, DataError with every
    wrong row, ConnectorError, and StoreError where the snapshot can't be opened.
    """
    described = connector.describe()
    check_names(described, mapping)
    started = connector.clock() or now or datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "snapshot.duckdb" if dry and not snapshot_path.exists() else snapshot_path
        with Snapshot.open(path, mapping.custom) as snapshot:
            asked = readings(
                connector.capabilities, described, mapping, lambda native: watermark(snapshot, native), full=full
            )
            return _Pull(connector, mapping, snapshot, asked, progress).run(started, lenient=lenient, dry=dry)


@dataclass
class _Pull:
    connector: Connector
    mapping: Mapping_
    snapshot: Snapshot
    asked: list[Asked]
    progress: Progress | None

    def run(self, started: datetime, *, lenient: bool, dry: bool) -> PullReport:
        resumes = self.connector.capabilities.resumes and not dry
        custom = self.mapping.custom
        naive = started.astimezone(UTC).replace(tzinfo=None)
        stage = Stage.open(self.snapshot, custom, started=naive, fingerprint=fingerprint(self.asked), resume=resumes)
        keep = resumes  # also when we are killed
        try:
            for asked in self.asked:
                self._read(asked, stage)
            digests = {a.source.native: a.digest for a in self.asked}
            intake = Intake(self.snapshot, stage, custom, lenient=lenient)
            counts, warnings = intake.merge(digests, self.mapping.objects, children=children_of(self.asked), dry=dry)
            keep = False
        except Exception as error:
            keep = keep and isinstance(error, ConnectorError)
            raise
        finally:
            stage.close(keep=keep)
        return PullReport(
            objects=counts, warnings=warnings, snapshot=self.snapshot.content_id, usage=self.connector.usage(),
            resumed=stage.resumed,
        )  # fmt: skip

    def _read(self, asked: Asked, stage: Stage) -> None:
        request = asked.request
        reading = stage.begin(request.object, asked.source.object, partial=request.since is not None)
        children = {child.native: self._begin_child(child, stage) for child in asked.children}
        if reading.done:
            return
        done = reading.read
        for page in self.connector.read(replace(request, after=reading.cursor)):
            if page.object in ("", request.object):
                self._add(stage, asked.source, reading, page)
                done += page.rows.num_rows
                if self.progress:
                    self.progress(asked.source.object, done, page.total)
            else:
                child = next(c for c in asked.children if c.native == page.object)
                self._add(stage, child, children[page.object], page)
        self._find_deleted(asked, reading, stage)
        stage.finish(request.object)

    def _begin_child(self, child: ObjectMap, stage: Stage) -> Reading:
        parents = [a for a in self.asked if child in a.children]
        return stage.begin(child.native, child.object, partial=any(a.request.since is not None for a in parents))

    def _add(self, stage: Stage, source: ObjectMap, reading: Reading, page: Page) -> None:
        stage.add(
            reading,
            page.rows,
            columns(source, self.mapping, page.rows.schema),
            page.source,
            page.first_row,
            page.cursor,
        )
        if page.covers is not None:
            stage.add_covers(reading, page.covers, columns(source, self.mapping, page.covers.schema, present=True))
        if page.gone is not None:
            stage.add_lost(reading, page.gone, columns(source, self.mapping, page.gone.schema, present=True))

    def _find_deleted(self, asked: Asked, reading: Reading, stage: Stage) -> None:
        source, key = asked.source, key_of(asked.source)

        def keys(table: pa.Table) -> tuple[pa.Table, tuple[Column, ...]]:
            return table, columns(source, self.mapping, table.schema, present=True)

        deletes = self.connector.capabilities.deletes
        if deletes == "feed" and asked.request.since is not None:
            for table in self.connector.deleted(source.native, key, asked.request.since):
                stage.add_lost(reading, *keys(table))
        elif deletes == "difference" and asked.request.since is not None:
            for table in self.connector.ids(source.native, key):
                stage.add_existing(reading, *keys(table))
            stage.sweep(reading)
