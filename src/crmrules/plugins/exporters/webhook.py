"""A web endpoint that takes outcomes as batches of JSON Lines.

Each batch carries ``Idempotency-Key``, a hash of its content: sending it again, after a lost
answer or in a second run on the same decision, changes nothing at an endpoint that honours it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmrules.http.session import HttpSettings, Session, redacted
from crmrules.plugins.exporters.jsonl_files import lines

if TYPE_CHECKING:
    import pyarrow as pa


def export(
    tables: Mapping[str, Iterator[pa.RecordBatch]], destination: str, settings: Mapping[str, Any], base: Path
) -> list[str]:
    """POST every row of each table to the URL *destination*; return one place per table.

    Raises RetryLater when the endpoint stays unreachable or busy, ConnectorError when it refuses.
    """
    http = HttpSettings(
        read_timeout=settings.get("timeout", 60),
        ca_bundle=settings.get("ca_bundle", ""),
        proxy=settings.get("proxy", ""),
    )
    written: list[str] = []
    with Session(http) as session:
        for table, batches in sorted(tables.items()):
            rows = (line for batch in batches for line in lines(batch))
            count = 0
            while some := list(islice(rows, settings.get("batch", 500))):
                body = "".join(f"{line}\n" for line in some).encode()
                key = hashlib.sha256(table.encode() + b"\0" + body).hexdigest()
                headers = {
                    **settings.get("headers", {}),
                    "Content-Type": "application/x-ndjson; charset=utf-8",
                    "Idempotency-Key": key,
                    "Crmrules-Table": table,
                }
                session.send("POST", destination, data=body, headers=headers, repeatable=True)
                count += len(some)
            written.append(f"{redacted(destination)} ({table}: {count})")
    return written
