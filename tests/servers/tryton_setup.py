"""Fill a new Tryton database; run by the Python of the server's own environment: tryton_setup.py CONFIG DATABASE.

What every company has: a currency, the company itself, users. ``admin`` and ``rep`` are people, ``crmrules`` is
the login of an integration (it may keep categories and read sales), ``guest`` may see next to nothing. The
password of each is his name and "-password".
"""

import sys
from datetime import date
from decimal import Decimal

import trytond.config

CONFIG, DATABASE = sys.argv[1:]
config = trytond.config if hasattr(trytond.config, "update_etc") else trytond.config.config  # 8 or 7
config.update_etc(CONFIG)

from trytond.pool import Pool  # noqa: E402  (reads the configuration when it is imported)
from trytond.transaction import Transaction  # noqa: E402

GROUPS = {
    "rep": ["Sales", "Sale Opportunity", "Party Administration"],
    "crmrules": ["Sales", "Party Administration"],
    "guest": [],
}


def fill() -> None:
    Pool.start()
    pool = Pool(DATABASE)
    with Transaction().start(DATABASE, 0):
        pool.init()
    with Transaction().start(DATABASE, 1, context={"language": "en"}) as transaction:
        User, Group = pool.get("res.user"), pool.get("res.group")
        Party, Company, Employee = pool.get("party.party"), pool.get("company.company"), pool.get("company.employee")
        Currency = pool.get("currency.currency")
        (yuan,) = Currency.create([{"name": "Yuan", "code": "CNY", "symbol": "¥", "digits": 2}])
        pool.get("currency.currency.rate").create([{"currency": yuan.id, "date": date(2020, 1, 1), "rate": Decimal(1)}])
        ours, person = Party.create([{"name": "Our company"}, {"name": "Mina Cho"}])
        (company,) = Company.create([{"party": ours.id, "currency": yuan.id}])
        (employee,) = Employee.create([{"party": person.id, "company": company.id}])
        (admin,) = User.search([("login", "=", "admin")])
        home = {"companies": [("add", [company.id])], "company": company.id}
        User.write([admin], {**home, "password": "admin-password"})
        for login, names in GROUPS.items():
            groups = Group.search([("name", "in", names)])
            assert len(groups) == len(names), names
            (user,) = User.create(
                [
                    {
                        "name": login,
                        "login": login,
                        "password": f"{login}-password",
                        "groups": [("add", [g.id for g in groups])],
                    }
                ]
            )
            User.write([user], home)
            if login == "rep":
                User.write([user], {"employees": [("add", [employee.id])], "employee": employee.id})
        transaction.commit()


if __name__ == "__main__":
    fill()
