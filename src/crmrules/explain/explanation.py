"""What an explanation consists of: plain data in one language, ready to be printed or serialised."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One leaf of a condition with the value it met."""

    field: str  # dotted path
    test: str  # the leaf in words
    actual: str  # the value in words
    holds: bool | None  # None: a value was missing


@dataclass(frozen=True, kw_only=True)
class Flip:
    """The smallest change of one number or date that changes an outcome."""

    field: str
    to: str  # the value that would do, ISO or plain number; '' where only time passes
    days: int | None  # days that have to pass, where time alone does it
    outcome: str  # the outcome's code afterwards ('' = a flag goes away)
    rule: str  # the rule that would decide then; '' = the default
    text: str


@dataclass(frozen=True, kw_only=True)
class NotFired:
    """A rule that stands before the winner and did not fire, with the leaves that failed."""

    rule: str
    at: str
    outcome: str
    outcome_label: str
    failed: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class ClassFinding:
    """A class of the subject and everything that speaks for and against it."""

    name: str
    label: str
    value: str  # the value's code; several joined by ', ' where the class collects
    value_label: str
    rule: str  # '' = no rule won
    at: str
    why: str
    note: str  # default, copy, hysteresis or conflict, said in words; else ''
    because: tuple[Reason, ...]
    against: tuple[NotFired, ...]
    changes: tuple[Flip, ...]


@dataclass(frozen=True, kw_only=True)
class EvidenceLine:
    """One evidence item: where it stands and how much it says."""

    item: str
    at: str
    deal_id: str  # '' counts for every deal
    family: str
    family_label: str
    role: str
    role_label: str
    against: bool
    weight: float  # as the ruleset says, 0..1
    decayed: float  # on as_of, 0..1
    date: str  # ISO, '' = undated
    source: str  # object:id of the record
    excerpt: str  # from the record, cut
    why: str


@dataclass(frozen=True, kw_only=True)
class RoleScore:
    """One role's score of a part."""

    role: str
    label: str
    score: float
    band: str
    band_label: str


@dataclass(frozen=True, kw_only=True)
class RoleFinding:
    """A contact's part in one deal (``deal_id`` '': in no particular deal)."""

    contact_id: str
    contact: str
    deal_id: str
    deal: str
    role: str
    label: str
    score: float | None
    band: str
    band_label: str
    manual: bool  # set by a person
    writable: bool
    stance: str
    stance_label: str
    evidence: tuple[EvidenceLine, ...]  # for the role, strongest first
    against: tuple[EvidenceLine, ...]
    stance_evidence: tuple[EvidenceLine, ...]
    others: tuple[RoleScore, ...]  # the other roles, best first
    changes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class QuestionFinding:
    """Whom to ask what, because nobody is known to play a role in a deal."""

    question: str
    at: str
    role: str
    label: str  # of the role
    deal_id: str  # '' = the account has no open deal
    deal: str
    ask_contact_id: str
    ask: str  # name
    about_contact_id: str  # who seems to play the role so far, '' = nobody
    about: str
    text: str
    gain: float  # bits, times what it is worth
    knows: float  # how likely the contact can and will tell, 0..1


@dataclass(frozen=True, kw_only=True)
class FlagFinding:
    """A flag that is raised on the record or, for an account, on one of its deals or contacts."""

    flag: str
    label: str
    object: str
    record_id: str
    severity: str
    at: str
    why: str
    because: tuple[Reason, ...]
    changes: tuple[Flip, ...]


@dataclass(frozen=True, kw_only=True)
class GuardFinding:
    """A guard that forbids writing or deciding about the record."""

    id: str
    effect: str
    at: str
    why: str
    because: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class WriteFinding:
    """What the outcomes want in the CRM."""

    kind: str
    name: str
    value: str
    rule: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Everything decided about one record, in one language."""

    object: str
    record_id: str
    name: str
    account_id: str
    language: str
    as_of: str
    ruleset: str
    snapshot: str
    classes: tuple[ClassFinding, ...]
    roles: tuple[RoleFinding, ...]
    questions: tuple[QuestionFinding, ...]
    flags: tuple[FlagFinding, ...]
    guards: tuple[GuardFinding, ...]
    writes: tuple[WriteFinding, ...]
    note: str  # the strategy note's body, '' = none
