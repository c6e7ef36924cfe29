"""How values look in a sentence: numbers, money, days, labels, lists of names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from jinja2 import ChainableUndefined

from crmrules.contracts.renderer import Vocabulary
from crmrules.model.text import clean

LONGEST_VALUE = 300  # characters of one field in a sentence
_YES_NO = {"zh": ("是", "否"), "en": ("yes", "no")}


class Missing(ChainableUndefined):
    """A missing field: empty in text, false in conditions, equal to nothing, ordered nowhere."""

    def _false(self, other: Any) -> Any:
        return False

    def _itself(self, *other: Any) -> Any:
        return self

    __lt__ = __le__ = __gt__ = __ge__ = _false
    __add__ = __radd__ = __sub__ = __rsub__ = __neg__ = __pos__ = _itself


def shown(value: Any, language: str) -> str:
    """Return *value* as a sentence shows it: no control characters, no float noise, '' for missing."""
    match value:
        case None | ChainableUndefined():
            return ""
        case bool():
            return _YES_NO.get(language, _YES_NO["en"])[not value]
        case int():
            return str(value)
        case float() | Decimal():
            return number(value)
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M")
        case date():
            return value.isoformat()
        case list() | tuple() | set() | frozenset():
            return join_names(value, language)
    text = clean(str(value))
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def number(value: Any, digits: int = 2) -> str:
    """Return a number with at most *digits* (0..6) decimals, rounded half up, grouped in thousands."""
    exact = _decimal(value)
    if exact is None:
        return ""
    places = min(max(int(digits), 0), 6)
    text = f"{exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def money(value: Any, currency: str = "", *, language: str) -> str:
    """Return an amount as people say it: ``123.5万元`` and ``CNY 1,235,000``."""
    exact = _decimal(value)
    if exact is None:
        return ""
    if language != "zh":
        return f"{currency} {number(exact, 0)}".strip()
    unit = "元" if currency == "CNY" else f" {currency}" if currency else ""
    for least, word in ((Decimal(10**8), "亿"), (Decimal(10**4), "万")):
        if abs(exact) >= least:
            return f"{number(exact / least, 2)}{word}{unit}"
    return f"{number(exact, 2)}{unit}"


def percent(value: Any, digits: int = 0) -> str:
    """Return a share (0..1) as a percentage."""
    exact = _decimal(value)
    return "" if exact is None else f"{number(exact * 100, digits)}%"


def days(value: Any, *, language: str) -> str:
    """Return a number of days with its unit."""
    exact = _decimal(value)
    if exact is None:
        return ""
    count = number(exact, 0)
    return f"{count}天" if language == "zh" else f"{count} day" if count == "1" else f"{count} days"


def join_names(values: Any, language: str, most: int = 5) -> str:
    """Return up to *most* items as a sentence lists them: ``甲、乙等7人``, ``A, B and 5 more``."""
    items = [values] if isinstance(values, str) or not isinstance(values, Iterable) else values
    names = [name for name in (shown(item, language) for item in items) if name]
    kept, more = names[:most], len(names) - most
    if language == "zh":
        return "、".join(kept) + (f"等{len(names)}个" if more > 0 else "")
    if more > 0:
        return f"{', '.join(kept)} and {more} more"
    return " and ".join(filter(None, (", ".join(kept[:-1]), *kept[-1:])))


def label(value: Any, path: str = "", *, labels: Mapping[str, Mapping[str, str]], language: str) -> str:
    """Return the label of a value of the field *path*; the value itself where it has none."""
    if isinstance(value, (list, tuple)):
        return join_names([label(item, path, labels=labels, language=language) for item in value], language)
    known = labels.get(path) or labels.get(path.rpartition(".")[2]) or {}
    return shown(known.get(str(value), value), language)


def filters(vocabulary: Vocabulary) -> dict[str, Callable[..., Any]]:
    """Return every filter that a template may use, bound to its language and labels."""
    language = vocabulary.language

    def say(value: Any) -> str:
        return shown(value, language)

    return {
        "number": number,
        "percent": percent,
        "money": lambda value, currency="": money(value, say(currency), language=language),
        "days": lambda value: days(value, language=language),
        "join_names": lambda value, most=5: join_names(value, language, int(most)),
        "label": lambda value, path="": label(value, path, labels=vocabulary.labels, language=language),
        "default": lambda value, other="": value if say(value) else other,
        "length": lambda value: len(value) if isinstance(value, (str, list, tuple)) else 0,
        "first": lambda value: next(iter(value), None) if isinstance(value, (list, tuple)) else value,
        "upper": lambda value: say(value).upper(),
        "lower": lambda value: say(value).lower(),
    }


def _decimal(value: Any) -> Decimal | None:
    if value is None or isinstance(value, (bool, ChainableUndefined)):
        return None
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return None
    return exact if exact.is_finite() and abs(exact) < 10**20 else None
