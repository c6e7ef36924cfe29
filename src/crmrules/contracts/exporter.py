"""What an exporter is: it takes a decision's outcomes elsewhere (a file, an endpoint)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class ExporterPlugin:
    """``export(tables, destination, settings)`` writes every named table and returns the places
    it wrote. ``tables`` yields the record batches of one outcome table at a time, at least one of
    each (without rows, where there are none); the path is the folder where relative ones start."""

    name: str
    label: str
    settings_schema: Mapping[str, Any]
    export: Callable[[Mapping[str, Iterator[pa.RecordBatch]], str, Mapping[str, Any], Path], list[str]]
