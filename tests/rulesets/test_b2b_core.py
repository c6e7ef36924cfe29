"""The starter ruleset against its golden cases, with the engine that users get."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from crmrules.authoring.coverage.inventory import fired
from crmrules.authoring.coverage.report import coverage, work_of
from crmrules.language.document import read
from crmrules.language.loader import load_ruleset
from crmrules.pipeline.decide import decide
from crmrules.plugins.host import installed
from crmrules.stores.snapshot import empty_snapshot, load_rows
from crmrules.testing.cases import CaseReport, run_cases
from crmrules.testing.records import rows_of

ROOT = Path(__file__).resolve().parents[2]
B2B_CORE = ROOT / "rulesets" / "b2b-core"
SCENARIOS = ROOT.parent / "shared" / "domain" / "scenarios"
# What issue 4 asks of all eleven scenarios together.
BARS = {
    "never": 1.0,
    "role": 0.95,
    "confidence": 0.95,
    "stance": 0.95,
    "class": 1.0,
    "flag": 0.95,
    "note": 1.0,
    "write": 1.0,
}


SILENT = "-silent"  # what the twin of a scenario is called of which no activity has a text
# Most CRMs hold little text. Then fewer roles are found, and none that a good key-account manager would forbid.
SILENT_BARS = {"never": 1.0, "write": 1.0, "role": 0.8}


def test_every_case_and_golden_scenario_reaches_its_bars_and_every_rule_fires(tmp_path: Path) -> None:
    """Cases of one policy are decided together, and a scenario with its silent twin: so all of them in one test."""
    own = sorted((B2B_CORE / "cases").rglob("*.yaml"))
    golden = sorted(SCENARIOS.glob("*.yaml"))
    known = {f.name: f.read_bytes() for f in golden}
    silent = [_silent(f, tmp_path) for f in golden]
    host = installed()
    found: set[tuple[str, str]] = set()
    report = run_cases(
        B2B_CORE, [*(f for f in own if known.get(f.name) != f.read_bytes()), *golden, *silent],
        engine=host.engine("durable"), renderer=host.renderer("jinja"),
        look=lambda con, ruleset: found.update(fired(con, ruleset)),
    )  # fmt: skip
    silently = coverage(work_of(str(B2B_CORE)), load_ruleset(B2B_CORE), found, "cases").unexplained
    assert not [str(one.entry.at) for one in silently], "never fires: write a case, or say why there is none"
    talking = _of(report, lambda case: not case.endswith(SILENT))
    assert len(talking.cases) == len({f.name for f in (*own, *golden)})
    assert not _below(talking, BARS), _told(talking)
    assert not _below(_of(talking, lambda case: case[1:].isdigit()), BARS)  # the scenarios by themselves
    assert not _below(_of(report, lambda case: case.endswith(SILENT)), SILENT_BARS), _told(report)


@pytest.mark.skipif(not SCENARIOS.is_dir(), reason="../shared/domain/scenarios is not here")
def test_there_are_eleven_golden_scenarios_with_texts() -> None:
    files = sorted(SCENARIOS.glob("*.yaml"))
    assert len(files) == 11
    assert all(any("text" in activity for activity in read(f).data["activities"]) for f in files)


def test_a_second_decision_wants_the_very_same() -> None:
    host = installed()
    case = B2B_CORE / "cases" / "s03_software_it.yaml"
    report = run_cases(B2B_CORE, [case], engine=host.engine("durable"), renderer=host.renderer("jinja"), repeat=True)
    assert report.rates["repeat"] == (1, 1)


def _silent(file: Path, folder: Path) -> Path:
    case = read(file).data
    case["id"] += SILENT
    for activity in case["activities"]:
        activity.pop("text", None)
    written = folder / file.name
    written.write_text(json.dumps(case, ensure_ascii=False), encoding="utf-8")
    return written


def _of(report: CaseReport, chosen: Callable[[str], bool]) -> CaseReport:
    return replace(
        report,
        cases=tuple(case for case in report.cases if chosen(case)),
        expectations=tuple(e for e in report.expectations if chosen(e.case)),
    )


def _below(report: CaseReport, bars: Mapping[str, float]) -> dict[str, tuple[int, int]]:
    rates = report.rates
    return {kind: rates[kind] for kind, bar in bars.items() if kind in rates and rates[kind][0] < bar * rates[kind][1]}


def _told(report: CaseReport) -> str:
    return "\n".join(f"{e.case} {e.kind} {e.subject} {e.what}: wanted {e.wanted}, got {e.got}" for e in report.failures)


@pytest.mark.parametrize("engine", ["durable", "python"])
def test_the_order_of_records_and_the_engine_change_nothing(engine: str) -> None:
    rows = rows_of(read(B2B_CORE / "cases" / "s06_manufacturing.yaml").data)
    host, ruleset = installed(), load_ruleset(B2B_CORE)

    def desired(seed: int, chosen: str) -> list[tuple[object, ...]]:
        con = duckdb.connect()
        empty_snapshot(con)
        for object, records in rows.items():
            if records:
                load_rows(con, object, random.Random(seed).sample(records, len(records)))
        decide(
            con,
            ruleset,
            as_of=date(2025, 6, 30),
            engine=host.engine(chosen),
            renderer=host.renderer("jinja"),
            language="zh",
        )
        return con.execute("SELECT * FROM desired ORDER BY ALL").fetchall()

    straight = desired(0, "durable")
    assert straight
    assert desired(1, engine) == straight


def test_no_rule_or_pattern_names_a_person_or_record_of_a_case() -> None:
    cases = [read(f).data for folder in (B2B_CORE / "cases", SCENARIOS) for f in sorted(folder.rglob("*.yaml"))]
    names = {c["name"] for case in cases for c in case["contacts"]} | {case["account"]["name"] for case in cases}
    names -= {"老板", "前台", "info"}  # placeholders instead of people; a guard must know such words
    sections = {f.name: f.read_text(encoding="utf-8") for f in B2B_CORE.iterdir() if f.is_file()}
    assert not [(name, file) for name in names for file, text in sections.items() if name in text]
