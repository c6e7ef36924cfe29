"""One CSV file per table, UTF-8 with a byte order mark so that spreadsheets read Chinese."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmrules.plugins.exporters.cells import csv_value
from crmrules.plugins.exporters.folder import replaced

if TYPE_CHECKING:
    import pyarrow as pa


def export(
    tables: Mapping[str, Iterator[pa.RecordBatch]], destination: str, settings: Mapping[str, Any], base: Path
) -> list[str]:
    """Write ``<destination>/<table>.csv`` for each table; return the files."""
    folder = base / destination
    written: list[str] = []
    for table, batches in sorted(tables.items()):
        name = f"{table}.csv"
        with replaced(folder, name) as file:
            text = io.TextIOWrapper(file, encoding=settings.get("encoding", "utf-8-sig"), newline="")
            writer = csv.writer(text, delimiter=settings.get("delimiter", ","), lineterminator="\n")
            for number, batch in enumerate(batches):
                if not number:
                    writer.writerow(batch.schema.names)
                columns = [column.to_pylist() for column in batch.columns]
                writer.writerows([csv_value(value) for value in row] for row in zip(*columns, strict=True))
            text.flush()
            text.detach()
        written.append(str(folder / name))
    return written
