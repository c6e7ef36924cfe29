"""What we want in the CRM, how it differs from what stands there, and what came of writing it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Kind = Literal["tag", "field", "note"]

AUTHOR = "crmrules"  # of every note that we write


@dataclass(frozen=True, order=True, kw_only=True)
class Target:
    """A place in the CRM that we may write: a field, a tag, or our note on a record.

    ``record_id`` of a composite key is ``deal_id|contact_id``. ``name`` is the field's name, the
    tag's prefix (``seg.value``: one value at a time) or the whole tag (``flag.x``, ``flag=x``; its
    value is ''), or the note's title.
    """

    object: str  # canonical object
    record_id: str
    kind: Kind
    name: str


def tag_text(name: str, value: str) -> str:
    """Return the tag itself: ``seg.value=high``, or the bare *name* where *value* is ''."""
    return f"{name}={value}" if value else name


def tag_value(name: str, tags: Iterable[str]) -> str | None:
    """Return what a record's *tags* say under *name*: None where no tag has that prefix.

    A *name* with ``=`` is a whole tag, one of many under its prefix: '' where it is there. Several tags of one prefix, which only a person can have made, are answered together
    (sorted, joined by ``" | "``), so they never look like the one that we wrote.
    """
    if "=" in name:
        return "" if name in tags else None
    found = sorted({"" if tag == name else tag[len(name) + 1 :] for tag in tags if tag.partition("=")[0] == name})
    return " | ".join(found) if found else None


def shown_value(target: Target, value: str | None) -> str:
    """Return how *value* at *target* is shown: '' for nothing; a tag that is only a name is its own value."""
    return target.name if value == "" and target.kind == "tag" else value or ""


@dataclass(frozen=True, kw_only=True)
class Desired:
    """A target and the value that the outcomes want there; None wants it empty or gone."""

    target: Target
    account_id: str
    value: str | None
    rule: str  # rule ids that led here
    reason_zh: str
    reason_en: str


class Cause(StrEnum):
    """Why a change is due."""

    first = "first"  # never written before
    data = "data"  # the records changed
    rule = "rule"  # the ruleset or its parameters changed
    time = "time"  # only as_of moved: decay or a window
    withdrawn = "withdrawn"  # the outcome no longer holds


class Verdict(StrEnum):
    """What the three-way merge says (last written / current / desired)."""

    write = "write"
    keep_human = "keep_human"  # a person changed what we wrote, or wrote it first
    unchanged = "unchanged"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One difference of a plan."""

    id: int  # position in the plan, from 1
    target: Target
    account_id: str
    old: str | None  # what stands in the CRM (and must still stand there when it is applied)
    new: str | None
    rule: str
    reason_zh: str
    reason_en: str
    cause: Cause = Cause.first


@dataclass(frozen=True, kw_only=True)
class Dissent:
    """A person's value that we respect although the outcome differs; stored as a label."""

    target: Target
    account_id: str
    human: str | None
    ours: str | None
    rule: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All changes of a run, as saved: what `apply` executes, exactly."""

    profile: str
    ruleset: str  # name@version
    ruleset_digest: str
    engine: str
    as_of: str
    snapshot: str  # the snapshot's content id
    changes: tuple[Change, ...] = ()
    dissents: tuple[Dissent, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)  # subjects per object, for the brakes
    id: str = ""  # sha256 over everything above, 12 hex digits


class Result(StrEnum):
    """What became of one change."""

    written = "written"
    stale = "stale"  # somebody changed it between plan and apply; not touched
    refused = "refused"  # the CRM will never take it
    failed = "failed"  # may be retried
    unknown = "unknown"  # sent, but no answer; a resume reads the CRM to find out


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The CRM's answer to one change: ``echo`` is what stands there afterwards."""

    target: Target
    result: Result
    echo: str | None = None
    message: str = ""
