"""Rules against each other: what can never hold, what an earlier rule always takes, gaps, overlaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from crmrules.authoring.lint.columns import Known
from crmrules.authoring.lint.findings import Finding, Question, finding
from crmrules.authoring.lint.formulas import Formula, Lit, formula, none_of
from crmrules.authoring.lint.places import Place, places
from crmrules.authoring.lint.solving import GaveUp, satisfiable, solutions
from crmrules.authoring.lint.space import Space, expanded
from crmrules.authoring.lint.witness import Row, find_row
from crmrules.evaluation.interpreter import evaluate
from crmrules.language.conditions import AllOf, AnyOf, Condition, Not, fields_of
from crmrules.language.ruleset import Dimension, Rule, Ruleset


@dataclass(frozen=True)
class Group:
    """Conditions over the rows of one frame, ready to be reasoned about."""

    space: Space
    conditions: tuple[Condition, ...]  # as written
    reasoned: tuple[Condition, ...]  # expanded, in the same order
    as_of: date

    def holds(self, number: int) -> Formula:
        return formula(self.space, self.reasoned[number])

    def none_of(self, numbers: Sequence[int]) -> tuple[Formula, ...]:
        return none_of(self.space, (self.reasoned[n] for n in numbers))

    def possible(self, *formulas: Formula) -> bool:
        """Return whether *formulas* can hold together; true where that is not known."""
        try:
            return satisfiable(formulas, self.space.start)
        except GaveUp:
            return True

    def row(self, formulas: Sequence[Formula], holds: Callable[[Row], bool]) -> Row | None:
        """Return a row for which *holds* is true, searched for where *formulas* hold."""
        return find_row(self.space, solutions(formulas, self.space.start), holds)

    def true(self, number: int, row: Row) -> bool:
        return evaluate(self.conditions[number], row, self.as_of) is True


def group(known: Known, frame: str, conditions: Sequence[Condition], as_of: date, inside: str = "") -> Group:
    """Return *conditions* over rows of *frame* with the variables that they read."""
    reasoned = tuple(expanded(condition, as_of) for condition in conditions)
    paths = {path for condition in reasoned for path in fields_of(condition)}
    space = Space(known.columns(frame, sorted(paths), inside))
    space.add(reasoned)
    return Group(space, tuple(conditions), reasoned, as_of)


def check_rules(known: Known, as_of: date, has_otherwise: Callable[[Dimension], bool]) -> Iterator[Finding]:
    """Yield what is wrong with the conditions of a ruleset, each by itself and within its class or block."""
    for place in places(known.ruleset):
        if not switched_off(place.when) and not _alone(known, place, as_of):
            yield finding("contradiction", f"{place} can never be true", place.at, hint="its tests exclude each other")
    for dimension in known.ruleset.classes.values():
        rules = in_order(dimension)
        if not rules:
            continue
        found = group(known, dimension.of, [rule.when for rule in rules], as_of, dimension.name)
        if dimension.hit in ("first", "highest"):
            yield from _unreachable(found, dimension.of, [(f"rule '{r.id}'", r) for r in rules], dimension.name)
        if dimension.hit in ("unique", "any"):
            yield from _overlaps(found, dimension, rules)
        if dimension.hit != "collect" and not dimension.copy and not has_otherwise(dimension):
            yield from _gaps(found, dimension)
    yield from _sentences(known, as_of)


def in_order(dimension: Dimension) -> list[Rule]:
    """Return the rules in the order in which they are tried."""
    return (
        sorted(dimension.rules, key=lambda rule: -rule.score) if dimension.hit == "highest" else list(dimension.rules)
    )


def switched_off(condition: Condition) -> bool:
    """Whether a part of *condition* is what is left of a parameter's test that fails: then the rule is for other policies."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            return condition == AnyOf(()) or any(map(switched_off, parts))
        case Not(part):
            return switched_off(part)
    return False


def _alone(known: Known, place: Place, as_of: date) -> bool:
    found = group(known, place.frame, [place.when], as_of, place.inside)
    return found.possible(found.holds(0))


def _unreachable(
    found: Group, frame: str, rules: Sequence[tuple[str, Rule | Place]], inside: str = ""
) -> Iterator[Finding]:
    """Yield the rules that others always take; not those that can never hold anyway, or that a parameter switches off."""
    for number, (name, rule) in enumerate(rules):
        earlier = range(number)
        if not number or switched_off(rule.when) or not found.possible(found.holds(number)):
            continue
        if found.possible(found.holds(number), *found.none_of(earlier)):
            continue
        alone = next((n for n in earlier if not found.possible(found.holds(number), *found.none_of([n]))), None)
        by = f"{rules[alone][0]} holds" if alone is not None else "one of the earlier ones holds"
        yield finding(
            "unreachable-rule", f"{name} is never reached: wherever it holds, {by} too", rule.at,
            hint="move it up, narrow the earlier one, or drop it",
            question=Question(frame=frame, true=(rule.when,), inside=inside),
        )  # fmt: skip


def _overlaps(found: Group, dimension: Dimension, rules: Sequence[Rule]) -> Iterator[Finding]:
    for second, rule in enumerate(rules):
        for first in range(second):
            if dimension.hit == "any" and rules[first].then == rule.then:
                continue
            both = (found.holds(first), found.holds(second))
            row = found.row(both, lambda r, i=first, j=second: found.true(i, r) and found.true(j, r))  # type: ignore[misc]
            if row is not None:
                yield finding(
                    "overlap", f"rule '{rule.id}' and rule '{rules[first].id}' of '{dimension.name}' both hold", rule.at,
                    expected=f"one rule at most (hit: {dimension.hit})", hint=f"narrow one of them, e.g. for {shown(row)}",
                    witness=row,
                    question=Question(frame=dimension.of, true=(rules[first].when, rule.when), inside=dimension.name),
                )  # fmt: skip
                break


def _gaps(found: Group, dimension: Dimension) -> Iterator[Finding]:
    present = [Lit(n, found.space.variables[n].present) for n in sorted(found.space.paths.values())]
    every = range(len(found.conditions))
    row = found.row(
        [*present, *found.none_of(every)],
        lambda r: None not in r.values() and not any(found.true(n, r) for n in every),
    )
    if row is not None:
        yield finding(
            "gap", f"no rule of '{dimension.name}' holds for {shown(row)}", dimension.at,
            hint="add a rule, or say what else is meant: otherwise: unknown", witness=row,
            question=Question(
                frame=dimension.of, untrue=found.conditions, present=tuple(sorted(found.space.paths)), inside=dimension.name
            ),
        )  # fmt: skip


def _sentences(known: Known, as_of: date) -> Iterator[Finding]:
    ruleset: Ruleset = known.ruleset
    sentences = [place for place in places(ruleset) if place.kind == "sentence"]
    blocks = {s.id: (s.of, s.block) for s in ruleset.playbook.sentences} if ruleset.playbook else {}
    ordered = sorted(sentences, key=lambda place: blocks[place.id])  # stable: writing order within a block
    for (of, _), block in groupby(ordered, key=lambda place: blocks[place.id]):
        inside = list(block)
        found = group(known, of, [place.when for place in inside], as_of)
        for one in _unreachable(found, of, [(str(place), place) for place in inside]):
            yield replace(one, of_sentence=True)


def shown(row: Row) -> str:
    """Return a row as a person reads it."""
    return ", ".join(f"{path} = {value}" for path, value in row.items()) or "an empty record"
