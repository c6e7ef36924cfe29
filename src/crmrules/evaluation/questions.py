"""The next best questions: whom to ask what, where nobody is known to play a role.

Asked is in every open deal, and in an account that has none. For a role and a deal, who plays it
is a random variable over *seats*: each contact who may play it, and one for somebody whom we do
not know. A seat weighs ``a = score + 1/roles`` (score of the role model; the share of a role for
somebody of whom nothing is known, principle of indifference), so that with ``A = sum(a)``

    P(seat) = a / A,      H = log2(A) - sum(a * log2(a)) / A      (Shannon 1948, in bits)

An answer names a seat and adds the question's evidence to it: the score rises as the role model
says (strongest item of its family, noisy-OR, caps, contrary evidence). What an answer is expected
to teach is the expected fall of entropy (Lindley 1956, On a Measure of the Information Provided by
an Experiment), with the seats' chances as those of the answers, times how likely the contact who
is asked can and will tell:

    gain = worth * knows * max(0, H - sum(P(seat) * H after seat was named))
    knows = readiness(stance) * (n + 1) / (n + 2) * closeness ** d

n: exchanges in the last ``within`` days (Laplace's rule of succession for the next one to
succeed); d: steps of reporting lines between whom one asks and who seems to play the role, 3 for
three or more or none. Contacts under a guard and those who left are neither asked nor named.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import duckdb

from crmrules.evaluation.evidence import ALL_ROLES, SAME_ROLE, Relation
from crmrules.evaluation.roles import MANUAL, capped
from crmrules.evaluation.sql import condition_sql, literal
from crmrules.language.conditions import fields_of
from crmrules.language.ruleset import Question, RoleModel, Ruleset

_FAR = 3  # steps of reporting lines beyond which nothing gets less


def find_questions(con: duckdb.DuckDBPyConnection, ruleset: Ruleset, relation: Relation, as_of: date) -> None:
    """Append the best questions of each open deal, and of each account without one, to `question`.

    Needs the tables of :func:`crmrules.evaluation.roles.decide_roles`, and `guarded`. At most
    ``asking.most`` rows per deal; ties by the order of the questions, then by the contact's id.
    """
    model = ruleset.roles
    if model is None or not model.questions:
        return
    con.execute(f"CREATE OR REPLACE TEMP TABLE ask AS {_ask(model)}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE seat AS {_seats(model, as_of)}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE open_question AS {_open(model)}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE taught AS {_taught(model)}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE asked AS {_asked(model, relation, as_of)}")
    con.execute(_BEST.format(most=literal(model.asking.most), low=literal(float(min(model.bands.values())))))
    for table in ("ask", "seat", "open_question", "taught", "asked"):
        con.execute(f"DROP TABLE {table}")


def _ask(model: RoleModel) -> str:
    """One row per question: what an answer is worth to whom it names, and to somebody not known yet."""
    items = {item.id: item for item in model.items}
    rows = []
    for n, question in enumerate(model.questions):
        item = items[question.answer]
        weight = item.gives.get(question.role, item.gives.get(SAME_ROLE, 0.0))
        stranger = min([weight, *(cap.max for cap in model.caps if item.family in cap.only)])
        said = (question.ask.of("zh"), question.ask.of("en"))
        values = (n, question.id, question.role, item.family, float(weight), float(stranger), question.worth, *said)
        rows.append(f"({', '.join(map(literal, values))})")
    columns = "n, question, role, family, weight, stranger, worth, zh, en"
    return f"SELECT * FROM (VALUES {', '.join(rows)}) q({columns})"


def _seats(model: RoleModel, as_of: date) -> str:
    """Whoever may be asked or named: contacts in open deals, without a deal where the account has none.

    ``scope`` is where a contact's evidence counts (as in `part`).
    """
    stances = " ".join(f"WHEN {literal(s)} THEN {literal(ready)}" for s, ready in sorted(model.asking.stance.items()))
    ready = f"CASE p.stance {stances} ELSE 1.0 END" if stances else "1.0"
    return f"""SELECT p.account_id, p.deal_id, p.contact_id, p.source = {literal(MANUAL)} AS manual, p.role AS manual_role,
           CASE WHEN p.specific THEN p.deal_id ELSE '' END AS scope, ({ready})::DOUBLE AS ready,
           c.reports_to_id AS boss, b.reports_to_id AS boss2
    FROM part p JOIN snapshot.contact c ON c.id = p.contact_id
    LEFT JOIN snapshot.contact b ON b.id = c.reports_to_id
    WHERE (p.deal_id <> '' OR NOT EXISTS (
               SELECT 1 FROM snapshot.deal d WHERE d.account_id = p.account_id AND d.status = 'open'))
      AND (c.left_on IS NULL OR c.left_on > {literal(as_of)})
      AND NOT EXISTS (SELECT 1 FROM guarded g WHERE (g.object = 'contact' AND g.record_id = p.contact_id)
                      OR (g.object = 'account' AND g.record_id = p.account_id))"""


def _open(model: RoleModel) -> str:
    """Question and deal where nobody is known to play the role: in a band that is written, or as a person set it."""
    bands = ", ".join(map(literal, model.write_bands))
    return f"""SELECT q.question, d.account_id, d.deal_id
    FROM ask q CROSS JOIN (SELECT DISTINCT account_id, deal_id FROM seat) d
    WHERE NOT EXISTS (SELECT 1 FROM seat s JOIN role_score r ON r.contact_id = s.contact_id AND r.deal_id = s.scope
                      WHERE s.deal_id = d.deal_id AND s.account_id = d.account_id AND r.role = q.role
                        AND r.band IN ({bands}) AND NOT s.manual)
      AND NOT EXISTS (SELECT 1 FROM seat s WHERE s.deal_id = d.deal_id AND s.account_id = d.account_id
                      AND s.manual AND s.manual_role = q.role)"""


def _taught(model: RoleModel) -> str:
    """What an answer is expected to teach (bits), and who seems to play the role so far (NULL: nobody)."""
    prior = literal(1 / len(model.roles))
    raised = "CASE WHEN q.weight > coalesce(v.w, 0) THEN 1 - (1 - coalesce(g.raw, 0)) * (1 - q.weight) / (1 - coalesce(v.w, 0)) ELSE g.raw END"
    named = capped(model, "raised", "families")
    # Sums are decimal: the same records in another order must not differ in the last bit.
    return f"""WITH heard AS (
        SELECT contact_id, scope, role, family, max(decayed) AS w FROM scoped
        WHERE NOT against AND (role, family) IN (SELECT (role, family) FROM ask) GROUP BY ALL),
    denied AS (
        SELECT contact_id, scope, role, family, max(decayed) AS w FROM scoped WHERE against GROUP BY ALL),
    lost AS (
        SELECT s.contact_id, s.scope, q.role, product(1 - s.w ORDER BY s.role, s.family) AS factor
        FROM (SELECT DISTINCT role FROM ask) q JOIN denied s ON s.role IN (q.role, {literal(ALL_ROLES)})
        GROUP BY s.contact_id, s.scope, q.role),
    weighed AS (
        SELECT o.question, o.account_id, o.deal_id, s.contact_id, coalesce(g.score, 0) AS score,
               coalesce(l.factor, 1) AS factor, {raised} AS raised,
               list_distinct(list_append(coalesce(g.families, []), q.family)) AS families
        FROM open_question o JOIN ask q USING (question)
        JOIN seat s ON s.account_id = o.account_id AND s.deal_id = o.deal_id AND NOT s.manual
        LEFT JOIN scored g ON g.contact_id = s.contact_id AND g.deal_id = s.scope AND g.role = q.role
        LEFT JOIN lost l ON l.contact_id = s.contact_id AND l.scope = s.scope AND l.role = q.role
        LEFT JOIN heard v ON v.contact_id = s.contact_id AND v.scope = s.scope AND v.role = q.role
             AND v.family = q.family),
    seats AS (
        SELECT question, account_id, deal_id, contact_id, score, score + {prior} AS a,
               greatest(score, ({named}) * factor) + {prior} AS b
        FROM weighed
        UNION ALL SELECT question, account_id, deal_id, NULL, 0, {prior}, stranger + {prior}
        FROM open_question JOIN ask USING (question)),
    whole AS (
        SELECT question, account_id, deal_id, {_exact("a")} AS total, {_exact("a * log2(a)")} AS logs,
               max(score) AS top_score
        FROM seats GROUP BY question, account_id, deal_id),
    after AS (
        SELECT s.*, w.total, w.logs, w.top_score, w.total - a + b AS total_after,
               w.logs - a * log2(a) + b * log2(b) AS logs_after
        FROM seats s JOIN whole w USING (question, account_id, deal_id))
    SELECT question, account_id, deal_id, any_value(top_score) AS top_score,
           min(contact_id) FILTER (WHERE score > 0 AND score = top_score) AS leader,
           greatest(0, log2(any_value(total)) - any_value(logs) / any_value(total)
               - {_exact("a * (log2(total_after) - logs_after / total_after)")} / any_value(total)) AS bits
    FROM after GROUP BY question, account_id, deal_id"""


def _exact(value: str) -> str:
    return f"sum(({value})::DECIMAL(18, 12))::DOUBLE"


def _asked(model: RoleModel, relation: Relation, as_of: date) -> str:
    """Question and contact who may be asked it (`when`), and how likely the contact can and will tell."""
    closeness = literal(float(model.asking.closeness))
    steps = (
        "CASE WHEN t.leader = s.contact_id THEN 0 WHEN s.boss = t.leader OR l.boss = s.contact_id THEN 1"
        f" WHEN s.boss = l.boss OR s.boss2 = t.leader OR l.boss2 = s.contact_id THEN 2 ELSE {_FAR} END"
    )
    since = f"{literal(as_of)} - INTERVAL {int(model.asking.within)} DAY"
    return f"""WITH allowed AS ({_allowed(model.questions, relation, as_of)}),
    exchanges AS (
        SELECT x.contact_id, count(DISTINCT a.id) AS n FROM snapshot.activity_contact x
        JOIN snapshot.activity a ON a.id = x.activity_id
        WHERE coalesce(x.part, 'participant') = 'participant' AND lower(a.direction) IN ('in', 'both')
          AND a.date BETWEEN {since} AND {literal(as_of)} GROUP BY x.contact_id)
    SELECT t.question, t.account_id, t.deal_id, s.contact_id, t.bits, t.leader, t.top_score,
           s.ready * (coalesce(e.n, 0) + 1) / (coalesce(e.n, 0) + 2) * pow({closeness}, {steps}) AS knows
    FROM taught t JOIN allowed w USING (question, deal_id)
    JOIN seat s ON s.account_id = t.account_id AND s.deal_id = t.deal_id AND s.contact_id = w.contact_id
    LEFT JOIN seat l ON l.deal_id = t.deal_id AND l.contact_id = t.leader
    LEFT JOIN exchanges e ON e.contact_id = s.contact_id"""


def _allowed(questions: Iterable[Question], relation: Relation, as_of: date) -> str:
    asked = list(questions)
    paths = {path for question in asked for path in fields_of(question.when)} | {"contact_id", "deal_id"}
    ids = ", ".join(f"CASE WHEN {condition_sql(q.when, as_of)} THEN {literal(q.id)} END" for q in asked)
    searched = f"SELECT contact_id, deal_id, unnest([{ids}]) AS question FROM ({relation('part', sorted(paths))})"
    return f"SELECT * FROM ({searched}) WHERE question IS NOT NULL"


_BEST = """INSERT INTO question
WITH best AS (
    SELECT * FROM asked QUALIFY row_number() OVER (
        PARTITION BY question, account_id, deal_id ORDER BY round(knows, 6) DESC, contact_id) = 1),
worth AS (SELECT b.*, q.n, q.role, q.zh, q.en, round(q.worth * b.bits * b.knows, 6) AS gain
          FROM best b JOIN ask q USING (question)),
placed AS (SELECT *, row_number() OVER (PARTITION BY account_id, deal_id ORDER BY gain DESC, n)::INTEGER AS place
           FROM worth WHERE gain > 0),
ordered AS (
    SELECT p.*, row_number() OVER (PARTITION BY p.account_id ORDER BY p.place = 1 DESC, p.gain DESC,
                d.amount DESC NULLS LAST, p.deal_id, p.n)::INTEGER AS account_place
    FROM placed p LEFT JOIN snapshot.deal d ON d.id = p.deal_id WHERE p.place <= {most})
SELECT account_id, deal_id, place, account_place, question, role, contact_id,
       CASE WHEN top_score >= {low} THEN leader ELSE '' END, zh, en, gain, round(knows, 6)
FROM ordered ORDER BY account_id, deal_id, place"""
