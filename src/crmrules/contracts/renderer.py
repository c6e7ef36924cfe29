"""What a note renderer is: it turns a template and a row into the text of a note."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What a template may say, and in which language.

    ``labels`` maps a field's dotted path to ``{value: label in this language}``. ``names`` holds
    the dotted paths that the row offers; None allows any (the caller knows no ruleset).
    """

    language: str = "en"
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    names: frozenset[str] | None = None


class Template(Protocol):
    """A checked template; ``paths`` are the fields that it reads, sorted."""

    @property
    def paths(self) -> tuple[str, ...]: ...

    def __call__(self, row: Mapping[str, Any]) -> str:
        """Return the text for a row, whose keys are dotted paths; a missing field is empty."""


@dataclass(frozen=True, kw_only=True)
class RendererPlugin:
    """``compile(template, vocabulary)`` checks a template (raises ValueError with a plain reason)
    and returns a :class:`Template`. Templates are data: no code runs, nothing outside the row is
    reachable, and the row's own text is never taken for a template."""

    name: str
    compile: Callable[[str, Vocabulary], Template]
