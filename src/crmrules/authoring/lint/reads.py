"""Which fields of the CRM's records a ruleset reads, who reads them, and the values that they are compared with."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from crmrules.authoring.lint.columns import Known
from crmrules.authoring.lint.formulas import Lit
from crmrules.authoring.lint.places import Place, places
from crmrules.authoring.lint.rules import group, switched_off
from crmrules.errors import Location
from crmrules.evaluation.relations import lexicon_of
from crmrules.language.conditions import (
    AllOf,
    Among,
    AnyOf,
    Choice,
    Compare,
    Condition,
    FieldRef,
    Leaf,
    Not,
    Op,
)
from crmrules.language.expressions import Binary, Call, Expression, Name, Negate
from crmrules.language.frames import source_frame
from crmrules.language.ruleset import Aggregate, Formula, Score
from crmrules.model.objects import OBJECTS, FieldType


@dataclass
class Reading:
    """A field of a record: where it is read first, by whom, and against which texts."""

    object: str
    field: str
    at: Location
    rows: bool = False  # some reader looks at single rows; an aggregation passes over blank ones
    readers: list[str] = dataclasses.field(default_factory=list)
    values: dict[str, tuple[str, Location]] = dataclasses.field(
        default_factory=dict
    )  # text -> who compares with it, where

    def read_by(self, who: str, at: Location, *, rows: bool = True) -> None:
        """Note that *who*, written at *at*, gives nothing where the field is blank (without *rows*: blank on every row)."""
        self.rows |= rows
        if not self.readers:
            self.at = at
        if who not in self.readers:
            self.readers.append(who)

    def __str__(self) -> str:
        return f"{self.object}.{self.field}"


def record_fields(known: Known, as_of: date) -> list[Reading]:
    """Return the record fields that decide something, in the order in which they are met.

    Their readers are those that can give nothing where the field is blank; a test that a parameter
    switches off reads nothing.
    """
    found: dict[tuple[str, str], Reading] = {}

    def reading(object_: str, name: str, at: Location) -> Reading:
        return found.setdefault((object_, name), Reading(object_, name, at))

    for place in places(known.ruleset):
        for path in _needed(known, place, as_of):
            for object_, name in _records(known, place.frame, path, place.inside):
                reading(object_, name, place.at).read_by(str(place), place.at)
        for leaf in _wanted(place.when):
            for object_, name in _records(known, place.frame, leaf.field, place.inside):
                if name == leaf.field.rpartition(".")[2] and known.frames[object_].columns[name] is FieldType.text:
                    for value in _texts(leaf):
                        reading(object_, name, place.at).values.setdefault(value, (str(place), place.at))
    for computed in _computed(known):
        for object_, name in _records(known, computed.frame, computed.path, computed.inside):
            reading(object_, name, computed.at).read_by(computed.who, computed.at, rows=computed.rows)
    return list(found.values())


def _needed(known: Known, place: Place, as_of: date) -> Iterator[str]:
    """Yield the paths without which the condition can't be true."""
    if switched_off(place.when) and not any(True for _ in _wanted(place.when)):
        return
    found = group(known, place.frame, [place.when], as_of, place.inside)
    for path, number in found.space.paths.items():
        variable = found.space.variables[number]
        blank = variable.all & ~variable.present
        if blank and not found.possible(found.holds(0), Lit(number, blank)) and found.possible(found.holds(0)):
            yield path


@dataclass(frozen=True)
class _Computed:
    """A path that is read without a test."""

    frame: str
    path: str
    who: str
    at: Location
    inside: str = ""
    rows: bool = True


def _computed(known: Known) -> Iterator[_Computed]:
    ruleset = known.ruleset
    for feature in ruleset.features.values():
        match feature:
            case Aggregate():
                frame = source_frame(ruleset, feature.from_)
                names = _strict(feature.value) if feature.value is not None else frozenset()
            case Formula():
                frame, names = feature.of, _strict(feature.expr)
            case Score():
                frame, names = feature.of, frozenset({feature.field})
        for name in sorted(names):
            rows = not isinstance(feature, Aggregate)
            yield _Computed(frame, name, f"feature '{feature.name}'", feature.at, rows=rows)
    for dimension in ruleset.classes.values():
        if dimension.copy:
            yield _Computed(dimension.of, dimension.copy, f"class '{dimension.name}'", dimension.at, dimension.name)
    for item in ruleset.roles.items if ruleset.roles else ():
        for path in filter(None, (item.who, item.role_from)):
            yield _Computed(source_frame(ruleset, item.of), path, f"evidence '{item.id}'", item.at)


def _strict(expression: Expression) -> frozenset[str]:
    """Return the fields without which *expression* has no value; it does without what ``coalesce`` and its like may skip."""
    match expression:
        case Call("coalesce" | "least" | "greatest", _):
            return frozenset()
        case Call(_, arguments):
            return frozenset().union(*map(_strict, arguments))
        case Binary(_, left, right):
            return _strict(left) | _strict(right)
        case Negate(operand):
            return _strict(operand)
        case Name(path):
            return frozenset({path})
    return frozenset()


def _records(known: Known, frame: str, path: str, inside: str) -> Iterator[tuple[str, str]]:
    """Yield the record fields behind *path*: itself, or the text that a lexicon reads for it."""
    owner, column = known.owner(frame, path)
    if owner not in OBJECTS:
        return
    if lexicon := lexicon_of(known.ruleset, owner, column):
        yield owner, lexicon.field
        return
    decided = known.ruleset.classes.get(column)
    if path != inside and decided is not None and decided.of == owner:
        return
    required = any(r.object == owner and r.field == column for r in known.ruleset.requires)
    if OBJECTS[owner].field(column) is not None or required:
        yield owner, column


def _wanted(condition: Condition, wanted: bool = True) -> Iterator[Leaf]:
    """Yield the leaves that must be true for *condition* to be so, but for those that a parameter switches off.

    A value that is only excluded may well be absent.
    """
    match condition:
        case AllOf(parts):
            for part in () if AnyOf(()) in parts else parts:
                yield from _wanted(part, wanted)
        case AnyOf(parts):
            for part in parts:
                yield from _wanted(part, wanted)
        case Not(part):
            yield from _wanted(part, not wanted)
        case leaf:
            if wanted:
                yield leaf


def _texts(leaf: Leaf) -> Iterator[str]:
    match leaf:
        case Compare(_, Op.eq, value) if not isinstance(value, (Choice, FieldRef)):
            yield str(value)
        case Among(_, values):
            yield from map(str, values)
