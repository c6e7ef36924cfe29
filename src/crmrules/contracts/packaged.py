"""Data that comes along with a connector's code, read when somebody looks at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import resources
from typing import Any


class PackagedMapping(Mapping[str, Any]):
    """The document ``mapping.yaml`` (mapping-v1) of a connector's *package*: listing plugins reads none."""

    def __init__(self, package: str) -> None:
        self._package = package

    @cached_property
    def _said(self) -> Mapping[str, Any]:
        import yaml

        loaded = yaml.safe_load(resources.files(self._package).joinpath("mapping.yaml").read_text(encoding="utf-8"))
        assert isinstance(loaded, dict)
        return loaded

    def __getitem__(self, key: str) -> Any:
        return self._said[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._said)

    def __len__(self) -> int:
        return len(self._said)
