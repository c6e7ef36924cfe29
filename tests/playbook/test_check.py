"""Every template of a ruleset is checked before a customer meets it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crmrules.errors import Location
from crmrules.language.conditions import ALWAYS
from crmrules.language.ruleset import Dimension, Flag, Guard, Parameter, Playbook, Rule, Ruleset, Sentence
from crmrules.model.text import Text, text
from crmrules.playbook.check import check_texts

HERE = Location("playbook.yaml", 7, 3)


def ruleset(say: Text = text("拜访{{ name }}", "Visit {{ name }}"), why: Text = Text()) -> Ruleset:
    sentence = Sentence(id="s", of="contact", block="next", when=ALWAYS, say=say, at=HERE)
    return Ruleset(
        name="r", version="1", label=text("r", "r"), languages=("zh", "en"), folder="r", extends=(),
        parameters={"window": Parameter(name="window", value=365)},
        classes={
            "tier": Dimension(
                name="tier", of="account", label=text("t", "t"), values={"high": text("高", "High")},
                rules=(Rule(id="tier.high", when=ALWAYS, then="high", why=why, at=HERE),),
            )
        },
        playbook=Playbook(blocks={"contact": ("next",)}, sentences=(sentence,)),
    )  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [
        "Visit {{ name }}",
        "{{ account.name }}: {{ account.tier | label }}",
        "{{ parameters.window | days }}",
        "{{ account.owner.name }}",
    ],
)
def test_fields_relations_classes_and_parameters_may_be_read(said: str) -> None:
    assert check_texts(ruleset(text(said, said))) == []


@pytest.mark.parametrize(
    ("say", "code", "says"),
    [
        (text("a", "{{ nam }}"), "unknown-field", "sentence 's' (en) reads 'nam', which contact does not have"),
        (text("{{ account.tir }}", "a"), "unknown-field", "(zh)"),
        (text("a", "{{ parameters.windw }}"), "unknown-field", "windw"),
        (text("a", "{{ name() }}"), "bad-template", "a call"),
        (text("约见。再约。", "a"), "two-sentences", "(zh)"),
        (Text({"en": "a"}), "missing-language", "'zh'"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(say: Text, code: str, says: str) -> None:
    (problem,) = check_texts(ruleset(say))
    assert problem.code == code
    assert says in problem.message
    assert problem.at == HERE


def test_a_near_name_is_suggested() -> None:
    assert check_texts(ruleset(text("a", "{{ nam }}")))[0].hint == "did you mean 'name'?"


def test_reasons_of_rules_flags_and_guards_are_checked_too() -> None:
    wrong = text("{{ nothing }}", "")
    found = check_texts(
        replace(
            ruleset(why=wrong),
            flags={"f": Flag(id="f", of="deal", when=ALWAYS, label=text("f", "f"), why=wrong)},
            guards=(Guard(id="g", of="contact", when=ALWAYS, effect="no_write", why=wrong),),
        )
    )
    assert [problem.message.split(" (")[0] for problem in found] == ["rule 'tier.high'", "flag 'f'", "guard 'g'"]
