"""Every folder of wrong records is refused with exactly the message that lies beside it.

To refresh after a message was bettered: ``REFRESH=1 pytest tests/pull/test_invalid_records.py``, then read the diff.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crmrules.contracts.connector import Home
from crmrules.errors import CrmrulesError
from crmrules.language.mapping import load_mapping
from crmrules.language.profile import load_profile, resolved_settings
from crmrules.pipeline.pull import pull
from crmrules_files.config import DEFAULT_MAPPING
from crmrules_files.plugin import open_files

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "examples" / "invalid").glob("records-*"))


def said_about(folder: Path, snapshot: Path) -> str:
    """Return everything that a pull of *folder* complains about."""
    try:
        profile = load_profile(folder)
        mapping = load_mapping(profile.mapping, default=DEFAULT_MAPPING)
        connector = open_files(resolved_settings(profile), Home(folder=profile.folder, state=profile.state))
        report = pull(connector, mapping, snapshot)
    except CrmrulesError as error:
        return str(error).replace(f"{folder}/", "") + "\n"
    return "".join(f"{problem}\n" for problem in report.warnings)


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_wrong_records_are_refused_as_expected(folder: Path, tmp_path: Path) -> None:
    said = said_about(folder, tmp_path / "s.duckdb")
    if os.environ.get("REFRESH"):
        (folder / "expected.txt").write_text(said, encoding="utf-8")
    assert said, "nobody complained"
    assert said == (folder / "expected.txt").read_text(encoding="utf-8")


def test_there_are_enough_of_them() -> None:
    assert len(EXAMPLES) >= 20
