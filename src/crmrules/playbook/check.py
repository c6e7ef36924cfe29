"""Check every template of a ruleset before a customer meets it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crmrules.contracts.renderer import Vocabulary
from crmrules.errors import Location, Problem, did_you_mean
from crmrules.language.frames import Frame, frames, resolve
from crmrules.language.ruleset import Ruleset
from crmrules.model.text import Text
from crmrules.playbook.render import compile_template
from crmrules.playbook.sentences import says_one_sentence

_PARAMETERS = "parameters."


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A text of the ruleset: who has it, which frame's row fills it ('' where nothing is known)."""

    owner: str
    text: Text
    frame: str
    at: Location
    one_sentence: bool = False


def check_texts(ruleset: Ruleset) -> list[Problem]:
    """Return everything that is wrong with the templates of *ruleset*: syntax, fields, length.

    A sentence of the playbook must exist in each of the ruleset's languages and be one sentence.
    """
    known = frames(ruleset)
    problems: list[Problem] = []
    for place in _places(ruleset):
        for language, template in sorted(place.text.by_language.items()):
            owner = f"{place.owner} ({language})"
            try:
                compiled = compile_template(template, Vocabulary(language=language))
                if place.one_sentence and not says_one_sentence(template):
                    problems.append(
                        Problem(
                            "two-sentences",
                            f"{owner} says more than one sentence",
                            place.at,
                            hint="split it into blocks",
                        )
                    )
            except ValueError as error:
                problems.append(Problem("bad-template", f"{owner}: {error}", place.at))
                continue
            if place.frame:
                problems += [
                    Problem("unknown-field", f"{owner} reads {path!r}, which {place.frame} does not have", place.at,
                            hint=_nearest(path, known[place.frame], ruleset))
                    for path in compiled.paths
                    if not _is_known(path, place.frame, known, ruleset)
                ]  # fmt: skip
        missing = [code for code in ruleset.languages if place.one_sentence and code not in place.text.by_language]
        problems += [
            Problem("missing-language", f"{place.owner} has no text in {code!r}", place.at) for code in missing
        ]
    return problems


def _places(ruleset: Ruleset) -> Iterator[_Place]:
    for dimension in ruleset.classes.values():
        for rule in dimension.rules:
            yield _Place(owner=f"rule {rule.id!r}", text=rule.why, frame=dimension.of, at=rule.at)
    for item in ruleset.roles.items if ruleset.roles else ():
        yield _Place(owner=f"evidence {item.id!r}", text=item.why, frame=item.of, at=item.at)
    for inferred in ruleset.inference.rules if ruleset.inference else ():
        yield _Place(owner=f"rule {inferred.id!r}", text=inferred.why, frame="", at=inferred.at)
    for flag in ruleset.flags.values():
        yield _Place(owner=f"flag {flag.id!r}", text=flag.why, frame=flag.of, at=flag.at)
    for guard in ruleset.guards:
        yield _Place(owner=f"guard {guard.id!r}", text=guard.why, frame=guard.of, at=guard.at)
    for sentence in ruleset.playbook.sentences if ruleset.playbook else ():
        owner = f"sentence {sentence.id!r}"
        yield _Place(owner=owner, text=sentence.say, frame=sentence.of, at=sentence.at, one_sentence=True)


def _is_known(path: str, frame: str, known: Mapping[str, Frame], ruleset: Ruleset) -> bool:
    if path.startswith(_PARAMETERS):
        return path.removeprefix(_PARAMETERS) in ruleset.parameters
    return resolve(known, frame, path) is not None


def _nearest(path: str, frame: Frame, ruleset: Ruleset) -> str:
    return did_you_mean(path, (*frame.columns, *(f"{_PARAMETERS}{name}" for name in ruleset.parameters)))
