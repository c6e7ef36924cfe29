"""What the CRM really has: fields that it does not fill, or that the mapping leaves out, and values that it does not know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from crmrules.authoring.lint.findings import Finding, Hits, finding
from crmrules.authoring.lint.reads import Reading
from crmrules.errors import did_you_mean
from crmrules.language.ruleset import Ruleset
from crmrules.model.objects import OBJECTS, FieldType
from crmrules.stores.schema import one, quote

if TYPE_CHECKING:
    import duckdb

    from crmrules.language.mapping import Mapping_

MIN_FILL = 0.5  # share of the records in which a field that rules read should be filled
_PICKLIST = 200  # distinct values that a list to pick from has at most
_NAMED = 4  # readers and values that a message names


def check_mapping(ruleset: Ruleset, readings: Sequence[Reading], mapping: Mapping_) -> Iterator[Finding]:
    """Yield the fields that rules read and *mapping* does not bring."""
    optional = {(r.object, r.field) for r in ruleset.requires if r.optional}
    unmapped: set[str] = set()
    for reading in readings:
        if not reading.readers:
            continue
        object_ = mapping.object(reading.object)
        if object_ is None:
            if reading.object not in unmapped:
                unmapped.add(reading.object)
                yield finding(
                    "unmapped-field", f"the mapping brings no {reading.object}: {_by(reading)}", reading.at,
                    hint="add the object to the mapping",
                )  # fmt: skip
        elif mapping.field(reading.object, reading.field) is None and (reading.object, reading.field) not in optional:
            yield finding(
                "unmapped-field", f"the mapping does not bring {reading}: {_by(reading)}", reading.at,
                hint=did_you_mean(reading.field, (f.native for f in object_.fields)) or f"map it under {reading.object}",
            )  # fmt: skip


def check_records(
    con: duckdb.DuckDBPyConnection, readings: Sequence[Reading], mapping: Mapping_, min_fill: float = MIN_FILL
) -> Iterator[Finding]:
    """Yield fields that are hardly filled and compared values that no record has; one scan for each object.

    *con* has the snapshot attached. Fields that the mapping leaves out are :func:`check_mapping`'s.
    """
    ordered = sorted(readings, key=lambda reading: reading.object)
    for object_, group in groupby(ordered, key=lambda reading: reading.object):
        columns = {str(row[0]) for row in con.execute(f"DESCRIBE snapshot.{quote(object_)}").fetchall()}
        there = [r for r in group if r.field in columns and mapping.field(object_, r.field) is not None]
        if there:
            yield from _check_object(con, object_, there, mapping, min_fill)


def _check_object(
    con: duckdb.DuckDBPyConnection, object_: str, readings: Sequence[Reading], mapping: Mapping_, min_fill: float
) -> Iterator[Finding]:
    filled = [f"count({quote(r.field)})" for r in readings]
    listed = [f"list(DISTINCT {quote(r.field)})" if r.values else "NULL" for r in readings]
    total, *found = one(con, f"SELECT count(*), {', '.join((*filled, *listed))} FROM snapshot.{quote(object_)}")
    if not total:
        if who := [name for r in readings for name in r.readers]:
            first = min((r for r in readings if r.readers), key=lambda r: r.at)
            yield finding("dead-field", f"the CRM has no {object_}: {_dead(who)}", first.at)
        return
    for number, reading in enumerate(readings):
        count, values = int(found[number]), [v for v in found[len(readings) + number] or () if v is not None]
        if reading.readers and (count < total * _floor(reading, min_fill) or not count):
            share = f"{count / total:.0%}" if count in (0, total) or count >= total / 100 else "less than 1%"
            yield finding(
                "dead-field", f"{reading} is filled on {share}: {_by(reading)}", reading.at,
                expected=f"{min_fill:.0%} at least", hint="map another field, have it filled, or let the rule go",
                hits=Hits(matched=total - count, total=total, object=object_),
            )  # fmt: skip
        elif values and len(values) <= _PICKLIST:
            yield from _absent(reading, sorted(values), mapping)


def _floor(reading: Reading, min_fill: float) -> float:
    """A reference, a mark and a day are blank where there is nothing to say; then only an empty column is dead."""
    if not reading.rows:
        return 0.0
    declared = OBJECTS[reading.object].field(reading.field)
    blank = declared is not None and (
        declared.refers_to or declared.type.is_temporal or declared.type is FieldType.boolean
    )
    return 0.0 if blank else min_fill


def _absent(reading: Reading, values: Sequence[str], mapping: Mapping_) -> Iterator[Finding]:
    mapped = [f for source in mapping.objects.get(reading.object, ()) if (f := source.field(reading.field))]
    possible = {*values, *(v for field in mapped for v in (*field.values.values(), field.default) if v is not None)}
    for value, (who, at) in reading.values.items():
        if value not in possible:
            shown = ", ".join(values[: _NAMED * 2]) + (", ..." if len(values) > _NAMED * 2 else "")
            folded = {v.casefold(): v for v in possible}
            near = folded.get(value.casefold())
            hint = f"did you mean '{near}'?" if near else did_you_mean(value, possible)
            yield finding(
                "absent-value", f"no record has {reading} = '{value}', which {who} asks for", at,
                expected=shown, hint=hint or "map the CRM's own value to it, or drop it",
            )  # fmt: skip


def _by(reading: Reading) -> str:
    return f"{_dead(reading.readers)} where it is blank"


def _dead(readers: Sequence[str]) -> str:
    return f"{_said(readers)} {'is' if len(set(readers)) == 1 else 'are'} dead"


def _said(readers: Sequence[str]) -> str:
    names = list(dict.fromkeys(readers))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
