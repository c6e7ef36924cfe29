"""From our words to the CRM's, and back: where a change is written, and what stands there means."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from crmrules.contracts.connector import NativeWrite
from crmrules.language.mapping import FieldMap, Mapping_, ObjectMap
from crmrules.model.changes import Change, Target
from crmrules.model.objects import OBJECTS, FieldType

_COMMA_DECIMAL = "1.234,56"
_TRUE, _FALSE = frozenset({"true", "t", "yes", "y", "1"}), frozenset({"false", "f", "no", "n", "0"})


class Untranslatable(Exception):
    """The mapping has no place for a change; the text says why. A reason for one refused row, not an error of the run."""


class Translation:
    """A mapping, read in the direction of writing.

    Canonical values are text spelled as DuckDB spells the column's type (dates ISO, money with
    four places), which is how a plan has them.
    """

    def __init__(self, mapping: Mapping_) -> None:
        self._mapping = mapping

    def write(self, change: Change) -> NativeWrite:
        """Return the CRM's form of *change*; ``expected`` is still in our words. Raises Untranslatable."""
        target = change.target
        there = self._mapping.object(target.object)
        if there is None:
            raise Untranslatable(f"the mapping has no object '{target.object}'")
        name, value = target.name, change.new
        if target.kind == "field":
            field = there.field(target.name)
            if field is None:
                raise Untranslatable(f"the mapping has no field '{target.object}.{target.name}'")
            name, value = field.native, _native(field, change.new)
            if _canonical(field, value) != (change.new if change.new is not None else field.default):
                raise Untranslatable(f"no value of '{field.native}' is read as '{change.new}'")
        return NativeWrite(
            object=there.native, record_id=_key(there, target), kind=target.kind, name=name, value=value,
            expected=change.old,
        )  # fmt: skip

    def value(self, target: Target, native: str | None) -> str | None:
        """Return what the CRM's *native* text at *target* means."""
        if target.kind == "tag":
            return native
        if target.kind == "note":
            return native or None
        there = self._mapping.object(target.object)
        field = there.field(target.name) if there else None
        return _canonical(field, native) if field else native


def _key(there: ObjectMap, target: Target) -> dict[str, str]:
    columns = OBJECTS[target.object].key
    values = target.record_id.split("|") if len(columns) > 1 else [target.record_id]
    if len(values) != len(columns):
        raise Untranslatable(f"'{target.record_id}' is no key of {target.object} ({'|'.join(columns)})")
    natives = [there.field(column) for column in columns]
    return {f.native if f else c: v for f, c, v in zip(natives, columns, values, strict=True)}


def _native(field: FieldMap, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        return _spelled_there(field, value)
    except (ValueError, InvalidOperation):
        raise Untranslatable(f"'{value}' is no {field.field.type} for '{field.native}'") from None


def _spelled_there(field: FieldMap, value: str) -> str | None:
    said = field.to_native(value)
    if said is None or said != value:
        return said
    type = field.field.type
    if type.is_numeric:
        plain = _plain(value)
        return plain.replace(".", ",") if field.format == _COMMA_DECIMAL else plain
    if type is FieldType.date:
        day = date.fromisoformat(value)
        return day.strftime(field.format) if field.format else day.isoformat()
    return value


def _plain(number: str) -> str:
    """``12.0000`` is 12: zeros at the end say nothing and would look new in the CRM."""
    found = Decimal(number)
    if not found.is_finite():
        raise ValueError(number)
    return f"{found.normalize():f}"


def _canonical(field: FieldMap, native: str | None) -> str | None:
    text = field.to_canonical(native)
    if text is None:
        return field.default
    try:
        return _spelled(field, text.strip())
    except (ValueError, InvalidOperation):
        return text  # a person's; whatever it is, it is not ours


def _spelled(field: FieldMap, text: str) -> str:
    type = field.field.type
    if type.is_numeric:
        plain = text.replace(".", "").replace(",", ".") if field.format == _COMMA_DECIMAL else text.replace(",", "")
        number = Decimal(plain)
        if type is FieldType.money:
            return str(number.quantize(Decimal("0.0001")))
        return str(int(number)) if type is FieldType.integer and number == int(number) else repr(float(number))
    if type is FieldType.date:
        return (datetime.strptime(text, field.format).date() if field.format else date.fromisoformat(text)).isoformat()
    if type is FieldType.boolean and text.lower() in _TRUE | _FALSE:
        return "true" if text.lower() in _TRUE else "false"
    return text
