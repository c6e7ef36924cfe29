"""The desired state: what the outcomes want in which tag, field and note (the `write:` section).

Reasons are filled in only for what changes (:mod:`crmrules.pipeline.reasons`); here stands which
rule it was.
"""

from __future__ import annotations

from datetime import date

import duckdb

from crmrules.evaluation.evidence import Relation
from crmrules.evaluation.sql import condition_sql, literal, quote
from crmrules.language.conditions import fields_of
from crmrules.language.ruleset import Ruleset, Write

_ACCOUNT = {"account": "id", "contact": "account_id", "deal": "account_id", "part": "account_id"}
_RECORD = {"account": "id", "contact": "id", "deal": "id", "part": "deal_id || '|' || contact_id"}
_INSERT = "INSERT INTO desired (object, record_id, account_id, kind, name, value, rule)"
_VALUE = "{value}"


def want(con: duckdb.DuckDBPyConnection, ruleset: Ruleset, relation: Relation, as_of: date) -> None:
    """Append every wanted value to `desired`; guarded subjects, manual roles and skipped values want nothing."""
    for rule in ruleset.write:
        con.execute(_wanted(ruleset, rule, relation, as_of))


def _wanted(ruleset: Ruleset, rule: Write, relation: Relation, as_of: date) -> str:
    kind, _, outcome = rule.outcome.partition(".")
    if kind in ("flags", "flag"):
        return _flags(rule, outcome)
    if kind == "role" and outcome:
        return _one_role(ruleset, rule, outcome, relation, as_of)
    if kind == "note":
        return _note(rule)
    needed = (
        set(fields_of(rule.when)) | {_ACCOUNT[rule.of]} | ({"deal_id", "contact_id"} if rule.of == "part" else {"id"})
    )
    band = ""
    if kind == "class":
        value, origin = quote(outcome), f"coalesce({quote(outcome + '.rule')}, {literal(outcome)})"
        needed |= {outcome, f"{outcome}.rule"}
    elif kind == "feature":
        value, origin = f"{quote(outcome)}::VARCHAR", literal(outcome)
        needed.add(outcome)
    elif kind == "stance":
        value, origin = quote("stance"), literal("stance")
        needed.add("stance")
    else:
        column = "band" if rule.of == "part" else "role_band"
        assert ruleset.roles is not None
        bands = ", ".join(map(literal, ruleset.roles.write_bands))
        value, origin, band = quote("role"), literal("role"), f" AND {quote(column)} IN ({bands})"
        needed |= {"role", column}
    skip = f" AND {value} NOT IN ({', '.join(map(literal, rule.skip))})" if rule.skip else ""
    name, text = _target(rule, value)
    return (
        f"{_INSERT} SELECT {literal(rule.object)}, {_RECORD[rule.of]}, {quote(_ACCOUNT[rule.of])}, {literal(rule.to)},"
        f" {name}, {text}, {origin} FROM ({relation(rule.of, sorted(needed))}) r"
        f" WHERE {value} IS NOT NULL AND ({condition_sql(rule.when, as_of)}){skip}{band}{_free(rule)}"
    )


def _target(rule: Write, value: str) -> tuple[str, str]:
    """Return SQL for the target's name and value: ``prefix={value}`` is one tag, ``prefix.{value}`` many."""
    if rule.to != "tag":
        return literal(rule.name), value
    prefix, equals, suffix = rule.name.partition("=")
    filled = f"replace({literal(suffix if equals else prefix)}, {literal(_VALUE)}, {value})"
    return (literal(prefix), filled) if equals else (filled, literal(""))


def _free(rule: Write) -> str:
    guarded = "SELECT 1 FROM guarded g WHERE g.object = {} AND g.record_id = r.{}"
    text = f" AND NOT EXISTS ({guarded.format(literal('account'), quote(_ACCOUNT[rule.of]))})"
    if rule.of in ("contact", "part"):
        contact = "id" if rule.of == "contact" else "contact_id"
        text += f" AND NOT EXISTS ({guarded.format(literal('contact'), quote(contact))})"
    if rule.outcome.startswith("role") and rule.of == "contact":
        text += " AND r.id IN (SELECT contact_id FROM contact_role WHERE writable)"
    if rule.outcome.startswith("role") and rule.of == "part":
        text += (
            " AND NOT EXISTS (SELECT 1 FROM part m WHERE m.contact_id = r.contact_id AND m.deal_id = r.deal_id"
            " AND m.source = 'manual')"
        )
    return text


def _one_role(ruleset: Ruleset, rule: Write, role: str, relation: Relation, as_of: date) -> str:
    """One role among several that a contact may play: wanted wherever its own score reaches a band to write."""
    assert ruleset.roles is not None
    bands = ", ".join(map(literal, ruleset.roles.write_bands))
    contact, deal = ("r.contact_id", " AND s.deal_id = r.deal_id") if rule.of == "part" else ("r.id", "")
    keys = {"deal_id", "contact_id"} if rule.of == "part" else {"id"}
    needed = sorted({*fields_of(rule.when), _ACCOUNT[rule.of], *keys})
    name, text = _target(rule, literal(role))
    return (
        f"{_INSERT} SELECT {literal(rule.object)}, {_RECORD[rule.of]}, {quote(_ACCOUNT[rule.of])}, {literal(rule.to)},"
        f" {name}, {text}, {literal(rule.outcome)} FROM ({relation(rule.of, needed)}) r WHERE ({condition_sql(rule.when, as_of)})"
        f" AND EXISTS (SELECT 1 FROM role_score s WHERE s.contact_id = {contact}{deal} AND s.role = {literal(role)}"
        f" AND s.band IN ({bands})){_free(rule)}"
    )


def _flags(rule: Write, only: str = "") -> str:
    """Flags of an account include those of its deals and contacts; *only* one of them where the rule names it."""
    name, text = _target(rule, quote("flag"))
    record = {"account": "account_id", "contact": "contact_id", "deal": "deal_id"}[rule.of]
    return (
        f"{_INSERT} SELECT DISTINCT {literal(rule.of)}, {record}, account_id, {literal(rule.to)}, {name}, {text}, 'flag.' || flag"
        f" FROM flag r WHERE {record} <> ''{f' AND flag = {literal(only)}' if only else ''} AND NOT EXISTS (SELECT 1 FROM guarded g WHERE g.object = 'account'"
        " AND g.record_id = r.account_id)"
    )


def _note(rule: Write) -> str:
    return (
        f"{_INSERT} SELECT object, record_id, account_id, 'note', {literal(rule.name)}, body,"
        f" array_to_string(sentences, ',') FROM note r WHERE object = {literal(rule.of)} AND body <> ''"
        " AND NOT EXISTS (SELECT 1 FROM guarded g WHERE g.object = 'account' AND g.record_id = r.account_id)"
    )
