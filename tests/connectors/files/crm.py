"""Small CRMs in files for tests: written, mapped and pulled in a line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crmrules.contracts.connector import NativeWrite
from crmrules.language.document import parse
from crmrules.language.mapping import Mapping_, load_mapping
from crmrules.model.changes import Kind
from crmrules_files.client import FilesCrm
from crmrules_files.config import DEFAULT_MAPPING


def crm(folder: Path, files: Mapping[str, str | bytes] | None = None, **settings: Any) -> FilesCrm:
    """Write *files* into *folder* and open it as a CRM."""
    folder.mkdir(exist_ok=True)
    for name, content in (files or {}).items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return FilesCrm.open({"path": str(folder), **settings}, folder)


def mapping(text: str) -> Mapping_:
    """Load a mapping from YAML."""
    return load_mapping(parse(text, "mapping.yaml"), default=DEFAULT_MAPPING)


def write(
    kind: Kind, record: str, name: str, value: str | None, expected: str | None, object: str = "Contacts"
) -> NativeWrite:
    """Return a write on the record whose column ``Id`` is *record*."""
    return NativeWrite(object=object, record_id={"Id": record}, kind=kind, name=name, value=value, expected=expected)


def undoing(writes: list[NativeWrite]) -> list[NativeWrite]:
    """Return the writes that take *writes* back."""
    return [
        NativeWrite(
            object=w.object, record_id=w.record_id, kind=w.kind, name=w.name, value=w.expected, expected=w.value
        )
        for w in reversed(writes)
    ]


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of *folder*, hidden ones too."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
