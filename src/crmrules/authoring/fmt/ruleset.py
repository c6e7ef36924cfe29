"""Format the files of a ruleset; a file that could lose anything is left as it is, and said so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from crmrules.authoring.fmt.layout import NotLaidOut, laid_out
from crmrules.authoring.yaml_text import comments_of
from crmrules.errors import Location, Problem, RulesetError
from crmrules.language.document import parse, read
from crmrules.language.folder import FILE
from crmrules.language.key_order import Shape, ordered, shape_of
from crmrules.language.merge import SECTIONS


@dataclass(frozen=True, kw_only=True)
class Formatted:
    """Files of a ruleset, relative to its folder: written otherwise now, and left alone with the reason."""

    changed: tuple[Path, ...]
    left: tuple[tuple[Path, str], ...]


def format_ruleset(folder: Path, *, write: bool) -> Formatted:
    """Bring the YAML of the ruleset in *folder* (cases not) into its canonical layout; with *write* on disk too.

    Raises RulesetError where a file is no YAML; nothing is written then.
    """
    made: dict[Path, str] = {}
    left: list[tuple[Path, str]] = []
    problems: list[Problem] = []
    for file, shape in _files(folder):
        try:
            read(file)
        except RulesetError as error:
            problems.extend(error.problems)
            continue
        text = file.read_bytes().decode("utf-8-sig")
        try:
            formatted = formatted_text(text, shape)
        except NotLaidOut as reason:
            left.append((file.relative_to(folder), str(reason)))
            continue
        if formatted.encode() != file.read_bytes():
            made[file] = formatted
    if problems:
        raise RulesetError(problems)
    if write:
        for file, formatted in made.items():
            file.write_text(formatted, encoding="utf-8", newline="\n")
    return Formatted(changed=tuple(file.relative_to(folder) for file in made), left=tuple(left))


def formatted_text(text: str, shape: Shape) -> str:
    """Return a YAML document in its canonical layout, saying the same. Raises NotLaidOut where that can't be had."""
    formatted = laid_out(text, shape)
    try:
        same = parse(formatted, "").data
        kept = Counter(c.text for c in comments_of(formatted))
    except (RulesetError, yaml.YAMLError):
        raise NotLaidOut("its layout is out of the ordinary") from None
    before = ordered(parse(text, "").data, shape)
    if repr(ordered(same, shape)) != repr(before) or kept != Counter(c.text for c in comments_of(text)):
        raise NotLaidOut("its layout is out of the ordinary")
    return formatted


def _files(folder: Path) -> Iterator[tuple[Path, Shape]]:
    root = folder / FILE
    if not root.is_file():
        raise RulesetError(
            Problem("no-ruleset", f"there is no {FILE}", Location(str(folder)), f"a folder with a {FILE}")
        )
    yield root, shape_of("")
    for section in SECTIONS:
        beside = folder / f"{section}.yaml"
        for file in ([beside] if beside.is_file() else []) + sorted((folder / section).glob("*.yaml")):
            yield file, shape_of(section)
