"""Profiles and mappings: what they say is loaded, what they get wrong is named, secrets stay secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.files.crm import mapping
from crmrules.errors import RulesetError
from crmrules.language.document import Node
from crmrules.language.mapping import load_mapping
from crmrules.language.profile import load_profile, resolved_settings
from crmrules_files.config import DEFAULT_MAPPING

PROFILE = """
schema: profile-v1
name: acme
connector: files
settings: {path: crm, token: {env: ACME_TOKEN}, nested: {key: {file: key.txt}, list: [{env: ACME_TOKEN}]}}
mapping: mapping.yaml
rulesets: [b2b-core]
parameters: {window_days: 180}
language: en
write: {bands: [high], brakes: {share: 0.2}}
"""


def profile(folder: Path, text: str = PROFILE) -> Path:
    (folder / "crmrules.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_profile_is_found_by_its_folder_and_knows_its_places(tmp_path: Path) -> None:
    loaded = load_profile(profile(tmp_path))
    assert (loaded.name, loaded.connector, loaded.language, loaded.rulesets) == ("acme", "files", "en", ("b2b-core",))
    assert loaded.mapping == tmp_path / "mapping.yaml"
    assert loaded.state == tmp_path / ".crmrules" / "acme"
    assert (loaded.bands, dict(loaded.brakes), dict(loaded.parameters)) == (
        ("high",),
        {"share": 0.2},
        {"window_days": 180},
    )


def test_a_mapping_may_stand_in_the_profile(tmp_path: Path) -> None:
    inline = "{objects: {account: {from: A, fields: {id: Id}}}}"
    loaded = load_profile(profile(tmp_path, PROFILE.replace("mapping.yaml", inline)))
    assert isinstance(loaded.mapping, Node)
    assert load_mapping(loaded.mapping).objects["account"][0].native == "A"


def test_secrets_are_looked_up_late(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = load_profile(profile(tmp_path))
    assert "s3cret" not in repr(loaded)
    monkeypatch.setenv("ACME_TOKEN", "s3cret")
    (tmp_path / "key.txt").write_text(" k3y\n")
    (tmp_path / "key.txt").chmod(0o600)
    assert resolved_settings(loaded) == {
        "path": "crm", "token": "s3cret", "nested": {"key": "k3y", "list": ["s3cret"]},
    }  # fmt: skip
    assert "s3cret" not in repr(loaded)


def test_every_missing_secret_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ACME_TOKEN", raising=False)
    with pytest.raises(RulesetError) as caught:
        resolved_settings(load_profile(profile(tmp_path)))
    assert [p.message for p in caught.value.problems] == [
        "settings.nested.key: key.txt can't be read: No such file or directory",
        "settings.nested.list[0]: the environment variable ACME_TOKEN is not set",
        "settings.token: the environment variable ACME_TOKEN is not set",
    ]


def test_a_wrong_profile_says_all_that_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(RulesetError) as caught:
        load_profile(profile(tmp_path, "schema: profile-v1\nconector: files\nwrite: {brakes: {share: 7}}\n"))
    assert {p.code for p in caught.value.problems} >= {"unknown-key", "missing-key", "wrong-value"}


def test_the_connectors_default_mapping_fills_what_is_not_said() -> None:
    loaded = mapping("objects: {note: {from: Notizen, fields: {id: nr, body: text}}}")
    assert loaded.objects["tag"][0].native == "tags"
    assert loaded.objects["note"][0].native == "Notizen"
    assert load_mapping(None, default=DEFAULT_MAPPING).objects.keys() == {"tag", "note"}


def test_a_custom_field_becomes_a_column_with_its_label() -> None:
    text = "objects: {account: {from: A, fields: {id: Id}, custom: {tier: {from: T, type: integer, unit: stars, label: {zh: 星级}}}}}"
    [custom] = mapping(text).custom
    assert (custom.object, custom.field.name, custom.field.type, custom.field.unit) == (
        "account",
        "tier",
        "integer",
        "stars",
    )
    assert custom.field.label.of("zh") == "星级"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("{account: {from: A, fields: {id: Id, naem: N}}}", "account has no field 'naem'"),
        (
            "{account: {from: A, fields: {id: Id}, custom: {name: {from: N, type: text}}}}",
            "'name' is a field of account already",
        ),
        ("{deal_contact: {from: A, fields: {deal_id: D}}}", "deal_contact is mapped without its key"),
        ("{account: {from: A, fields: {id: Id, nps: {from: N, type: text}}}}", "nps is integer, not text"),
        ("{account: {from: A, fields: {id: Id, nps: {from: N, format: '%d'}}}}", "a number can't be read as '%d'"),
        ("{acount: {from: A, fields: {id: Id}}}", "there is no object 'acount'"),
    ],
)
def test_a_wrong_mapping_is_named(said: str, message: str) -> None:
    with pytest.raises(RulesetError, match=message):
        mapping(f"objects: {said}")


def test_values_translate_both_ways() -> None:
    text = "objects: {contact: {from: C, fields: {id: Id, crm_role: {from: R, values: {决策人: decision_maker, 老板: decision_maker}}}}}"
    role = mapping(text).objects["contact"][0].field("crm_role")
    assert role is not None
    assert role.to_canonical("老板") == "decision_maker"
    assert role.to_canonical("  ") is None
    assert role.to_canonical("else") == "else"
    assert role.to_native("decision_maker") == "决策人"
    assert role.to_native("user") == "user"
    assert role.to_native(None) is None


def test_what_changes_the_reading_changes_the_digest() -> None:
    base = "objects: {account: {from: A, fields: {id: Id, name: N}}}"
    digests = {
        mapping(text).objects["account"][0].digest
        for text in (base, base.replace("from: A", "from: B"), base.replace("name: N", "name: M"),
                     base.replace("name: N", "name: {from: N, default: x}"), base.replace("name: N", "city: N"))
    }  # fmt: skip
    assert len(digests) == 5
    assert mapping(base).objects["account"][0].digest in digests
