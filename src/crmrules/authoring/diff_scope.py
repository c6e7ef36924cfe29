"""Which outcomes can differ between two rulesets on the same records: the others need no comparing.

A class, feature or flag can differ where its own definition does (labels and reasons aside), or
where anything that it reads can. What can't be told apart finely counts as different.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace

from crmrules.errors import Location
from crmrules.evaluation.dependencies import Needs, Node, graph, node_id, read_paths
from crmrules.evaluation.relations import FLAGS, ROLLUP
from crmrules.language.conditions import fields_of
from crmrules.language.frames import LEXICON_OUTPUTS, frames
from crmrules.language.ruleset import Flag, Ruleset, Score
from crmrules.model.text import Text

# Sections of which every class may make use without saying so; where one differs, anything may.
APART = frozenset({"features", "classes", "flags", "roles", "facts", "inference", "phrases", "guards", "sets"})
# What never decides an outcome: names, words, and what happens after the outcomes. Parameters are bound already.
MUTE = frozenset({
    "name", "version", "label", "languages", "folder", "extends", "digest", "case_folders", "parameters", "playbook",
    "write",
})  # fmt: skip
_EVIDENCE = ("roles", "facts", "inference", "guards")  # what roles come from
_BY_ROLES = frozenset({"part", "candidate", "evidence", "question"})


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What is to be compared: names of classes and ids of flags in definition order, and whether roles are."""

    classes: tuple[str, ...]
    flags: tuple[str, ...]
    roles: bool

    def __bool__(self) -> bool:
        return bool(self.classes or self.flags or self.roles)


def meaning(value: object) -> object:
    """Return what *value* says, comparable: without places in files and texts for people."""
    if isinstance(value, (Location, Text)):
        return None
    if is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__, *(meaning(getattr(value, f.name)) for f in fields(value))
    if isinstance(value, Mapping):
        return tuple((key, meaning(item)) for key, item in value.items())
    if isinstance(value, tuple):
        return tuple(map(meaning, value))
    if isinstance(value, frozenset):
        return frozenset(map(meaning, value))
    return type(value).__name__, value  # 1, 1.0 and True are equal to Python, not to a rule


def whole(ruleset: Ruleset) -> Scope:
    """Return everything that *ruleset* decides."""
    return Scope(classes=tuple(ruleset.classes), flags=tuple(ruleset.flags), roles=ruleset.roles is not None)


def union(one: Scope, other: Scope) -> Scope:
    """Return what either scope holds."""
    return Scope(
        classes=tuple(dict.fromkeys((*one.classes, *other.classes))),
        flags=tuple(dict.fromkeys((*one.flags, *other.flags))),
        roles=one.roles or other.roles,
    )


def differing(old: Ruleset, new: Ruleset) -> Scope:
    """Return the outcomes of either ruleset that may differ on the same records; those of one alone are among them."""
    general = [f.name for f in fields(Ruleset) if f.name not in APART | MUTE]
    if any(meaning(getattr(old, name)) != meaning(getattr(new, name)) for name in general):
        return union(whole(old), whole(new))
    return union(_touched(old, new), _touched(new, old))


def without_roles(ruleset: Ruleset, scope: Scope) -> Scope:
    """Return what of *scope* can be decided without finding roles."""
    reader = Reader(ruleset)
    return Scope(
        classes=tuple(n for n in scope.classes if not reader.reads_roles((f"class.{n}",), ())),
        flags=tuple(n for n in scope.flags if not reader.reads_roles((), (n,))),
        roles=False,
    )


def pruned(ruleset: Ruleset, scope: Scope) -> Ruleset:
    """Return *ruleset* with nothing in it but what *scope* needs; it decides that as the whole would."""
    reader = Reader(ruleset)
    nodes, flags, roles = reader.needed(scope)
    less = replace(
        ruleset,
        features={n: f for n, f in ruleset.features.items() if node_id(f) in nodes},
        classes={n: d for n, d in ruleset.classes.items() if node_id(d) in nodes},
        flags={n: f for n, f in ruleset.flags.items() if n in flags},
        playbook=None, write=(),
    )  # fmt: skip
    if roles:
        assert ruleset.roles is not None
        asked = reader.reads("question", nodes, flags)
        return less if asked else replace(less, roles=replace(ruleset.roles, questions=()))
    mentions = reader.reads("mention", nodes, flags)
    return replace(
        less,
        lexicons=ruleset.lexicons if mentions or reader.titles(nodes, flags) else {},
        phrases=ruleset.phrases if mentions else None,
        roles=None, facts=(), inference=None, guards=(),
    )  # fmt: skip


def _touched(ruleset: Ruleset, other: Ruleset) -> Scope:
    """Return what of *ruleset* differs from *other*, itself or in what it reads."""
    reader, theirs = Reader(ruleset), Reader(other)
    return spread(reader, *changes(reader, theirs))


def changes(reader: Reader, theirs: Reader) -> tuple[set[str], set[str], set[str], bool]:
    """Return nodes, flags and derived frames of one ruleset that are not defined so in the other, and whether roles are not."""
    ruleset, other = reader.ruleset, theirs.ruleset
    changed = {n for n in reader.nodes if reader.said(n) != theirs.said(n)}
    flags = {n for n, f in ruleset.flags.items() if n not in other.flags or meaning(f) != meaning(other.flags[n])}
    sources = {"mention"} if meaning(ruleset.phrases) != meaning(other.phrases) else set()
    roles = any(meaning(getattr(ruleset, name)) != meaning(getattr(other, name)) for name in (*_EVIDENCE, "sets"))
    return changed, flags, sources, roles


def by_population(ruleset: Ruleset) -> Scope:
    """Return what depends on records that have nothing to do with the subject: ranks, quantiles and their like."""
    reader = Reader(ruleset)
    ranked = {n for n, node in reader.nodes.items() if isinstance(node, Score) and node.by != "cuts"}
    return spread(reader, ranked, set(), set(), False)


def difference(one: Scope, other: Scope) -> Scope:
    """Return what *one* holds and *other* does not."""
    return Scope(
        classes=tuple(n for n in one.classes if n not in other.classes),
        flags=tuple(n for n in one.flags if n not in other.flags),
        roles=one.roles and not other.roles,
    )


def spread(reader: Reader, changed: set[str], flags: set[str], sources: set[str], roles: bool) -> Scope:
    """Return what reads one of these nodes, flags and derived frames, or reads what does."""
    ruleset = reader.ruleset
    growing = True
    while growing:
        before = len(changed), len(flags), len(sources), roles
        if flags:
            sources.add("flag")
        if roles or changed & reader.evidence_nodes or ("mention" in sources and ruleset.roles is not None):
            roles = True
            sources |= {t for needs in reader.needs.values() for t in needs.tables if _from_roles(t)}
        changed |= {n for n, needs in reader.needs.items() if needs.nodes & changed or needs.tables & sources}
        flags |= {n for n, needs in reader.flag_needs.items() if needs.nodes & changed or needs.tables & sources}
        growing = before != (len(changed), len(flags), len(sources), roles)
    return Scope(
        classes=tuple(n for n in ruleset.classes if f"class.{n}" in changed),
        flags=tuple(n for n in ruleset.flags if n in flags),
        roles=roles and ruleset.roles is not None,
    )


def _from_roles(table: str) -> bool:
    return table in _BY_ROLES or table.startswith("fact.")


class Reader:
    """What each part of a ruleset reads."""

    def __init__(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        self.frames = frames(ruleset)
        self.needs: Mapping[str, Needs] = graph(ruleset, self.frames)
        self.nodes: Mapping[str, Node] = {
            node_id(n): n for n in (*ruleset.features.values(), *ruleset.classes.values())
        }
        self.flag_needs = {flag.id: self._of_flag(flag) for flag in ruleset.flags.values()}
        self.evidence_nodes = self._evidence_nodes()

    def said(self, name: str) -> object:
        """Return the meaning of a feature or class, with the set that it takes its rows from; None: there is none."""
        node = self.nodes.get(name)
        subset = self.ruleset.sets.get(getattr(node, "from_", ""))
        return None if node is None else (meaning(node), meaning(subset))

    def needed(self, scope: Scope) -> tuple[set[str], set[str], bool]:
        """Return nodes, flags, and whether roles must be found, to decide *scope*."""
        nodes = {f"class.{name}" for name in scope.classes} & self.nodes.keys()
        flags = set(scope.flags) & self.flag_needs.keys()
        roles = scope.roles
        growing = True
        while growing:
            before = len(nodes), len(flags), roles
            found = [*(self.needs[n] for n in nodes), *(self.flag_needs[f] for f in flags)]
            nodes |= {n for needs in found for n in needs.nodes}
            tables = {t for needs in found for t in needs.tables}
            if "flag" in tables:
                flags |= self.flag_needs.keys()
            roles = roles or any(map(_from_roles, tables))
            if roles:
                nodes |= self.evidence_nodes
            growing = before != (len(nodes), len(flags), roles)
        return nodes, flags, roles

    def reads_roles(self, nodes: tuple[str, ...], flags: tuple[str, ...]) -> bool:
        """Whether these nodes and flags, or what they read, read roles."""
        names = tuple(n.removeprefix("class.") for n in nodes)
        return self.needed(Scope(classes=names, flags=flags, roles=False))[2]

    def reads(self, table: str, nodes: set[str], flags: set[str]) -> bool:
        """Whether one of these reads the derived frame *table*."""
        found = [*(self.needs[n] for n in nodes), *(self.flag_needs[f] for f in flags)]
        return any(table in needs.tables for needs in found)

    def titles(self, nodes: set[str], flags: set[str]) -> bool:
        """Whether one of these reads what a lexicon gives."""
        outputs = {f"{x.prefix}_{name}" for x in self.ruleset.lexicons.values() for name in LEXICON_OUTPUTS}
        paths = {p for n in nodes for p in read_paths(self.ruleset, self.frames, self.nodes[n])[1]}
        paths |= {p for f in flags for p in fields_of(self.ruleset.flags[f].when)}
        return any(path.rpartition(".")[2] in outputs for path in paths)

    def _of_flag(self, flag: Flag) -> Needs:
        paths = fields_of(flag.when)
        columns = {path.rpartition(".")[2] for path in paths}
        tables = {"flag"} if FLAGS in columns else set()
        if self.ruleset.roles is not None and not columns.isdisjoint(ROLLUP):
            tables.add("part")
        return Needs(own=self.read_in(paths), tables=frozenset(tables))

    def _evidence_nodes(self) -> frozenset[str]:
        """Return the nodes that evidence, facts, guards and sets read."""
        ruleset = self.ruleset
        items = ruleset.roles.items if ruleset.roles is not None else ()
        program = ruleset.inference.facts.values() if ruleset.inference is not None else ()
        conditions = [*(i.when for i in items), *(f.when for f in ruleset.facts), *(g.when for g in ruleset.guards)]
        conditions += [subset.where for subset in ruleset.sets.values()]
        paths = {path for condition in conditions for path in fields_of(condition)}
        paths |= {path for i in items for path in (i.who, i.deal, i.date, i.role_from)}
        return self.read_in(paths | {property.source for properties in program for property in properties})

    def read_in(self, paths: Iterable[str]) -> frozenset[str]:
        """Return every node that one of *paths* may mean: names alone decide, whatever the frame."""
        words = {word for path in paths for word in path.split(".")}
        return frozenset(name for name in self.nodes if name.partition(".")[2] in words)
