"""The records and the day over which rulesets are compared: a snapshot, another CRM in files, or the records of cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from crmrules.app.records import pull_into
from crmrules.app.rulesets import load
from crmrules.app.setup import (
    Setup,
    chosen_engine,
    deciding_ruleset,
    find_ruleset,
    load_rules,
    open_profile,
    usable_engine,
    with_policy,
)
from crmrules.contracts.engine import EnginePlugin
from crmrules.errors import DataError, Location, Problem, RulesetError
from crmrules.language.ruleset import Ruleset
from crmrules.plugins.host import installed
from crmrules.stores.schema import CATALOG, quote
from crmrules.stores.snapshot import attach, empty_snapshot, load_rows
from crmrules.testing.records import custom_fields, read_case, rows_of
from crmrules.testing.together import apart

MEMORY = "1200MB"  # as `decide` limits itself


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a comparison stands on; *con* has the records attached as ``snapshot``."""

    con: duckdb.DuckDBPyConnection
    rulesets: tuple[Ruleset, ...]
    as_of: date
    engine: EnginePlugin
    decision: Path | None  # of the profile; it need not be there, nor be about these records


@contextmanager
def ground(
    names: Sequence[str], profile: Path, *, records: Path | None, as_of: date | None, today: date, engine: str = ""
) -> Iterator[Ground]:
    """Load the rulesets *names* and attach the records while the block runs.

    *records* is a case, a folder of cases, or a folder with a ``crmrules.yaml``, whose CRM is read afresh;
    without it the snapshot of *profile* is taken. No names mean the profile's own ruleset. The day is
    *as_of*, else that of the newest case, else *today*. Raises RulesetError, StoreError, DataError,
    ConnectorError and PluginError.
    """
    fresh = records is not None and (records / "crmrules.yaml").is_file()
    setup = open_profile(records if records is not None and fresh else profile) if records is None or fresh else None
    rulesets = _rulesets(names, setup)
    chosen = chosen_engine(setup, engine) if setup is not None else usable_engine(installed(), engine)
    with TemporaryDirectory() as folder, closing(_connect(Path(folder))) as con:
        day = None
        if setup is None:
            assert records is not None
            day = _read_cases(con, records, rulesets)
        else:
            if fresh:
                setup = setup.elsewhere(Path(folder))
                pull_into(setup)
            attach(con, setup.snapshot)
        yield Ground(
            con=con,
            rulesets=rulesets,
            as_of=as_of or day or today,
            engine=chosen,
            decision=setup.decision if setup is not None else None,
        )


def _connect(spill: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(
        config={"memory_limit": MEMORY, "temp_directory": str(spill / "spill"), "preserve_insertion_order": "false"}
    )


def _rulesets(names: Sequence[str], setup: Setup | None) -> tuple[Ruleset, ...]:
    """Load the rulesets, each with those of the profile's parameters that it has; one that none has is an error."""
    if setup is None:
        return tuple(load(name) for name in names)
    if not names:
        return (deciding_ruleset(setup),)
    given = setup.profile.parameters
    at = Location(str(setup.profile.path))
    places = (Path(), setup.profile.folder, *setup.host.search_folders())
    folders = [find_ruleset(name, places, at) for name in names]
    if not given:
        return tuple(with_policy(load_rules(folder, setup.host), setup.profile) for folder in folders)
    known = [load_rules(folder, setup.host).parameters.keys() for folder in folders]
    unknown = sorted(given.keys() - set().union(*known))
    if unknown:
        expected = ", ".join(sorted(set().union(*known)))
        raise RulesetError(Problem("unknown-parameter", f"no ruleset has a parameter {unknown[0]!r}", at, expected))
    return tuple(
        with_policy(load_rules(folder, setup.host, {n: given[n] for n in given if n in mine}), setup.profile)
        for folder, mine in zip(folders, known, strict=True)
    )


def _read_cases(con: duckdb.DuckDBPyConnection, place: Path, rulesets: Sequence[Ruleset]) -> date:
    files = sorted(place.rglob("*.yaml")) if place.is_dir() else [place]
    if not files:
        raise DataError(
            Problem(
                "no-records", "there are no records here", Location(str(place)),
                expected="a case, a folder of cases, or a folder with a crmrules.yaml",
            )
        )  # fmt: skip
    empty_snapshot(con, custom_fields(*rulesets))
    days = []
    for file in files:
        case = read_case(file, rulesets).data
        days.append(case["as_of"] if isinstance(case["as_of"], date) else date.fromisoformat(str(case["as_of"])))
        prefix = f"{case['id']}/" if len(files) > 1 else ""
        for object, rows in rows_of(case).items():
            load_rows(con, object, [apart(object, row, prefix) for row in rows])
    return max(days)


def names(con: duckdb.DuckDBPyConnection, object: str, ids: set[str]) -> dict[str, str]:
    """Return the names of these records by id, as they stand in the snapshot; hostile text."""
    marks = ", ".join("?" for _ in ids)
    sql = f"SELECT id, name FROM {CATALOG}.{quote(object)} WHERE id IN ({marks})"
    return {id: name or "" for id, name in con.execute(sql, sorted(ids)).fetchall()} if ids else {}
