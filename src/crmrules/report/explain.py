"""Explain one record: what was decided, from what, by which rule, what spoke against, what would change it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb

from crmrules.errors import DataError, Problem
from crmrules.language.conditions import Condition
from crmrules.language.ruleset import Dimension, Flag, Guard, Ruleset
from crmrules.model.objects import OBJECTS
from crmrules.model.text import Text
from crmrules.report.explain_text import to_json, to_text
from crmrules.report.explanation import (
    ClassFinding,
    Explanation,
    FlagFinding,
    Flip,
    GuardFinding,
    NotFired,
    WriteFinding,
)
from crmrules.report.reading import Reader, Record
from crmrules.report.reasons import reasons
from crmrules.report.roles import role_findings
from crmrules.report.show import short, show_value
from crmrules.report.what_if import (
    Difference,
    class_outcome,
    decide,
    differences,
    flag_outcome,
    ranked,
    tried_conditions,
)
from crmrules.report.words import word

EXPLAINED = ("account", "contact", "deal")
__all__ = ["EXPLAINED", "explain", "to_json", "to_text"]


def explain(
    con: duckdb.DuckDBPyConnection, ruleset: Ruleset, object: str, record_id: str, language: str = "en"
) -> Explanation:
    """Explain everything decided about a record.

    *con* has the decision's tables in its default catalog and the snapshot attached as
    ``snapshot``; *object* is account, contact or deal. Raises DataError where the object is
    another one or the decision does not know the record.
    """
    if object not in EXPLAINED:
        raise DataError(Problem("unknown-object", f"{object!r} can't be explained", expected=", ".join(EXPLAINED)))
    meta = _meta(con)
    as_of: date = meta["as_of"]
    reader = Reader(con, ruleset, as_of, language)
    outcome = reader.select(f'SELECT * FROM "{object}_outcome" WHERE id = ?', [record_id])
    names = reader.select(f'SELECT name FROM snapshot."{object}" WHERE id = ?', [record_id])
    if not outcome or not names:
        raise DataError(
            Problem(
                "unknown-record",
                f"there is no {object} {short(record_id)!r} in this decision",
                hint="pull and decide again if the record is new; ids are those of the CRM",
            )
        )
    stored = outcome[0]
    account_id = record_id if object == "account" else str(stored.get("account_id") or "")
    return Explanation(
        object=object,
        record_id=record_id,
        name=short(str(names[0]["name"] or "")),
        account_id=account_id,
        language=language,
        as_of=as_of.isoformat(),
        ruleset=meta["ruleset"],
        snapshot=meta["snapshot"],
        classes=_classes(reader, object, record_id, stored),
        roles=role_findings(reader, object, record_id, account_id),
        flags=_flags(reader, object, record_id),
        guards=_guards(reader, object, record_id),
        writes=_writes(reader, object, record_id),
        note=_note(reader, object, record_id),
    )


def _meta(con: duckdb.DuckDBPyConnection) -> Record:
    found = con.execute("SELECT as_of, ruleset, snapshot FROM meta").fetchone()
    if found is None:
        raise DataError(Problem("no-decision", "nothing was decided yet", hint="run `crmrules decide` first"))
    return dict(zip(("as_of", "ruleset", "snapshot"), found, strict=True))


# ---------------------------------------------------------------- classes


def _classes(reader: Reader, object: str, record_id: str, stored: Record) -> tuple[ClassFinding, ...]:
    mine = [d for d in reader.ruleset.classes.values() if d.of == object and d.name in stored]
    conditions = [rule.when for d in mine for rule in d.rules]
    texts = [rule.why for d in mine for rule in d.rules]
    copied = [d.copy for d in mine if d.copy]
    paths = (*reader.paths(object, conditions, texts), *copied)
    row = reader.rows(object, paths, [(record_id,)])[(record_id,)]
    return tuple(_class(reader, dimension, row, stored) for dimension in mine)


def _class(reader: Reader, dimension: Dimension, row: Record, stored: Record) -> ClassFinding:
    labels, language, as_of = reader.labels, reader.language, reader.as_of
    value, won = stored[dimension.name], stored.get(f"{dimension.name}.rule")
    winners = list(won) if isinstance(won, (list, tuple)) else [won] if won else []
    rules = {rule.id: rule for rule in dimension.rules}
    because = [
        reason
        for name in winners
        if name in rules
        for reason in reasons(rules[name].when, dimension.of, row, as_of, labels, language)
    ]
    winner = rules.get(winners[0]) if winners else None
    if dimension.copy and winner is None:
        row = {**row, dimension.name: row.get(dimension.copy)}
    changes = differences(
        tried_conditions(dimension, winner.id if winner else ""),
        class_outcome(dimension),
        row,
        as_of,
        lambda path: reader.type(dimension.of, path),
        reader.ruleset,
    )
    return ClassFinding(
        name=dimension.name,
        label=dimension.label.of(language) or dimension.name,
        value=", ".join(value) if isinstance(value, (list, tuple)) else str(value),
        value_label=labels.class_value(dimension.name, value, language),
        rule=", ".join(winners),
        at=str(winner.at) if winner else str(dimension.at),
        why=" ".join(filter(None, (short(reader.fill(rules[n].why, row)) for n in winners if n in rules))),
        note=_class_note(reader, dimension, row, value, bool(winners)),
        because=tuple(because),
        against=_not_fired(reader, dimension, row, winners, value),
        changes=tuple(_flip(reader, dimension.of, row, change, dimension.name) for change in changes),
    )


def _class_note(reader: Reader, dimension: Dimension, row: Record, value: object, by_rule: bool) -> str:
    labels, language = reader.labels, reader.language
    now, _ = decide(dimension, row, reader.as_of)
    same = tuple(value) == now if isinstance(value, (list, tuple)) and isinstance(now, tuple) else value == now
    if dimension.hysteresis is not None and not same:
        return word("kept", language, outcome=labels.class_value(dimension.name, now, language))
    if by_rule or dimension.hit == "collect":
        return ""
    firing = [rule.id for rule in dimension.rules if decide_alone(reader, rule.when, row)]
    if len(firing) > 1:
        return word("conflict", language, rules=", ".join(firing))
    if dimension.copy and row.get(dimension.copy) in dimension.values:
        return word("copied", language, field=labels.field(dimension.of, dimension.copy, language))
    return word("none_of_rules", language)


def decide_alone(reader: Reader, condition: Condition, row: Record) -> bool:
    """Return whether *condition* is true on *row*."""
    return flag_outcome(condition)(row, reader.as_of)[0] == "raised"


def _not_fired(
    reader: Reader, dimension: Dimension, row: Record, winners: Sequence[str], value: object
) -> tuple[NotFired, ...]:
    """Return the rules that would have given something else and rank before the winner (all, where none won)."""
    if dimension.hit == "collect":
        return ()
    found = []
    for rule in ranked(dimension):
        if rule.id in winners:
            break
        if rule.then == value or decide_alone(reader, rule.when, row):
            continue
        found.append(
            NotFired(
                rule=rule.id,
                at=str(rule.at),
                outcome=rule.then,
                outcome_label=reader.labels.class_value(dimension.name, rule.then, reader.language),
                failed=reasons(rule.when, dimension.of, row, reader.as_of, reader.labels, reader.language),
            )
        )
    return tuple(found)


def _flip(reader: Reader, frame: str, row: Record, change: Difference, dimension: str = "") -> Flip:
    """Say a difference in words; without *dimension* it is about a flag that goes away."""
    labels, language = reader.labels, reader.language
    value, rule = change.outcome
    outcome = labels.class_value(dimension, value, language) if dimension else ""
    if change.probe is None:
        text = word("flip.days" if dimension else "flip.gone_days", language, days=change.days, outcome=outcome)
        return Flip(field="", to="", days=change.days, outcome=_code(value), rule=rule, text=text)
    probe = change.probe
    said = word(
        f"probe.{probe.change}",
        language,
        field=labels.field(frame, probe.field, language),
        value=labels.value(frame, probe.field, probe.limit, language),
    )
    actual = labels.value(frame, probe.field, row.get(probe.field), language)
    text = word("flip.value" if dimension else "flip.gone", language, change=said, actual=actual, outcome=outcome)
    to = show_value(probe.limit, "en").replace(",", "")
    return Flip(field=probe.field, to=to, days=None, outcome=_code(value), rule=rule, text=text)


def _code(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


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
        changes=tuple(_flip(reader, object, row or {}, change) for change in changes),
    )


def _guards(reader: Reader, object: str, record_id: str) -> tuple[GuardFinding, ...]:
    found = []
    for guard in reader.ruleset.guards:
        if guard.of != object:
            continue
        row = _condition_row(reader, object, record_id, guard.when, guard.why)
        if row is not None and decide_alone(reader, guard.when, row):
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
