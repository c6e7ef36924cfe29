"""What the ruleset itself says about the columns that conditions read: types, possible values, limits, never missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from crmrules.authoring.lint.space import Column
from crmrules.language.domains import Domain, domains
from crmrules.language.frames import Frame, frames, reach
from crmrules.language.retype import type_inside
from crmrules.language.ruleset import Aggregate, Feature, Ruleset, Score

_COUNTED = ("count", "distinct")  # of no rows they are 0, never missing
_NOT_NEGATIVE = (*_COUNTED, "days_since", "interval_median", "interval_quantile")


@dataclass(frozen=True)
class Known:
    """A ruleset's frames and domains, looked up once."""

    ruleset: Ruleset

    @cached_property
    def frames(self) -> Mapping[str, Frame]:
        return frames(self.ruleset)

    @cached_property
    def domains(self) -> Mapping[tuple[str, str], Domain]:
        return domains(self.ruleset)

    def columns(self, frame: str, paths: Iterable[str], inside: str = "") -> dict[str, Column]:
        """Return what is known of *paths*, seen from rows of *frame* in the rules of the class *inside*."""
        return {path: self._column(frame, path, inside) for path in paths}

    def owner(self, frame: str, path: str) -> tuple[str, str]:
        """Return the frame and the column where *path* ends; the frame is '' where it ends nowhere."""
        target, column = reach(self.frames, frame, path)
        return (target.name if target is not None else "", column)

    def feature(self, frame: str, path: str) -> Feature | None:
        """Return the feature that *path* reads, None where it reads something else."""
        owner, column = self.owner(frame, path)
        found = self.ruleset.features.get(column)
        return found if found is not None and found.of == ("part" if owner == "candidate" else owner) else None

    def _column(self, frame: str, path: str, inside: str) -> Column:
        type = type_inside(self.frames, frame, path, inside)
        if path == inside:
            return Column(type)
        owner, name = self.owner(frame, path)
        domain = self.domains.get((owner, name))
        dimension = self.ruleset.classes.get(name)
        feature = self.feature(frame, path)
        own = "." not in path
        decided = own and dimension is not None and dimension.of == owner
        counted = own and isinstance(feature, Aggregate) and feature.agg in _COUNTED
        low, high = _limits(feature)
        return Column(type, domain.values if domain else None, low, high, nullable=not (decided or counted))


def _limits(feature: Feature | None) -> tuple[Fraction | None, Fraction | None]:
    match feature:
        case Aggregate(agg=agg) if agg in _NOT_NEGATIVE:
            return Fraction(0), None
        case Aggregate(agg="share" | "top_share", value=None):
            return Fraction(0), Fraction(1)
        case Score(by="cuts"):
            return Fraction(1), Fraction(len(feature.cuts) + 1)
        case Score(by="quantile" | "ntile"):
            return Fraction(1), Fraction(feature.bins)
        case Score(by="rank"):
            return Fraction(1), None
        case Score(by="percent_rank"):
            return Fraction(0), Fraction(1)
    return None, None
