"""What-if answers in words and tables, in Chinese and English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crmrules.authoring.diff_tables import Item
from crmrules.authoring.diff_text import Says, Table, table
from crmrules.authoring.whatif import WhatIf
from crmrules.authoring.whatif_goal import Goal, Step, Way
from crmrules.explain.show import Labels, show_value
from crmrules.explain.words import word as explained
from crmrules.language.ruleset import Ruleset
from crmrules.model.objects import OBJECTS
from crmrules.model.text import Text, text

WORDS: Mapping[str, Text] = {
    "head": text("{object} {id} {name},{ruleset},截至 {as_of}", "{object} {id} {name}, {ruleset} as of {as_of}"),
    "change": text("假设{field}:{old} → {new}", "if {field}: {old} → {new}"),
    "nothing": text("没有任何变化", "nothing flips"),
    "flips": text("随之改变", "What flips"),
    "others": text("另有 {n} 处改变", "{n} more flips"),
    "already": text("{what}已是「{value}」({rule})", "{what} is “{value}” already ({rule})"),
    "now": text("{what}现为「{value}」({rule})", "{what} is “{value}” now ({rule})"),
    "way": text("{n}. {steps}(规则 {rule})", "{n}. {steps} (rule {rule})"),
    "and": text(",并且", ", and "),
    "wait": text("其他不变,再过 {days} 天", "{days} more days pass with nothing else changed"),
    "step": text("{change}(现为 {now})", "{change} (now {now})"),
    "otherwise": text("默认", "otherwise"),
    "none": text(
        "没有找到:改变三个以内可由我方影响的字段都达不到「{value}」(可用 --field 指定字段)",
        "no way found: no three fields that a seller can change lead to “{value}” (--field names others)",
    ),
}


def word(key: str, language: str, **values: object) -> str:
    """Return a word or sentence in *language*, its blanks filled."""
    return WORDS[key].of(language).format(**values)


def headlines(found: WhatIf, ruleset: Ruleset, language: str) -> Iterator[str]:
    """Yield which record and which change it is about."""
    labels = Labels(ruleset)
    yield word(
        "head", language, object=OBJECTS[found.object].label.of(language), id=found.id, name=found.name,
        ruleset=found.ruleset, as_of=found.as_of.isoformat(),
    )  # fmt: skip
    for field, new in found.after.items():
        old, new = (show_value(value, language) for value in (found.before[field], new))
        yield word("change", language, field=labels.field(found.object, field, language), old=old, new=new)
    if not found.flips:
        yield word("nothing", language)


def flips(found: WhatIf, ruleset: Ruleset, language: str) -> Table:
    """Return everything that flips as a table."""
    labels = Labels(ruleset)
    says = Says(labels, labels, language)
    rows = []
    for flip in found.flips:
        item = Item(kind=flip.kind, name=flip.what, of=flip.of)
        of = OBJECTS[flip.of].label.of(language) if flip.of in OBJECTS else flip.of
        rows.append(
            (f"{of} {flip.id}", flip.name, says.item(item), says.value(item, flip.before), says.value(item, flip.after),
             says.rule(item, flip.rule_before), says.rule(item, flip.rule_after))
        )  # fmt: skip
    heads = ("record", "name", "what", "old", "new", "old_rule", "new_rule")
    return table(word("flips", language), heads, tuple(rows), language)


def goal(found: Goal, ruleset: Ruleset, language: str) -> Iterator[str]:
    """Yield what the class is now, and every way to the wanted value, the smallest first."""
    labels = Labels(ruleset)
    what = labels.field(found.object, found.name, language)
    wanted = labels.class_value(found.name, found.wanted, language)
    rule = found.rule or word("otherwise", language)
    value = labels.class_value(found.name, found.now, language)
    yield word("already" if found.reached else "now", language, what=what, value=value, rule=rule)
    for number, way in enumerate(found.ways, 1):
        said = _way(way, found.object, labels, language)
        yield word("way", language, n=number, steps=said, rule=way.rule or word("otherwise", language))
    if not (found.ways or found.reached):
        yield word("none", language, value=wanted)


def _way(way: Way, object: str, labels: Labels, language: str) -> str:
    if way.days is not None:
        return word("wait", language, days=way.days)
    return word("and", language).join(_step(step, object, labels, language) for step in way.steps)


def _step(step: Step, object: str, labels: Labels, language: str) -> str:
    field = labels.field(object, step.field, language)
    change = explained(
        f"probe.{step.change}", language, field=field, value=labels.value(object, step.field, step.limit, language)
    )
    return word("step", language, change=change, now=labels.value(object, step.field, step.now, language))
