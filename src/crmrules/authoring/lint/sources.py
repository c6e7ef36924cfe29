"""A ruleset as its author wrote it: the files, and what stands in them that the loaded ruleset no longer tells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from crmrules.errors import Location
from crmrules.language.folder import Layer, read_layers

_PARAMETER = re.compile(r"\$([A-Za-z_]\w*)|\bparameters\.([A-Za-z_]\w*)")


@dataclass(frozen=True)
class Sources:
    """The files of a ruleset and of those that it extends, the most basic first."""

    layers: tuple[Layer, ...]

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """All YAML and table files but the cases', sorted."""
        found = {
            file for layer in self.layers for kind in ("*.yaml", "*.csv", "*.xlsx") for file in layer.folder.rglob(kind)
            if "cases" not in file.relative_to(layer.folder).parts[:-1]
        }  # fmt: skip
        return tuple(sorted(found))

    @cached_property
    def lines(self) -> Mapping[str, Sequence[str]]:
        """File name (as in locations) -> its lines; of the YAML files only, which alone have comments."""
        return {str(f): f.read_text("utf-8").splitlines() for f in self.files if f.suffix == ".yaml"}

    def own(self, at: Location) -> bool:
        """Whether *at* is in the ruleset's own folder, not in that of one which it extends."""
        folder = self.layers[-1].folder.resolve()
        return Path(at.file).resolve().is_relative_to(folder) or not any(
            Path(at.file).resolve().is_relative_to(layer.folder.resolve()) for layer in self.layers
        )

    @cached_property
    def parameters_read(self) -> frozenset[str]:
        """Names of all parameters that some value, condition, expression, cell or text names."""
        texts = [_text(file) for file in self.files]
        return frozenset(name for text in texts for pair in _PARAMETER.findall(text) for name in pair if name)

    def parameter_at(self, name: str) -> Location | None:
        """Return where the parameter *name* is written, nearest ruleset first."""
        for layer in reversed(self.layers):
            node = layer.root.get("parameters")
            if node is not None and node.get(name) is not None:
                return node.where(name)
        return None

    def says(self, section: str, entry: str, key: str) -> bool:
        """Return whether *entry* of *section* has *key* in some layer."""
        for layer in self.layers:
            there = layer.sections.get(section)
            node = there.get(entry) if there is not None else None
            if node is not None and isinstance(node.value, dict) and node.get(key) is not None:
                return True
        return False


def read_sources(folder: Path, search: Sequence[Path]) -> Sources:
    """Read the files of the ruleset in *folder*, one that loads."""
    return Sources(tuple(read_layers(folder, search, [])))


def _text(file: Path) -> str:
    if file.suffix != ".xlsx":
        return file.read_text("utf-8-sig", errors="replace")
    from openpyxl import load_workbook

    book = load_workbook(file, read_only=True, data_only=True)
    try:
        cells = (cell for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row)
        return "\n".join(str(cell) for cell in cells if cell is not None)
    finally:
        book.close()
