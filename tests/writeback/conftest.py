from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .world import World, close_database


@pytest.fixture(scope="session", autouse=True)
def _database() -> Iterator[None]:
    yield
    close_database()


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three accounts, nothing of ours anywhere."""
    world = World(tmp_path)
    for id in ("a1", "a2", "a3"):
        world.crm.add_record("客户", id)
    return world
