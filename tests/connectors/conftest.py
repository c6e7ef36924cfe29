"""What the tests of several connectors share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("connectors.main_job")

from servers.tryton import Tryton, running  # noqa: E402
from servers.tryton_build import NotReachable  # noqa: E402


@pytest.fixture(scope="session")
def tryton_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tryton]:
    """A Tryton server for all tests of this process; each test brings it back to its beginning."""
    try:
        with running(tmp_path_factory.mktemp("tryton")) as server:
            yield server
    except NotReachable as reason:
        pytest.skip(f"no Tryton server: {reason}")


@pytest.fixture
def tryton(tryton_server: Tryton) -> Tryton:
    """The server, as empty as it was at its beginning."""
    tryton_server.reset()
    return tryton_server
