"""What people read: labels and reasons that are missing, or in the wrong language."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crmrules.authoring.lint.findings import Finding, finding
from crmrules.errors import Location
from crmrules.language.ruleset import Ruleset
from crmrules.model.text import Text

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_LETTERS = re.compile(r"[A-Za-z]{2,}")
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_QUOTED = re.compile(r"[“”\"'‘’「『].*?[“”\"'‘’」』]")
_WORDS = 4  # so many English words in a Chinese text that has no Chinese are no name


def check_texts(ruleset: Ruleset) -> Iterator[Finding]:
    """Yield labels and reasons that are not there, and texts that were not translated."""
    for owner, needed, text, at in _texts(ruleset):
        if not text:
            if needed:
                yield finding("missing-text", f"{owner} is missing", at, hint=f"in {' and '.join(ruleset.languages)}")
        elif wrong := _wrong(text):
            yield finding("untranslated", f"{owner} {wrong}", at)


def template_texts(ruleset: Ruleset) -> Iterator[str]:
    """Yield every text that may name a field of the row."""
    for _, _, text, _ in _texts(ruleset):
        yield from text.by_language.values()
    for write in ruleset.write:
        yield write.name


def _texts(ruleset: Ruleset) -> Iterator[tuple[str, bool, Text, Location]]:
    """Yield (what it is, whether it is needed, the text, where)."""
    for parameter in ruleset.parameters.values():
        yield f"the label of the parameter '{parameter.name}'", False, parameter.label, parameter.at
    for feature in ruleset.features.values():
        yield f"the label of the feature '{feature.name}'", False, feature.label, feature.at
    for dimension in ruleset.classes.values():
        yield f"the label of the class '{dimension.name}'", True, dimension.label, dimension.at
        for value, label in dimension.values.items():
            yield f"the label of the value '{value}' of '{dimension.name}'", True, label, dimension.at
        for rule in dimension.rules:
            yield f"the reason of the rule '{rule.id}'", False, rule.why, rule.at
    for item in ruleset.roles.items if ruleset.roles else ():
        yield f"the reason of the evidence '{item.id}'", True, item.why, item.at
    for question in ruleset.roles.questions if ruleset.roles else ():
        yield f"the question '{question.id}'", True, question.ask, question.at
    for inferred in ruleset.inference.rules if ruleset.inference else ():
        yield f"the reason of the rule '{inferred.id}'", False, inferred.why, inferred.at
    for flag in ruleset.flags.values():
        yield f"the label of the flag '{flag.id}'", True, flag.label, flag.at
        yield f"the reason of the flag '{flag.id}'", False, flag.why, flag.at
    for guard in ruleset.guards:
        yield f"the reason of the guard '{guard.id}'", True, guard.why, guard.at
    for sentence in ruleset.playbook.sentences if ruleset.playbook else ():
        yield f"the sentence '{sentence.id}'", True, sentence.say, sentence.at


def _wrong(text: Text) -> str:
    """Return what is wrong with the languages of *text*, '' where nothing is."""
    said = {code: _QUOTED.sub("", _TEMPLATE.sub("", t)) for code, t in text.by_language.items()}
    if "en" in said and _CHINESE.search(said["en"]) and not _LETTERS.search(said["en"]):
        return "is Chinese under 'en'"
    if "zh" in said and not _CHINESE.search(said["zh"]) and len(_LETTERS.findall(said["zh"])) >= _WORDS:
        return "is not Chinese under 'zh'"
    return ""
