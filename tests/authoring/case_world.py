"""A CRM in files in which every text field of every record holds a secret, and a ruleset that reads all of them."""

from __future__ import annotations

import csv
from pathlib import Path

import yaml

from crmrules.model.objects import OBJECTS, FieldType

from . import shop

ACCOUNT, AS_OF = "A-7788", "2026-07-01"
IDS = (ACCOUNT, "C-9001", "C-9002", "D-5001", "O-4001", "T-3001")
PLANTED: set[tuple[str, str]] = set()  # (object, field) that hold a secret
SPOKEN = {("activity", "direction"), ("activity_contact", "part"), ("note", "object"), ("note", "record_id"),
          ("tag", "object"), ("tag", "record_id")}  # fmt: skip
_SECRETS: list[str] = [
    "王海燕",
    "海燕",
    "Robert",
    "Miller",
    "宏图服饰",
    "刘芳",
    "13800138000",
    "bob@",
    "X-77",
    "下周讨论",
]
SECRETS = _SECRETS

RULES = {
    **shop.RULES,
    "ruleset": """\
schema: ruleset-v1
name: rules
version: 1.0.0
label: {zh: 示例, en: Sample}
languages: [zh, en]
parameters:
  high_from: {value: 1003, label: {zh: 高价值起点, en: High from}}
requires:
  account: {grade: {type: text}, level_n: {type: integer}, marks: {type: list}}
  order: {channel: {type: text}}
""",
    "phrases": """\
negations: ["不(能)?"]
honorifics: [主任, 总]
nicknames: {bob: robert}
speech_verbs: [说, said]
cues:
  i_decide: {about: speaker, match: ["我(来)?拍板"], example: "我来拍板"}
  named_decides: {about: named, match: ["{who}.{0,4}点头"]}
""",
}


def make(folder: Path) -> Path:
    """Write CRM, profile and ruleset; return the folder."""
    objects = {name: _mapped(name) for name in OBJECTS}
    profile = {
        "schema": "profile-v1", "name": "secret", "connector": "files", "settings": {"path": "crm"}, "rulesets": ["rules"],
        "language": "en", "engine": "python", "state": "state",
        "mapping": {"schema": "mapping-v1", "personal": ["contact.email", "contact.phone", "user.email"], "objects": objects},
    }  # fmt: skip
    (folder / "crm").mkdir()
    (folder / "crmrules.yaml").write_text(yaml.safe_dump(profile, allow_unicode=True), "utf-8")
    for name, rows in _records().items():
        _write(folder / "crm" / f"{name}.csv", name, rows)
    rules = {**RULES, **_reading_everything()}
    (folder / "rules").mkdir()
    for name, text in rules.items():
        (folder / "rules" / f"{name}.yaml").write_text(text, "utf-8")
    return folder


def _custom(name: str) -> dict[str, str]:
    return {"account": {"grade": "text", "level_n": "integer", "marks": "list"}, "order": {"channel": "text"}}.get(
        name, {}
    )


def _mapped(name: str) -> dict[str, object]:
    fields = {f.name: f.name for f in OBJECTS[name].fields}
    custom = {field: {"from": field, "type": type} for field, type in _custom(name).items()}
    return {"from": name, "fields": fields, **({"custom": custom} if custom else {})}


def _reading_everything() -> dict[str, str]:
    """Features that read every text field that belongs to an account, roles, and a flag on what was said."""
    features = yaml.safe_load(RULES["features"])
    for name, object in OBJECTS.items():
        if "account" in object.links and name != "account":
            for field in object.fields:
                if field.type is FieldType.text and not field.refers_to and field.name != "id":
                    features["account"][f"all_{name}_{field.name}"] = {"distinct": name, "value": field.name}
    features["account"]["decisions"] = {"count": "mention", "where": {"cue": ["i_decide", "named_decides"]}}
    features["account"]["web"] = {"count": "order", "where": {"channel": "web"}}
    tests = [{field.name: {"is_present": True}} for field in OBJECTS["account"].fields if field.type is FieldType.text]
    classes = yaml.safe_load(RULES["classes"])
    values = {"top": {"zh": "顶", "en": "Top"}, "rest": {"zh": "余", "en": "Rest"}}
    grading = [{"id": "grading.top", "then": "top",
                "when": {"grade": {"matches": "^A"}, "level_n": {"gte": 2}, "annual_revenue": {"gt": 7_000_000}, "marks": {"has": "blue"}, "web": 1}}]  # fmt: skip
    classes["grading"] = {"of": "account", "label": {"zh": "级", "en": "Grading"}, "values": values, "rules": grading,
                          "otherwise": "rest"}  # fmt: skip
    classes["filled"] = {
        "of": "account", "label": {"zh": "满", "en": "Filled"}, "values": values,
        "rules": [{"id": "filled.top", "when": {"all": tests}, "then": "top"}], "otherwise": "rest",
    }  # fmt: skip
    roles = yaml.safe_load(RULES["roles"])
    roles["evidence"]["talk.decides"] = {
        "of": "mention", "when": {"cue": ["i_decide", "named_decides"]}, "who": "contact_id", "family": "position",
        "gives": {"decider": 0.9},
    }  # fmt: skip
    flags = yaml.safe_load(RULES["flags"])
    flags["decided"] = {"of": "account", "when": {"decisions": {"gte": 2}}, "label": {"zh": "已拍板", "en": "Decided"}}
    found = {"features": features, "classes": classes, "roles": roles, "flags": flags}
    return {name: yaml.safe_dump(value, allow_unicode=True, sort_keys=False) for name, value in found.items()}


def _records() -> dict[str, list[dict[str, str]]]:
    talk = (
        "王主任说:我来拍板,下周讨论 13800138000。\nBob 已点头, bob@example.com https://example.com/x 单号X-77,刘芳陪同"
    )
    found = {
        "account": [
            {"id": ACCOUNT, "name": "宏图服饰", "annual_revenue": "7654321", "grade": "A宏图服饰", "level_n": "3", "marks": "blue;宏图服饰",
             "nps": "9"},
            {"id": "A-2", "name": "Other Ltd", "nps": "5"},
        ],
        "contact": [
            {"id": "C-9001", "account_id": ACCOUNT, "name": "王海燕", "title": "采购主任", "status": "active"},
            {"id": "C-9002", "account_id": ACCOUNT, "name": "Robert Miller", "title": "总经理 Miller", "reports_to_id": "C-9001"},
            {"id": "C-other", "account_id": "A-2", "name": "李雷"},
        ],
        "deal": [{"id": "D-5001", "account_id": ACCOUNT, "name": "宏图服饰秋季", "amount": "123456.78", "status": "open"}],
        "deal_contact": [{"deal_id": "D-5001", "contact_id": "C-9001"}],
        "activity": [{"id": "T-3001", "account_id": ACCOUNT, "deal_id": "D-5001", "date": "2026-06-01", "direction": "both", "text": talk}],
        "activity_contact": [
            {"activity_id": "T-3001", "contact_id": "C-9001", "part": "participant"},
            {"activity_id": "T-3001", "contact_id": "C-9002", "part": "participant"},
        ],
        "order": [
            {"id": "O-4001", "account_id": ACCOUNT, "date": "2026-05-01", "amount": "1004.5", "channel": "web"},
            {"id": "O-4002", "account_id": "A-2", "date": "2026-05-01", "amount": "9000"},
        ],
        "order_line": [{"id": "L-1", "order_id": "O-4001", "amount": "1004.5"}],
        "response": [{"id": "R-1", "account_id": ACCOUNT, "contact_id": "C-9001", "date": "2026-05-05", "score": "9"}],
        "browsing": [{"account_id": ACCOUNT, "category": "", "views_30d": "7"}],
        "note": [{"id": "N-1", "object": "account", "record_id": ACCOUNT}],
        "tag": [{"object": "account", "record_id": ACCOUNT, "name": ""}],
        "user": [{"id": "U-1", "name": "刘芳"}],
    }  # fmt: skip
    for name, rows in found.items():
        for row in rows:
            _plant(name, row)
    return found


def _plant(name: str, row: dict[str, str]) -> None:
    """Put a secret into every text field of *row* that has nothing to say yet; what it says is one already."""
    for field in OBJECTS[name].fields:
        if field.type is not FieldType.text or field.refers_to or field.name == "id" or (name, field.name) in SPOKEN:
            continue
        PLANTED.add((name, field.name))
        if not row.get(field.name):
            number = len(_SECRETS)
            row[field.name] = (
                f"机密{chr(0x5200 + number)}{chr(0x6200 + number)} Zq{chr(97 + number % 26)}{chr(97 + number // 26)}w 1380013{number:04}"
            )
            _SECRETS.extend(
                (f"{chr(0x5200 + number)}{chr(0x6200 + number)}", f"Zq{chr(97 + number % 26)}{chr(97 + number // 26)}w")
            )


def _write(path: Path, name: str, rows: list[dict[str, str]]) -> None:
    heads = [f.name for f in OBJECTS[name].fields] + list(_custom(name))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, heads, restval="")
        writer.writeheader()
        writer.writerows(rows)
