"""What a pull asks of the CRM: one request per native object, with the children that come along."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crmrules.contracts.connector import Capabilities, NativeObject, ReadRequest
from crmrules.errors import Problem, RulesetError, did_you_mean
from crmrules.language.mapping import Mapping_, ObjectMap
from crmrules.model.objects import OBJECTS
from crmrules.pipeline.incoming import native_fields
from crmrules.stores.intake import Watermark

# Records saved while the last pull was reading may carry an earlier time than its newest record.
_OVERLAP = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One native object to read, and its children."""

    source: ObjectMap
    request: ReadRequest
    children: tuple[ObjectMap, ...]
    digest: str  # of the mapping of all of it; another one means reading all again
    known: datetime | None  # up to when it has been read before (UTC), where what was read then still counts


def readings(
    capabilities: Capabilities,
    described: Sequence[NativeObject],
    mapping: Mapping_,
    watermark: Callable[[str], Watermark | None] = lambda _: None,
    *,
    full: bool = False,
) -> list[Asked]:
    """Return the requests of a pull, in the order of the canonical objects.

    *watermark* tells up to when a native object has been read. Only what was modified since then
    is asked for where the CRM can tell, unless *full* or the mapping changed.
    """
    within = {o.name: o.within for o in described}
    result = []
    for source in mapping.sources:
        if within[source.native]:
            continue
        children = tuple(c for c in mapping.sources if source.native in within[c.native])
        digest = _digest(source, children, mapping.timezone)
        before = watermark(source.native)
        known = before.until.replace(tzinfo=UTC) if before and before.until and before.mapping == digest else None
        modified = source.field("modified_at")
        incremental = capabilities.since != "none" and modified is not None and known is not None and not full
        request = ReadRequest(
            object=source.native,
            fields=native_fields(source),
            key=key_of(source),
            since=known - _OVERLAP if incremental and known else None,
            modified_field=modified.native if modified else "",
            children=tuple(ReadRequest(object=c.native, fields=native_fields(c), key=key_of(c)) for c in children),
        )
        result.append(Asked(source=source, request=request, children=children, digest=digest, known=known))
    return result


def children_of(asked: Sequence[Asked]) -> Mapping[str, tuple[str, ...]]:
    """Return the canonical objects that are read with others, and with which."""
    found: dict[str, tuple[str, ...]] = {}
    for each in asked:
        for child in each.children:
            found[child.object] = (*found.get(child.object, ()), each.source.object)
    return found


def fingerprint(asked: Sequence[Asked]) -> str:
    """Hash of everything that is asked for: a stage with the same one can be gone on with."""
    said = [(a.request.object, str(a.request.since), a.digest) for a in asked]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def key_of(source: ObjectMap) -> tuple[str, ...]:
    """Return the native names of the key's columns."""
    found = (source.field(name) for name in OBJECTS[source.object].key)
    return tuple(f.native for f in found if f and f.native)


def check_names(described: Sequence[NativeObject], mapping: Mapping_) -> None:
    """Raise RulesetError with every object and field of *mapping* that the CRM does not have."""
    there = {o.name: {f.name for f in o.fields} for o in described}
    problems = []
    for object in mapping.sources:
        if object.native not in there:
            problems.append(
                Problem(
                    "missing-object", f"the CRM has no object '{object.native}'", object.at,
                    f"one of {', '.join(sorted(there))}", did_you_mean(object.native, there),
                )
            )  # fmt: skip
            continue
        known = there[object.native]
        problems += [
            Problem(
                "missing-column", f"'{object.native}' has no field '{field.native}' (for {object.object}.{field.field.name})",
                field.at, f"one of {', '.join(sorted(known))}", did_you_mean(field.native, known),
            )
            for field in object.fields
            if field.native and field.native not in known
        ]  # fmt: skip
    if problems:
        raise RulesetError(problems)


def _digest(source: ObjectMap, children: Sequence[ObjectMap], timezone: str) -> str:
    return ":".join((source.digest, *(c.digest for c in children), timezone))
