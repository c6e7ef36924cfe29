"""Start a ruleset: a small one that loads, decides something, and has a case that passes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from crmrules.errors import Location, Problem, RulesetError

_NAME = re.compile(r"[A-Za-z0-9_-]+")

_FILES: Mapping[str, str] = {
    "ruleset.yaml": """\
schema: ruleset-v1
name: {name}
version: 0.1.0
label: {{zh: "{name}", en: "{name}"}}
languages: [zh, en]            # every text below must exist in each of them
# extends: [b2b-core]          # build on another ruleset: give its ids again to change single rules

parameters:                    # policies: rules say $window, profiles may give other values
  window: {{value: 365d, label: {{zh: 统计窗口, en: Window}}}}
  frequent_from: {{value: 4, label: {{zh: 高频下单次数, en: Orders that are frequent}}}}
""",
    "sets.yaml": """\
valid_orders:                  # a test of a missing status is unknown, so it is asked for by name
  from: order
  where: {any: [{status: {is_missing: true}}, {status: {not_in: [cancelled, test]}}]}
""",
    "features.yaml": """\
account:
  orders_in_window: {count: valid_orders, within: $window, label: {zh: 窗口期下单次数, en: Orders in the window}}
  orders_ever: {count: valid_orders, label: {zh: 历史下单次数, en: Orders ever}}
  days_silent: {days_since: valid_orders, label: {zh: 距最近下单天数, en: Days since the last order}, unit: days}
""",
    "classes.yaml": """\
frequency:
  of: account
  label: {zh: 购买频率, en: Purchase frequency}
  values:
    never: {zh: 未购买, en: Never}
    occasional: {zh: 偶尔, en: Occasional}
    frequent: {zh: 频繁, en: Frequent}
  hit: first                   # the first rule that fires decides
  rules:
    - id: frequency.never
      when: {orders_ever: 0}
      then: never
      why: {zh: 没有有效订单, en: There is no valid order}
    - id: frequency.frequent
      when: {orders_in_window: {gte: $frequent_from}}
      then: frequent
      why: {zh: "窗口期内下单 {{ orders_in_window }} 次", en: "{{ orders_in_window }} orders in the window"}
  otherwise: occasional
""",
    "flags.yaml": """\
gone_quiet:
  of: account
  when: {frequency: [occasional, frequent], days_silent: {gt: 180}}
  label: {zh: 长期未下单, en: Gone quiet}
  why: {zh: "已 {{ days_silent }} 天没有下单", en: "No order for {{ days_silent }} days"}
""",
    "write.yaml": """\
frequency: {of: account, outcome: class.frequency, to: {tag: "frequency={value}"}}
flags: {of: account, outcome: flags, to: {tag: "flag.{value}"}}
""",
    "cases/regular.yaml": """\
id: regular
title: An account that orders every quarter
as_of: 2025-06-30
account: {id: a1, name: 示例客户}
contacts: []
deals: []
activities: []
orders:
  - {id: o1, date: 2024-09-01, amount: 1000, status: delivered}
  - {id: o2, date: 2024-12-01, amount: 1000, status: delivered}
  - {id: o3, date: 2025-03-01, amount: 1000, status: delivered}
  - {id: o4, date: 2025-06-01, amount: 1000, status: delivered}
  - {id: o5, date: 2025-06-02, amount: 1000, status: cancelled}
more_accounts:
  - {id: a2, orders: [], expected: {classes: {frequency: never}}}
  - {id: a3, orders: [{date: 2024-10-01, amount: 500}], expected: {classes: {frequency: occasional}, flags: [gone_quiet]}}
expected:
  account: {classes: {frequency: frequent}, flags: [], not_flags: [gone_quiet]}
""",
}


def new_ruleset(folder: Path, name: str) -> list[Path]:
    """Write a small valid ruleset called *name* into *folder*, which must not exist or be empty; return its files.

    Raises RulesetError where the folder holds something or the name can't be one.
    """
    if not _NAME.fullmatch(name):
        raise RulesetError(
            Problem(
                "wrong-name", f"'{name}' can't be a ruleset's name", Location(str(folder)), "letters, digits, - and _"
            )
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RulesetError(
            Problem("not-empty", "there is something here already", Location(str(folder)), "a new or empty folder")
        )
    files = []
    for file, text in _FILES.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(name=name) if file == "ruleset.yaml" else text, encoding="utf-8", newline="\n")
        files.append(path)
    return files
