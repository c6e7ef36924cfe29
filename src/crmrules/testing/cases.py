"""Run a ruleset's cases: each carries its own policy, records and expectations.

A case goes through the very pipeline that a CRM goes through; only the snapshot lies in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from crmrules.contracts.engine import EnginePlugin
from crmrules.contracts.renderer import RendererPlugin
from crmrules.errors import Problem, RulesetError
from crmrules.evaluation.evaluator import Evaluator
from crmrules.language.loader import load_ruleset
from crmrules.language.ruleset import Ruleset
from crmrules.language.schema import Document
from crmrules.model.decision import create
from crmrules.model.text import LANGUAGES
from crmrules.pipeline.decide import decide
from crmrules.pipeline.notes import write_notes
from crmrules.stores.snapshot import empty_snapshot, load_rows
from crmrules.testing.grading import BARS, Expectation, grade
from crmrules.testing.records import custom_fields, read_case, rows_of


@dataclass(frozen=True, kw_only=True)
class CaseReport:
    """Every expectation of every case, in order."""

    ruleset: str
    cases: tuple[str, ...]
    expectations: tuple[Expectation, ...]

    @property
    def rates(self) -> Mapping[str, tuple[int, int]]:
        """Kind -> (passed, all)."""
        kinds = sorted({e.kind for e in self.expectations})
        found = {kind: [e for e in self.expectations if e.kind == kind] for kind in kinds}
        return {kind: (sum(e.passed for e in those), len(those)) for kind, those in found.items()}

    @property
    def failures(self) -> tuple[Expectation, ...]:
        return tuple(e for e in self.expectations if not e.passed)

    @property
    def passed(self) -> bool:
        """Whether every kind reaches its bar (:data:`crmrules.testing.grading.BARS`)."""
        return all(passed >= BARS[kind] * total for kind, (passed, total) in self.rates.items() if kind in BARS)


def run_cases(
    folder: Path,
    cases: Sequence[Path] = (),
    *,
    search: Sequence[Path] = (),
    engine: EnginePlugin,
    renderer: RendererPlugin,
) -> CaseReport:
    """Run the cases of the ruleset in *folder*, or those at *cases* (files or folders of YAML).

    Raises RulesetError where the ruleset or a case is wrong, or there is no case at all.
    """
    ruleset = load_ruleset(folder, search=search)
    files = _files(cases or [Path(f) for f in ruleset.case_folders] or [folder / "cases"])
    if not files:
        raise RulesetError(
            Problem("no-cases", f"{folder} has no case to run", hint="write cases/*.yaml, or name them with --cases")
        )
    expectations: list[Expectation] = []
    names = []
    for file in files:
        document = read_case(file, (ruleset,))
        names.append(document.data["id"])
        bound = load_ruleset(folder, search=search, overrides=_overrides(document, ruleset))
        expectations += _run(bound, document.data, engine, renderer)
    return CaseReport(ruleset=f"{ruleset.name}@{ruleset.version}", cases=tuple(names), expectations=tuple(expectations))


def _files(places: Sequence[Path]) -> list[Path]:
    found = {f for place in places for f in (sorted(place.rglob("*.yaml")) if place.is_dir() else [place])}
    return sorted(found)


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


def _run(
    ruleset: Ruleset, case: Mapping[str, Any], engine: EnginePlugin, renderer: RendererPlugin
) -> list[Expectation]:
    con, again = (_decided(ruleset, case, engine, renderer) for _ in range(2))
    desired = "SELECT * FROM desired ORDER BY ALL"
    first, second = con.execute(desired).fetchall(), again.execute(desired).fetchall()
    repeat = Expectation(
        case=case["id"], kind="repeat", subject="run", what="second run", wanted="0 differences",
        got=f"{len(set(first) ^ set(second))} differences", passed=first == second,
    )  # fmt: skip
    return [*grade(con, ruleset, case, _notes(con, ruleset, case, renderer)), repeat]


def _decided(
    ruleset: Ruleset, case: Mapping[str, Any], engine: EnginePlugin, renderer: RendererPlugin
) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    empty_snapshot(con, custom_fields(ruleset))
    for object, rows in rows_of(case).items():
        if rows:
            load_rows(con, object, rows)
    decide(con, ruleset, as_of=_as_of(case), engine=engine, renderer=renderer, language=case.get("language", "en"))
    return con


def _notes(
    con: duckdb.DuckDBPyConnection, ruleset: Ruleset, case: Mapping[str, Any], renderer: RendererPlugin
) -> dict[tuple[str, str], str]:
    """Return the notes in every language together: a word or its translation must occur."""
    con.execute("DROP TABLE note")
    con.execute(create("note"))
    evaluator = Evaluator.resume(con, ruleset, _as_of(case))
    for language in LANGUAGES:
        write_notes(con, ruleset, evaluator.relation, renderer, language, _as_of(case))
    rows = con.execute(
        "SELECT object, record_id, string_agg(body, ' ' ORDER BY language) FROM note GROUP BY ALL"
    ).fetchall()
    return {(object, id): body for object, id, body in rows}


def _as_of(case: Mapping[str, Any]) -> date:
    as_of = case["as_of"]
    return as_of if isinstance(as_of, date) else date.fromisoformat(str(as_of))
