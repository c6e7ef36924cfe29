"""A CRM in miniature, with a real decision made over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import duckdb

from crmrules.contracts.engine import EnginePlugin
from crmrules.language.ruleset import Ruleset
from crmrules.model.objects import OBJECTS
from crmrules.pipeline.decide import decide
from crmrules.playbook.render import jinja_renderer
from crmrules.stores.schema import create_own_tables, create_table

from .ruleset import RULESET

AS_OF = date(2026, 6, 30)
Records = Mapping[str, Sequence[Mapping[str, object]]]


def ago(days: int) -> date:
    return AS_OF - timedelta(days=days)


HOSPITAL: Records = {
    "account": [
        {"id": "a1", "name": "江州市第一人民医院", "industry": "hospital", "region": "urban", "employees": 1800,
         "demand_type": "public", "created_at": ago(2000), "contract_end": ago(-40), "nps": 8},
        {"id": "a2", "name": "Meridian Logistics Inc.", "industry": "logistics", "employees": 2400,
         "demand_type": "enterprise", "created_at": ago(200)},
        {"id": "a3", "name": "<script>alert('x')</script>{{ 7*7 }}\u202e\u200ftxt.exe", "industry": "retail",
         "demand_type": "household", "employees": 1200, "created_at": ago(900)},
    ],
    "contact": [
        {"id": "c1", "account_id": "a1", "name": "周明远", "title": "院长", "status": "active"},
        {"id": "c2", "account_id": "a1", "name": "王海燕", "title": "药剂科主任", "reports_to_id": "c1", "status": "active"},
        {"id": "c3", "account_id": "a1", "name": "孙丽", "title": "药库采购员", "reports_to_id": "c2", "status": "active"},
        {"id": "c4", "account_id": "a1", "name": "陈志强", "title": "心内科主任、主任医师", "reports_to_id": "c1", "status": "active"},
        {"id": "c5", "account_id": "a1", "name": "张大爷", "title": "患者", "person_type": "patient", "status": "active"},
        {"id": "c6", "account_id": "a1", "name": "吴国华", "title": "名誉院长(已退休)", "status": "left"},
        {"id": "c7", "account_id": "a2", "name": "Dana Whitfield", "title": "VP of Information Technology",
         "reports_to_id": "c8", "status": "active", "crm_role": "decision_maker", "role_locked": True},
        {"id": "c8", "account_id": "a2", "name": "Robert Keane", "title": "Chief Financial Officer",
         "reports_to_id": "c7", "status": "active"},
        {"id": "c9", "account_id": "a3", "name": "<img src=x onerror=alert(1)>\u202eevil" + " very long name" * 20,
         "title": "\"><svg onload=alert(2)> president {{ config }}", "reports_to_id": "c9", "status": "active"},
    ],
    "deal": [
        {"id": "d1", "account_id": "a1", "name": "新药进院", "amount": 3_600_000, "currency": "CNY", "stage": "evaluation",
         "status": "open", "created_at": ago(140)},
        {"id": "d0", "account_id": "a1", "name": "年度供货", "amount": 2_520_000, "currency": "CNY", "stage": "won",
         "status": "won", "created_at": ago(700)},
        {"id": "d2", "account_id": "a2", "name": "ITSM platform", "amount": 180_000, "currency": "USD", "stage": "negotiation",
         "status": "open", "created_at": ago(320)},
    ],
    "activity": [
        {"id": "t1", "account_id": "a1", "deal_id": "d1", "date": ago(20), "type": "approval", "direction": "in",
         "approved_by_id": "c1", "text": "院长批准立项"},
        {"id": "t2", "account_id": "a1", "deal_id": "d1", "date": ago(40), "type": "meeting", "direction": "both",
         "text": "孙丽问价格和账期"},
        {"id": "t3", "account_id": "a1", "deal_id": "d1", "date": ago(60), "type": "meeting", "direction": "both",
         "text": "陈主任愿意在药事会上说服其他专家"},
        {"id": "t4", "account_id": "a1", "deal_id": "d1", "date": ago(30), "type": "call", "direction": "in",
         "text": "王主任:这个不归我管"},
        {"id": "t5", "account_id": "a2", "deal_id": "d2", "date": ago(10), "type": "email", "direction": "in",
         "text": "Please add net-60 payment terms.\nThis is not my area though."},
    ],
    "activity_contact": [
        {"activity_id": "t2", "contact_id": "c3", "part": "participant"},
        {"activity_id": "t3", "contact_id": "c4", "part": "participant"},
        {"activity_id": "t4", "contact_id": "c2", "part": "participant"},
        {"activity_id": "t5", "contact_id": "c8", "part": "participant"},
    ],
    "order": [
        *({"id": f"o{n}", "account_id": "a1", "date": ago(15 + 30 * n), "amount": 210_000, "status": "delivered"} for n in range(12)),
        *({"id": f"p{n}", "account_id": "a2", "date": ago(170 + n), "amount": 60_000, "status": "delivered"} for n in range(2)),
    ],
}  # fmt: skip


def python_engine() -> EnginePlugin:
    """The engine of a ruleset without inference: it is never asked."""
    return EnginePlugin(name="python", compile=lambda program: None, available=lambda: "")  # type: ignore[arg-type, return-value]


def connect(records: Records) -> duckdb.DuckDBPyConnection:
    """Return a connection with *records* as its snapshot."""
    con = duckdb.connect()
    con.execute("ATTACH ':memory:' AS snapshot")
    for name in OBJECTS:
        con.execute(create_table("snapshot", name))
        for record in records.get(name, ()):
            columns = ", ".join(f'"{column}"' for column in record)
            marks = ", ".join("?" for _ in record)
            con.execute(f'INSERT INTO snapshot."{name}" ({columns}) VALUES ({marks})', list(record.values()))
    for statement in create_own_tables("snapshot"):
        con.execute(statement)
    con.execute(
        "INSERT INTO snapshot.quarantine VALUES ('order', 'o9', 'orders.csv', 12, 'date', '31/31/2026', 'not a date')"
    )
    return con


def decided(records: Records = HOSPITAL, ruleset: Ruleset = RULESET) -> duckdb.DuckDBPyConnection:
    """Return a connection with a decision over *records*."""
    con = connect(records)
    decide(
        con, ruleset, as_of=AS_OF, engine=python_engine(), renderer=jinja_renderer(), language="zh", snapshot="0123abcd"
    )
    return con
