"""What can go wrong, and what the caller can do about it.

::

    CrmrulesError                 exit code
    ├── RulesetError              3   a ruleset, profile, mapping or case is wrong
    ├── DataError                 4   records are wrong (encoding, duplicate ids, broken dates ...)
    ├── ConnectorError            5   the CRM said no
    │   └── RetryLater                the same call may work later
    │       └── BudgetSpent           this run has asked as much of the CRM as it may
    ├── StoreError                6   snapshot or journal is locked, truncated or of another version
    ├── StoppedByBrake            7   a run would change more than the profile allows
    ├── PlanError                 8   a plan is stale, foreign or not approved
    └── PluginError               9   a plugin is missing, broken or not alone with its name

Expected errors are caught once, in :mod:`crmrules.cli.main`; everything else is a bug
and exits with 70. Exit 1 means "the command worked and found something" (a failed case),
exit 2 is wrong usage of the command line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

from crmrules.redaction import redact

Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True)
class Location:
    """A place in a file; ``line`` and ``column`` count from 1, 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


NOWHERE = Location("<memory>")


@dataclass(frozen=True)
class Problem:
    """One complaint: what, where, what was expected, what to do."""

    code: str  # stable and searchable, e.g. "unknown-key"
    message: str  # one sentence: what is wrong
    at: Location = NOWHERE
    expected: str = ""  # what would have been accepted
    hint: str = ""  # what to do
    severity: Severity = "error"

    def __str__(self) -> str:
        place = "" if self.at == NOWHERE else f"{self.at}: "
        text = f"{place}{self.severity} [{self.code}] {self.message}"
        if self.expected:
            text += f"\n    expected: {self.expected}"
        if self.hint:
            text += f"\n    hint: {self.hint}"
        return text


class CrmrulesError(Exception):
    """An expected failure that carries every :class:`Problem` that was found, without hidden secrets."""

    exit_code = 1

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        found = map(_without_secrets, (problems,) if isinstance(problems, Problem) else problems)
        self.problems: tuple[Problem, ...] = tuple(sorted(found, key=lambda p: (p.at, p.code, p.message)))
        super().__init__("\n".join(map(str, self.problems)))


def _without_secrets(problem: Problem) -> Problem:
    return replace(
        problem, message=redact(problem.message), expected=redact(problem.expected), hint=redact(problem.hint),
        at=replace(problem.at, file=redact(problem.at.file)),
    )  # fmt: skip


class RulesetError(CrmrulesError):
    """A file that a person wrote (ruleset, profile, mapping, case, plan) is wrong."""

    exit_code = 3


class DataError(CrmrulesError):
    """Records are wrong; nothing of them was stored."""

    exit_code = 4


class ConnectorError(CrmrulesError):
    """The CRM refused for good."""

    exit_code = 5


class RetryLater(ConnectorError):
    """The CRM refused for now; the same call may work later."""


class BudgetSpent(RetryLater):
    """This run may not ask the CRM for more; nothing was sent. A later run goes on from here."""


class StoreError(CrmrulesError):
    """The snapshot or the journal can't be opened or is not ours."""

    exit_code = 6


class StoppedByBrake(CrmrulesError):
    """A run would change more than the profile allows."""

    exit_code = 7


class PlanError(CrmrulesError):
    """A plan can't be applied as it is."""

    exit_code = 8


class PluginError(CrmrulesError):
    """A plugin that was asked for is missing, broken, or shares its name with another."""

    exit_code = 9


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'?`` for the nearest of *known*, or an empty string."""
    near = get_close_matches(given, sorted(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else ""
