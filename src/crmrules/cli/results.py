"""Results in words and tables; the same for a single command, ``sync`` and ``demo``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crmrules.cli.output import Output
from crmrules.cli.words import WORDS, word
from crmrules.language.ruleset import UNKNOWN, Ruleset
from crmrules.model.changes import shown_value
from crmrules.model.text import clean

if TYPE_CHECKING:
    from crmrules.app.deciding import Decided, Planned
    from crmrules.app.doctor import Examination
    from crmrules.contracts.connector import Check
    from crmrules.model.changes import Change, Receipt
    from crmrules.pipeline.execute import Report
    from crmrules.pipeline.pull import PullReport
    from crmrules.pipeline.runs import RunDetail
    from crmrules.stores.journal import Run

MOST_CHANGES = 20
_KINDS = 8  # of texts, listed in a line


def pulled(out: Output, report: PullReport) -> None:
    """Tell what a pull did, and what it complains about."""
    from crmrules.model.objects import OBJECTS

    names = ("object", "stored", "new", "changed", "deleted", "quarantined")
    rows = [
        (OBJECTS[name].label.of(out.lang), c.stored, c.new, c.changed, c.deleted, c.quarantined)
        for name, c in report.objects.items()
    ]
    out.table(word("pulled", out.lang), [word(name, out.lang) for name in names], rows)
    for warning in report.warnings:
        for line in str(warning).splitlines():
            out.note(line)


_MARKS: Mapping[str, str] = {"ok": "✓", "warning": "!", "error": "✗"}


def examined(out: Output, found: Examination) -> None:
    """Tell what the doctor found, what to do about it, how full the fields are, and what a run will cost."""
    lang = out.lang
    if found.fields:
        heads = [word(w, lang) for w in ("field", "in_the_crm", "filled", "sampled", "untranslated")]
        rows = [
            (
                f"{f.object}.{f.name}", f.native, "" if f.fill.share is None else f"{f.fill.share:.0%}", f.fill.of,
                ", ".join(f.untranslated[:5]) + (" ..." if len(f.untranslated) > 5 else ""),
            )
            for f in found.fields
        ]  # fmt: skip
        out.table(word("fills", lang), heads, rows)
    if found.cost and (found.cost.first.calls or found.cost.first.credits):
        costs = (("cost_first", found.cost.first), ("cost_nightly", found.cost.nightly))
        out.table(
            word("cost_title", lang), ["", word("calls", lang), word("credits", lang)],
            [(word(key, lang), usage.calls, f"{usage.credits:g}") for key, usage in costs],
        )  # fmt: skip
        if found.cost.records is not None:
            out.say(word("cost_records", lang, n=f"{found.cost.records:,}"))
    if found.usage.left is not None:
        out.say(word("cost_left", lang, n=f"{found.usage.left:,g}"))
    out.say(word("examined", lang))
    checks(out, found.checks)
    errors = sum(check.state == "error" for check in found.checks)
    out.say(word("not_healthy", lang, n=errors) if errors else word("healthy", lang))


def checks(out: Output, found: Sequence[Check]) -> None:
    """List what was found, and what to do about it."""
    for check in found:
        out.say(f"  {_MARKS[check.state]} {check.message.of(out.lang)}")
        for line in check.hint.of(out.lang).splitlines() if check.state != "ok" else ():
            out.say(f"    → {line}")


def decided(out: Output, decided: Decided) -> None:
    """Tell how much was decided."""
    report, ruleset, lang = decided.report, decided.ruleset, out.lang
    name = f"{ruleset.name}@{ruleset.version}"
    out.say(word("decided", lang, ruleset=name, as_of=decided.as_of.isoformat(), engine=decided.engine))
    rows = [
        (
            dimension_label(ruleset, name, lang),
            sum(values.values()),
            " · ".join(f"{value_label(ruleset, name, value, lang)} {n}" for value, n in values.items()),
        )
        for name, values in report.classes.items()
    ]
    out.table(word("classes", lang), [word(w, lang) for w in ("class", "subjects", "values")], rows)
    roles = ruleset.roles.roles if ruleset.roles else {}
    out.table(
        word("roles", lang),
        [word("role", lang), word("contacts", lang)],
        [(roles[r].of(lang) if r in roles else word("unknown_value", lang), n) for r, n in report.roles.items()],
    )
    out.table(
        word("flags", lang),
        [word("flag", lang), word("accounts", lang)],
        [(ruleset.flags[f].label.of(lang) if f in ruleset.flags else f, n) for f, n in report.flags.items()],
    )
    for key, count in (("evidence", report.evidence), ("conflicts", report.conflicts), ("unmatched", report.unmatched)):
        if count:
            out.say(word(key, lang, n=count))
    if report.unheard:
        out.say(word("unheard", lang, n=sum(report.unheard.values()), all=report.texts, kinds=_counted(report.unheard)))
    if report.unheard_phrases:
        out.say(word("unheard_phrases", lang, phrases=_counted(report.unheard_phrases)))


def _counted(counts: Mapping[str, int]) -> str:
    return " · ".join(f"{clean(name) or '-'} {n}" for name, n in list(counts.items())[:_KINDS])


def decided_document(decided: Decided) -> Mapping[str, object]:
    """Return a decision's report as a document for machines."""
    ruleset = decided.ruleset
    return {
        "ruleset": f"{ruleset.name}@{ruleset.version}",
        "digest": ruleset.digest,
        "engine": decided.engine,
        "as_of": decided.as_of,
        **vars(decided.report),
    }


def planned(out: Output, planned: Planned, *, most: int | None = MOST_CHANGES, hint: bool = True) -> None:
    """List a plan's changes and say how to apply them."""
    plan, lang = planned.plan, out.lang
    if plan.changes:
        title = word("plan", lang, id=plan.id, n=len(plan.changes), as_of=plan.as_of)
        heads = [word(w, lang) for w in ("record", "where", "old", "new_value", "cause", "why")]
        out.table(title, heads, [_change(change, lang) for change in plan.changes[:most]])
        if most is not None and len(plan.changes) > most:
            out.say(word("more", lang, n=len(plan.changes) - most))
    else:
        out.say(word("plan_empty", lang, id=plan.id))
    if plan.dissents:
        out.say(word("dissents", lang, n=len(plan.dissents)))
    if hint:
        out.say(word("saved", lang, file=planned.file))
        if plan.changes:
            out.say(word("apply_with", lang, id=plan.id))


def written(out: Output, report: Report, key: str) -> None:
    """Tell what came of an apply or an undo (*key*: ``applied`` or ``undone``)."""
    lang = out.lang
    out.say(word(key, lang, run=report.run, n=report.count("written")))
    others = {result: n for result, n in report.counts.items() if result != "written" and n}
    out.table(
        word("not_written", lang), [word("result", lang), word("subjects", lang)],
        [(_word_or_self(result, lang), n) for result, n in sorted(others.items())],
    )  # fmt: skip
    shown = [(c, r) for c, r in report.not_written][:MOST_CHANGES]
    heads = [word(w, lang) for w in ("record", "where", "result", "message")]
    out.table(word("not_written", lang), heads, [_not_written(c, r, lang) for c, r in shown])
    if report.error:
        for line in str(report.error).splitlines():
            out.note(line)


def code(report: Report) -> int:
    """Return the exit code for a report: see :attr:`Report.exit_code`; a run that was asked to stop says so."""
    return 130 if report.stopped else report.exit_code


def runs(out: Output, found: Sequence[Run]) -> None:
    """List runs, newest first."""
    lang = out.lang
    if not found:
        out.say(word("no_runs", lang))
    heads = [word(w, lang) for w in ("run", "kind", "status", "started", "ruleset", "counts")]
    rows = [
        (
            r.id, r.kind, r.status, r.started, r.origin.ruleset,
            ", ".join(f"{n} {_word_or_self(name, lang)}" for name, n in sorted(r.counts.items())),
        )
        for r in found
    ]  # fmt: skip
    out.table(word("runs", lang), heads, rows)


def run_detail(out: Output, detail: RunDetail) -> None:
    """List every write of one run."""
    lang = out.lang
    runs(out, [detail.run])
    if detail.undone_by:
        out.say(word("undone_by", lang, runs=", ".join(map(str, detail.undone_by))))
    heads = [word(w, lang) for w in ("record", "where", "old", "new_value", "result", "why")]
    rows = [
        (
            *_change(step.intent.change, lang)[:4],
            _word_or_self(step.receipt.result if step.receipt else "unknown", lang),
            _reason(step.intent.change, lang),
        )
        for step in detail.steps
    ]
    out.table(word("run", lang), heads, rows)


def dimension_label(ruleset: Ruleset, name: str, language: str) -> str:
    """Return the label of a class, else its name."""
    return (ruleset.classes[name].label.of(language) if name in ruleset.classes else "") or name


def value_label(ruleset: Ruleset, name: str, value: str, language: str) -> str:
    """Return the label of a class's value, else the value."""
    if value in (UNKNOWN, "None"):
        return word("unknown_value", language)
    values = ruleset.classes[name].values if name in ruleset.classes else {}
    return (values[value].of(language) if value in values else "") or value


def _change(change: Change, language: str) -> tuple[str, ...]:
    target = change.target
    return (
        f"{target.object} {target.record_id}", f"{target.kind} {target.name}",
        _short(shown_value(target, change.old)), _short(shown_value(target, change.new)),
        word(change.cause, language), _reason(change, language),
    )  # fmt: skip


def _not_written(change: Change, receipt: Receipt, language: str) -> tuple[str, ...]:
    record, where, *_ = _change(change, language)
    return record, where, _word_or_self(receipt.result, language), receipt.message


def _reason(change: Change, language: str) -> str:
    return _short(change.reason_zh if language == "zh" else change.reason_en, 80)


def _short(value: Any, most: int = 40) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= most else text[: most - 1] + "…"


def _word_or_self(key: str, language: str) -> str:
    return word(key, language) if key in WORDS else key
