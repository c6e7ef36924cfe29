"""Evidence items as a reader wants them: with date, source, excerpt and reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from crmrules.language.ruleset import EvidenceItem
from crmrules.report.explanation import EvidenceLine
from crmrules.report.reading import Reader, Record
from crmrules.report.show import short

EXCERPT = 120  # characters
# What of a source record is worth showing, best first.
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
    sources = _sources(reader, rows, items)
    found: dict[str, list[EvidenceLine]] = defaultdict(list)
    for row in rows:
        source = sources.get((row["item"], row["source_object"], row["source_id"]), {})
        found[row["contact_id"]].append(_line(reader, row, items.get(row["item"]), source))
    return {contact: tuple(sorted(lines, key=_strongest_first)) for contact, lines in found.items()}


def _strongest_first(line: EvidenceLine) -> tuple[object, ...]:
    return (-round(line.decayed, 9), line.item, line.role, line.deal_id, line.date, line.source)


def _line(reader: Reader, row: Record, item: EvidenceItem | None, source: Record) -> EvidenceLine:
    model, language = reader.ruleset.roles, reader.language
    family = model.families.get(row["family"]) if model is not None else None
    telling = (source.get(path) for path in _TELLING.get(row["source_object"], ()))
    excerpt = next((str(value) for value in telling if value), "")
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
        source=f"{row['source_object']}:{short(row['source_id'] or '')}",
        excerpt=short(excerpt, EXCERPT),
        why=short(reader.fill(item.why, source)) if item is not None else "",
    )


def _sources(
    reader: Reader, rows: list[Record], items: Mapping[str, EvidenceItem]
) -> dict[tuple[str, str, str], Record]:
    """Return the source record of every evidence row by (item, source object, source id)."""
    wanted: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        wanted[row["item"], row["source_object"]].add(row["source_id"] or "")
    found: dict[tuple[str, str, str], Record] = {}
    for (name, frame), ids in sorted(wanted.items()):
        if frame not in reader.labels.frames:
            continue
        texts = (items[name].why,) if name in items else ()
        telling = (path for path in _TELLING.get(frame, ()) if reader.type(frame, path) is not None)
        paths = (*reader.paths(frame, (), texts), *telling)
        size = len(reader.labels.frames[frame].key)
        keys = sorted({parts for id in ids if len(parts := tuple(id.split("|", size - 1))) == size})
        for key, record in reader.rows(frame, paths, keys).items():
            found[name, frame, "|".join(key)] = record
    return found
