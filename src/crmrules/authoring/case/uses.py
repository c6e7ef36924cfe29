"""Which fields of the records decide outcomes, and what a ruleset itself says about their texts.

A text that the ruleset says (a value that a rule compares with, a phrase that a pattern finds) tells
nothing about anybody; every other text may.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from crmrules.authoring.lint.places import places
from crmrules.evaluation.dependencies import read_paths
from crmrules.evaluation.relations import RECORD, lexicon_of
from crmrules.language.conditions import Among, Choice, Compare, Condition, Has, Leaf, Matches, fields_of, leaves
from crmrules.language.expressions import Name
from crmrules.language.frames import frames, reach, source_frame
from crmrules.language.ruleset import Aggregate, Lexicon, Phrases, Ruleset
from crmrules.model.objects import OBJECTS

_OF_ROLES = {
    "contact": ("account_id", "role_locked", "crm_role", "crm_role_set_on"),
    "deal": ("account_id", "status"),
    "deal_contact": ("role", "set_on", "locked"),
}
_OF_PHRASES = {
    "activity": ("account_id", "deal_id", "date", "direction", "type", "text"),
    "contact": ("account_id", "name", "title", "department", "status"),
    "activity_contact": ("part",),
}
_SPOKEN = {  # what evaluation itself compares with
    ("deal", "status"): ("open",),
    ("activity", "direction"): ("in", "out", "both"),
    ("activity_contact", "part"): ("participant", "introduced", "copied"),
    ("contact", "status"): ("left", "inactive", "departed", "离职", "离任", "active"),
}
_NOT_OUTCOMES = ("sentence", "write")


@dataclass
class Use:
    """What a ruleset says about the texts of one field."""

    values: set[str] = field(default_factory=set)  # it is compared with these
    patterns: set[str] = field(default_factory=set)  # RE2, looked for in the text as it stands
    words: set[str] = field(default_factory=set)  # RE2, looked for in the normalised text
    literals: set[str] = field(default_factory=set)  # plain words, looked for in the normalised text


Uses = Mapping[tuple[str, str], Use]  # (object, field) -> use


def uses(ruleset: Ruleset) -> Uses:
    """Return every record field that decides a class, a role or a flag."""
    return _Reader(ruleset).read()


class _Reader:
    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset, self.frames = ruleset, frames(ruleset)
        self.own = {(r.object, r.field) for r in ruleset.requires}
        self.found: defaultdict[tuple[str, str], Use] = defaultdict(Use)

    def read(self) -> Uses:
        ruleset = self.ruleset
        for place in places(ruleset):
            if place.kind not in _NOT_OUTCOMES:
                self._condition(place.frame, place.when, place.inside)
        for node in (*ruleset.features.values(), *ruleset.classes.values()):
            frame, paths = read_paths(ruleset, self.frames, node)
            for path in paths:
                self._path(frame, path)
        for dimension in ruleset.classes.values():
            if dimension.copy:
                for use in self._path(dimension.of, dimension.copy, dimension.name):
                    use.values.update(dimension.values)
        self._roles()
        if ruleset.phrases is not None and ruleset.phrases.cues:
            self._phrases(ruleset.phrases)
        for key, said in _SPOKEN.items():
            if key in self.found:
                self.found[key].values.update(said)
        return dict(self.found)

    def _roles(self) -> None:
        model = self.ruleset.roles
        if model is None:
            return
        self._always(_OF_ROLES)
        known = {*model.roles, *model.native}
        self.found["contact", "crm_role"].values.update(known)
        self.found["deal_contact", "role"].values.update(known)
        for item in model.items:
            frame = source_frame(self.ruleset, item.of)
            for path in filter(None, (item.who, item.deal, item.date, item.role_from)):
                for use in self._path(frame, path):
                    use.values.update(known if path == item.role_from else ())
        program = self.ruleset.inference
        for source in self.ruleset.facts:
            for property in program.facts[source.fact] if program is not None else ():
                for use in self._path(source.of, property.source):
                    use.values.update(property.names)

    def _phrases(self, phrases: Phrases) -> None:
        self._always(_OF_PHRASES)
        said = self.found["activity", "text"]
        said.words |= {text for cue in phrases.cues for text in (*cue.patterns, *cue.unless)} | set(phrases.negations)
        said.literals |= {*phrases.honorifics, *phrases.speech_verbs}
        self.found["contact", "title"].literals |= {*phrases.honorifics, *phrases.nicknames.values()}

    def _always(self, fields: Mapping[str, tuple[str, ...]]) -> None:
        for object, names in fields.items():
            for name in names:
                _ = self.found[object, name]

    def _condition(self, frame: str, condition: Condition, inside: str) -> None:
        for path in fields_of(condition):
            self._path(frame, path, inside)
        for leaf in leaves(condition):
            for use in self._path(frame, leaf.field, inside):
                if isinstance(leaf, Matches):
                    use.patterns.add(leaf.pattern)
                use.values.update(_texts(leaf))

    def _path(self, frame: str, path: str, inside: str = "") -> Iterator[Use]:
        """Note that *path* is read, with the references on its way; return the uses of the texts where it ends."""
        *steps, _ = path.split(".")
        here = self.frames.get(frame)
        for step in steps:
            if here is None or step not in here.relations:
                break
            column, there = here.relations[step]
            if here.name in OBJECTS:
                _ = self.found[here.name, column]
            here = self.frames.get(there)
        target, column = reach(self.frames, frame, path.removesuffix(RECORD))
        return iter(self._uses(target.name, column, raw=path == inside or path.endswith(RECORD)) if target else ())

    def _uses(self, owner: str, column: str, *, raw: bool) -> list[Use]:
        ruleset = self.ruleset
        if lexicon := lexicon_of(ruleset, owner, column):
            for name in filter(None, (lexicon.field, lexicon.fallback_field)):
                _add_lexicon(self.found[owner, name], lexicon)
            return []
        decided, feature = ruleset.classes.get(column), ruleset.features.get(column)
        if not raw and decided is not None and decided.of == owner:
            return []
        if isinstance(feature, Aggregate) and feature.of == owner:  # e.g. the most frequent category
            if isinstance(feature.value, Name):
                return list(self._path(source_frame(ruleset, feature.from_), feature.value.field))
            return []
        if owner in OBJECTS and (OBJECTS[owner].field(column) is not None or (owner, column) in self.own):
            return [self.found[owner, column]]
        return []


def _add_lexicon(use: Use, lexicon: Lexicon) -> None:
    for block in lexicon.blocks:
        for pattern in block.patterns:
            (use.literals if pattern.literal else use.words).add(pattern.pattern)
    use.words |= {text for m in lexicon.modifiers for text in (*m.patterns, *m.except_)}
    use.literals |= set(lexicon.split)


def _texts(leaf: Leaf) -> Iterator[str]:
    """Yield the texts that *leaf* compares its field with."""
    match leaf:
        case Compare(_, _, Choice(_, cases, default)):
            yield from (v for v in (*cases.values(), default) if isinstance(v, str))
        case Compare(_, _, str(value)) | Has(_, value):
            yield value
        case Among(_, values):
            yield from (v for v in values if isinstance(v, str))
