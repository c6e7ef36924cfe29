"""The files connector keeps the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.files.world import FilesWorld
from crmrules.testing.suite.contract import *  # noqa: F403


@pytest.fixture
def world(tmp_path: Path) -> FilesWorld:
    return FilesWorld(tmp_path / "crm")
