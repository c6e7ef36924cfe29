"""`doctor` says what is wrong with a login, in both languages, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.zoho.world import SCOPES, opened
from crmrules.contracts.connector import Check, WriteTarget
from crmrules_zoho.client import ZohoCrm
from crmrules_zoho.plugin import crmrules_connectors
from simulators.zoho import ZohoSimulator

TAGS = WriteTarget(object="Accounts", kind="tag", name="seg.value", values=("high", "medium", "low"))


def lines(crm: ZohoCrm, *targets: WriteTarget) -> dict[str, Check]:
    found = {check.code: check for check in reversed(crm.check(targets))}
    for check in found.values():
        assert set(check.message.by_language) == {"zh", "en"}
        assert check.state == "ok" or check.code in ("clock", "tag-length", "credits") or check.hint
    return found


def test_a_good_login(sim: ZohoSimulator, tmp_path: Path) -> None:
    found = lines(opened(sim, tmp_path), TAGS)
    assert {check.state for check in found.values()} == {"ok"}
    assert set(found) == {"credentials", "org", "scope", "modules", "tag-quota", "credits", "clock"}


@pytest.mark.parametrize(
    "missing", ["ZohoCRM.settings.tags.ALL", "ZohoCRM.coql.READ", "ZohoCRM.bulk.READ", "ZohoCRM.users.READ"]
)
def test_a_missing_scope_is_named(sim: ZohoSimulator, tmp_path: Path, missing: str) -> None:
    area = missing.rpartition(".")[0]
    settings = tuple(
        s
        for s in ("ZohoCRM.settings.modules.READ", "ZohoCRM.settings.fields.READ", "ZohoCRM.settings.tags.ALL")
        if s != missing
    )
    scopes = (*(s for s in SCOPES if not s.startswith(area) and s != "ZohoCRM.settings.ALL"), *settings)
    sim.accounts.grant(sim.refresh_token, scopes)
    found = lines(opened(sim, tmp_path))
    assert missing in found["scope"].message.of("en")
    assert found["scope"].state != "ok"
    assert "crmrules init" in found["scope"].hint.of("zh")


def test_a_wrong_data_centre(sim: ZohoSimulator, tmp_path: Path) -> None:
    found = lines(opened(sim, tmp_path, accounts_url=sim.other_host))
    assert found["data-centre"].state == "error"
    assert "data_centre" in found["data-centre"].hint.of("en")


@pytest.mark.parametrize("setting", ["client_secret", "refresh_token"])
def test_wrong_credentials(sim: ZohoSimulator, tmp_path: Path, setting: str) -> None:
    found = lines(opened(sim, tmp_path, **{setting: "nonsense"}))
    assert found["credentials"].state == "error"
    assert list(found) == ["credentials"]


def test_nobody_at_home(sim: ZohoSimulator, tmp_path: Path) -> None:
    crm = opened(sim, tmp_path, accounts_url="http://127.0.0.1:9")
    assert lines(crm)["credentials"].state == "error"


def test_a_full_tag_quota_and_long_tags(sim: ZohoSimulator, tmp_path: Path) -> None:
    for n in range(99):
        sim.person_tags("Accounts", sim.person_creates("Accounts", {"Account_Name": f"a{n}"}), f"t{n}")
    found = lines(opened(sim, tmp_path), TAGS)
    assert found["tag-quota"].state == "error"
    assert "100" in found["tag-quota"].message.of("zh")
    long = WriteTarget(object="Accounts", kind="tag", name="flag.no_access_to_decision_maker")
    assert lines(opened(sim, tmp_path), long)["tag-length"].state == "warning"


def test_roles_that_the_org_does_not_have(sim: ZohoSimulator, tmp_path: Path) -> None:
    target = WriteTarget(
        object="Contact_Roles", kind="field", name="Contact_Role", values=("Decision Maker", "Gatekeeper")
    )
    found = lines(opened(sim, tmp_path), target)["contact-roles"]
    assert "Gatekeeper" in found.message.of("en")
    assert "Decision Maker" not in found.message.of("en")


def test_another_org(sim: ZohoSimulator, tmp_path: Path) -> None:
    opened(sim, tmp_path).describe()
    sim.crm.org_id = "42"
    assert lines(opened(sim, tmp_path))["org"].state == "error"


def test_few_credits_left(sim: ZohoSimulator, tmp_path: Path) -> None:
    sim.credits.daily = 100
    crm = opened(sim, tmp_path)
    for _ in range(3):
        crm.check()
    assert lines(crm)["credits"].state == "warning"


def test_the_plugin_asks_for_what_it_needs_and_guides_in_both_languages() -> None:
    [plugin] = crmrules_connectors()
    required = set(plugin.settings_schema["required"])
    asked = {question.setting for question in plugin.questions}
    assert required - asked == {"refresh_token"}, "which `finish` makes of the grant code"
    assert set(plugin.guide.by_language) == {"zh", "en"}
    assert all(set(q.text.by_language) == {"zh", "en"} for q in plugin.questions)
    assert {q.setting for q in plugin.questions if q.secret} == {"client_secret", "grant_code"}
    for scope in ("ZohoCRM.modules.ALL", "ZohoCRM.coql.READ", "ZohoCRM.bulk.READ"):
        assert scope in plugin.guide.of("zh")
