"""The classes of records: the value, the rule and its leaves, what failed before it, what would tip it."""

from __future__ import annotations

from collections.abc import Sequence

from crmrules.evaluation.relations import RECORD
from crmrules.explain.explanation import ClassFinding, Flip, NotFired
from crmrules.explain.reading import Reader, Record
from crmrules.explain.reasons import reasons
from crmrules.explain.show import short, show_value
from crmrules.explain.what_if import (
    Difference,
    class_outcome,
    decide,
    differences,
    flag_outcome,
    ranked,
    tried_conditions,
)
from crmrules.explain.words import word
from crmrules.language.conditions import Condition, fields_of
from crmrules.language.ruleset import Dimension


def class_findings(reader: Reader, object: str, ids: Sequence[str]) -> dict[str, tuple[ClassFinding, ...]]:
    """Return the classes of these records by id, in the reader's language; unknown ids are left out."""
    marks = ", ".join("?" for _ in ids)
    stored = {r["id"]: r for r in reader.select(f'SELECT * FROM "{object}_outcome" WHERE id IN ({marks})', ids)}
    mine = [d for d in reader.ruleset.classes.values() if d.of == object]
    conditions = [rule.when for d in mine for rule in d.rules]
    texts = [rule.why for d in mine for rule in d.rules]
    copied = [d.copy for d in mine if d.copy and d.copy != d.name]
    own = [f"{d.name}{RECORD}" for d in mine if _reads_its_name(d)]
    rows = reader.rows(object, (*reader.paths(object, conditions, texts), *copied, *own), [(id,) for id in stored])
    return {id: tuple(_class(reader, d, rows[id,], record) for d in mine) for id, record in stored.items()}


def _reads_its_name(dimension: Dimension) -> bool:
    """Return whether the class reads a field of the record that has the class's own name."""
    read = (fields_of(rule.when) for rule in dimension.rules)
    return dimension.copy == dimension.name or any(dimension.name in fields for fields in read)


def _class(reader: Reader, dimension: Dimension, row: Record, stored: Record) -> ClassFinding:
    labels, language, as_of = reader.labels, reader.language, reader.as_of
    row = {**row, dimension.name: row[f"{dimension.name}{RECORD}"]} if _reads_its_name(dimension) else row
    value, won = stored[dimension.name], stored.get(f"{dimension.name}.rule")
    winners = won.split(", ") if won else []
    rules = {rule.id: rule for rule in dimension.rules}
    because = [
        reason
        for name in winners
        if name in rules
        for reason in reasons(rules[name].when, dimension.of, row, as_of, labels, language)
    ]
    winner = rules.get(winners[0]) if winners else None
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
        changes=tuple(flip(reader, dimension.of, row, change, dimension.name) for change in changes),
    )


def _class_note(reader: Reader, dimension: Dimension, row: Record, value: object, by_rule: bool) -> str:
    labels, language = reader.labels, reader.language
    now, _ = decide(dimension, row, reader.as_of)
    same = tuple(value) == now if isinstance(value, (list, tuple)) and isinstance(now, tuple) else value == now
    if dimension.hysteresis is not None and not same:
        return word("kept", language, outcome=labels.class_value(dimension.name, now, language))
    if by_rule or dimension.hit == "collect":
        return ""
    firing = [rule.id for rule in dimension.rules if holds(reader, rule.when, row)]
    if len(firing) > 1:
        return word("conflict", language, rules=", ".join(firing))
    if dimension.copy and str(row.get(dimension.copy)) in dimension.values:
        return word("copied", language, field=labels.field(dimension.of, dimension.copy, language))
    return word("none_of_rules", language)


def holds(reader: Reader, condition: Condition, row: Record) -> bool:
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
        if rule.then == value or holds(reader, rule.when, row):
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


def flip(reader: Reader, frame: str, row: Record, change: Difference, dimension: str = "") -> Flip:
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
