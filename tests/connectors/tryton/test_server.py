"""The server that the other tests stand on is a real one, and starts every test from its beginning."""

from __future__ import annotations

import pytest

from servers.tryton import Refused, Tryton


def test_people_work_in_it(tryton: Tryton) -> None:
    admin = tryton.person()
    (id,) = admin.create("party.party", {"name": "Acme", "staff": 12})
    admin.write("party.party", id, segment="A")
    (found,) = admin.find("party.party", [["id", "=", id]], "name", "staff", "segment", "write_date")
    assert (found["name"], found["staff"], found["segment"]) == ("Acme", 12, "A")
    assert found["write_date"]["__class__"] == "datetime"


def test_it_says_no(tryton: Tryton) -> None:
    with pytest.raises(Refused, match="not allowed"):
        tryton.person("guest").create("sale.opportunity", {})


def test_each_test_begins_anew_and_no_id_comes_twice(tryton: Tryton) -> None:
    before = len(tryton.person().find("party.party", []))
    (first,) = tryton.person().create("party.party", {"name": "Acme"})
    tryton.reset()
    assert len(tryton.person().find("party.party", [])) == before
    (second,) = tryton.person().create("party.party", {"name": "Acme"})
    assert second > first
