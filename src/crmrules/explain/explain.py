"""Explain one record: what was decided, from what, by which rule, what spoke against, what would change it."""

from __future__ import annotations

from datetime import date

import duckdb

from crmrules.errors import DataError, Problem
from crmrules.explain.classes import class_findings, flip, holds
from crmrules.explain.explain_text import to_json, to_text
from crmrules.explain.explanation import Explanation, FlagFinding, GuardFinding, WriteFinding
from crmrules.explain.questions import question_findings
from crmrules.explain.reading import Reader, Record, decision_meta
from crmrules.explain.reasons import reasons
from crmrules.explain.roles import role_findings
from crmrules.explain.show import short
from crmrules.explain.what_if import differences, flag_outcome
from crmrules.language.conditions import Condition
from crmrules.language.ruleset import Flag, Guard, Ruleset
from crmrules.model.objects import OBJECTS
from crmrules.model.text import Text

EXPLAINED = ("account", "contact", "deal")
__all__ = ["EXPLAINED", "explain", "to_json", "to_text"]


def explain(
    con: duckdb.DuckDBPyConnection, ruleset: Ruleset, object: str, record_id: str, language: str = "en"
) -> Explanation:
    """Explain everything decided about a record.

    *con* has the decision's tables in its default catalog and the snapshot attached as
    ``snapshot``; *object* is account, contact or deal. Raises DataError where the object is
    another one, the decision does not know the record, or the ruleset has changed since.
    """
    if object not in EXPLAINED:
        raise DataError(Problem("unknown-object", f"{object!r} can't be explained", expected=", ".join(EXPLAINED)))
    meta = decision_meta(con, ruleset)
    as_of: date = meta["as_of"]
    reader = Reader(con, ruleset, as_of, language)
    outcome = reader.select(f'SELECT account_id FROM "{object}_outcome" WHERE id = ?', [record_id])
    names = reader.select(f'SELECT name FROM snapshot."{object}" WHERE id = ?', [record_id])
    if not outcome or not names:
        raise DataError(
            Problem(
                "unknown-record",
                f"there is no {object} {short(record_id)!r} in this decision",
                hint="pull and decide again if the record is new; ids are those of the CRM",
            )
        )
    account_id = str(outcome[0]["account_id"] or "")
    return Explanation(
        object=object,
        record_id=record_id,
        name=short(str(names[0]["name"] or "")),
        account_id=account_id,
        language=language,
        as_of=as_of.isoformat(),
        ruleset=meta["ruleset"],
        snapshot=meta["snapshot"],
        classes=class_findings(reader, object, [record_id])[record_id],
        roles=role_findings(reader, object, record_id, account_id),
        questions=question_findings(reader, object, record_id, account_id),
        flags=_flags(reader, object, record_id),
        guards=_guards(reader, object, record_id),
        writes=_writes(reader, object, record_id),
        note=_note(reader, object, record_id),
    )


# ---------------------------------------------------------------- flags, guards, writes, note


def _flags(reader: Reader, object: str, record_id: str) -> tuple[FlagFinding, ...]:
    if "flag" not in reader.tables:
        return ()
    column = "account_id" if object == "account" else "record_id"
    raised = reader.select(
        f'SELECT object, record_id, flag FROM flag WHERE "{column}" = ? AND (? OR object = ?) '
        "ORDER BY flag, object, record_id",
        [record_id, object == "account", object],
    )
    below = {row["flag"] for row in raised if row["object"] != "account"}
    found = []
    for row in raised:
        flag = reader.ruleset.flags.get(row["flag"])
        if flag is None or (flag.of != row["object"] and row["flag"] in below):
            continue  # rolled up from a deal or contact that is listed itself
        found.append(_flag(reader, flag, row["object"], row["record_id"]))
    return tuple(found)


def _flag(reader: Reader, flag: Flag, object: str, record_id: str) -> FlagFinding:
    row = _condition_row(reader, object, record_id, flag.when, flag.why) if flag.of == object else None
    changes = (
        differences(
            (flag.when,), flag_outcome(flag.when), row, reader.as_of, lambda p: reader.type(object, p), reader.ruleset
        )
        if row is not None
        else ()
    )
    return FlagFinding(
        flag=flag.id,
        label=flag.label.of(reader.language) or flag.id,
        object=object,
        record_id=record_id,
        severity=flag.severity,
        at=str(flag.at),
        why=short(reader.fill(flag.why, row or {})),
        because=reasons(flag.when, object, row, reader.as_of, reader.labels, reader.language) if row else (),
        changes=tuple(flip(reader, object, row or {}, change) for change in changes),
    )


def _guards(reader: Reader, object: str, record_id: str) -> tuple[GuardFinding, ...]:
    found = []
    for guard in reader.ruleset.guards:
        if guard.of != object:
            continue
        row = _condition_row(reader, object, record_id, guard.when, guard.why)
        if row is not None and holds(reader, guard.when, row):
            found.append(_guard(reader, guard, row))
    return tuple(found)


def _guard(reader: Reader, guard: Guard, row: Record) -> GuardFinding:
    return GuardFinding(
        id=guard.id,
        effect=guard.effect,
        at=str(guard.at),
        why=short(reader.fill(guard.why, row)),
        because=reasons(guard.when, guard.of, row, reader.as_of, reader.labels, reader.language),
    )


def _condition_row(reader: Reader, object: str, record_id: str, when: Condition, why: Text) -> Record | None:
    paths = reader.paths(object, (when,), (why,))
    return reader.rows(object, paths, [(record_id,)]).get((record_id,))


def _writes(reader: Reader, object: str, record_id: str) -> tuple[WriteFinding, ...]:
    if "desired" not in reader.tables:
        return ()
    rows = reader.select(
        "SELECT kind, name, value, rule, reason_zh, reason_en FROM desired WHERE object = ? AND record_id = ? "
        "ORDER BY kind, name",
        [object, record_id],
    )
    reason = "reason_zh" if reader.language == "zh" else "reason_en"
    return tuple(
        WriteFinding(
            kind=row["kind"],
            name=short(row["name"]),
            value=short(row["value"] or ""),
            rule=row["rule"] or "",
            reason=short(row[reason] or ""),
        )
        for row in rows
    )


def _note(reader: Reader, object: str, record_id: str) -> str:
    if object not in OBJECTS or "note" not in reader.tables:
        return ""
    rows = reader.select(
        "SELECT body FROM note WHERE object = ? AND record_id = ? ORDER BY language = ? DESC, language LIMIT 1",
        [object, record_id, reader.language],
    )
    return short(rows[0]["body"] or "", 2000) if rows else ""
