"""The main job on a simulated tenant, by the real command line, in Chinese and English."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.fxiaoke.main_job_crm import Fxiaoke
from connectors.main_job import main_job
from simulators.fxiaoke import FxiaokeSim


@pytest.mark.parametrize(
    ("language", "more"),
    [("zh", {}), ("en", {"auth": "body", "tags": "function", "notes": "object"})],
    ids=["zh-fields", "en-own-tags-and-notes"],
)
def test_main_job(sim: FxiaokeSim, tmp_path: Path, language: str, more: dict[str, Any]) -> None:
    main_job(Fxiaoke(sim, **more), tmp_path, language)
    assert sim.workflows == sim.approvals == []
