"""Grade a decision against a case's `expected` block (domain.md part 5).

A role passes when it equals `role` or stands in `accept`; a role in `never` is a hard failure; a
confidence may be one band off; stances are compared in groups (supporter and neutral are one).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from crmrules.evaluation.sql import quote
from crmrules.language.ruleset import UNKNOWN, Ruleset

# What share of the expectations of a kind must hold; the kinds without a bar are reported only.
BARS: Mapping[str, float] = {"never": 1.0, "role": 0.90, "class": 1.0, "flag": 0.95, "write": 1.0, "repeat": 1.0}
_CONFIDENCE = ("none", "low", "medium", "high")
_STANCE_GROUP = {"supporter": "neutral"}


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """One thing that a case expects, and what came of it."""

    case: str
    kind: str  # role | never | also | confidence | stance | class | flag | note | deal | write | repeat
    subject: str  # e.g. "contact c1"
    what: str  # e.g. "value_tier"
    wanted: str
    got: str
    passed: bool
    evidence: tuple[str, ...] = ()  # what led to it, strongest first


@dataclass(frozen=True, kw_only=True)
class _Graded:
    con: duckdb.DuckDBPyConnection
    ruleset: Ruleset
    case: str
    notes: Mapping[tuple[str, str], str]

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        return self.con.execute(sql, list(values)).fetchall()

    def one(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        found = self.rows(sql, *values)
        return found[0] if found else None

    def expect(
        self,
        kind: str,
        subject: str,
        what: str,
        wanted: object,
        got: object,
        passed: bool,
        evidence: Sequence[str] = (),
    ) -> Expectation:
        return Expectation(
            case=self.case, kind=kind, subject=subject, what=what, wanted=_text(wanted), got=_text(got), passed=passed,
            evidence=tuple(evidence),
        )  # fmt: skip


def grade(
    con: duckdb.DuckDBPyConnection, ruleset: Ruleset, case: Mapping[str, Any], notes: Mapping[tuple[str, str], str]
) -> Iterator[Expectation]:
    """Yield every expectation of *case*; *notes* maps (object, record id) to the notes in all languages."""
    graded = _Graded(con=con, ruleset=ruleset, case=case["id"], notes=notes)
    expected = case["expected"]
    yield from _account(graded, case["account"]["id"], expected["account"])
    for id, wanted in sorted(expected.get("contacts", {}).items()):
        yield from _contact(graded, id, wanted)
    for id, wanted in sorted(expected.get("deals", {}).items()):
        yield from _deal(graded, id, wanted)
    for more in case.get("more_accounts", ()):
        yield from _more(graded, more["id"], more["expected"])


def _account(graded: _Graded, id: str, wanted: Mapping[str, Any]) -> Iterator[Expectation]:
    yield from _classes(graded, "account", id, wanted.get("classes", {}))
    yield from _flags(graded, "account", id, wanted)
    yield from _note(graded, "account", id, wanted.get("note"))


def _flags(graded: _Graded, of: str, id: str, wanted: Mapping[str, Any]) -> Iterator[Expectation]:
    """An account has its own flags and those of its deals and contacts; a deal only its own."""
    rows = graded.rows(f"SELECT object, record_id, flag FROM flag WHERE {of}_id = ? ORDER BY ALL", id)
    raised = {flag: [str(row[:2]) for row in rows if row[2] == flag] for _, _, flag in rows}
    for expected, flags in (("present", wanted.get("flags", ())), ("absent", wanted.get("not_flags", ()))):
        for flag in flags:
            got = "present" if flag in raised else "absent"
            yield graded.expect("flag", f"{of} {id}", flag, expected, got, got == expected, raised.get(flag, ()))


def _classes(graded: _Graded, of: str, id: str, wanted: Mapping[str, Any]) -> Iterator[Expectation]:
    for name, value in wanted.items():
        dimension = graded.ruleset.classes.get(name)
        if dimension is None or dimension.of != of:
            yield graded.expect("class", f"{of} {id}", name, value, "not implemented", False)
            continue
        row = graded.one(f"SELECT {quote(name)}, {quote(name + '.rule')} FROM {of}_outcome WHERE id = ?", id)
        got, rule = row or (None, None)
        yield graded.expect("class", f"{of} {id}", name, value, got, got == value, [f"rule {rule or 'otherwise'}"])


def _contact(graded: _Graded, id: str, wanted: Mapping[str, Any]) -> Iterator[Expectation]:
    row = graded.one(
        "SELECT role, band, score, roles, stance, source, writable FROM contact_role WHERE contact_id = ?", id
    )
    role, band, _, roles, stance, source, writable = row or (UNKNOWN, UNKNOWN, None, [], UNKNOWN, "", True)
    subject, why = f"contact {id}", _evidence(graded, id)
    accepted = {wanted["role"], *wanted.get("accept", ())}
    yield graded.expect("role", subject, "role", "|".join(sorted(accepted)), role, role in accepted, why)
    if never := wanted.get("never"):
        yield graded.expect("never", subject, "role", f"none of {', '.join(never)}", role, role not in never, why)
    for also in wanted.get("also", ()):
        yield graded.expect("also", subject, "roles", also, ", ".join(roles), also in roles, why)
    confidence = "none" if band == UNKNOWN else band
    near = abs(_CONFIDENCE.index(confidence) - _CONFIDENCE.index(wanted["confidence"])) <= 1
    yield graded.expect("confidence", subject, "band", wanted["confidence"], confidence, near, why)
    if "stance" in wanted:
        same = _STANCE_GROUP.get(stance, stance) == _STANCE_GROUP.get(wanted["stance"], wanted["stance"])
        yield graded.expect("stance", subject, "stance", wanted["stance"], stance, same)
    yield from _classes(graded, "contact", id, wanted.get("classes", {}))
    if wanted.get("source") == "manual":
        yield graded.expect(
            "write", subject, "source", "manual, not written", source, source == "manual" and not writable
        )
    if wanted.get("write") == "none":
        written = _written(graded, "contact", id)
        yield graded.expect("write", subject, "written", "nothing", ", ".join(written) or "nothing", not written)
    elif band in ("low", UNKNOWN):  # a guess is never a tag
        tags = [t for t in _written(graded, "contact", id) if t.startswith("tag role")]
        yield graded.expect("write", subject, "role tag", "none", ", ".join(tags) or "none", not tags)
    yield from _note(graded, "contact", id, wanted.get("note"))


def _deal(graded: _Graded, id: str, wanted: Mapping[str, Any]) -> Iterator[Expectation]:
    classes = {name: value for name, value in wanted.items() if name not in ("roles", "flags", "not_flags")}
    yield from _classes(graded, "deal", id, classes)
    yield from _flags(graded, "deal", id, wanted)
    for contact, role in wanted.get("roles", {}).items():
        row = graded.one("SELECT role FROM part WHERE deal_id = ? AND contact_id = ?", id, contact)
        got = row[0] if row else UNKNOWN
        yield graded.expect(
            "deal", f"deal {id}", f"role of {contact}", role, got, got == role, _evidence(graded, contact)
        )


def _more(graded: _Graded, id: str, wanted: Mapping[str, Any]) -> Iterator[Expectation]:
    if wanted.get("excluded"):
        written = _written(graded, "account", id)
        yield graded.expect(
            "write", f"account {id}", "written", "nothing", ", ".join(written) or "nothing", not written
        )
        return
    yield from _account(graded, id, wanted)
    for name, value in wanted.get("not", {}).items():
        row = graded.one(f"SELECT {quote(name)} FROM account_outcome WHERE id = ?", id)
        got = row[0] if row else None
        yield graded.expect("class", f"account {id}", name, f"not {value}", got, row is not None and got != value)


def _note(graded: _Graded, object: str, id: str, wanted: Mapping[str, Any] | None) -> Iterator[Expectation]:
    note = graded.notes.get((object, id), "")
    lower = note.lower()
    for words in (wanted or {}).get("say", ()):
        said = any(str(word).lower() in lower for word in words)
        yield graded.expect(
            "note", f"{object} {id}", "note", f"one of {' / '.join(map(str, words))}", note or "no note", said
        )
    for word in (wanted or {}).get("not", ()):
        yield graded.expect("note", f"{object} {id}", "note", f"not {word}", note, str(word).lower() not in lower)


def _written(graded: _Graded, object: str, id: str) -> list[str]:
    rows = graded.rows(
        "SELECT DISTINCT kind || ' ' || name || coalesce('=' || value, '') FROM desired WHERE (object = ? AND record_id = ?)"
        " OR (object = 'deal_contact' AND ? = 'contact' AND split_part(record_id, '|', 2) = ?) ORDER BY 1",
        object, id, object, id,
    )  # fmt: skip
    return [row[0] for row in rows]


def _evidence(graded: _Graded, id: str) -> list[str]:
    """Return the contact's evidence as lines, strongest first."""
    rows = graded.rows(
        "SELECT role, item, CASE WHEN against THEN -decayed ELSE decayed END, source_object, source_id, date FROM evidence"
        " WHERE contact_id = ? ORDER BY decayed DESC, role, item, source_id",
        id,
    )
    return [f"{role} {weight:+.2f} {item} ({object} {source}{f', {day}' if day else ''})"
            for role, item, weight, object, source, day in rows]  # fmt: skip


def _text(value: object) -> str:
    return UNKNOWN if value is None else str(value)
