"""The buying groups for the HTML report: the accounts that matter most, each with its people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from crmrules.explain.classes import class_findings
from crmrules.explain.explanation import ClassFinding, QuestionFinding, RoleFinding
from crmrules.explain.questions import questions_of
from crmrules.explain.reading import Reader, Record
from crmrules.explain.roles import parts_of
from crmrules.explain.show import short, show_value
from crmrules.language.ruleset import UNKNOWN
from crmrules.model.objects import OBJECTS
from crmrules.model.text import Text
from crmrules.report.chart import Layout, lay_out
from crmrules.report.overview import object_label

MOST_ACCOUNTS = 50
Readers = Mapping[str, Reader]  # language -> reader


@dataclass(frozen=True, kw_only=True)
class Person:
    """A contact as the picture shows it, with the findings behind it in each language."""

    contact_id: str
    name: str
    title: str
    left: bool
    role: str
    label: Text
    tone: int  # which colour: the place of the role in the ruleset, from 1; 0 = unknown
    band: str
    band_label: Text
    stance: str
    stance_label: Text
    coverage: Text  # the ruleset's class `coverage` of the contact, if it has one
    last_contact: str  # ISO date of the last activity, '' = never
    findings: Mapping[str, RoleFinding]  # language -> finding


@dataclass(frozen=True, kw_only=True)
class GroupFlag:
    """A flag of the account or of one of its deals or contacts."""

    label: Text
    severity: str
    object: Text
    record: str


@dataclass(frozen=True, kw_only=True)
class Group:
    """An account with its classes, flags, note and buying group."""

    account_id: str
    name: str
    deal: str  # the deal that the picture is about, '' = no particular deal
    amount: str
    facts: tuple[tuple[Text, str], ...]
    classes: Mapping[str, tuple[ClassFinding, ...]]  # language -> findings
    flags: tuple[GroupFlag, ...]
    notes: Mapping[str, str]  # language -> note
    questions: Mapping[str, tuple[QuestionFinding, ...]]  # language -> whom to ask what, the best first
    people: tuple[Person, ...]
    layout: Layout


def groups(readers: Readers) -> tuple[Group, ...]:
    """Return the most relevant accounts: open deals and known roles first, then money and flags."""
    reader = readers["en"]
    chosen = _chosen(reader)
    ids = [row["id"] for row in chosen]
    if not ids:
        return ()
    findings = {language: parts_of(r, ids) for language, r in readers.items()}
    contacts = _contacts(reader, ids)
    classes = {language: class_findings(r, "account", ids) for language, r in readers.items()}
    flags, notes = _flags(reader, ids), _notes(reader, ids)
    questions = {language: questions_of(r, ids) for language, r in readers.items()}
    coverage = _coverage(readers, [c["id"] for people in contacts.values() for c in people])
    found = []
    for row in chosen:
        mine = contacts.get(row["id"], [])
        deal = row["deal_id"] or ""
        people = _people(readers, mine, _at(findings, {c["id"] for c in mine}, deal), coverage)
        found.append(
            Group(
                account_id=row["id"],
                name=short(row["name"] or row["id"], 80),
                deal=short(row["deal"] or "", 80),
                amount=f"{show_value(row['amount'], 'en')} {short(row['currency'] or '')}".strip()
                if row["amount"]
                else "",
                facts=_facts(row),
                classes={language: by_id.get(row["id"], ()) for language, by_id in classes.items()},
                flags=tuple(flags.get(row["id"], ())),
                notes=notes.get(row["id"], {}),
                questions={language: by_id.get(row["id"], ()) for language, by_id in questions.items()},
                people=people,
                layout=lay_out(
                    [p.contact_id for p in people],
                    {c["id"]: c["reports_to_id"] for c in mine if c["reports_to_id"]},
                ),
            )
        )
    return tuple(found)


def _chosen(reader: Reader) -> list[Record]:
    known = (
        f"SELECT account_id, count(*) AS n FROM contact_role WHERE role <> '{UNKNOWN}' GROUP BY account_id"
        if "contact_role" in reader.tables
        else "SELECT NULL::VARCHAR AS account_id, 0 AS n WHERE false"
    )
    flags = (
        "SELECT account_id, count(*) AS n FROM flag GROUP BY account_id"
        if "flag" in reader.tables
        else "SELECT NULL::VARCHAR AS account_id, 0 AS n WHERE false"
    )
    return reader.select(
        f"""WITH deals AS (
            SELECT account_id, arg_max(id, (coalesce(amount, 0), id)) AS deal_id FROM snapshot.deal
            WHERE status = 'open' GROUP BY account_id)
        SELECT a.id, a.name, a.industry, a.region, a.employees, d.id AS deal_id, d.name AS deal, d.amount, d.currency
        FROM snapshot.account a
        LEFT JOIN deals o ON o.account_id = a.id
        LEFT JOIN snapshot.deal d ON d.id = o.deal_id
        LEFT JOIN ({known}) k ON k.account_id = a.id
        LEFT JOIN ({flags}) f ON f.account_id = a.id
        ORDER BY d.id IS NULL, k.n IS NULL, coalesce(d.amount, 0) DESC, coalesce(f.n, 0) DESC, a.id
        LIMIT {MOST_ACCOUNTS}"""
    )


def _facts(row: Record) -> tuple[tuple[Text, str], ...]:
    account = OBJECTS["account"]
    fields = (account.field(name) for name in ("industry", "region", "employees"))
    return tuple((f.label, short(show_value(row[f.name], "en"), 60)) for f in fields if f and row[f.name] is not None)


def _contacts(reader: Reader, ids: Sequence[str]) -> dict[str, list[Record]]:
    marks = ", ".join("?" for _ in ids)
    rows = reader.select(
        f"""SELECT c.id, c.account_id, c.name, c.title, c.reports_to_id, c.status, t.last
        FROM snapshot.contact c LEFT JOIN (
            SELECT contact_id, max(date) AS last FROM (
                SELECT ac.contact_id, a.date FROM snapshot.activity_contact ac
                JOIN snapshot.activity a ON a.id = ac.activity_id WHERE ac.part = 'participant'
                UNION ALL SELECT approved_by_id, date FROM snapshot.activity
                UNION ALL SELECT signed_by_id, date FROM snapshot.activity)
            WHERE date <= ? GROUP BY contact_id) t ON t.contact_id = c.id
        WHERE c.account_id IN ({marks}) ORDER BY c.account_id, c.name, c.id""",
        [reader.as_of, *ids],
    )
    found: dict[str, list[Record]] = defaultdict(list)
    for row in rows:
        found[row["account_id"]].append(row)
    return found


def _at(
    findings: Mapping[str, Iterable[RoleFinding]], contacts: set[str], deal: str
) -> dict[str, dict[str, RoleFinding]]:
    """Return contact -> language -> the finding about *deal*, else about no particular deal."""
    found: dict[str, dict[str, RoleFinding]] = defaultdict(dict)
    for language, parts in findings.items():
        for part in parts:
            if part.contact_id in contacts and part.deal_id in ("", deal):
                known = found[part.contact_id].get(language)
                if known is None or known.deal_id == "":
                    found[part.contact_id][language] = part
    return found


def _people(
    readers: Readers,
    contacts: list[Record],
    findings: Mapping[str, Mapping[str, RoleFinding]],
    coverage: Mapping[str, Text],
) -> tuple[Person, ...]:
    model = readers["en"].ruleset.roles
    tones = {role: n for n, role in enumerate(model.precedence, 1)} if model is not None else {}
    found = []
    for contact in contacts:
        mine = findings.get(contact["id"], {})
        one = mine.get("en")
        role, band, stance = (one.role, one.band, one.stance) if one is not None else (UNKNOWN,) * 3
        found.append(
            Person(
                contact_id=contact["id"],
                name=short(contact["name"] or contact["id"], 80),
                title=short(contact["title"] or "", 80),
                left=contact["status"] == "left",
                role=role,
                label=Text({language: r.labels.role(role, language) for language, r in readers.items()}),
                tone=tones.get(role, 0),
                band=band,
                band_label=Text({language: r.labels.band(band, language) for language, r in readers.items()}),
                stance=stance,
                stance_label=Text({language: r.labels.stance(stance, language) for language, r in readers.items()}),
                coverage=coverage.get(contact["id"], Text()),
                last_contact=contact["last"].isoformat() if contact["last"] else "",
                findings=mine,
            )
        )
    last = len(tones) + 1
    return tuple(sorted(found, key=lambda p: (p.left, p.tone or last, p.name, p.contact_id)))


def _coverage(readers: Readers, contacts: Sequence[str]) -> dict[str, Text]:
    reader = readers["en"]
    dimension = reader.ruleset.classes.get("coverage")
    if dimension is None or dimension.of != "contact" or not contacts:
        return {}
    marks = ", ".join("?" for _ in contacts)
    rows = reader.select(f"SELECT id, coverage FROM contact_outcome WHERE id IN ({marks})", contacts)
    return {
        row["id"]: Text({lang: r.labels.class_value("coverage", row["coverage"], lang) for lang, r in readers.items()})
        for row in rows
    }


def _flags(reader: Reader, ids: Sequence[str]) -> dict[str, list[GroupFlag]]:
    if "flag" not in reader.tables:
        return {}
    marks = ", ".join("?" for _ in ids)
    rows = reader.select(
        f"""SELECT f.account_id, f.object, f.record_id, f.flag, coalesce(d.name, c.name, '') AS name
        FROM flag f
        LEFT JOIN snapshot.deal d ON f.object = 'deal' AND d.id = f.record_id
        LEFT JOIN snapshot.contact c ON f.object = 'contact' AND c.id = f.record_id
        WHERE f.account_id IN ({marks}) ORDER BY f.account_id, f.flag, f.object, f.record_id""",
        ids,
    )
    found: dict[str, list[GroupFlag]] = defaultdict(list)
    for row in rows:
        flag = reader.ruleset.flags.get(row["flag"])
        if flag is not None and flag.of == row["object"]:
            found[row["account_id"]].append(
                GroupFlag(
                    label=flag.label or Text({"en": flag.id}),
                    severity=flag.severity,
                    object=object_label(row["object"]),
                    record=short(row["name"], 60),
                )
            )
    return found


def _notes(reader: Reader, ids: Sequence[str]) -> dict[str, dict[str, str]]:
    if "note" not in reader.tables:
        return {}
    marks = ", ".join("?" for _ in ids)
    rows = reader.select(
        f"""SELECT record_id, language, body FROM note
        WHERE object = 'account' AND record_id IN ({marks}) AND body <> '' ORDER BY record_id, language""",
        ids,
    )
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        found[row["record_id"]][row["language"]] = short(row["body"], 2000)
    return found
