"""Why a condition is true, false or unknown on a row: the leaves that made it so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from crmrules.evaluation.interpreter import LeafTrace, Row, evaluate, trace
from crmrules.explain.explanation import Reason
from crmrules.explain.show import Labels, show_leaf
from crmrules.language.conditions import AllOf, AnyOf, Condition, Not


def decisive(condition: Condition, row: Row, as_of: date, *, negated: bool = False) -> Iterator[tuple[LeafTrace, bool]]:
    """Yield (leaf's trace, negated) for every leaf that determines what *condition* is on *row*.

    Of a true disjunction only the true branches matter, of a false conjunction only the false
    ones, and the unknown ones where the whole is unknown.
    """
    match condition:
        case Not(part):
            yield from decisive(part, row, as_of, negated=not negated)
        case AllOf(parts) | AnyOf(parts):
            whole = evaluate(condition, row, as_of)
            for part in parts:
                if evaluate(part, row, as_of) is whole:
                    yield from decisive(part, row, as_of, negated=negated)
        case _:
            yield trace(condition, row, as_of)[0], negated


def reasons(
    condition: Condition, frame: str, row: Row, as_of: date, labels: Labels, language: str
) -> tuple[Reason, ...]:
    """Return the decisive leaves of *condition* in writing order, in words and with the values they met."""
    found: dict[Reason, None] = {}
    for leaf, negated in decisive(condition, row, as_of):
        reason = Reason(
            field=leaf.leaf.field,
            test=show_leaf(leaf, frame, as_of, labels, language, negated=negated),
            actual=labels.value(frame, leaf.leaf.field, leaf.value, language),
            holds=leaf.result if leaf.result is None else leaf.result is not negated,
        )
        found[reason] = None
    return tuple(found)
