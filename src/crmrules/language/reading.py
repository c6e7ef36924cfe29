"""What every section's reader needs: problems gathered, parameters resolved, texts and patterns checked.

A reader never raises for one wrong value. It notes the problem and goes on, so that all of them
are shown together; what it returns in the meantime is only used to look for more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import re2

from crmrules.errors import Location, Problem, did_you_mean
from crmrules.language.conditions import Choice, Leaf, Scalar
from crmrules.language.document import Node
from crmrules.language.expressions import Expression
from crmrules.language.ruleset import Parameter
from crmrules.language.schema import a, listed
from crmrules.model.objects import OBJECTS
from crmrules.model.text import Text

Value = Scalar | tuple[Scalar, ...] | Choice  # of a resolved parameter

UNUSABLE = "\0"  # stands for a value that was complained about; no file can hold it

_PARAMETER = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_DURATION = re.compile(r"([0-9]+)([dw])")
_LOOKS_AROUND = re.compile(r"\(\?<?[=!]")
_REFERS_BACK = re.compile(r"\\[1-9]")


@dataclass(frozen=True)
class Use:
    """A place in which a field is read, to be checked once all fields are known."""

    frame: str
    path: str
    at: Location
    leaf: Leaf | None = None  # the comparison that it stands in
    value_at: Location | None = None  # where the comparison's value stands
    wants: str = ""  # "text", "number", "date": the types that make sense there; '' any
    inside: str = ""  # class in whose own definition it stands: there its name is the record's field


@dataclass(frozen=True)
class Calculation:
    """An expression and where it stands."""

    frame: str
    expression: Expression
    at: Location
    wants: str = "number"  # "number", or "" where any type will do


@dataclass(frozen=True)
class Source:
    """A frame (or set) that is named, and what for."""

    name: str
    at: Location
    of: str = ""  # subject that its rows are gathered for; '' for none
    via: str = ""
    dated: bool = False  # a window or an order in time needs the rows' date


@dataclass
class Reader:
    """Reads one ruleset: what is known while reading, and what was found wrong."""

    languages: tuple[str, ...]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    calculations: list[Calculation] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    sets: dict[str, str] = field(default_factory=dict)  # set -> the frame that it is a part of
    untyped: set[str] = field(default_factory=set)  # features whose type follows from what they are computed from
    inside: str = ""  # the class that is being read
    broken: frozenset[str] = frozenset()  # names whose entries have the wrong shape

    def complain(self, code: str, message: str, at: Location, expected: str = "", hint: str = "") -> None:
        """Note a problem."""
        self.problems.append(Problem(code, message, at, expected, hint))

    def unknown(self, what: str, name: str, known: Mapping[str, object] | tuple[str, ...], at: Location) -> None:
        """Note that *name* is none of the *known* ones (but for those that were complained about already)."""
        if name in self.broken:
            return
        expected = f"one of {listed(known)}" if known else f"there is no {what} here at all"
        code = "unknown-" + what.replace(" ", "-")
        self.complain(code, f"unknown {what} '{name}'", at, expected, did_you_mean(name, known))

    def use(self, frame: str, node: Node | None, wants: str = "") -> str:
        """Return the path that stands in *node* ('' for None) and remember to check it."""
        if node is None:
            return ""
        path = str(node.value)
        self.uses.append(Use(frame, path, node.at, wants=wants, inside=self.inside))
        return path

    def source(self, node: Node, **more: Any) -> tuple[str, str]:
        """Return the name in *node* and the frame behind it (sets resolved), and remember to check it."""
        name = str(node.value)
        self.sources.append(Source(name, node.at, **more))
        return name, self.sets.get(name, name)

    def text(self, node: Node | None) -> Text:
        """Return the text of *node*; it must exist in every language of the ruleset."""
        if node is None:
            return Text()
        if isinstance(node.value, str):
            return Text(dict.fromkeys(self.languages, node.value))
        missing = [language for language in self.languages if node.get(language) is None]
        if missing:
            self.complain("missing-language", f"the text is missing in {', '.join(missing)}", node.at,
                          f"a text in each of {', '.join(self.languages)}")  # fmt: skip
        return Text({language: inner.value for language, inner in node.items()})

    def resolve(self, node: Node, frame: str) -> Value | None:
        """Return the value in *node*, a ``$parameter`` resolved; None after a problem."""
        match = _PARAMETER.fullmatch(node.value) if isinstance(node.value, str) else None
        if match is None:
            value: Scalar = node.value
            return value
        return self.parameter(match[1], frame, node.at)

    def parameter(self, name: str, frame: str, at: Location) -> Value | None:
        """Return the value of a parameter as *frame* sees it; None after a problem."""
        parameter = self.parameters.get(name)
        if parameter is None:
            self.unknown("parameter", name, self.parameters, at)
            return None
        if isinstance(parameter.value, Mapping):
            self.complain("wrong-parameter", f"${name} is a mapping", at, "a parameter that is a value or a list")
            return None
        if not parameter.by:
            return parameter.value
        way = account_path(frame)
        if way is None:
            self.complain(
                "wrong-parameter", f"${name} depends on the account's {parameter.by}, but {a(frame)} has no account", at
            )
            return None
        assert not isinstance(parameter.value, tuple)
        return Choice(way + parameter.by, parameter.cases, parameter.value)

    def scalar(self, node: Node, frame: str) -> Scalar | Choice | None:
        """Return one value; None after a problem."""
        value = self.resolve(node, frame)
        if isinstance(value, tuple):
            self.complain("wrong-parameter", f"{node.value} is a list", node.at, "one value")
            return None
        return value

    def number(self, node: Node, what: str) -> int | float:
        """Return a number that does not depend on the row; 0 after a problem."""
        value = self.scalar(node, "account")
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return value
        if value is not None:
            self.complain("wrong-type", f"{what} is not a number", node.at, "a number, the same for every row")
        return 0

    def many(self, node: Node, frame: str) -> tuple[Scalar, ...]:
        """Return a list of values: of a list (``$parameters`` in it resolved) or of a parameter that is one."""
        if isinstance(node.value, list):
            values = [self.scalar(inner, frame) for inner in node]
            if any(isinstance(value, Choice) for value in values):
                self.complain("wrong-parameter", "a list can't hold a parameter with cases", node.at)
            return tuple(v for v in values if v is not None and not isinstance(v, Choice))
        value = self.resolve(node, frame)
        if isinstance(value, tuple):
            return value
        if value is not None:
            self.complain("wrong-type", "this is not a list", node.at, "a list of values, or a $parameter that is one")
        return ()

    def duration(self, node: Node | None, frame: str) -> int | Choice | None:
        """Return a number of days (one that depends on the account as a Choice)."""
        if node is None:
            return None
        value = self.scalar(node, frame)
        value = days(value) if isinstance(value, str) else value
        days_only = (
            all(map(_is_days, (*value.cases.values(), value.default))) if isinstance(value, Choice) else _is_days(value)
        )
        if not days_only:
            if value is not None:
                self.complain("wrong-type", f"{node.value} is not a duration", node.at, "days: 90, 90d or 12w")
            return 0
        assert isinstance(value, (int, Choice))
        return value

    def pattern(self, node: Node) -> str:
        """Return the pattern in *node*, which must be RE2."""
        self.check_pattern(str(node.value), node.at)
        return str(node.value)

    def patterns(self, node: Node | None) -> tuple[str, ...]:
        """Return the patterns of a list."""
        return tuple(self.pattern(inner) for inner in node) if node is not None else ()

    def check_pattern(self, pattern: str, at: Location) -> None:
        """Note a problem unless *pattern* is RE2."""
        if reason := pattern_error(pattern):
            hint = ""
            if _LOOKS_AROUND.search(pattern):
                hint = "RE2 has no lookahead or lookbehind: say it with an exception, 'unless' or a second condition"
            elif _REFERS_BACK.search(pattern):
                hint = "RE2 has no backreferences"
            self.complain(
                "pattern", f"not an RE2 pattern: {reason}", at, "https://github.com/google/re2/wiki/Syntax", hint
            )


def days(value: str) -> int | str:
    """Return ``90d`` or ``12w`` as a number of days, any other text as it is."""
    match = _DURATION.fullmatch(value)
    return int(match[1]) * (7 if match[2] == "w" else 1) if match else value


def account_path(frame: str) -> str | None:
    """Return what comes before a field of the account in a path from *frame*; None where it has no account."""
    if frame not in OBJECTS:
        return "account."  # derived frames all have account_id
    link = OBJECTS[frame].links.get("account")
    if link is None:
        return None
    return "" if link == "id" else link.removesuffix("_id") + "."


@lru_cache(maxsize=100_000)
def pattern_error(pattern: str) -> str:
    """Return why *pattern* is not RE2, or ''."""
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options=options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return ""


def _is_days(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
