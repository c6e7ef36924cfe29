"""The objects of a new tenant: those whose names and fields are seen in public code, with some custom fields."""

from __future__ import annotations

from .fields import FieldDef, ObjectDef

_YES_NO = {"0": ("未锁定", "Unlocked"), "1": ("锁定", "Locked")}
_LIFE = {
    "ineffective": ("未生效", "Ineffective"),
    "under_review": ("审核中", "Under review"),
    "normal": ("正常", "Normal"),
    "in_change": ("变更中", "In change"),
    "invalid": ("作废", "Invalid"),
}


def f(name: str, type: str, zh: str, en: str, **more: object) -> FieldDef:
    """A field in one line."""
    return FieldDef(name=name, type=type, label=(zh, en), **more)  # type: ignore[arg-type]


def object_(name: str, zh: str, en: str, *fields: FieldDef) -> ObjectDef:
    """An object with its own *fields* and the system's."""
    return ObjectDef(name=name, label=(zh, en), fields={x.name: x for x in (*_SYSTEM, *fields)})


_SYSTEM = (
    f("_id", "text", "编号", "Id", read_only=True),
    f("owner", "employee", "负责人", "Owner"),
    f("created_by", "employee", "创建人", "Created by", read_only=True),
    f("create_time", "date_time", "创建时间", "Created at", read_only=True),
    f("last_modified_by", "employee", "最后修改人", "Modified by", read_only=True),
    f("last_modified_time", "date_time", "最后修改时间", "Modified at", read_only=True),
    f("life_status", "select_one", "生命状态", "Life status", read_only=True, options=_LIFE),
    f("lock_status", "select_one", "锁定状态", "Lock status", read_only=True, options=_YES_NO),
    f("is_deleted", "true_or_false", "已删除", "Deleted", read_only=True),
    f("record_type", "record_type", "业务类型", "Record type"),
    f("version", "text", "版本", "Version", read_only=True),
)
_NAME = f("name", "text", "名称", "Name", required=True, length=200)
_TAGS = f("crmrules_tags__c", "long_text", "规则标签", "Rule tags", length=2000)
_STRATEGY = f("crmrules_strategy__c", "long_text", "客户策略", "Strategy", length=10_000)


def _ref(name: str, zh: str, en: str, target: str, **more: object) -> FieldDef:
    return f(name, "object_reference", zh, en, target=target, **more)


_STAGES = {
    "identify": ("识别需求", "Identify needs"),
    "propose": ("方案报价", "Proposal"),
    "negotiate": ("商务谈判", "Negotiation"),
    "won": ("赢单", "Won"),
    "lost": ("输单", "Lost"),
}
_STATUS = {
    "1": ("进行中", "In progress"),
    "2": ("赢单", "Won"),
    "3": ("输单", "Lost"),
    "4": ("无效", "Invalid"),
}
_ROLES = {
    "decision_maker": ("决策者", "Decision maker"),
    "approver": ("审批者", "Approver"),
    "purchaser": ("采购者", "Purchaser"),
    "technical_evaluator": ("技术评估者", "Technical evaluator"),
    "influencer": ("影响者", "Influencer"),
    "gatekeeper": ("把关者", "Gatekeeper"),
    "user": ("使用者", "User"),
    "initiator": ("发起者", "Initiator"),
    "observer": ("旁观者", "Observer"),
}
_RECORD_TYPES = {
    "visit": ("拜访", "Visit"),
    "call": ("电话", "Call"),
    "email": ("邮件", "E-mail"),
    "meeting": ("会议", "Meeting"),
}
_ORDER_STATUS = {"2": ("已确认", "Confirmed"), "6": ("已发货", "Delivered"), "9": ("已取消", "Cancelled")}

OBJECTS: dict[str, ObjectDef] = {
    o.name: o
    for o in (
        object_(
            "AccountObj", "客户", "Account", _NAME, _TAGS, _STRATEGY,
            f("account_level", "select_one", "客户级别", "Level", options={"A": ("重要", "Key"), "B": ("普通", "Normal")}),
            f("industry_level1", "select_one", "行业", "Industry", options={
                "hospital": ("医院", "Hospital"), "machinery": ("机械", "Machinery"), "school": ("学校", "School"),
                "trade": ("贸易", "Trade"),
            }),
            f("remark", "long_text", "备注", "Remark", length=2000),
            f("tel", "phone_number", "电话", "Phone", length=100),
            f("last_followed_time", "date_time", "最后跟进时间", "Last followed at", read_only=True),
            f("contract_end__c", "date", "合同到期日", "Contract end"),
            f("summary__c", "text", "摘要", "Summary", length=300), f("beds__c", "number", "床位数", "Beds"),
            f("share__c", "number", "钱包份额", "Share of wallet"), f("revenue__c", "currency", "营业额", "Revenue"),
            f("blacklisted__c", "true_or_false", "黑名单", "Blacklisted"),
            f("met_at__c", "date_time", "会面时间", "Met at"),
            f("areas__c", "select_many", "领域", "Areas", options={"icu": ("重症", "ICU"), "lab": ("检验", "Laboratory")}),
        ),
        object_(
            "ContactObj", "联系人", "Contact", _NAME, _TAGS, _STRATEGY,
            _ref("account_id", "客户名称", "Account", "AccountObj"),
            f("job_title", "text", "职务", "Job title", length=100),
            f("department", "text", "部门", "Department", length=100),
            f("mobile", "phone_number", "手机", "Mobile", length=50), f("email", "email", "邮件", "E-mail", length=100),
        ),
        object_(
            "LeadsObj", "销售线索", "Lead", _NAME, f("company", "text", "公司", "Company", length=200),
            f("mobile", "phone_number", "手机", "Mobile", length=50), f("email", "email", "邮件", "E-mail", length=100),
            f("job_title", "text", "职务", "Job title", length=100),
            f("leads_pool_id", "text", "线索池", "Pool", length=50),
            f("source", "select_one", "来源", "Source", options={"1": ("官网", "Website"), "2": ("展会", "Fair")}),
        ),
        object_(
            "NewOpportunityObj", "商机2.0", "Opportunity", _NAME, _TAGS, _STRATEGY,
            _ref("account_id", "客户名称", "Account", "AccountObj"),
            f("amount", "currency", "商机金额", "Amount"), f("close_date", "date", "预计成交日期", "Close date"),
            f("sales_stage", "select_one", "销售阶段", "Stage", options=_STAGES),
            f("sales_status", "select_one", "阶段状态", "Status", options=_STATUS),
            f("sales_process_id", "text", "销售流程", "Process", length=50),
            f("probability", "percentile", "赢率", "Probability"),
            f("probability_amount", "currency", "预测金额", "Weighted amount", read_only=True),
            f("stg_changed_time", "date_time", "阶段变更时间", "Stage changed at", read_only=True),
            f("cost_time", "number", "耗时", "Time spent", read_only=True),
            f("last_followed_time", "date_time", "最后跟进时间", "Last followed at", read_only=True),
        ),
        object_(
            "NewOpportunityContactsObj", "商机联系人", "Opportunity contact", _NAME,
            _ref("new_opportunity_id", "商机2.0", "Opportunity", "NewOpportunityObj", required=True),
            _ref("contact_id", "联系人", "Contact", "ContactObj", required=True),
            f("role__c", "select_one", "角色", "Role", options=_ROLES),
        ),
        object_(
            "NewOpportunityContactRelationshipObj", "商机联系人关系", "Opportunity contact relation", _NAME,
            _ref("new_opportunity_id", "商机2.0", "Opportunity", "NewOpportunityObj"),
        ),
        object_(
            "SalesOrderObj", "销售订单", "Sales order", _NAME, _ref("account_id", "客户名称", "Account", "AccountObj"),
            f("order_time", "date", "下单日期", "Ordered on"), f("order_amount", "currency", "销售订单金额", "Amount"),
            f("delivered_amount_sum", "currency", "已发货金额", "Delivered amount", read_only=True),
            f("order_status", "select_one", "订单状态", "Status", options=_ORDER_STATUS),
        ),
        object_(
            "SalesOrderProductObj", "订单产品", "Order product", _NAME,
            f("order_id", "master_detail", "销售订单", "Order", target="SalesOrderObj"),
            _ref("product_id", "产品", "Product", "ProductObj"),
            f("quantity", "number", "数量", "Quantity"), f("subtotal", "currency", "小计", "Subtotal"),
        ),
        object_("ProductObj", "产品", "Product", _NAME, f("category", "text", "分类", "Category", length=100)),
        object_(
            "ActiveRecordObj", "销售记录", "Sales record", f("name", "auto_number", "编号", "Number", read_only=True),
            f("active_record_content", "long_text", "内容", "Content", length=10_000, required=True),
            f("active_record_type", "select_one", "类型", "Type", options=_RECORD_TYPES),
            f("related_object_data", "what_list", "关联对象", "Related records"),
            f("interactive_scenario", "text", "互动场景", "Scenario", length=100),
            _ref("account_id", "客户", "Account", "AccountObj"),
            _ref("new_opportunity_id", "商机2.0", "Opportunity", "NewOpportunityObj"),
        ),
        object_(
            "ScheduleObj", "日程", "Schedule", _NAME, f("content", "long_text", "内容", "Content", length=2000),
            f("participants", "employee_many", "参与人", "Participants"),
            f("begin_time", "date_time", "开始时间", "Begin"), f("end_time", "date_time", "结束时间", "End"),
            f("related_object_data", "what_list", "关联对象", "Related records"),
        ),
        object_(
            "CheckinsObj", "高级外勤", "Field visit", _NAME, _ref("customer_id", "客户", "Customer", "AccountObj"),
            f("communicate_record", "long_text", "沟通记录", "Record", length=2000),
            f("new_stat_date", "date", "外勤日期", "Date"), f("checkins_scene", "text", "场景", "Scene", length=100),
        ),
        object_(
            "PersonnelObj", "人员", "Employee", _NAME, f("user_id", "text", "员工编号", "User id", required=True, length=20)
        ),
        object_("DepartmentObj", "部门", "Department", _NAME),
        object_(
            "crmrules_note__c", "规则备注", "Rule note", _NAME,
            _ref("account_id__c", "客户", "Account", "AccountObj"),
            _ref("contact_id__c", "联系人", "Contact", "ContactObj"),
            _ref("deal_id__c", "商机2.0", "Opportunity", "NewOpportunityObj"),
            f("body__c", "long_text", "正文", "Body", length=10_000), f("author__c", "text", "作者", "Author", length=50),
        ),
    )
}  # fmt: skip
