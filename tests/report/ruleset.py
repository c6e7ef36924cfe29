"""A small ruleset with one of each thing that an explanation and a report must show."""

from __future__ import annotations

from crmrules.errors import Location
from crmrules.language.conditions import (
    ALWAYS,
    AllOf,
    Among,
    AnyOf,
    Choice,
    Compare,
    Matches,
    Missing,
    Not,
    OlderThan,
    Op,
    Within,
)
from crmrules.language.expressions import Name
from crmrules.language.ruleset import (
    Aggregate,
    Cap,
    Dimension,
    EvidenceItem,
    Family,
    Flag,
    Guard,
    Hysteresis,
    Minimum,
    Parameter,
    Playbook,
    RoleModel,
    Rule,
    Ruleset,
    Sentence,
    StanceModel,
    Write,
)
from crmrules.model.objects import FieldType
from crmrules.model.text import Text, text


def at(file: str, line: int) -> Location:
    return Location(f"rulesets/small/{file}.yaml", line, 3)


FEATURES = {
    f.name: f
    for f in (
        Aggregate(
            name="value_amount", of="account", from_="order", agg="sum", value=Name("amount"), within=365,
            type=FieldType.money, label=text("窗口期净额", "Net value in the window"), at=at("features", 2),
        ),
        Aggregate(
            name="orders_n", of="account", from_="order", agg="count", type=FieldType.integer,
            label=text("订单数", "Orders"), at=at("features", 3),
        ),
        Aggregate(
            name="recency", of="account", from_="order", agg="days_since", type=FieldType.integer,
            label=text("距上次订单", "Days since the last order"), at=at("features", 4),
        ),
        Aggregate(
            name="open_deals", of="account", from_="deal", agg="count", where=Compare("status", Op.eq, "open"),
            type=FieldType.integer, label=text("进行中商机", "Open deals"), at=at("features", 5),
        ),
        Aggregate(
            name="champions", of="account", from_="candidate", agg="count", where=Compare("stance", Op.eq, "champion"),
            type=FieldType.integer, label=text("支持者", "Champions"), at=at("features", 6),
        ),
    )
}  # fmt: skip

HIGH_MIN = Choice("demand_type", {"household": 8000}, 1_000_000)

VALUE = Dimension(
    name="value_tier", of="account", label=text("价值", "Value"), at=at("classes", 1),
    values={"high": text("高价值", "High value"), "medium": text("中价值", "Medium value"), "low": text("低价值", "Low value")},
    rules=(
        Rule(id="value.none", when=Compare("orders_n", Op.eq, 0), then="unknown", at=at("classes", 5)),
        Rule(
            id="value.high", when=Compare("value_amount", Op.gte, HIGH_MIN), then="high", at=at("classes", 6),
            why=text("窗口期 {{ value_amount | number }}", "{{ value_amount | number }} in the window"),
        ),
        Rule(
            id="value.medium", then="medium", at=at("classes", 7),
            when=AllOf((Compare("value_amount", Op.gte, 100_000), Compare("orders_n", Op.gte, 3))),
        ),
    ),
    otherwise="low",
    hysteresis=Hysteresis(field="value_amount", margin=0.05),
)  # fmt: skip

LIFECYCLE = Dimension(
    name="lifecycle", of="account", label=text("生命周期", "Lifecycle"), at=at("classes", 20),
    values={"active": text("活跃", "Active"), "sleeping": text("沉睡", "Sleeping"), "lost": text("流失", "Lost")},
    rules=(
        Rule(id="life.lost", when=Compare("recency", Op.gt, 365), then="lost", at=at("classes", 21)),
        Rule(id="life.sleeping", when=Compare("recency", Op.gt, 180), then="sleeping", at=at("classes", 22)),
        Rule(id="life.active", when=Not(Missing("recency")), then="active", at=at("classes", 23)),
    ),
)  # fmt: skip

DEMAND = Dimension(
    name="demand_type", of="account", label=text("需求性质", "Demand"), copy="demand_type", at=at("classes", 30),
    values={"enterprise": text("企业", "Enterprise"), "household": text("家庭", "Household")},
    rules=(Rule(id="demand.hospital", when=Compare("industry", Op.eq, "hospital"), then="enterprise", at=at("classes", 32)),),
)  # fmt: skip

INTERESTS = Dimension(
    name="interests", of="account", label=text("关注点", "Interests"), hit="collect", at=at("classes", 40),
    values={"big": text("大额", "Big orders"), "new": text("新客", "New here")},
    rules=(
        Rule(id="int.big", when=Compare("value_amount", Op.gte, 500_000), then="big", at=at("classes", 41)),
        Rule(id="int.new", when=Within("created_at", 400), then="new", at=at("classes", 42)),
    ),
)  # fmt: skip

FIT = Dimension(
    name="fit", of="account", label=text("匹配度", "Fit"), hit="unique", at=at("classes", 50),
    values={"good": text("好", "Good"), "poor": text("差", "Poor")},
    rules=(
        Rule(id="fit.big", when=Compare("employees", Op.gte, 1000), then="good", at=at("classes", 51)),
        Rule(id="fit.retail", when=Compare("industry", Op.eq, "retail"), then="poor", at=at("classes", 52)),
    ),
)  # fmt: skip

RENEWAL = Dimension(
    name="renewal", of="account", label=text("续约", "Renewal"), hit="highest", at=at("classes", 60),
    values={"due": text("将到期", "Due"), "far": text("尚早", "Far away")},
    rules=(
        Rule(id="renew.far", when=Not(Missing("contract_end")), then="far", score=1, at=at("classes", 61)),
        Rule(
            id="renew.due", then="due", score=9, at=at("classes", 62),
            when=AnyOf((OlderThan("contract_end", 0), Compare("nps", Op.lt, 3))),
        ),
    ),
)  # fmt: skip

_GENERAL, _BUYING = "院长|总经理|(?i)chief|president", "采购|(?i)procure"
ROLES = RoleModel(
    roles={
        "decision_maker": text("决策者", "Decision maker"), "approver": text("审批者", "Approver"),
        "purchaser": text("采购者", "Purchaser"), "influencer": text("影响者", "Influencer"), "user": text("使用者", "User"),
    },
    precedence=("decision_maker", "approver", "purchaser", "influencer", "user"),
    tie=0.05,
    wins_from={"decision_maker": 0.60},
    bands={"high": 0.8, "medium": 0.6, "low": 0.3},
    minimum={"high": Minimum(families=2), "medium": Minimum(families=2, or_any=("formal_act",))},
    write_bands=("high", "medium"),
    keep_margin=0.10,
    families={
        "position": Family(id="position", label=text("职务", "Position")),
        "formal_act": Family(id="formal_act", label=text("正式行为", "Formal act"), half_life=730),
        "conversation": Family(id="conversation", label=text("沟通", "Conversation"), half_life=180),
        "irrelevance": Family(id="irrelevance", label=text("无关", "Not involved")),
    },
    caps=(Cap(only=("position",), max=0.55),),
    items=(
        EvidenceItem(
            id="title.general", of="contact", when=Matches("title", _GENERAL), who="id", family="position",
            gives={"decision_maker": 0.5, "approver": 0.35}, at=at("roles", 10),
            why=text("职务:{{ title }}", "title: {{ title }}"),
        ),
        EvidenceItem(
            id="title.buying", of="contact", when=Matches("title", _BUYING), who="id", family="position",
            gives={"purchaser": 0.6}, at=at("roles", 14), why=text("职务:{{ title }}", "title: {{ title }}"),
        ),
        EvidenceItem(
            id="act.approval", of="activity", when=Compare("type", Op.eq, "approval"), who="approved_by_id", deal="deal_id",
            date="date", family="formal_act", gives={"decision_maker": 0.5, "approver": 0.8}, stance="supporter",
            at=at("roles", 18), why=text("批准了 {{ deal.name }}", "approved {{ deal.name }}"),
        ),
        EvidenceItem(
            id="talk.terms", of="activity_contact", when=Matches("activity.text", "价格|账期|(?i)payment terms|discount"),
            who="contact_id", deal="activity.deal_id", date="activity.date", family="conversation",
            gives={"purchaser": 0.6}, at=at("roles", 24), why=text("谈商务条款", "talks about commercial terms"),
        ),
        EvidenceItem(
            id="talk.champion", of="activity_contact", when=Matches("activity.text", "说服|(?i)business case"),
            who="contact_id", deal="activity.deal_id", date="activity.date", family="conversation",
            gives={"influencer": 0.6}, stance="champion", at=at("roles", 28), why=text("替我们说话", "sells for us"),
        ),
        EvidenceItem(
            id="talk.not_me", of="activity_contact", when=Matches("activity.text", "不归我管|(?i)not my area"),
            who="contact_id", deal="activity.deal_id", date="activity.date", family="irrelevance",
            against={"ALL": 0.8}, at=at("roles", 32), why=text("说与己无关", "says it is not their area"),
        ),
    ),
    stance=StanceModel(
        order=("opponent", "champion", "supporter", "neutral"), half_life=180, sticky=("opponent",),
        labels={"champion": text("内部支持者", "Champion"), "supporter": text("支持", "Supporter"),
                "neutral": text("中立", "Neutral"), "opponent": text("反对", "Opponent")},
    ),
    at=at("roles", 1),
)  # fmt: skip

FLAGS = {
    f.id: f
    for f in (
        Flag(
            id="no_champion", of="account", severity="warning", at=at("flags", 1),
            when=AllOf((Compare("open_deals", Op.gte, 1), Compare("champions", Op.eq, 0))),
            label=text("无内部支持者", "No champion"), why=text("{{ open_deals }} 个商机无人支持", "{{ open_deals }} open deals, nobody for us"),
        ),
        Flag(
            id="stale_deal", of="deal", severity="critical", at=at("flags", 5),
            when=AllOf((Compare("status", Op.eq, "open"), OlderThan("created_at", 300))),
            label=text("商机停滞", "Stale deal"),
        ),
        Flag(
            id="leaves_soon", of="contact", severity="info", at=at("flags", 9), when=Compare("status", Op.eq, "left"),
            label=text("联系人已离任", "Contact has left"),
        ),
    )
}  # fmt: skip

RULESET = Ruleset(
    name="small",
    version="1.0.0",
    label=text("小规则集", "Small ruleset"),
    languages=("zh", "en"),
    folder="rulesets/small",
    extends=(),
    parameters={"window_days": Parameter(name="window_days", value=365, unit="days")},
    features=FEATURES,
    classes={d.name: d for d in (DEMAND, VALUE, LIFECYCLE, INTERESTS, FIT, RENEWAL)},
    roles=ROLES,
    flags=FLAGS,
    guards=(
        Guard(
            id="patient", of="contact", when=Among("person_type", ("patient", "minor")), effect="no_write",
            why=text("受保护人员", "a protected person"), at=at("guards", 1),
        ),
    ),
    playbook=Playbook(
        blocks={"account": ("focus",), "contact": ("next",)},
        sentences=(
            Sentence(
                id="focus.high", of="account", block="focus", when=Compare("value_tier", Op.eq, "high"), at=at("playbook", 1),
                say=text("重点客户{{ name }},保持高层往来。", "Keep executives of {{ name }} close."),
            ),
            Sentence(
                id="next.dm", of="contact", block="next", when=Compare("role", Op.eq, "decision_maker"), at=at("playbook", 5),
                say=text("向{{ name }}说明投资回报。", "Show {{ name }} the return on investment."),
            ),
        ),
        title=Text({"en": "crmrules"}),
    ),
    write=(
        Write(id="value", of="account", outcome="class.value_tier", to="tag", name="seg.value={value}", at=at("write", 1)),
        Write(id="role", of="contact", outcome="role", to="tag", name="role={value}", when=ALWAYS, at=at("write", 2)),
    ),
    digest="small",
)  # fmt: skip
