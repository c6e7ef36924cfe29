"""An admin begins: `crmrules init` with his answers, `crmrules doctor` with a tenant that is not ready yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.fxiaoke.world import QUICK
from crmrules.cli.main import exit_code
from simulators.fxiaoke import FxiaokeSim
from simulators.fxiaoke.world import seed


def _answers(sim: FxiaokeSim) -> dict[str, Any]:
    app = sim.app
    login = {"app_id": app.app_id, "app_secret": app.app_secret, "permanent_code": app.permanent_code}
    return {"cloud": "main", "auth": "headers", **login, "user_id": "1000", "mobile": "", "url": sim.url, **QUICK}


def test_init_asks_keeps_secrets_apart_and_examines(
    sim: FxiaokeSim, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seed(sim)
    answers, folder = tmp_path / "answers.yaml", tmp_path / "crm"
    answers.write_text(yaml.safe_dump(_answers(sim)), encoding="utf-8")
    code = exit_code(["init", str(folder), "--connector", "fxiaoke", "--answers", str(answers), "--lang", "zh"])
    said = capsys.readouterr()
    assert code in (0, 1), said.err
    assert "登录成功" in said.out
    profile = (folder / "crmrules.yaml").read_text("utf-8")
    assert sim.app.app_secret not in profile + said.out + said.err
    assert yaml.safe_load(profile)["settings"]["user_id"] == "1000"


@pytest.mark.parametrize(
    ("language", "what"), [("zh", "没有字段 crmrules_tags__c"), ("en", "has no field crmrules_tags__c")]
)
def test_doctor_names_what_is_missing_and_what_to_do(
    sim: FxiaokeSim, tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, what: str
) -> None:
    seed(sim)
    sim.store.remove_field("ContactObj", "crmrules_tags__c")
    answers = {k: v for k, v in _answers(sim).items() if v != ""}
    said = {"schema": "profile-v1", "name": "x", "connector": "fxiaoke", "settings": answers, "rulesets": ["b2b-core"]}
    profile = tmp_path / "crmrules.yaml"
    profile.write_text(yaml.safe_dump(said), encoding="utf-8")
    assert exit_code(["doctor", "--profile", str(profile), "--lang", language]) == 1
    out = capsys.readouterr().out
    assert f"ContactObj {what}" in out
    assert "crmrules_tags__c" in out.split(what)[1].splitlines()[1]  # the line below says what to do
