"""What a text in a CRM means as a date, a number, a yes: all of it or a complaint, never a guess."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmrules.model.objects import FieldType
from crmrules.stores.schema import cast, quote, text_literal

CON = duckdb.connect()
CON.execute("SET TimeZone = 'UTC'")


def meaning(type: FieldType, text: str, timezone: str = "Asia/Shanghai") -> object:
    return CON.execute(f"SELECT {cast(type, 'x', timezone)} FROM (SELECT ?::VARCHAR AS x)", [text]).fetchall()[0][0]


@pytest.mark.parametrize(
    ("type", "text", "value"),
    [
        ("date", "2025-03-05", date(2025, 3, 5)),
        ("date", " 2025/3/5 ", date(2025, 3, 5)),
        ("date", "2025-03-05 23:00:00", date(2025, 3, 5)),
        ("date", "2025-03-05T23:00:00Z", date(2025, 3, 6)),  # in Shanghai it is the sixth
        ("date", "2025-02-30", None),
        ("date", "05.03.2025", None),
        ("date", "45000", None),
        ("date", "infinity", None),
        ("date", "20250305", None),
        ("timestamp", "2025-03-05 10:00", datetime(2025, 3, 5, 2)),
        ("timestamp", "2025-03-05", datetime(2025, 3, 4, 16)),
        ("timestamp", "2025-03-05T10:00:00Z", datetime(2025, 3, 5, 10)),
        ("timestamp", "2025-03-05T10:00:00+0200", datetime(2025, 3, 5, 8)),
        ("timestamp", "2025-03-05T10:00:00.250-05:00", datetime(2025, 3, 5, 15, 0, 0, 250000)),
        ("timestamp", "25:00", None),
        ("integer", "12", 12),
        ("integer", "12.0", 12),
        ("integer", "1e3", 1000),
        ("integer", "12.5", None),
        ("integer", "1,000", None),
        ("integer", "99999999999999999999", None),
        ("number", "0.35", 0.35),
        ("number", "nan", None),
        ("number", "inf", None),
        ("number", "35%", None),
        ("money", "1234.50", Decimal("1234.5000")),
        ("money", "¥12", None),
        ("money", "1e20", None),
        ("boolean", "是", True),
        ("boolean", "Yes", True),
        ("boolean", "0", False),
        ("boolean", "maybe", None),
        ("list", "a; b、c", ["a", "b", "c"]),
        ("list", '["a, b", "c"]', ["a, b", "c"]),
    ],
)
def test_a_text_means(type: str, text: str, value: object) -> None:
    assert meaning(FieldType(type), text) == value


@pytest.mark.parametrize("type", list(FieldType))
@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_no_text_breaks_a_cast(type: FieldType, text: str) -> None:
    meaning(type, text)


@given(value=st.decimals(min_value=-(10**12), max_value=10**12, places=4))
def test_money_is_exact(value: Decimal) -> None:
    assert meaning(FieldType.money, f"{value:f}") == value


@given(text=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1))
def test_names_and_texts_are_quoted_safely(text: str) -> None:
    [(found,)] = CON.execute(f"SELECT {quote(text)} FROM (SELECT {text_literal(text)} AS {quote(text)})").fetchall()
    assert found == text
