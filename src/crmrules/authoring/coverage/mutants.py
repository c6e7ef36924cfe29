"""The mutants of a ruleset: one small fault each, that a good set of cases notices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from crmrules.authoring.coverage.variants import variants
from crmrules.authoring.lint.places import Place, places
from crmrules.authoring.lint.rules import switched_off
from crmrules.errors import Location
from crmrules.language.conditions import ALWAYS, AnyOf, Condition
from crmrules.language.ruleset import Ruleset

NEVER = AnyOf(())
# What decides. Features and sets are measured by what they do to these; what is written follows from them.
KINDS = ("rule", "evidence", "flag", "guard", "sentence", "cue", "inference")
Key = tuple[str, str, str, tuple[int, ...]]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A fault in the entry *id* of *kind* (one of :data:`KINDS`)."""

    kind: str
    id: str
    change: str  # see Variant; also remove, exchange, zero, turn, polarity
    place: tuple[int, ...] = ()  # in the condition
    told: str
    at: Location
    frame: str = ""
    inside: str = ""  # the class
    before: Condition = ALWAYS
    after: Condition = ALWAYS

    @property
    def key(self) -> Key:
        """What the same fault is called under another policy."""
        return self.kind, self.id, self.change, self.place


def mutants(ruleset: Ruleset) -> tuple[Mutant, ...]:
    """Return all mutants of *ruleset*, in the order of its sections; a rule that a parameter switches off has none."""
    return (*_of_conditions(ruleset), *_exchanges(ruleset), *_of_weights(ruleset), *_of_words(ruleset))


def _of_conditions(ruleset: Ruleset) -> Iterator[Mutant]:
    for place in places(ruleset):
        if place.kind not in KINDS or switched_off(place.when):
            continue
        for variant in variants(place.when):
            yield _mutant(place, variant.change, variant.told, variant.condition, variant.place)
        yield _mutant(place, "remove", "removed", NEVER)


def _mutant(place: Place, change: str, told: str, after: Condition, way: tuple[int, ...] = ()) -> Mutant:
    return Mutant(
        kind=place.kind, id=place.id, change=change, place=way, told=told, at=place.at, frame=place.frame,
        inside=place.inside, before=place.when, after=after,
    )  # fmt: skip


def _exchanges(ruleset: Ruleset) -> Iterator[Mutant]:
    """The order of two neighbours, where the first that holds decides."""
    for dimension in ruleset.classes.values():
        if dimension.hit == "first":
            for first, second in pairwise(rule for rule in dimension.rules if not switched_off(rule.when)):
                if first.then != second.then:
                    yield Mutant(
                        kind="rule", id=first.id, change="exchange", told=f"exchanged with {second.id}", at=first.at,
                        frame=dimension.of, inside=dimension.name, before=first.when, after=second.when,
                    )  # fmt: skip
    sentences = ruleset.playbook.sentences if ruleset.playbook else ()
    for _, block in groupby(sorted(sentences, key=lambda s: (s.of, s.block)), key=lambda s: (s.of, s.block)):
        for one, next_ in pairwise(block):
            yield Mutant(
                kind="sentence", id=one.id, change="exchange", told=f"exchanged with {next_.id}", at=one.at, frame=one.of,
                before=one.when, after=next_.when,
            )  # fmt: skip


def _of_weights(ruleset: Ruleset) -> Iterator[Mutant]:
    for item in ruleset.roles.items if ruleset.roles else ():
        if item.gives or item.against:
            for change, told in (("zero", "weights 0"), ("turn", "for and against turned")):
                yield Mutant(kind="evidence", id=item.id, change=change, told=told, at=item.at, frame=item.of)


def _of_words(ruleset: Ruleset) -> Iterator[Mutant]:
    for cue in ruleset.phrases.cues if ruleset.phrases else ():
        for change, told in (("remove", "removed"), ("polarity", "heard where it is negated, and only there")):
            yield Mutant(kind="cue", id=cue.id, change=change, told=told, at=cue.at)
    for rule in ruleset.inference.rules if ruleset.inference else ():
        yield Mutant(kind="inference", id=rule.id, change="remove", told="removed", at=rule.at)
