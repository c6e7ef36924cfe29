"""Compare two rulesets on the same records: who moves, by which rules; and what the data moved by themselves.

    the last decision  --data-->  old rules, today's records  --rules-->  new rules, today's records

Both rulesets decide in one DuckDB connection, each into a catalog of its own, and only what can
differ is decided at all (:mod:`crmrules.authoring.diff_scope`). Without a last decision there is no
hysteresis: what a class or a band was before is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from crmrules.authoring.diff_found import alike, stored
from crmrules.authoring.diff_records import names
from crmrules.authoring.diff_scope import differing, pruned, union, whole, without_roles
from crmrules.authoring.diff_tables import (
    Cause,
    Move,
    Split,
    Transitions,
    items,
    line_up,
    locations,
    movers,
    said_by,
    split,
    transitions,
)
from crmrules.contracts.engine import EnginePlugin
from crmrules.errors import Location, Problem, RulesetError, StoreError, did_you_mean
from crmrules.evaluation.sql import literal
from crmrules.explain.show import short
from crmrules.language.ruleset import Ruleset
from crmrules.pipeline.decide import NOTHING, Found, find_outcomes

OLD, NEW, SINCE = "old_rules", "new_rules", "last_decision"  # catalogs
_SHOWN_OF_PART = {"part": "contact"}


@dataclass(frozen=True, kw_only=True)
class Diff:
    """What differs between two rulesets, and, where there is a last decision, since then."""

    old: str  # name@version
    new: str
    as_of: date
    since: date | None  # as_of of the last decision
    reused: bool  # whether the profile's decision spared finding again what OLD found
    records: Mapping[str, int]  # object -> records compared
    transitions: tuple[Transitions, ...]
    splits: tuple[Split, ...]  # empty without a last decision
    moves: tuple[Move, ...]
    rules: Mapping[str, str]  # id of every rule that moved somebody -> file:line, in NEW where it is there
    same: tuple[str, ...]  # what no difference between the rulesets reaches
    left_out: tuple[str, ...]  # what needs roles, and was not compared with the last decision for that
    added: tuple[str, ...]  # classes that only NEW has
    removed: tuple[str, ...]

    def over(self, budget: float) -> tuple[Transitions, ...]:
        """Return the outcomes of which the rules move a bigger share of the records than *budget* (0..1)."""
        return tuple(t for t in self.transitions if t.cause == "rules" and t.share > budget)


def diff(
    con: duckdb.DuckDBPyConnection,
    old: Ruleset,
    new: Ruleset,
    *,
    as_of: date,
    engine: EnginePlugin,
    since: Path | None = None,
    last: Path | None = None,
    everything: bool = False,
    who: Sequence[str] = (),
    most: int = 10,
) -> Diff:
    """Compare *old* and *new* on the records attached to *con* as ``snapshot``.

    *since* is the file of a decision by *old*. *last* may be any decision's; where *old* made it on these records,
    and no *since* is asked for, what it found is not found again. *everything* compares also what no difference of the
    rulesets reaches, roles included. *who* names the outcomes whose movers are listed (default: all),
    *most* of each. Raises RulesetError for an unknown outcome in *who*, StoreError where *since* is not a
    decision by *old*.
    """
    changed = differing(old, new)
    scope = changed
    if everything:
        scope = union(whole(old), whole(new))
    elif since is not None:
        scope = union(without_roles(old, whole(old)), changed)
    compared = items(old, new, scope)
    _check_names(who, old, new)
    day = _attach_decision(con, since, old) if since is not None else None
    previous = SINCE if since is not None else None
    reached = {item.name for item in items(old, new, changed)}
    decided = pruned(old, scope)
    found_before = stored(con, last if since is None else None, old, decided, as_of)
    _decide(con, decided, OLD, as_of, engine, previous, found_before)
    anew = pruned(new, scope if everything else changed)
    _decide(con, anew, NEW, as_of, engine, previous, alike(old, new, decided, OLD))
    decided_anew = {item.name for item in compared} if everything else reached
    found: list[Transitions] = []
    splits: list[Split] = []
    moves: list[Move] = []
    for item in compared:
        here = said_by(old, OLD, item)
        there = said_by(new, NEW, item) if item.name in decided_anew else here
        line_up(con, here, there, said_by(old, SINCE, item) if day else "")
        causes: tuple[Cause, ...] = ("data", "rules") if day else ("rules",)
        found += (transitions(con, item, cause) for cause in causes)
        splits += [split(con, item)] if day else []
        if not who or item.name in who:
            moves += (move for cause in causes for move in movers(con, item, cause, most))
    both = union(whole(old), whole(new))
    return Diff(
        old=f"{old.name}@{old.version}", new=f"{new.name}@{new.version}", as_of=as_of, since=day, reused=found_before.catalog != "",
        records=_records(found), transitions=tuple(found), splits=tuple(splits), moves=_named(con, moves),
        rules=_places(old, new, found),
        same=tuple(i.name for i in items(old, new, both) if i.name not in reached),
        left_out=tuple(i.name for i in items(old, new, both) if i not in compared) if day else (),
        added=tuple(n for n in new.classes if n not in old.classes),
        removed=tuple(n for n in old.classes if n not in new.classes),
    )  # fmt: skip


def _decide(
    con: duckdb.DuckDBPyConnection,
    ruleset: Ruleset,
    catalog: str,
    as_of: date,
    engine: EnginePlugin,
    previous: str | None,
    found: Found = NOTHING,
) -> None:
    con.execute(f"ATTACH ':memory:' AS {catalog}")
    con.execute(f"USE {catalog}")
    if ruleset.classes or ruleset.flags or ruleset.roles is not None:
        find_outcomes(con, ruleset, as_of=as_of, engine=engine, previous=previous, found=found)


def _attach_decision(con: duckdb.DuckDBPyConnection, file: Path, old: Ruleset) -> date:
    """Attach the decision in *file* and return its day."""
    at = Location(str(file))
    if not file.is_file():
        raise StoreError(Problem("no-decision", "there is no such decision", at, hint="give a decision.duckdb"))
    try:
        con.execute(f"ATTACH {literal(str(file))} AS {SINCE} (READ_ONLY)")
        row = con.execute(f"SELECT as_of, ruleset, ruleset_digest FROM {SINCE}.meta").fetchone()
    except duckdb.Error as error:
        raise StoreError(Problem("decision-unreadable", str(error).splitlines()[0], at)) from error
    if row is None or row[2] != old.digest:
        raise StoreError(
            Problem(
                "foreign-decision", f"this was decided by {row[1] if row else 'nobody'}, and not by OLD as it stands now", at,
                expected=f"a decision by {old.name}@{old.version} with the same parameters",
                hint="the data's part can only be told by the very rules that decided then",
            )
        )  # fmt: skip
    day: date = row[0]
    return day


def _check_names(who: Sequence[str], old: Ruleset, new: Ruleset) -> None:
    known = [item.name for item in items(old, new, union(whole(old), whole(new)))]
    problems = [
        Problem("unknown-outcome", f"there is no class, role or flag {name!r}", Location("--who"),
                expected=", ".join(known), hint=did_you_mean(name, known))
        for name in who if name not in known
    ]  # fmt: skip
    if problems:
        raise RulesetError(problems)


def _records(found: Sequence[Transitions]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for t in found:
        counted[t.item.of] = max(t.records, counted.get(t.item.of, 0))
    return counted


def _named(con: duckdb.DuckDBPyConnection, moves: Sequence[Move]) -> tuple[Move, ...]:
    ids: dict[str, set[str]] = {}
    for move in moves:
        ids.setdefault(_SHOWN_OF_PART.get(move.of, move.of), set()).add(
            move.id.partition("|")[0] if move.of == "part" else move.id
        )
    known = {object: names(con, object, some) for object, some in ids.items()}
    return tuple(
        replace(
            m,
            id=short(m.id),
            name=short(
                known[_SHOWN_OF_PART.get(m.of, m.of)].get(m.id.partition("|")[0] if m.of == "part" else m.id, "")
            ),
        )
        for m in moves
    )


def _places(old: Ruleset, new: Ruleset, found: Sequence[Transitions]) -> dict[str, str]:
    places = {**locations(old), **locations(new)}
    ids = sorted(
        {part for t in found for r in t.rules for rule in (r.old_rule, r.new_rule) for part in rule.split(", ")}
    )
    return {id: places[id] for id in ids if id in places}
