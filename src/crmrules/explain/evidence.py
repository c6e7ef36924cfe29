"""Evidence items as a reader wants them: with date, source, excerpt and reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from crmrules.evaluation.interpreter import evaluate
from crmrules.explain.explanation import EvidenceLine
from crmrules.explain.reading import Reader, Record
from crmrules.explain.show import short
from crmrules.language.frames import source_frame
from crmrules.language.ruleset import EvidenceItem

EXCERPT = 120  # characters
# What of a row is worth showing, best first, by the frame in which the item was found.
_TELLING: Mapping[str, tuple[str, ...]] = {
    "activity": ("text", "subject", "type"),
    "activity_contact": ("activity.text", "activity.subject", "activity.type"),
    "mention": ("clause",),
    "contact": ("title", "department", "crm_role"),
    "deal_contact": ("role",),
    "deal": ("name",),
    "order": ("category", "status"),
    "response": ("answer", "question"),
    "browsing": ("category",),
}
_Place = tuple[str, str, str]  # item, contact, source id


def evidence_of(reader: Reader, accounts: Sequence[str]) -> dict[str, tuple[EvidenceLine, ...]]:
    """Return every evidence item of these accounts' contacts, by contact, strongest first."""
    return _by_contact(reader, _rows(reader, "evidence", accounts))


def stance_evidence_of(reader: Reader, accounts: Sequence[str]) -> dict[str, tuple[EvidenceLine, ...]]:
    """Return every item of stance evidence of these accounts' contacts; ``role`` holds the stance."""
    rows = _rows(reader, "stance_evidence", accounts)
    for row in rows:
        row |= {"role": row["stance"], "family": "", "against": False, "weight": row["decayed"]}
    return _by_contact(reader, rows)


def _rows(reader: Reader, table: str, accounts: Sequence[str]) -> list[Record]:
    if not accounts or table not in reader.tables:
        return []
    marks = ", ".join("?" for _ in accounts)
    return reader.select(f'SELECT * FROM "{table}" WHERE account_id IN ({marks})', accounts)


def _by_contact(reader: Reader, rows: list[Record]) -> dict[str, tuple[EvidenceLine, ...]]:
    items = {item.id: item for item in reader.ruleset.roles.items} if reader.ruleset.roles is not None else {}
    wanted: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for row in rows:
        wanted[row["item"], row["source_object"]].append(row)
    sources: dict[_Place, Record] = {}
    for (name, object), alike in sorted(wanted.items()):
        if name in items:
            sources |= _sources(reader, items[name], object, alike)
    found: dict[str, list[EvidenceLine]] = defaultdict(list)
    for row in rows:
        item = items.get(row["item"])
        source = sources.get((row["item"], row["contact_id"], row["source_id"] or ""), {})
        found[row["contact_id"]].append(_line(reader, row, item, source))
    return {contact: tuple(sorted(lines, key=_strongest_first)) for contact, lines in found.items()}


def _strongest_first(line: EvidenceLine) -> tuple[object, ...]:
    return (-round(line.decayed, 9), line.item, line.role, line.deal_id, line.date, line.source)


def _line(reader: Reader, row: Record, item: EvidenceItem | None, source: Record) -> EvidenceLine:
    model, language = reader.ruleset.roles, reader.language
    family = model.families.get(row["family"]) if model is not None else None
    frame = source_frame(reader.ruleset, item.of) if item is not None else ""
    excerpt = next((str(source[path]) for path in _TELLING.get(frame, ()) if source.get(path)), "")
    why = short(reader.fill(item.why, source)) if item is not None else ""
    label = reader.labels.stance if "stance" in row else reader.labels.role
    return EvidenceLine(
        item=row["item"],
        at=str(item.at) if item is not None else "",
        deal_id=row["deal_id"] or "",
        family=row["family"],
        family_label=family.label.of(language) or row["family"] if family is not None else row["family"],
        role=row["role"],
        role_label=label(row["role"], language),
        against=bool(row["against"]),
        weight=float(row["weight"]),
        decayed=float(row["decayed"]),
        date=row["date"].isoformat() if row["date"] is not None else "",
        source=f"{row['source_object']}:{short(row['source_id'] or '')}".rstrip(":"),
        excerpt=short(excerpt, EXCERPT) if short(excerpt) not in why else "",
        why=why,
    )


def _sources(reader: Reader, item: EvidenceItem, object: str, rows: list[Record]) -> dict[_Place, Record]:
    """Return the row in which *item* was found for each row of evidence."""
    frame = reader.labels.frames.get(source_frame(reader.ruleset, item.of))
    if frame is None:
        return {}
    if frame.name == object:
        columns: tuple[str, ...] = frame.key if not object.startswith("fact.") else ()
    else:  # found in a derived frame that tells which record it came from
        columns = tuple(column for column, there in frame.relations.values() if there == object)[:1]
    telling = tuple(path for path in _TELLING.get(frame.name, ()) if reader.type(frame.name, path) is not None)
    paths = (*reader.paths(frame.name, (item.when,), (item.why,)), *telling)
    keys = {(row["contact_id"], *(row["source_id"] or "").split("|")) for row in rows}
    keys = {key[: 1 + len(columns)] for key in keys if len(key) > len(columns)}
    found: dict[_Place, Record] = {}
    for record in reader.matching(frame.name, paths, (item.who, *columns), sorted(keys)):
        place = (item.id, str(record[item.who]), "|".join(str(record[column]) for column in columns))
        if place not in found and evaluate(item.when, record, reader.as_of):
            found[place] = record
    return found
