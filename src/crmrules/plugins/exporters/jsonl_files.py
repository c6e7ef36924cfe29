"""One JSON Lines file per table, UTF-8, one row a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmrules.plugins.exporters.cells import json_value
from crmrules.plugins.exporters.folder import replaced

if TYPE_CHECKING:
    import pyarrow as pa


def export(
    tables: Mapping[str, Iterator[pa.RecordBatch]], destination: str, settings: Mapping[str, Any], base: Path
) -> list[str]:
    """Write ``<destination>/<table>.jsonl`` for each table; return the files."""
    folder = base / destination
    written: list[str] = []
    for table, batches in sorted(tables.items()):
        name = f"{table}.jsonl"
        with replaced(folder, name) as file:
            for batch in batches:
                file.writelines(f"{line}\n".encode() for line in lines(batch))
        written.append(str(folder / name))
    return written


def lines(batch: pa.RecordBatch) -> Iterator[str]:
    """Yield one JSON document per row, without line breaks, keys in the table's order."""
    for row in batch.to_pylist():
        yield json.dumps({name: json_value(value) for name, value in row.items()}, ensure_ascii=False)
