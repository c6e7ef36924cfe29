from __future__ import annotations

from pathlib import Path

import pytest

from .world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three accounts, nothing of ours anywhere."""
    world = World(tmp_path)
    for id in ("a1", "a2", "a3"):
        world.crm.add_record("客户", id)
    return world
