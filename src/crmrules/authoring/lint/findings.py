"""What a linter says: a problem, and where there are records, how many of them it hits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from crmrules.errors import Location, Problem, Severity
from crmrules.language.conditions import Condition

# What must be there for a check to be made at all.
Needs = Literal["nothing", "mapping", "snapshot", "cases"]


@dataclass(frozen=True, kw_only=True)
class Check:
    """A kind of finding; its code is stable, so that it can be searched for and ignored."""

    severity: Severity
    says: str  # one sentence, for SARIF and the docs
    needs: Needs = "nothing"


CHECKS: Mapping[str, Check] = {
    "contradiction": Check(severity="error", says="A condition that can never be true."),
    "unreachable-rule": Check(
        severity="error", says="Wherever the rule or sentence holds, an earlier one holds too and takes the row."
    ),
    "gap": Check(severity="warning", says="A record with all tested fields filled hits no rule of the class."),
    "overlap": Check(
        severity="error", says="Two rules hold for one record in a class whose hit policy allows one value."
    ),
    "unused-parameter": Check(severity="warning", says="No condition, expression or text reads the parameter."),
    "unused-feature": Check(severity="warning", says="No rule, text or write reads the feature."),
    "unused-set": Check(severity="warning", says="Nothing is computed from the set."),
    "unused-fact": Check(severity="warning", says="No inference rule, evidence or feature reads the fact."),
    "ignores-refunds": Check(severity="warning", says="Money of orders is summed without taking refunds off."),
    "missing-text": Check(severity="warning", says="What people read has no text: a label, or the reason of a finding."),
    "untranslated": Check(severity="warning", says="A text is in the wrong language, or the same in Chinese and English."),
    "no-case": Check(severity="warning", says="The ruleset has no case."),
    "shadowed-rule": Check(
        severity="warning", says="The rule holds for real records, but an earlier one always takes them.", needs="snapshot"
    ),
    "dead-field": Check(severity="warning", says="A field that rules read is hardly filled in the CRM.", needs="snapshot"),
    "unmapped-field": Check(severity="warning", says="The mapping does not bring a field that rules read.", needs="mapping"),
    "absent-value": Check(
        severity="warning", says="A rule compares with a value that no record of the CRM has.", needs="snapshot"
    ),
    "never-fires": Check(
        severity="warning", says="An entry never fires in the ruleset's cases; `ruleset coverage` tells.", needs="cases"
    ),
    "ignore-without-reason": Check(severity="error", says="An ignore comment does not say why."),
    "unused-ignore": Check(severity="warning", says="An ignore comment stands where there is nothing to ignore."),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Question:
    """Rows of ``frame`` where all of ``true`` hold, none of ``untrue`` does, and all of ``present`` are there.

    ``inside`` is the class in whose rules the conditions stand.
    """

    frame: str
    true: tuple[Condition, ...] = ()
    untrue: tuple[Condition, ...] = ()
    present: tuple[str, ...] = ()
    inside: str = ""


@dataclass(frozen=True, kw_only=True)
class Hits:
    """How many real records a finding concerns, and one of them."""

    matched: int
    total: int
    object: str  # what was counted: account, contact, order ...
    record: str = ""  # the smallest id that is hit; '' where none is


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One complaint; ``witness`` is a row (dotted path -> value) that shows it."""

    problem: Problem
    witness: Mapping[str, object] = field(default_factory=dict)
    hits: Hits | None = None
    question: Question | None = None  # whom it concerns
    of_sentence: bool = False  # about a sentence of the playbook
    ignored: str = ""  # the reason, where a comment says to ignore it

    @property
    def code(self) -> str:
        return self.problem.code


def finding(
    code: str, message: str, at: Location, *, hint: str = "", expected: str = "",
    witness: Mapping[str, object] | None = None, hits: Hits | None = None, question: Question | None = None,
) -> Finding:  # fmt: skip
    """Return a finding with the severity of its code."""
    problem = Problem(code, message, at, expected, hint, CHECKS[code].severity)
    return Finding(problem=problem, witness=witness or {}, hits=hits, question=question)
