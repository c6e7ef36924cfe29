"""Conditions, reasons and figures of a ruleset in a reader's words, with no record at hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from crmrules.authoring.doc.words import say
from crmrules.evaluation.interpreter import LeafTrace
from crmrules.explain.show import Labels, show_leaf, show_value
from crmrules.language.conditions import (
    ALWAYS,
    AllOf,
    Among,
    AnyOf,
    Between,
    Choice,
    Compare,
    Condition,
    FieldRef,
    Has,
    Leaf,
    Matches,
    Not,
    OlderThan,
    Within,
)
from crmrules.language.expressions import Binary, Call, Chosen, Expression, Name, Negate, Number, Today
from crmrules.language.frames import LEXICON_OUTPUTS, reach
from crmrules.language.ruleset import Aggregate, Feature, Formula, Score
from crmrules.model.objects import OBJECTS
from crmrules.model.text import Text

_DAY = date(2000, 1, 1)  # days are shown as numbers: any day will do
_NO_ROW = "\ue003"
_ROW_VALUE = re.compile(rf" ?\({_NO_ROW}[^)]*\)")
_BLANK = re.compile(r"\{\{\s*([\w.]+)\s*(?:\|[^}]*)?\}\}")
_NEVER = AnyOf(())


_DERIVED = {
    "role": "role", "roles": "roles", "role_band": "bands", "band": "bands", "stance": "stance", "flags": "flags",
}  # fmt: skip


class NamedLabels(Labels):
    """Names also what a ruleset derives without naming it: what lexicons give, and where roles roll up."""

    def field(self, frame: str, path: str, language: str) -> str:
        """Return the label of the dotted *path* seen from *frame*."""
        named = super().field(frame, path, language)
        target, column = reach(self.frames, frame, path)
        if target is None or not named.endswith(column):
            return named
        return named.removesuffix(column) + self._derived(target.name, column, language)

    def value(self, frame: str, path: str, value: object, language: str) -> str:
        """Return *value* as a reader knows it."""
        if path.rpartition(".")[2] in ("role_band", "band") and isinstance(value, str):
            return self.band(value, language)
        return super().value(frame, path, value, language)

    def _derived(self, frame: str, column: str, language: str) -> str:
        for lexicon in self.ruleset.lexicons.values():
            what = column.removeprefix(f"{lexicon.prefix}_")
            if lexicon.of == frame and what != column and what in LEXICON_OUTPUTS:
                return say(
                    "of", language, field=super().field(frame, lexicon.field, language), what=say(what, language)
                )
        return say(_DERIVED[column], language) if column in _DERIVED else column


@dataclass(frozen=True)
class Wording:
    """Says what a ruleset says, in one language."""

    labels: Labels
    language: str

    def word(self, key: str, **values: object) -> str:
        """Return a fixed word."""
        return say(key, self.language, **values)

    def lines(self, frame: str, condition: Condition) -> tuple[str, ...]:
        """Return the tests of *condition*, all of which must hold, one by one."""
        plain = simplified(condition)
        if plain == ALWAYS:
            return (self.word("always"),)
        if plain == _NEVER:
            return (self.word("never"),)
        parts = plain.parts if isinstance(plain, AllOf) else (plain,)
        return tuple(self._test(frame, part, outermost=True) for part in parts)

    def sentence(self, frame: str, condition: Condition) -> str:
        """Return *condition* on one line."""
        plain = simplified(condition)
        if isinstance(plain, AllOf) and plain.parts:
            return self.word("and").join(self._test(frame, part) for part in plain.parts)
        return self.lines(frame, plain)[0]

    def _test(self, frame: str, condition: Condition, *, outermost: bool = False) -> str:
        match condition:
            case AllOf(parts) | AnyOf(parts):
                joint = self.word("and" if isinstance(condition, AllOf) else "or")
                joined = joint.join(self._test(frame, part) for part in parts)
                return joined if outermost else f"({joined})"
            case Not(part):
                if isinstance(part, Not):
                    return self._test(frame, part.part, outermost=outermost)
                if isinstance(part, (AllOf, AnyOf)):
                    return self.word("not", test=self._test(frame, part, outermost=True))
                return self._leaf(frame, part, negated=True)
        return self._leaf(frame, condition, negated=False)

    def _leaf(self, frame: str, leaf: Leaf, *, negated: bool) -> str:
        trace = LeafTrace(leaf, None, self._wanted(frame, leaf), None)
        said = show_leaf(trace, frame, _DAY, self.labels, self.language, negated=negated)
        days = leaf.days if isinstance(leaf, (Within, OlderThan)) else None
        return _ROW_VALUE.sub("", said) + (f" ({self.choice(frame, days)})" if isinstance(days, Choice) else "")

    def _wanted(self, frame: str, leaf: Leaf) -> tuple[object, ...]:
        match leaf:
            case Compare(_, _, value):
                return (self._operand(frame, value),)
            case Between(_, low, high):
                return self._operand(frame, low), self._operand(frame, high)
            case Among(_, values):
                return values
            case Has(_, item):
                return (item,)
            case Matches(_, pattern):
                return (pattern,)
            case Within(_, days) | OlderThan(_, days):
                return (
                    date.fromordinal(_DAY.toordinal() - (days if isinstance(days, int) else int(str(days.default)))),
                )
        return ()

    def _operand(self, frame: str, value: object) -> object:
        match value:
            case FieldRef():
                return _NO_ROW
            case Choice():
                return self.choice(frame, value)
        return value

    def choice(self, frame: str, choice: Choice) -> str:
        """Return a policy that depends on the account, case by case."""
        cases = (
            self.word("for", case=self.labels.value(frame, choice.field, case, self.language),
                      value=show_value(then, self.language))
            for case, then in choice.cases.items()
        )  # fmt: skip
        rest = self.word("other_case", value=show_value(choice.default, self.language))
        return " / ".join((*cases, rest))

    def template(self, frame: str, text: Text) -> str:
        """Return a reason or sentence with its blanks named instead of filled."""
        parameters = self.labels.ruleset.parameters

        def blank(match: re.Match[str]) -> str:
            path = match[1]
            name = path.removeprefix("parameters.")
            if path != name and name in parameters:
                value = parameters[name].value
                label = parameters[name].label.of(self.language) or name
                return (
                    f"‹{label}›"
                    if isinstance(value, Mapping) or parameters[name].by
                    else show_value(value, self.language)
                )
            return f"‹{self.labels.field(frame, path, self.language)}›"

        return _BLANK.sub(blank, text.of(self.language))

    def feature(self, feature: Feature) -> str:
        """Return how a figure is computed."""
        match feature:
            case Formula():
                return self.expression(feature.of, feature.expr)
            case Score():
                return self.word(
                    "scored", field=self.labels.field(feature.of, feature.field, self.language), by=feature.by
                )
            case Aggregate():
                return self.word("comma").join(self._aggregate(feature))

    def _aggregate(self, feature: Aggregate) -> Iterator[str]:
        ruleset = self.labels.ruleset
        subset = ruleset.sets.get(feature.from_)
        frame = subset.from_ if subset is not None else feature.from_
        rows = OBJECTS[frame].label.of(self.language) if frame in OBJECTS else frame
        if feature.agg == "count":
            yield self.word("agg.count", from_=rows)
        elif feature.value is None:
            yield self.word("agg.rows", from_=rows, agg=self.word(f"agg.{feature.agg}"))
        else:
            value = self.expression(frame, feature.value)
            yield self.word("agg.of", from_=rows, value=value, agg=self.word(f"agg.{feature.agg}"))
        for key, condition in (
            ("where", subset.where if subset else ALWAYS),
            ("where", feature.where),
            ("that", feature.that),
        ):
            if condition is not None and simplified(condition) != ALWAYS:
                yield self.word(key, test=self.sentence(frame, condition))
        for key, days in (("within", feature.within), ("before", feature.before)):
            if days is not None:
                yield self.word(key, n=days if isinstance(days, int) else self.choice(frame, days))

    def expression(self, frame: str, expression: Expression) -> str:
        """Return arithmetic with its fields named."""
        match expression:
            case Name(field):
                return self.labels.field(frame, field, self.language)
            case Number(value):
                return show_value(value, self.language)
            case Chosen(choice):
                return f"({self.choice(frame, choice)})"
            case Today():
                return "as_of"
            case Negate(operand):
                return f"−{self.expression(frame, operand)}"
            case Call(function, arguments):
                return f"{function}({', '.join(self.expression(frame, a) for a in arguments)})"
            case Binary(operator, left, right):
                sign = {"*": "×", "/": "÷", "-": "−"}.get(operator, operator)
                first, second = self.expression(frame, left), self.expression(frame, right)
                if isinstance(left, Binary) and operator in "*/" and left.operator in "+-":
                    first = f"({first})"
                return f"{first} {sign} {f'({second})' if isinstance(right, Binary) else second}"


def simplified(condition: Condition) -> Condition:
    """Return *condition* without what the policies have decided already."""
    match condition:
        case AllOf(parts):
            kept = [part for part in map(simplified, parts) if part != ALWAYS]
            if _NEVER in kept:
                return _NEVER
            return kept[0] if len(kept) == 1 else AllOf(tuple(kept))
        case AnyOf(parts):
            kept = [part for part in map(simplified, parts) if part != _NEVER]
            if ALWAYS in kept:
                return ALWAYS
            return kept[0] if len(kept) == 1 else AnyOf(tuple(kept))
        case Not(part):
            inner = simplified(part)
            if inner == ALWAYS:
                return _NEVER
            return ALWAYS if inner == _NEVER else Not(inner)
    return condition
