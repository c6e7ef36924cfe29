"""Is there a choice of regions for which all formulas hold? Backtracking with propagation; complete within its budget."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from crmrules.authoring.lint.formulas import And, Formula, Lit, Or

State = dict[int, int]  # variable -> the regions that are left
BUDGET = 20_000  # simplifications of one question


class GaveUp(Exception):
    """The question was too large; nothing may be concluded."""


def solutions(formulas: Iterable[Formula], start: Sequence[int], budget: int = BUDGET) -> Iterator[State]:
    """Yield choices of regions, together all of those for which *formulas* hold. *start* has the regions of each variable.

    Raises GaveUp where the search takes more than *budget* steps.
    """
    left = [budget]
    state = dict(enumerate(start))
    if all(state.values()):
        yield from _search(list(formulas), state, left)


def satisfiable(formulas: Iterable[Formula], start: Sequence[int], budget: int = BUDGET) -> bool:
    """Return whether *formulas* can hold together. Raises GaveUp."""
    return next(solutions(formulas, start, budget), None) is not None


def _search(todo: list[Formula], state: State, left: list[int]) -> Iterator[State]:
    clauses = _propagate(todo, state, left)
    if clauses is None:
        return
    if not clauses:
        yield state
        return
    chosen = min(clauses, key=lambda clause: len(clause.parts))
    rest: list[Formula] = [clause for clause in clauses if clause is not chosen]
    for part in chosen.parts:
        yield from _search([part, *rest], dict(state), left)


def _propagate(todo: list[Formula], state: State, left: list[int]) -> list[Or] | None:
    """Narrow *state* by all that is certain; return the disjunctions that are left, None where nothing is possible."""
    clauses: list[Or] = []
    narrowed = True
    while narrowed:
        narrowed, clauses = False, []
        pending = list(todo)
        todo = []
        while pending:
            left[0] -= 1
            if left[0] < 0:
                raise GaveUp
            match pending.pop():
                case Lit(variable, mask):
                    now = state[variable] & mask
                    if not now:
                        return None
                    narrowed |= now != state[variable]
                    state[variable] = now
                case And(parts):
                    pending.extend(parts)
                case Or(parts):
                    alive = [part for part in parts if _possible(part, state)]
                    if not alive:
                        return None
                    if len(alive) == 1:
                        pending.append(alive[0])
                    elif not any(_certain(part, state) for part in alive):
                        clauses.append(Or(tuple(alive)))
        todo = list(clauses)
    return clauses


def _possible(formula: Formula, state: State) -> bool:
    match formula:
        case Lit(variable, mask):
            return bool(state[variable] & mask)
        case And(parts):
            return all(_possible(part, state) for part in parts)
        case Or(parts):
            return any(_possible(part, state) for part in parts)


def _certain(formula: Formula, state: State) -> bool:
    match formula:
        case Lit(variable, mask):
            return not state[variable] & ~mask
        case And(parts):
            return all(_certain(part, state) for part in parts)
        case Or(parts):
            return any(_certain(part, state) for part in parts)
