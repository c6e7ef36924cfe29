"""The figures of a run for the HTML report: counts, distributions, flags, changes, data quality."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from crmrules.explain.reading import Reader, Record
from crmrules.explain.show import Labels, short
from crmrules.explain.words import WORDS
from crmrules.language.ruleset import UNKNOWN
from crmrules.model.changes import Plan, shown_value
from crmrules.model.objects import OBJECTS
from crmrules.model.text import LANGUAGES, Text, text

MOST_CHANGES = 500
MOST_DISSENTS = 100
MOST_UNMATCHED = 50
MOST_EXAMPLES = 5


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One value of a distribution."""

    code: str
    label: Text
    count: int
    share: float  # 0..1 of all subjects


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """How the subjects of one object spread over the values of a class, or over roles."""

    name: str
    label: Text
    object: Text
    total: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, kw_only=True)
class FlagCount:
    """A flag, how many records raise it, and some of them."""

    id: str
    label: Text
    severity: str
    object: Text
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ChangeRow:
    """A change or a dissent of the plan as the table shows it."""

    number: int
    object: Text
    record: str
    record_id: str
    kind: str
    name: str
    old: str
    new: str
    reason: Text
    rule: str
    cause: str


def both(key: str) -> Text:
    """Return the fixed word *key* in all languages."""
    return WORDS[key]


def object_label(object: str) -> Text:
    """Return the label of a canonical object."""
    return OBJECTS[object].label if object in OBJECTS else text(object, object)


def counts(reader: Reader) -> tuple[tuple[Text, int], ...]:
    """Return how many records of each object the snapshot holds, empty objects left out."""
    found = [
        (OBJECTS[name].label, reader.select(f'SELECT count(*) AS n FROM snapshot."{name}"')[0]["n"])
        for name in ("account", "contact", "deal", "activity", "order", "response")
    ]
    return tuple((label, n) for label, n in found if n)


def distributions(reader: Reader) -> tuple[Distribution, ...]:
    """Return the distribution of every class, and of the contacts' roles where roles are decided."""
    found = []
    for dimension in reader.ruleset.classes.values():
        column = f'"{dimension.name}"'
        value = f"unnest({column})" if dimension.hit == "collect" else f"coalesce({column}, '{UNKNOWN}')"
        values = f'SELECT {value} AS value FROM "{dimension.of}_outcome"'
        rows = reader.select(f"SELECT value, count(*) AS n FROM ({values}) GROUP BY value ORDER BY value")
        total = reader.select(f'SELECT count(*) AS n FROM "{dimension.of}_outcome"')[0]["n"]
        order = {code: n for n, code in enumerate(dimension.values)}
        labels = {code: _class_label(reader.labels, dimension.name, code) for code in (r["value"] for r in rows)}
        found.append(
            Distribution(
                name=dimension.name,
                label=dimension.label or text(dimension.name, dimension.name),
                object=object_label(dimension.of),
                total=total,
                bars=_bars(rows, total, order, labels),
            )
        )
    if reader.ruleset.roles is not None and "contact_role" in reader.tables:
        found.append(_roles(reader))
    return tuple(found)


def _roles(reader: Reader) -> Distribution:
    model = reader.ruleset.roles
    assert model is not None
    rows = reader.select("SELECT role AS value, count(*) AS n FROM contact_role GROUP BY ALL ORDER BY value")
    labels = {row["value"]: _in_both(partial(reader.labels.role, row["value"])) for row in rows}
    total = sum(row["n"] for row in rows)
    order = {role: n for n, role in enumerate(model.precedence)}
    return Distribution(
        name="role", label=both("roles"), object=object_label("contact"), total=total,
        bars=_bars(rows, total, order, labels),
    )  # fmt: skip


def _bars(rows: list[Record], total: int, order: Mapping[str, int], labels: Mapping[str, Text]) -> tuple[Bar, ...]:
    bars = [
        Bar(code=r["value"], label=labels[r["value"]], count=r["n"], share=r["n"] / total if total else 0.0)
        for r in rows
    ]
    return tuple(sorted(bars, key=lambda bar: (bar.code == UNKNOWN, order.get(bar.code, len(order)), bar.code)))


def flag_counts(reader: Reader) -> tuple[FlagCount, ...]:
    """Return every raised flag, the gravest first, with a few of the records that raise it."""
    if "flag" not in reader.tables:
        return ()
    names = " UNION ALL ".join(
        f"SELECT '{o}' AS object, id, name FROM snapshot.{o}" for o in ("account", "contact", "deal")
    )
    rows = reader.select(
        f"""SELECT f.flag, f.object, count(*) AS n,
            list(coalesce(nullif(r.name, ''), f.record_id) ORDER BY f.record_id)[:{MOST_EXAMPLES}] AS examples
        FROM flag f LEFT JOIN ({names}) r ON r.object = f.object AND r.id = f.record_id
        GROUP BY f.flag, f.object ORDER BY n DESC, f.flag, f.object"""
    )
    gravity = {"critical": 0, "warning": 1, "info": 2}
    found = []
    for row in rows:
        flag = reader.ruleset.flags.get(row["flag"])
        if flag is None or flag.of != row["object"]:
            continue  # rolled up; counted where it was raised
        found.append(
            FlagCount(
                id=flag.id,
                label=flag.label or text(flag.id, flag.id),
                severity=flag.severity,
                object=object_label(flag.of),
                count=row["n"],
                examples=tuple(short(e, 60) for e in row["examples"]),
            )
        )
    return tuple(sorted(found, key=lambda f: (gravity[f.severity], -f.count, f.id)))


def changes(reader: Reader, plan: Plan) -> tuple[ChangeRow, ...]:
    """Return the first changes of the plan for the table."""
    shown = plan.changes[:MOST_CHANGES]
    names = _names(reader, {(c.target.object, c.target.record_id) for c in shown})
    return tuple(
        ChangeRow(
            number=c.id,
            object=object_label(c.target.object),
            record=names.get((c.target.object, c.target.record_id), ""),
            record_id=short(c.target.record_id, 60),
            kind=c.target.kind,
            name=short(c.target.name, 80),
            old=short(shown_value(c.target, c.old), 400),
            new=short(shown_value(c.target, c.new), 400),
            reason=text(short(c.reason_zh, 300), short(c.reason_en, 300)),
            rule=short(c.rule, 120),
            cause=c.cause.value,
        )
        for c in shown
    )


def dissents(reader: Reader, plan: Plan) -> tuple[ChangeRow, ...]:
    """Return the first of people's values that we respect although the outcome differs (old: theirs, new: ours)."""
    shown = plan.dissents[:MOST_DISSENTS]
    names = _names(reader, {(d.target.object, d.target.record_id) for d in shown})
    return tuple(
        ChangeRow(
            number=n,
            object=object_label(d.target.object),
            record=names.get((d.target.object, d.target.record_id), ""),
            record_id=short(d.target.record_id, 60),
            kind=d.target.kind,
            name=short(d.target.name, 80),
            old=short(d.human or "", 400),
            new=short(d.ours or "", 400),
            reason=Text(),
            rule=short(d.rule, 120),
            cause="",
        )
        for n, d in enumerate(shown, 1)
    )


def unmatched(reader: Reader) -> tuple[Record, ...]:
    """Return the most frequent texts that no lexicon knew: lexicon, text, times."""
    if "unmatched" not in reader.tables:
        return ()
    rows = reader.select(
        f'SELECT lexicon, "text", times FROM unmatched ORDER BY times DESC, lexicon, "text" LIMIT {MOST_UNMATCHED}'
    )
    return tuple({**row, "text": short(row["text"] or "")} for row in rows)


def unheard(reader: Reader) -> tuple[Record, ...]:
    """Return the kinds of texts by those in which no phrase stands: type, texts, unmatched, unattributed."""
    if "unheard" not in reader.tables:
        return ()
    rows = reader.select(
        "SELECT type, sum(texts)::BIGINT AS texts, sum(unmatched)::BIGINT AS unmatched,"
        " sum(unattributed)::BIGINT AS unattributed FROM unheard GROUP BY type"
        f" HAVING sum(unmatched) + sum(unattributed) > 0 ORDER BY unmatched DESC, type LIMIT {MOST_UNMATCHED}"
    )
    return tuple({**row, "type": short(row["type"] or "", 60)} for row in rows)


def unheard_phrases(reader: Reader) -> tuple[Record, ...]:
    """Return what recurs in texts in which no phrase stands: phrase, texts, accounts."""
    if "unheard_phrase" not in reader.tables:
        return ()
    return tuple(
        reader.select(
            f"SELECT phrase, texts, accounts FROM unheard_phrase ORDER BY texts DESC, phrase LIMIT {MOST_UNMATCHED}"
        )
    )


def conflicts(reader: Reader) -> tuple[Record, ...]:
    """Return how often which rules disagreed: dimension (label), rules, count."""
    if "conflict" not in reader.tables:
        return ()
    rows = reader.select(
        "SELECT dimension, list_sort(rules) AS rules, count(*) AS n FROM conflict GROUP BY ALL "
        f"ORDER BY n DESC, dimension, rules LIMIT {MOST_UNMATCHED}"
    )
    known = reader.ruleset.classes
    return tuple(
        {**row, "label": known[row["dimension"]].label if row["dimension"] in known else text(row["dimension"], row["dimension"])}
        for row in rows
    )  # fmt: skip


def quarantine(reader: Reader) -> tuple[Record, ...]:
    """Return which records were left out of the snapshot and why: object (label), reason, count."""
    held = reader.select(
        "SELECT 1 AS there FROM duckdb_tables() WHERE database_name = 'snapshot' AND table_name = 'quarantine'"
    )
    if not held:
        return ()
    rows = reader.select(
        "SELECT object, field, problem, count(*) AS n FROM snapshot.quarantine GROUP BY ALL "
        f"ORDER BY n DESC, object, field, problem LIMIT {MOST_UNMATCHED}"
    )
    return tuple(
        {"object": object_label(row["object"]), "reason": short(f"{row['field']}: {row['problem']}"), "n": row["n"]}
        for row in rows
    )


def _names(reader: Reader, records: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for object in ("account", "contact", "deal"):
        ids = sorted(id for o, id in records if o == object)
        if ids:
            marks = ", ".join("?" for _ in ids)
            for row in reader.select(f'SELECT id, name FROM snapshot."{object}" WHERE id IN ({marks})', ids):
                found[object, row["id"]] = short(row["name"] or "", 80)
    return found


def _class_label(labels: Labels, dimension: str, code: str) -> Text:
    return _in_both(partial(labels.class_value, dimension, code))


def _in_both(say: Callable[[str], str]) -> Text:
    return Text({language: say(language) for language in LANGUAGES})
