"""Values both ways: milliseconds and days of China, lists, choices, and what a field does not hold."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmrules_fxiaoke.describe import FieldInfo
from crmrules_fxiaoke.tags import is_of, names_in, value_of, with_tag
from crmrules_fxiaoke.values import Unfit, column, instant, ms, native_of, text_of

CHINA = ZoneInfo("Asia/Shanghai")
LINES = FieldInfo(name="t", kind="long_text", labels={}, length=50)
CHOICES = FieldInfo(name="t", kind="select_many", labels={"o1": "seg.value=high", "o2": "VIP"})
tags = st.lists(
    st.sampled_from(["VIP", "重点", "seg.value=high", "seg.value=low", "flag=a", "flag=b", "seg"]), unique=True
)


@given(st.dates(min_value=date(1995, 1, 1), max_value=date(2100, 1, 1)))
def test_a_day_is_midnight_in_china(day: date) -> None:
    sent = native_of("date", day.isoformat(), CHINA)
    assert text_of("date", sent, CHINA) == day.isoformat()
    assert datetime.fromtimestamp(sent / 1000, CHINA).isoformat().startswith(f"{day}T00:00:00")


@given(st.datetimes(min_value=datetime(1995, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_time_keeps_its_milliseconds(time: datetime) -> None:
    told = time.replace(microsecond=time.microsecond // 1000 * 1000)
    assert instant(ms(time)) == told
    assert native_of("date_time", told.isoformat(), CHINA) == ms(time)


@pytest.mark.parametrize(
    ("type", "text", "sent"),
    [
        ("text", "=1+1", "=1+1"), ("number", "12", "12"), ("currency", "0.01", "0.01"), ("true_or_false", "true", True),
        ("select_many", "a; b", ["a", "b"]), ("employee", "1000", ["1000"]), ("object_reference", "5f", "5f"),
        ("text", None, None), ("select_many", None, []),
    ],
)  # fmt: skip
def test_what_is_sent(type: str, text: str | None, sent: object) -> None:
    assert native_of(type, text, CHINA) == sent
    assert native_of(type, text, CHINA, "text") == ("" if sent is None else sent)


@pytest.mark.parametrize(("type", "text"), [("number", "many"), ("date", "31.12.2026"), ("true_or_false", "perhaps")])
def test_what_no_such_field_holds(type: str, text: str) -> None:
    with pytest.raises(Unfit, match=text):
        native_of(type, text, CHINA)


def test_columns_of_odd_values() -> None:
    odd = [None, "", [], "x", 5, True, ["a", "b"], {"id": "1", "name": "n"}]
    assert column("text", odd, CHINA).to_pylist() == [None, None, None, "x", "5", "true", "a; b", "n"]
    assert column("date", ["nonsense", 0], CHINA).to_pylist() == ["nonsense", "1970-01-01"]
    assert column("date_time", [None, "nonsense", 10**20], CHINA).to_pylist() == [None, None, None]
    assert column("select_many", [None, "one", ["a", 2]], CHINA).to_pylist() == [[], ["one"], ["a", "2"]]


@given(names=tags, name=st.sampled_from(["seg.value", "flag=a", "seg"]), value=st.sampled_from([None, "high", ""]))
def test_a_tag_is_set_beside_others(names: list[str], name: str, value: str | None) -> None:
    if "=" in name and value:
        return  # a whole tag has no value
    after = with_tag(names, name, value)
    assert [t for t in after if not is_of(t, name)] == [t for t in names if not is_of(t, name)]
    wanted = [] if value is None else [f"{name}={value}" if value else name]
    assert [t for t in after if is_of(t, name)] == wanted


def test_tags_of_a_text_and_of_a_multi_select() -> None:
    assert names_in(LINES, "VIP\r\n重点; a=b；c\n\n") == ["VIP", "重点", "a=b", "c"]
    assert value_of(LINES, ["VIP", "重点"]) == "VIP\n重点"
    assert names_in(CHOICES, ["o1", "o9"]) == ["seg.value=high", "o9"]
    assert value_of(CHOICES, ["seg.value=high", "VIP"]) == ["o1", "o2"]
    for field, names in ((LINES, ["a;b"]), (LINES, ["x" * 51]), (CHOICES, ["seg.value=low"])):
        with pytest.raises(Unfit):
            value_of(field, names)
