"""A comparison of rulesets in words and tables, in Chinese and English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from crmrules.authoring.diff import Diff
from crmrules.authoring.diff_tables import ABSENT, RAISED, Item, Transitions
from crmrules.explain.show import Labels
from crmrules.language.ruleset import Ruleset
from crmrules.model.objects import OBJECTS
from crmrules.model.text import Text, text

WORDS: Mapping[str, Text] = {
    "head": text("{old} → {new},截至 {as_of}", "{old} → {new} as of {as_of}"),
    "since": text("上次决策:{since}", "last decision: {since}"),
    "reused": text(
        "旧规则已在这些记录上决策过,沿用其结果", "OLD has decided on these records: taken over from that decision"
    ),
    "nothing": text("没有任何记录改变", "nobody moves"),
    "same": text("规则差异影响不到:{names}", "no difference of the rules reaches: {names}"),
    "left_out": text("未比较(需要角色,请加 --all):{names}", "not compared, they need roles (--all): {names}"),
    "added": text("仅新规则集有:{names}", "only in NEW: {names}"),
    "removed": text("仅旧规则集有:{names}", "only in OLD: {names}"),
    "matrix": text(
        "{name}:{moved}/{records} 改变({share}),{cause}", "{name}: {moved} of {records} move ({share}), {cause}"
    ),
    "rules": text("因规则", "by the rules"),
    "data": text("因数据和时间", "by data and time"),
    "from_to": text("旧值 \\ 新值", "old \\ new"),
    "all": text("合计", "all"),
    "why": text("{name}:由哪些规则引起", "{name}: which rules"),
    "old": text("旧值", "old"),
    "new": text("新值", "new"),
    "old_rule": text("旧规则", "old rule"),
    "new_rule": text("新规则", "new rule"),
    "count": text("数量", "records"),
    "otherwise": text("(默认)", "(otherwise)"),
    "who": text("谁改变了", "Who moves"),
    "record": text("记录", "record"),
    "name": text("名称", "name"),
    "what": text("维度", "what"),
    "cause": text("原因", "cause"),
    "splits": text("数据与规则各占多少", "By data or by rules"),
    "by_data": text("因数据", "by data"),
    "by_rules": text("因规则", "by rules"),
    "both": text("两者", "both"),
    "net": text("合计变化", "in the end"),
    "appeared": text("新记录", "new records"),
    "gone": text("消失", "gone"),
    "over": text("{name} 改变了 {share},超过上限 {budget}", "{name} moves {share} of the records, more than {budget}"),
    "role": text("采购角色", "Buying role"),
    "role_band": text("角色置信度", "Confidence in the role"),
    "stance": text("态度", "Stance"),
    "raised": text("有", "raised"),
    "absent": text("无", "not raised"),
}


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table as a person reads it."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


def word(key: str, language: str, **values: object) -> str:
    """Return a word or sentence in *language*, its blanks filled."""
    return WORDS[key].of(language).format(**values)


def headlines(found: Diff, language: str) -> Iterator[str]:
    """Yield what stands above the tables."""
    yield word("head", language, old=found.old, new=found.new, as_of=found.as_of.isoformat())
    if found.since is not None:
        yield word("since", language, since=found.since.isoformat())
    if found.reused:
        yield word("reused", language)
    for key in ("added", "removed", "left_out", "same"):
        if names := getattr(found, key):
            yield word(key, language, names=", ".join(names))
    if not any(t.moved for t in found.transitions):
        yield word("nothing", language)


def tables(found: Diff, old: Ruleset, new: Ruleset, language: str) -> Iterator[Table]:
    """Yield the split by cause, a matrix and its rules for each outcome that moved, and who moved."""
    says = Says(Labels(old), Labels(new), language)
    if found.splits:
        keys = ("by_data", "by_rules", "both", "net", "appeared", "gone")
        lines = ((says.item(s.item), *(getattr(s, key) for key in keys)) for s in found.splits)
        rows = tuple(line for line in lines if any(line[1:]))
        yield table(word("splits", language), ("what", *keys), rows, language)
    for t in found.transitions:
        if t.moved:
            yield _matrix(t, says)
            if t.item.kind != "flag":  # a flag is its own rule
                yield _rules(t, says)
    items = {t.item.name: t.item for t in found.transitions}
    rows = tuple(
        (f"{OBJECTS[m.of].label.of(language) if m.of in OBJECTS else m.of} {m.id}", m.name, says.item(items[m.item]),
         says.value(items[m.item], m.old), says.value(items[m.item], m.new), says.rule(items[m.item], m.old_rule), says.rule(items[m.item], m.new_rule),
         word(m.cause, language))
        for m in found.moves
    )  # fmt: skip
    yield table(
        word("who", language), ("record", "name", "what", "old", "new", "old_rule", "new_rule", "cause"), rows, language
    )


@dataclass(frozen=True)
class Says:
    """Outcomes in the words of one or the other ruleset."""

    old: Labels
    new: Labels
    language: str

    def item(self, item: Item) -> str:
        """Return the label of a class, role axis or flag."""
        if item.kind == "role":
            return word(item.name, self.language)
        for ruleset in (self.new.ruleset, self.old.ruleset):
            known = ruleset.classes.get(item.name) if item.kind == "class" else ruleset.flags.get(item.name)
            if known is not None:
                return known.label.of(self.language) or item.name
        return item.name

    def value(self, item: Item, value: str) -> str:
        """Return the label of a value, in the words of the new ruleset where it knows it."""
        language = self.language
        if item.kind == "flag":
            return word(value, language)
        labels = self.new
        match item.name:
            case "role" if item.kind == "role":
                return labels.role(value, language)
            case "role_band" if item.kind == "role":
                return labels.band(value, language)
            case "stance" if item.kind == "role":
                return labels.stance(value, language)
        known = self.new if value in self.new.ruleset.classes[item.name].values else self.old
        return known.class_value(item.name, value.split(", ") if ", " in value else value, language)

    def rule(self, item: Item, rule: str) -> str:
        """Return a rule's id, or what is said where no rule won."""
        return rule or ("" if item.kind == "flag" else word("otherwise", self.language))


def _matrix(t: Transitions, says: Says) -> Table:
    language = says.language
    values = list(_order(t, says))
    counts = {(c.old, c.new): c for c in t.cells}
    rows = []
    for a in values:
        line = [counts[a, b].count if (a, b) in counts else 0 for b in values]
        if sum(line):
            rows.append((says.value(t.item, a), *(_cell(n, t.records) for n in line), _cell(sum(line), t.records)))
    sums = [sum(c.count for c in t.cells if c.new == b) for b in values]
    rows.append((word("all", language), *(_cell(n, t.records) for n in sums), _cell(t.records, t.records)))
    title = word(
        "matrix", language, name=says.item(t.item), moved=t.moved, records=t.records, share=f"{t.share:.1%}",
        cause=word(t.cause, language),
    )  # fmt: skip
    heads = (word("from_to", language), *(says.value(t.item, b) for b in values), word("all", language))
    return Table(title=title, heads=heads, rows=tuple(rows))


def _order(t: Transitions, says: Says) -> list[str]:
    """Return the values that occur, in the order in which the rulesets define them."""
    seen = {value for c in t.cells for value in (c.old, c.new)}
    known: list[str] = [RAISED, ABSENT] if t.item.kind == "flag" else []
    for ruleset in (says.new.ruleset, says.old.ruleset):
        if t.item.kind == "class" and t.item.name in ruleset.classes:
            known += ruleset.classes[t.item.name].values
        elif t.item.kind == "role" and ruleset.roles is not None:
            known += (*ruleset.roles.roles, *ruleset.roles.bands, *ruleset.roles.stance.order)
    return [v for v in dict.fromkeys((*known, *sorted(seen))) if v in seen]


def _cell(count: int, of: int) -> str:
    return f"{count} ({count / of:.1%})" if count else "·"


def _rules(t: Transitions, says: Says) -> Table:
    rows = tuple(
        (
            says.value(t.item, r.old),
            says.value(t.item, r.new),
            says.rule(t.item, r.old_rule),
            says.rule(t.item, r.new_rule),
            r.count,
        )
        for r in t.rules
    )
    title = word("why", says.language, name=says.item(t.item))
    return table(title, ("old", "new", "old_rule", "new_rule", "count"), rows, says.language)


def table(title: str, heads: Sequence[str], rows: tuple[tuple[object, ...], ...], language: str) -> Table:
    """Return a table with its heads in words."""
    return Table(title=title, heads=tuple(word(head, language) for head in heads), rows=rows)
