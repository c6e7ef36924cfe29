"""A fresh simulated tenant for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulators.fxiaoke import FxiaokeSim, Limits


@pytest.fixture
def sim() -> Iterator[FxiaokeSim]:
    """A tenant without records, and with calls enough."""
    with FxiaokeSim(limits=Limits(calls=100_000, token_calls=1000)) as running:
        yield running
