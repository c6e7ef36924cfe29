"""The next best questions of an account, a deal or a contact: whom to ask what, and what it would teach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from crmrules.explain.explanation import QuestionFinding
from crmrules.explain.reading import Reader
from crmrules.explain.show import short
from crmrules.explain.words import word


def question_findings(reader: Reader, object: str, record_id: str, account_id: str) -> tuple[QuestionFinding, ...]:
    """Return the questions of an account or a deal, or those that a contact may be asked, the best first."""
    found = questions_of(reader, [account_id]).get(account_id, ())
    if object == "account":
        return found
    return tuple(q for q in found if record_id == (q.deal_id if object == "deal" else q.ask_contact_id))


def questions_of(reader: Reader, accounts: Sequence[str]) -> Mapping[str, tuple[QuestionFinding, ...]]:
    """Return the questions of each of these accounts that has any, in the reader's language, the best first."""
    model = reader.ruleset.roles
    if model is None or "question" not in reader.tables or not accounts:
        return {}
    marks = ", ".join("?" for _ in accounts)
    rows = reader.select(
        f"""SELECT q.*, c.name AS ask, o.name AS about, d.name AS deal FROM question q
        LEFT JOIN snapshot.contact c ON c.id = q.ask_contact_id
        LEFT JOIN snapshot.contact o ON o.id = q.about_contact_id
        LEFT JOIN snapshot.deal d ON d.id = q.deal_id
        WHERE q.account_id IN ({marks}) ORDER BY q.account_id, q.account_place""",
        accounts,
    )
    known = {question.id: question for question in model.questions}
    found: dict[str, list[QuestionFinding]] = defaultdict(list)
    for row in rows:
        question = known[row["question"]]
        found[row["account_id"]].append(
            QuestionFinding(
                question=question.id,
                at=str(question.at),
                role=row["role"],
                label=reader.labels.role(row["role"], reader.language),
                deal_id=row["deal_id"],
                deal=short(row["deal"] or "") if row["deal_id"] else word("no_deal", reader.language),
                ask_contact_id=row["ask_contact_id"],
                ask=short(row["ask"] or row["ask_contact_id"]),
                about_contact_id=row["about_contact_id"],
                about=short(row["about"] or row["about_contact_id"]),
                text=short(question.ask.of(reader.language)),
                gain=row["gain"],
                knows=row["knows"],
            )
        )
    return {account: tuple(questions) for account, questions in found.items()}
