"""What is defined and read by nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crmrules.authoring.lint.findings import Finding, finding
from crmrules.authoring.lint.places import places
from crmrules.authoring.lint.sources import Sources
from crmrules.authoring.lint.texts import template_texts
from crmrules.errors import Location
from crmrules.language.conditions import Choice, fields_of
from crmrules.language.expressions import names_of
from crmrules.language.ruleset import Aggregate, Feature, Formula, Ruleset, Score


def check_unused(ruleset: Ruleset, sources: Sources) -> Iterator[Finding]:
    """Yield parameters, features, sets and facts that have no reader, in *ruleset* or the texts of its files.

    A feature with a label is for people, who see it beside the classes and in what is exported.
    """
    for name, parameter in ruleset.parameters.items():
        if name not in sources.parameters_read:
            at = sources.parameter_at(name) or parameter.at
            yield finding("unused-parameter", f"nothing reads the parameter '{name}'", at, hint="drop it, or use it")
    read = set(paths_read(ruleset))
    words = {word for text in template_texts(ruleset) for word in re.findall(r"\w+", text)}
    written = {write.outcome.removeprefix("feature.") for write in ruleset.write}
    for name, feature in ruleset.features.items():
        if not feature.label and name not in read | words | written:
            yield finding(
                "unused-feature", f"nothing reads the feature '{name}'", feature.at, hint="drop it, or use it"
            )
    searched = set(_searched(ruleset))
    for name, subset in ruleset.sets.items():
        if name not in searched:
            yield finding("unused-set", f"nothing is computed from the set '{name}'", subset.at)
    yield from _facts(ruleset, searched)


def paths_read(ruleset: Ruleset) -> Iterator[str]:
    """Yield the last step of every path that *ruleset* reads."""
    for path in _paths(ruleset):
        yield path.rpartition(".")[2]


def _paths(ruleset: Ruleset) -> Iterator[str]:
    for place in places(ruleset):
        yield from fields_of(place.when)
    for feature in ruleset.features.values():
        yield from _feature_paths(feature)
    for parameter in ruleset.parameters.values():
        yield parameter.by
    for dimension in ruleset.classes.values():
        yield dimension.copy
        if dimension.hysteresis is not None:
            yield dimension.hysteresis.field
    for item in ruleset.roles.items if ruleset.roles else ():
        yield from (item.who, item.deal, item.date, item.role_from)
    for properties in ruleset.inference.facts.values() if ruleset.inference else ():
        yield from (property.source for property in properties)


def _feature_paths(feature: Feature) -> Iterator[str]:
    match feature:
        case Aggregate():
            yield from names_of(feature.value) if feature.value is not None else ()
            yield from (days.field for days in (feature.within, feature.before) if isinstance(days, Choice))
            yield feature.via
            if feature.money is not None:
                yield feature.money.field
        case Formula():
            yield from names_of(feature.expr)
        case Score():
            yield feature.field


def _searched(ruleset: Ruleset) -> Iterator[str]:
    """Yield all that ``of:`` and ``from:`` name."""
    yield from (feature.from_ for feature in ruleset.features.values() if isinstance(feature, Aggregate))
    yield from (subset.from_ for subset in ruleset.sets.values())
    yield from (item.of for item in (ruleset.roles.items if ruleset.roles else ()))
    yield from (source.of for source in ruleset.facts)


def _facts(ruleset: Ruleset, searched: set[str]) -> Iterator[Finding]:
    if ruleset.inference is None:
        return
    joined = {atom.fact for rule in ruleset.inference.rules for atom in (*rule.all_, *rule.none)}
    base = {source.fact: source.at for source in ruleset.facts}
    derived: dict[str, Location] = {rule.then: rule.at for rule in reversed(ruleset.inference.rules)}
    for fact in ruleset.inference.facts:
        if fact not in joined and f"fact.{fact}" not in searched:
            at = base.get(fact) or derived.get(fact) or Location(ruleset.folder)
            yield finding(
                "unused-fact", f"nothing reads the fact '{fact}'", at, hint=f"evidence or a feature of: fact.{fact}"
            )
