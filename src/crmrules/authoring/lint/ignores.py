"""``# lint: ignore[code] reason``: on the line of a finding, or on the line above it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from crmrules.authoring.lint.findings import CHECKS, Finding, finding
from crmrules.errors import Location, did_you_mean

_COMMENT = re.compile(r"#\s*lint:\s*ignore(?:\[(?P<codes>[^\]]*)\])?(?P<reason>.*)$")
_SHAPE = "# lint: ignore[code] reason"


@dataclass(frozen=True)
class Ignore:
    """One comment."""

    codes: tuple[str, ...]
    reason: str
    at: Location


def ignores(lines: Mapping[str, Sequence[str]]) -> Iterator[Ignore]:
    """Yield the ignore comments of all files (name -> lines)."""
    for file, texts in sorted(lines.items()):
        for number, text in enumerate(texts, 1):
            if found := _COMMENT.search(text):
                codes = tuple(code.strip() for code in (found["codes"] or "").split(",") if code.strip())
                yield Ignore(codes, found["reason"].strip(" \t:-"), Location(file, number, found.start() + 1))


def with_ignores(
    findings: Sequence[Finding], found: Sequence[Ignore], own: Sequence[Ignore], checked: Callable[[str], bool]
) -> Iterator[Finding]:
    """Yield *findings*, those with a reasoned comment marked; then what is wrong with the *own* comments themselves.

    *checked* tells whether a code was looked for at all: an ignore of one that was not may be needed another day.
    """
    by_place = {(i.at.file, i.at.line, code): i for i in found if i.reason for code in i.codes}
    used: set[tuple[Location, str]] = set()
    for one in findings:
        at = one.problem.at
        ignore = by_place.get((at.file, at.line, one.code)) or by_place.get((at.file, at.line - 1, one.code))
        if ignore is not None:
            used.add((ignore.at, one.code))
            yield replace(one, ignored=ignore.reason)
        else:
            yield one
    for ignore in own:
        yield from _complaints(ignore, used, checked)


def _complaints(ignore: Ignore, used: set[tuple[Location, str]], checked: Callable[[str], bool]) -> Iterator[Finding]:
    if not ignore.codes:
        yield finding("ignore-without-reason", "the comment does not say what to ignore", ignore.at, expected=_SHAPE)
        return
    if not ignore.reason:
        yield finding("ignore-without-reason", "the comment does not say why", ignore.at, expected=_SHAPE)
        return
    for code in ignore.codes:
        if code not in CHECKS:
            yield finding(
                "unused-ignore", f"there is no finding '{code}'", ignore.at, hint=did_you_mean(code, CHECKS),
                expected=f"one of {', '.join(CHECKS)}",
            )  # fmt: skip
        elif (ignore.at, code) not in used and checked(code):
            yield finding("unused-ignore", f"nothing here to ignore: '{code}'", ignore.at, hint="drop the comment")
