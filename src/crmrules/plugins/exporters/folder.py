"""A folder of files, each replaced as a whole: a reader sees the old file or the new one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from crmrules.errors import DataError, Location, Problem


@contextmanager
def replaced(folder: Path, name: str) -> Iterator[IO[bytes]]:
    """Open ``folder/name`` for writing bytes; it appears, complete, when the block ends well.

    Raises DataError where the folder can't be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder, prefix=f".{name}.", delete=False) as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                Path(file.name).chmod(0o666 & ~_umask())
                Path(file.name).replace(folder / name)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise DataError(
            Problem("cannot-write", f"can't write {name}: {error.strerror or error}", Location(str(folder)))
        ) from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
