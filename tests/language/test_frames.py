"""What rules may read."""

from __future__ import annotations

from collections.abc import Callable

from crmrules.language.frames import frames, resolve
from crmrules.language.ruleset import Ruleset
from crmrules.model.objects import OBJECTS, FieldType

SECTIONS = {
    "head": "requires: {account: {size: {type: number}}}",
    "features": """
        order: {net: {expr: "amount - coalesce(refund, 0)", type: money}}
        account:
          last: {max: order, value: date}
          later: {expr: "coalesce(last, created_at)"}
          favourite: {top: order, value: category}
          biggest: {max: order, value: net}
          mean: {mean: order, value: net}
          friends: {count: fact.reaches, via: to}
    """,
    "classes": "group: {of: contact, values: {a: {zh: 甲, en: A}}, hit: collect, rules: []}",
    "lexicons": "t: {of: contact, field: title, prefix: title, levels: [L1]}",
    "phrases": "cues: {c: {match: [定]}}",
    "flags": "f: {of: deal, when: {}, label: {zh: 甲, en: A}}",
    "roles": """
        roles: {user: {zh: 使用者, en: User}}
        bands: {high: 0.8}
        families: {position: {label: {zh: 职务, en: Position}}}
        stance: {order: [champion], half_life: 180}
    """,
    "inference": """
        facts:
          introduced: {of: activity, with: {by: {id: introduced_by_id}, n: {integer: logins_30d}}}
          reaches: {with: {from: id, to: id}}
        rules:
          r: {all: [{introduced: {by: ?a}}], then: {reaches: {from: ?a, to: ?a}}}
    """,
}


def test_every_object_is_a_frame_with_all_its_fields(load: Callable[..., Ruleset]) -> None:
    known = frames(load())
    assert set(known) == set(OBJECTS)
    for name, record in OBJECTS.items():
        assert {field.name: field.type for field in record.fields} == dict(known[name].columns)


def test_derived_columns_are_columns_like_any_other(load: Callable[..., Ruleset]) -> None:
    known = frames(load(**SECTIONS))
    expected = {
        ("order", "net"): "money", ("account", "size"): "number", ("account", "last"): "date", ("account", "later"): "date",
        ("account", "favourite"): "text", ("account", "biggest"): "money", ("account", "mean"): "number",
        ("contact", "group"): "list", ("contact", "title_level"): "text", ("contact", "title_functions"): "list",
        ("contact", "role"): "text", ("contact", "roles"): "list", ("part", "user"): "number", ("candidate", "band"): "text",
        ("order", "account.parent.size"): "number", ("mention", "speaker.title_level"): "text",
        ("activity_contact", "activity.account.last"): "date", ("fact.introduced", "n"): "integer",
        ("fact.introduced", "by"): "text", ("fact.reaches", "to.title"): "text", ("evidence", "contact.account.name"): "text",
    }  # fmt: skip
    found = {place: resolve(known, *place) for place in expected}
    assert found == {place: FieldType(type) for place, type in expected.items()}


def test_paths_that_lead_nowhere_have_no_type(load: Callable[..., Ruleset]) -> None:
    known = frames(load(**SECTIONS))
    for frame, path in [("account", "nix"), ("account", "nix.name"), ("contact", "account"), ("nix", "id")]:
        assert resolve(known, frame, path) is None


def test_a_fact_links_to_a_subject_only_where_one_property_can_be_meant(load: Callable[..., Ruleset]) -> None:
    known = frames(load(**SECTIONS))
    assert dict(known["fact.introduced"].links) == {"account": "account_id", "contact": "by"}
    assert dict(known["fact.reaches"].links) == {"account": "account_id"}  # from and to are both contacts
