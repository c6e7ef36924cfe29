"""The Zoho connector keeps the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.zoho.world import ZohoWorld
from crmrules.testing.suite.contract import *  # noqa: F403
from simulators.zoho import ZohoSimulator


@pytest.fixture
def world(sim: ZohoSimulator, tmp_path: Path) -> ZohoWorld:
    return ZohoWorld(sim, tmp_path)
