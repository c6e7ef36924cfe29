"""The modules an org is born with, as a table: what matters to a reader of customers, deals and people."""

from __future__ import annotations

from .schema import Field, Module

INDUSTRIES = ("医院", "机械", "贸易", "学校", "Financial Services", "Technology", "Government/Military", "-None-")
STAGES = (
    "Qualification",
    "Needs Analysis",
    "Value Proposition",
    "Id. Decision Makers",
    "Proposal/Price Quote",
    "Negotiation/Review",
    "Closed Won",
    "Closed Lost",
    "赢单",
    "输单",
)
ROLES = (
    "Developer/Evaluator",
    "Decision Maker",
    "Economic Decision Maker",
    "Executive Sponsor",
    "Purchasing",
    "Influencer",
    "Product Management",
    "决策人",
    "影响者",
    "使用人",
)
# `name:type` with flags after it: * mandatory, ! read only, >Module looks up, |a|b choices, #n length, ^ unique
_SYSTEM = "Owner:ownerlookup Created_By:ownerlookup! Modified_By:ownerlookup! Created_Time:datetime! Modified_Time:datetime! Last_Activity_Time:datetime! Tag:tags"
_MODULES: tuple[tuple[str, str, str, str, tuple[str, ...], str], ...] = (
    ("Leads", "线索", "Lead", "Full_Name", ("Email",),
     "Last_Name:text*#80 First_Name:text#40 Full_Name:text! Company:text*#200 Email:email Title:text#100 Phone:phone "
     "Industry:picklist@industry Lead_Status:picklist|New|Contacted|Lost|已转换 Converted__s:boolean! Description:textarea"),
    ("Accounts", "客户", "Account", "Account_Name", ("Account_Name",),
     "Account_Name:text*#200 Parent_Account:lookup>Accounts Industry:picklist@industry Account_Type:picklist|Customer|Partner|Prospect|客户 "
     "Ownership:picklist|Private|Public|事业单位|企业 Annual_Revenue:currency Employees:integer Rating:picklist|Active|Market_Failed|Shut_Down "
     "Website:website Phone:phone Billing_Country:text Billing_State:text Billing_City:text Description:textarea"),
    ("Contacts", "联系人", "Contact", "Full_Name", ("Email",),
     "Last_Name:text*#80 First_Name:text#40 Full_Name:text! Email:email Account_Name:lookup>Accounts Title:text#100 "
     "Department:text#50 Phone:phone Mobile:phone Reporting_To:lookup>Contacts Lead_Source:picklist|Web|Fair|推荐 Description:textarea"),
    ("Deals", "商机", "Deal", "Deal_Name", ("Deal_Name",),
     "Deal_Name:text*#120 Stage:picklist*@stage Closing_Date:date Amount:currency Probability:integer Pipeline:picklist|Standard "
     "Account_Name:lookup>Accounts Contact_Name:lookup>Contacts Type:picklist|New_Business|Existing_Business|续约 "
     "Expected_Revenue:currency! Next_Step:text#100 Description:textarea"),
    ("Tasks", "任务", "Task", "Subject", (),
     "Subject:text*#300 Status:picklist|Not_Started|In_Progress|Completed|Deferred Priority:picklist|High|Normal|Low Due_Date:date "
     "Closed_Time:datetime! Who_Id:lookup>Contacts What_Id:lookup>Deals $se_module:text Description:textarea"),
    ("Events", "会议", "Event", "Event_Title", (),
     "Event_Title:text*#255 Start_DateTime:datetime* End_DateTime:datetime* Venue:text Participants:participants "
     "Who_Id:lookup>Contacts What_Id:lookup>Deals $se_module:text Description:textarea"),
    ("Calls", "通话", "Call", "Subject", (),
     "Subject:text*#255 Call_Type:picklist|Inbound|Outbound|Missed Call_Start_Time:datetime* Call_Duration:text "
     "Call_Duration_in_seconds:integer Call_Result:text Who_Id:lookup>Contacts What_Id:lookup>Deals $se_module:text Description:textarea"),
    ("Products", "产品", "Product", "Product_Name", ("Product_Name",),
     "Product_Name:text*#200 Product_Code:text^ Product_Category:picklist|设备|耗材|Service Unit_Price:currency Product_Active:boolean Description:textarea"),
    ("Quotes", "报价单", "Quote", "Subject", (),
     "Subject:text*#120 Quote_Stage:picklist|Draft|Delivered|Closed_Won Valid_Till:date Account_Name:lookup>Accounts "
     "Contact_Name:lookup>Contacts Deal_Name:lookup>Deals Grand_Total:currency! Quoted_Items:subform"),
    ("Sales_Orders", "销售订单", "Sales Order", "Subject", (),
     "Subject:text*#120 Status:picklist|Created|Approved|Delivered|Cancelled|已交货|已完成|已取消 Due_Date:date Account_Name:lookup>Accounts "
     "Contact_Name:lookup>Contacts Deal_Name:lookup>Deals Grand_Total:currency! Ordered_Items:subform"),
    ("Invoices", "发票", "Invoice", "Subject", (),
     "Subject:text*#120 Invoice_Date:date Due_Date:date Status:picklist|Created|Sent|Paid|Overdue Account_Name:lookup>Accounts "
     "Contact_Name:lookup>Contacts Sales_Order:lookup>Sales_Orders Grand_Total:currency! Invoiced_Items:subform"),
    ("Notes", "备注", "Note", "Note_Title", (),
     "Note_Title:text#120 Note_Content:textarea#65535 Parent_Id:parent"),
)  # fmt: skip
_ITEMS = "Product_Name:lookup>Products Quantity:double* List_Price:currency Total:currency! Description:textarea"
_NAMED = {"industry": INDUSTRIES, "stage": STAGES}
_FLAGS = "*!>|#^@"


def parse_field(text: str) -> Field:
    """One field of the table above."""
    name, _, rest = text.partition(":")
    end = min((rest.find(flag) for flag in _FLAGS if flag in rest), default=len(rest))
    one = Field(api_name=name, label=name.strip("$").replace("_", " "), data_type=rest[:end])
    flags = rest[end:]
    if "|" in flags:
        flags, *choices = flags.split("|")
        one.choices = [(choice.replace("_", " "),) * 2 for choice in choices]
    if "@" in flags:
        flags, _, named = flags.partition("@")
        one.choices = [(choice, choice) for choice in _NAMED[named]]
    if "#" in flags:
        flags, _, length = flags.partition("#")
        one.length = int(length)
    flags, _, one.lookup = flags.partition(">")
    one.mandatory, one.read_only, one.unique = "*" in flags, "!" in flags, "^" in flags
    if one.data_type == "subform":
        one.rows = [parse_field(column) for column in _ITEMS.split()]
    return one


def standard_modules() -> dict[str, Module]:
    """The standard modules by API name, in the order of the tabs."""
    modules = {}
    for number, (name, label, singular, label_field, duplicates, fields) in enumerate(_MODULES, start=1):
        module = Module(
            api_name=name,
            label=label,
            singular=singular,
            label_field=label_field,
            id=4_150_868_000_000_000_000 + number * 1000,
            in_bulk=name != "Notes",
            duplicates=duplicates,
        )
        system = _SYSTEM.rsplit(" ", 2)[0] if name == "Notes" else _SYSTEM
        module.add(*(parse_field(text) for text in f"{fields} {system}".split()))
        modules[name] = module
    return modules
