"""The part of a ruleset that must be computed before its findings can be counted on records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from crmrules.authoring.lint.columns import Known
from crmrules.authoring.lint.counting import can_shadow, question_paths
from crmrules.authoring.lint.findings import Question
from crmrules.evaluation.dependencies import Node, graph, node_id, read_nodes, read_paths
from crmrules.evaluation.relations import lexicon_of
from crmrules.language.frames import reach
from crmrules.language.ruleset import Ruleset
from crmrules.model.objects import OBJECTS


def needed(known: Known, questions: Sequence[Question]) -> tuple[Ruleset, Ruleset]:
    """Return the ruleset to evaluate and the one whose lexicons are to be applied, before *questions* are asked.

    Only what *questions* and the classes whose rules may shadow each other read, themselves or through
    others, is left of the features and classes that records alone decide, and of the lexicons. The others
    stay: they are known, and never computed.
    """
    ruleset = known.ruleset
    needs = graph(ruleset, known.frames)
    able: set[str] = set()
    for name, need in needs.items():
        if need.tables <= OBJECTS.keys() and need.nodes <= able:
            able.add(name)
    asked = {(question.frame, path) for question in questions for path in question_paths(known, question)}
    wanted = {node_id(dimension) for dimension in ruleset.classes.values() if can_shadow(dimension)}
    wanted |= {name for frame, path in asked for name in read_nodes(ruleset, known.frames, frame, [path])}
    wanted &= able
    for name in reversed(needs):  # each stands after all that it needs
        if name in wanted:
            wanted |= needs[name].nodes
    nodes: list[Node] = [*ruleset.features.values(), *ruleset.classes.values()]
    read = asked | {
        (frame, path)
        for node in nodes
        if node_id(node) in wanted
        for frame, paths in [read_paths(ruleset, known.frames, node)]
        for path in paths
    }
    lexicons = _lexicons(known, read)
    evaluated = replace(
        ruleset,
        features={n: f for n, f in ruleset.features.items() if node_id(f) in wanted or node_id(f) not in able},
        classes={n: d for n, d in ruleset.classes.items() if node_id(d) in wanted or node_id(d) not in able},
    )
    return evaluated, replace(ruleset, lexicons={n: x for n, x in ruleset.lexicons.items() if n in lexicons})


def _lexicons(known: Known, read: Iterable[tuple[str, str]]) -> set[str]:
    """Return the names of the lexicons whose outputs are among the *read* (frame, path)."""
    found = set()
    for frame, path in read:
        owner, column = reach(known.frames, frame, path)
        if owner is not None and (lexicon := lexicon_of(known.ruleset, owner.name, column)):
            found.add(lexicon.name)
    return found
