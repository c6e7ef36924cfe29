"""What the files can't say themselves, so that undoing restores them byte for byte.

A small JSON file beside the records: which files we made, how a cell that we changed was
spelled where our own spelling of the same text would differ, and how a file was encoded whose only
telling characters we replaced. It goes away when it is empty.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from crmrules.errors import DataError, Location, Problem
from crmrules_files.replacing import replacing

NAME = ".crmrules-files.json"


@dataclass
class State:
    """Loaded state of one CRM folder."""

    root: Path
    created: set[str] = field(default_factory=set)  # file names
    spelled: dict[str, dict[str, str]] = field(default_factory=dict)  # file -> key and column -> raw cell
    encodings: dict[str, str] = field(default_factory=dict)  # of files that our writing left without a telling byte

    @classmethod
    def load(cls, root: Path) -> State:
        """Read the state of the folder *root*. Raises DataError where it is broken."""
        path = root / NAME
        if not path.exists():
            return cls(root)
        try:
            said = json.loads(path.read_text("utf-8"))
            spelled = {file: dict(cells) for file, cells in said["spelled"].items()}
            return cls(root, set(said["created"]), spelled, dict(said["encodings"]))
        except (ValueError, KeyError, TypeError, AttributeError, OSError):
            raise DataError(
                Problem("broken-state", "the connector's own notes are broken", Location(NAME),
                        hint="delete the file; only the exact spelling of cells that we changed is lost")
            ) from None  # fmt: skip

    def recall(self, file: str, key: tuple[str, ...], column: str) -> str | None:
        """Return how the cell was spelled before we changed it, None where nothing is remembered."""
        return self.spelled.get(file, {}).get(_cell(key, column))

    def remember(self, file: str, key: tuple[str, ...], column: str, raw: str) -> None:
        """Keep how a cell was spelled."""
        self.spelled.setdefault(file, {})[_cell(key, column)] = raw

    def forget(self, file: str, key: tuple[str, ...], column: str) -> None:
        """Drop what is remembered of a cell that stands as it did before."""
        cells = self.spelled.get(file, {})
        cells.pop(_cell(key, column), None)
        if not cells:
            self.spelled.pop(file, None)

    def note_encoding(self, file: str, encoding: str, *, plain: bool) -> None:
        """Keep the encoding of a file that does not show it any more (*plain*: all of it is ASCII)."""
        if plain and encoding != "utf-8":
            self.encodings[file] = encoding
        else:
            self.encodings.pop(file, None)

    def save(self) -> None:
        """Write the state, or remove its file when there is nothing to keep."""
        path = self.root / NAME
        if not (self.created or self.spelled or self.encodings):
            path.unlink(missing_ok=True)
            return
        said = {"created": sorted(self.created), "spelled": self.spelled, "encodings": self.encodings}
        with replacing(path) as out:
            out.write((json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode())


def _cell(key: tuple[str, ...], column: str) -> str:
    return json.dumps([*key, column], ensure_ascii=False)
