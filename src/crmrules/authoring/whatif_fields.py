"""Which fields a seller can change, and in which direction: nobody gets a customer to move to another province."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from math import inf
from typing import Any

from crmrules.language.expressions import names_of
from crmrules.language.frames import Frame, reach, source_frame
from crmrules.language.ruleset import Aggregate, Formula, Ruleset, Score
from crmrules.model.objects import OBJECTS

# Fields of the record that our work, our data entry or the customer's experience with us changes.
_ACTIONABLE: Mapping[str, frozenset[str]] = {
    "account": frozenset({
        "status", "contract_end", "nps", "share_of_wallet", "referrals", "max_overdue_days", "defaults_24m", "paid_invoices",
        "gross_margin_rate", "cost_to_serve_window", "claims_paid_window", "aum_avg_12m", "app_logins_30d",
        "branch_visits_12m", "installed_base",
    }),
    "contact": frozenset({"status", "relation"}),
    "deal": frozenset({"amount", "stage", "status", "closed_on", "product", "new_requirement"}),
}  # fmt: skip
_SUMMED = frozenset({"count", "sum", "max", "distinct", "last"})  # more can come; what happened stays
_BOUNDS: Mapping[str, tuple[float, float]] = {"0..1": (0, 1), "0..10": (0, 10)}  # unit -> what there is
_HISTORY = frozenset({"defaults_24m", "max_overdue_days"})  # no seller makes these rise on purpose


def actionable(ruleset: Ruleset, frames: Mapping[str, Frame], frame: str, path: str) -> bool:
    """Return whether a seller can change what *path* means, seen from *frame*."""
    here, column = reach(frames, frame, path)
    if here is None:
        return False
    feature = ruleset.features.get(column)
    if feature is not None and feature.of == here.name:
        return _feature(ruleset, frames, feature)
    if any(r.object == here.name and r.field == column for r in ruleset.requires):
        declared = OBJECTS.get(here.name)
        if declared is None or declared.field(column) is None:
            return True  # a field that the client added: nobody knows better than her
    return column in _ACTIONABLE.get(here.name, frozenset())


def _feature(ruleset: Ruleset, frames: Mapping[str, Frame], feature: Aggregate | Formula | Score) -> bool:
    match feature:
        case Aggregate(agg=agg):
            return agg not in ("min", "first") and source_frame(ruleset, feature.from_) != "browsing"
        case Formula():
            return any(actionable(ruleset, frames, feature.of, name) for name in names_of(feature.expr))
        case Score():
            return actionable(ruleset, frames, feature.of, feature.field)


def realistic(ruleset: Ruleset, frames: Mapping[str, Frame], frame: str, path: str, old: Any, new: Any) -> bool:
    """Return whether an actionable *path* can go from *old* to *new*."""
    here, column = reach(frames, frame, path)
    name = here.name if here is not None else frame
    feature = ruleset.features.get(column)
    if not _comparable(new):
        return True
    if isinstance(feature, Aggregate) and feature.of == name:
        if feature.agg == "days_since":
            return bool(new >= 0 and (old is None or new < old))
        if feature.agg in _SUMMED and _comparable(old):
            return bool(new > old)
        return not _is_number(new) or bool(new >= 0)
    if column in _HISTORY and _comparable(old) and not new < old:
        return False
    declared = OBJECTS[name].field(column) if name in OBJECTS else None
    low, high = _BOUNDS.get(declared.unit if declared else "", (0, inf))
    return not _is_number(new) or feature is not None or bool(low <= new <= high)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def _comparable(value: object) -> bool:
    return _is_number(value) or isinstance(value, (date, datetime))
