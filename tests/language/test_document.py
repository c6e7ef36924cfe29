"""YAML with places."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmrules.errors import RulesetError
from crmrules.language.document import parse, read


def test_every_node_and_key_knows_its_line_and_column() -> None:
    root = parse("first: 1\nsecond:\n  - {中文: [a, b]}\n", "f.yaml")
    assert str(root.where("second")) == "f.yaml:2:1"
    assert str(root.find(["second", 0, "中文", 1]).at) == "f.yaml:3:14"
    assert str(root.find(["second", 0]).where("中文")) == "f.yaml:3:6"


def test_a_path_that_ends_nowhere_gives_the_nearest_node_above() -> None:
    root = parse("a: {b: 1}\n", "f.yaml")
    assert root.find(["a", "c", "d"]) is root.find(["a"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("on", "on"), ("2025-06-30", "2025-06-30"), ("1.0.0", "1.0.0"), ("007", 7), ("-3", -3),
        ("1e3", 1000.0), (".5", 0.5), ("true", True), ("~", None), ("", None), ("'5'", "5"), ("?x", "?x"), ("12:30", "12:30"),
    ],
)  # fmt: skip
def test_plain_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    assert parse(f"a: {text}\n", "f").data == {"a": value}


def test_a_variable_may_stand_in_braces() -> None:
    assert parse("{by: ?a, whom: [?b, '?c'], text: \"what ?d\"}", "f").data == {
        "by": "?a", "whom": ["?b", "?c"], "text": "what ?d",
    }  # fmt: skip


def test_aliases_repeat_a_value() -> None:
    assert parse("a: &x {b: [1]}\nc: *x\n", "f").data == {"a": {"b": [1]}, "c": {"b": [1]}}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: &x [*x]", "yaml"), ("a: 9223372036854775808", "number"), ("a: .inf", "number"), ("a: 1e999", "number"),
        ("a: 1\n---\nb: 2", "yaml"), ("? [a]\n: 1", "yaml-key"), ("[" * 100, "too-large"), ("a: \x01", "yaml"),
    ],
)  # fmt: skip
def test_refuses_what_could_not_be_meant(text: str, code: str) -> None:
    with pytest.raises(RulesetError) as caught:
        parse(text, "f")
    assert [problem.code for problem in caught.value.problems] == [code]


def test_aliases_must_not_nest_without_end() -> None:
    levels = "".join(f"a{i}: &a{i} [[[[[[[[[[*a{i - 1}]]]]]]]]]]\n" for i in range(1, 30))
    with pytest.raises(RulesetError, match="too-large"):
        parse("a0: &a0 [1]\n" + levels, "f")


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(b"\xef\xbb\xbfname: x\n")
    assert read(file).data == {"name": "x"}


def test_a_missing_file_is_a_problem_not_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(RulesetError, match="can't be read"):
        read(tmp_path / "nowhere.yaml")


@given(st.text(max_size=60))
def test_any_text_parses_or_is_complained_about(text: str) -> None:
    with suppress(RulesetError):
        parse(text, "f")
