"""Cases decided together: those of one policy, day and language share a snapshot, as customers of one CRM do.

A decision costs the same for one customer as for fifty. Ids are kept apart by the case's own id. A case that asks for
something that ranks a customer among all others is decided alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from crmrules.errors import Problem, RulesetError
from crmrules.evaluation.dependencies import graph, node_id
from crmrules.language.conditions import Condition, fields_of
from crmrules.language.frames import frames
from crmrules.language.loader import load_ruleset
from crmrules.language.ruleset import Ruleset, Score
from crmrules.language.schema import Document
from crmrules.model.objects import OBJECTS
from crmrules.stores.snapshot import empty_snapshot, load_rows
from crmrules.testing.grading import Expectation
from crmrules.testing.records import Rows, custom_fields, read_case, rows_of

_RANKING = ("quantile", "ntile", "rank", "percent_rank", "share_before")


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Cases that one decision answers; *rows* and *cases* bear the ids that they have in its snapshot."""

    ruleset: Ruleset  # with the policy of these cases
    as_of: date
    language: str
    cases: tuple[Mapping[str, Any], ...]
    rows: Rows
    ranked: frozenset[str] | None  # features and classes that depend on who else is there; None: more than classes does
    alone: bool  # the case asks for such things

    def snapshot(self) -> duckdb.DuckDBPyConnection:
        """Return a connection in memory with the records attached as ``snapshot``."""
        con = duckdb.connect()
        empty_snapshot(con, custom_fields(self.ruleset))
        for object, rows in self.rows.items():
            if rows:
                load_rows(con, object, rows)
        return con

    def told(self, expectation: Expectation) -> Expectation:
        """Return *expectation* with the ids that the case's author knows."""
        if len(self.cases) == 1:
            return expectation
        prefix = f"{expectation.case}/"
        return replace(
            expectation,
            subject=expectation.subject.replace(prefix, ""),
            what=expectation.what.replace(prefix, ""),
            evidence=tuple(line.replace(prefix, "") for line in expectation.evidence),
        )


def batches(folder: Path, files: Sequence[Path], search: Sequence[Path] = ()) -> tuple[Batch, ...]:
    """Return the cases in *files* for the ruleset in *folder*, as few decisions as they take, in the files' order.

    Raises RulesetError where the ruleset or a case is wrong.
    """
    ruleset = load_ruleset(folder, search=search)
    ranked = _ranked(ruleset)
    grouped: dict[str, tuple[dict[str, object], list[Mapping[str, Any]]]] = {}
    for file in files:
        document = read_case(file, (ruleset,))
        case, policy = document.data, _overrides(document, ruleset)
        alone = ranked is None or _asks_for(case, ranked)
        key = json.dumps(
            [policy, str(case["as_of"]), case.get("language", "en"), str(file) if alone else ""], sort_keys=True, default=str
        )  # fmt: skip
        grouped.setdefault(key, (policy, []))[1].append(case)
    bound = {json.dumps(policy, sort_keys=True, default=str): policy for policy, _ in grouped.values()}
    rulesets = {
        key: load_ruleset(folder, search=search, overrides=policy) if policy else ruleset
        for key, policy in bound.items()
    }
    return tuple(
        _batch(rulesets[json.dumps(policy, sort_keys=True, default=str)], cases, ranked)
        for policy, cases in grouped.values()
    )


def _batch(ruleset: Ruleset, cases: Sequence[Mapping[str, Any]], ranked: frozenset[str] | None) -> Batch:
    rows: Rows = {name: [] for name in OBJECTS}
    placed = []
    for case in cases:
        prefix = f"{case['id']}/" if len(cases) > 1 else ""
        for object, records in rows_of(case).items():
            rows[object] += [apart(object, record, prefix) for record in records]
        placed.append(placed_case(case, prefix))
    as_of = date.fromisoformat(str(cases[0]["as_of"]))
    return Batch(
        ruleset=ruleset, as_of=as_of, language=cases[0].get("language", "en"), cases=tuple(placed), rows=rows,
        ranked=ranked, alone=ranked is None or any(_asks_for(case, ranked) for case in cases),
    )  # fmt: skip


def apart(object: str, row: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Return *row* of *object* with *prefix* before every id: every case calls its account a1."""
    ids = {"id", *(field.name for field in OBJECTS[object].fields if field.refers_to)}
    return {name: f"{prefix}{value}" if name in ids and value is not None else value for name, value in row.items()}


def placed_case(case: Mapping[str, Any], prefix: str) -> Mapping[str, Any]:
    """Return *case* asking about ids with *prefix* before them: those that its records have in the snapshot."""
    if not prefix:
        return case
    expected = case["expected"]

    def renamed(wanted: Mapping[str, Any]) -> dict[str, Any]:
        return {f"{prefix}{id}": value for id, value in wanted.items()}

    deals = {
        id: {**wanted, "roles": renamed(wanted["roles"])} if "roles" in wanted else wanted
        for id, wanted in renamed(expected.get("deals", {})).items()
    }
    return {
        **case,
        "account": {**case["account"], "id": f"{prefix}{case['account']['id']}"},
        "more_accounts": [{**more, "id": f"{prefix}{more['id']}"} for more in case.get("more_accounts", ())],
        "expected": {**expected, "contacts": renamed(expected.get("contacts", {})), "deals": deals},
    }


def _asks_for(case: Mapping[str, Any], ranked: frozenset[str]) -> bool:
    expected = case["expected"]
    wanted = [
        expected["account"],
        *expected.get("contacts", {}).values(),
        *(m["expected"] for m in case.get("more_accounts", ())),
    ]
    asked = {name for block in wanted for key in ("classes", "not") for name in block.get(key, {})}
    return bool((asked | {name for deal in expected.get("deals", {}).values() for name in deal}) & ranked)


def _ranked(ruleset: Ruleset) -> frozenset[str] | None:
    """Return the features and classes that depend on who else is there; None where more than classes reads them."""
    nodes = {node_id(n): n for n in (*ruleset.features.values(), *ruleset.classes.values())}
    found: set[str] = set()
    for name, needs in graph(ruleset, frames(ruleset)).items():  # in an order of need
        node = nodes[name]
        if (isinstance(node, Score) and node.by in _RANKING) or needs.nodes & found:
            found.add(name)
    names = frozenset(name.partition(".")[2] for name in found)
    read = {path.rpartition(".")[2] for condition in _elsewhere(ruleset) for path in fields_of(condition)}
    return None if read & names else names


def _elsewhere(ruleset: Ruleset) -> Iterator[Condition]:
    """Yield the conditions of everything that is neither a feature nor a class."""
    yield from (item.when for item in (ruleset.roles.items if ruleset.roles else ()))
    yield from (source.when for source in ruleset.facts)
    yield from (flag.when for flag in ruleset.flags.values())
    yield from (guard.when for guard in ruleset.guards)
    yield from (sentence.when for sentence in (ruleset.playbook.sentences if ruleset.playbook else ()))
    yield from (write.when for write in ruleset.write)


def _overrides(document: Document, ruleset: Ruleset) -> dict[str, object]:
    """Return a case's policy as parameters; ``by_demand_type`` makes them depend on the account."""
    policy: dict[str, Any] = dict(document.data.get("policy") or {})
    by_type: Mapping[str, Mapping[str, Any]] = policy.pop("by_demand_type", None) or {}
    blocks = [key for key, value in policy.items() if isinstance(value, dict) and key not in ruleset.parameters]
    for block in blocks:  # rfm: {recency_days: ...}
        policy.update({f"{block}_{key}": value for key, value in policy.pop(block).items()})
    unknown = [name for name in policy if name not in ruleset.parameters]
    if unknown:
        raise RulesetError([
            Problem("unknown-parameter", f"the ruleset {ruleset.name} has no parameter {name!r}", document.at("policy"),
                    expected=", ".join(sorted(ruleset.parameters)))
            for name in unknown
        ])  # fmt: skip
    overrides: dict[str, object] = dict(policy)
    for name in sorted({name for values in by_type.values() for name in values}):
        cases = {kind: values[name] for kind, values in by_type.items() if name in values}
        overrides[name] = {
            "value": policy.get(name, ruleset.parameters[name].value),
            "by": "demand_type",
            "cases": cases,
        }
    return overrides
