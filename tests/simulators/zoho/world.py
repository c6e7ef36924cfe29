"""A small org, in Chinese and English, with texts that try to break what reads them."""

from __future__ import annotations

from typing import Any

from .crm import Crm
from .notes import add_note
from .roles import play, role_id
from .store import Row
from .tagging import new_tag
from .writing import remove, write_row

HOSTILE = (
    '=HYPERLINK("http://evil.example","点我")',
    "<script>alert('x')</script> & <b>粗</b>",
    "{{7*7}} ${7*7} {% for %}",
    "Robert'); DROP TABLE accounts;--",
    'quote " comma , semicolon ; tab\t',
    "سمايل \u202eelbissop\u202c 😀👨‍👩‍👧‍👦",
)
_DAY = 24 * 3600


def populate(crm: Crm) -> None:
    """Fill the org; every record is between 400 days and one hour old."""
    fill = _Filler(crm)
    crm.add_user("Jonas Berg", "jonas.berg@crm.example")
    crm.add_user("离职员工", "gone@crm.example", active=False)
    accounts = [
        fill(
            "Accounts",
            400,
            Account_Name="杭州中心医院",
            Industry="医院",
            Employees=1200,
            Ownership="事业单位",
            Billing_City="杭州",
        ),
        fill(
            "Accounts",
            380,
            Account_Name="Berg Maschinenbau GmbH",
            Industry="机械",
            Employees=85,
            Annual_Revenue=12500000.5,
        ),
        fill("Accounts", 350, Account_Name="深圳第二人民医院", Industry="医院", Billing_State="广东"),
        fill(
            "Accounts",
            300,
            Account_Name="Acme Corp.",
            Industry="Technology",
            Website="https://acme.example",
            Rating="Active",
        ),
        *(fill("Accounts", 200 - 10 * n, Account_Name=text, Description=text) for n, text in enumerate(HOSTILE)),
    ]
    fill.change("Accounts", accounts[2], Parent_Account={"id": str(accounts[0])})
    contacts = [
        fill("Contacts", 390, Last_Name="邓玲", Title="院长", Account_Name=_to(accounts[0]), Email="deng@hz.example"),
        fill("Contacts", 389, Last_Name="林俊杰", Title="检验科主任", Department="检验科", Account_Name=_to(accounts[0])),
        fill("Contacts", 388, Last_Name="Berg", First_Name="Anna", Title="CEO", Account_Name=_to(accounts[1]), Email="anna@berg.example"),
        fill("Contacts", 387, Last_Name="O'Brien", First_Name="Zoë", Title='Head of "IT", EMEA', Account_Name=_to(accounts[3])),
        fill("Contacts", 386, Last_Name="😀", Title="采购\n经理", Account_Name=_to(accounts[2])),
        fill("Contacts", 385, Last_Name=HOSTILE[1][:80], Title=HOSTILE[2], Description=HOSTILE[5]),
    ]  # fmt: skip
    fill.change("Contacts", contacts[1], Reporting_To=_to(contacts[0]))
    deals = [
        fill("Deals", 120, Deal_Name="年度在线检测设备", Stage="Proposal/Price Quote", Amount=1500000, Closing_Date="2026-12-31",
             Account_Name=_to(accounts[0]), Contact_Name=_to(contacts[0]), Probability=60),
        fill("Deals", 100, Deal_Name="Spare parts 2026", Stage="Closed Won", Amount=20000.55, Closing_Date="2026-06-30",
             Account_Name=_to(accounts[1]), Type="Existing Business"),
        fill("Deals", 90, Deal_Name=HOSTILE[3], Stage="Qualification", Account_Name=_to(accounts[3])),
    ]  # fmt: skip
    for deal, contact, role in ((0, 0, "Decision Maker"), (0, 1, "影响者"), (1, 2, "Economic Decision Maker")):
        play(crm, deals[deal], contacts[contact], role_id(crm, role), crm.person)
        crm.tables["Deals"].put({**fill.row("Deals", deals[deal]), "Modified_Time": crm.now() - 80 * _DAY})
    people = [{"type": "contact", "participant": str(contacts[n])} for n in (0, 1)]
    fill("Events", 60, Event_Title="方案演示", Start_DateTime="2026-09-01T14:00:00+08:00", End_DateTime="2026-09-01T15:00:00+08:00",
         What_Id=_to(deals[0]), **{"$se_module": "Deals"}, Who_Id=_to(contacts[0]), Description="林主任认为灵敏度是关键指标",
         Participants=[*people, {"type": "user", "participant": str(crm.person)}])  # fmt: skip
    fill("Calls", 50, Subject="Price call", Call_Type="Outbound", Call_Start_Time="2026-09-10T09:30:00+02:00",
         Call_Duration="12:30", Call_Duration_in_seconds=750, Who_Id=_to(contacts[2]), Description=HOSTILE[4])  # fmt: skip
    fill(
        "Tasks",
        40,
        Subject="寄送报价",
        Status="Completed",
        Due_Date="2026-09-20",
        Who_Id=_to(contacts[0]),
        What_Id=_to(deals[0]),
    )
    product = fill(
        "Products", 300, Product_Name="在线检测仪", Product_Code="DX-100", Product_Category="设备", Unit_Price=150000
    )
    line = [{"Product_Name": _to(product), "Quantity": 2, "List_Price": 150000.0}]
    fill(
        "Quotes",
        45,
        Subject="报价 2026-09",
        Quote_Stage="Delivered",
        Account_Name=_to(accounts[0]),
        Deal_Name=_to(deals[0]),
        Quoted_Items=line,
    )
    order = fill(
        "Sales_Orders", 95, Subject="SO-10001", Status="Delivered", Account_Name=_to(accounts[1]), Ordered_Items=line
    )
    fill(
        "Invoices",
        94,
        Subject="RE-10001",
        Invoice_Date="2026-07-01",
        Status="Paid",
        Account_Name=_to(accounts[1]),
        Sales_Order=_to(order),
        Invoiced_Items=line,
    )
    fill("Leads", 30, Last_Name="Newman", Company="New Ltd", Email="new@new.example", Lead_Status="New")
    lead = fill("Leads", 29, Last_Name="旧线索", Company="已转换公司")
    crm.tables["Leads"].put({**fill.row("Leads", lead), "Converted__s": True})
    vip = new_tag(crm, "Accounts", "VIP", "#57B1FD", crm.person)
    crm.tables["Accounts"].put({**fill.row("Accounts", accounts[0]), "Tag": (vip.id,)})
    note = {"Note_Title": "拜访纪要", "Note_Content": "院方年底前完成预算,\n下次带上临床数据。"}
    add_note(crm, note, 0, crm.person, ("Accounts", accounts[0]))
    gone = fill("Contacts", 20, Last_Name="已删除")
    remove(crm, "Contacts", fill.row("Contacts", gone), crm.person)


def _to(id: int) -> dict[str, str]:
    return {"id": str(id)}


class _Filler:
    """Writes records as the person of the org, some days ago."""

    def __init__(self, crm: Crm) -> None:
        self._crm = crm

    def __call__(self, module: str, days_ago: int, **values: Any) -> int:
        row = write_row(self._crm, self._crm.modules[module], values, 0, self._crm.person, None)
        at = self._crm.now() - days_ago * _DAY
        self._crm.tables[module].put({**row, "Created_Time": at, "Modified_Time": at})
        return int(row["id"])

    def change(self, module: str, id: int, **values: Any) -> None:
        old = self.row(module, id)
        row = write_row(self._crm, self._crm.modules[module], values, 0, self._crm.person, old)
        self._crm.tables[module].put({**row, "Modified_Time": old["Modified_Time"]})

    def row(self, module: str, id: int) -> Row:
        row = self._crm.tables[module].get(id)
        assert row is not None
        return row
