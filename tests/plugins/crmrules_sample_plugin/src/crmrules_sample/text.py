"""An exporter that writes one file with a line per row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa


def export(
    tables: Mapping[str, Iterator[pa.RecordBatch]], destination: str, settings: Mapping[str, Any], base: Path
) -> list[str]:
    target = base / destination
    lines = [f"{table}: {row}\n" for table in sorted(tables) for batch in tables[table] for row in batch.to_pylist()]
    target.write_text("".join(lines), encoding="utf-8")
    return [str(target)]
