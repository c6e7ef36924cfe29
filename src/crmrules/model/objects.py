"""The canonical model: objects, their typed fields, and how records refer to each other.

Every connector maps its CRM to these objects, every ruleset is written against them.
Dates are calendar days, timestamps are UTC, money is DECIMAL(18,4) in the record's own
``currency``. A CRM's custom field becomes a further column of the same object, declared in
the mapping (:class:`CustomField`), so rules read it like any other field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from crmrules.model.text import Text, text


class FieldType(StrEnum):
    """Type of a column. ``number`` is a double, ``money`` an exact decimal."""

    text = "text"
    integer = "integer"
    number = "number"
    money = "money"
    boolean = "boolean"
    date = "date"
    timestamp = "timestamp"
    list = "list"  # list of text

    @property
    def sql(self) -> str:
        """DuckDB's name of the type."""
        return _SQL_TYPES[self]

    @property
    def is_numeric(self) -> bool:
        return self in (FieldType.integer, FieldType.number, FieldType.money)

    @property
    def is_temporal(self) -> bool:
        return self in (FieldType.date, FieldType.timestamp)


_SQL_TYPES: Mapping[FieldType, str] = {
    FieldType.text: "VARCHAR",
    FieldType.integer: "BIGINT",
    FieldType.number: "DOUBLE",
    FieldType.money: "DECIMAL(18,4)",
    FieldType.boolean: "BOOLEAN",
    FieldType.date: "DATE",
    FieldType.timestamp: "TIMESTAMP",
    FieldType.list: "VARCHAR[]",
}


@dataclass(frozen=True, kw_only=True)
class Field:
    """A column of a canonical object."""

    name: str
    type: FieldType = FieldType.text
    label: Text = Text()
    unit: str = ""  # e.g. "days", "0..1"; money carries its currency in the record
    refers_to: str = ""  # canonical object whose id stands here
    personal: bool = False  # pulled only when the mapping asks for it


@dataclass(frozen=True, kw_only=True)
class ObjectType:
    """A canonical object; ``key`` columns identify a record."""

    name: str
    label: Text
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ("id",)
    date_field: str = ""  # the day on which it happened; windows use it
    links: Mapping[str, str]  # subject object -> dotted path to its id

    def field(self, name: str) -> Field | None:
        """Return the field called *name*, or None."""
        return next((f for f in self.fields if f.name == name), None)

    @property
    def relations(self) -> Mapping[str, tuple[str, str]]:
        """Relation name -> (column here, object there): ``account_id`` gives ``account``."""
        return {f.name.removesuffix("_id"): (f.name, f.refers_to) for f in self.fields if f.refers_to}


def _f(name: str, zh: str, en: str, type: FieldType = FieldType.text, **more: object) -> Field:
    return Field(name=name, type=type, label=text(zh, en), **more)  # type: ignore[arg-type]


_T = FieldType
_ID = _f("id", "编号", "Id")
_MODIFIED = _f("modified_at", "修改时间", "Modified at", _T.timestamp)
_CREATED = _f("created_at", "创建日期", "Created on", _T.date)
_ACCOUNT = _f("account_id", "客户", "Account", refers_to="account")
_CONTACT = _f("contact_id", "联系人", "Contact", refers_to="contact")
_DEAL = _f("deal_id", "商机", "Deal", refers_to="deal")
_OWNER = _f("owner_id", "负责人", "Owner", refers_to="user")
_CURRENCY = _f("currency", "币种", "Currency")

# fmt: off
_OBJECTS = (
    ObjectType(
        name="account", label=text("客户", "Account"), links={"account": "id"}, date_field="created_at",
        fields=(
            _ID, _f("name", "名称", "Name"), _f("demand_type", "客户性质", "Demand type"),
            _f("customer_type", "客户类型", "Customer type"), _f("industry", "行业", "Industry"),
            _f("industry_code", "行业代码", "Industry code"), _f("region", "地域", "Region"),
            _f("country", "国家", "Country"), _f("province", "省份", "Province"), _f("city", "城市", "City"),
            _f("employees", "员工数", "Employees", _T.integer), _f("beds", "床位数", "Beds", _T.integer),
            _f("students", "学生数", "Students", _T.integer),
            _f("annual_revenue", "年营业额", "Annual revenue", _T.money), _CURRENCY, _OWNER,
            _f("parent_id", "上级客户", "Parent account", refers_to="account"), _f("status", "状态", "Status"),
            _f("contract_end", "合同到期日", "Contract end", _T.date),
            _f("nps", "净推荐值", "NPS", _T.integer, unit="0..10"),
            _f("share_of_wallet", "钱包份额", "Share of wallet", _T.number, unit="0..1"),
            _f("referrals", "推荐数", "Referrals", _T.integer),
            _f("max_overdue_days", "最长逾期", "Longest overdue", _T.integer, unit="days"),
            _f("defaults_24m", "24个月违约次数", "Defaults in 24 months", _T.integer),
            _f("paid_invoices", "已付发票数", "Paid invoices", _T.integer),
            _f("blacklisted", "黑名单", "Blacklisted", _T.boolean),
            _f("gross_margin_rate", "毛利率", "Gross margin rate", _T.number, unit="0..1"),
            _f("cost_to_serve_window", "窗口期服务成本", "Cost to serve in the window", _T.money),
            _f("claims_paid_window", "窗口期赔付", "Claims paid in the window", _T.money),
            _f("aum_avg_12m", "12个月平均资产", "Average assets, 12 months", _T.money),
            _f("app_logins_30d", "30天登录次数", "App logins, 30 days", _T.integer),
            _f("branch_visits_12m", "12个月网点到访", "Branch visits, 12 months", _T.integer),
            _f("installed_base", "在用产品", "Installed base"),
            _f("opt_out", "拒绝画像", "Opted out", _T.boolean), _f("internal", "内部测试", "Internal", _T.boolean),
            _CREATED, _MODIFIED,
        ),
    ),
    ObjectType(
        name="contact", label=text("联系人", "Contact"), date_field="created_at",
        links={"contact": "id", "account": "account_id"},
        fields=(
            _ID, _ACCOUNT, _f("name", "姓名", "Name"), _f("title", "职务", "Title"),
            _f("department", "部门", "Department"),
            _f("reports_to_id", "上级", "Reports to", refers_to="contact"),
            _f("status", "状态", "Status"), _f("left_on", "离任日期", "Left on", _T.date),
            _f("person_type", "人员类型", "Kind of person"), _f("organisation", "所属外部单位", "Outside organisation"),
            _f("relation", "关系", "Relation"), _f("email", "邮箱", "E-mail", personal=True),
            _f("phone", "电话", "Phone", personal=True), _f("crm_role", "CRM 角色", "Role in the CRM"),
            _f("crm_role_set_on", "角色设定日期", "Role set on", _T.date),
            _f("role_locked", "角色锁定", "Role locked", _T.boolean),
            _f("opt_out", "拒绝画像", "Opted out", _T.boolean), _CREATED, _MODIFIED,
        ),
    ),
    ObjectType(
        name="deal", label=text("商机", "Deal"), date_field="created_at",
        links={"deal": "id", "account": "account_id"},
        fields=(
            _ID, _ACCOUNT, _f("name", "名称", "Name"), _f("amount", "金额", "Amount", _T.money), _CURRENCY,
            _f("stage", "阶段", "Stage"), _f("status", "状态", "Status"),
            _f("closed_on", "关闭日期", "Closed on", _T.date),
            _f("repeat_of_id", "续购自", "Repeat of", refers_to="deal"), _f("product", "产品", "Product"),
            _f("new_requirement", "有新需求", "New requirement", _T.boolean), _OWNER, _CREATED, _MODIFIED,
        ),
    ),
    ObjectType(
        name="deal_contact", label=text("商机联系人", "Deal contact"), key=("deal_id", "contact_id"),
        date_field="set_on", links={"deal": "deal_id", "contact": "contact_id", "account": "contact.account_id"},
        fields=(
            _DEAL, _CONTACT, _f("role", "角色", "Role"), _f("set_on", "设定日期", "Set on", _T.date),
            _f("set_by", "设定人", "Set by"), _f("locked", "锁定", "Locked", _T.boolean),
            _f("is_primary", "主要联系人", "Primary", _T.boolean), _MODIFIED,
        ),
    ),
    ObjectType(
        name="activity", label=text("活动", "Activity"), date_field="date",
        links={"deal": "deal_id", "account": "account_id"},
        fields=(
            _ID, _ACCOUNT, _DEAL, _f("date", "日期", "Date", _T.date), _f("type", "类型", "Type"),
            _f("direction", "方向", "Direction"), _f("subject", "主题", "Subject"), _f("text", "内容", "Text"),
            _f("introduced_by_id", "引荐人", "Introduced by", refers_to="contact"),
            _f("approved_by_id", "审批人", "Approved by", refers_to="contact"),
            _f("signed_by_id", "签署人", "Signed by", refers_to="contact"),
            _f("logins_30d", "30天登录次数", "Logins, 30 days", _T.integer), _OWNER, _MODIFIED,
        ),
    ),
    ObjectType(
        name="activity_contact", label=text("活动参与人", "Activity participant"), key=("activity_id", "contact_id", "part"),
        date_field="activity.date",
        links={"contact": "contact_id", "account": "contact.account_id", "deal": "activity.deal_id"},
        fields=(
            _f("activity_id", "活动", "Activity", refers_to="activity"), _CONTACT,
            _f("part", "参与方式", "Part"),  # participant | introduced | copied
            _MODIFIED,
        ),
    ),
    ObjectType(
        name="order", label=text("订单", "Order"), date_field="date",
        links={"account": "account_id", "contact": "contact_id", "deal": "deal_id"},
        fields=(
            _ID, _ACCOUNT, _CONTACT, _DEAL, _f("date", "日期", "Date", _T.date),
            _f("amount", "金额", "Amount", _T.money), _f("refund", "退款", "Refund", _T.money), _CURRENCY,
            _f("status", "状态", "Status"), _f("category", "品类", "Category"), _f("product", "产品", "Product"),
            _f("gift", "礼品", "Gift", _T.boolean), _MODIFIED,
        ),
    ),
    ObjectType(
        name="order_line", label=text("订单行", "Order line"), date_field="order.date",
        links={"account": "order.account_id"},
        fields=(
            _ID, _f("order_id", "订单", "Order", refers_to="order"), _f("product", "产品", "Product"),
            _f("category", "品类", "Category"), _f("quantity", "数量", "Quantity", _T.number),
            _f("amount", "金额", "Amount", _T.money), _MODIFIED,
        ),
    ),
    ObjectType(
        name="response", label=text("反馈", "Response"), date_field="date",
        links={"account": "account_id", "contact": "contact_id"},
        fields=(
            _ID, _ACCOUNT, _CONTACT, _f("date", "日期", "Date", _T.date), _f("kind", "类型", "Kind"),
            _f("question", "问题", "Question"), _f("answer", "回答", "Answer"),
            _f("score", "分数", "Score", _T.number), _MODIFIED,
        ),
    ),
    ObjectType(
        name="browsing", label=text("浏览", "Browsing"), key=("account_id", "category"),
        links={"account": "account_id"},
        fields=(
            _ACCOUNT, _f("category", "品类", "Category"), _f("views_30d", "30天浏览", "Views, 30 days", _T.integer),
            _MODIFIED,
        ),
    ),
    ObjectType(
        name="note", label=text("备注", "Note"), links={},
        fields=(
            _ID, _f("object", "对象", "Object"), _f("record_id", "记录", "Record"), _f("title", "标题", "Title"),
            _f("body", "正文", "Body"), _f("author", "作者", "Author"), _MODIFIED,
        ),
    ),
    ObjectType(
        name="tag", label=text("标签", "Tag"), key=("object", "record_id", "name"), links={},
        fields=(_f("object", "对象", "Object"), _f("record_id", "记录", "Record"), _f("name", "标签", "Tag"), _MODIFIED),
    ),
    ObjectType(
        name="user", label=text("用户", "User"), links={},
        fields=(_ID, _f("name", "姓名", "Name"), _f("email", "邮箱", "E-mail", personal=True), _MODIFIED),
    ),
)
# fmt: on

OBJECTS: Mapping[str, ObjectType] = {o.name: o for o in _OBJECTS}

# What something is decided about. `part` is a contact in a deal; deal_id '' is "no particular deal".
SUBJECTS = ("account", "contact", "deal", "part")


@dataclass(frozen=True, kw_only=True)
class CustomField:
    """A CRM's own field that the mapping brings into a canonical object."""

    object: str
    field: Field
