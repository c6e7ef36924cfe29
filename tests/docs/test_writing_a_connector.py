"""docs/writing-a-connector.md, followed literally: the connector that it writes keeps the whole contract."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crmrules.authoring.connector.new import new_connector
from crmrules.errors import DataError

DOCS = Path(__file__).resolve().parents[2] / "docs"
_FILE = re.compile(r"^`([\w/]+\.py)`:\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_guide_leads_to_a_connector_that_keeps_the_contract(tmp_path: Path) -> None:
    new_connector("toy", tmp_path)
    package = tmp_path / "crmrules-toy"
    shutil.copy(DOCS / "toy_crm.py", package / "tests" / "toy_crm.py")
    written = dict(_FILE.findall((DOCS / "writing-a-connector.md").read_text("utf-8")))
    assert written.keys() == {
        "crmrules_toy/client.py", "crmrules_toy/config.py", "tests/world.py", "tests/test_contract.py",
    }  # fmt: skip
    for name, text in written.items():
        assert (package / name).exists(), "the scaffold has this file"
        (package / name).write_text(text, encoding="utf-8")
    tested = run(package, "pytest", "-q", "-rs")
    assert tested.returncode == 0, tested.stdout[-4000:]
    assert "failed" not in tested.stdout
    said = re.search(r"(\d+) passed", tested.stdout)
    assert said is not None
    assert int(said[1]) >= 45


def test_a_fresh_scaffold_is_red_and_says_where(tmp_path: Path) -> None:
    new_connector("my_crm", tmp_path)
    tested = run(tmp_path / "crmrules-my-crm", "pytest", "-q", "-x")
    assert tested.returncode != 0
    assert "NotImplementedError" in tested.stdout


@pytest.mark.parametrize("name", ["My-CRM", "class", "2nd", ""])
def test_a_name_that_is_no_package_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="connector's name"):
        new_connector(name, tmp_path)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    new_connector("toy", tmp_path)
    with pytest.raises(DataError, match="already"):
        new_connector("toy", tmp_path)
