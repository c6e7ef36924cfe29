"""A fresh simulated org for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.zoho.world import SCOPES
from simulators.zoho import ZohoSimulator


@pytest.fixture
def sim() -> Iterator[ZohoSimulator]:
    """An empty org."""
    with ZohoSimulator(world=False, scopes=SCOPES) as running:
        yield running
