"""Every condition of a ruleset, with its name, the rows it is about and the place where it is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crmrules.errors import Location
from crmrules.language.conditions import Condition
from crmrules.language.frames import source_frame
from crmrules.language.ruleset import Aggregate, Ruleset, Score


@dataclass(frozen=True)
class Place:
    """A condition over rows of ``frame``; ``inside`` is the class in whose rules it stands."""

    kind: str
    id: str
    frame: str
    when: Condition
    at: Location
    inside: str = ""

    def __str__(self) -> str:
        return f"{self.kind} '{self.id}'"


def places(ruleset: Ruleset) -> Iterator[Place]:
    """Yield all conditions of *ruleset*, section by section."""
    for subset in ruleset.sets.values():
        yield Place("set", subset.name, subset.from_, subset.where, subset.at)
    for feature in ruleset.features.values():
        if isinstance(feature, Aggregate):
            frame = source_frame(ruleset, feature.from_)
            yield Place("feature", feature.name, frame, feature.where, feature.at)
            if feature.that is not None:
                yield Place("feature", feature.name, frame, feature.that, feature.at)
        elif isinstance(feature, Score):
            yield Place("feature", feature.name, feature.of, feature.where, feature.at)
    for dimension in ruleset.classes.values():
        for rule in dimension.rules:
            yield Place("rule", rule.id, dimension.of, rule.when, rule.at, dimension.name)
    for item in ruleset.roles.items if ruleset.roles else ():
        yield Place("evidence", item.id, source_frame(ruleset, item.of), item.when, item.at)
    for question in ruleset.roles.questions if ruleset.roles else ():
        yield Place("question", question.id, "part", question.when, question.at)
    for source in ruleset.facts:
        yield Place("fact", source.fact, source_frame(ruleset, source.of), source.when, source.at)
    for flag in ruleset.flags.values():
        yield Place("flag", flag.id, flag.of, flag.when, flag.at)
    for guard in ruleset.guards:
        yield Place("guard", guard.id, guard.of, guard.when, guard.at)
    for sentence in ruleset.playbook.sentences if ruleset.playbook else ():
        yield Place("sentence", sentence.id, sentence.of, sentence.when, sentence.at)
    for write in ruleset.write:
        yield Place("write", write.id, write.of, write.when, write.at)
