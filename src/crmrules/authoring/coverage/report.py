"""What of a ruleset fired in its cases, or in real records, and what never did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from crmrules.app.rulesets import ruleset_folder
from crmrules.app.setup import load_rules
from crmrules.authoring.coverage.inventory import KINDS, Entry, entries, fired
from crmrules.authoring.coverage.score import Work
from crmrules.authoring.diff_records import ground
from crmrules.authoring.lint.ignores import ignores
from crmrules.authoring.lint.sources import read_sources
from crmrules.language.ruleset import Ruleset
from crmrules.pipeline.decide import decide, find_outcomes
from crmrules.pipeline.notes import write_notes
from crmrules.plugins.host import installed
from crmrules.testing.cases import case_files
from crmrules.testing.together import batches

CODE = "never-fires"  # what an ignore comment names


@dataclass(frozen=True, kw_only=True)
class Missed:
    """What never fired; ``reason`` is that of its ignore comment, '' where there is none."""

    entry: Entry
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """How much of each kind fired, and all that did not, in the ruleset's order."""

    ruleset: str
    records: str  # "cases", or the place of the records
    counts: Mapping[str, tuple[int, int]]  # kind -> (fired, all)
    missed: tuple[Missed, ...]

    @property
    def unexplained(self) -> tuple[Missed, ...]:
        """Return what did not fire and has no reason."""
        return tuple(one for one in self.missed if not one.reason)


def work_of(name: str, cases: Sequence[Path] = ()) -> Work:
    """Return the ruleset called *name* and its cases as work to be done. Raises RulesetError."""
    folder = ruleset_folder(name)
    return Work(folder=folder, cases=tuple(cases), search=(folder.parent, *installed().search_folders()))


def covered_by_cases(work: Work) -> Coverage:
    """Return what the cases make fire. Raises RulesetError where the ruleset or a case is wrong, or there is no case."""
    host = installed()
    ruleset = load_rules(work.folder, host)
    found: set[tuple[str, str]] = set()
    for batch in batches(work.folder, case_files(work.folder, ruleset, work.cases), work.search):
        con = batch.snapshot()
        decide(
            con, batch.ruleset, as_of=batch.as_of, engine=host.engine("python"), renderer=host.renderer("jinja"),
            language=batch.language,
        )  # fmt: skip
        found |= fired(con, batch.ruleset)
        con.close()
    return coverage(work, ruleset, found, "cases")


def covered_by_records(work: Work, records: Path, as_of: date) -> Coverage:
    """Return what fires on the records of a profile, or of a folder with a ``crmrules.yaml`` or cases.

    Raises RulesetError, StoreError (nothing was pulled), DataError, ConnectorError and PluginError.
    """
    host = installed()
    pulled = records.is_file() and records.name == "crmrules.yaml"
    with ground([str(work.folder)], records, records=None if pulled else records, as_of=as_of, today=as_of) as found:
        ruleset = found.rulesets[0]
        evaluator = find_outcomes(found.con, ruleset, as_of=found.as_of, engine=found.engine)
        write_notes(found.con, ruleset, evaluator.relation, host.renderer("jinja"), ruleset.languages[0], found.as_of)
        return coverage(work, ruleset, fired(found.con, ruleset), str(records))


def coverage(work: Work, ruleset: Ruleset, found: Set[tuple[str, str]], records: str) -> Coverage:
    """Return what of *ruleset*'s own entries is among what was *found* to fire (see inventory.fired) in *records*."""
    sources = read_sources(work.folder, work.search)
    reasons = {
        (i.at.file, line): i.reason
        for i in ignores(sources.lines)
        if CODE in i.codes
        for line in (i.at.line, i.at.line + 1)
    }
    own = [entry for entry in entries(ruleset) if sources.own(entry.at)]
    return Coverage(
        ruleset=f"{ruleset.name}@{ruleset.version}",
        records=records,
        counts={kind: count for kind in KINDS if (count := _count(own, found, kind))[1]},
        missed=tuple(
            Missed(entry=entry, reason=reasons.get((entry.at.file, entry.at.line), ""))
            for entry in own
            if (entry.kind, entry.id) not in found
        ),
    )


def _count(own: Sequence[Entry], found: Set[tuple[str, str]], kind: str) -> tuple[int, int]:
    ids = [entry.id for entry in own if entry.kind == kind]
    return sum((kind, id) in found for id in ids), len(ids)
