"""A million customers with flat features, and seeded random rules over them: the classification workload.

The rules are conditions of our own language; every peer translates the same tree in its own way.
"""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import duckdb

from crmrules.language.conditions import (
    AllOf,
    Among,
    AnyOf,
    Between,
    Compare,
    Condition,
    FieldRef,
    Leaf,
    Matches,
    Missing,
    Not,
    OlderThan,
    Op,
    Within,
    leaves,
)
from crmrules.language.ruleset import Dimension, HitPolicy, RequiredField, Rule, Ruleset
from crmrules.model.objects import OBJECTS, FieldType
from crmrules.model.text import Text

AS_OF = date(2026, 11, 1)
DATA = Path(__file__).parent / "data"

# name -> (thresholds that rules use, share of customers without a value)
COUNTS = {
    "orders_all": ([1, 3, 5, 10, 20, 50], 0.0), "orders_365": ([1, 2, 5, 10, 20], 0.0), "categories": ([1, 2, 4, 6], 0.0),
    "refunds": ([1, 2, 4], 0.0), "activities": ([1, 5, 20, 60], 0.0), "activities_90": ([1, 3, 10], 0.0),
    "meetings_365": ([1, 2, 5], 0.0), "mails_90": ([1, 3, 8], 0.0), "tickets_90": ([1, 3], 0.0),
    "complaints_365": ([1, 2, 5], 0.0), "no_shows": ([1, 3, 8], 0.0), "people_engaged": ([1, 3, 8], 0.0),
    "contacts": ([1, 2, 4], 0.0), "executives": ([1, 2], 0.0), "buyers": ([1, 2], 0.0), "deals_open": ([1, 2], 0.0),
    "deals_won": ([1, 3], 0.0), "deals_lost": ([1, 3], 0.0), "staff": ([10, 50, 250, 1000, 5000], 0.2),
    "r_tile": ([2, 3, 4], 0.05), "f_tile": ([2, 3, 4], 0.0), "m_tile": ([2, 3, 4], 0.1),
}  # fmt: skip
AMOUNTS = {
    "net_all": ([500, 2000, 10000, 50000], 0.1), "net_365": ([100, 1000, 5000, 20000], 0.15), "net_before": ([100, 5000], 0.25),
    "order_mean": ([50, 200, 800, 2500], 0.1), "order_max": ([500, 5000, 15000], 0.1), "open_amount": ([1000, 20000], 0.6),
    "turnover": ([10_000, 100_000, 1_000_000, 10_000_000], 0.3), "discount_mean": ([0.05, 0.1, 0.2, 0.3], 0.2),
    "minutes_mean": ([20, 50, 80], 0.1), "win_rate": ([0.2, 0.5, 0.8], 0.5), "refund_rate": ([0.1, 0.3], 0.1),
    "growth": ([0.5, 1.0, 2.0], 0.3),
}  # fmt: skip
DAYS = {"order_first": 0.1, "order_last": 0.1, "active_last": 0.05, "met_last": 0.4, "joined_on": 0.0}
WORDS = {
    "branch": ["manufacturing", "retail", "software", "healthcare", "finance", "logistics", "教育", "制造业", "互联网", "金融"],
    "land": ["CN", "US", "DE", "GB", "FR", "JP", "SG"],
    "state": ["customer", "prospect", "churned", "partner"],
    "origin": ["web", "referral", "event", "ads"],
}  # fmt: skip
PATTERNS = {
    "lead_title": [
        "(?i)(ceo|cto|cfo|chief|president|founder|owner)|董事长|总经理|首席", "(?i)(procure|purchas|buyer)|采购",
        "(?i)(vp|vice president|director|head of)|总监|主任", "(?i)(engineer|architect)|技术|工程师|研发",
        "(?i)(assistant|receptionist|intern)|秘书|助理|实习", "(?i)(legal|counsel)|法务", "(?i)human resources|人力资源",
    ],
    "company": ["(?i)(holdings|集团)$", "医院|大学", "^(上海|北京)", "(?i)gmbh"],
}  # fmt: skip
_TITLES = ["Chief Executive Officer", "总经理", "采购经理", "Procurement Manager", "Buyer", "IT Director", "技术总监", "工程师",
           "Software Engineer", "秘书", "Office Assistant", "法务专员", "General Counsel", "人力资源经理", "Founder", "Intern"]  # fmt: skip
_COMPANIES = [
    "上海{}集团",
    "北京{}医院",
    "{} Holdings",
    "{} GmbH",
    "{} Inc.",
    "{}大学",
    "{} Logistics",
    "{}科技有限公司",
]
DIMENSIONS: dict[str, HitPolicy] = {
    "value": "first", "loyalty": "first", "lifecycle": "first", "risk": "highest", "behaviour": "highest", "interest": "collect",
}  # fmt: skip
NUMBERS = {**COUNTS, **AMOUNTS}
FIELDS: dict[str, FieldType] = {
    **dict.fromkeys(COUNTS, FieldType.integer), **dict.fromkeys(AMOUNTS, FieldType.number),
    **dict.fromkeys(DAYS, FieldType.date), **dict.fromkeys(WORDS, FieldType.text), **dict.fromkeys(PATTERNS, FieldType.text),
}  # fmt: skip


def make_rules(count: int = 200, seed: int = 7) -> tuple[Dimension, ...]:
    """Return *count* random rules in six dimensions, in each the rules with more tests first, as people write them."""
    dice = random.Random(seed)
    rules: dict[str, list[Rule]] = {name: [] for name in DIMENSIONS}
    for number in range(count):
        name = list(DIMENSIONS)[number % len(DIMENSIONS)]
        then, score = f"{name}_{dice.randint(1, 9)}", dice.randint(1, 100)
        rules[name].append(Rule(id=f"r{number}", when=_condition(dice), then=then, score=score))
    return tuple(
        Dimension(
            name=name, of="account", label=Text(), hit=hit, values={f"{name}_{n}": Text() for n in range(1, 10)},
            rules=tuple(sorted(rules[name], key=lambda rule: -len(list(leaves(rule.when))))),
        )
        for name, hit in DIMENSIONS.items()
    )  # fmt: skip


def as_ruleset(dimensions: tuple[Dimension, ...]) -> Ruleset:
    """Return the rules as a ruleset whose accounts have the flat features as fields of their own."""
    return Ruleset(
        name="bench", version="1", label=Text(), languages=("en",), folder="", extends=(),
        requires=tuple(RequiredField(object="account", field=name, type=type) for name, type in FIELDS.items()),
        classes={dimension.name: dimension for dimension in dimensions},
    )  # fmt: skip


def _condition(dice: random.Random) -> Condition:
    parts: list[Condition] = [
        _leaf(dice) if dice.random() < 0.8 else AnyOf((_leaf(dice), _leaf(dice)))
        for _ in range(dice.choice([1, 2, 2, 3, 3, 4, 5]))
    ]
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _leaf(dice: random.Random) -> Condition:
    kind = dice.random()
    if kind < 0.52:
        field = dice.choice(list(NUMBERS))
        limits: list[float] = list(NUMBERS[field][0])
        if kind < 0.42:
            return Compare(field, dice.choice([Op.gt, Op.gte, Op.lt, Op.lte]), dice.choice(limits))
        low, high = sorted((dice.choice(limits), dice.choice(limits) * 3))
        return Between(field, low, high)
    if kind < 0.66:
        field = dice.choice(list(WORDS))
        return Among(field, tuple(dice.sample(WORDS[field], dice.randint(1, min(4, len(WORDS[field]))))))
    if kind < 0.80:
        field, days = dice.choice(list(DAYS)), dice.choice([30, 60, 90, 180, 365, 730])
        return Within(field, days) if dice.random() < 0.5 else OlderThan(field, days)
    if kind < 0.90:
        field = dice.choice(["lead_title", "lead_title", "company"])
        return Matches(field, dice.choice(PATTERNS[field]))
    if kind < 0.94:
        missing = Missing(dice.choice(["staff", "turnover", "met_last", "open_amount", "lead_title"]))
        return missing if dice.random() < 0.5 else Not(missing)
    if kind < 0.97:
        left, right = dice.choice(
            [("net_365", "net_before"), ("meetings_365", "activities"), ("open_amount", "net_365")]
        )
        return Compare(left, Op.gt, FieldRef(right, dice.choice([0.5, 1, 1.5, 2])))
    inner = _leaf(dice)
    return inner.part if isinstance(inner, Not) else Not(inner)


def simple(leaf: Leaf) -> bool:
    """Whether a rule engine can test *leaf* itself: no pattern, no date, no product of fields."""
    operand = leaf.value if isinstance(leaf, Compare) else None
    return not isinstance(leaf, Matches | Within | OlderThan) and not isinstance(operand, FieldRef)


def customers_file(count: int) -> Path:
    """Return a DuckDB file with *count* customers in the table ``account``, made when it is not there yet.

    A Parquet file with the same rows stands beside it.
    """
    path = DATA / f"customers_{count}.duckdb"
    if not path.exists():
        DATA.mkdir(exist_ok=True)
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        con = duckdb.connect()
        con.execute(f"ATTACH '{unfinished}' AS made")
        con.execute(f"CREATE TABLE made.account AS SELECT {_columns()} FROM range({count}) AS r(i)")
        con.execute(f"COPY (SELECT {', '.join(('id', *FIELDS))} FROM made.account) TO '{path.with_suffix('.parquet')}'")
        for name in OBJECTS.keys() - {"account"}:
            con.execute(f'CREATE TABLE made."{name}" (id VARCHAR, account_id VARCHAR)')
        con.close()
        unfinished.rename(path)
    return path


def _columns() -> str:
    columns = ["printf('A%07d', i) AS id", "NULL::VARCHAR AS name"]
    for name, (limits, missing) in COUNTS.items():
        top = max(limits) * 1.4
        columns.append(f"{_some(name, missing)} floor({top} * power({_dice(name)}, 2.2))::BIGINT END AS {name}")
    for name, (limits, missing) in AMOUNTS.items():
        top = float(max(limits)) * 1.6
        columns.append(f"{_some(name, missing)} round({top} * power({_dice(name)}, 2.5), 4)::DOUBLE END AS {name}")
    for name, missing in DAYS.items():
        columns.append(
            f"{_some(name, missing)} DATE '{AS_OF}' - floor(1500 * power({_dice(name)}, 2))::INTEGER END AS {name}"
        )
    for name, words in WORDS.items():
        columns.append(f"{_pick(name, words)} AS {name}")
    columns.append(
        f"{_some('lead_title', 0.1)} {_pick('lead_title', _TITLES)} || ' ' || floor(1200 * {_dice('n')})::INTEGER END AS lead_title"
    )
    columns.append(f"replace({_pick('company', _COMPANIES)}, '{{}}', substr(md5(i::VARCHAR), 1, 6)) AS company")
    return ", ".join(columns)


def _dice(name: str) -> str:
    return f"((hash(i, '{name}') % 1000003) / 1000003.0)"


def _some(name: str, missing: float) -> str:
    return f"CASE WHEN {_dice(name + '?')} >= {missing} THEN"


def _pick(name: str, values: list[str]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"([{listed}])[1 + (hash(i, '{name}!') % {len(values)})::BIGINT]"
