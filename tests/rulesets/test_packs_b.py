"""The packs for software, banks, e-commerce, manufacturing, apparel and retail: their own cases, what they add, what they must not name."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from crmrules.language.document import read
from crmrules.language.loader import load_ruleset
from crmrules.language.ruleset import Ruleset
from crmrules.model.objects import CustomField, Field
from crmrules.pipeline.decide import decide
from crmrules.playbook.check import check_texts
from crmrules.plugins.host import installed
from crmrules.stores.snapshot import empty_snapshot, load_rows
from crmrules.testing.cases import run_cases

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT.parent / "shared" / "domain" / "scenarios"
PACKS = {  # pack -> prefix of what it adds, scenario of its trade
    "software-it": ("sw", "s03_software_it"),
    "bank": ("bank", "s04_bank"),
    "ecommerce": ("ec", "s05_ecommerce"),
    "manufacturing": ("mfg", "s06_manufacturing"),
    "apparel-retail": ("ap", "s09_apparel"),
}


@pytest.fixture(scope="module")
def core() -> Ruleset:
    return load_ruleset(ROOT / "rulesets" / "b2b-core")


@pytest.mark.parametrize("pack", sorted(PACKS))
def test_every_expectation_of_its_own_cases_holds(pack: str) -> None:
    host = installed()
    report = run_cases(ROOT / "rulesets" / pack, engine=host.engine("durable"), renderer=host.renderer("jinja"))
    told = "\n".join(f"{e.case} {e.kind} {e.subject} {e.what}: {e.wanted} / {e.got}" for e in report.failures)
    assert not report.failures, told
    assert {"role", "never", "class", "flag", "note", "write"} <= set(report.rates)


@pytest.mark.parametrize("pack", sorted(PACKS))
def test_it_adds_under_its_own_prefix_and_in_both_languages(pack: str, core: Ruleset) -> None:
    ruleset = load_ruleset(ROOT / "rulesets" / pack)
    assert ruleset.extends == (f"{core.name}@{core.version}",)
    assert not check_texts(ruleset)
    assert ruleset.playbook is not None
    assert core.playbook is not None
    assert ruleset.roles is not None
    assert core.roles is not None
    own = {
        "class": set(ruleset.classes) - set(core.classes),
        "flag": set(ruleset.flags) - set(core.flags),
        "sentence": {s.id for s in ruleset.playbook.sentences} - {s.id for s in core.playbook.sentences},
        "evidence": {i.id for i in ruleset.roles.items} - {i.id for i in core.roles.items},
        "parameter": set(ruleset.parameters) - set(core.parameters),
    }
    prefix = PACKS[pack][0]
    for kind, ids in own.items():
        assert ids, f"{pack} adds no {kind}"
        assert all(id.startswith((f"{prefix}.", f"{prefix}_")) for id in ids), (kind, ids)
    assert all(ruleset.parameters[name].label.of(language) for name in own["parameter"] for language in ("zh", "en"))


@pytest.mark.parametrize("pack", sorted(PACKS))
def test_no_rule_names_a_person_or_company_of_a_case(pack: str) -> None:
    folder = ROOT / "rulesets" / pack
    cases = [read(f).data for f in [*sorted(folder.glob("cases/*.yaml")), *SCENARIOS.glob(f"{PACKS[pack][1]}.yaml")]]
    names = {c["name"] for case in cases for c in case["contacts"]} | {case["account"]["name"] for case in cases}
    sections = {f.name: f.read_text(encoding="utf-8") for f in folder.iterdir() if f.is_file()}
    assert not [(name, file) for name in names for file, text in sections.items() if name in text]


def test_a_bank_loses_customers_when_their_assets_leave() -> None:
    """A case has no columns but the canonical ones; a CRM brings these two through its mapping."""
    ruleset, host, con = load_ruleset(ROOT / "rulesets" / "bank"), installed(), duckdb.connect()
    custom = [
        CustomField(object=r.object, field=Field(name=r.field, type=r.type))
        for r in ruleset.requires
        if r.field in ("balance_now", "settlement_moved")
    ]
    empty_snapshot(con, custom)
    holds = {"demand_type": "household", "aum_avg_12m": 1_000_000}
    load_rows(con, "account", [
        {"id": "gone", **holds, "balance_now": 49_999},
        {"id": "edge", **holds, "balance_now": 50_000},
        {"id": "moved", **holds, "balance_now": 950_000, "settlement_moved": True},
        {"id": "alarm", **holds, "balance_now": 400_000},
        {"id": "fine", **holds, "balance_now": 400_001},
        {"id": "untold", **holds},
    ])  # fmt: skip
    decide(
        con,
        ruleset,
        as_of=date(2025, 6, 30),
        engine=host.engine("durable"),
        renderer=host.renderer("jinja"),
        language="en",
    )
    found = con.execute("SELECT id, bank_outflow, churn_status FROM account_outcome").fetchall()
    assert {id: tuple(rest) for id, *rest in found} == {
        "gone": ("gone", "lost"), "edge": ("leaving", "at_risk"), "moved": ("leaving", "at_risk"),
        "alarm": ("leaving", "at_risk"), "fine": ("stable", "none"), "untold": ("unknown", "none"),
    }  # fmt: skip
    flagged = con.execute("SELECT record_id FROM flag WHERE flag = 'bank_assets_leaving' ORDER BY 1").fetchall()
    assert flagged == [("alarm",), ("edge",), ("gone",), ("moved",)]
