"""The Fxiaoke connector keeps the contract, as it comes and with the CRM's own tags and notes as records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.fxiaoke.world import FxiaokeWorld
from crmrules.testing.suite import contract
from crmrules.testing.suite.contract import *  # noqa: F403
from simulators.fxiaoke import FxiaokeSim


@pytest.fixture
def world(sim: FxiaokeSim, tmp_path: Path) -> FxiaokeWorld:
    return FxiaokeWorld(sim, tmp_path)


@pytest.mark.parametrize(
    "more", [{"tags": "function", "notes": "object"}, {"notes": "record"}], ids=["own", "records"], indirect=True
)
class TestWritingElsewhere(contract.TestWriting):
    """Tags by the function that was installed; notes as records of an object, or as sales records."""

    @pytest.fixture
    def more(self, request: pytest.FixtureRequest) -> dict[str, Any]:
        return dict(request.param)

    @pytest.fixture
    def world(self, sim: FxiaokeSim, tmp_path: Path, more: dict[str, Any]) -> FxiaokeWorld:
        return FxiaokeWorld(sim, tmp_path, **more)
