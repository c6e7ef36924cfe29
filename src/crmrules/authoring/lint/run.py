"""Lint a ruleset: reason on it, and where there is a profile, look at the records of its CRM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from crmrules.app.rulesets import ruleset_folder
from crmrules.app.setup import Setup, find_ruleset, load_rules, open_profile
from crmrules.authoring.lint.columns import Known
from crmrules.authoring.lint.counting import Counter
from crmrules.authoring.lint.findings import CHECKS, Finding, finding
from crmrules.authoring.lint.ignores import ignores, with_ignores
from crmrules.authoring.lint.money import check_money
from crmrules.authoring.lint.needed import needed
from crmrules.authoring.lint.reads import record_fields
from crmrules.authoring.lint.records import MIN_FILL, check_mapping, check_records
from crmrules.authoring.lint.rules import check_rules
from crmrules.authoring.lint.sources import Sources, read_sources
from crmrules.authoring.lint.texts import check_texts
from crmrules.authoring.lint.unused import check_unused
from crmrules.errors import Location, RulesetError
from crmrules.evaluation.evaluator import Evaluator
from crmrules.evaluation.lexicons import apply_lexicons
from crmrules.language.mapping import Mapping_, load_mapping
from crmrules.language.ruleset import Ruleset
from crmrules.model.objects import OBJECTS
from crmrules.playbook.check import check_texts as check_templates
from crmrules.plugins.host import Host, installed

if TYPE_CHECKING:
    import duckdb


_OF_RULES = ("contradiction", "unreachable-rule", "overlap", "gap")


@dataclass(frozen=True, kw_only=True)
class Report:
    """All findings about a ruleset, in the order of its files; the ignored ones too."""

    ruleset: str  # name@version, or the folder where it does not load
    with_records: bool
    findings: tuple[Finding, ...]

    def failures(self, fail_on: str) -> tuple[Finding, ...]:
        """Return what is not ignored and as severe as *fail_on* (warning or error)."""
        return tuple(
            f for f in self.findings if not f.ignored and (fail_on == "warning" or f.problem.severity == "error")
        )


def lint(name: str, profile: Path | None, *, as_of: date, min_fill: float = MIN_FILL) -> Report:
    """Lint the ruleset called *name*, or in the folder *name*; with *profile* also against its mapping and snapshot.

    What keeps the ruleset from loading is a finding. Raises RulesetError (no such ruleset; the profile is
    wrong), StoreError (nothing was pulled) and PluginError.
    """
    host = installed()
    folder = ruleset_folder(name)
    setup = open_profile(profile) if profile is not None else None
    try:
        ruleset = load_rules(folder, host, _parameters(setup, folder))
    except RulesetError as error:
        return Report(
            ruleset=str(folder), with_records=False, findings=tuple(Finding(problem=p) for p in error.problems)
        )
    sources = read_sources(folder, (folder.parent, *host.search_folders()))
    known = Known(ruleset)
    findings = [Finding(problem=problem) for problem in check_templates(ruleset)]
    findings += [
        *_rules(ruleset, sources, as_of),
        *check_unused(ruleset, sources),
        *check_money(ruleset),
        *check_texts(ruleset),
        *_check_cases(ruleset, folder),
    ]
    findings = list(_own(findings, sources, host, as_of))
    if setup is not None:
        findings = list(_with_records(setup, known, findings, as_of, min_fill))
    return Report(
        ruleset=f"{ruleset.name}@{ruleset.version}",
        with_records=setup is not None,
        findings=tuple(
            sorted(_ignored(findings, sources, setup), key=lambda f: (f.problem.at, f.code, f.problem.message))
        ),
    )


def _rules(ruleset: Ruleset, sources: Sources, as_of: date) -> Iterator[Finding]:
    yield from check_rules(
        Known(ruleset), as_of, lambda dimension: sources.says("classes", dimension.name, "otherwise")
    )


def _own(findings: Sequence[Finding], sources: Sources, host: Host, as_of: date) -> Iterator[Finding]:
    """Yield what the ruleset itself brings about: not what a parent's files say, unless its own policy or rules make it wrong.

    A parent's sentence that an own one always takes is meant so: own sentences are said first.
    """
    elsewhere = [one for one in findings if not sources.own(one.problem.at)]
    before: set[tuple[str, Path, int, int]] = set()
    if any(one.code in _OF_RULES for one in elsewhere):
        for layer in sources.layers[:-1]:
            parents = read_sources(layer.folder, (layer.folder.parent, *host.search_folders()))
            found = _rules(load_rules(layer.folder, host), parents, as_of)
            before |= {_named(one) for one in found}
    for one in findings:
        new = one.code in _OF_RULES and _named(one) not in before and not one.of_sentence
        if sources.own(one.problem.at) or new:
            yield one


def _named(one: Finding) -> tuple[str, Path, int, int]:
    """A finding by its code and place, however the way there is written."""
    at = one.problem.at
    return one.code, Path(at.file).resolve(), at.line, at.column


def _ignored(findings: Sequence[Finding], sources: Sources, setup: Setup | None) -> Iterator[Finding]:
    found = list(ignores(sources.lines))
    own = [ignore for ignore in found if sources.own(ignore.at)]
    made = ("nothing",) if setup is None else ("nothing", "mapping", "snapshot")
    yield from with_ignores(findings, found, own, lambda code: CHECKS[code].needs in made)


def _parameters(setup: Setup | None, folder: Path) -> dict[str, object]:
    """The profile's parameters are meant for the ruleset that it names."""
    if setup is None or not setup.profile.rulesets:
        return {}
    profile = setup.profile
    at = Location(str(profile.path))
    named = find_ruleset(profile.rulesets[0], (profile.folder, *setup.host.search_folders()), at)
    return dict(profile.parameters) if named.resolve() == folder.resolve() else {}


def _check_cases(ruleset: Ruleset, folder: Path) -> Iterator[Finding]:
    if not any(file for case in ruleset.case_folders for file in Path(case).glob("*.yaml")):
        at = Location(str(folder / "ruleset.yaml"), 1)
        yield finding(
            "no-case", "the ruleset has no case", at, hint="write cases/*.yaml and run: crmrules ruleset test"
        )


def _with_records(
    setup: Setup, known: Known, findings: Sequence[Finding], as_of: date, min_fill: float
) -> Iterator[Finding]:  # fmt: skip
    profile = setup.profile
    mapping: Mapping_ = load_mapping(profile.mapping, default=setup.host.connector(profile.connector).default_mapping)
    readings = record_fields(known, as_of)
    yield from check_mapping(known.ruleset, readings, mapping)
    with _records(setup) as con:
        yield from check_records(con, readings, mapping, min_fill)
        ruleset, lexicons = needed(known, [one.question for one in findings if one.question is not None])
        evaluator = Evaluator(con, ruleset, as_of)
        apply_lexicons(con, lexicons)
        evaluator.run(set(OBJECTS), merge=False)
        counter = Counter(con, known, evaluator.relation, as_of)
        yield from counter.counted(findings)
        unreachable = {f.problem.at for f in findings if f.code == "unreachable-rule"}
        yield from counter.shadowed(tuple(known.ruleset.classes.values()), unreachable)


@contextmanager
def _records(setup: Setup) -> Iterator[duckdb.DuckDBPyConnection]:
    """Attach the snapshot read-only to a connection that keeps what is computed in memory."""
    import duckdb

    from crmrules.stores.snapshot import attach

    con = duckdb.connect()
    try:
        attach(con, setup.snapshot)
        yield con
    finally:
        con.close()
