"""A small CRM in files, its profile and its ruleset, for tests of whole commands."""

from __future__ import annotations

from pathlib import Path

PROFILE = """\
schema: profile-v1
name: shop
connector: files
settings: {path: crm}
rulesets: [rules]
language: en
state: state
mapping:
  schema: mapping-v1
  objects:
    account: {from: accounts, fields: {id: id, name: name}, custom: {tier: {from: tier, type: text}}}
    order: {from: orders, fields: {id: id, account_id: account, date: date, amount: amount}}
    contact: {from: people, fields: {id: id, account_id: account, name: name, title: title}}
    deal: {from: deals, fields: {id: id, account_id: account, name: name, stage: stage}}
export:
  - {exporter: jsonl, to: out, tables: [account_outcome, flag]}
"""

RULESET = """\
schema: ruleset-v1
name: rules
version: 1.2.0
label: {zh: 示例, en: Sample}
languages: [zh, en]
parameters:
  high_from: {value: 1000, label: {zh: 高价值起点, en: High from}}
requires:
  account: {tier: {type: text}}
"""

FEATURES = """\
account:
  spent: {sum: order, value: amount, type: money, within: 365d}
  orders_n: {count: order}
"""

CLASSES = """\
worth:
  of: account
  label: {zh: 价值, en: Worth}
  values: {high: {zh: 高, en: High}, low: {zh: 低, en: Low}}
  rules:
    - {id: worth.none, when: {orders_n: 0}, then: unknown}
    - {id: worth.high, when: {spent: {gte: $high_from}}, then: high, why: {zh: "消费 {{ spent | money }}", en: "spent {{ spent | money }}"}}
  otherwise: low
"""

FLAGS = """\
silent:
  of: account
  when: {orders_n: 0}
  label: {zh: 无订单, en: No orders}
"""

PLAYBOOK = """\
title: {zh: 建议, en: Advice}
blocks: {account: [next]}
sentences:
  next.high: {of: account, block: next, when: {worth: high}, say: {zh: "拜访{{ name }}", en: "Visit {{ name }}"}}
"""

WRITE = """\
tier: {of: account, outcome: class.worth, to: {field: tier}}
worth: {of: account, outcome: class.worth, to: {tag: "worth={value}"}}
advice: {of: account, outcome: note, to: {note: crmrules}}
"""

ACCOUNTS = "id,name,tier\na1,Acme {{ 7*7 }}\x1b[31m,\na2,宏远科技,\na3,Nobody,gold\n"
ORDERS = "id,account,date,amount\no1,a1,2026-05-01,900\no2,a1,2026-06-01,200\no3,a2,2026-06-02,10\n"


def make(folder: Path, **ruleset: str) -> Path:
    """Write the world into *folder* and return its profile; *ruleset* replaces section files."""
    files = {
        "crmrules.yaml": PROFILE, "crm/accounts.csv": ACCOUNTS, "crm/orders.csv": ORDERS,
        "crm/people.csv": "id,account,name,title\nc1,a1,李雷,采购经理\n",
        "crm/deals.csv": "id,account,name,stage\nd1,a1,Line 2,open\n",
        "rules/ruleset.yaml": RULESET, "rules/features.yaml": FEATURES, "rules/classes.yaml": CLASSES,
        "rules/flags.yaml": FLAGS, "rules/playbook.yaml": PLAYBOOK, "rules/write.yaml": WRITE,
        **{f"rules/{name}.yaml": content for name, content in ruleset.items()},
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder / "crmrules.yaml"
