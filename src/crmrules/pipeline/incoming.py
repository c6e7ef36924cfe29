"""From a CRM's words to ours, a column at a time: SQL that the snapshot's intake runs over each page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from crmrules.language.mapping import FieldMap, Mapping_, ObjectMap
from crmrules.model.objects import FieldType
from crmrules.stores.schema import cast, quote, text_literal
from crmrules.stores.stage import Column

if TYPE_CHECKING:
    import pyarrow as pa

_BLANKS = " \t\r\n\u00a0\u3000"  # what a cell that looks empty may hold
_EXPECTED: Mapping[FieldType, str] = {
    FieldType.text: "text",
    FieldType.integer: "a whole number such as 12",
    FieldType.number: "a number such as 0.35",
    FieldType.money: "an amount such as 1234.50, without separators or signs of a currency",
    FieldType.boolean: "true or false (yes or no, 1 or 0, 是 or 否)",
    FieldType.date: "a date such as 2025-03-31",
    FieldType.timestamp: "a time such as 2025-03-31 09:30:00",
    FieldType.list: "a list such as a; b",
}


def native_fields(object: ObjectMap) -> tuple[str, ...]:
    """Return the native names that must be read for *object*, each once."""
    return tuple(dict.fromkeys(f.native for f in object.fields if f.native))


def columns(object: ObjectMap, mapping: Mapping_, page: pa.Schema, *, present: bool = False) -> tuple[Column, ...]:
    """Return how each mapped canonical column comes out of a *page* with that schema.

    With *present* only those whose native field the page has: a page of keys.
    """
    return tuple(
        _column(object, field, mapping, page)
        for field in object.fields
        if not present or page.get_field_index(field.native) >= 0
    )


def _column(object: ObjectMap, field: FieldMap, mapping: Mapping_, page: pa.Schema) -> Column:
    import pyarrow.types as types

    name, type = field.field.name, field.field.type
    index = page.get_field_index(field.native)
    stands = page.field(index).type if index >= 0 else None
    native = quote(field.native) if stands is not None else "CAST(NULL AS VARCHAR)"
    zone = text_literal(mapping.timezone)
    if stands is not None and types.is_timestamp(stands) and type.is_temporal:
        instant = native if stands.tz else f"timezone({zone}, {native})"
        if type is FieldType.timestamp:
            return _same(name, f"timezone('UTC', {instant})")
        return _same(name, f"CAST(timezone({zone}, {instant}) AS DATE)")
    if stands is not None and types.is_list(stands) and type is FieldType.list:
        return _same(name, f"CAST({native} AS VARCHAR[])")
    text = native if stands is not None and types.is_string(stands) else f"CAST({native} AS VARCHAR)"
    # Trimming by a set of characters is slow; only a text that starts with one of them can be blank.
    blank = f"ord({text}) IN ({', '.join(str(ord(c)) for c in _BLANKS)}) AND trim({text}, {text_literal(_BLANKS)}) = ''"
    raw = f"CASE WHEN {text} = '' OR ({blank}) THEN NULL ELSE {text} END"
    values = dict(field.values)
    if object.object in ("tag", "note") and name == "object":
        # A tag says on which object it hangs, in the CRM's words.
        values = {**{o.native: o.object for o in mapping.sources}, **values}
    if values:
        cases = " ".join(f"WHEN {text_literal(n)} THEN {_literal(c)}" for n, c in values.items())
        raw = f"CASE {raw} {cases} ELSE {raw} END"
    if field.default is not None:
        raw = f"coalesce({raw}, {text_literal(field.default)})"
    value = _formatted(type, raw, field.format, mapping.timezone) if field.format else None
    expected = f"a value of the form {field.format}" if value else _EXPECTED[type]
    return Column(name=name, raw=raw, value=value or cast(type, raw, mapping.timezone), expected=expected)


def _same(name: str, value: str) -> Column:
    return Column(name=name, raw=value, value=value)


def _literal(value: str | None) -> str:
    return "NULL" if value is None else text_literal(value)


def _formatted(type: FieldType, raw: str, format: str, timezone: str) -> str | None:
    trimmed = f"trim({raw})"
    if type.is_temporal:
        parsed = f"try_strptime({trimmed}, {text_literal(format)})"
        if type is FieldType.date:
            return f"CAST({parsed} AS DATE)"
        return f"timezone('UTC', timezone({text_literal(timezone)}, CAST({parsed} AS TIMESTAMP)))"
    if type.is_numeric:
        group, point = (",", ".") if format == "1,234.56" else (".", ",")
        shape = f"^[+-]?([0-9]{{1,3}}([{group}][0-9]{{3}})+|[0-9]+)([{point}][0-9]+)?$"
        plain = f"replace(replace({trimmed}, {text_literal(group)}, ''), {text_literal(point)}, '.')"
        return cast(type, f"CASE WHEN regexp_matches({trimmed}, {text_literal(shape)}) THEN {plain} END", timezone)
    if type is FieldType.list:
        return f"[trim(x) FOR x IN string_split({trimmed}, {text_literal(format)})]"
    return None
