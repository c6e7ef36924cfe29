"""Money of orders that is summed without refunds."""

from __future__ import annotations

from collections.abc import Iterator

from crmrules.authoring.lint.findings import Finding, finding
from crmrules.language.conditions import fields_of
from crmrules.language.expressions import names_of
from crmrules.language.frames import source_frame
from crmrules.language.ruleset import Aggregate, Formula, Ruleset

_SUMMED = ("sum", "mean", "median", "quantile", "max", "min")


def check_money(ruleset: Ruleset) -> Iterator[Finding]:
    """Yield aggregates over orders that take their amount and never look at the refund."""
    for feature in ruleset.features.values():
        if not isinstance(feature, Aggregate) or feature.agg not in _SUMMED or feature.value is None:
            continue
        if source_frame(ruleset, feature.from_) != "order":
            continue
        read = _behind(ruleset, names_of(feature.value))
        tested = _behind(ruleset, fields_of(feature.where) | _set_fields(ruleset, feature))
        if "amount" in read and "refund" not in read | tested:
            yield finding(
                "ignores-refunds", f"'{feature.name}' takes the amount of orders and no refund off it", feature.at,
                expected="amount - coalesce(refund, 0)", hint="sum a formula of order that takes refunds off",
            )  # fmt: skip


def _set_fields(ruleset: Ruleset, feature: Aggregate) -> frozenset[str]:
    subset = ruleset.sets.get(feature.from_)
    return fields_of(subset.where) if subset is not None else frozenset()


def _behind(ruleset: Ruleset, names: frozenset[str]) -> set[str]:
    """Return *names* and all that the order's formulas among them read."""
    found, todo = set(names), list(names)
    while todo:
        formula = ruleset.features.get(todo.pop())
        if isinstance(formula, Formula) and formula.of == "order":
            new = names_of(formula.expr) - found
            found |= new
            todo += new
    return found
