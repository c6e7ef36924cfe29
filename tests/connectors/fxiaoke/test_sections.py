"""Notes in a long text: ours are told by their heading, everybody else's words stay as they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crmrules.model.changes import AUTHOR
from crmrules_fxiaoke.sections import as_title, body_of, parse, replaced, written

lines = st.lists(
    st.sampled_from(["a", "", " b", "【x】", "【crmrules|y】", " 【x】", "  【", "】", "中 😀", "\u202e", "|"]),
    max_size=6,
)
bodies = lines.map("\n".join).filter(lambda b: b == b.rstrip("\n"))
titles = st.sampled_from(["客户策略", "x", "y", "a|b", "[z]"])


@given(before=lines.map("\n".join), title=titles, body=bodies)
def test_what_is_written_is_read(before: str, title: str, body: str) -> None:
    assert body_of(parse(replaced(before, title, body)), title) == body


@given(before=lines.map("\n".join), title=titles, body=bodies, other=bodies)
def test_nobody_elses_note_is_touched(before: str, title: str, body: str, other: str) -> None:
    def others(text: str) -> list[tuple[str, str, str]]:
        found = parse(text)
        ours = next((s for s in found if s.title == title and s.author == AUTHOR), None)
        mine = ours or next((s for s in found if s.title == title), None)
        return [(s.title, s.author, s.body) for s in found if s is not mine]

    kept = others(before)
    text = replaced(before, title, body)
    assert others(text) == kept
    assert others(replaced(text, title, other)) == kept
    gone = replaced(text, title, None)
    assert [(s.title, s.author, s.body) for s in parse(gone)] == kept


@given(title=titles, body=bodies)
def test_an_empty_text_is_empty_again(title: str, body: str) -> None:
    assert replaced(replaced("", title, body), title, None) == ""


def test_a_note_as_people_see_it() -> None:
    text = replaced("院方想先试用\n\n【拜访纪要】\n下周再来", "客户策略", "【不是标题】\n先谈价值")
    assert text == "院方想先试用\n\n【拜访纪要】\n下周再来\n\n【crmrules|客户策略】\n 【不是标题】\n先谈价值"
    assert [(s.title, s.author, s.body) for s in parse(text)] == [
        ("", "", "院方想先试用"), ("拜访纪要", "", "下周再来"), ("客户策略", AUTHOR, "【不是标题】\n先谈价值"),
    ]  # fmt: skip


def test_ours_comes_before_anybodys_and_line_ends_may_have_been_changed() -> None:
    text = "【t】\ntheirs\n\n" + written("t", "ours\nmore")
    assert body_of(parse(text.replace("\n", "\r\n")), "t") == "ours\nmore"
    assert body_of(parse("【t】\ntheirs"), "t") == "theirs"
    assert body_of(parse(None), "t") is None


def test_a_title_with_brackets_is_found_again() -> None:
    assert as_title("【a】") == "[a]"
    assert body_of(parse(replaced("", "【a】", "b")), "【a】") == "b"
