"""Templates: what they may say, what they may not, and that nobody's data can speak through them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmrules.contracts.renderer import Vocabulary
from crmrules.model.text import text
from crmrules.playbook.render import LONGEST_OUTPUT, LONGEST_TEMPLATE, RenderError, compile_template, compile_text

ROLES = {"zh": {"decision_maker": "决策者"}, "en": {"decision_maker": "Decision maker"}}


def render(template: str, language: str = "en", /, **row: Any) -> str:
    vocabulary = Vocabulary(language=language, labels={"role": ROLES[language]})
    return compile_template(template, vocabulary)(row)


def test_fields_of_the_record_and_of_the_records_that_it_refers_to_are_read_by_path() -> None:
    template = compile_template("{{ name }} at {{ account.name }}, {{ parameters.window }}", Vocabulary())
    assert template.paths == ("account.name", "name", "parameters.window")
    assert template({"name": "Li", "account.name": "Acme", "parameters": {"window": 90}}) == "Li at Acme, 90"


@pytest.mark.parametrize(
    ("template", "zh", "en"),
    [
        ("{{ amount | money('CNY') }}", "123.46万元", "CNY 1,234,568"),
        ("{{ amount | money }}", "123.46万", "1,234,568"),
        ("{{ share | percent }}", "26%", "26%"),
        ("{{ share | percent(1) }}", "25.6%", "25.6%"),
        ("{{ n | days }}", "1天", "1 day"),
        ("{{ role | label }}", "决策者", "Decision maker"),
        ("{{ people | join_names }}", "李、王、赵", "李, 王 and 赵"),
        ("{{ people | join_names(2) }}", "李、王等3个", "李, 王 and 1 more"),
        ("{{ yes }}", "是", "yes"),
        ("{{ day }}", "2026-11-21", "2026-11-21"),
        ("{{ third }}", "0.33", "0.33"),
        ("{{ nothing | default('-') }}", "-", "-"),
        ("{% if amount >= 1000 %}大{% elif amount > 10 %}中{% else %}小{% endif %}", "大", "大"),
        ("{{ 'x' if role in ['decision_maker'] else 'y' }}", "x", "x"),
    ],
)
def test_values_look_as_people_write_them(template: str, zh: str, en: str) -> None:
    row: dict[str, Any] = {
        "amount": Decimal("1234567.8"), "share": 0.256, "n": 1, "role": "decision_maker", "people": ["李", "王", "赵"],
        "yes": True, "day": date(2026, 11, 21), "third": 1 / 3, "nothing": None,
    }  # fmt: skip
    assert render(template, "zh", **row) == zh
    assert render(template, "en", **row) == en


@pytest.mark.parametrize("value", [None, float("nan")])
def test_a_missing_field_is_empty_and_holds_in_no_comparison(value: object) -> None:
    assert render("[{{ x }}{{ x | money }}{{ x | percent }}{{ x | days }}{{ x | label }}]", x=value) == "[]"
    assert render("{% if x > 1 or x < 1 or x == 1 %}yes{% else %}no{% endif %}", x=value) == "no"
    assert render("{{ x + 1 }}{{ 1 - x }}", x=value) == ""


@pytest.mark.parametrize(
    ("template", "complaint"),
    [
        ("{{ name.__class__.__mro__ }}", "underscore"),
        ("{{ _private }}", "underscore"),
        ("{{ ''.join }}", "not a field"),
        ("{{ name() }}", "a call"),
        ("{{ range(9) }}", "a call"),
        ("{{ name['x'] }}", r"\[...\]"),
        ("{% for a in name %}x{% endfor %}", "a loop"),
        ("{% include 'etc' %}", "include"),
        ("{% import 'os' as os %}", "import"),
        ("{% extends 'base' %}", "extends"),
        ("{% macro m() %}{% endmacro %}", "macro"),
        ("{% set x = 1 %}", "set"),
        ("{{ 'a' * 999999999 }}", r"\*"),
        ("{{ 10 ** 10 ** 10 }}", r"\*\*"),
        ("{{ '%999999999d' % 1 }}", "%"),
        ("{{ name | attr('x') }}", "unknown filter 'attr'"),
        ("{{ name | moeny }}", "unknown filter 'moeny'"),
        ("{{ name is callable }}", "unknown test 'callable'"),
        ("{{ name", "not a template"),
        ("{% if name %}", "not a template"),
        ("{{ " + "(" * 1900 + "1" + ")" * 1900 + " }}", "nested too deeply"),
        ("{% if x %}" * 150 + "{% endif %}" * 150, "nested too deeply"),
        ("{{ account }}{{ account.name }}", "value and as a record"),
        ("x" * (LONGEST_TEMPLATE + 1), "characters"),
    ],
)
def test_what_reaches_outside_the_row_is_refused_when_it_is_compiled(template: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        compile_template(template, Vocabulary())


def test_a_field_that_the_row_does_not_have_is_an_authoring_error_with_a_suggestion() -> None:
    known = Vocabulary(names=frozenset({"industry", "account.industry"}))
    with pytest.raises(ValueError, match=r"did you mean 'account\.industry'"):
        compile_template("{{ account.industri }}", known)


def test_adding_a_number_to_a_text_fails_on_that_row_only() -> None:
    template = compile_template("{{ x + 1 }}", Vocabulary())
    assert template({"x": 1}) == "2"
    with pytest.raises(RenderError, match="can't be filled"):
        template({"x": "a"})


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["{{ 7 * 7 }}", "{% for x in y %}", "{#", "{{ self }}", "\x1b[31m", "\u202egnp", "a\r\nb", "<b>", "[red]"]
    ),
)


@given(HOSTILE)
def test_customer_data_is_never_a_template_and_never_acts_on_a_terminal(value: str) -> None:
    said = render("<{{ name }}|{{ names | join_names }}|{{ name | upper }}>", name=value, names=[value])
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in said)
    assert "\u202e" not in said
    assert said.startswith("<")
    assert ("49" in said) == ("49" in value)


def test_braces_in_customer_data_are_shown_as_they_are() -> None:
    assert render("{{ name }}", name="{{ 7 * 7 }}{% if %}") == "{{ 7 * 7 }}{% if %}"


def test_the_text_of_one_field_and_of_all_is_bounded() -> None:
    assert len(render("{{ name }}", name="长" * 10_000)) == 300
    assert len(render("{{ name }}" * 300, name="长" * 10_000)) == LONGEST_OUTPUT


def test_a_text_is_compiled_in_every_language_that_is_asked_for() -> None:
    both = compile_text(
        text("{{ n | days }}前", "{{ n | days }} ago"), {"zh": Vocabulary(language="zh"), "en": Vocabulary()}
    )
    assert {language: template({"n": 30}) for language, template in both.items()} == {
        "zh": "30天前",
        "en": "30 days ago",
    }
