"""The files of a ruleset: its folder, its sections, and the rulesets that it extends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crmrules.errors import Location, Problem, RulesetError, did_you_mean
from crmrules.language.document import Node, read
from crmrules.language.merge import ENTRIES, SECTIONS, join_files
from crmrules.language.schema import listed

FILE = "ruleset.yaml"
CASES = "cases"


@dataclass
class Layer:
    """One ruleset's own files, nothing merged into them."""

    folder: Path
    root: Node
    sections: dict[str, Node] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)  # sections of which a file could not be read

    @property
    def name(self) -> str:
        """Its name, or its folder's where the name is missing."""
        node = self.root.get("name")
        return str(node.value) if node is not None else self.folder.name

    @property
    def title(self) -> str:
        """``name@version``"""
        version = self.root.get("version")
        return f"{self.name}@{version.value if version is not None else '?'}"


def read_layers(folder: Path, search: Sequence[Path], problems: list[Problem]) -> list[Layer]:
    """Read the ruleset in *folder* and all that it extends, the most basic one first.

    A ruleset that several others extend stands there once, before all of them. Raises
    RulesetError where there is no ruleset in *folder* at all.
    """
    if not (folder / FILE).is_file():
        raise RulesetError(
            Problem("no-ruleset", f"there is no {FILE}", Location(str(folder)), f"a folder with a {FILE}")
        )
    layers: dict[Path, Layer] = {}
    _collect(folder, [folder.resolve().parent, *(root.resolve() for root in search)], (), layers, problems)
    return list(layers.values())


def _collect(
    folder: Path, roots: Sequence[Path], way: tuple[Layer, ...], layers: dict[Path, Layer], problems: list[Problem]
) -> None:
    layer = _read_layer(folder, problems)
    way = (*way, layer)
    extends = layer.root.get("extends")
    for node in extends or ():
        if not isinstance(node.value, str):
            continue
        parent = _find(node, folder, roots, problems)
        if parent is None or parent.resolve() in layers:
            continue
        above = [above.name for above in way if above.folder.resolve() == parent.resolve()]
        if above:
            names = [layer.name for layer in way]
            circle = [*names[names.index(above[0]) :], above[0]]
            problems.append(Problem("extends-cycle", f"rulesets extend each other: {' -> '.join(circle)}", node.at,
                                    hint="take one of these 'extends' out"))  # fmt: skip
            continue
        _collect(parent, roots, way, layers, problems)
    layers[folder.resolve()] = layer


def _find(node: Node, folder: Path, roots: Sequence[Path], problems: list[Problem]) -> Path | None:
    """Return the folder that an entry of ``extends`` means: a name in one of *roots*, or a relative folder inside them."""
    name: str = node.value
    places = [folder / name] if "/" in name or "\\" in name or name in (".", "..") else [root / name for root in roots]
    inside = [place for place in places if any(place.resolve().is_relative_to(root) for root in roots)]
    if not inside:
        problems.append(Problem("outside", f"'{name}' lies outside of the folders that rulesets are looked up in", node.at,
                                "a name, or a folder beside this ruleset"))  # fmt: skip
        return None
    found = next((place for place in inside if (place / FILE).is_file()), None)
    if found is None:
        known = {path.parent.name for root in roots for path in sorted(root.glob(f"*/{FILE}"))} - {folder.name}
        problems.append(Problem("unknown-ruleset", f"unknown ruleset '{name}'", node.at,
                                f"one of {listed(known)}" if known else "there are no other rulesets here",
                                did_you_mean(name, known)))  # fmt: skip
    return found


def _read_layer(folder: Path, problems: list[Problem]) -> Layer:
    try:
        root = read(folder / FILE)
    except RulesetError as error:
        problems.extend(error.problems)
        root = Node({}, Location(str(folder / FILE)))
        return Layer(folder, root, unread=set(SECTIONS))
    layer = Layer(folder, root)
    for path in sorted(folder.iterdir()):
        section = path.stem if path.suffix == ".yaml" else path.name
        if section in SECTIONS and (path.suffix == ".yaml" or path.is_dir()):
            files = [path] if path.is_file() else sorted(path.glob("*.yaml"))
            for file in files:
                _add(layer, section, file, problems)
        elif path.name != FILE and (
            path.suffix in (".yaml", ".yml") or (path.is_dir() and did_you_mean(path.name, SECTIONS))
        ):
            _not_a_section(path, problems)
    return layer


def _add(layer: Layer, section: str, file: Path, problems: list[Problem]) -> None:
    try:
        node = read(file)
    except RulesetError as error:
        problems.extend(error.problems)
        layer.unread.add(section)
        return
    if node.value is None:  # an empty file
        return
    old = layer.sections.get(section)
    layer.sections[section] = node if old is None else join_files(old, node, ENTRIES[section], problems)


def _not_a_section(path: Path, problems: list[Problem]) -> None:
    if path.name == CASES:
        return
    known = [f"{name}.yaml" for name in SECTIONS]
    hint = "YAML files end in .yaml" if path.suffix == ".yml" else did_you_mean(path.name, known)
    problems.append(Problem("unknown-file", f"'{path.name}' is not a section of a ruleset", Location(str(path)),
                            f"one of {listed(known)}, or folders of these names", hint))  # fmt: skip
