"""Pull: read what changed in the CRM, translate it, and merge it into the snapshot, all or nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path

from crmrules.contracts.connector import Connector, ReadRequest
from crmrules.errors import Problem, RulesetError, did_you_mean
from crmrules.language.mapping import Mapping_, ObjectMap
from crmrules.model.objects import OBJECTS
from crmrules.pipeline.incoming import columns, native_fields
from crmrules.stores.intake import Counts, Intake, watermark
from crmrules.stores.snapshot import Snapshot

# Records saved while the last pull was reading may carry an earlier time than its newest record.
_OVERLAP = timedelta(minutes=5)

Progress = Callable[[str, int, int | None], None]  # object, records so far, how many there will be


@dataclass(frozen=True, kw_only=True)
class PullReport:
    """What a pull did."""

    objects: Mapping[str, Counts]
    warnings: tuple[Problem, ...]
    snapshot: str  # content id afterwards

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
) -> PullReport:
    """Bring the snapshot at *snapshot_path* up to the CRM.

    Only records modified since the last pull are read where the CRM can tell, unless *full* or the
    mapping of the object changed. *lenient* puts wrong rows into quarantine instead of refusing
    everything. *dry* does and reports the same, but keeps nothing and moves no watermark.

    Raises RulesetError where the mapping names what the CRM does not have, DataError with every
    wrong row, ConnectorError, and StoreError where the snapshot can't be opened.
    """
    _check(connector, mapping)
    if dry and not snapshot_path.exists():
        with tempfile.TemporaryDirectory() as folder:
            return _pull(connector, mapping, Path(folder) / "snapshot.duckdb", full, lenient, dry, progress)
    return _pull(connector, mapping, snapshot_path, full, lenient, dry, progress)


def _pull(
    connector: Connector, mapping: Mapping_, path: Path, full: bool, lenient: bool, dry: bool, progress: Progress | None
) -> PullReport:
    with (
        Snapshot.open(path, mapping.custom) as snapshot,
        Intake(snapshot, mapping.custom, lenient=lenient) as intake,
    ):
        digests = {}
        for object in mapping.objects.values():
            digest = digests[object.object] = f"{object.digest}:{mapping.timezone}"
            known = watermark(snapshot, object.object)
            modified = object.field("modified_at")
            since = known.until if known and known.mapping == digest and not full else None
            if connector.capabilities.since == "none" or not modified:
                since = None
            request = ReadRequest(
                object=object.native,
                fields=native_fields(object),
                key=_key(object),
                since=(since - _OVERLAP).replace(tzinfo=UTC) if since else None,
                modified_field=modified.native if modified else "",
            )
            _read(connector, object, mapping, request, intake, progress)
        counts, warnings = intake.merge(digests, mapping.objects, dry=dry)
        return PullReport(objects=counts, warnings=warnings, snapshot=snapshot.content_id)


def _read(
    connector: Connector, object: ObjectMap, mapping: Mapping_, request: ReadRequest, intake: Intake,
    progress: Progress | None,
) -> None:  # fmt: skip
    name = object.object
    intake.begin(name, partial=request.since is not None)
    done = 0
    for page in connector.read(request):
        done += page.rows.num_rows
        intake.add(name, page.rows, columns(object, mapping, page.rows.schema), page.source, page.first_row)
        if progress:
            progress(name, done, page.total)
    if request.since is not None and connector.capabilities.deletes != "none":
        keys = OBJECTS[name].key
        for table in connector.ids(object.native, request.key):
            translated = [c for c in columns(object, mapping, table.schema) if c.name in keys]
            intake.add_keys(name, table, translated)


def _key(object: ObjectMap) -> tuple[str, ...]:
    found = (object.field(name) for name in OBJECTS[object.object].key)
    return tuple(f.native for f in found if f)


def _check(connector: Connector, mapping: Mapping_) -> None:
    described = {o.name: {f.name for f in o.fields} for o in connector.describe()}
    problems = []
    for object in mapping.objects.values():
        if object.native not in described:
            problems.append(
                Problem(
                    "missing-object", f"the CRM has no object '{object.native}'", object.at,
                    f"one of {', '.join(sorted(described))}", did_you_mean(object.native, described),
                )
            )  # fmt: skip
            continue
        known = described[object.native]
        problems += [
            Problem(
                "missing-column", f"'{object.native}' has no field '{field.native}' (for {object.object}.{field.field.name})",
                field.at, f"one of {', '.join(sorted(known))}", did_you_mean(field.native, known),
            )
            for field in object.fields
            if field.native not in known
        ]  # fmt: skip
    if problems:
        raise RulesetError(problems)
