"""`crmrules init` and `crmrules doctor`: from a CRM nobody has described to a profile that works."""

from __future__ import annotations

import io
import json
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from crmrules.app.starting import start
from crmrules.cli.main import exit_code
from crmrules.samples import _DEMO
from crmrules_zoho.config import SCOPES
from simulators.zoho import ZohoSimulator

MAPPING = """\
schema: mapping-v1
timezone: Asia/Shanghai
objects:
  account: {from: Accounts, fields: {id: Account ID, name: Account Name}}
  contact: {from: Contacts, fields: {id: Contact ID, account_id: Account ID, title: Titel}}
"""


@pytest.fixture
def crm(tmp_path: Path) -> Path:
    """A folder with the sample CRM's files and nothing else."""
    shutil.copytree(_DEMO / "crm", tmp_path / "crm")
    return tmp_path


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command as the shell would, with *typed* typed in."""

    def command(*arguments: str, typed: str = "") -> Said:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        code = exit_code(list(arguments))
        return Said(code, *capsys.readouterr())

    return command


def test_an_answer_is_enough_for_a_profile_that_pulls(crm: Path, run: Run) -> None:
    result = run("init", str(crm), "--connector", "files", "--lang", "en", typed="crm\n")
    assert result.code == 0, result.out
    assert "All is ready" in result.out
    assert run("pull", "--profile", str(crm), "--lang", "en").code == 0


def test_spellings_of_days_and_amounts_are_found_and_personal_data_is_left(crm: Path, run: Run) -> None:
    run("init", str(crm), "--connector", "files", "--lang", "en", typed="crm\n")
    mapping = (crm / "mapping.yaml").read_text("utf-8")
    assert 'amount: {from: Amount, format: "1,234.56"}  # 100%' in mapping
    assert 'date: {from: "Order Date", format: "%Y/%m/%d"}' in mapping
    assert "personal data, left in the CRM" in mapping
    assert "email: Email" not in mapping


def test_nothing_is_written_over(crm: Path, run: Run) -> None:
    run("init", str(crm), "--connector", "files", typed="crm\n")
    before = (crm / "crmrules.yaml").read_text("utf-8")
    assert run("init", str(crm), "--connector", "files", "--answers", str(_answers(crm, "path: crm"))).code == 3
    assert (crm / "crmrules.yaml").read_text("utf-8") == before


def test_answers_may_come_from_a_file(crm: Path, run: Run) -> None:
    result = run("init", str(crm), "-c", "files", "--answers", str(_answers(crm, "path: crm")), "--format", "json")
    assert json.loads(result.out)["cost"]["records"] is None


def test_a_wrong_answer_is_told_and_nothing_is_written(crm: Path, run: Run) -> None:
    said = run("init", str(crm), "-c", "files", "--answers", str(_answers(crm, "path: crm\ndelimiter: '#'")))
    assert said.code == 3
    assert "settings.delimiter" in said.err
    assert not (crm / "crmrules.yaml").exists()


def test_a_secret_goes_into_a_file_of_its_own(tmp_path: Path) -> None:
    with ZohoSimulator() as sim:
        code = sim.accounts.code(SCOPES)
        answers = {"client_id": sim.client_id, "client_secret": sim.client_secret, "grant_code": code}
        started = start(tmp_path / "crm", "zoho", {**answers, "accounts_url": sim.url}, language="en")
    refresh = next(file for file in started.secrets if file.name == "refresh_token").read_text("utf-8")
    shown = started.profile.read_text("utf-8")
    assert started.mapping is not None
    assert not [secret for secret in (sim.client_secret, refresh, code) if secret in shown]
    assert {file.name for file in started.secrets} == {"client_secret", "refresh_token"}
    for file in started.secrets:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert (tmp_path / "crm" / ".crmrules" / ".gitignore").read_text("utf-8") == "*\n"


def test_an_answer_may_refer_to_a_secret_as_a_profile_does(crm: Path, run: Run) -> None:
    secret = crm / "where"
    secret.write_text("crm", encoding="utf-8")
    secret.chmod(0o600)
    assert run("init", str(crm), "-c", "files", "--answers", str(_answers(crm, "path: {file: where}"))).code == 0
    assert 'path: {"file": "where"}' in (crm / "crmrules.yaml").read_text("utf-8")


def test_the_doctor_names_what_is_missing_and_what_to_do(crm: Path, run: Run) -> None:
    (crm / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    (crm / "crmrules.yaml").write_text(
        "schema: profile-v1\nname: x\nconnector: files\nsettings: {path: crm}\nrulesets: [b2b-core]\nmapping: mapping.yaml\n",
        encoding="utf-8",
    )
    result = run("doctor", "--profile", str(crm), "--lang", "en")
    assert result.code == 1
    assert "'Contacts' has no field 'Titel'" in result.out
    assert "did you mean 'Title'" in result.out
    assert "write rule deal.role: the mapping has no deal_contact" in result.out
    zh = run("doctor", "--profile", str(crm), "--lang", "zh").out
    assert "写入规则 deal.role:映射里没有 deal_contact" in zh


def test_the_doctor_looks_and_keeps_nothing(crm: Path, run: Run) -> None:
    run("init", str(crm), "--connector", "files", typed="crm\n")
    before = {path: path.read_bytes() for path in crm.rglob("*") if path.is_file()}
    assert run("doctor", "--profile", str(crm)).code == 0
    assert {path: path.read_bytes() for path in crm.rglob("*") if path.is_file()} == before


def _answers(folder: Path, text: str) -> Path:
    path = folder / "answers.yaml"
    path.write_text(text, encoding="utf-8")
    return path
