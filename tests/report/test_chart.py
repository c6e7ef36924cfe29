"""The picture of a buying group: everybody has one place, nobody covers anybody, managers stand above."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crmrules.report.chart import HEIGHT, MOST_PEOPLE, WIDTH, fit, lay_out

people = st.lists(st.integers(0, 60).map(str), unique=True, max_size=60)
managers = st.dictionaries(st.integers(0, 60).map(str), st.integers(0, 60).map(str), max_size=60)


@given(people, managers)
def test_cards_never_overlap_and_stay_inside(people: list[str], managers: dict[str, str]) -> None:
    layout = lay_out(people, managers)
    assert sorted(c.contact_id for c in layout.cards) == sorted(people[:MOST_PEOPLE])
    assert layout.left_out == max(len(people) - MOST_PEOPLE, 0)
    for i, a in enumerate(layout.cards):
        assert 0 <= a.x <= layout.width - WIDTH
        assert 0 <= a.y <= layout.height - HEIGHT
        for b in layout.cards[i + 1 :]:
            assert abs(a.x - b.x) >= WIDTH or abs(a.y - b.y) >= HEIGHT


@given(people, managers)
def test_reporting_lines_go_down_and_never_round(people: list[str], managers: dict[str, str]) -> None:
    layout = lay_out(people, managers)
    assert len(layout.lines) <= len(people)
    for line in layout.lines:
        start, end = line.path[1:].split("V")[0].split(" ")[1], line.path.rsplit("V", 1)[1]
        assert float(start) < float(end)


def test_a_circle_is_broken_at_one_place() -> None:
    layout = lay_out(["a", "b", "c"], {"a": "b", "b": "c", "c": "a"})
    assert len(layout.lines) == 2


def test_who_reports_to_nobody_we_know_stands_apart() -> None:
    layout = lay_out(["boss", "report", "loner"], {"report": "boss", "loner": "somebody else"})
    place = {c.contact_id: c for c in layout.cards}
    assert place["boss"].y < place["report"].y < place["loner"].y
    assert layout.loose_y is not None


def test_wide_characters_take_more_room() -> None:
    assert fit("abcdefgh", 100, 10) == "abcdefgh"
    assert fit("江州市第一人民医院心内科主任", 100, 10) == "江州市第一人民医院…"
