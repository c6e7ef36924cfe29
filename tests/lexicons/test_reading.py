"""What a text says under a lexicon: level, functions, modifiers."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmrules.evaluation.lexicons import apply_lexicons, read_texts
from crmrules.evaluation.normalise import normalise, normalise_all
from crmrules.language.ruleset import Lexicon, LexiconBlock, Modifier, Pattern, Ruleset
from crmrules.model.text import Text

LEVELS = {
    "L1": ["总经理", "院长", "ceo", "president"],
    "L2": ["总监", "总工程师", "vice president", "副总"],
    "L3": ["部经理", "主任", "director"],
    "L4": ["经理", "主管", "manager"],
    "L5": ["工程师", "采购员", "clerk"],
}
FUNCTIONS = {"procurement": ["采购", "r:procure"], "engineering": ["研发", "r&d"], "finance": ["财务"], "it": ["it"]}


def pattern(prefix: str, number: int, text: str, **gives: str) -> Pattern:
    literal = not text.startswith("r:")
    return Pattern(id=f"{prefix}.{number}", pattern=text.removeprefix("r:"), literal=literal, gives=gives)


def block(name: str, values: dict[str, list[str]]) -> LexiconBlock:
    patterns = tuple(
        pattern(value, number, text, **{name: value})
        for value, texts in values.items()
        for number, text in enumerate(texts)
    )
    return LexiconBlock(name=name, gives=name, patterns=patterns)


TITLES = Lexicon(
    name="title",
    of="contact",
    field="title",
    prefix="title",
    fallback_field="department",
    split=("、", "/", "&", " and "),
    levels=("L1", "L2", "L3", "L4", "L5", "LX", "LR"),
    modifiers=(
        Modifier(id="deputy", patterns=("副", r"\bvice\b"), shift=1, except_=("vice president",)),
        Modifier(id="former", patterns=("^原", "退休"), except_=("原材料",)),
    ),
    blocks=(
        LexiconBlock(
            name="exceptions",
            gives="",
            exception=True,
            patterns=(
                pattern("x", 0, "r:secretary to .*|秘书", level="LX", function="gatekeeping"),
                pattern("x", 1, "董事会秘书", level="L2", function="governance"),
                pattern("x", 2, "r:副?主任医师", level="LR", function="clinical"),
                pattern("x", 3, "项目经理", level="L4"),
                pattern("x", 4, "r:护士长", level="L4", function="nursing"),
            ),
        ),
        block("level", LEVELS),
        block("function", FUNCTIONS),
    ),
)


def read(title: str) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
    (found,) = read_texts(TITLES, [title])
    return found.level, found.functions, found.modifiers


@pytest.mark.parametrize(
    ("title", "level", "functions"),
    [
        ("总经理", "L1", ()),
        ("研发总工程师", "L2", ("engineering",)),  # 工程师 inside 总工程师 does not count
        ("采购部经理", "L3", ("procurement",)),
        ("Vice President of IT", "L2", ("it",)),  # president inside vice president does not count
        ("Procurement Clerk, Site Manager", "L4", ("procurement",)),  # side by side the more senior one counts
        ("IT採購經理", "L4", ("procurement", "it")),  # in the lexicon's order; Latin word beside Chinese
        ("Transition Manager", "L4", ()),  # 'it' does not stand inside a word
        ("Presidente", None, ()),
    ],
)
def test_inside_one_part_longer_matches_hide_what_they_hold_and_the_most_senior_counts(
    title: str, level: str | None, functions: tuple[str, ...]
) -> None:
    assert read(title)[:2] == (level, functions)


def test_an_exception_decides_alone_and_the_longest_exception_wins() -> None:
    assert read("总经理秘书") == ("LX", ("gatekeeping",), ())
    assert read("董事会秘书") == ("L2", ("governance",), ())


def test_what_an_exception_does_not_give_is_left_to_the_blocks() -> None:
    assert read("研发项目经理")[:2] == ("L4", ("engineering",))


def test_compounds_take_the_most_senior_level_and_all_functions() -> None:
    assert read("主任医师、研发部经理、院长")[:2] == ("L1", ("engineering", "clinical"))
    assert read("CEO/财务总监")[:2] == ("L1", ("finance",))


def test_a_separator_inside_a_match_does_not_split() -> None:
    assert read("R&D Director")[:2] == ("L3", ("engineering",))
    assert read("Secretary to the CEO and President") == ("LX", ("gatekeeping",), ())


def test_a_deputy_is_one_level_lower_unless_the_pattern_has_said_so() -> None:
    assert read("副总经理") == ("L2", (), ("deputy",))
    assert read("副院长、主管")[0] == "L2"
    assert read("副总")[0] == "L2"
    assert read("Vice President")[0::2] == ("L2", ())


def test_a_shift_ends_at_the_last_level_of_the_blocks_and_leaves_other_levels_alone() -> None:
    assert read("副工程师")[0] == "L5"
    assert read("副主任医师")[0::2] == ("LR", ("deputy",))
    assert read("副护士长")[0] == "L5"  # the level of an exception moves when the blocks know it too


def test_modifiers_count_only_outside_their_exceptions() -> None:
    assert read("原采购部经理")[2] == ("former",)
    assert read("原材料采购员")[2] == ()
    assert read("院长(已退休)") == ("L1", (), ("former",))


@pytest.mark.parametrize("title", ["總經理", "总经理", " 总经理\t", "\u3000總經理"])
def test_spelling_does_not_matter(title: str) -> None:
    assert read(title)[0] == "L1"


def test_full_width_and_case_do_not_matter() -> None:
    assert read("ＩＴ　ＤＩＲＥＣＴＯＲ") == read("it director") == ("L3", ("it",), ())


@given(st.lists(st.text(), max_size=8))
def test_normalising_many_is_normalising_each(texts: list[str]) -> None:
    assert normalise_all(texts) == [normalise(text) for text in texts]


@given(
    st.lists(st.sampled_from(["副", "总经理", "秘书", "、", "采购", "部经理", " and ", "CEO", "主任", "原", "医师"]))
)
def test_any_title_is_read_without_error_and_levels_are_known(words: list[str]) -> None:
    level, functions, modifiers = read("".join(words))
    assert level is None or level in TITLES.levels
    assert len(set(functions)) == len(functions)
    assert len(set(modifiers)) == len(modifiers)


def test_the_tables_have_a_row_per_distinct_source_and_count_what_is_unknown() -> None:
    con = duckdb.connect()
    con.execute("ATTACH ':memory:' AS snapshot")
    con.execute(
        "CREATE TABLE snapshot.contact AS SELECT * FROM (VALUES "
        "('1', '经理', '采购部'), ('2', '经理', '采购部'), ('3', '采购员', '财务部'), ('4', NULL, '研发中心'), "
        "('5', '吉祥物', NULL), ('6', '吉祥物', '财务部'), ('7', NULL, NULL), ('8', ' ', NULL)) t(id, title, department)"
    )
    ruleset = Ruleset(
        name="t", version="1", label=Text(), languages=("zh",), folder="", extends=(), lexicons={"title": TITLES}
    )
    apply_lexicons(con, ruleset)
    apply_lexicons(con, ruleset)  # again: replaced, not piled up
    rows = con.execute(
        "SELECT c.id, title_level, title_function, title_functions, title_matched FROM snapshot.contact c "
        "JOIN lexicon_title l ON l.title IS NOT DISTINCT FROM c.title AND l.department IS NOT DISTINCT FROM c.department "
        "ORDER BY c.id"
    ).fetchall()
    assert rows == [
        ("1", "L4", "procurement", ["procurement"], True),  # the department fills the missing function
        ("2", "L4", "procurement", ["procurement"], True),
        ("3", "L5", "procurement", ["procurement"], True),  # the title beats the department
        ("4", None, "engineering", ["engineering"], False),
        ("5", None, None, [], False),
        ("6", None, "finance", ["finance"], False),
        ("7", None, None, [], False),
        ("8", None, None, [], False),
    ]
    assert con.execute("SELECT * FROM unmatched").fetchall() == [("title", "吉祥物", 2)]
