"""Two public data sets, imported as a CRM in files: the classes of a ruleset split customers as published."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from crmrules.app import deciding, records
from crmrules.app.setup import decision, open_profile

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "tests" / "examples"
DATA = ROOT.parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data is not here")

PROFILE = """\
schema: profile-v1
name: public
connector: files
settings: {{path: crm}}
rulesets: [{ruleset}]
language: en
mapping:
  schema: mapping-v1
  objects:
    account:
      from: customers
      fields: {{id: {id}}}
      custom: {{{custom}}}
"""


def _decided(folder: Path, source: Path, ruleset: str, id: str, custom: str) -> list[tuple[str, str, int]]:
    """Import *source*, decide by the example *ruleset*, and return (class, outcome, customers)."""
    with source.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    (folder / "crm").mkdir()
    with (folder / "crm" / "customers.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["number", *rows[0]])
        writer.writerows([number, *row.values()] for number, row in enumerate(rows, 1))
    profile = folder / "crmrules.yaml"
    text = PROFILE.format(ruleset=(EXAMPLES / ruleset).as_posix(), id=id, custom=custom)
    profile.write_text(text, encoding="utf-8")
    records.pull(profile)
    deciding.decide(profile, as_of=date(2026, 11, 1), engine="python")
    split = "commitment" if ruleset == "telco" else "credit_risk"
    with decision(open_profile(profile)) as con:
        return con.execute(f"SELECT {split}, outcome, count(*) FROM account_outcome GROUP BY ALL").fetchall()


def _rates(counted: list[tuple[str, str, int]], wanted: str) -> dict[str, float]:
    """Return the share of *wanted* in each class, to four digits."""
    totals = {value: sum(n for v, _, n in counted if v == value) for value, _, _ in counted}
    return {
        value: round(sum(n for v, o, n in counted if (v, o) == (value, wanted)) / totals[value], 4) for value in totals
    }


def test_churn_by_contract(tmp_path: Path) -> None:
    custom = (
        "contract: {from: Contract, type: text}, tenure_months: {from: tenure, type: integer},"
        " monthly_charges: {from: MonthlyCharges, type: number},"
        " churned: {from: Churn, type: text, values: {'Yes': lost, 'No': kept}}"
    )
    counted = _decided(tmp_path, DATA / "telco_churn" / "telco.csv", "telco", "customerID", custom)
    assert sum(n for _, _, n in counted) == 7043
    assert _rates(counted, "lost") == {"none": 0.4271, "year": 0.1127, "two_years": 0.0283}


def test_defaults_by_checking_account(tmp_path: Path) -> None:
    custom = "checking: {from: status_of_existing_checking_account, type: text}, repayment: {from: creditability, type: text}"
    counted = _decided(tmp_path, DATA / "german_credit" / "germancredit.csv", "borrowers", "number", custom)
    assert sum(n for _, _, n in counted) == 1000
    rates = {value: round(rate, 3) for value, rate in _rates(counted, "bad").items()}
    assert rates == {"overdrawn": 0.493, "thin": 0.39, "solid": 0.222, "no_account": 0.117}
