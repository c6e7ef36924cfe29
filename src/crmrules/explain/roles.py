"""The buying roles of a contact, an account's people or a deal, with their evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from crmrules.evaluation.evidence import ALL_ROLES
from crmrules.explain.evidence import evidence_of, stance_evidence_of
from crmrules.explain.explanation import EvidenceLine, RoleFinding, RoleScore
from crmrules.explain.reading import Reader, Record
from crmrules.explain.role_what_if import role_changes
from crmrules.explain.show import short
from crmrules.explain.words import word
from crmrules.language.ruleset import UNKNOWN


def role_findings(reader: Reader, object: str, record_id: str, account_id: str) -> tuple[RoleFinding, ...]:
    """Return the parts that concern one record, in the order of :func:`parts_of`.

    An account's people are shown in its open deals, and without a deal only where there is none.
    """
    parts = parts_of(reader, [account_id])
    if object == "account":
        in_deals = {part.contact_id for part in parts if part.deal_id}
        return tuple(part for part in parts if part.deal_id or part.contact_id not in in_deals)
    return tuple(part for part in parts if getattr(part, f"{object}_id") == record_id)


def parts_of(reader: Reader, accounts: Sequence[str]) -> tuple[RoleFinding, ...]:
    """Return every part (contact in a deal) of these accounts with its evidence, in the reader's language."""
    if reader.ruleset.roles is None or "part" not in reader.tables or not accounts:
        return ()
    marks = ", ".join("?" for _ in accounts)
    rows = reader.select(
        f"""SELECT p.*, c.name AS contact, d.name AS deal, coalesce(r.writable, true) AS writable
        FROM part p
        LEFT JOIN snapshot.contact c ON c.id = p.contact_id
        LEFT JOIN snapshot.deal d ON d.id = p.deal_id
        LEFT JOIN contact_role r ON r.contact_id = p.contact_id
        WHERE p.account_id IN ({marks})
        ORDER BY p.account_id, p.deal_id = '' , p.deal_id, c.name, p.contact_id""",
        accounts,
    )
    evidence = evidence_of(reader, accounts)
    stances = stance_evidence_of(reader, accounts)
    scores = _scores(reader, accounts)
    open_deals = {row["deal_id"] for row in rows if row["deal_id"]}
    return tuple(
        _finding(
            reader,
            row,
            evidence.get(row["contact_id"], ()),
            stances.get(row["contact_id"], ()),
            scores,
            open_deals,
        )
        for row in rows
    )


def _finding(
    reader: Reader,
    row: Record,
    evidence: tuple[EvidenceLine, ...],
    stances: tuple[EvidenceLine, ...],
    all_scores: Mapping[tuple[str, str], list[RoleScore]],
    open_deals: set[str],
) -> RoleFinding:
    labels, language, model = reader.labels, reader.language, reader.ruleset.roles
    assert model is not None
    deal, role = row["deal_id"] or "", row["role"] or UNKNOWN
    # Whom nothing ties to this deal plays the part there that he plays in general; what was said on
    # a deal that is closed by now counts in general.
    scope = deal if row["specific"] else ""
    scores = all_scores.get((row["contact_id"], scope), [])

    def counts(line: EvidenceLine) -> bool:
        return line.deal_id in ("", scope) if scope else line.deal_id not in open_deals

    asked = role if role != UNKNOWN else (scores[0].role if scores else "")
    mine = tuple(e for e in evidence if counts(e) and e.role in (asked, ALL_ROLES))
    manual = row["source"] == "manual"
    band = row["band"] or UNKNOWN
    known = next((s for s in scores if s.role == asked), None)
    changes = (
        () if manual or not asked else role_changes(mine, asked, known.band if known else band, model, labels, language)
    )
    return RoleFinding(
        contact_id=row["contact_id"],
        contact=short(row["contact"] or ""),
        deal_id=deal,
        deal=short(row["deal"] or "") if deal else word("no_deal", language),
        role=role,
        label=labels.role(role, language),
        score=row["score"],
        band=band,
        band_label=labels.band(band, language),
        manual=manual,
        writable=bool(row["writable"]),
        stance=row["stance"] or UNKNOWN,
        stance_label=labels.stance(row["stance"] or UNKNOWN, language),
        evidence=tuple(e for e in mine if not e.against),
        against=tuple(e for e in mine if e.against),
        stance_evidence=stances,
        others=tuple(s for s in scores if s.role != role),
        changes=changes,
    )


def _scores(reader: Reader, accounts: Sequence[str]) -> Mapping[tuple[str, str], list[RoleScore]]:
    marks = ", ".join("?" for _ in accounts)
    rows = reader.select(
        f"""SELECT contact_id, deal_id, role, score, band FROM role_score
        WHERE account_id IN ({marks}) AND score > 0 ORDER BY round(score, 9) DESC, role""",
        accounts,
    )
    found: dict[tuple[str, str], list[RoleScore]] = defaultdict(list)
    for row in rows:
        found[row["contact_id"], row["deal_id"]].append(
            RoleScore(
                role=row["role"],
                label=reader.labels.role(row["role"], reader.language),
                score=row["score"],
                band=row["band"] or UNKNOWN,
                band_label=reader.labels.band(row["band"] or UNKNOWN, reader.language),
            )
        )
    return found
