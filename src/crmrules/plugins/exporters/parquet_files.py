"""One Parquet file per table, types kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmrules.plugins.exporters.folder import replaced

if TYPE_CHECKING:
    import pyarrow as pa


def export(
    tables: Mapping[str, Iterator[pa.RecordBatch]], destination: str, settings: Mapping[str, Any], base: Path
) -> list[str]:
    """Write ``<destination>/<table>.parquet`` for each table; return the files."""
    import pyarrow.parquet as pq

    folder = base / destination
    compression = settings.get("compression", "zstd")
    written: list[str] = []
    for table, batches in sorted(tables.items()):
        name = f"{table}.parquet"
        with replaced(folder, name) as file:
            writer = None
            for batch in batches:
                writer = writer or pq.ParquetWriter(file, batch.schema, compression=compression)
                writer.write_batch(batch)
            if writer is not None:
                writer.close()
        written.append(str(folder / name))
    return written
