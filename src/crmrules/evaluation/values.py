"""What a value means, alike in SQL and in Python: which are missing, which numbers are exact.

Two engines evaluate the same trees, so every choice between them is made here once.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

from crmrules.language.conditions import Choice

# Results of arithmetic on doubles are rounded to this many decimals, so that 19.99 - 5.00 equals
# 14.99 in a threshold and a sum does not depend on the order of its rows.
DECIMALS = 9

_INT64 = 1 << 63
_EXACT_DIGITS = 28  # what still compares exactly with a BIGINT and a DECIMAL(18,4) in DuckDB

Canonical = bool | int | float | Decimal | str | date | None


def canonical(value: object) -> Canonical:
    """Return *value* as both engines see it: NaN and infinities are missing, numbers that DuckDB can't
    hold exactly are doubles, timestamps are UTC without a zone.

    Raises TypeError for anything that is not a scalar.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if -_INT64 <= value < _INT64 else _finite(float(value))
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, Decimal):
        return _decimal(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, date):
        return value
    raise TypeError(f"not a scalar: {value!r}")


def alike(values: tuple[object, ...]) -> tuple[Canonical, ...]:
    """Return *values* canonical, and all numbers doubles where one of them is: SQL gives a list one type."""
    found = tuple(map(canonical, values))
    if any(isinstance(v, float) for v in found):
        return tuple(float(v) if is_number(v) else v for v in found)  # type: ignore[arg-type]
    return found


def choices(choice: Choice) -> tuple[tuple[tuple[str, Canonical], ...], Canonical]:
    """Return the cases and the default of *choice*, of one type."""
    *cases, default = alike((*choice.cases.values(), choice.default))
    return tuple(zip(choice.cases, cases, strict=True)), default


def is_number(value: object) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def is_day(value: object) -> bool:
    """Whether *value* is a calendar day; a timestamp is compared with it by its own day."""
    return isinstance(value, date) and not isinstance(value, datetime)


def days_before(as_of: date, days: object) -> date:
    """Return the day *days* before *as_of*; what lies before the first year is its first day."""
    return date.fromordinal(min(max(as_of.toordinal() - int(days), 1), date.max.toordinal()))  # type: ignore[call-overload]


def round_half_away(value: float, digits: int = 0) -> float:
    """Round as DuckDB does: scaled, halves away from zero; *value* itself where scaling overflows."""
    if not digits:
        return _round(value)
    scale = 10.0 ** abs(digits)
    rounded = _round(value * scale) / scale if digits > 0 else _round(value / scale) * scale
    return rounded if math.isfinite(rounded) else value


def _round(value: float) -> float:
    if not math.isfinite(value):
        return value
    whole = math.trunc(value)
    return float(whole + int(math.copysign(1, value))) if abs(value - whole) >= 0.5 else float(whole)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _decimal(value: Decimal) -> Decimal | float | None:
    if not value.is_finite():
        return None
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    if exponent > 0 or -exponent > DECIMALS or max(len(digits), -exponent) > _EXACT_DIGITS:
        return _finite(float(value))
    return value
