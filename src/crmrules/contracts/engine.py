"""What an inference engine is: facts of one account in, derived facts out.

Facts hold ints, bools and names from the ruleset only; the caller has encoded everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from crmrules.model.program import Program

Value = int | bool | str
Fact = tuple[str, Mapping[str, Value]]  # (fact type, property -> value); a missing property is absent


@dataclass(frozen=True, kw_only=True)
class Derived:
    """A derived fact, the rule that made it first, and the facts it was made from."""

    fact: Fact
    rule: str


class Session(Protocol):
    """A compiled program."""

    def run(self, accounts: Iterable[tuple[int, list[Fact]]]) -> Iterator[tuple[int, list[Derived]]]:
        """Yield the derived facts of each account; deduplicated, in a canonical order."""


@dataclass(frozen=True, kw_only=True)
class EnginePlugin:
    """What a plugin registers. ``compile`` raises RulesetError where a limit is exceeded;
    ``available`` says why the engine can't run here, or ''."""

    name: str
    compile: Callable[[Program], Session]
    available: Callable[[], str]
