"""An answer's body as a file: streamed, and under its name only when it is whole."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import IO

import requests

from crmrules.errors import Location, Problem, StoreError

_CHUNK = 1 << 16  # bytes
_NO_FILES = ("text/html", "application/json")  # what errors come as


def is_file(response: requests.Response) -> bool:
    """Whether an answer, by its status and type, holds the file that was asked for."""
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return response.status_code == 200 and kind not in _NO_FILES


def save(response: requests.Response, to: Path) -> int:
    """Write the body to *to*, readable by its owner only, and return its length in bytes.

    Raises what requests raises when the body breaks off, StoreError where the disk can't hold it;
    *to* is as it was then.
    """
    part: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(prefix=f".{to.name}.", suffix=".part", dir=to.parent, delete=False) as file:
            part = Path(file.name)
            written = _copy(response, file)
        part.replace(to)
    except BaseException as error:
        if part:
            part.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            raise StoreError(Problem("cant-write", f"can't be written: {error.strerror}", Location(str(to)))) from error
        raise
    return written


def _copy(response: requests.Response, file: IO[bytes]) -> int:
    written = 0
    for chunk in response.iter_content(_CHUNK):
        written += file.write(chunk)
    file.flush()
    os.fsync(file.fileno())
    return written
