"""What the journal is asked for and answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from crmrules.model.changes import Change, Receipt

RunKind = Literal["pull", "decide", "apply", "undo", "sync"]
Status = Literal["running", "done", "partial", "stopped", "interrupted"]
Place = Path | str  # a SQLite file, or the URL of a PostgreSQL database


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a run's values come from."""

    plan: str = ""  # the plan's id
    ruleset: str = ""  # name@version
    ruleset_digest: str = ""
    as_of: str = ""
    snapshot: str = ""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One execution. ``interrupted``: it ended (or died) with writes of unknown result."""

    id: int
    kind: RunKind
    profile: str
    origin: Origin
    undoes: int | None  # the run that this one takes back
    started: str
    ended: str | None
    status: Status
    counts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Written:
    """What is ours at a target. ``value`` None: nothing (any more)."""

    value: str | None  # what the CRM made of it, as it stood there after our last write
    wanted: str | None  # what we asked for
    account_id: str = ""
    rule: str = ""
    ruleset_digest: str = ""
    as_of: str = ""


NOTHING = Written(value=None, wanted=None)  # nothing of ours


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A write about to be made: ``change``, what is ours before it and what will be after it."""

    change: Change
    before: Written | None
    after: Written
    id: int = 0  # given by the journal
    run: int = 0


@dataclass(frozen=True, kw_only=True)
class Step:
    """An intent with its answer; ``receipt`` None: not known (yet)."""

    intent: Intent
    receipt: Receipt | None
