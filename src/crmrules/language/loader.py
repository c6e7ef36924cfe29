"""Load a ruleset: read its files, merge what it extends, check everything, freeze it.

Problems are gathered in the order in which they can be told apart: syntax and shape first, then
names, types and cycles among whatever has the right shape. All of them are shown together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from crmrules.errors import Location, Problem, RulesetError
from crmrules.language.checks import check_meaning
from crmrules.language.document import Node
from crmrules.language.folder import CASES, Layer, read_layers
from crmrules.language.key_order import ordered, shape_of
from crmrules.language.merge import ENTRIES, SECTIONS, override, plain_node, start, with_settings
from crmrules.language.reading import Reader
from crmrules.language.retype import typed
from crmrules.language.ruleset import Ruleset
from crmrules.language.schema import check, check_with_paths
from crmrules.language.section_classes import read_classes
from crmrules.language.section_features import read_features, read_parameters, read_requires, read_sets
from crmrules.language.section_inference import read_inference
from crmrules.language.section_outcomes import read_flags, read_guards, read_playbook, read_write
from crmrules.language.section_roles import read_roles
from crmrules.language.section_words import read_lexicons, read_phrases

OVERRIDES = Location("<parameters>")  # where parameters come from that the caller gives

_SETTINGS = ("value", "unit", "label", "by", "cases")  # of a parameter
_HEAD = ("schema", "name", "version", "label", "description", "languages", "extends")
# Keys of which single entries can be left out when they are wrong, so that the rest is still checked.
_SINGLE = {
    "roles": ("evidence", "questions"),
    "phrases": ("cues",),
    "inference": ("facts", "rules"),
    "playbook": ("sentences",),
}


def load_ruleset(
    folder: Path, *, search: Sequence[Path] = (), overrides: Mapping[str, object] | None = None
) -> Ruleset:
    """Load the ruleset in *folder*.

    ``search`` are the folders in which ``extends`` looks names up, besides the one that *folder*
    is in. ``overrides`` give parameters: a value, or ``{value, by, cases}``.

    Raises RulesetError with every problem that was found, each with file, line and column.
    """
    problems: list[Problem] = []
    layers = read_layers(folder, search, problems)
    top = layers[-1]
    sections = {name: _merged(name, layers, problems) for name in ("parameters", "requires", *SECTIONS)}
    _give_parameters(sections, overrides or {}, problems)
    head = {key: node for key in _HEAD if (node := _head(layers, key)) is not None}
    root = Node(head, top.root.at, top.root.keys)
    for layer in layers[:-1]:
        problems += check(
            Node({k: n for k, n in layer.root.items() if k in _HEAD}, layer.root.at, layer.root.keys), "ruleset-v1"
        )
    problems += check(top.root if not isinstance(top.root.value, dict) else _own_keys(top, root), "ruleset-v1")
    if "languages" not in head and not top.unread.issuperset(SECTIONS):
        problems.append(
            Problem("missing-key", "the key 'languages' is missing", root.at, "language codes, e.g. [zh, en]")
        )
    broken, whole = _drop_wrong_shapes(sections, problems)
    whole |= {section for layer in layers for section in layer.unread}
    reader = Reader(languages=_languages(root), problems=problems, broken=frozenset(broken))
    tables: set[Path] = set()
    ruleset = _read(reader, root, sections, layers, tables)
    ruleset = check_meaning(reader, ruleset, complete=not whole)
    if problems:
        raise RulesetError(sorted(set(problems), key=lambda p: (p.at, p.code, p.message)))
    return replace(typed(ruleset), digest=_digest(root, sections, tables))


def _merged(section: str, layers: Sequence[Layer], problems: list[Problem]) -> Node:
    merged: Node | None = None
    for layer in layers:
        node = layer.root.get(section) if section in ("parameters", "requires") else layer.sections.get(section)
        if node is None:
            continue
        node = with_settings(node) if section == "parameters" else node
        merged = start(section, node, problems) if merged is None else override(section, merged, node, problems)
    return merged if merged is not None else Node(None, layers[-1].root.at)


def _give_parameters(sections: dict[str, Node], overrides: Mapping[str, object], problems: list[Problem]) -> None:
    """Put the caller's parameters over the ruleset's."""
    if not overrides:
        return
    known = dict(sections["parameters"].items())
    given: dict[str, Any] = {}
    unknown = Reader(languages=(), problems=problems)
    for name, value in overrides.items():
        if name not in known:
            unknown.unknown("parameter", name, known, OVERRIDES)
        elif isinstance(value, Mapping) and not set(value) <= set(_SETTINGS):
            given[name] = {"value": value}
        else:
            given[name] = value
    sections["parameters"] = override(
        "parameters", sections["parameters"], with_settings(plain_node(given, OVERRIDES)), problems
    )


def _head(layers: Sequence[Layer], key: str) -> Node | None:
    """Languages are inherited; everything else that names a ruleset is its own."""
    heirs = layers if key == "languages" else layers[-1:]
    return next((node for layer in reversed(heirs) if (node := layer.root.get(key)) is not None), None)


def _own_keys(top: Layer, root: Node) -> Node:
    rest = {key: node for key, node in top.root.items() if key not in ("parameters", "requires")}
    return Node({**rest, **root.value}, root.at, root.keys)


def _languages(root: Node) -> tuple[str, ...]:
    return tuple(str(node.value) for node in root.get("languages") or () if isinstance(node.value, str)) or ("en",)


def _drop_wrong_shapes(sections: dict[str, Node], problems: list[Problem]) -> tuple[set[str], set[str]]:
    """Check every section's shape; return the names of entries, and the sections, that were taken out."""
    broken: set[str] = set()
    whole: set[str] = set()
    for section, node in list(sections.items()):
        if node.value is None:
            continue
        for path, problem in check_with_paths(node, f"ruleset-v1#/$defs/{section}"):
            problems.append(problem)
            depth = _entry_depth(section, path)
            if depth > len(path):
                whole.add(section)
            else:
                broken.add(str(path[depth - 1]))
                _take_out(sections, section, path[:depth])
    for section in whole:
        sections[section] = Node(None, sections[section].at)
    return broken, whole


def _entry_depth(section: str, path: tuple[str | int, ...]) -> int:
    if section in ("parameters", "requires"):
        return 1 if section == "parameters" else 2
    if section in _SINGLE:
        return 2 if path and path[0] in _SINGLE[section] else len(path) + 1
    return ENTRIES[section]


def _take_out(sections: dict[str, Node], section: str, path: tuple[str | int, ...]) -> None:
    *above, last = path
    copied = sections[section] = Node(dict(sections[section].value), sections[section].at, sections[section].keys)
    for step in above:
        inner = copied.value[step]
        copied.value[step] = Node(dict(inner.value), inner.at, inner.keys)
        copied = copied.value[step]
    copied.value.pop(last, None)


def _read(
    reader: Reader, root: Node, sections: Mapping[str, Node], layers: Sequence[Layer], tables: set[Path]
) -> Ruleset:
    top = layers[-1]
    reader.parameters = read_parameters(reader, sections["parameters"])
    requires = read_requires(reader, sections["requires"])
    sets = read_sets(reader, sections["sets"])
    sources, program = read_inference(reader, sections["inference"]) if _there(sections, "inference") else ((), None)
    roles = sections["roles"]
    cases = top.folder / CASES
    name, version = root.get("name"), root.get("version")
    return Ruleset(
        name=str(name.value) if name is not None else "", version=str(version.value) if version is not None else "",
        label=reader.text(root.get("label")), languages=reader.languages, folder=str(top.folder),
        extends=tuple(layer.title for layer in reversed(layers[:-1])),
        parameters=reader.parameters, requires=requires, sets=sets,
        features=read_features(reader, sections["features"]),
        classes=read_classes(reader, sections["classes"], _table_finder(reader, layers, tables)),
        lexicons=read_lexicons(reader, sections["lexicons"]),
        phrases=read_phrases(reader, sections["phrases"]) if _there(sections, "phrases") else None,
        roles=read_roles(reader, roles, roles.at) if _there(sections, "roles") else None,
        facts=sources, inference=program,
        flags=read_flags(reader, sections["flags"]), guards=read_guards(reader, sections["guards"]),
        playbook=read_playbook(reader, sections["playbook"]) if _there(sections, "playbook") else None,
        write=read_write(reader, sections["write"]),
        case_folders=(str(cases),) if cases.is_dir() else (),
    )  # fmt: skip


def _there(sections: Mapping[str, Node], section: str) -> bool:
    return sections[section].value is not None


def _table_finder(
    reader: Reader, layers: Sequence[Layer], found: set[Path]
) -> Callable[[str, Location], tuple[Path, str] | None]:
    roots = [layer.folder.resolve() for layer in layers]

    def find(name: str, at: Location) -> tuple[Path, str] | None:
        beside = Path(at.file).parent
        path = next((p for p in (beside / name, beside / "classes" / name) if p.is_file()), beside / name)
        if not any(path.resolve().is_relative_to(root) for root in roots):
            reader.complain("outside", f"'{name}' lies outside of the ruleset's folder", at, "a file beside this one")
            return None
        if not path.is_file():
            reader.complain("unreadable", f"there is no table '{name}'", at, "a .csv or .xlsx file beside this one")
            return None
        found.add(path)
        return path, str(path)

    return find


def _digest(root: Node, sections: Mapping[str, Node], tables: set[Path]) -> str:
    """Hash what was said, not how: comments, layout, the order of an entry's keys and the cut into files make no difference."""
    said = {
        "head": ordered(root.data, shape_of("")),
        **{name: ordered(node.data, shape_of(name)) for name, node in sections.items() if node.value is not None},
    }
    hashed = hashlib.sha256(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode())
    for path in sorted(tables, key=lambda path: path.name):
        hashed.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return hashed.hexdigest()
