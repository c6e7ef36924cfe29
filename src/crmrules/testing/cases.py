"""Run a ruleset's cases: each carries its own policy, records and expectations.

A case goes through the very pipeline that a CRM goes through; only the snapshot lies in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from crmrules.contracts.engine import EnginePlugin
from crmrules.contracts.renderer import RendererPlugin
from crmrules.errors import Problem, RulesetError
from crmrules.evaluation.evaluator import Evaluator
from crmrules.language.loader import load_ruleset
from crmrules.language.ruleset import Ruleset
from crmrules.model.decision import create
from crmrules.model.text import LANGUAGES
from crmrules.pipeline.decide import decide
from crmrules.pipeline.notes import write_notes
from crmrules.testing.grading import BARS, Expectation, grade
from crmrules.testing.together import Batch, batches


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
    repeat: bool = False,
    look: Callable[[duckdb.DuckDBPyConnection, Ruleset], object] = lambda con, ruleset: None,
) -> CaseReport:
    """Run the cases of the ruleset in *folder*, or those at *cases* (files or folders of YAML).

    With *repeat* everything is decided twice, and the second decision must want the very same. *look* is called with
    each decision, its notes in every language, and the ruleset that made it.
    Raises RulesetError where the ruleset or a case is wrong, or there is no case at all.
    """
    ruleset = load_ruleset(folder, search=search)
    found: list[tuple[str, list[Expectation]]] = []
    for batch in batches(folder, case_files(folder, ruleset, cases), search):
        con = _decided(batch, engine, renderer)
        notes = bilingual_notes(con, batch.ruleset, batch.as_of, renderer)
        look(con, batch.ruleset)
        again = [_repeated(con, _decided(batch, engine, renderer))] if repeat else []
        for case in batch.cases:
            graded = [batch.told(e) for e in grade(con, batch.ruleset, case, notes)]
            found.append((case["id"], [*graded, *(replace(e, case=case["id"]) for e in again)]))
    found.sort(key=lambda one: one[0])
    return CaseReport(
        ruleset=f"{ruleset.name}@{ruleset.version}",
        cases=tuple(name for name, _ in found),
        expectations=tuple(e for _, graded in found for e in graded),
    )


def case_files(folder: Path, ruleset: Ruleset, cases: Sequence[Path] = ()) -> list[Path]:
    """Return the files of *cases*, else of the ruleset's own. Raises RulesetError where there is none."""
    places = cases or [Path(f) for f in ruleset.case_folders] or [folder / "cases"]
    files = {f for place in places for f in (sorted(place.rglob("*.yaml")) if place.is_dir() else [place])}
    if not files:
        raise RulesetError(
            Problem("no-cases", f"{folder} has no case to run", hint="write cases/*.yaml, or name them with --cases")
        )
    return sorted(files)


def _decided(batch: Batch, engine: EnginePlugin, renderer: RendererPlugin) -> duckdb.DuckDBPyConnection:
    con = batch.snapshot()
    decide(con, batch.ruleset, as_of=batch.as_of, engine=engine, renderer=renderer, language=batch.language)
    return con


def _repeated(con: duckdb.DuckDBPyConnection, again: duckdb.DuckDBPyConnection) -> Expectation:
    desired = "SELECT * FROM desired ORDER BY ALL"
    first, second = con.execute(desired).fetchall(), again.execute(desired).fetchall()
    return Expectation(
        case="", kind="repeat", subject="run", what="second run", wanted="0 differences",
        got=f"{len(set(first) ^ set(second))} differences", passed=first == second,
    )  # fmt: skip


def bilingual_notes(
    con: duckdb.DuckDBPyConnection, ruleset: Ruleset, as_of: date, renderer: RendererPlugin
) -> dict[tuple[str, str], str]:
    """Return the notes of a decision in every language together by object and id: a word or its translation must occur."""
    con.execute("DROP TABLE note")
    con.execute(create("note"))
    evaluator = Evaluator.resume(con, ruleset, as_of)
    for language in LANGUAGES:
        write_notes(con, ruleset, evaluator.relation, renderer, language, as_of)
    return notes_written(con)


def notes_written(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """Return what table `note` says, all languages together, by object and id."""
    rows = con.execute(
        "SELECT object, record_id, string_agg(body, ' ' ORDER BY language) FROM note GROUP BY ALL"
    ).fetchall()
    return {(object, id): body for object, id, body in rows}
