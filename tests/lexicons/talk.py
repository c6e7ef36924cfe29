"""A small account whose texts are read: helpers for the tests of mentions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from crmrules.evaluation.mentions import find_mentions
from crmrules.language.ruleset import Ruleset
from crmrules.model.objects import OBJECTS

Row = Mapping[str, object]


def snapshot(
    contacts: Sequence[Row], activities: Sequence[Row], taking_part: Sequence[Row]
) -> duckdb.DuckDBPyConnection:
    """Return a connection with the three tables that texts need, as the snapshot has them."""
    con = duckdb.connect()
    con.execute("ATTACH ':memory:' AS snapshot")
    for name, rows in (("contact", contacts), ("activity", activities), ("activity_contact", taking_part)):
        fields = OBJECTS[name].fields
        columns = ", ".join(f'"{field.name}" {field.type.sql}' for field in fields)
        con.execute(f"CREATE TABLE snapshot.{name} ({columns})")
        for row in rows:
            assert row.keys() <= {field.name for field in fields}
            places = ", ".join("?" for _ in row)
            names = ", ".join(f'"{column}"' for column in row)
            con.execute(f"INSERT INTO snapshot.{name} ({names}) VALUES ({places})", list(row.values()))
    return con


def of_scenario(scenario: Mapping[str, object]) -> duckdb.DuckDBPyConnection:
    """Return the snapshot of a scenario file's main account."""
    contacts = [
        {"id": c["id"], "account_id": "a1", **{key: c.get(key) for key in ("name", "title", "department", "status")}}
        for c in scenario["contacts"]  # type: ignore[attr-defined]
    ]
    activities, taking_part = [], []
    for a in scenario["activities"]:  # type: ignore[attr-defined]
        activities.append(
            {"id": a["id"], "account_id": "a1", "deal_id": a.get("deal"), "date": a["date"], "type": a["type"],
             "direction": a["dir"], "text": a["text"]}
        )  # fmt: skip
        introduced = a.get("introduced", [])
        taking_part += [
            {"activity_id": a["id"], "contact_id": who, "part": "introduced" if who in introduced else "participant"}
            for who in a["who"]
        ]
    return snapshot(contacts, activities, taking_part)


def mentions(con: duckdb.DuckDBPyConnection, ruleset: Ruleset) -> set[tuple[str, str, str]]:
    """Return (activity, cue, contact) of everything that was found."""
    find_mentions(con, ruleset)
    return set(con.execute("SELECT activity_id, cue, contact_id FROM mention").fetchall())
