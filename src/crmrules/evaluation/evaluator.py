"""Computes every feature and class of a ruleset, in columns, in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import duckdb

from crmrules.evaluation.aggregates import passes
from crmrules.evaluation.classes import outputs
from crmrules.evaluation.dependencies import Node, graph, node_id
from crmrules.evaluation.relations import Relations
from crmrules.evaluation.rowwise import store_row_wise
from crmrules.evaluation.sql import quote
from crmrules.evaluation.stages import SUBJECT_KEYS, Stages
from crmrules.language.frames import frames
from crmrules.language.ruleset import Aggregate, Dimension, Ruleset, Score
from crmrules.model.decision import create


class Evaluator:
    """Features and classes over one snapshot, at one ``as_of``.

    *con* has the snapshot attached as ``snapshot`` and writes into its default catalog. *previous*
    names an attached catalog with the last run's outcome tables (for hysteresis); *cut_points* a
    table with the cut points of an earlier run (see :mod:`crmrules.evaluation.scores`).

    Raises RulesetError where features and classes depend on each other in a circle.
    """

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        ruleset: Ruleset,
        as_of: date,
        previous: str | None = None,
        cut_points: str | None = None,
    ) -> None:
        self.con, self.ruleset, self.as_of = con, ruleset, as_of
        self.previous, self.cut_points = previous, cut_points
        known = frames(ruleset)
        self._relations = Relations(con, ruleset, known, as_of, Stages(con))
        self._needs = graph(ruleset, known)
        self._nodes: Mapping[str, Node] = {
            node_id(n): n for n in (*ruleset.features.values(), *ruleset.classes.values())
        }
        self._done: set[str] = {name for name, node in self._nodes.items() if node.of not in SUBJECT_KEYS}

    @classmethod
    def resume(cls, con: duckdb.DuckDBPyConnection, ruleset: Ruleset, as_of: date) -> Evaluator:
        """Return an evaluator over a finished decision: its outcome tables are there, nothing is left to compute."""
        evaluator = cls(con, ruleset, as_of)
        for subject in SUBJECT_KEYS:
            evaluator._relations.stages.find_outcome(subject)
        evaluator._done = set(evaluator._nodes)
        return evaluator

    def adopt(self, catalog: str, nodes: frozenset[str]) -> None:
        """Take over what a finished decision on the same records says of *nodes*, instead of computing it again."""
        for subject, key in SUBJECT_KEYS.items():
            columns: list[str] = []
            for name in sorted(nodes & self._nodes.keys()):
                node = self._nodes[name]
                if node.of == subject:
                    columns += outputs(node) if isinstance(node, Dimension) else [node.name]
            if columns:
                wanted = ", ".join(map(quote, dict.fromkeys((*key, "account_id", *columns))))
                select = f"SELECT {wanted} FROM {catalog}.{subject}_outcome"
                self._relations.stages.add(subject, dict.fromkeys(columns, "NULL"), select, whole=True)
                self._done.update(name for name in nodes & self._nodes.keys() if self._nodes[name].of == subject)
                self._merge(subject)

    def relation(self, frame: str, paths: Iterable[str]) -> str:
        """Return a SELECT of exactly *paths* (each a column of that name) over the rows of *frame*."""
        return self._relations.relation(frame, paths)

    def run(self, available: set[str], *, merge: bool = True) -> None:
        """Compute what is not computed yet and can be, given that the derived frames *available* are filled.

        Canonical objects are always available; ``part`` makes the roles of a contact and ``candidate``
        available too. Afterwards ``<subject>_outcome`` holds all that is known of each subject; without *merge*
        only :meth:`relation` tells.
        """
        self.con.execute(create("conflict").replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"))
        able = self._able(available | ({"part"} if "candidate" in available else set()))
        touched = {self._nodes[name].of for name in able}
        while todo := [name for name in able if name not in self._done]:
            ready = [self._nodes[n] for n in todo if self._needs[n].nodes <= self._done]
            aggregates = [node for node in ready if isinstance(node, Aggregate)]
            if aggregates:
                self._aggregate(aggregates)
            else:
                self._row_wise(todo)
        for subject in SUBJECT_KEYS if merge else ():
            if subject in touched or (subject not in self._relations.stages.tables and subject != "part"):
                self._merge(subject)

    def _able(self, available: set[str]) -> list[str]:
        """Return the nodes whose needs are met, now or by nodes before them, in an order of need."""
        met = set(self._done)
        for name, needs in self._needs.items():
            if needs.tables <= available and needs.nodes <= met:
                met.add(name)
        return [name for name in self._needs if name in met and name not in self._done]

    def _aggregate(self, nodes: Sequence[Aggregate]) -> None:
        for one in passes(self._relations, nodes):
            self._relations.stages.add(one.subject, one.columns, one.select)
        self._done.update(map(node_id, nodes))

    def _row_wise(self, todo: Sequence[str]) -> None:
        """Compute what needs no aggregation: for each subject a chain of expressions in one pass."""
        for subject in SUBJECT_KEYS:
            chain = self._chain(todo, subject)
            if chain:
                store_row_wise(self._relations, subject, chain, self.previous, self.cut_points)
                self._done.update(node_id(node) for level in chain for node in level)

    def _chain(self, todo: Sequence[str], subject: str) -> list[list[Node]]:
        """Return nodes of *subject* in levels: each reads what is done, or own columns of the levels before."""
        levels: list[list[Node]] = []
        depth: dict[str, int] = {}
        for name in todo:
            node, needs = self._nodes[name], self._needs[name]
            if node.of != subject or name in self._done or isinstance(node, Aggregate):
                continue
            materialised = needs.nodes if isinstance(node, Score) and node.by != "cuts" else needs.other
            if not (materialised <= self._done and needs.own <= self._done | depth.keys()):
                continue
            depth[name] = 1 + max((depth[n] for n in needs.own if n in depth), default=-1)
            if depth[name] == len(levels):
                levels.append([])
            levels[depth[name]].append(node)
        return levels

    def _merge(self, subject: str) -> None:
        key = SUBJECT_KEYS[subject]
        paths = tuple(dict.fromkeys((*key, "account_id")))
        if subject == "account":
            base = f"SELECT id, id AS account_id FROM ({self.relation('account', key)})"
        else:
            base = self.relation(subject, paths)
        order: list[str] = []
        for node in self._nodes.values():
            if node.of == subject and node_id(node) in self._done:
                order += outputs(node) if isinstance(node, Dimension) else [node.name]
        self._relations.stages.merge(subject, base, order)
