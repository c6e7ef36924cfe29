"""The packaged sample CRM: what its generator writes, complete enough to show everything, pulled without a complaint."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from crmrules.contracts.connector import Home
from crmrules.language.mapping import load_mapping
from crmrules.language.profile import load_profile, resolved_settings
from crmrules.pipeline.pull import pull
from crmrules.samples import AS_OF, copy_demo
from crmrules.stores.snapshot import Snapshot
from crmrules_files.config import DEFAULT_MAPPING
from crmrules_files.plugin import open_files
from samples.generate_demo import DEMO, files


def test_the_committed_files_are_what_the_generator_writes() -> None:
    for name, content in files().items():
        committed = (DEMO / name).read_bytes()
        assert committed == content, f"{name} is stale: run python tests/samples/generate_demo.py"


def test_it_stays_small() -> None:
    assert sum(len(content) for content in files().values()) < 1_000_000


def test_no_deal_or_activity_lies_after_the_day_on_which_it_ends() -> None:
    said = files()
    for name, column in (("crm/Activities.csv", "Date"), ("crm/Deals.csv", "Created Date")):
        rows = csv.DictReader(io.StringIO(said[name].decode()))
        assert max(row[column] for row in rows) <= AS_OF.isoformat()


def test_it_is_pulled_whole_and_without_a_complaint(tmp_path: Path) -> None:
    profile = load_profile(copy_demo(tmp_path / "try"))
    mapping = load_mapping(profile.mapping, default=DEFAULT_MAPPING)
    report = pull(
        open_files(resolved_settings(profile), Home(folder=profile.folder, state=profile.state)),
        mapping,
        tmp_path / "s.duckdb",
    )
    assert report.warnings == ()
    stored = {name: counts.stored for name, counts in report.objects.items()}
    assert stored["account"] == 60
    assert stored["contact"] > 300
    assert stored["deal"] > 70
    assert stored["activity"] > 900
    assert stored["order"] > 1400
    with Snapshot.open(tmp_path / "s.duckdb", read_only=True) as snapshot:
        con = snapshot.con
        assert con.execute("SELECT DISTINCT demand_type FROM snapshot.account ORDER BY 1").fetchall() == [
            ("enterprise",), ("household",), ("public_institution",),
        ]  # fmt: skip
        assert con.execute("SELECT DISTINCT status FROM snapshot.\"order\" ORDER BY 1").fetchall() == [
            ("cancelled",), ("completed",), ("delivered",), ("test",),
        ]  # fmt: skip
        assert con.execute("SELECT count(*) FROM snapshot.contact WHERE phone IS NOT NULL").fetchall() == [(0,)]
        traps = con.execute(
            "SELECT count(*) FILTER (status = 'left'), count(*) FILTER (person_type = 'patient'), "
            "count(*) FILTER (title IS NULL), count(email) - count(DISTINCT email) FROM snapshot.contact"
        ).fetchall()[0]
        assert all(found > 0 for found in traps)


def test_a_demo_overwrites_nothing(tmp_path: Path) -> None:
    copy_demo(tmp_path)
    with pytest.raises(FileExistsError):
        copy_demo(tmp_path)
