"""The open connection: the three calls of the contract over the tables of a folder or workbook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmrules.contracts.connector import (
    Capabilities,
    Connector,
    NativeObject,
    NativeReceipt,
    NativeWrite,
    Page,
    ReadRequest,
)
from crmrules_files import reader, writer
from crmrules_files.config import Settings
from crmrules_files.layout import root_of, tables

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class FilesCrm(Connector):
    """A CRM that lies in files.

    Times of modification are the person's: what we write sets none, so an undo leaves the files as
    they were, byte for byte (a workbook: value for value). Therefore all of an object is read
    each time, unless the setting ``incremental`` names it; such an object takes no field from us.
    """

    settings: Settings
    root: Path
    capabilities: Capabilities

    @classmethod
    def open(cls, given: Mapping[str, Any], folder: Path) -> FilesCrm:
        """Open the CRM that the settings *given* name. Raises DataError where there is none."""
        settings = Settings.of(given, folder)
        capabilities = Capabilities(
            since="second" if settings.incremental else "none",
            deletes="difference",
            tags="many",
            notes="plain",
            unknown_field="error",
            batch=20_000,  # each call rewrites a file, so few and large ones
            conflict="compare",
        )
        return cls(settings, root_of(settings), capabilities)

    def describe(self) -> Sequence[NativeObject]:
        """Return the files or sheets and their columns."""
        return reader.describe(tables(self.settings))

    def read(self, request: ReadRequest) -> Iterator[Page]:
        """Yield the records of one object, all values as texts."""
        if request.object not in self.settings.incremental:
            request = ReadRequest(object=request.object, fields=request.fields, key=request.key)
        return reader.read(tables(self.settings), request)

    def ids(self, object: str, key: tuple[str, ...]) -> Iterator[pa.Table]:
        """Yield the keys of every record."""
        return reader.ids(tables(self.settings), object, key)

    def current(self, wanted: Sequence[NativeWrite]) -> Sequence[str | None]:
        """Return what stands at these places now, in the same order."""
        return reader.current(tables(self.settings), wanted)

    def write(self, writes: Sequence[NativeWrite]) -> Sequence[NativeReceipt]:
        """Execute a batch: each file is replaced once, at the end; answer each write, in order."""
        return writer.write(self.settings, self.root, writes)
