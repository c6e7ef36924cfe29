"""The schemas: valid themselves, titled for editors, and in step with the model."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from crmrules.explain.explanation import Explanation
from crmrules.language.document import parse
from crmrules.language.ruleset import Aggregation, HitPolicy
from crmrules.language.schema import check, definition, read_document
from crmrules.model.changes import Cause, Change, Dissent, Plan, Target
from crmrules.model.objects import OBJECTS, FieldType
from crmrules.resources import packaged

NAMES = ("case-v1", "mapping-v1", "outcome-v1", "plan-v1", "profile-v1", "ruleset-v1")
SCENARIOS = Path(__file__).resolve().parents[3] / "shared" / "domain" / "scenarios"


def test_these_are_all_schemas() -> None:
    assert tuple(sorted(f.name.removesuffix(".schema.json") for f in packaged("schemas").iterdir())) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_one_and_says_what_it_is(name: str) -> None:
    schema = json.loads((packaged("schemas") / f"{name}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"{name}.schema.json"
    assert schema["title"]
    assert schema["description"]
    undescribed = [path for path, part in _properties(schema) if not {"title", "description", "$ref"} & set(part)]
    assert undescribed == []


def _properties(schema: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(schema, dict):
        for key, inner in schema.get("properties", {}).items() if isinstance(schema.get("properties"), dict) else ():
            yield f"{path}.{key}", inner
        for key, inner in schema.items():
            yield from _properties(inner, f"{path}.{key}")


def test_a_mapping_may_map_every_object() -> None:
    assert set(definition("mapping-v1")["properties"]["objects"]["properties"]) == set(OBJECTS)
    assert definition("mapping-v1#/$defs/type")["enum"] == [type.value for type in FieldType]


def test_features_have_every_aggregation_and_type() -> None:
    known = definition("ruleset-v1#/$defs/feature")["properties"]
    assert set(get_args(Aggregation)) <= set(known)
    assert definition("ruleset-v1#/$defs/type")["enum"] == [type.value for type in FieldType]
    assert definition("ruleset-v1#/$defs/class")["properties"]["hit"]["enum"] == list(get_args(HitPolicy))


def test_a_case_may_give_every_field_of_an_account() -> None:
    fields = {field.name for field in OBJECTS["account"].fields} - {"modified_at"}
    assert fields <= set(definition("case-v1#/$defs/account")["properties"])


def test_a_plan_has_the_fields_of_a_plan() -> None:
    for part, made in (("change", Change), ("dissent", Dissent), ("target", Target)):
        wanted = {field.name for field in dataclasses.fields(made)}
        assert set(definition(f"plan-v1#/$defs/{part}")["properties"]) == wanted
    assert set(definition("plan-v1")["properties"]) == {field.name for field in dataclasses.fields(Plan)} | {"schema"}
    assert definition("plan-v1#/$defs/change")["properties"]["cause"]["enum"] == [cause.value for cause in Cause]


def test_an_outcome_has_the_fields_of_an_explanation() -> None:
    def same(schema: Any, made: Any) -> None:
        fields = {field.name: str(field.type) for field in dataclasses.fields(made)}
        assert set(schema["properties"]) == set(fields)
        for name, type in fields.items():
            inner = re.match(r"tuple\[(\w+), \.\.\.\]", type)
            reference = schema["properties"][name].get("items", {}).get("$ref", "")
            if inner and reference:
                module = vars(__import__("crmrules.explain.explanation", fromlist=["x"]))
                same(definition(f"outcome-v1#{reference.partition('#')[2]}"), module[inner[1]])

    same(definition("outcome-v1"), Explanation)


@pytest.mark.skipif(not SCENARIOS.is_dir(), reason=f"{SCENARIOS} is not here")
def test_the_founders_scenarios_are_cases_as_they_are() -> None:
    files = sorted(SCENARIOS.glob("*.yaml"))
    assert len(files) >= 11
    for file in files:
        assert read_document(file, "case-v1").data["id"] == file.name.partition("_")[0]


def test_places_of_a_document_are_those_of_its_values(tmp_path: Path) -> None:
    file = tmp_path / "profile.yaml"
    file.write_text("schema: profile-v1\nname: demo\nconnector: files\nsettings:\n  folder: data\n", encoding="utf-8")
    document = read_document(file, "profile-v1")
    assert str(document.at("settings", "folder")) == f"{file}:5:11"
    assert document.data["settings"] == {"folder": "data"}


def test_our_faster_descent_finds_what_jsonschema_finds() -> None:
    text = "objects:\n  account: {from: 3, fields: {1x: [], name: {form: x}}, extra: 1}\n  acount: {}\ntimezone: [x]\n"
    root = parse(text, "f")
    schema = json.loads((packaged("schemas") / "mapping-v1.schema.json").read_text(encoding="utf-8"))
    theirs = {tuple(error.absolute_path) for error in Draft202012Validator(schema).iter_errors(root.data)}
    assert len(check(root, "mapping-v1")) >= len(theirs) == 7
