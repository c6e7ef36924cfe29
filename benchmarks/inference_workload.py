"""The workload of the inference benchmark: buying roles within accounts of 10 contacts, 30 activities and 2 deals.

Step 1 looks at single contacts and their activities (what features and evidence are for); steps 2
to 4 chain: who reports to a decision maker, who is a user and a champion, whom to ask where no
decision maker is known, who has no part at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from crmrules.model.program import Atom, InferenceRule, Program, Property, Test, Var

Answer = tuple[str, str, str]  # account, contact ('' = the account itself), role

LEVELS = {
    "CEO": 5, "总经理": 5, "CFO": 5, "VP of Sales": 4, "副总裁": 4, "IT Director": 3, "采购总监": 3, "Head of Operations": 3,
    "Procurement Manager": 2, "采购经理": 2, "Sales Manager": 2, "Team Lead": 2, "Buyer": 1, "Engineer": 1, "工程师": 1,
    "Analyst": 1, "Accountant": 1, "Office Assistant": 0, "Intern": 0, "专员": 0,
}  # fmt: skip
EXECUTIVE = "CEO|CFO|CTO|VP|总经理|副总裁"
PURCHASING = "Procurement|Buyer|采购"
ROLES = ("decision_maker", "purchaser", "user", "champion", "blocker")  # of step 1
DERIVED = ("influencer", "power_user", "candidate_dm", "no_champion", "observer")

# Juniors are twice as frequent as executives; six contacts of ten report to somebody above them in the list.
_TABLES = """
CREATE TABLE title AS SELECT unnest(?::VARCHAR[]) AS title, unnest(?::INTEGER[]) AS level;
CREATE TABLE contact AS
SELECT printf('A%06d', account) AS account_id, printf('A%06d-C%02d', account, n) AS id,
       titles[1 + (hash(account, n, 'title') % len(titles))::BIGINT] AS title,
       CASE WHEN n > 0 AND hash(account, n, 'reports') % 10 < 6
            THEN printf('A%06d-C%02d', account, (hash(account, n, 'to') % n)::BIGINT) END AS reports_to_id
FROM range(?) AS a(account), range(10) AS c(n),
     (SELECT list(title ORDER BY title) AS titles FROM (SELECT title FROM title UNION ALL SELECT title FROM title WHERE level < 4));
CREATE TABLE deal AS
SELECT printf('A%06d', account) AS account_id, printf('A%06d-D%d', account, n) AS id,
       (['open', 'open', 'won', 'lost'])[1 + (hash(account, n, 'status') % 4)::BIGINT] AS status
FROM range(?) AS a(account), range(2) AS d(n);
CREATE TABLE activity AS
SELECT printf('A%06d', account) AS account_id, printf('A%06d-C%02d', account, (hash(account, n, 'who') % 10)::BIGINT) AS contact_id,
       printf('A%06d-D%d', account, (hash(account, n, 'deal') % 2)::BIGINT) AS deal_id,
       (['meeting', 'meeting', 'call', 'email', 'demo', 'ticket', 'training', 'quote', 'contract', 'email'])
           [1 + (hash(account, n, 'type') % 10)::BIGINT] AS type,
       ([-2, -1, 0, 0, 0, 0, 1, 1, 2])[1 + (hash(account, n, 'mood') % 9)::BIGINT] AS sentiment
FROM range(?) AS a(account), range(30) AS x(n)
"""


def create_tables(accounts: int) -> duckdb.DuckDBPyConnection:
    """Return a database with the tables contact, deal, activity and title."""
    con = duckdb.connect()
    parameters: list[list[Any]] = [[list(LEVELS), list(LEVELS.values())], [accounts], [accounts], [accounts]]
    for statement, values in zip(_TABLES.split(";"), parameters, strict=True):
        con.execute(statement, values)
    return con


# ------------------------------------------------------------------------------ step 1, as SQL

_PREDICATES = f"""
WITH titles AS (
    SELECT title, level, regexp_matches(title, '{EXECUTIVE}') AS executive, regexp_matches(title, '{PURCHASING}') AS purchasing
    FROM title
), seen AS (
    SELECT contact_id, bool_or(type = 'meeting' AND is_open) AS met, bool_or(type IN ('quote', 'contract') AND is_open) AS papers,
           bool_or(type IN ('demo', 'ticket', 'training')) AS uses,
           bool_or(type IN ('meeting', 'call') AND sentiment >= 2 AND is_open) AS praises,
           bool_or(sentiment <= -2 AND is_open) AS objects
    FROM (SELECT a.*, d.status = 'open' AS is_open FROM activity AS a JOIN deal AS d ON d.id = a.deal_id) GROUP BY contact_id
)
SELECT c.account_id, c.id, c.reports_to_id, level, executive AND met AS decision_maker, purchasing AND papers AS purchaser,
       NOT executive AND uses AS user, praises AS champion, level >= 3 AND objects AS blocker
FROM contact AS c JOIN titles USING (title) LEFT JOIN seen ON seen.contact_id = c.id
"""
PREDICATES = f"CREATE OR REPLACE TABLE predicate AS {_PREDICATES}"
QUERIES = {
    "contact": "SELECT account_id, id AS who, reports_to_id AS boss, "
    "row_number() OVER (PARTITION BY account_id ORDER BY level DESC, id) = 1 AS top FROM predicate",
    "role": "SELECT account_id, id AS who, name FROM (UNPIVOT predicate ON "
    + ", ".join(ROLES)
    + " INTO NAME name VALUE holds) "
    "WHERE holds",
}

# ------------------------------------------------------------------------------ steps 2 to 4, as rules


def _atom(fact: str, bind: dict[str, str] | None = None, **constants: str | bool) -> Atom:
    tests = tuple(Test(property=name, op="eq", value=value) for name, value in constants.items())
    return Atom(fact=fact, bind={name: Var(variable) for name, variable in (bind or {}).items()}, tests=tests)


def _rule(id: str, all_: list[Atom], none: list[Atom], then: str, who: str = "") -> InferenceRule:
    return InferenceRule(id=id, all_=tuple(all_), none=tuple(none), then=then, values={"who": Var(who)} if who else {})


_ID = Property(name="who", kind="id")
PROGRAM = Program(
    facts={
        "contact": (_ID, Property(name="boss", kind="id"), Property(name="top", kind="boolean")),
        "role": (_ID, Property(name="name", kind="name", names=ROLES)),
        **{name: (_ID,) for name in DERIVED if name != "no_champion"},
        "no_champion": (),
    },
    rules=(
        _rule(
            "influencer.of_decision_maker",
            [_atom("contact", {"who": "k", "boss": "b"}), _atom("role", {"who": "b"}, name="decision_maker")],
            [], "influencer", "k",
        ),
        _rule(
            "power_user", [_atom("role", {"who": "k"}, name="user"), _atom("role", {"who": "k"}, name="champion")],
            [], "power_user", "k",
        ),
        _rule(
            "candidate_dm", [_atom("contact", {"who": "k"}, top=True)], [_atom("role", name="decision_maker")],
            "candidate_dm", "k",
        ),
        _rule(
            "influencer.of_candidate", [_atom("contact", {"who": "k", "boss": "b"}), _atom("candidate_dm", {"who": "b"})],
            [], "influencer", "k",
        ),
        _rule("no_champion", [_atom("contact", top=True)], [_atom("role", name="champion")], "no_champion"),
        _rule(
            "observer", [_atom("contact", {"who": "k"})],
            [_atom(fact, {"who": "k"}) for fact in ("role", "influencer", "candidate_dm")],
            "observer", "k",
        ),
    ),
)  # fmt: skip


def derived_answers(con: duckdb.DuckDBPyConnection) -> set[Answer]:
    """Read the answers out of the tables that `infer` left, together with those of step 1."""
    selects = ["SELECT account_id, who, name FROM fact_role"]
    selects += [
        f"SELECT account_id, {'NULL' if name == 'no_champion' else 'who'}, '{name}' FROM fact_{name}"
        for name in DERIVED
    ]
    return {(account, who or "", role) for account, who, role in con.execute(" UNION ALL ".join(selects)).fetchall()}


# ------------------------------------------------------------------------------ what the peers are given


@dataclass(frozen=True)
class Account:
    """The records of one account as plain tuples."""

    id: str
    contacts: list[tuple[str, str, str | None]]  # id, title, reports to
    activities: list[tuple[str, str, str, int]]  # contact, deal, type, sentiment
    deals: list[tuple[str, str]]  # id, status


def accounts_of(con: duckdb.DuckDBPyConnection, sample: int) -> list[Account]:
    """Return the first *sample* accounts; peers pay nothing for reading them."""
    found: dict[str, Account] = {}
    for (id,) in con.execute("SELECT DISTINCT account_id FROM contact ORDER BY 1 LIMIT ?", [sample]).fetchall():
        found[id] = Account(id, [], [], [])
    columns = {
        "contact": "id, title, reports_to_id", "activity": "contact_id, deal_id, type, sentiment", "deal": "id, status",
    }  # fmt: skip
    for table, names in columns.items():
        query = f"SELECT account_id, {names} FROM {table} WHERE account_id <= ? ORDER BY ALL"
        for account, *values in con.execute(query, [max(found)]).fetchall():
            target: list[Any] = getattr(
                found[account], {"contact": "contacts", "activity": "activities", "deal": "deals"}[table]
            )
            target.append(tuple(values))
    return list(found.values())
