"""Writes the sample CRM of ``crmrules demo``: ``python tests/samples/generate_demo.py``, the same files each time.

It is believable, not random noise: organisations with real posts, deals that move by conversations,
and the traps of every real CRM (assistants of chiefs, deputies, ranks, people who left, patients,
duplicates, blank titles, refunds, test orders, tags and roles that people set by hand).
"""

from __future__ import annotations

import csv
import io
import random
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import demo_words as words

AS_OF = date(2026, 10, 31)
DEMO = Path(__file__).resolve().parents[2] / "src" / "crmrules" / "samples" / "demo"
NATIVE_KIND = {
    "hospital": ("医院", "事业单位", "医疗机构"),
    "machinery": ("机械", "企业", "OEM"),
    "distributor": ("贸易", "企业", "经销商"),
    "school": ("学校", "事业单位", ""),
    "household": ("", "家庭", "个人"),
}

Row = dict[str, Any]


class Crm:
    """The tables as they grow."""

    def __init__(self) -> None:
        self.random = random.Random(20261031)
        self.accounts: list[Row] = []
        self.contacts: list[Row] = []
        self.deals: list[Row] = []
        self.parts: list[Row] = []
        self.activities: list[Row] = []
        self.present: list[Row] = []
        self.orders: list[Row] = []
        self.tags: list[Row] = []
        self.notes: list[Row] = []
        self.people: dict[str, list[tuple[words.Seat, Row]]] = {}  # account -> who sits there

    def day(self, first: int, last: int) -> date:
        """A day so many days before AS_OF."""
        return AS_OF - timedelta(days=self.random.randint(first, last))

    def stamp(self, day: date) -> str:
        r = self.random
        return f"{day:%Y-%m-%d} {r.randint(8, 19):02}:{r.randint(0, 59):02}:{r.randint(0, 59):02}"

    def chance(self, share: float) -> bool:
        return self.random.random() < share


def main() -> None:
    for name, content in files().items():
        (DEMO / name).write_bytes(content)


def files() -> dict[str, bytes]:
    """Return every data file of the sample CRM: path below ``demo`` -> bytes."""
    crm = Crm()
    kinds = ["hospital"] * 10 + ["machinery"] * 13 + ["distributor"] * 7 + ["school"] * 6 + ["household"] * 6
    for kind in kinds + ["company"] * len(words.COMPANIES):
        add_account(crm, kind)
    for account in crm.accounts:
        add_contacts(crm, account)
    for account in crm.accounts:
        add_deals(crm, account)
    add_orders(crm)
    add_by_hand(crm)
    modified = "Modified"
    return {
        "crm/Accounts.csv": table(crm.accounts, [
            "Account ID", "Account Name", "Industry", "Ownership", "Customer Type", "Area", "Province", "City",
            "Employees", "Beds", "Students", "Currency", "NPS", "Share of Wallet", "Longest Overdue Days",
            "Paid Invoices", "Blacklisted", "Gross Margin", "Service Plan", "Owner ID", "Created Date", modified]),
        "crm/Contacts.csv": table(crm.contacts, [
            "Contact ID", "Account ID", "Full Name", "Title", "Department", "Reports To", "Status", "Left On", "Email",
            "Phone", "Person Type", "Company", "Buying Role", "Role Set On", "Role Locked", "Created Date", modified]),
        "crm/Deals.csv": table(crm.deals, [
            "Deal ID", "Account ID", "Deal Name", "Amount", "Currency", "Stage", "Status", "Closing Date", "Renewal Of",
            "Product", "Owner ID", "Created Date", modified]),
        "crm/DealContacts.csv": table(crm.parts, ["商机编号", "联系人编号", "角色", "设定日期", "设定人", "锁定"], "gb18030"),
        "crm/Activities.csv": table(crm.activities, [
            "Activity ID", "Account ID", "Deal ID", "Date", "Type", "Direction", "Subject", "Description",
            "Introduced By", "Approved By", "Signed By", "Logins 30d", "Owner ID"]),
        "crm/Participants.csv": table(crm.present, ["活动编号", "联系人编号", "参与方式"], "gb18030"),
        "crm/Orders.csv": table(crm.orders, [
            "Order No", "Account ID", "Order Date", "Amount", "Refund", "Currency", "Status", "Category", "Gift",
            modified]),
        "crm/Users.csv": table(
            [{"User ID": f"U{n}", "Name": name} for n, name in enumerate(("林晓", "Jonas Berg", "赵倩", "Mina Cho"), 1)],
            ["User ID", "Name"]),
        "crm/tags.csv": table(crm.tags, ["object", "record_id", "name"]),
        "crm/notes.csv": table(crm.notes, ["id", "object", "record_id", "title", "body", "author", "modified_at"]),
    }  # fmt: skip


def table(rows: list[Row], header: list[str], encoding: str = "utf-8") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, header, restval="", lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def add_account(crm: Crm, kind: str) -> None:
    r, number = crm.random, len(crm.accounts) + 1
    province, city = words.CITIES[number % len(words.CITIES)]
    industry, ownership, customer_type = NATIVE_KIND.get(kind, ("", "Enterprise", ""))
    if kind == "company":
        name, industry = words.COMPANIES[sum(a["_kind"] == kind for a in crm.accounts)]
        province, city = "", r.choice(("Rotterdam", "Chicago", "Leeds", "Singapore", "Hamburg", "Toronto"))
    elif kind == "household":
        name = f"{r.choice(words.SURNAMES)}{r.choice(words.GIVEN)}家庭"
    else:
        names = {"hospital": words.HOSPITALS, "machinery": words.MACHINERY, "distributor": words.DISTRIBUTORS}
        name = f"{city}{r.choice(names.get(kind, words.SCHOOLS))}"
        while any(a["Account Name"] == name for a in crm.accounts):
            name = f"{city}{r.choice(words.SURNAMES)}氏{r.choice(names.get(kind, words.SCHOOLS))}"
    created = crm.day(200, 2200)
    overdue = r.choice((0, 0, 0, 12, 25, 41, 70, 120)) if crm.chance(0.75) else ""
    crm.accounts.append({
        "_kind": kind, "_created": created,
        "Account ID": f"A{number:03}", "Account Name": name, "Industry": industry, "Ownership": ownership,
        "Customer Type": customer_type, "Area": r.choice(("城市", "城市", "城市", "农村", "山区", "")) if province else "",
        "Province": province, "City": city,
        "Employees": r.choice((40, 120, 260, 480, 900, 1600, 5200)) if kind in ("machinery", "company") else "",
        "Beds": r.choice((150, 420, 800, 1500, 2200)) if kind == "hospital" else "",
        "Students": r.choice((800, 1800, 3200, 9000)) if kind == "school" else "",
        "Currency": "USD" if kind == "company" else "CNY",
        "NPS": r.choice(("", "", 3, 6, 7, 8, 9, 10)), "Share of Wallet": r.choice(("", 0.1, 0.25, 0.4, 0.65, 0.8)),
        "Longest Overdue Days": overdue, "Paid Invoices": r.randint(1, 30) if overdue != "" else "",
        "Blacklisted": "是" if number in (17, 33) else "否", "Gross Margin": r.choice((0.18, 0.27, 0.35, 0.42, "")),
        "Service Plan": r.choice(("金牌", "银牌", "", "")), "Owner ID": f"U{r.randint(1, 4)}",
        "Created Date": f"{created}", "Modified": crm.stamp(crm.day(0, 120)),
    })  # fmt: skip


def person_name(crm: Crm, kind: str) -> str:
    r = crm.random
    if kind == "company":
        return f"{r.choice(words.FIRST)} {r.choice(words.LAST)}"
    return f"{r.choice(words.SURNAMES)}{r.choice(words.GIVEN)}"


def add_contacts(crm: Crm, account: Row) -> None:
    r, kind = crm.random, account["_kind"]
    seats = list(words.SEATS[kind])
    keep = {"household": 2, "distributor": 3}.get(kind, r.choice((3, 4, 5, 6, 6, 8, 10, 12)))
    people: list[tuple[words.Seat, Row]] = []
    surnames: set[str] = set()
    for seat in seats[:keep]:
        name = person_name(crm, kind)
        while name[0] in surnames and kind != "company":  # colleagues call each other by surname and post
            name = person_name(crm, kind)
        surnames.add(name[0])
        head = (
            people[0][1]["Contact ID"] if people and seat.part in ("approver", "infl", "tech", "gate", "party") else ""
        )
        add_person(crm, account, people, seat, name, head)
    crm.people[account["Account ID"]] = people
    if kind in ("machinery", "company", "hospital") and crm.chance(0.45) and len(people) > 2:
        add_trap(crm, account, people)


def add_person(
    crm: Crm, account: Row, people: list[tuple[words.Seat, Row]], seat: words.Seat, name: str, head: str, **more: str
) -> Row:
    number, r = len(crm.contacts) + 1, crm.random
    created = crm.day(90, 1500)
    mail = f"{'p' if ord(name[0]) > 255 else name.split()[0].lower()}{number}@{account['Account ID'].lower()}.example"
    row = {
        "Contact ID": f"C{number:04}", "Account ID": account["Account ID"], "Full Name": name, "Title": seat.title,
        "Department": seat.department, "Reports To": head, "Status": "在职", "Left On": "",
        "Email": mail if crm.chance(0.8) else "", "Phone": f"+86 25 5550 {number:04}" if crm.chance(0.5) else "",
        "Person Type": {"patient": "患者", "minor": "未成年人"}.get(seat.part, ""), "Company": "", "Buying Role": "",
        "Role Set On": "", "Role Locked": "", "Created Date": f"{created}", "Modified": crm.stamp(crm.day(0, 200)),
    } | more  # fmt: skip
    if crm.chance(0.04) and seat.part in ("dm", "tech", "buyer"):
        role = {"dm": "决策人", "tech": "技术评估", "buyer": "采购"}[seat.part]
        row |= {"Buying Role": role, "Role Set On": f"{crm.day(30, 700)}", "Role Locked": r.choice(("", "是"))}
    crm.contacts.append(row)
    people.append((seat, row))
    return row


def add_trap(crm: Crm, account: Row, people: list[tuple[words.Seat, Row]]) -> None:
    """Add one of the people that every CRM has and every rule stumbles over."""
    english = account["_kind"] == "company"
    trap = crm.random.choice(("left", "twice", "mailbox", "outside", "honorary"))
    name = person_name(crm, account["_kind"])
    other = words.Seat("none", "", "")
    if trap == "left":
        seat = words.Seat("left", "Former Director of Quality" if english else "原采购部经理", "")
        add_person(crm, account, people, seat, name, "", **{
            "Status": "离职", "Left On": f"{crm.day(20, 300)}", "Buying Role": "影响者", "Role Set On": f"{crm.day(310, 500)}",
        })  # fmt: skip
    elif trap == "twice":
        twin = people[1][1]
        copy = add_person(crm, account, people, other, twin["Full Name"], "")
        copy["Email"] = twin["Email"] = twin["Email"] or "twin@" + account["Account ID"].lower() + ".example"
    elif trap == "mailbox":
        add_person(crm, account, people, other, "Reception" if english else "前台", "", **{"Person Type": "公共邮箱"})
    elif trap == "outside":
        seat = words.Seat("none", "Partner" if english else "评审专家", "")
        firm = "Calder & Co. Consulting" if english else "招标代理有限公司"
        add_person(crm, account, people, seat, name, "", Company=firm)
    else:
        seat = words.Seat("none", "Honorary Chairman (retired)" if english else "名誉院长(已退休)", "")
        add_person(crm, account, people, seat, name, "")


def add_deals(crm: Crm, account: Row) -> None:
    r, kind = crm.random, account["_kind"]
    english = kind == "company"
    if kind == "household":
        return
    stages = (("方案评估", "进行中"), ("商务谈判", "进行中"), ("招标", "进行中"), ("赢单", "赢单"), ("输单", "输单"))
    for _ in range(r.choice((1, 1, 2, 2)) if crm.chance(0.95) else 0):
        stage, status = stages[r.choice((0, 0, 1, 1, 2, 3, 3, 4))]
        created = crm.day(25, 300) if status == "进行中" else crm.day(320, 900)
        product = r.choice(words.PRODUCTS_EN if english else words.PRODUCTS_ZH)
        number = len(crm.deals) + 1
        won = [d for d in crm.deals if d["Account ID"] == account["Account ID"] and d["Status"] == "赢单"]
        title = (
            f"{product} {r.choice(('rollout', 'pilot', 'renewal'))}"
            if english
            else f"{r.choice(('新建', '扩容', '年度'))}{product}"
        )
        deal = {
            "Deal ID": f"D{number:03}", "Account ID": account["Account ID"], "Deal Name": title,
            "Amount": r.choice((48000, 96000, 180000, 420000, 860000, 1500000)), "Currency": account["Currency"],
            "Stage": stage, "Status": status, "Renewal Of": won[0]["Deal ID"] if won and crm.chance(0.4) else "",
            "Closing Date": "" if status == "进行中" else f"{created + timedelta(days=r.randint(30, 90))}",
            "Product": product, "Owner ID": account["Owner ID"], "Created Date": f"{created}",
            "Modified": crm.stamp(crm.day(0, 60)),
        }  # fmt: skip
        crm.deals.append(deal)
        talk_about(crm, account, deal, created)
    if crm.chance(0.6):
        small_talk(crm, account)


def talk_about(crm: Crm, account: Row, deal: Row, created: date) -> None:
    """Fill a deal with the conversations that move it."""
    r = crm.random
    people = [(s, p) for s, p in crm.people[account["Account ID"]] if s.part not in ("left", "patient", "minor")]
    lines = words.EN_LINES if account["_kind"] == "company" else words.ZH_LINES
    last = AS_OF if deal["Status"] == "进行中" else date.fromisoformat(deal["Closing Date"])
    dm = next((p for s, p in people if s.part == "dm"), people[0][1])
    for seat, person in people:
        said = lines.get(seat.part, ())
        for kind, direction, text in r.sample(said, min(len(said), r.choice((0, 1, 1, 2, 2, 3)))):
            day = created + timedelta(days=r.randint(1, max(2, (last - created).days - 1)))
            text = text.format(
                me=called(seat, person), dm=called(words.SEATS[account["_kind"]][0], dm), n=r.randint(1000, 9999)
            )
            row = add_activity(crm, account, deal, day, kind, direction, text, [person])
            if kind == "approval":
                row["Approved By"] = person["Contact ID"]
            elif kind == "contract":
                row["Signed By"] = person["Contact ID"]
            elif kind == "introduction" and dm is not person:
                row["Introduced By"] = person["Contact ID"]
                crm.present.append(
                    {"活动编号": row["Activity ID"], "联系人编号": dm["Contact ID"], "参与方式": "被引荐"}
                )
            elif kind == "trial":
                row["Logins 30d"] = r.randint(8, 60)
        if seat.part in ("dm", "approver", "infl", "tech", "buyer", "user") and crm.chance(0.8):
            add_part(crm, deal, seat, person)


def add_part(crm: Crm, deal: Row, seat: words.Seat, person: Row) -> None:
    roles = {
        "dm": "决策人",
        "approver": "审批人",
        "infl": "影响者",
        "tech": "技术评估",
        "buyer": "采购",
        "user": "使用人",
    }
    declared = crm.chance(0.15)
    crm.parts.append({
        "商机编号": deal["Deal ID"], "联系人编号": person["Contact ID"], "角色": roles[seat.part] if declared else "",
        "设定日期": f"{crm.day(10, 500)}" if declared else "", "设定人": f"U{crm.random.randint(1, 4)}" if declared else "",
        "锁定": "是" if declared and crm.chance(0.3) else "",
    })  # fmt: skip


def called(seat: words.Seat, person: Row) -> str:
    """How a colleague writes it down: 王院长, 李工, Dana."""
    name = person["Full Name"]
    if " " in name:
        return name.split()[0]
    return name[0] + seat.short if seat.short else name


def small_talk(crm: Crm, account: Row) -> None:
    """Tickets, campaigns and missed calls that belong to no deal."""
    lines = words.EN_LINES if account["_kind"] == "company" else words.ZH_LINES
    for seat, person in crm.people[account["Account ID"]]:
        said = lines.get(seat.part if seat.part in ("user", "other", "none", "patient", "minor") else "other", ())
        for kind, direction, text in crm.random.sample(said, min(len(said), crm.random.randint(0, 3))):
            add_activity(
                crm,
                account,
                None,
                crm.day(3, 400),
                kind,
                direction,
                text.format(me=called(seat, person), n=1),
                [person],
            )


def add_activity(
    crm: Crm, account: Row, deal: Row | None, day: date, kind: str, direction: str, text: str, people: list[Row]
) -> Row:
    row = {
        "Activity ID": f"T{len(crm.activities) + 1:04}", "Account ID": account["Account ID"],
        "Deal ID": deal["Deal ID"] if deal else "", "Date": f"{min(day, AS_OF)}", "Type": kind, "Direction": direction,
        "Subject": deal["Deal Name"] if deal else "", "Description": text, "Introduced By": "", "Approved By": "",
        "Signed By": "", "Logins 30d": "", "Owner ID": account["Owner ID"],
    }  # fmt: skip
    crm.activities.append(row)
    crm.present += [{"活动编号": row["Activity ID"], "联系人编号": p["Contact ID"], "参与方式": ""} for p in people]
    return row


def add_orders(crm: Crm) -> None:
    r = crm.random
    for account in crm.accounts:
        if crm.chance(0.2):
            continue  # has never bought
        home = account["_kind"] == "household"
        base = r.choice((90, 260, 700)) if home else r.choice((1500, 4000, 9000, 26000, 60000))
        gap = r.choice((10, 14, 20, 30, 45, 70))
        day = max(account["_created"], AS_OF - timedelta(days=1100)) + timedelta(days=r.randint(5, 60))
        stops = AS_OF - timedelta(days=r.choice((0, 0, 0, 0, 0, 150, 420)))  # some have stopped buying
        returns = 0.6 if account["Account ID"] in ("A011", "A052") else 0.04
        while day <= stops:
            amount = round(base * r.uniform(0.6, 1.7), 2)
            status = r.choices(("已交货", "已完成", "已取消", "测试"), (60, 34, 4, 2))[0]
            refund = round(amount * r.choice((0.2, 1)), 2) if crm.chance(returns) else ""
            crm.orders.append({
                "Order No": f"SO-{len(crm.orders) + 10001}", "Account ID": account["Account ID"], "Order Date": f"{day:%Y/%m/%d}",
                "Amount": f"{amount:,.2f}", "Refund": f"{refund:,.2f}" if refund else "", "Currency": account["Currency"],
                "Status": status, "Category": "home" if home else r.choice(words.CATEGORIES),
                "Gift": "是" if home and crm.chance(0.1) else "", "Modified": crm.stamp(min(day + timedelta(days=3), AS_OF)),
            })  # fmt: skip
            day += timedelta(days=max(3, round(gap * r.uniform(0.6, 1.5))))


def add_by_hand(crm: Crm) -> None:
    """Tags and notes that people made; one stands where we would write, and stays."""
    r = crm.random
    for account in crm.accounts[::7]:
        crm.tags.append(
            {
                "object": "Accounts",
                "record_id": account["Account ID"],
                "name": r.choice(("重点跟进", "展会2026", "VIP")),
            }
        )
    crm.tags.append({"object": "Accounts", "record_id": "A012", "name": "seg.value=high"})
    crm.tags.append({"object": "Contacts", "record_id": "C0003", "name": "拜访过工厂"})
    for n, (record, title, body) in enumerate((
        ("A001", "拜访纪要", "院方年底前完成预算,\n下次带上临床数据。"),
        ("A045", "Call notes", "Asked for references in food industry; follow up after the audit."),
        ("A012", "付款", "=付款条件见合同附件,不要改"),
    ), 1):  # fmt: skip
        crm.notes.append({
            "id": f"N{n}", "object": "Accounts", "record_id": record, "title": title, "body": body, "author": "U1",
            "modified_at": crm.stamp(crm.day(5, 90)),
        })  # fmt: skip


if __name__ == "__main__":
    main()
