"""What both engines need of a program: checked, with facts as rows and rules in the order of strata.

A row is a fact as a tuple: its type, then its properties in the order of the program, None where
one is missing. Rows are hashable, so a set of rows is a set of facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from crmrules.contracts.engine import Derived, Fact, Value
from crmrules.errors import Problem, RulesetError, did_you_mean
from crmrules.inference.checks import rule_problems
from crmrules.language.strata import strata
from crmrules.model.program import InferenceRule, Program

Row = tuple[str, tuple[Value | None, ...]]
MAX_FIRINGS = 1_000_000  # for one account; derivations are finite, so this only meets a runaway join


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A checked program."""

    program: Program
    columns: Mapping[str, tuple[str, ...]]  # fact type -> its properties in order
    strata: tuple[tuple[InferenceRule, ...], ...]
    rank: Mapping[str, tuple[int, int]]  # rule id -> (stratum, position); the least one names a derived fact
    rule_of: Mapping[tuple[int, int], str]  # rank -> rule id

    def row(self, fact: Fact) -> Row:
        """Return *fact* as a row; a fact or property that the program does not know is a RulesetError."""
        type, values = fact
        columns = self.columns.get(type)
        if columns is None:
            raise RulesetError(Problem("unknown-fact", f"no fact '{type}'", hint=did_you_mean(type, self.columns)))
        row = tuple(map(values.get, columns))
        if len(row) - row.count(None) != len(values):
            unknown = ", ".join(sorted(values.keys() - set(columns))) or "without a value"
            raise RulesetError(Problem("unknown-property", f"fact '{type}' has no property {unknown}"))
        return type, row

    def derived(self, made: Mapping[Row, tuple[int, int]]) -> list[Derived]:
        """Return derived facts in the canonical order: by type, then by values, missing last."""
        try:
            rows = sorted(made)
        except TypeError:  # a missing value met a present one
            rows = sorted(made, key=_place)
        found = []
        for row in rows:
            type, values = row
            fact = {name: value for name, value in zip(self.columns[type], values, strict=True) if value is not None}
            found.append(Derived(fact=(type, fact), rule=self.rule_of[made[row]]))
        return found


def _place(row: Row) -> tuple[str, tuple[tuple[bool, Value], ...]]:
    return row[0], tuple((value is None, cast(Value, value)) for value in row[1])


def prepare(program: Program) -> Prepared:
    """Check *program* and put its rules in order.

    Raises:
        RulesetError: with every problem of its rules, or a cycle through a negation.
    """
    problems = [problem for rule in program.rules for problem in rule_problems(program, rule)]
    if problems:
        raise RulesetError(problems)
    rules = {rule.id: rule for rule in program.rules}
    position = {rule.id: number for number, rule in enumerate(program.rules)}
    ordered = program.strata or strata(program)
    rank = {id: (stratum, position[id]) for stratum, ids in enumerate(ordered) for id in ids}
    return Prepared(
        program=program,
        columns={type: tuple(p.name for p in properties) for type, properties in program.facts.items()},
        strata=tuple(tuple(rules[id] for id in ids) for ids in ordered),
        rank=rank,
        rule_of={place: id for id, place in rank.items()},
    )


def too_many_firings(account: int) -> RulesetError:
    """The error of an account whose rules match more often than anybody meant."""
    return RulesetError(
        Problem(
            "inference-runaway",
            f"the rules matched more than {MAX_FIRINGS:,} times in one account (number {account} of this run)",
            hint="a rule joins facts that share no variable; let its facts meet in a variable",
        )
    )
