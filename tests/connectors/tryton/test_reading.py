"""What is an account, a contact, a deal, an activity of a Tryton server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crmrules.contracts.connector import NativeWrite, ReadRequest
from crmrules_tryton.client import TrytonCrm
from crmrules_tryton.objects import ACCOUNT, ACTIVITY, CONTACT, DEAL, DEAL_CONTACT, MODIFIED, NOTES, PARTICIPANT, SALE

from .world import TrytonWorld

Rows = Mapping[str, Mapping[str, Any]]


@pytest.fixture
def crm(world: TrytonWorld) -> Iterator[TrytonCrm]:
    crm = world.connect()
    yield crm
    crm.close()


def read(crm: TrytonCrm, object: str, *fields: str, since: datetime | None = None) -> Rows:
    """Records by id."""
    request = ReadRequest(
        object=object, fields=("id", *fields), key=("id",), since=since, modified_field=MODIFIED if since else ""
    )
    return {row["id"]: row for page in crm.read(request) for row in page.rows.to_pylist()}


def child(crm: TrytonCrm, parent: str, name: str, *fields: str) -> list[tuple[Any, ...]]:
    """Rows of a child, read with its parents."""
    request = ReadRequest(
        object=parent, fields=("id",), key=("id",), children=(ReadRequest(object=name, fields=fields, key=fields),)
    )
    pages = [page for page in crm.read(request) if page.object == name]
    return [tuple(row[f] for f in fields) for page in pages for row in page.rows.to_pylist()]


def day(offset: int) -> dict[str, Any]:
    at = datetime.now(UTC) + timedelta(days=offset)
    return {"__class__": "date", "year": at.year, "month": at.month, "day": at.day}


@pytest.fixture
def company(world: TrytonWorld) -> dict[str, int]:
    """Acme with three people: one reports to another, one has left."""
    admin = world.server.person()
    names = ("Acme", "Li Lei", "Han Mei", "Wang Gang", "Nobody's")
    ids = dict(zip(names, admin.create("party.party", *({"name": name} for name in names)), strict=True))
    employs, employee, superior = admin.create(
        "party.relation.type", {"name": "Employs"}, {"name": "Employee"}, {"name": "Reports to"}
    )
    admin.write("party.relation.type", employee, reverse=employs)
    admin.create(
        "party.relation.all",
        {"from_": ids["Li Lei"], "to": ids["Acme"], "type": employee},
        {"from_": ids["Acme"], "to": ids["Han Mei"], "type": employs},  # said from the other side
        {"from_": ids["Wang Gang"], "to": ids["Acme"], "type": employee, "end_date": day(-10)},
        {"from_": ids["Li Lei"], "to": ids["Han Mei"], "type": superior},
    )
    admin.write("party.relation.type", employs, reverse=employee)
    return ids


def test_who_is_employed_is_a_person_and_the_company_itself_is_nobodys_account(
    crm: TrytonCrm, company: dict[str, int]
) -> None:
    accounts = {row["name"] for row in read(crm, ACCOUNT, "name").values()}
    assert accounts == {"Acme", "Nobody's"}
    fields = ("name", "organisation", "superior", "status", "relation")
    contacts = {row["name"]: tuple(row[f] for f in fields[1:]) for row in read(crm, CONTACT, *fields).values()}
    acme = str(company["Acme"])
    assert contacts["Li Lei"] == (acme, str(company["Han Mei"]), "active", "Employee")
    assert contacts["Han Mei"] == (acme, None, "active", "Employee")
    assert contacts["Wang Gang"] == (acme, None, "left", "Employee")
    assert set(contacts) == {"Li Lei", "Han Mei", "Wang Gang"}


def test_an_archived_party_is_gone_until_it_comes_back(
    crm: TrytonCrm, world: TrytonWorld, company: dict[str, int]
) -> None:
    acme = str(company["Acme"])
    since = read(crm, ACCOUNT, MODIFIED)[acme][MODIFIED]
    world.server.person().write("party.party", company["Acme"], active=False)
    assert acme not in read(crm, ACCOUNT)
    assert acme not in {v for table in crm.ids(ACCOUNT, ("id",)) for v in table.column("id").to_pylist()}
    assert {row["organisation"] for row in read(world.connect(), CONTACT, "organisation").values()} == {None}
    world.server.person().write("party.party", company["Acme"], active=True)
    assert acme in read(crm, ACCOUNT, since=since)


def test_a_contact_is_read_again_when_only_his_relation_changed(
    crm: TrytonCrm, world: TrytonWorld, company: dict[str, int]
) -> None:
    world.server.sql("UPDATE party_party SET create_date = '2026-01-01 00:00:00', write_date = NULL")
    world.server.sql("UPDATE party_relation SET create_date = '2026-01-01 00:00:00', write_date = NULL")
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert read(crm, CONTACT, MODIFIED, "organisation", since=since) == {}
    admin = world.server.person()
    (relation, *_) = admin.find("party.relation.all", [["from_", "=", company["Han Mei"]]], "id")
    admin.write("party.relation.all", relation["id"], end_date=day(-1))
    changed = read(world.connect(), CONTACT, MODIFIED, "status", "left_on", since=since)
    assert [(id, row["status"]) for id, row in changed.items()] == [(str(company["Han Mei"]), "left")]


def test_addresses_and_mails_come_with_their_party(crm: TrytonCrm, world: TrytonWorld) -> None:
    admin = world.server.person()
    (id,) = admin.create(
        "party.party",
        {
            "name": "Acme",
            "addresses": [["create", [{"city": "杭州", "sequence": 1}, {"city": "elsewhere", "sequence": 2}]]],
            "contact_mechanisms": [["create", [{"type": "email", "value": "a@acme.example"}]]],
        },
    )
    row = read(crm, ACCOUNT, "city", "country", "email")[str(id)]
    assert (row["city"], row["country"], row["email"]) == ("杭州", None, "a@acme.example")


def test_an_opportunity_of_a_person_is_his_organisations_and_he_takes_part(
    crm: TrytonCrm, world: TrytonWorld, company: dict[str, int]
) -> None:
    admin = world.server.person()
    (mail,) = admin.create(
        "party.contact_mechanism", {"party": company["Li Lei"], "type": "email", "value": "li@acme.example"}
    )
    amount = {"__class__": "Decimal", "decimal": "1200.50"}
    values = {"description": "Line 2", "amount": amount, "currency": 1, "start_date": day(-30), "company": 1}
    (deal,) = admin.create("sale.opportunity", {**values, "party": company["Li Lei"], "contact": mail, "employee": 1})
    row = read(crm, DEAL, "account", "amount", "currency.code", "state", "owner", "start_date")[str(deal)]
    rep = str(admin.find("res.user", [["login", "=", "rep"]], "id")[0]["id"])
    expected = (str(company["Acme"]), "1200.50", "CNY", "lead", rep)
    assert tuple(row[f] for f in ("account", "amount", "currency.code", "state", "owner")) == expected
    assert child(crm, DEAL, DEAL_CONTACT, "opportunity", "party") == [(str(deal), str(company["Li Lei"]))]


def test_a_draft_is_no_order(crm: TrytonCrm, world: TrytonWorld, company: dict[str, int]) -> None:
    price = {"__class__": "Decimal", "decimal": "99.90"}
    line = {"type": "line", "description": "goods", "quantity": 2.0, "unit_price": price}
    values = {"party": company["Acme"], "sale_date": day(-3), "lines": [["create", [line]]]}
    _, ordered = world.server.person().create("sale.sale", values, values)
    world.server.sql("UPDATE sale_sale SET state = 'done' WHERE id = ?", ordered)
    rows = read(crm, SALE, "account", "untaxed_amount", "sale_date")
    assert list(rows) == [str(ordered)]
    assert (rows[str(ordered)]["account"], rows[str(ordered)]["untaxed_amount"]) == (str(company["Acme"]), "199.80")


def test_what_people_noted_is_an_activity_and_what_we_noted_is_none(
    crm: TrytonCrm, world: TrytonWorld, company: dict[str, int]
) -> None:
    admin = world.server.person()
    on_person, on_acme = admin.create(
        "ir.note",
        {"resource": f"party.party,{company['Li Lei']}", "message": "He asks for a price."},
        {"resource": f"party.party,{company['Acme']}", "message": "[crmrules]\nwritten by a person"},
    )
    ours = NativeWrite(
        object=ACCOUNT,
        record_id={"id": str(company["Acme"])},
        kind="note",
        name="crmrules",
        value="Visit.",
        expected=None,
    )
    crm.current([ours])
    said = NativeWrite(**{**vars(ours), "expected": "written by a person"})
    assert crm.write([ours])[0].result == "stale"
    assert crm.write([said])[0].result == "written"  # who asks for it with his eyes open gets it
    activities = read(crm, ACTIVITY, "account", "message", "create_date")
    assert {id: (row["account"], row["message"]) for id, row in activities.items()} == {
        str(on_person): (str(company["Acme"]), "He asks for a price.")
    }
    assert child(crm, ACTIVITY, PARTICIPANT, "note", "party") == [(str(on_person), str(company["Li Lei"]))]
    notes = read(crm, NOTES, "object", "record_id", "title", "body", "author")
    assert {(row["object"], row["title"], row["author"]) for row in notes.values()} == {
        (CONTACT, None, "Administrator" if world.server.series == "7.0" else "admin"), (ACCOUNT, "crmrules", "crmrules"),
    }  # fmt: skip
    assert str(on_acme) not in notes
