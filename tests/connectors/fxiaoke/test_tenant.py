"""A tenant as it comes: the default mapping reads it, and doctor says what it lacks."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest

from connectors.fxiaoke.driving import request, rows
from connectors.fxiaoke.world import opened, settings
from crmrules.contracts.connector import Connector, WriteTarget
from crmrules.language.document import parse
from crmrules.language.mapping import load_mapping
from crmrules.model.objects import FieldType
from crmrules.pipeline.pull import pull
from crmrules_fxiaoke.config import DEFAULT_MAPPING, SETTINGS_SCHEMA, Settings
from crmrules_fxiaoke.guide import GUIDE, QUESTIONS
from simulators.fxiaoke import FxiaokeSim
from simulators.fxiaoke.functions import merge_tags
from simulators.fxiaoke.world import HOSTILE, seed

TARGETS = (
    WriteTarget(object="AccountObj", kind="tag", name="seg.value", values=("high", "low"), longest=20),
    WriteTarget(object="AccountObj", kind="note", name="客户策略", longest=500),
)


def _state(crm: Connector, *targets: WriteTarget) -> dict[str, str]:
    lines = crm.check(targets)
    for line in lines:
        for text in (line.message, line.hint) if line.hint else (line.message,):
            assert text.by_language.keys() == {"zh", "en"}
        assert (
            line.state == "ok" or line.hint or "can't be read" in line.message.of("en") or ":" in line.message.of("en")
        )
    return {line.code: line.state for line in sorted(lines, key=lambda line: line.state)}


def test_the_default_mapping_reads_everything(sim: FxiaokeSim, tmp_path: Path) -> None:
    ids = seed(sim)
    crm = opened(sim, tmp_path)
    mapping = load_mapping(parse("personal: [contact.email]\nobjects: {}", "m.yaml"), default=DEFAULT_MAPPING)
    sim.people.edit("AccountObj", ids["school"], {"crmrules_tags__c": "VIP\n重点", "crmrules_strategy__c": "手记"})
    assert not pull(crm, mapping, tmp_path / "s.duckdb").warnings
    con = duckdb.connect(str(tmp_path / "s.duckdb"), read_only=True)

    def of(query: str) -> list[tuple[Any, ...]]:
        return con.execute(query).fetchall()

    assert of("SELECT name FROM account WHERE id = '" + ids["hostile"] + "'") == [(HOSTILE[2],)]
    assert of("SELECT amount::VARCHAR, status, closed_on::VARCHAR FROM deal") == [
        ("1500000.0000", "open", "2026-12-31")
    ]
    assert of("SELECT deal_id, contact_id FROM deal_contact") == [(ids["deal"], ids["dean"])]
    assert of("SELECT type, account_id FROM activity ORDER BY 1, 2") == [
        ("meeting", ids["hospital"]), ("meeting", ids["hospital"]), ("visit", ids["hospital"]),
    ]  # fmt: skip
    assert of("SELECT contact_id FROM activity_contact ORDER BY 1") == [(ids["dean"],), (ids["doctor"],)]
    assert of("SELECT quantity, amount::VARCHAR FROM order_line") == [(2.0, "32964.5200")]
    assert of('SELECT id FROM "user" ORDER BY 1') == [("1000",), ("1001",), ("1002",)]
    assert of("SELECT name FROM tag ORDER BY 1") == [("VIP",), ("重点",)]
    assert of("SELECT record_id, title, body FROM note") == [(ids["school"], None, "手记")]
    con.close()
    sim.people.edit("AccountObj", ids["school"], {"crmrules_tags__c": "VIP", "crmrules_strategy__c": None})
    pull(crm, mapping, tmp_path / "s.duckdb")  # only what changed
    con = duckdb.connect(str(tmp_path / "s.duckdb"), read_only=True)
    assert of("SELECT name FROM tag ORDER BY 1") == [("VIP",)]
    assert of("SELECT count(*) FROM note") == [(0,)]


def test_what_the_tenant_lacks_reads_as_empty_and_is_said(sim: FxiaokeSim, tmp_path: Path) -> None:
    seed(sim)
    for object in ("CheckinsObj", "NewOpportunityContactsObj"):
        del sim.store.objects[object], sim.store.tables[object]
    sim.store.remove_field("ContactObj", "job_title")
    crm = opened(sim, tmp_path)
    mapping = load_mapping(None, default=DEFAULT_MAPPING)
    report = pull(crm, mapping, tmp_path / "s.duckdb")
    assert report.objects["deal_contact"].stored == 0
    assert report.objects["contact"].stored == 2
    said = [line.message.of("en") for line in crm.check() if line.code == "missing"]
    assert [re.sub(r".*no (\S+);.*", r"\1", s) for s in said] == [
        "ContactObj.job_title",
        "NewOpportunityContactsObj",
        "CheckinsObj",
    ]


def test_a_tenant_in_english_has_labels_in_english(tmp_path: Path) -> None:
    with FxiaokeSim(language="en") as sim:
        seed(sim)
        crm = opened(sim, tmp_path)
        [deal] = rows(crm, "NewOpportunityObj", "sales_status__r", "name").values()
        assert (deal["sales_status__r"], deal["name"]) == ("In progress", "Analysers")
        assert {o.name: o.label for o in crm.describe()}["AccountObj"] == "Account"
        assert DEFAULT_MAPPING["objects"]["deal"]["fields"]["status"]["values"]["In progress"] == "open"


class TestDoctor:
    def test_a_tenant_in_order(self, sim: FxiaokeSim, tmp_path: Path) -> None:
        seed(sim)
        assert _state(opened(sim, tmp_path), *TARGETS) == {"credentials": "ok", "tags": "ok", "notes": "ok"}

    @pytest.mark.parametrize(
        ("change", "code"),
        [({"app_secret": "x"}, "credentials"), ({"permanent_code": "x"}, "credentials"), ({"user_id": "9"}, "credentials"),
         ({"url": "http://127.0.0.1:9"}, "unreachable")],
    )  # fmt: skip
    def test_a_login_that_fails(self, sim: FxiaokeSim, tmp_path: Path, change: dict[str, str], code: str) -> None:
        assert _state(opened(sim, tmp_path, retries=0, **change), *TARGETS) == {code: "error"}

    def test_another_cloud_or_a_web_page(self, sim: FxiaokeSim, tmp_path: Path) -> None:
        sim.fault("html", times=100)
        assert _state(opened(sim, tmp_path, retries=0)) == {"unreachable": "error"}

    def test_an_address_that_is_not_listed(self, sim: FxiaokeSim, tmp_path: Path) -> None:
        sim.whitelist.clear()
        [line] = opened(sim, tmp_path).check()
        assert (line.code, "白名单" in line.hint.of("zh"), "whitelist" in line.hint.of("en")) == (
            "ip-whitelist",
            True,
            True,
        )

    @pytest.mark.parametrize(
        ("refusal", "code"), [(15002, "permission"), (15003, "permission"), (30002, "quota"), (30003, "quota")]
    )
    def test_a_right_or_a_package_that_is_missing(
        self, sim: FxiaokeSim, tmp_path: Path, refusal: int, code: str
    ) -> None:
        sim.refuse(refusal, "object/list", times=10)
        assert _state(opened(sim, tmp_path)) == {code: "error"}

    def test_fields_that_are_missing_read_only_or_too_short(self, sim: FxiaokeSim, tmp_path: Path) -> None:
        seed(sim)
        sim.store.remove_field("AccountObj", "crmrules_tags__c")
        crm = opened(sim, tmp_path, note_field="last_followed_time")
        assert _state(crm, *TARGETS) == {"credentials": "ok", "tags": "error", "notes": "error"}
        crm = opened(sim, tmp_path, note_field="summary__c", tag_field="areas__c")
        said = {c.code: c.message.of("en") for c in crm.check(TARGETS) if c.state == "error"}
        assert "options are missing / 缺少选项: seg.value=high" in said["tags"]
        assert "300 characters" in said["notes"]

    def test_tags_by_a_function_that_is_not_installed(self, sim: FxiaokeSim, tmp_path: Path) -> None:
        seed(sim)
        crm = opened(sim, tmp_path, tags="function", notes="object")
        assert _state(crm, *TARGETS)["tag-function"] == "error"
        sim.install("crmrules_tag__c", merge_tags)
        assert set(_state(crm, *TARGETS).values()) == {"ok"}
        assert _state(opened(sim, tmp_path, tags="none", notes="none"), *TARGETS)["tags"] == "warning"

    def test_clocks_that_differ(self, sim: FxiaokeSim, tmp_path: Path) -> None:
        seed(sim)
        sim.clock.advance(600)
        assert _state(opened(sim, tmp_path))["clock"] == "warning"


class TestCosts:
    def test_a_first_load_and_a_night(self, sim: FxiaokeSim, tmp_path: Path) -> None:
        for n in range(250):
            sim.people.create("AccountObj", {"name": str(n)})
        crm = opened(sim, tmp_path)
        assert crm.count("AccountObj") == 250
        before = crm.usage().calls
        pages = list(crm.read(request("AccountObj")))
        assert len(pages) == crm.usage().calls - before == 3
        assert crm.estimate(request("AccountObj"), 250).calls == 3
        night = request("AccountObj", since=sim.clock.now())
        assert crm.estimate(night, 10).calls == 1 + 3
        assert opened(sim, tmp_path, deletes="tombstones").estimate(night, 10).calls == 1

    @pytest.mark.parametrize("counted", [True, False])
    def test_a_count_that_is_not_told_is_unknown(self, sim: FxiaokeSim, tmp_path: Path, counted: bool) -> None:
        sim.people.create("AccountObj", {"name": "a"})
        sim.switches.total_without_switch = counted
        assert opened(sim, tmp_path).count("AccountObj") == (1 if counted else None)
        assert opened(sim, tmp_path).count("ContactObj") == 0


class TestPackage:
    def test_settings_are_checked_by_the_schema_and_have_its_defaults(self, sim: FxiaokeSim) -> None:
        jsonschema.Draft202012Validator.check_schema(SETTINGS_SCHEMA)
        jsonschema.validate(settings(sim), SETTINGS_SCHEMA)
        said = Settings.of({"app_id": "a", "app_secret": "b", "permanent_code": "c", "user_id": "1"})
        for name, schema in SETTINGS_SCHEMA["properties"].items():
            if "default" in schema and name not in ("cloud", "budget", "objects"):
                assert getattr(said, name) == schema["default"], name
        assert said.url == "https://open.fxiaoke.com"
        assert "secret" not in repr(Settings.of(settings(sim)))

    def test_the_questions_fill_settings_in_both_languages(self) -> None:
        for question in QUESTIONS:
            assert question.setting in SETTINGS_SCHEMA["properties"]
            assert question.text.by_language.keys() == {"zh", "en"}
        assert GUIDE.by_language.keys() == {"zh", "en"}

    @pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
    def test_the_readme_names_every_setting(self, name: str) -> None:
        text = files("crmrules_fxiaoke").joinpath(name).read_text("utf-8")
        assert [s for s in SETTINGS_SCHEMA["properties"] if f"`{s}`" not in text] == []

    def test_the_function_is_shipped_and_speaks_of_what_we_send(self) -> None:
        source = files("crmrules_fxiaoke").joinpath("apl", "crmrules_tag__c.groovy").read_text("utf-8")
        for key in ("op", "object", "ids", "id", "prefixes", "seen", "remove", "add", "create", "group", "api_names"):
            assert f'asked["{key}"]' in source, key
        assert {"stale", "unknown-tag", "no-group", "failed"} == set(re.findall(r'"error": "([a-z-]+)", ', source)) | {
            "failed"
        }

    def test_a_field_of_every_type_is_described(self, sim: FxiaokeSim, tmp_path: Path) -> None:
        objects = {o.name: {f.name: f for f in o.fields} for o in opened(sim, tmp_path).describe()}
        account = objects["AccountObj"]
        assert account["areas__c"].type is FieldType.list
        assert account["industry_level1"].choices == ("hospital", "machinery", "school", "trade")
        assert account["industry_level1__r"].choices == ("医院", "机械", "学校", "贸易")
        assert (account["crmrules_tags__c"].length, account["crmrules_tags__c"].custom) == (2000, True)
        assert objects["ContactObj"]["account_id"].refers_to == "AccountObj"
        assert "related_object_data" not in objects["ActiveRecordObj"]
        assert "crmrules_note__c" in objects
