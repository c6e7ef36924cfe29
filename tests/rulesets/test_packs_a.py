"""The packs for pharma, devices, education, health, insurance and government against their own cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmrules.language.loader import load_ruleset
from crmrules.language.ruleset import Ruleset
from crmrules.playbook.check import check_texts
from crmrules.plugins.host import installed
from crmrules.testing.cases import run_cases

ROOT = Path(__file__).resolve().parents[2] / "rulesets"
PREFIX = {
    "pharma-hospital": "ph",
    "medical-device": "md",
    "education": "ed",
    "health": "hl",
    "insurance": "in",
    "government": "gv",
}


@pytest.fixture(scope="module")
def core() -> Ruleset:
    return load_ruleset(ROOT / "b2b-core")


@pytest.mark.parametrize("pack", sorted(PREFIX))
def test_every_expectation_of_its_own_cases_holds(pack: str) -> None:
    host = installed()
    report = run_cases(ROOT / pack, engine=host.engine("durable"), renderer=host.renderer("jinja"))
    told = "\n".join(f"{e.case} {e.kind} {e.subject} {e.what}: {e.wanted} / {e.got}" for e in report.failures)
    assert not report.failures, told
    assert {"role", "never", "class", "flag", "note", "write"} <= set(report.rates)


@pytest.mark.parametrize("pack", sorted(PREFIX))
def test_it_adds_to_the_core_under_its_own_prefix_and_in_both_languages(pack: str, core: Ruleset) -> None:
    ruleset = load_ruleset(ROOT / pack)
    assert ruleset.extends == (f"{core.name}@{core.version}",)
    assert not check_texts(ruleset)
    prefix = PREFIX[pack]
    assert ruleset.playbook is not None
    assert ruleset.roles is not None
    assert core.playbook is not None
    assert core.roles is not None
    own = {
        "flag": set(ruleset.flags) - set(core.flags),
        "sentence": {s.id for s in ruleset.playbook.sentences} - {s.id for s in core.playbook.sentences},
        "evidence": {i.id for i in ruleset.roles.items} - {i.id for i in core.roles.items},
        "guard": {g.id for g in ruleset.guards} - {g.id for g in core.guards},
    }
    for kind, ids in own.items():
        assert ids, f"{pack} adds no {kind}"
        assert all(id.startswith((f"{prefix}.", f"{prefix}_")) for id in ids), (kind, ids)
    assert set(core.playbook.forbidden) < set(ruleset.playbook.forbidden)
    for flag in own["flag"]:
        assert set(ruleset.flags[flag].label.by_language) == {"zh", "en"}
