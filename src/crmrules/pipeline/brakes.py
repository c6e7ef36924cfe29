"""Brakes: a run that would turn over too much at once stops before its first write.

They measure what changes of that which already stands in the CRM with our values; the first
writing of anything is free, so a first run, or a new class, never stops. Small numbers never
stop either: of three customers one is always a third.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from crmrules.errors import Location, Problem, StoppedByBrake
from crmrules.model.changes import Cause, Change, Plan, tag_text


@dataclass(frozen=True, kw_only=True)
class Brakes:
    """How much may change in one run. Shares (0..1) are of what carries our values."""

    share: float = 0.3  # records of an object that carry values of ours and change or lose one
    tag_share: float = 0.3  # holders of one tag that lose it
    note_deletes: int = 20  # notes of ours on an object that are deleted ...
    note_share: float = 0.1  # ... if they are more than this share of them, too
    at_least: int = 20  # so many or fewer records never stop a run

    def allowing(self, share: float | None) -> Brakes:
        """Return brakes that let *share* of everything through (``--allow-share``)."""
        if share is None:
            return self
        return replace(
            self,
            share=max(self.share, share),
            tag_share=max(self.tag_share, share),
            note_share=max(self.note_share, share),
        )


def check_brakes(plan: Plan, brakes: Brakes) -> None:
    """Raise StoppedByBrake with every brake that *plan* trips, and by how much."""
    problems = [
        *_tripped(plan, _subjects(plan.changes), "held", brakes.share, brakes.at_least),
        *_tripped(plan, _tags(plan.changes), "tag", brakes.tag_share, brakes.at_least),
        *_tripped(plan, _notes(plan.changes), "note", brakes.note_share, brakes.note_deletes),
    ]
    if problems:
        raise StoppedByBrake(problems)


def _subjects(changes: Iterable[Change]) -> Counter[str]:
    records = {(c.target.object, c.target.record_id) for c in changes if c.cause is not Cause.first}
    return Counter(object for object, _ in records)


def _tags(changes: Iterable[Change]) -> Counter[str]:
    return Counter(
        f"{c.target.object}:{tag_text(c.target.name, c.old)}"
        for c in changes
        if c.target.kind == "tag" and c.old is not None
    )


def _notes(changes: Iterable[Change]) -> Counter[str]:
    return Counter(c.target.object for c in changes if c.target.kind == "note" and c.new is None)


_WHAT = {
    "held": ("brake-subjects", "{n} of {of} {name} records that carry values of ours would change"),
    "tag": ("brake-tag", "{n} of {of} holders would lose the tag {name}"),
    "note": ("brake-notes", "{n} of {of} notes of ours on {name} records would be deleted"),
}


def _tripped(plan: Plan, numbers: Counter[str], what: str, limit: float, at_least: int) -> Iterable[Problem]:
    code, message = _WHAT[what]
    for name, number in sorted(numbers.items()):
        of = max(plan.counts.get(f"{what}:{name}", 0), number)
        if number > at_least and number > limit * of:
            yield Problem(
                code,
                f"{message.format(n=number, of=of, name=name)} ({number / of:.0%}; the brake is at {limit:.0%})",
                Location(f"plan {plan.id}"),
                hint=f"look at the plan; if it is meant, say `--allow-share {_up(number / of)}`",
            )


def _up(share: float) -> str:
    return f"{min(1.0, int(share * 100 + 1) / 100):g}"
