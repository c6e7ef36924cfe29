"""Overriding by id: nobody copies a base ruleset to change a threshold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crmrules.errors import RulesetError
from crmrules.language.conditions import Choice, Compare, Op
from crmrules.language.loader import load_ruleset
from crmrules.language.ruleset import Aggregate, Formula, Ruleset

BASE_HEAD = """
    parameters:
      window: {value: 365d, unit: days, label: {zh: 窗口, en: Window}}
      high: {value: 100, by: demand_type, cases: {household: 10}}
"""
FEATURES = "account: {n: {count: order, within: $window, label: {zh: 单数, en: Orders}}, gone: {count: note, via: record_id}}\n"
CLASSES = """
    tier:
      of: account
      label: {zh: 等级, en: Tier}
      values: {a: {zh: 甲, en: A}, b: {zh: 乙, en: B}}
      rules:
        - {id: t.1, when: {n: {gte: 9}}, then: a, why: {zh: 多, en: many}}
        - {id: t.2, when: {n: {gte: 3}}, then: b}
"""
LEXICON = """
    title:
      of: contact
      field: title
      prefix: title
      levels: [L1, L2]
      exceptions: [{id: x.1, match: 董秘, level: L2}, {id: x.2, match: 秘书长, level: L1}]
      level: {L1: [董事长], L2: [经理]}
"""


@pytest.fixture
def child(write: Callable[..., Path]) -> Callable[..., Ruleset]:
    def child(head: str = "", **sections: str) -> Ruleset:
        write("base", BASE_HEAD, features=FEATURES, classes=CLASSES, lexicons=LEXICON)
        return load_ruleset(write("child", f"extends: [base]\n{head}", **sections))

    return child


def test_everything_is_inherited_and_known_by_name_and_version(child: Callable[..., Ruleset]) -> None:
    ruleset = child()
    assert (ruleset.name, ruleset.extends, list(ruleset.classes)) == ("child", ("base@1.0.0",), ["tier"])


def test_keys_that_are_given_replace_and_the_others_stay(child: Callable[..., Ruleset]) -> None:
    tier = child(classes="tier: {otherwise: b}").classes["tier"]
    assert (tier.otherwise, len(tier.rules), tier.label.of("zh")) == ("b", 2, "等级")


def test_a_feature_that_is_computed_in_another_way_drops_the_old_one(child: Callable[..., Ruleset]) -> None:
    feature = child(features="account: {n: {expr: nps + 1}, gone: null}").features["n"]
    assert isinstance(feature, Formula)
    assert feature.label.of("en") == "Orders"


def test_null_takes_an_entry_out(child: Callable[..., Ruleset]) -> None:
    assert "gone" not in child(features="account: {gone: null}").features


def test_single_rules_are_overridden_by_id(child: Callable[..., Ruleset]) -> None:
    ruleset = child(classes="tier: {override: {t.1: {when: {n: {gte: 20}}}, t.2: null}}")
    (rule,) = ruleset.classes["tier"].rules
    assert (rule.id, rule.when, rule.why.of("en")) == ("t.1", Compare("n", Op.gte, 20), "many")


def test_rules_that_are_given_replace_all(child: Callable[..., Ruleset]) -> None:
    ruleset = child(classes="tier: {rules: [{id: t.9, when: {nps: 1}, then: a}]}")
    assert [rule.id for rule in ruleset.classes["tier"].rules] == ["t.9"]


def test_a_lexicon_grows_and_new_exceptions_come_first(child: Callable[..., Ruleset]) -> None:
    lexicon = child(
        lexicons="title: {level: {L2: [主任]}, exceptions: [{id: x.9, match: 总助, level: L2}, {id: x.2, match: 秘书长, level: L2}]}"
    ).lexicons["title"]
    exceptions, levels = lexicon.blocks
    assert [(p.id, p.gives["level"]) for p in exceptions.patterns] == [("x.9", "L2"), ("x.2", "L2"), ("x.1", "L2")]
    assert [(p.pattern, p.gives["level"]) for p in levels.patterns] == [("董事长", "L1"), ("主任", "L2")]


def test_new_sentences_come_first_and_one_that_is_given_again_keeps_its_place(
    write: Callable[..., Path],
) -> None:
    def said(when: str, word: str) -> str:
        return f"{{of: account, block: focus, when: {{{when}}}, say: {{zh: {word}, en: {word}}}}}"

    write("parent", playbook=f"""
        blocks: {{account: [focus]}}
        sentences: {{p.special: {said("nps: 9", "a")}, p.general: {said("", "b")}}}
    """)  # fmt: skip
    sentences = (
        f"{{p.general: {{say: {{zh: c, en: c}}}}, c.new: {said('nps: 1', 'd')}, c.other: {said('nps: 2', 'e')}}}"
    )
    playbook = load_ruleset(write("child", "extends: [parent]", playbook=f"sentences: {sentences}")).playbook
    assert playbook is not None
    assert [(s.id, s.say.of("en")) for s in playbook.sentences] == [
        ("c.new", "d"), ("c.other", "e"), ("p.special", "a"), ("p.general", "c"),
    ]  # fmt: skip


def test_what_is_forbidden_stays_so_in_every_child(write: Callable[..., Path]) -> None:
    sentences = "{p.any: {of: account, block: focus, when: {}, say: {zh: a, en: a}}}"
    write("parent", playbook=f"""
        blocks: {{account: [focus]}}
        forbidden: [kickback, bribe]
        sentences: {sentences}
    """)  # fmt: skip
    playbook = load_ruleset(write("child", "extends: [parent]", playbook="forbidden: [bribe, gift]")).playbook
    assert playbook is not None
    assert playbook.forbidden == ("kickback", "bribe", "gift")


def test_parameters_are_overridden(child: Callable[..., Ruleset]) -> None:
    ruleset = child("parameters: {window: 90d, high: 50}")
    window, high = ruleset.parameters["window"], ruleset.parameters["high"]
    assert (window.value, window.unit, window.label.of("en")) == (90, "days", "Window")
    assert (high.value, high.by, high.cases) == (50, "", {})  # a plain value is meant everywhere
    n = ruleset.features["n"]
    assert isinstance(n, Aggregate)
    assert n.within == 90


def test_the_caller_overrides_last(load: Callable[..., Ruleset]) -> None:
    overrides = {"window": 30, "high": {"value": 7, "by": "industry", "cases": {"bank": 8}}}
    flags = "f: {of: account, when: {nps: {gte: $high}}, label: {zh: 甲, en: A}}"
    ruleset = load(head=BASE_HEAD, features=FEATURES, flags=flags, overrides=overrides)
    assert ruleset.parameters["window"].value == 30
    assert ruleset.parameters["window"].label.of("en") == "Window"
    assert ruleset.flags["f"].when == Compare("nps", Op.gte, Choice("industry", {"bank": 8}, 7))


def test_maps_and_lists_can_be_given_by_the_caller(load: Callable[..., Ruleset]) -> None:
    head = "parameters: {rates: {value: {CNY: 1}}, cuts: [1, 2]}"
    ruleset = load(head=head, overrides={"rates": {"CNY": 1, "USD": 7}, "cuts": [3, 4, 5]})
    assert ruleset.parameters["rates"].value == {"CNY": 1, "USD": 7}
    assert ruleset.parameters["cuts"].value == (3, 4, 5)


def test_an_unknown_parameter_of_the_caller_is_named(write: Callable[..., Path]) -> None:
    folder = write(head=BASE_HEAD)
    with pytest.raises(RulesetError, match="unknown parameter 'windw'"):
        load_ruleset(folder, overrides={"windw": 3})


def test_a_base_of_two_parents_stands_below_both(write: Callable[..., Path]) -> None:
    """Otherwise the second parent would bring the base's value back over the first parent's."""
    write("base", BASE_HEAD)
    write("first", "extends: [base]\nparameters: {window: 90d}")
    write("second", "extends: [base]\nparameters: {high: 5}")
    ruleset = load_ruleset(write("child", "extends: [first, second]"))
    assert (ruleset.parameters["window"].value, ruleset.parameters["high"].value) == (90, 5)
    assert ruleset.extends == ("second@1.0.0", "first@1.0.0", "base@1.0.0")


def test_rulesets_are_looked_up_by_name_or_relative_folder(write: Callable[..., Path], tmp_path: Path) -> None:
    write("base", BASE_HEAD)
    (tmp_path / "mine").mkdir()
    nested = write("mine/child", "extends: [base]\n".replace("base", "../../base"))
    (nested / "ruleset.yaml").write_text((nested / "ruleset.yaml").read_text().replace("mine/child", "child"))
    with pytest.raises(RulesetError, match="outside"):
        load_ruleset(nested)
    assert load_ruleset(nested, search=[tmp_path]).extends == ("base@1.0.0",)


def test_the_digest_is_that_of_the_meaning(write: Callable[..., Path]) -> None:
    one = write("one", classes=CLASSES, features=FEATURES.replace(", within: $window", ""))
    two = write(
        "two",
        classes="# a comment\n" + CLASSES.replace("9}", "9 }"),
        features=FEATURES.replace(", within: $window", ""),
    )
    (two / "ruleset.yaml").write_text((one / "ruleset.yaml").read_text())
    assert load_ruleset(one).digest == load_ruleset(two).digest
    changed = (two / "classes.yaml").read_text(encoding="utf-8").replace("gte: 9", "gte: 8")
    (two / "classes.yaml").write_text(changed, encoding="utf-8")
    assert load_ruleset(one).digest != load_ruleset(two).digest
