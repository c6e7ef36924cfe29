"""One ruleset that holds many mutants: each is at work only for the accounts that are marked with its number.

So a hundred mutants take one decision, over a copy of the cases' records for each of them. In three-valued logic
``(marked and changed) or (not marked and as written)`` is exactly one of the two, for a mark is never missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from crmrules.authoring.coverage.mutants import NEVER, Mutant
from crmrules.evaluation.evidence import ALL_ROLES
from crmrules.language.conditions import AllOf, Among, AnyOf, Compare, Condition, Not, Op
from crmrules.language.frames import Frame, frames, source_frame
from crmrules.language.ruleset import Dimension, EvidenceItem, RequiredField, RoleModel, Ruleset, Sentence
from crmrules.model.objects import FieldType

MARK = "mutant_mark"  # the account's field with the number of its mutant
_Variants = dict[tuple[str, str], list[tuple[str, Mutant]]]


def with_mutants(ruleset: Ruleset, numbered: Mapping[str, Mutant]) -> Ruleset:
    """Return *ruleset* with the mutants in it, by their marks; those of cues and inference rules are not conditions."""
    marked = replace(
        ruleset, requires=(*ruleset.requires, RequiredField(object="account", field=MARK, type=FieldType.text))
    )
    found: _Variants = {}
    for mark, mutant in numbered.items():
        found.setdefault((mutant.kind, mutant.id), []).append((mark, mutant))
    return _Schemata(marked, frames(marked), found).whole()


@dataclass(frozen=True)
class _Schemata:
    ruleset: Ruleset
    frames: Mapping[str, Frame]
    found: _Variants

    def whole(self) -> Ruleset:
        ruleset = self.ruleset
        return replace(
            ruleset,
            classes={name: self._class(dimension) for name, dimension in ruleset.classes.items()},
            flags={id: replace(f, when=self._when("flag", id, f.of, f.when)) for id, f in ruleset.flags.items()},
            guards=tuple(replace(g, when=self._when("guard", g.id, g.of, g.when)) for g in ruleset.guards),
            roles=self._roles(ruleset.roles) if ruleset.roles else None,
            playbook=replace(ruleset.playbook, sentences=self._sentences(ruleset.playbook.sentences))
            if ruleset.playbook
            else None,
        )

    def _when(self, kind: str, id: str, frame: str, when: Condition) -> Condition:
        """Return *when* as written, but changed for the marked."""
        changed = [
            (mark, m) for mark, m in self.found.get((kind, id), ()) if m.change not in ("exchange", "zero", "turn")
        ]
        if not changed:
            return when
        mark = self._mark(frame)
        parts = [AllOf((Compare(mark, Op.eq, number), m.after)) for number, m in changed if m.after != NEVER]
        return AnyOf((*parts, self._unmarked(mark, [number for number, _ in changed], when)))

    def _mark(self, frame: str) -> str:
        name = source_frame(self.ruleset, frame)
        return MARK if name == "account" else f"{self.frames[name].links['account'].removesuffix('_id')}.{MARK}"

    def _unmarked(self, mark: str, numbers: Sequence[str], when: Condition) -> Condition:
        return AllOf((Not(Among(mark, tuple(numbers))), when))

    def _class(self, dimension: Dimension) -> Dimension:
        rules = []
        for number, rule in enumerate(dimension.rules):
            for mark, mutant in self.found.get(("rule", rule.id), ()):
                if mutant.change == "exchange":
                    later = next(r for r in dimension.rules[number + 1 :] if r.when == mutant.after)
                    marked = Compare(self._mark(dimension.of), Op.eq, mark)
                    rules.append(replace(later, when=AllOf((marked, later.when))))
            rules.append(replace(rule, when=self._when("rule", rule.id, dimension.of, rule.when)))
        return replace(dimension, rules=tuple(rules))

    def _sentences(self, sentences: Sequence[Sentence]) -> tuple[Sentence, ...]:
        told: list[Sentence] = []
        for number, one in enumerate(sentences):
            for mark, mutant in self.found.get(("sentence", one.id), ()):
                if mutant.change == "exchange":
                    alike = [s for s in sentences[number + 1 :] if (s.of, s.block) == (one.of, one.block)]
                    marked = Compare(self._mark(one.of), Op.eq, mark)
                    told.append(replace(alike[0], when=AllOf((marked, alike[0].when))))
            told.append(replace(one, when=self._when("sentence", one.id, one.of, one.when)))
        return tuple(told)

    def _roles(self, model: RoleModel) -> RoleModel:
        items: list[EvidenceItem] = []
        for item in model.items:
            reweighed = [(n, m) for n, m in self.found.get(("evidence", item.id), ()) if m.change in ("zero", "turn")]
            when, mark = self._when("evidence", item.id, item.of, item.when), self._mark(item.of)
            for number, mutant in reweighed:
                clone = _turned(item, model) if mutant.change == "turn" else replace(item, gives={}, against={})
                marked = AllOf((Compare(mark, Op.eq, number), item.when))
                items.append(replace(clone, id=f"{item.id}@{number}", when=marked))
            if reweighed:
                when = self._unmarked(mark, [number for number, _ in reweighed], when)
            items.append(replace(item, when=when))
        return replace(model, items=tuple(items))


def _turned(item: EvidenceItem, model: RoleModel) -> EvidenceItem:
    gives: dict[str, float] = {}
    for role, weight in item.against.items():
        gives |= dict.fromkeys(model.roles, weight) if role == ALL_ROLES else {role: weight}
    return replace(item, gives=gives, against=item.gives)
