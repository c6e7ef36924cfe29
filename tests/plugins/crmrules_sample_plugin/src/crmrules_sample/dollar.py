"""A renderer whose templates know ``$name`` and nothing else."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from crmrules.contracts.renderer import Vocabulary


class DollarTemplate:
    """``string.Template`` over the row's fields."""

    def __init__(self, template: str, vocabulary: Vocabulary) -> None:
        self.template = string.Template(template)
        if not self.template.is_valid():
            raise ValueError("a lone $ is not a field")

    @property
    def paths(self) -> tuple[str, ...]:
        return tuple(sorted(self.template.get_identifiers()))

    def __call__(self, row: Mapping[str, Any]) -> str:
        return self.template.substitute({path: row.get(path) or "" for path in self.paths})
