"""Strata: the order in which inference rules run, so that ``none`` only ever looks at finished facts.

The dependency is between rules, not between kinds of fact: a rule that makes
``role: {role: influencer}`` does not disturb one that asks for ``none: [{role: {role: champion}}]``.
"""

from __future__ import annotations

from collections.abc import Iterator

from crmrules.errors import Problem, RulesetError
from crmrules.model.program import Atom, InferenceRule, Program, Var


def strata(program: Program) -> tuple[tuple[str, ...], ...]:
    """Return rule ids by stratum, in writing order within one.

    A rule comes no earlier than what feeds its ``all`` and later than what feeds its ``none``.

    Raises:
        RulesetError: ``negation-cycle``, once for each rule that depends on its own absence.
    """
    feeds = {rule.id: tuple(_fed_by(program, rule)) for rule in program.rules}
    problems = [
        _cycle_problem(rule, cycle)
        for rule in program.rules
        if (cycle := _own_absence(rule.id, feeds))
    ]  # fmt: skip
    if problems:
        raise RulesetError(problems)
    level = dict.fromkeys(feeds, 0)
    changed = True
    while changed:
        changed = False
        for rule, sources in feeds.items():
            least = max((level[source] + negated for source, negated in sources), default=0)
            if least > level[rule]:
                level[rule] = least
                changed = True
    return tuple(
        tuple(rule.id for rule in program.rules if level[rule.id] == number) for number in sorted(set(level.values()))
    )


def may_match(rule: InferenceRule, atom: Atom) -> bool:
    """Return False where no fact made by *rule* can ever match *atom*."""
    if rule.then != atom.fact:
        return False
    if any(name not in rule.values for name in (*atom.bind, *(test.property for test in atom.tests))):
        return False  # the fact would lack a property that the atom asks for
    return not any(
        test.op == "eq" and not isinstance(test.value, Var)
        and not isinstance(made := rule.values[test.property], Var) and made != test.value
        for test in atom.tests
    )  # fmt: skip


def _fed_by(program: Program, rule: InferenceRule) -> Iterator[tuple[str, bool]]:
    """Yield (id of a rule whose facts *rule* reads, whether it reads their absence)."""
    for other in program.rules:
        for negated, atoms in ((False, rule.all_), (True, rule.none)):
            if any(may_match(other, atom) for atom in atoms):
                yield other.id, negated


def _own_absence(rule: str, feeds: dict[str, tuple[tuple[str, bool], ...]]) -> list[str]:
    """Return the shortest way from a fact that *rule* negates back to *rule*, or an empty list."""
    for start in sorted(source for source, negated in feeds[rule] if negated):
        came_from: dict[str, str] = {start: ""}
        queue = [start]
        for here in queue:
            if here == rule:
                way = [here]
                while came_from[way[-1]]:
                    way.append(came_from[way[-1]])
                return [rule, *reversed(way)]
            for source, _ in feeds[here]:
                if source not in came_from:
                    came_from[source] = here
                    queue.append(source)
    return []


def _cycle_problem(rule: InferenceRule, cycle: list[str]) -> Problem:
    return Problem(
        "negation-cycle",
        f"rule '{rule.id}' depends on the absence of what it leads to: {' <- '.join(cycle)}",
        rule.at,
        hint="the first arrow is a 'none': make the fact that it forbids from other facts, or give it another name",
    )
