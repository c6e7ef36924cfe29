"""Mutants that no record could tell from the ruleset as written, as far as reasoning on regions can prove it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from crmrules.authoring.coverage.mutants import Mutant
from crmrules.authoring.lint.columns import Known
from crmrules.authoring.lint.formulas import And, Formula, Or, formula
from crmrules.authoring.lint.rules import Group, group
from crmrules.language.conditions import Condition
from crmrules.language.frames import source_frame
from crmrules.language.ruleset import Dimension

_CONDITIONS = ("rule", "evidence", "flag", "guard", "sentence")


def equivalent(known: Known, mutant: Mutant, as_of: date) -> bool:
    """Return whether *mutant* provably decides every record as the ruleset does; false where that is not known.

    What features have to do with each other (no orders, no last order) is not known to the reasoning.
    """
    if mutant.kind not in _CONDITIONS or mutant.change in ("zero", "turn"):
        return False
    if mutant.kind == "rule":
        dimension = known.ruleset.classes[mutant.inside]
        if dimension.hit == "first":
            return _in_order(known, dimension, mutant, as_of)
    before, then = _block(known, mutant) if mutant.kind == "sentence" else ((), mutant.after)
    found = _group(known, mutant, [*before, mutant.before, then], as_of)
    earlier = found.none_of(range(len(before)))
    place = len(before)
    if mutant.change == "exchange":
        return not found.possible(*earlier, found.holds(place), found.holds(place + 1))
    return not found.possible(*earlier, _differ(found, place, place + 1))


def _group(known: Known, mutant: Mutant, conditions: Sequence[Condition], as_of: date) -> Group:
    return group(known, source_frame(known.ruleset, mutant.frame), conditions, as_of, mutant.inside)


def _differ(found: Group, one: int, other: int) -> Formula:
    """What must be so for exactly one of two conditions to be true."""
    space, reasoned = found.space, found.reasoned
    return Or(
        tuple(
            And((formula(space, reasoned[a]), formula(space, reasoned[b], "not true")))
            for a, b in ((one, other), (other, one))
        )
    )


def _in_order(known: Known, dimension: Dimension, mutant: Mutant, as_of: date) -> bool:
    """Among rules of which the first decides, a fault shows where no earlier rule holds and the later ones say otherwise."""
    place = next(n for n, rule in enumerate(dimension.rules) if rule.id == mutant.id)
    whens = [rule.when for rule in dimension.rules]
    found = _group(known, mutant, [*whens, mutant.after], as_of)
    earlier = found.none_of(range(place))
    if mutant.change == "exchange":
        return not found.possible(*earlier, found.holds(place), found.holds(whens.index(mutant.after)))
    return not found.possible(*earlier, _differ(found, place, len(whens)), _rest_differs(found, dimension, place))


def _rest_differs(found: Group, dimension: Dimension, place: int) -> Formula:
    """What must be so for the rules after *place*, and what holds where none does, to give another value than it gives."""
    later = range(place + 1, len(dimension.rules))
    value = dimension.rules[place].then
    ways: list[Formula] = [
        And((*found.none_of(range(place + 1, number)), found.holds(number)))
        for number in later
        if dimension.rules[number].then != value
    ]
    if dimension.copy or dimension.otherwise != value:
        ways.append(And(found.none_of(later)))
    return Or(tuple(ways))


def _block(known: Known, mutant: Mutant) -> tuple[tuple[Condition, ...], Condition]:
    """Return the conditions of the sentences that are said before that of *mutant*, and its changed one."""
    playbook = known.ruleset.playbook
    assert playbook is not None
    own = next(sentence for sentence in playbook.sentences if sentence.id == mutant.id)
    block = [s for s in playbook.sentences if (s.of, s.block) == (own.of, own.block)]
    return tuple(s.when for s in block[: block.index(own)]), mutant.after
