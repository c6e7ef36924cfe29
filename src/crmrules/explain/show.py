"""How values, fields and tests look to a reader, in one language.

Everything from a CRM is hostile text: it goes through :func:`crmrules.model.text.clean`, and long
texts are cut.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from crmrules.evaluation.evidence import ALL_ROLES
from crmrules.evaluation.interpreter import LeafTrace
from crmrules.explain.words import WORDS, word
from crmrules.language.conditions import (
    Among,
    Between,
    Compare,
    FieldRef,
    Has,
    Matches,
    Missing,
    OlderThan,
    Within,
)
from crmrules.language.frames import Frame, frames, reach
from crmrules.language.ruleset import UNKNOWN, Ruleset
from crmrules.language.vocabulary import BANDS
from crmrules.model.objects import OBJECTS
from crmrules.model.text import Text, clean

Row = Mapping[str, object]
LIMIT = 160  # characters of one value


def short(value: str, limit: int = LIMIT) -> str:
    """Return *value* on one line, without what could act on a screen, at most *limit* characters long."""
    flat = " ".join(clean(value).split())
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


def show_number(value: float | Decimal) -> str:
    """Return a number with thousands separators and no more digits than it needs (at most 4)."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    text = f"{value:,.4f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def show_value(value: object, language: str) -> str:
    """Return any value of a row as text: missing values by name, dates as ISO days."""
    match value:
        case None:
            return word("missing", language)
        case float() if math.isnan(value):
            return word("missing", language)
        case bool():
            return word("true" if value else "false", language)
        case int() | float() | Decimal():
            return show_number(value)
        case datetime():
            return value.isoformat(sep=" ", timespec="minutes")
        case date():
            return value.isoformat()
        case list() | tuple():
            return ", ".join(show_value(v, language) for v in value) or word("empty", language)
        case _:
            return short(str(value)) or word("empty", language)


@dataclass(frozen=True)
class Labels:
    """Names of fields and values as a ruleset and the canonical model give them."""

    ruleset: Ruleset

    @cached_property
    def frames(self) -> Mapping[str, Frame]:
        return frames(self.ruleset)

    def field(self, frame: str, path: str, language: str) -> str:
        """Return the label of the dotted *path* seen from *frame*: relations by name, then the field."""
        target, column = reach(self.frames, frame, path)
        label = self._column(target.name if target is not None else frame, column).of(language) or column
        steps = path.split(".")[:-1]
        here, words = self.frames.get(frame), []
        for step in steps:
            here = self.frames.get(here.relations[step][1]) if here is not None and step in here.relations else None
            words.append(OBJECTS[here.name].label.of(language) if here and here.name in OBJECTS else step)
        return " · ".join((*words, label))

    def value(self, frame: str, path: str, value: object, language: str) -> str:
        """Return *value* by its label where the column has a closed list of values, with its unit else."""
        target, column = reach(self.frames, frame, path)
        if isinstance(value, (list, tuple)):
            return ", ".join(self.value(frame, path, v, language) for v in value) or word("empty", language)
        if isinstance(value, str):
            label = self._values(target.name if target is not None else frame, column).get(value)
            if label:
                return label.of(language)
        shown = show_value(value, language)
        unit = self.unit(frame, path)
        if unit and value is not None and f"unit.{unit}" in WORDS:
            return f"{shown} {word(f'unit.{unit}', language)}"
        return shown

    def unit(self, frame: str, path: str) -> str:
        """Return the unit that the model or the ruleset gives the column, or ''."""
        target, column = reach(self.frames, frame, path)
        name = target.name if target is not None else frame
        feature = self.ruleset.features.get(column)
        if feature is not None and feature.of == name:
            counts_days = getattr(feature, "agg", "") in ("days_since", "interval_median", "interval_quantile")
            return feature.unit or ("days" if counts_days else "")
        known = OBJECTS[name].field(column) if name in OBJECTS else None
        return known.unit if known is not None else ""

    def class_value(self, dimension: str, value: object, language: str) -> str:
        """Return the label of a class's value; ``unknown`` has one even where the ruleset gives none."""
        if isinstance(value, (list, tuple)):
            return ", ".join(self.class_value(dimension, v, language) for v in value) or word("empty", language)
        if value is None:
            return word("unknown", language)
        known = self.ruleset.classes[dimension].values.get(str(value)) if dimension in self.ruleset.classes else None
        if known:
            return short(known.of(language))
        return word("unknown", language) if value == UNKNOWN else short(str(value))

    def role(self, role: str, language: str) -> str:
        """Return the label of a buying role."""
        model = self.ruleset.roles
        if model is not None and role in model.roles:
            return model.roles[role].of(language) or role
        if role == ALL_ROLES:
            return word("all_roles", language)
        return word("unknown", language) if role == UNKNOWN else short(role)

    def stance(self, stance: str, language: str) -> str:
        """Return the label of a stance."""
        model = self.ruleset.roles
        if model is not None and stance in model.stance.labels:
            return model.stance.labels[stance].of(language) or stance
        return word("unknown", language) if stance == UNKNOWN else short(stance)

    def band(self, band: str, language: str) -> str:
        """Return the label of a confidence band."""
        return BANDS[band].of(language) if band in BANDS else short(band)

    def _column(self, frame: str, column: str) -> Text:
        feature = self.ruleset.features.get(column)
        if feature is not None and feature.of == frame:
            return feature.label
        dimension = self.ruleset.classes.get(column)
        if dimension is not None and dimension.of == frame:
            return dimension.label
        known = OBJECTS[frame].field(column) if frame in OBJECTS else None
        if known is not None:
            return known.label
        wanted = (r.label for r in self.ruleset.requires if r.object == frame and r.field == column)
        return next(wanted, Text())

    def _values(self, frame: str, column: str) -> Mapping[str, Text]:
        dimension = self.ruleset.classes.get(column)
        if dimension is not None and dimension.of == frame:
            return dimension.values
        model = self.ruleset.roles
        if model is not None and frame in ("contact", "part", "candidate", "evidence"):
            if column in ("role", "roles"):
                return model.roles
            if column == "stance":
                return model.stance.labels
        return {}


def show_leaf(
    trace: LeafTrace, frame: str, as_of: date, labels: Labels, language: str, *, negated: bool = False
) -> str:
    """Return the test that a leaf made, with parameters bound, e.g. ``Orders ≥ 4``."""
    leaf, wanted = trace.leaf, trace.wanted

    def say(value: object) -> str:
        return labels.value(frame, leaf.field, value, language)

    def against(operand: object, value: object) -> str:
        if not isinstance(operand, FieldRef):
            return say(value)
        other = labels.field(frame, operand.field, language)
        if operand.times != 1:
            other = word("times", language, field=other, factor=show_value(operand.times, language))
        return f"{other} ({say(value)})"

    match leaf:
        case Compare(_, op, operand):
            key, shown = op.value, against(operand, wanted[0])
        case Among():
            key, shown = "among", " / ".join(map(say, wanted))
        case Between(_, low, high, low_open, high_open):
            key = "between"
            inside = f"{against(low, wanted[0])} … {against(high, wanted[1])}"
            shown = f"{'(' if low_open else '['}{inside}{')' if high_open else ']'}"
        case Matches(_, pattern):
            key, shown = "matches", f"/{short(pattern)}/"
        case Has(_, item):
            key, shown = "has", say(item)
        case Missing():
            key, shown = "is_missing", ""
        case Within():
            key, shown = "within", _days(as_of, wanted[0])
        case OlderThan():
            key, shown = "older_than", _days(as_of, wanted[0])
    return word(
        f"not.{key}" if negated else key, language, field=labels.field(frame, leaf.field, language), value=shown
    )


def _days(as_of: date, since: object) -> str:
    return str((as_of - since).days) if isinstance(since, date) else ""
