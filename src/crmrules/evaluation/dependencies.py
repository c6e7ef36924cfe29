"""What each feature and class reads: the nodes that must come first, and the tables that must be there.

A node is ``feature.<name>`` or ``class.<name>``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter

from crmrules.errors import Problem, RulesetError
from crmrules.evaluation.relations import FLAGGED, FLAGS, RECORD, ROLLUP, subject_of
from crmrules.language.conditions import Choice, Condition, fields_of
from crmrules.language.expressions import Name, names_of
from crmrules.language.frames import Frame, source_frame
from crmrules.language.ruleset import Aggregate, Dimension, Feature, Formula, Ruleset, Score
from crmrules.model.objects import OBJECTS

Node = Feature | Dimension


@dataclass(frozen=True)
class Needs:
    """What a node reads."""

    own: frozenset[str] = frozenset()  # nodes read as columns of the subject itself
    other: frozenset[str] = frozenset()  # nodes read of other rows, or inside an aggregation
    tables: frozenset[str] = frozenset()  # derived frames

    @property
    def nodes(self) -> frozenset[str]:
        return self.own | self.other


def node_id(node: Node) -> str:
    """Return the node's name in the graph."""
    return f"class.{node.name}" if isinstance(node, Dimension) else f"feature.{node.name}"


def read_paths(ruleset: Ruleset, frames: Mapping[str, Frame], node: Node) -> tuple[str, frozenset[str]]:
    """Return the frame whose rows *node* reads, and the paths that it reads there."""
    match node:
        case Aggregate():
            return source_frame(ruleset, node.from_), frozenset(_aggregate_paths(ruleset, frames, node))
        case Formula():
            return node.of, names_of(node.expr)
        case Score():
            return node.of, fields_of(node.where) | {node.field}
        case Dimension():
            return node.of, frozenset(_class_paths(frames, node))


def own_record(frames: Mapping[str, Frame], dimension: Dimension) -> Mapping[str, str]:
    """Return the renaming under which *dimension*'s own rules read the record's field of its name, if there is one."""
    object_ = OBJECTS.get(dimension.of)
    declared = object_ is not None and object_.field(dimension.name) is not None
    if declared or dimension.copy == dimension.name:
        return {dimension.name: dimension.name + RECORD}
    return {}


def needs(ruleset: Ruleset, frames: Mapping[str, Frame], node: Node) -> Needs:
    """Return what *node* reads, directly."""
    frame, paths = read_paths(ruleset, frames, node)
    walk = _Walk(ruleset, frames)
    for path in sorted(paths):
        walk.path(frame, path, own=not isinstance(node, Aggregate) and "." not in path)
    walk.table(node.of)
    walk.table(frame)
    return Needs(frozenset(walk.own), frozenset(walk.other), frozenset(walk.tables))


def read_nodes(ruleset: Ruleset, frames: Mapping[str, Frame], frame: str, paths: Iterable[str]) -> frozenset[str]:
    """Return the nodes that *paths* read, seen from rows of *frame*, directly."""
    walk = _Walk(ruleset, frames)
    for path in paths:
        walk.path(frame, path, own=False)
    return frozenset(walk.other)


def graph(ruleset: Ruleset, frames: Mapping[str, Frame]) -> dict[str, Needs]:
    """Return what every node needs, in an order in which they can be computed.

    Raises RulesetError that names the cycle where there is one.
    """
    nodes = {node_id(n): n for n in (*ruleset.features.values(), *ruleset.classes.values())}
    found = {name: needs(ruleset, frames, node) for name, node in nodes.items()}
    try:
        order = TopologicalSorter({name: sorted(n.nodes) for name, n in found.items()}).static_order()
        return _through_inline(nodes, {name: found[name] for name in order})
    except CycleError as error:
        cycle = list(reversed(error.args[1]))
        raise RulesetError(
            Problem(
                "cycle",
                f"these depend on each other in a circle: {' reads '.join(cycle)}",
                nodes[cycle[0]].at,
                hint="let one of them read a field of the record instead",
            )
        ) from None


def _through_inline(nodes: Mapping[str, Node], found: dict[str, Needs]) -> dict[str, Needs]:
    """Add to each node what the formulas need that are computed where they are read."""
    for name, node_needs in found.items():
        inline = [found[n] for n in sorted(node_needs.nodes) if not subject_of(nodes[n].of)]
        if inline:
            other = node_needs.other.union(*(n.nodes for n in inline))
            found[name] = replace(node_needs, other=other, tables=node_needs.tables.union(*(n.tables for n in inline)))
    return found


@dataclass
class _Walk:
    ruleset: Ruleset
    frames: Mapping[str, Frame]
    own: set[str] = field(default_factory=set)
    other: set[str] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)

    def table(self, frame: str) -> None:
        if frame not in OBJECTS:
            self.tables.add("part" if frame == "candidate" else frame)

    def path(self, frame: str, path: str, *, own: bool) -> None:
        """Follow *path* from *frame* and note what stands on the way and at its end."""
        step, _, rest = path.partition(".")
        if rest and not (rest == "rule" and step in self.ruleset.classes):
            there = self.frames[frame].relations.get(step)
            if there is None:
                return  # the relation itself complains, with the frame's name
            self.table(there[1])
            self.path(there[1], rest, own=False)
            return
        if path.endswith(RECORD):
            return
        self._column(frame, step, own=own)

    def _column(self, frame: str, column: str, *, own: bool) -> None:
        subject = subject_of(frame) or frame
        dimension, feature = self.ruleset.classes.get(column), self.ruleset.features.get(column)
        if dimension is not None and dimension.of == subject:
            (self.own if own else self.other).add(node_id(dimension))
        elif feature is not None and feature.of == subject:
            (self.own if own else self.other).add(node_id(feature))
        elif frame == "contact" and column in ROLLUP and self.ruleset.roles is not None:
            self.tables.add("part")
        elif frame in FLAGGED and column == FLAGS and self.ruleset.flags:
            self.tables.add("flag")


def _aggregate_paths(ruleset: Ruleset, frames: Mapping[str, Frame], node: Aggregate) -> Iterator[str]:
    frame = frames[source_frame(ruleset, node.from_)]
    conditions = [c for c in (node.where, node.that, subset_condition(ruleset, node)) if c is not None]
    for condition in conditions:
        yield from fields_of(condition)
    if node.value is not None:
        yield from names_of(node.value)
    if node.money is not None:
        yield node.money.field
    yield from (days.field for days in (node.within, node.before) if isinstance(days, Choice))
    yield from subject_paths(frames, frame, node)
    yield from filter(None, (frame.date_field,))
    if node.agg in ("first", "last"):
        yield from frame.key


def subset_condition(ruleset: Ruleset, node: Aggregate) -> Condition | None:
    """Return the condition of the set that *node* takes its rows from, if it names one."""
    subset = ruleset.sets.get(node.from_)
    return subset.where if subset else None


def subject_paths(frames: Mapping[str, Frame], frame: Frame, node: Aggregate) -> tuple[str, ...]:
    """Return where the rows of *frame* say which subject they belong to.

    Raises RulesetError where they don't.
    """
    if node.via:
        return (node.via,)
    wanted = ("contact", "deal") if node.of == "part" else (node.of,)
    if missing := [subject for subject in wanted if subject not in frame.links]:
        raise RulesetError(
            Problem(
                "no-link",
                f"'{node.name}': a row of '{frame.name}' does not say which {missing[0]} it belongs to",
                node.at,
                expected=f"one of {', '.join(frame.links)}",
                hint="name the path to its id with `via`",
            )
        )
    return tuple(frame.links[subject] for subject in wanted)


def _class_paths(frames: Mapping[str, Frame], node: Dimension) -> Iterable[str]:
    names = own_record(frames, node)
    found = set().union(*(fields_of(rule.when) for rule in node.rules), filter(None, (node.copy,)))
    if node.hysteresis is not None:
        found.add(node.hysteresis.field)
    return {names.get(path, path) for path in found}


def single_name(node: Aggregate) -> str:
    """Return the field that *node* aggregates where its value is nothing but a field, else ''."""
    return node.value.field if isinstance(node.value, Name) else ""
