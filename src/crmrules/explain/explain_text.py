"""An explanation as plain text for a terminal, and as JSON for machines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from crmrules.explain.explanation import (
    ClassFinding,
    EvidenceLine,
    Explanation,
    FlagFinding,
    QuestionFinding,
    Reason,
    RoleFinding,
)
from crmrules.explain.words import word

MOST_EVIDENCE = 8  # items listed per role
MOST_AGAINST = 5
_MARKS = {True: "✓", False: "✗", None: "?"}


def to_json(explanation: Explanation) -> str:
    """Return *explanation* as JSON, keys as the dataclasses name them."""
    return json.dumps(asdict(explanation), ensure_ascii=False, indent=2, sort_keys=True)


def to_text(explanation: Explanation) -> str:
    """Return *explanation* as plain lines, the same for the same decision."""
    return "\n".join(_lines(explanation)) + "\n"


def _lines(e: Explanation) -> Iterator[str]:
    language = e.language
    yield f"{e.object} {e.record_id} · {e.name}" if e.name else f"{e.object} {e.record_id}"
    yield f"{word('as_of', language)} {e.as_of} · {word('ruleset', language)} {e.ruleset}"
    if not (e.classes or e.roles or e.flags or e.guards or e.note):
        yield word("nothing_decided", language)
    sections = (
        ("classes", (_class(c, language) for c in e.classes)),
        ("roles", (_role(r, e.object, language) for r in e.roles)),
        ("questions", (_question(q, e.object, language) for q in e.questions)),
        ("flags", (_flag(f, language) for f in e.flags)),
        ("guards", (_titled(f"{g.id} ({g.at})", g.why, g.because) for g in e.guards)),
        (
            "writes",
            (
                [f"{w.kind} {w.name}" + (f" = {w.value}" if w.value else "") + f" ({_joined(w.reason, w.rule)})"]
                for w in e.writes
            ),
        ),
        ("notes", iter([[e.note]] if e.note else [])),
    )
    for key, blocks in sections:
        lines = [line for block in blocks for line in block]
        if lines:
            yield ""
            yield word(key, language)
            yield from (f"  {line}" for line in lines)


def _class(c: ClassFinding, language: str) -> Iterator[str]:
    yield f"{c.label} [{c.name}]: {c.value_label} [{c.value}]"
    if c.rule:
        yield f"    {word('by_rule', language)}: {c.rule} ({c.at})"
    if c.note:
        yield f"    {c.note}"
    if c.why:
        yield f"    {c.why}"
    yield from _reasons(word("because", language), c.because)
    against = [
        word("not_fired", language, outcome=n.outcome_label, rule=n.rule, test=r.test, actual=r.actual) + f" ({n.at})"
        for n in c.against
        for r in n.failed[:1]
    ]
    yield from _list(word("against", language), against, MOST_AGAINST, language)
    changes = [flip.text for flip in c.changes] or [word("nothing", language)]
    yield from _list(word("would_change", language), changes, len(changes), language)


def _role(r: RoleFinding, object: str, language: str) -> Iterator[str]:
    who = r.deal if object == "contact" else f"{r.contact} [{r.contact_id}] · {r.deal}"
    score = f"{word('score', language)} {r.score:.2f}, " if r.score is not None else ""
    yield f"{who}: {r.label} [{r.role}] ({score}{word('band', language)} {r.band_label})"
    yield f"    {word('stance', language)}: {r.stance_label}"
    if r.manual:
        yield f"    {word('manual', language)}"
    if not r.writable:
        yield f"    {word('not_writable', language)}"
    shown = [evidence_line(e, language) for e in r.evidence] or [word("no_evidence", language)]
    yield from _list(word("because", language), shown, MOST_EVIDENCE, language)
    against = [evidence_line(e, language) for e in r.against]
    yield from _list(word("against", language), against, MOST_EVIDENCE, language)
    others = [f"{s.label} {s.score:.2f} ({s.band_label})" for s in r.others]
    yield from _list(word("others", language), others, MOST_AGAINST, language)
    yield from _list(word("would_change", language), list(r.changes), len(r.changes), language)


def _question(q: QuestionFinding, object: str, language: str) -> Iterator[str]:
    where = "" if object == "deal" else f" · {q.deal}"
    yield f"{q.ask} [{q.ask_contact_id}]{where}: {q.text}"
    so_far = word("so_far", language, who=f"{q.about} [{q.about_contact_id}]") if q.about else word("nobody", language)
    told = word("teaches", language, gain=f"{q.gain:.3f}", knows=f"{q.knows:.2f}")
    yield f"    {q.label}: {so_far}; {told} · {q.question} ({q.at})"


def _flag(f: FlagFinding, language: str) -> Iterator[str]:
    where = "" if f.object == "account" else f" · {f.object} {f.record_id}"
    yield f"{f.label} [{f.flag}] ({word(f'severity.{f.severity}', language)}){where} ({f.at})"
    if f.why:
        yield f"    {f.why}"
    yield from _reasons(word("because", language), f.because)
    yield from _list(word("would_change", language), [c.text for c in f.changes], len(f.changes), language)


def evidence_line(e: EvidenceLine, language: str) -> str:
    """Return one item on a line: date, source, reason, excerpt, weight and what decay left of it."""
    told = " · ".join(dict.fromkeys(filter(None, (e.why, f"“{e.excerpt}”" if e.excerpt else ""))))
    weights = f"{word('weight', language)} {e.weight:.2f}, {word('decayed', language)} {e.decayed:.2f}"
    return (
        f"{e.date or word('undated', language)} {e.source} · {told} · {e.item} ({e.family_label}; {weights}) ({e.at})"
    )


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def _titled(title: str, why: str, because: tuple[Reason, ...]) -> Iterator[str]:
    yield title
    if why:
        yield f"    {why}"
    yield from (f"    {_MARKS[r.holds]} {r.test} ({r.actual})" for r in because)


def _reasons(title: str, because: tuple[Reason, ...]) -> Iterator[str]:
    if because:
        yield f"    {title}:"
        yield from (f"      {_MARKS[r.holds]} {r.test} ({r.actual})" for r in because)


def _list(title: str, lines: list[str], most: int, language: str) -> Iterator[str]:
    if lines:
        yield f"    {title}:"
        yield from (f"      - {line}" for line in lines[:most])
        if len(lines) > most:
            yield f"      {word('more', language, n=len(lines) - most)}"
