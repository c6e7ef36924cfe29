"""A shop with four customers: its CRM in files, its profile, and rules about it that tests edit."""

from __future__ import annotations

import shutil
from pathlib import Path

PROFILE = """\
schema: profile-v1
name: shop
connector: files
settings: {path: crm}
rulesets: [rules]
language: en
engine: python
state: state
mapping:
  schema: mapping-v1
  objects:
    account: {from: accounts, fields: {id: id, name: name, nps: nps, contract_end: contract_end}, custom: {grade: {from: grade, type: text}}}
    order: {from: orders, fields: {id: id, account_id: account, date: date, amount: amount}}
    contact: {from: people, fields: {id: id, account_id: account, name: name, title: title, status: status}}
    deal: {from: deals, fields: {id: id, account_id: account, name: name, amount: amount, status: status}}
    activity: {from: talks, fields: {id: id, account_id: account, date: date, text: text}}
    activity_contact: {from: who, fields: {activity_id: talk, contact_id: contact, part: part}}
"""

RULES = {
    "ruleset": """\
schema: ruleset-v1
name: rules
version: 1.0.0
label: {zh: 示例, en: Sample}
languages: [zh, en]
parameters:
  high_from: {value: 1000, label: {zh: 高价值起点, en: High from}}
requires:
  account: {grade: {type: text}}
""",
    "sets": """\
real_orders: {from: order, where: {amount: {gt: 0}}}
""",
    "features": """\
account:
  spent: {sum: real_orders, value: amount, type: money, within: 365d, label: {zh: 消费, en: Spent}}
  orders_n: {count: real_orders}
  spent_half: {expr: "spent / 2", type: money}
  place: {score: {by: rank, of: spent, order: desc}}
""",
    "classes": """\
worth:
  of: account
  label: {zh: 价值, en: Worth}
  values: {high: {zh: 高, en: High}, low: {zh: 低, en: Low}}
  rules:
    - {id: worth.none, when: {orders_n: 0}, then: unknown}
    - {id: worth.high, when: {spent: {gte: $high_from}}, then: high}
  otherwise: low
care:
  of: account
  label: {zh: 维护, en: Care}
  values: {partner: {zh: 伙伴, en: Partner}, keep: {zh: 保持, en: Keep}, none: {zh: 无, en: None}}
  rules:
    - {id: care.partner, when: {worth: high, nps: {gte: 9}}, then: partner}
    - {id: care.keep, when: {worth: high}, then: keep}
  otherwise: none
mood:
  of: account
  label: {zh: 口碑, en: Mood}
  values: {good: {zh: 好, en: Good}, bad: {zh: 差, en: Bad}}
  rules:
    - {id: mood.good, when: {nps: {gte: 9}}, then: good}
    - {id: mood.bad, when: {nps: {lte: 6}}, then: bad}
podium:
  of: account
  label: {zh: 排名, en: Podium}
  values: {first: {zh: 第一, en: First}, other: {zh: 其他, en: Other}}
  rules:
    - {id: podium.first, when: {place: {lte: 1}}, then: first}
  otherwise: other
halved:
  of: account
  label: {zh: 半, en: Halved}
  values: {much: {zh: 多, en: Much}, little: {zh: 少, en: Little}}
  rules:
    - {id: halved.much, when: {spent_half: {gte: 400}}, then: much}
  otherwise: little
reach:
  of: contact
  label: {zh: 触达, en: Reach}
  values: {buyer: {zh: 采购, en: Buyer}, boss: {zh: 领导, en: Boss}, other: {zh: 其他, en: Other}}
  rules:
    - {id: reach.buyer, when: {role: buyer}, then: buyer}
    - {id: reach.boss, when: {title_level: L1}, then: boss}
  otherwise: other
worry:
  of: account
  label: {zh: 担心, en: Worry}
  values: {yes_: {zh: 是, en: "Yes"}, no_: {zh: 否, en: "No"}}
  rules:
    - {id: worry.flagged, when: {flags: {has: quiet}}, then: yes_}
  otherwise: no_
""",
    "lexicons": """\
titles:
  of: contact
  field: title
  prefix: title
  levels: [L1, L2]
  level:
    L1: [总经理]
    L2: [经理]
""",
    "roles": """\
roles: {decider: {zh: 决策者, en: Decider}, buyer: {zh: 采购者, en: Buyer}}
precedence: [decider, buyer]
tie: 0.05
bands: {high: 0.80, medium: 0.60, low: 0.30}
write_bands: [high, medium]
keep_margin: 0.10
families:
  position: {label: {zh: 职务, en: Position}, half_life: none}
stance:
  order: [champion, neutral]
  labels: {champion: {zh: 支持, en: Champion}, neutral: {zh: 中立, en: Neutral}}
  half_life: 180
  floor: 0.3
evidence:
  position.buyer: {of: contact, when: {title: {matches: 采购}}, who: id, family: position, gives: {buyer: 0.7}}
  position.boss: {of: contact, when: {title_level: [L1, L2]}, who: id, family: position, gives: {decider: 0.5}}
""",
    "flags": """\
quiet: {of: account, when: {orders_n: 0}, label: {zh: 无订单, en: No orders}}
risky: {of: account, when: {worth: high, nps: {lte: 6}}, label: {zh: 风险, en: Risky}}
faceless: {of: contact, when: {role: unknown}, label: {zh: 未知角色, en: Role unknown}}
""",
}

CRM = {
    "accounts": (
        "id,name,nps,contract_end,grade\n"
        "a1,Acme \x1b[31m\u202eevil,9,2026-12-01,\na2,宏远科技,5,,\na3,Nobody,8,,\na4,Delta,10,2026-08-01,\n"
    ),
    "orders": "id,account,date,amount\no1,a1,2026-05-01,1200\no2,a2,2026-06-01,900\no3,a2,2026-06-02,10\no4,a4,2026-03-03,500\n",
    "people": "id,account,name,title,status\nc1,a1,李雷,采购经理,active\nc2,a1,韩梅,总经理,active\nc3,a2,Jo,Clerk,active\n",
    "deals": "id,account,name,amount,status\nd1,a1,Line 2,5000,open\n",
    "talks": "id,account,date,text\nt1,a1,2026-06-20,hello\n",
    "who": "talk,contact,part\nt1,c1,participant\n",
}
AS_OF = "2026-07-01"


def make(folder: Path) -> Path:
    """Write CRM, profile and rules into *folder*; return the folder of the rules."""
    files = {f"crm/{name}.csv": said for name, said in CRM.items()}
    files |= {f"rules/{name}.yaml": said for name, said in RULES.items()}
    for name, said in {"crmrules.yaml": PROFILE, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(said, encoding="utf-8")
    return folder / "rules"


def edited(rules: Path, name: str, section: str, old: str, new: str) -> Path:
    """Copy the rules to a folder called *name* with *old* replaced by *new* in a section's file."""
    folder = rules.with_name(name)
    if not folder.exists():
        shutil.copytree(rules, folder)
    file = folder / f"{section}.yaml"
    said = file.read_text(encoding="utf-8")
    assert old in said, f"{section} does not say {old!r}"
    file.write_text(said.replace(old, new, 1), encoding="utf-8")
    return folder
