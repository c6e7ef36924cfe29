"""From evidence to roles: the model of domain.md 2.4 and 2.5 in columns.

For a contact, a scope (one open deal, or '' for no particular deal) and a role:

* within a family the strongest item counts; families combine by noisy-OR, ``1 - prod(1 - w)``;
* a cap holds the score down where all of it comes from the families that the cap names;
* contrary evidence multiplies by ``1 - w``, once per family;
* the band is the highest whose least score and whose minimum of families are reached. A band
  held at the last run is kept while the score is within ``keep_margin`` of it.

The scope '' sees the evidence without a deal and that of deals which are no longer open; an
open deal sees its own and the evidence without a deal.
"""

from __future__ import annotations

import duckdb

from crmrules.evaluation.evidence import ALL_ROLES, native_role
from crmrules.evaluation.sql import literal, quote
from crmrules.language.ruleset import UNKNOWN, Minimum, RoleModel, Ruleset
from crmrules.model.decision import TABLES, create

MANUAL, INFERRED = "manual", "inferred"


def pair_up(con: duckdb.DuckDBPyConnection, ruleset: Ruleset) -> None:
    """Create `part`: each contact once for no deal in particular and once for each open deal of its account."""
    assert ruleset.roles is not None
    con.execute(create("part"))
    for role in ruleset.roles.roles:
        con.execute(f"ALTER TABLE part ADD COLUMN {quote(role)} DOUBLE")
    con.execute(
        "INSERT INTO part (account_id, contact_id, deal_id)"
        " SELECT account_id, id, '' FROM snapshot.contact UNION ALL"
        " SELECT c.account_id, c.id, d.id FROM snapshot.contact c"
        " JOIN snapshot.deal d ON d.account_id = c.account_id AND d.status = 'open'"
    )


def decide_roles(con: duckdb.DuckDBPyConnection, ruleset: Ruleset, previous: str | None = None) -> None:
    """(Re)compute `role_score`, `part` and `contact_role` from `evidence` and `stance_evidence`.

    *previous* names an attached catalog with the last run's `role_score`, for the bands' hysteresis.
    """
    model = ruleset.roles
    assert model is not None
    _score(con, model)
    _band(con, model, previous)
    _stances(con, model)
    _fill_parts(con, model)
    _roll_up(con, model)


def _score(con: duckdb.DuckDBPyConnection, model: RoleModel) -> None:
    con.execute(  # this and `scored` stay: questions ask what one item more would do
        """CREATE OR REPLACE TEMP TABLE scoped AS
        WITH placed AS (
            SELECT e.*, coalesce(d.status = 'open', false) AS open
            FROM evidence e LEFT JOIN snapshot.deal d ON d.id = e.deal_id)
        SELECT contact_id, '' AS scope, account_id, family, role, against, decayed FROM placed WHERE NOT open
        UNION ALL
        SELECT s.contact_id, s.deal_id, p.account_id, p.family, p.role, p.against, p.decayed
        FROM (SELECT DISTINCT contact_id, deal_id FROM placed WHERE open) s
        JOIN placed p ON p.contact_id = s.contact_id AND p.deal_id IN ('', s.deal_id)"""
    )
    # Ordered products: the same evidence in another order must not differ in the last bit.
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE scored AS
        WITH strongest AS (
            SELECT contact_id, scope, any_value(account_id) AS account_id, role, family, against, max(decayed) AS w
            FROM scoped GROUP BY contact_id, scope, role, family, against),
        gained AS (
            SELECT contact_id, scope, any_value(account_id) AS account_id, role,
                   list(family ORDER BY family) AS families, 1 - product(1 - w ORDER BY family) AS raw
            FROM strongest WHERE NOT against GROUP BY contact_id, scope, role),
        lost AS (
            SELECT g.contact_id, g.scope, g.role, product(1 - s.w ORDER BY s.role, s.family) AS factor
            FROM gained g JOIN strongest s ON s.contact_id = g.contact_id AND s.scope = g.scope AND s.against
                 AND s.role IN (g.role, {literal(ALL_ROLES)})
            GROUP BY g.contact_id, g.scope, g.role)
        SELECT g.account_id, g.contact_id, g.scope AS deal_id, g.role, g.families, g.raw,
               round(({capped(model, "raw", "families")}) * coalesce(l.factor, 1), 6) AS score
        FROM gained g LEFT JOIN lost l USING (contact_id, scope, role)"""
    )


def capped(model: RoleModel, score: str, families: str) -> str:
    """Return SQL for *score* held down by the caps, where *families* is the list of families that it comes from."""
    caps = " ".join(
        f"WHEN list_has_all({literal_list(cap.only)}, {families}) THEN least({score}, {literal(float(cap.max))})"
        for cap in model.caps
    )
    return f"CASE {caps} ELSE {score} END" if caps else score


def _band(con: duckdb.DuckDBPyConnection, model: RoleModel, previous: str | None) -> None:
    best_first = sorted(model.bands.items(), key=lambda b: -b[1])
    reached = " ".join(
        f"WHEN s.score >= {literal(float(least))} AND {_enough(model.minimum.get(band, Minimum()))} THEN {literal(band)}"
        for band, least in best_first
    )
    join, held = "", ""
    if previous and _has_scores(con, previous):
        join = f"LEFT JOIN {previous}.role_score p USING (contact_id, deal_id, role)"
        held = " ".join(
            f"WHEN p.band = {literal(band)} AND s.score >= {literal(float(least) - model.keep_margin)} THEN {literal(band)}"
            for band, least in best_first
        )
    band = f"CASE {reached} ELSE {literal(UNKNOWN)} END"
    if held:  # the higher of the band reached now and the band held
        rank = f"list_position({literal_list([b for b, _ in best_first] + [UNKNOWN])}, {{}})"
        held_band = f"CASE {held} ELSE {literal(UNKNOWN)} END"
        band = f"CASE WHEN {rank.format(held_band)} < {rank.format(band)} THEN {held_band} ELSE {band} END"
    con.execute(
        "CREATE OR REPLACE TABLE role_score AS SELECT s.account_id, s.contact_id, s.deal_id, s.role, s.score,"
        f" {band} AS band, len(s.families)::INTEGER AS families FROM scored s {join}"
    )


def _has_scores(con: duckdb.DuckDBPyConnection, catalog: str) -> bool:
    """Tell whether the last decision had roles: its ruleset may have been another."""
    sql = "SELECT count(*) FROM duckdb_tables() WHERE database_name = ? AND table_name = 'role_score'"
    (found,) = con.execute(sql, [catalog]).fetchall()[0]
    return bool(found)


def _enough(minimum: Minimum) -> str:
    enough = f"len(s.families) >= {minimum.families}"
    if minimum.or_any:
        enough = f"({enough} OR list_has_any(s.families, {literal_list(minimum.or_any)}))"
    return enough


def _stances(con: duckdb.DuckDBPyConnection, model: RoleModel) -> None:
    """The strongest claim that has not faded; silence alone never says anything (unknown)."""
    order = literal_list(model.stance.order)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE stanced AS SELECT contact_id,"
        f" arg_min(stance, list_position({order}, stance)) AS stance FROM stance_evidence"
        f" WHERE decayed >= {literal(float(model.stance.floor))} GROUP BY contact_id"
    )


def _fill_parts(con: duckdb.DuckDBPyConnection, model: RoleModel) -> None:
    precedence = literal_list(model.precedence)
    tie = f"score >= best - {literal(float(model.tie))}"
    wins = " OR ".join(
        f"(role = {literal(role)} AND score >= {literal(float(least))} AND best_role = {literal(_next(model, role))})"
        for role, least in model.wins_from.items()
    )
    competing = f"({tie}{f' OR {wins}' if wins else ''})"
    scores = ", ".join(
        f"coalesce(max(score) FILTER (WHERE role = {literal(role)}), 0) AS {quote(role)}" for role in model.roles
    )
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE chosen AS
        WITH ranked AS (
            SELECT *, list_position({precedence}, role) AS place,
                   max(score) FILTER (WHERE band <> {literal(UNKNOWN)}) OVER scope AS best,
                   first_value(role) OVER (scope ORDER BY (band <> {literal(UNKNOWN)}) DESC, score DESC,
                                           list_position({precedence}, role)) AS best_role
            FROM role_score WINDOW scope AS (PARTITION BY contact_id, deal_id)),
        marked AS (SELECT *, band <> {literal(UNKNOWN)} AND {competing} AS competes FROM ranked)
        SELECT contact_id, deal_id, arg_min(role, place) FILTER (WHERE competes) AS role,
               arg_min(score, place) FILTER (WHERE competes) AS score,
               arg_min(band, place) FILTER (WHERE competes) AS band,
               list(role ORDER BY score DESC, place) FILTER (WHERE band <> {literal(UNKNOWN)}) AS roles, {scores}
        FROM marked GROUP BY contact_id, deal_id"""
    )
    columns = ", ".join(f"coalesce(s.{quote(r)}, g.{quote(r)}, 0)" for r in model.roles)
    # A contact whom nothing ties to this deal plays the part there that he plays in general.
    either = "CASE WHEN s.contact_id IS NOT NULL THEN s.{0} ELSE g.{0} END"
    con.execute(
        f"""CREATE OR REPLACE TABLE part AS
        WITH locked AS (
            SELECT id AS contact_id, NULL AS deal_id, {native_role("crm_role", model)} AS role
            FROM snapshot.contact WHERE role_locked
            UNION ALL SELECT contact_id, deal_id, {native_role("role", model)} FROM snapshot.deal_contact WHERE locked),
        manual AS (
            SELECT p.contact_id, p.deal_id, max(l.role) AS role FROM part p JOIN locked l
            ON l.contact_id = p.contact_id AND (l.deal_id IS NULL OR l.deal_id = p.deal_id)
            WHERE l.role IS NOT NULL GROUP BY ALL)
        SELECT p.account_id, p.contact_id, p.deal_id, p.deal_id <> '' AND s.contact_id IS NOT NULL AS specific,
               coalesce(m.role, {either.format("role")}, {literal(UNKNOWN)}) AS role,
               CASE WHEN m.role IS NOT NULL THEN 1.0 ELSE {either.format("score")} END AS score,
               CASE WHEN m.role IS NOT NULL THEN {literal(next(iter(model.bands)))}
                    ELSE coalesce({either.format("band")}, {literal(UNKNOWN)}) END AS band,
               CASE WHEN m.role IS NOT NULL THEN [m.role] ELSE coalesce({either.format("roles")}, []) END AS roles,
               coalesce(t.stance, {literal(UNKNOWN)}) AS stance,
               CASE WHEN m.role IS NOT NULL THEN {literal(MANUAL)} ELSE {literal(INFERRED)} END AS source, {columns}
        FROM part p
        LEFT JOIN chosen s ON s.contact_id = p.contact_id AND s.deal_id = p.deal_id
        LEFT JOIN chosen g ON g.contact_id = p.contact_id AND g.deal_id = ''
        LEFT JOIN manual m ON m.contact_id = p.contact_id AND m.deal_id = p.deal_id
        LEFT JOIN stanced t ON t.contact_id = p.contact_id"""
    )
    names = [*TABLES["part"], *model.roles]
    for old, new in zip([d[0] for d in con.execute("SELECT * FROM part LIMIT 0").description], names, strict=True):
        if old != new:
            con.execute(f"ALTER TABLE part RENAME COLUMN {quote(old)} TO {quote(new)}")


def _roll_up(con: duckdb.DuckDBPyConnection, model: RoleModel) -> None:
    """One role per contact: a part that may be written first, then own evidence, the larger, the newer deal."""
    writable = f"(p.band IN ({', '.join(map(literal, model.write_bands))}))"
    con.execute(
        f"""CREATE OR REPLACE TABLE contact_role AS
        WITH ordered AS (
            SELECT p.*, row_number() OVER (PARTITION BY p.contact_id ORDER BY (p.source = {literal(MANUAL)}) DESC,
                   {writable} DESC, p.specific DESC, d.amount DESC NULLS LAST, d.created_at DESC NULLS LAST, p.deal_id) AS place
            FROM part p LEFT JOIN snapshot.deal d ON d.id = p.deal_id),
        every AS (
            SELECT contact_id, list(role ORDER BY score DESC, list_position({literal_list(model.precedence)}, role)) AS roles
            FROM (SELECT contact_id, role, max(score) AS score FROM role_score WHERE band <> {literal(UNKNOWN)}
                  GROUP BY contact_id, role) GROUP BY contact_id)
        SELECT o.account_id, o.contact_id, o.deal_id, o.role, o.score, o.band,
               CASE WHEN o.source = {literal(MANUAL)} THEN o.roles ELSE coalesce(e.roles, []) END AS roles, o.stance, o.source,
               o.source <> {literal(MANUAL)} AND NOT EXISTS (SELECT 1 FROM guarded g WHERE g.object = 'contact'
                   AND g.record_id = o.contact_id) AS writable
        FROM ordered o LEFT JOIN every e USING (contact_id) WHERE o.place = 1"""
    )


def _next(model: RoleModel, role: str) -> str:
    following = model.precedence[model.precedence.index(role) + 1 :]
    return following[0] if following else ""


def literal_list(values: tuple[str, ...] | list[str]) -> str:
    """Return a DuckDB list literal."""
    return f"[{', '.join(map(literal, values))}]"
