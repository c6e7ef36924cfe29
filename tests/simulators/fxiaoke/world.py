"""A small tenant to look at: a hospital, a school, a trader, their people, deals, talks and orders, in zh or en."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from .crm import FxiaokeSim

CHINA = timedelta(hours=8)

# Texts that a CRM may hold and that nothing may act on.
HOSTILE = (
    '=HYPERLINK("http://x.example","付款")',
    "</script><script>alert(1)</script>",
    "Robert'); DROP TABLE account;--",
    "{{ 7 * 7 }} {% raw %} ${7*7}",
    "\u202egnp.exe \u200b零宽 \u0007bell",
    "😀👩‍👩‍👧‍👦 𠮷野家 é é ﷽",
    "a\tb\nc  \u3000 d",
)


def ms(day: str, hour: int = 0) -> int:
    """Milliseconds of a day's hour in China; hour 0 is how a date is told."""
    return round(((datetime.fromisoformat(day).replace(tzinfo=UTC) - CHINA) + timedelta(hours=hour)).timestamp() * 1000)


def seed(sim: FxiaokeSim) -> dict[str, str]:
    """Fill *sim* in its language; return the ids of some records by a plain name."""
    zh = sim.store.language == "zh"
    people = sim.people
    people.hire("1000", "系统管理员" if zh else "Administrator", "13800000000")
    people.hire("1001", "林晓" if zh else "Lin Xiao", "13800000001")
    people.hire("1002", "Jonas Berg 🚀", "13800000002")
    ids: dict[str, str] = {}

    def make(key: str, object: str, by: str = "1001", **values: Any) -> str:
        ids[key] = people.create(object, values, by)
        return ids[key]

    hospital = make("hospital", "AccountObj", name="杭州中心医院" if zh else "Hangzhou Central Hospital",
                    industry_level1="hospital", account_level="A", contract_end__c=ms("2027-03-31"))  # fmt: skip
    make("school", "AccountObj", name="南京实验小学" if zh else "Nanjing Primary School", industry_level1="school")
    make("hostile", "AccountObj", name=HOSTILE[2], remark="\n".join(HOSTILE))
    make("legacy", "AccountObj", name="老客户" if zh else "Old customer")
    dean = make("dean", "ContactObj", name="邓玲" if zh else "Deng Ling", account_id=hospital,
                job_title="院长" if zh else "Hospital director", mobile="13900000000", email="dean@a001.example")  # fmt: skip
    doctor = make("doctor", "ContactObj", name="林俊杰 😀", account_id=hospital,
                  job_title="检验科主任" if zh else "Head of laboratory")  # fmt: skip
    deal = make("deal", "NewOpportunityObj", name="年度检测设备" if zh else "Analysers", account_id=hospital,
                amount="1500000.00", sales_stage="negotiate", sales_status="1", close_date=ms("2026-12-31"),
                probability="60")  # fmt: skip
    make(
        "deal_contact",
        "NewOpportunityContactsObj",
        name="1",
        new_opportunity_id=deal,
        contact_id=dean,
        role__c="approver",
    )
    make("edge", "NewOpportunityContactRelationshipObj", name="1", new_opportunity_id=deal)
    make("talk", "ActiveRecordObj", active_record_content="邓院长已签批立项申请,同意上会" if zh else "The director approved the project",
         active_record_type="meeting", related_object_data=[
             {"describe_api_name": "AccountObj", "id": hospital}, {"describe_api_name": "NewOpportunityObj", "id": deal},
             {"describe_api_name": "ContactObj", "id": dean}, {"describe_api_name": "ContactObj", "id": doctor},
         ])  # fmt: skip
    make(
        "visit",
        "CheckinsObj",
        name="V1",
        customer_id=hospital,
        communicate_record=HOSTILE[5],
        new_stat_date=ms("2026-10-02"),
    )
    make("meeting", "ScheduleObj", name="演示" if zh else "Demo", content="下周演示" if zh else "Demo next week",
         participants=["1001", "1002"], begin_time=ms("2026-10-09", 9), end_time=ms("2026-10-09", 11),
         related_object_data=[{"describe_api_name": "AccountObj", "id": hospital}])  # fmt: skip
    product = make("product", "ProductObj", name="检测仪" if zh else "Analyser", category="equipment")
    order = make("order", "SalesOrderObj", name="20261001-001", account_id=hospital, order_time=ms("2026-10-01"),
                 order_amount="32964.52", delivered_amount_sum="0", order_status="2")  # fmt: skip
    make(
        "line", "SalesOrderProductObj", name="1", order_id=order, product_id=product, quantity="2", subtotal="32964.52"
    )
    return ids
