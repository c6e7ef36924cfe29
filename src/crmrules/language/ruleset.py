"""A loaded ruleset: frozen, resolved (parameters bound, parents merged), every part knows its place.

Field paths in conditions are dotted: ``net_12m`` is a field, feature or class of the subject
itself, ``account.demand_type`` one of the record that it refers to (`ObjectType.relations`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from crmrules.errors import NOWHERE, Location
from crmrules.language.conditions import ALWAYS, Choice, Condition, Scalar
from crmrules.language.expressions import Expression
from crmrules.model.objects import FieldType
from crmrules.model.program import Program
from crmrules.model.text import Text

UNKNOWN = "unknown"  # the value that every dimension and axis has

# ---------------------------------------------------------------- parameters and needs


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A policy of the selling company. ``by`` makes it depend on a column of the row."""

    name: str
    value: Scalar | tuple[Scalar, ...] | Mapping[str, Scalar]
    unit: str = ""
    label: Text = Text()
    by: str = ""
    cases: Mapping[str, Scalar] = field(default_factory=dict)
    at: Location = NOWHERE


@dataclass(frozen=True, kw_only=True)
class RequiredField:
    """A field that the ruleset reads and that no standard CRM has, or that must be filled."""

    object: str
    field: str
    type: FieldType
    label: Text = Text()
    optional: bool = True
    at: Location = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Subset:
    """A named subset of an object's records (``sets:``), usable as ``from:``."""

    name: str
    from_: str
    where: Condition
    at: Location = NOWHERE


# ---------------------------------------------------------------- features

Aggregation = Literal[
    "count", "sum", "mean", "min", "max", "median", "quantile", "distinct", "first", "last", "share",
    "any", "all", "top", "top_share", "interval_median", "interval_quantile", "days_since",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Money:
    """Bring a row's money into one currency: value * rates[row.currency] / rates[into].

    Rates are worths in any common currency, so choosing another ``into`` needs no new table.
    A row without a currency counts as ``into``; a row whose currency has no rate is missing.
    """

    field: str
    into: str
    rates: Mapping[str, Scalar]


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """One value per ``of`` out of its ``from_`` rows.

    Rows dated after as_of never count. count, distinct, sum, any of no rows are 0 / false;
    every other aggregation of no rows is missing.
    """

    name: str
    of: str  # subject
    from_: str  # object, subset, or derived frame ("mention", "evidence", "candidate", "fact.<name>")
    agg: Aggregation
    value: Expression | None = None  # what is aggregated; first/last/distinct/top take a single Name
    where: Condition = ALWAYS
    that: Condition | None = None  # share, any, all: the rows that count
    within: int | Choice | None = None  # days before as_of, both ends included
    before: int | Choice | None = None  # only rows older than so many days: date < as_of - days
    via: str = ""  # dotted path to the subject's id where the default link is not meant
    quantile: float = 0.5  # type-7
    money: Money | None = None
    type: FieldType = FieldType.number
    unit: str = ""
    label: Text = Text()
    at: Location = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Formula:
    """Arithmetic over the fields of one row; ``of`` may be any object (``order.net``)."""

    name: str
    of: str
    expr: Expression
    type: FieldType = FieldType.number
    unit: str = ""
    label: Text = Text()
    at: Location = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Score:
    """The place of a subject's value among cuts or among all subjects.

    cuts: 1 + number of cuts below the value (``closed: left``: cut <= x counts, bins are
    [lower, upper); ``closed: right``: cut < x). quantile: the cuts are the type-7 quantiles
    i/bins of the population plus ``offset``. ntile, rank, percent_rank, share_before as in SQL
    (share_before: cumulative share of the total before this subject, largest first; ties by id).
    ``order: desc`` reverses bins (bins + 1 - bin), or ranks from the largest.
    """

    name: str
    of: str
    by: Literal["cuts", "quantile", "ntile", "rank", "percent_rank", "share_before"]
    field: str
    cuts: tuple[Scalar, ...] = ()
    bins: int = 0
    offset: float | int = 0
    closed: Literal["left", "right"] = "left"
    order: Literal["asc", "desc"] = "asc"
    where: Condition = ALWAYS  # the population; others get no score
    minimum: int = 0  # members the population must have, else no score
    type: FieldType = FieldType.integer
    unit: str = ""
    label: Text = Text()
    at: Location = NOWHERE


Feature = Aggregate | Formula | Score

# ---------------------------------------------------------------- classes

HitPolicy = Literal["first", "unique", "any", "collect", "highest"]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """``when`` true gives ``then``."""

    id: str
    when: Condition
    then: str
    why: Text = Text()  # Jinja2 over the row's fields
    score: float = 0.0  # `highest` takes the largest, ties by writing order
    at: Location = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Hysteresis:
    """Keep the previous value unless the outcome also differs with ``field`` moved by the margin."""

    field: str
    margin: float  # share of the value, e.g. 0.05


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """A class: ``unique`` and ``any`` give ``unknown`` and a conflict where rules disagree."""

    name: str
    of: str
    label: Text
    values: Mapping[str, Text]
    hit: HitPolicy = "first"
    rules: tuple[Rule, ...] = ()
    otherwise: str = UNKNOWN
    copy: str = ""  # take this field's own value where no rule fires
    hysteresis: Hysteresis | None = None
    at: Location = NOWHERE


# ---------------------------------------------------------------- lexicons and cues


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """One entry of a lexicon: RE2, or a plain literal (``literal``), and what it gives."""

    id: str
    pattern: str
    literal: bool
    gives: Mapping[str, str]  # e.g. {"level": "L3", "function": "finance"}
    example: str = ""  # a text that must match, checked when the ruleset is loaded
    why: Text = Text()
    at: Location = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Modifier:
    """A word that changes validity or level: deputy, acting, former, honorary."""

    id: str
    patterns: tuple[str, ...]
    shift: int = 0  # steps down the level list (deputy: 1)
    except_: tuple[str, ...] = ()  # patterns in which the word does not count
    at: Location = NOWHERE


@dataclass(frozen=True, kw_only=True)
class LexiconBlock:
    """Patterns tried together. An ``exception`` decides alone on what it gives. In the other blocks a match inside a
    longer match is dropped; of what is left the most senior level wins, and every function counts."""

    name: str
    gives: str  # the output that this block fills, e.g. "level"; exceptions may fill several
    patterns: tuple[Pattern, ...]
    exception: bool = False


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """Ordered patterns over a text field; outputs become fields of the object, e.g.
    ``title_level``, ``title_function``, ``title_functions`` (list), ``title_modifiers`` (list)."""

    name: str
    of: str  # object
    field: str
    prefix: str  # of the output columns
    split: tuple[str, ...]  # separators of compound texts
    levels: tuple[str, ...]  # most senior first; a compound takes the most senior
    modifiers: tuple[Modifier, ...]
    blocks: tuple[LexiconBlock, ...]
    fallback_field: str = ""  # fills a missing function, e.g. department
    at: Location = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Cue:
    """A phrase in an activity's text: what is said, and who it is about.

    ``patterns`` may hold ``{who}`` where a person's name stands. ``about``: ``speaker`` (who
    says it), ``named`` (who ``{who}`` is), ``actor`` (the person named last before the phrase
    in the clause, else the speaker).
    """

    id: str
    patterns: tuple[str, ...]
    about: Literal["speaker", "named", "actor"]
    unless: tuple[str, ...] = ()  # patterns in the clause that cancel it (negation)
    example: str = ""
    at: Location = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Phrases:
    """All cues, and how to read a text: they yield the derived frame ``mention``."""

    cues: tuple[Cue, ...]
    negations: tuple[str, ...]  # patterns that, directly before a cue, cancel it
    honorifics: tuple[str, ...]  # 主任, 总, 经理 ...: surname + honorific names a contact
    nicknames: Mapping[str, str]  # bob -> robert
    speech_verbs: tuple[str, ...]  # 说, said ...: "X说" makes X the speaker


# ---------------------------------------------------------------- roles


@dataclass(frozen=True, kw_only=True)
class Family:
    """Items of one family are one fact: the strongest counts. Half-life in days, None: no decay."""

    id: str
    label: Text
    half_life: int | None = None


@dataclass(frozen=True, kw_only=True)
class Cap:
    """Where all the evidence for a role comes from these families, the score stops at ``max``."""

    only: tuple[str, ...]
    max: float


@dataclass(frozen=True, kw_only=True)
class Minimum:
    """What a band needs besides its score."""

    families: int = 1
    or_any: tuple[str, ...] = ()  # one item of these families will do instead


@dataclass(frozen=True, kw_only=True)
class EvidenceItem:
    """One kind of evidence: where it is found, for whom, and how much it says."""

    id: str
    of: str  # frame that is searched: contact, activity, activity_contact, mention, deal_contact, fact.<name> ...
    when: Condition
    who: str  # dotted path to the contact's id on that frame
    family: str
    gives: Mapping[str, float] = field(default_factory=dict)  # role -> weight 0..1
    against: Mapping[str, float] = field(default_factory=dict)  # role or ALL -> weight 0..1
    stance: str = ""
    deal: str = ""  # dotted path to the deal's id; '' = counts for every deal
    date: str = ""  # dotted path; '' = does not decay
    at_least: int = 1  # rows needed before it counts
    role_from: str = ""  # path to a text column that holds the role itself (declared roles); gives: {same_role: w}
    why: Text = Text()
    at: Location = NOWHERE


@dataclass(frozen=True, kw_only=True)
class StanceModel:
    """Stances, strongest claim first; an item counts while its decayed weight is >= floor."""

    order: tuple[str, ...]
    labels: Mapping[str, Text]
    half_life: int
    sticky: tuple[str, ...] = ()  # never downgraded by silence (opponent)
    floor: float = 0.3


@dataclass(frozen=True, kw_only=True)
class Question:
    """What to ask somebody who may know who plays ``role``; an answer is worth what the evidence ``answer`` gives it."""

    id: str
    role: str
    answer: str  # id of the evidence item that an answer amounts to
    ask: Text
    when: Condition = ALWAYS  # on the part of the contact who would be asked: whom, and in which deals
    worth: float = 1.0  # how much it matters to know the role, 0..1
    at: Location = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Asking:
    """How the next best questions are chosen (:mod:`crmrules.evaluation.questions`)."""

    most: int = 3  # questions per deal
    within: int = 180  # days in which an exchange counts as recent
    closeness: float = 0.8  # what is left of what somebody knows with each step of reporting lines
    stance: Mapping[str, float] = field(default_factory=dict)  # stance or unknown -> readiness to tell, 0..1; default 1


@dataclass(frozen=True, kw_only=True)
class RoleModel:
    """How evidence becomes roles (domain.md 2.4, 2.5)."""

    roles: Mapping[str, Text]
    precedence: tuple[str, ...]
    tie: float  # roles within this of the best compete by precedence
    wins_from: Mapping[
        str, float
    ]  # role -> score from which it beats the next one in `precedence`, however much higher that is
    bands: Mapping[str, float]  # band -> least score, highest first
    minimum: Mapping[str, Minimum]
    write_bands: tuple[str, ...]
    keep_margin: float  # a written role is kept until its score falls so far below its band
    families: Mapping[str, Family]
    caps: tuple[Cap, ...]
    items: tuple[EvidenceItem, ...]
    stance: StanceModel
    native: Mapping[str, str] = field(default_factory=dict)  # a CRM's own role label (lower case) -> ours
    questions: tuple[Question, ...] = ()
    asking: Asking = Asking()
    at: Location = NOWHERE


# ---------------------------------------------------------------- inference


@dataclass(frozen=True, kw_only=True)
class FactSource:
    """Where base facts come from: one fact for each row of the frame where ``when`` is true."""

    fact: str
    of: str  # frame: contact, deal, part, activity ...
    when: Condition
    at: Location = NOWHERE


# ---------------------------------------------------------------- flags, guards, playbook, write


@dataclass(frozen=True, kw_only=True)
class Flag:
    """A finding about an account, a deal or a contact; deal flags roll up to the account."""

    id: str
    of: str
    when: Condition
    label: Text
    why: Text = Text()  # Jinja2
    severity: Literal["info", "warning", "critical"] = "warning"
    at: Location = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Guard:
    """Forbids writing (``effect: no_write``) or deciding (``no_role``) about a subject."""

    id: str
    of: str
    when: Condition
    effect: Literal["no_write", "no_role"]
    why: Text = Text()
    at: Location = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """One sentence of a note; within a block the first whose ``when`` holds is taken."""

    id: str
    of: str  # account | contact
    block: str
    when: Condition
    say: Text  # sandboxed Jinja2, one sentence per language
    at: Location = NOWHERE


@dataclass(frozen=True, kw_only=True)
class Playbook:
    """Notes per subject: at most one sentence per block, at most three blocks per subject."""

    blocks: Mapping[str, tuple[str, ...]]  # subject -> blocks in order
    sentences: tuple[Sentence, ...]
    forbidden: tuple[str, ...] = ()  # patterns that must not occur in a note
    title: Text = Text()


@dataclass(frozen=True, kw_only=True)
class Write:
    """Which outcome goes to which tag, field or note of the CRM."""

    id: str
    of: str  # account | contact | deal | part
    outcome: str  # class.<name> | role | role.<name> | stance | flag.<id> | flags | note | feature.<name>
    to: Literal["tag", "field", "note"]
    name: str  # tag template ("seg.value={value}") or field name or note title
    when: Condition = ALWAYS
    skip: tuple[str, ...] = (UNKNOWN,)
    at: Location = NOWHERE

    @property
    def object(self) -> str:
        """The canonical object whose records are written to."""
        return "deal_contact" if self.of == "part" else self.of


# ---------------------------------------------------------------- the whole


@dataclass(frozen=True, kw_only=True)
class Ruleset:
    name: str
    version: str
    label: Text
    languages: tuple[str, ...]
    folder: str
    extends: tuple[str, ...]  # "name@version", nearest first
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    requires: tuple[RequiredField, ...] = ()
    sets: Mapping[str, Subset] = field(default_factory=dict)
    features: Mapping[str, Feature] = field(default_factory=dict)  # key: name (unique over all subjects)
    classes: Mapping[str, Dimension] = field(default_factory=dict)
    lexicons: Mapping[str, Lexicon] = field(default_factory=dict)
    phrases: Phrases | None = None
    roles: RoleModel | None = None
    facts: tuple[FactSource, ...] = ()
    inference: Program | None = None
    flags: Mapping[str, Flag] = field(default_factory=dict)
    guards: tuple[Guard, ...] = ()
    playbook: Playbook | None = None
    write: tuple[Write, ...] = ()
    case_folders: tuple[str, ...] = ()
    digest: str = ""  # sha256 over the normalised content of all files
