"""How full the CRM's fields are, and how their numbers and days are spelled: a sample of records, by column."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crmrules.contracts.connector import Connector, NativeObject, ReadRequest

SAMPLE = 200  # records: one page of most CRMs
_GROUPED = {
    "1,234.56": re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d{1,3})(\.\d+)?"),
    "1.234,56": re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d{1,3})(,\d+)?"),
}
_DAYS = ("%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y年%m月%d日")


@dataclass(frozen=True, kw_only=True)
class Fill:
    """How many of a sample's records have something in a field."""

    filled: int
    of: int
    format: str = ""  # a mapping's `format` that every value of the sample fits, where the plain reading does not

    @property
    def share(self) -> float | None:
        """0..1; None where there are no records."""
        return self.filled / self.of if self.of else None


def fills(
    connector: Connector, object: NativeObject, fields: Iterable[str], key: tuple[str, ...], most: int = SAMPLE
) -> Mapping[str, Fill]:
    """Return the fill of *fields* in the first *most* records of *object*. Raises ConnectorError."""
    wanted = tuple(dict.fromkeys((*key, *fields)))
    values: dict[str, list[Any]] = {name: [] for name in wanted}
    seen = 0
    for page in connector.read(ReadRequest(object=object.name, fields=wanted, key=key, most=most)):
        if page.object not in ("", object.name):
            continue
        rows = page.rows.slice(0, most - seen)
        for name in wanted:
            values[name] += [value for value in rows.column(name).to_pylist() if value not in (None, "", [])]
        seen += rows.num_rows
        if seen >= most:
            break
    return {name: Fill(filled=len(found), of=seen, format=_format(found)) for name, found in values.items()}


def _format(values: Sequence[Any]) -> str:
    texts = [value.strip() for value in values if isinstance(value, str)]
    if not texts or len(texts) < len(values):
        return ""
    for format, shape in _GROUPED.items():
        group = format[1]
        # 1.234 alone is a number as it stands; two groups, or a decimal comma, are not.
        sure = group == "," or any(text.count(".") > 1 or "," in text for text in texts)
        if sure and any(group in text for text in texts) and all(shape.fullmatch(text) for text in texts):
            return format
    return next((format for format in _DAYS if all(_is_day(text, format) for text in texts)), "")


def _is_day(text: str, format: str) -> bool:
    try:
        datetime.strptime(text, format)
    except ValueError:
        return False
    return True
