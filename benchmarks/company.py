"""A company of a million accounts, a million contacts and ten million orders, as a snapshot; and a ruleset for it."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path

import duckdb

from crmrules.language.conditions import AllOf, Among, Compare, Condition, Matches, Missing, Op, Within
from crmrules.language.expressions import Binary, Name
from crmrules.language.ruleset import Aggregate, Dimension, Feature, Formula, Rule, Ruleset, Score, Write
from crmrules.model.objects import OBJECTS, FieldType
from crmrules.model.text import Text
from crmrules.stores.schema import create_own_tables, create_table

AS_OF = date(2026, 11, 1)
ORDERS_EACH = 10  # per account, on average
DIMENSIONS = ("value_tier", "loyalty", "lifecycle", "risk", "behaviour")
RULES = 40  # per dimension: 200 in all
_PAID = Among("status", ("paid", "shipped"))

# name -> thresholds that rules use
_THRESHOLDS = {
    "orders_n": [1, 3, 6, 10, 20], "orders_365": [1, 2, 4, 8], "net_365": [100, 1000, 5000], "net_all": [500, 5000, 20000],
    "net_before": [100, 2000], "order_mean": [50, 200, 500], "order_max": [200, 900], "categories": [1, 3, 5],
    "recency": [30, 90, 180, 365], "gap": [20, 60, 120], "refund_share": [0.05, 0.2], "contacts": [1, 2], "executives": [1, 2],
    "growth": [0.5, 1, 2], "r": [2, 3, 4], "f": [2, 3, 4], "m": [2, 3, 4],
}  # fmt: skip


def make_ruleset() -> Ruleset:
    """Return 17 features and 200 seeded rules in five classes, each written to a tag."""
    dice = random.Random(11)
    classes = {}
    for name in DIMENSIONS:
        rules = tuple(
            Rule(id=f"{name}.{n}", when=_condition(dice), then=f"{name}_{dice.randint(1, 6)}") for n in range(RULES)
        )
        values = {f"{name}_{n}": Text() for n in range(1, 7)}
        classes[name] = Dimension(name=name, of="account", label=Text(), values=values, rules=rules)
    write = tuple(
        Write(id=name, of="account", outcome=f"class.{name}", to="tag", name=f"seg.{name}={{value}}")
        for name in DIMENSIONS
    )
    return Ruleset(
        name="company", version="1", label=Text(), languages=("en",), folder="", extends=(),
        features={feature.name: feature for feature in _features()}, classes=classes, write=write, digest="company",
    )  # fmt: skip


def _features() -> list[Feature]:
    def orders(name: str, agg: str, type: FieldType = FieldType.number, **more: object) -> Aggregate:
        return Aggregate(name=name, of="account", from_="order", agg=agg, type=type, **more)  # type: ignore[arg-type]

    amount, money = Name("amount"), FieldType.money
    return [
        orders("orders_n", "count", FieldType.integer, where=_PAID),
        orders("orders_365", "count", FieldType.integer, where=_PAID, within=365),
        orders("net_365", "sum", money, value=amount, where=_PAID, within=365),
        orders("net_all", "sum", money, value=amount, where=_PAID),
        orders("net_before", "sum", money, value=amount, where=_PAID, within=730, before=365),
        orders("order_mean", "mean", value=amount, where=_PAID),
        orders("order_max", "max", money, value=amount, where=_PAID),
        orders("categories", "distinct", FieldType.integer, value=Name("category")),
        orders("recency", "days_since", FieldType.integer, where=_PAID),
        orders("gap", "interval_median", where=_PAID),
        orders("refund_share", "share", that=Compare("status", Op.eq, "refunded")),
        Aggregate(name="contacts", of="account", from_="contact", agg="count", type=FieldType.integer),
        Aggregate(
            name="executives", of="account", from_="contact", agg="count", type=FieldType.integer,
            where=Matches("title", "(?i)chief|president|director|总经理|总监"),
        ),
        Formula(name="growth", of="account", expr=Binary("/", Name("net_365"), Name("net_before"))),
        Score(name="r", of="account", by="quantile", field="recency", bins=5, order="desc"),
        Score(name="f", of="account", by="cuts", field="orders_n", cuts=(2, 4, 8, 12)),
        Score(name="m", of="account", by="quantile", field="net_365", bins=5),
    ]  # fmt: skip


def _condition(dice: random.Random) -> Condition:
    parts = tuple(_leaf(dice) for _ in range(dice.choice([1, 2, 2, 3, 3, 4])))
    return parts[0] if len(parts) == 1 else AllOf(parts)


def _leaf(dice: random.Random) -> Condition:
    kind = dice.random()
    if kind < 0.75:
        field = dice.choice(list(_THRESHOLDS))
        return Compare(field, dice.choice([Op.gte, Op.lt, Op.gt, Op.lte]), dice.choice(_THRESHOLDS[field]))
    if kind < 0.85:
        return Among("industry", tuple(dice.sample(["hospital", "retail", "software", "bank", "制造业"], 2)))
    if kind < 0.95:
        return Within("created_at", dice.choice([90, 365, 730]))
    return Missing(dice.choice(["recency", "employees"]))


def make_snapshot(path: Path, accounts: int) -> None:
    """Write a snapshot file with *accounts* accounts, as many contacts and ten times as many orders."""
    con = duckdb.connect()
    con.execute(f"ATTACH '{path}' AS snapshot")
    for object in OBJECTS:
        con.execute(create_table("snapshot", object))
    for statement in create_own_tables("snapshot"):
        con.execute(statement)
    dice = "((hash(i, '{}') % 1000003) / 1000003.0)"
    con.execute(
        f"""INSERT INTO snapshot.account BY NAME SELECT printf('A%07d', i) AS id, 'Company ' || i AS name,
        (['hospital', 'retail', 'software', 'bank', '制造业'])[1 + (hash(i, 'branch') % 5)::BIGINT] AS industry,
        CASE WHEN i % 5 > 0 THEN floor(5000 * power({dice.format("staff")}, 3))::BIGINT END AS employees,
        DATE '{AS_OF}' - floor(2000 * {dice.format("made")})::INTEGER AS created_at FROM range({accounts}) AS r(i)"""
    )
    con.execute(
        f"""INSERT INTO snapshot.contact BY NAME SELECT printf('C%07d', i) AS id,
        printf('A%07d', (hash(i, 'account') % {accounts})::BIGINT) AS account_id, 'Person ' || i AS name,
        (['Chief Executive Officer', '总经理', 'Buyer', '采购经理', 'IT Director', '工程师', 'Assistant', '法务'])
            [1 + (hash(i, 'title') % 8)::BIGINT] || ' ' || (i % 400) AS title, 'active' AS status
        FROM range({accounts}) AS r(i)"""
    )
    con.execute(
        f"""INSERT INTO snapshot."order" BY NAME SELECT printf('O%08d', i) AS id,
        printf('A%07d', floor({accounts} * power({dice.format("account")}, 1.4))::BIGINT) AS account_id,
        DATE '{AS_OF}' - floor(1500 * power({dice.format("day")}, 1.3))::INTEGER AS date,
        round(900 * power({dice.format("amount")}, 2), 2) AS amount,
        (['paid', 'paid', 'paid', 'shipped', 'refunded', 'cancelled'])[1 + (hash(i, 'status') % 6)::BIGINT] AS status,
        'category ' || (hash(i, 'category') % 9) AS category FROM range({accounts * ORDERS_EACH}) AS r(i)"""
    )
    con.close()
