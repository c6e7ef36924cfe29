"""What a decision says of each subject, and which expectations about changed subjects fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from typing import Any, NamedTuple

import duckdb

from crmrules.authoring.coverage.stage import Stage
from crmrules.evaluation.sql import quote
from crmrules.language.ruleset import Ruleset
from crmrules.testing.grading import Expectation, grade
from crmrules.testing.together import placed_case


class Subject(NamedTuple):
    """Whom an expectation is about, as the batch calls them."""

    account: str
    object: str  # account | contact | deal
    id: str


# What cases can ask for besides classes: table, whom of its rows it tells something of (object, column), what it tells.
_ROLE = ("contact_id", "role", "band", "roles", "stance", "source", "writable")
_WANTING = "CASE object WHEN 'deal_contact' THEN 'contact' ELSE object END"  # who plays a part in a deal is the contact
_ASKED: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("contact_role", "'contact'", "contact_id", _ROLE),
    ("part", "'contact'", "contact_id", ("deal_id", "role")),
    ("part", "'deal'", "deal_id", ("contact_id", "role")),
    ("flag", "'account'", "account_id", ("object", "record_id", "flag")),
    ("flag", "'deal'", "deal_id", ("flag",)),
    ("note", "object", "record_id", ("language", "body")),
    ("desired", _WANTING, "wanting", ("object", "record_id", "kind", "name", "value")),
)
_IDS = ("id", "contact_id", "deal_id", "record_id")


def told(
    con: duckdb.DuckDBPyConnection, ruleset: Ruleset, ranked: frozenset[str], *, copies: bool
) -> dict[str, dict[Subject, list[tuple[int, int]]]]:
    """Return mark -> subject -> a fingerprint of each table that cases can ask for, ranks in classes *ranked* aside.

    Without *copies* the mark is ''.
    """
    found: dict[str, dict[Subject, list[tuple[int, int]]]] = {} if copies else {"": {}}
    for table, sql in enumerate(_fingerprints(ruleset, ranked, copies)):
        for mark, account, object, id, print in con.execute(sql).fetchall():
            if id:
                found.setdefault(mark, {}).setdefault(Subject(account, object, id), []).append((table, print))
    return found


def _fingerprints(ruleset: Ruleset, ranked: frozenset[str], copies: bool) -> Iterator[str]:
    for table, object, id, columns in _ASKED:
        if ruleset.roles is not None or table not in ("contact_role", "part"):
            yield _fingerprint(table, object, id, columns, copies)
    for of in ("account", "contact", "deal"):
        classes = [d.name for d in ruleset.classes.values() if d.of == of and d.name not in ranked]
        yield _fingerprint(f"{of}_outcome", f"'{of}'", "id", ("id", *classes), copies)


def _fingerprint(table: str, object: str, id: str, columns: tuple[str, ...], copies: bool) -> str:
    mark = "split_part(account_id, '/', 1)" if copies else "''"

    def own(sql: str) -> str:
        return f"replace({sql}, {mark} || '/', '')" if copies else sql

    subject = own("list_last(string_split(record_id, '|'))" if id == "wanting" else quote(id))
    values = ", ".join(own(quote(c)) if c in _IDS else quote(c) for c in columns)
    return (
        f"SELECT {mark} AS mark, {own('account_id')} AS account, {object} AS object, {subject} AS id,"
        f" bit_xor(hash({values})) FROM {quote(table)} GROUP BY ALL"
    )


def graded(
    con: duckdb.DuckDBPyConnection,
    there: Stage,
    notes: Mapping[tuple[str, str], str],
    case: Mapping[str, Any],
    mark: str,
    changed: Set[Subject],
) -> Expectation | None:
    """Return the first expectation of *case* about *changed* subjects that the copy *mark* fails, and the batch does not."""
    about = _about(case, changed)
    failed = [one for one in _all(con, there, notes, about, f"{mark}/") if not one.passed]
    if not failed:
        return None
    known = {_named(one) for one in _all(there.con, there, there.notes, about, "") if not one.passed}
    return next((one for one in failed if _named(one) not in known), None)


def _about(case: Mapping[str, Any], changed: Set[Subject]) -> Mapping[str, Any]:
    """Return *case* without what it expects of other subjects than *changed*."""
    there = {(subject.object, subject.id) for subject in changed}
    expected = case["expected"]
    kept = {
        kind: {id: wanted for id, wanted in expected.get(f"{kind}s", {}).items() if (kind, id) in there}
        for kind in ("contact", "deal")
    }
    own = expected["account"] if ("account", case["account"]["id"]) in there else {}
    return {
        **case,
        "more_accounts": [more for more in case.get("more_accounts", ()) if ("account", more["id"]) in there],
        "expected": {"account": own, "contacts": kept["contact"], "deals": kept["deal"]},
    }


def _all(
    con: duckdb.DuckDBPyConnection,
    there: Stage,
    notes: Mapping[tuple[str, str], str],
    case: Mapping[str, Any],
    mark: str,
) -> Iterator[Expectation]:
    """Yield every expectation of *case* about the copy *mark*, in the author's words."""
    for one in grade(con, there.batch.ruleset, placed_case(case, mark), notes):
        plain = one
        if mark:
            plain = replace(one, subject=one.subject.replace(mark, ""), what=one.what.replace(mark, ""), evidence=())
        yield there.batch.told(plain)


def _named(one: Expectation) -> tuple[str, ...]:
    return one.kind, one.subject, one.what, one.wanted
