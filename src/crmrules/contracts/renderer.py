"""What a note renderer is: it turns a template and a row into the text of a note."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class RendererPlugin:
    """``compile(template)`` checks a template (raises ValueError with a plain reason) and returns
    a function from a row's fields to text. Templates are data: no code runs, nothing outside the
    row is reachable."""

    name: str
    compile: Callable[[str], Callable[[Mapping[str, Any]], str]]
