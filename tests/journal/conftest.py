from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crmrules.stores.journal import Place

from .cluster import Cluster, programs, running


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    bin = programs()
    if bin is None:
        pytest.skip("PostgreSQL is not installed here")
    with running(bin) as cluster:
        yield cluster


@pytest.fixture
def database(cluster: Cluster) -> str:
    """The URL of a PostgreSQL database without a journal."""
    return cluster.new()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Where a journal may be made, on each of the databases in turn."""
    if request.param == "sqlite":
        return tmp_path / "state" / "journal.sqlite"
    url: str = request.getfixturevalue("database")
    return url
