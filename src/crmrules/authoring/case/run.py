"""Make a case from a record: take what the outcomes read, disguise it, and show that the outcomes are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import duckdb

from crmrules.app.setup import open_profile
from crmrules.authoring.case.anonymise import Ids, Options, anonymised, new_ids, numeric_fields
from crmrules.authoring.case.document import as_yaml, case_of, expectations
from crmrules.authoring.case.extract import account_of, rows_around
from crmrules.authoring.case.outcomes import Outcomes, What, differing, outcomes, renamed
from crmrules.authoring.case.uses import Use, Uses, uses
from crmrules.authoring.diff_records import Ground
from crmrules.authoring.diff_scope import Scope, by_population, difference, pruned, whole
from crmrules.authoring.whatif_records import BASE, bring_near, set_aside, show_all
from crmrules.errors import DataError, Location, Problem
from crmrules.evaluation.sql import quote
from crmrules.language.mapping import load_mapping
from crmrules.language.ruleset import Ruleset
from crmrules.pipeline.decide import find_outcomes
from crmrules.stores.snapshot import empty_snapshot, load_rows
from crmrules.testing.records import Rows, custom_fields, read_case, rows_of

Reason = Literal["ranks", "records", "names", "text", "days"]
_WEEKS = 104  # days move back by so many weeks at most
_DIGITS = (2, 3)  # significant digits of blurred numbers, tried in this order


@dataclass(frozen=True, kw_only=True)
class Difference:
    """An outcome that the case does not have as the record has it. ``id`` is the case's."""

    what: What
    record: Any  # the record's outcome
    case: Any
    why: Reason


@dataclass(frozen=True, kw_only=True)
class Made:
    """The case that was made."""

    file: Path
    account: str  # its id in the case
    as_of: date
    records: Mapping[str, int]
    same: int  # outcomes that are those of the record
    differences: tuple[Difference, ...]
    blurred: Mapping[str, int]  # object.field -> significant digits

    @property
    def faithful(self) -> bool:
        """Whether all outcomes are those of the record, but for what ranks it among others."""
        return all(d.why == "ranks" for d in self.differences)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is asked for. ``days`` None: a number of whole weeks that depends on the account."""

    account: str = ""
    contact: str = ""
    deal: str = ""
    expect: bool = False
    keep_text: bool = False
    blur: bool = False
    days: int | None = None


def from_record(ground: Ground, profile: Path, into: Path, wish: Wish) -> Made:
    """Write the case *into* a file that must not exist.

    Raises DataError (no such record, too many records) and RulesetError (the profile is wrong).
    """
    if into.exists():
        raise DataError(
            Problem("exists", "there is such a file already", Location(str(into)), hint="choose another name")
        )
    set_aside(ground.con)
    account = account_of(ground.con, wish.account, wish.contact, wish.deal)
    days = _days(account) if wish.days is None else wish.days
    work = _Work(ground, profile, account, wish, Options(days=days, keep_text=wish.keep_text))
    case, made = work.case(into)
    into.parent.mkdir(parents=True, exist_ok=True)
    into.write_text(case, encoding="utf-8")
    read_case(into, (ground.rulesets[0],))
    return made


class _Work:
    def __init__(self, ground: Ground, profile: Path, account: str, wish: Wish, options: Options) -> None:
        self.ground, self.account, self.wish, self.options = ground, account, wish, options
        self.ruleset: Ruleset = ground.rulesets[0]
        self.read, self.custom = uses(self.ruleset), custom_fields(self.ruleset)
        self.policy, self.safe = _said_by(profile, self.ruleset)
        self.far = by_population(self.ruleset)
        bring_near(ground.con, "account", account, {})
        self.rows = rows_around(ground.con, account, self.read, wide=False)
        self.records = self._subjects()
        self.strangers = _strangers(ground.con, self.rows) if wish.keep_text else ()
        self.results: dict[tuple[int, str], tuple[Rows, Ids, Outcomes]] = {}
        self.real = self._real()

    def case(self, into: Path) -> tuple[str, Made]:
        differ = self._differ(self.options)
        if self._near(differ):  # perhaps something is read that stands further away
            narrow = self.rows
            bring_near(self.ground.con, "account", self.account, {})
            self.rows = rows_around(self.ground.con, self.account, self.read, wide=True)
            if len(self._near(wider := self._differ(self.options))) < len(self._near(differ)):
                differ = wider
            else:
                self.rows = narrow
        options = self._blurred(differ) if self.wish.blur else self.options
        made, ids, found = self._result(options)
        real = renamed(self.real, ids)
        document = self._document(into, made, ids, options)
        if self.wish.expect:
            kept = {w: v for w, v in real.items() if found.get(w) == v}
            document["expected"] = expectations(kept, ids["account", self.account])
        return as_yaml(document, f"{self.ruleset.name}@{self.ruleset.version}, made by: crmrules ruleset case from-record"), Made(
            file=into, account=ids["account", self.account], as_of=self._as_of(options),
            records={object: len(some) for object, some in made.items() if some},
            same=len(real) - sum(w in real for w in differing(real, found)),
            differences=tuple(self._why(real, found)),
            blurred={f"{object}.{name}": n for (object, name), n in (options.digits or {}).items()},
        )  # fmt: skip

    def _subjects(self) -> dict[str, list[str]]:
        wish = self.wish
        own = {o: [r["id"] for r in self.rows[o] if r["account_id"] == self.account] for o in ("contact", "deal")}
        named = {"contact": wish.contact, "deal": wish.deal}
        if wish.contact or wish.deal:
            own = {object: [named[object]] if named[object] else [] for object in own}
        return {"account": [self.account], **own}

    def _real(self) -> dict[What, Any]:
        """Return what the record gets in the CRM: from the records around it, ranks from all records."""
        con, near = self.ground.con, difference(whole(self.ruleset), self.far)
        found = self._said(con, "near_real", near)
        if self.far:
            show_all(con, "account", self.account, {})
            found |= self._said(con, "far_real", self.far)
        return found

    def _said(self, con: duckdb.DuckDBPyConnection, catalog: str, scope: Scope) -> dict[What, Any]:
        con.execute(f"ATTACH ':memory:' AS {catalog}")
        con.execute(f"USE {catalog}")
        if not scope:
            return {}
        find_outcomes(con, pruned(self.ruleset, scope), as_of=self.ground.as_of, engine=self.ground.engine)
        return outcomes(con, catalog, self.ruleset, scope, self.records)

    def _made(self, options: Options) -> tuple[Rows, Ids]:
        ids = new_ids(self.rows)
        if not options.disguised:
            ids = {key: key[1] for key in ids}
        made = anonymised(self.rows, ids, self.ruleset, self.read, self.custom, self.safe, self.strangers, options)
        return made, ids

    def _decided(self, made: Rows, ids: Ids, options: Options) -> Outcomes:
        """Return what comes out when the case is read as a test reads it."""
        case = case_of(made, ids["account", self.account], self.custom)
        with closing(duckdb.connect()) as con:
            empty_snapshot(con, self.custom)
            for object, rows in rows_of(case).items():
                if rows:
                    load_rows(con, object, rows)
            scope = whole(self.ruleset)
            find_outcomes(con, pruned(self.ruleset, scope), as_of=self._as_of(options), engine=self.ground.engine)
            records = {object: [ids[object, id] for id in some] for object, some in self.records.items()}
            return outcomes(con, "memory", self.ruleset, scope, records)

    def _differ(self, options: Options) -> set[What]:
        """Return which outcomes a case made with *options* has otherwise; ids are the record's."""
        _, ids, found = self._result(options)
        back = {(object, new): old for (object, old), new in ids.items()}
        return set(renamed(dict.fromkeys(differing(renamed(self.real, ids), found)), back))

    def _result(self, options: Options) -> tuple[Rows, Ids, Outcomes]:
        """Return the case's rows, their ids, and what comes out; decided once."""
        key = id(self.rows), repr(options)
        if key not in self.results:
            made, ids = self._made(options)
            self.results[key] = made, ids, self._decided(made, ids, options)
        return self.results[key]

    def _near(self, found: set[What]) -> set[What]:
        return {what for what in found if not self._ranks(what)}

    def _ranks(self, what: What) -> bool:
        far = self.far
        names = {"class": far.classes, "flag": far.flags}.get(what.kind, ())
        return what.name in names or (what.kind in ("role", "part") and far.roles)

    def _blurred(self, differ: set[What]) -> Options:
        """Return the options with as few digits as change nothing, all fields at once or one by one."""
        fields = list(numeric_fields(self.rows, self.read, self.custom))
        every = replace(self.options, digits=dict.fromkeys(fields, _DIGITS[0]))
        if self._differ(every) == differ:
            return every
        digits: dict[tuple[str, str], int] = {}
        for field in fields:
            for few in _DIGITS:
                if self._differ(replace(self.options, digits={**digits, field: few})) == differ:
                    digits[field] = few
                    break
        return replace(self.options, digits=digits)

    def _why(self, real: Outcomes, found: Outcomes) -> list[Difference]:
        differ = differing(real, found)
        reasons: dict[What, Reason] = {}
        if any(not self._ranks(what) for what in differ):
            _, ids, _ = self._result(self.options)
            steps: tuple[tuple[Reason, Options], ...] = (
                ("records", Options(disguised=False)), ("names", Options(keep_text=True)), ("text", Options()),
            )  # fmt: skip
            for why, options in steps:
                for what in renamed(dict.fromkeys(self._differ(options)), ids):
                    reasons.setdefault(what, why)
        return [
            Difference(
                what=what, record=real.get(what), case=found.get(what),
                why="ranks" if self._ranks(what) else reasons.get(what, "days"),
            )
            for what in differ
        ]  # fmt: skip

    def _document(self, into: Path, made: Rows, ids: Ids, options: Options) -> dict[str, Any]:
        case = case_of(made, ids["account", self.account], self.custom)
        head = {"id": into.stem, "as_of": self._as_of(options).isoformat()}
        policy = {"policy": self.policy} if self.policy else {}
        return {**head, **policy, **case, "expected": {"account": {}}}

    def _as_of(self, options: Options) -> date:
        return self.ground.as_of + timedelta(days=options.days)


def _days(account: str) -> int:
    """Return whole weeks, so that weekdays stay, which say nothing about the account."""
    return -7 * (1 + int.from_bytes(sha256(account.encode()).digest()[:4], "big") % _WEEKS)


def _said_by(profile: Path, ruleset: Ruleset) -> tuple[dict[str, Any], Uses]:
    """Return the profile's parameters that *ruleset* has, and the values that its mapping gives."""
    setup = open_profile(profile)
    mapping = load_mapping(setup.profile.mapping, default=setup.host.connector(setup.profile.connector).default_mapping)
    safe = {
        (name, f.field.name): Use(values={v for v in f.values.values() if v is not None})
        for name, objects in mapping.objects.items() for object in objects for f in object.fields
    }  # fmt: skip
    return {name: value for name, value in setup.profile.parameters.items() if name in ruleset.parameters}, safe


def _strangers(con: duckdb.DuckDBPyConnection, rows: Rows) -> Sequence[str]:
    """Return the names of all customers, contacts and users that stand in the texts of *rows*."""
    texts = "\n".join(str(row["text"]) for row in rows["activity"] if row["text"]).lower()
    found: set[str] = set()
    for object in ("account", "contact", "user"):
        sql = f"SELECT DISTINCT name FROM {BASE}.{quote(object)} WHERE length(name) > 1 AND contains(?, lower(name))"
        found |= {name for (name,) in con.execute(sql, [texts]).fetchall()}
    return sorted(found)
